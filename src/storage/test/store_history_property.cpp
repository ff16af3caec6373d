// SPDX-License-Identifier: Apache-2.0
// A history of commits, with DDL, sequences and commits that do not wait for the disk: what is found after
// the process was killed or power was lost is what stood at one moment of it, not before the last commit that
// was acknowledged.
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

using Key = std::tuple<std::string, std::int64_t, std::int64_t>;

struct Table {
  std::size_t added_columns = 0;
  std::map<Key, std::string> rows;
  friend bool operator==(const Table&, const Table&) = default;
};
using Tables = std::map<TableId, Table>;

class History {
 public:
  History() : files_(std::make_unique<PowerLossFileSystem>()) { open(); }

  void step(std::uint64_t seed) {
    random_.seed(seed);
    switch (below(16)) {
      case 0:
        trace_ += "checkpoint\n";
        return store_->checkpoint();
      case 1:
        return crash(files_->after_process_crash(), "process killed");
      case 2:
        return crash(files_->after_power_loss([&](std::uint64_t n) { return below(n); }), "power lost");
      case 3:
      case 4:
        return take_number();
      default:
        return change();
    }
  }

  void finish() {
    check(read(), moments_.size() - 1, "open");
    crash(files_->after_power_loss([](std::uint64_t) { return 0; }), "power lost at the end");
    // Closed in order, nothing at all is lost.
    store_.reset();
    open();
    check(read(), moments_.size() - 1, "closed and opened");
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void open() {
    options_.files = files_.get();
    options_.row_group_rows = 16;
    options_.log_file_bytes = 4096;
    options_.early_log_bytes = 1500;
    options_.adopted_rows = 60;
    options_.open_chunk_budget_bytes = 128U << 10;
    store_ = Store::open("/store", options_);
  }

  static TableSchema schema_of(TableId id, std::size_t added_columns) {
    // Every third table is plain.
    auto schema = id % 3 == 0 ? plain(id) : trades(id, 40);
    for (ColumnId column = 5; column < 5 + added_columns; ++column) {
      schema.columns.push_back(
          {column, "added" + std::to_string(column), SqlType::of(TypeId::BigInt), false});
    }
    return schema;
  }
  /// Columns that were added hold the value of their default.
  static Batch with_added(const Rows& rows, std::size_t added_columns) {
    Batch out = batch(rows);
    for (std::size_t i = 0; i < added_columns; ++i) {
      Column& column = out.columns.emplace_back(SqlType::of(TypeId::BigInt));
      for (std::size_t row = 0; row < rows.size(); ++row)
        column.append_fixed(static_cast<std::int64_t>(5 + i));
    }
    return out;
  }

  void change() {
    Tables after = moments_.back();
    auto transaction = store_->begin();
    for (std::uint64_t n = 1 + below(3); n > 0; --n) change_one(*transaction, after);
    if (below(8) == 0) {
      trace_ += "rollback\n";
      transaction->rollback();
      return;
    }
    const bool is_synchronous = below(3) != 0;
    trace_ += is_synchronous ? "commit\n" : "commit without waiting\n";
    transaction->commit(is_synchronous);
    // What changes nothing has nothing to wait for.
    if (after == moments_.back()) return;
    moments_.push_back(std::move(after));
    if (is_synchronous) acknowledged_ = moments_.size() - 1;
  }

  void change_one(Transaction& transaction, Tables& tables) {
    const auto kind = below(12);
    if (tables.empty() || (kind == 0 && tables.size() < 5)) {
      const TableId id = store_->next_table_id();
      RC_ASSERT(used_ids_.insert(id).second);
      trace_ += "create " + std::to_string(id) + "; ";
      transaction.create_table(schema_of(id, 0));
      tables[id];
      return;
    }
    auto at = tables.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(tables.size())));
    auto& [id, table] = *at;
    if (kind == 1) {
      trace_ += "drop " + std::to_string(id) + "; ";
      transaction.drop_table(id);
      tables.erase(at);
    } else if (kind == 2 && table.added_columns < 3) {
      trace_ += "alter " + std::to_string(id) + "; ";
      ++table.added_columns;
      const auto column = static_cast<ColumnId>(4 + table.added_columns);
      std::vector<std::pair<ColumnId, Value>> defaults = {{column, Value::of_bigint(column)}};
      transaction.alter_table(schema_of(id, table.added_columns), defaults);
    } else if (kind == 3) {
      trace_ += "truncate " + std::to_string(id) + "; ";
      transaction.truncate(id);
      table.rows.clear();
    } else if (kind <= 5 && !table.rows.empty()) {
      Rows gone;
      for (const auto& [key, price] : table.rows) {
        if (below(3) == 0) gone.emplace_back(std::get<0>(key), std::get<1>(key), std::get<2>(key), "");
      }
      trace_ += "erase " + std::to_string(gone.size()) + " of " + std::to_string(id) + "; ";
      RC_ASSERT(transaction.erase(id, keys(gone)) == gone.size());
      for (const auto& [symbol, time, number, price] : gone) table.rows.erase({symbol, time, number});
    } else {
      Rows rows;
      for (std::uint64_t n = below(6) == 0 ? 90 : 1 + below(5); n > 0; --n) {
        rows.emplace_back("S" + std::to_string(below(3)), static_cast<std::int64_t>(below(150)),
                          static_cast<std::int64_t>(below(2)), std::to_string(below(1000)));
      }
      trace_ += "upsert " + std::to_string(rows.size()) + " into " + std::to_string(id) + "; ";
      transaction.insert(id, with_added(rows, table.added_columns), OnDuplicate::Replace);
      for (const auto& [symbol, time, number, price] : rows) table.rows[{symbol, time, number}] = price;
    }
  }

  void take_number() {
    const auto number = store_->next_sequence_value(700, {}).value();
    RC_ASSERT(number > last_number_);
    last_number_ = number;
  }

  Tables read() {
    Tables found;
    const auto view = store_->read_view();
    for (const TableId id : view->tables()) {
      auto& table = found[id];
      table.added_columns = view->schema(id)->columns.size() - 4;
      const Rows rows = scan_rows(*view, id);
      for (const auto& [symbol, time, number, price] : rows) table.rows[{symbol, time, number}] = price;
      RC_ASSERT(rows.size() == table.rows.size());
      check_added(*view, id, table.added_columns, rows.size());
    }
    return found;
  }

  static void check_added(const ReadView& view, TableId id, std::size_t added_columns,
                          std::size_t row_count) {
    ScanRequest request;
    request.table = id;
    for (ColumnId column = 5; column < 5 + added_columns; ++column) request.columns.push_back(column);
    if (request.columns.empty()) return;
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    ScanBatch read;
    std::size_t rows = 0;
    while (scan->read(*state, read)) {
      rows += read.row_count;
      for (std::size_t i = 0; i < read.columns.size(); ++i) {
        for (std::size_t row = 0; row < read.row_count; ++row) {
          RC_ASSERT(!read.columns[i].is_null(row));
          RC_ASSERT(read.columns[i].fixed<std::int64_t>(row) == static_cast<std::int64_t>(5 + i));
        }
      }
    }
    RC_ASSERT(rows == row_count);
  }

  void check(const Tables& found, std::size_t moment, const std::string& when) {
    const Tables& expected = moments_.at(moment);
    if (found == expected) return;
    std::string text = when + ", moment " + std::to_string(moment) + " of " +
                       std::to_string(moments_.size()) + ", acknowledged " + std::to_string(acknowledged_);
    for (const auto& [id, table] : expected) {
      text += "; table " + std::to_string(id);
      const auto at = found.find(id);
      if (at == found.end()) {
        text += " is missing";
        continue;
      }
      for (const auto& [key, price] : table.rows) {
        const auto row = at->second.rows.find(key);
        if (row == at->second.rows.end() || row->second != price) {
          text += " " + std::get<0>(key) + ":" + std::to_string(std::get<1>(key)) + ":" +
                  std::to_string(std::get<2>(key)) + "=" + price + " is " +
                  (row == at->second.rows.end() ? "missing" : row->second);
        }
      }
      for (const auto& [key, price] : at->second.rows) {
        if (!table.rows.contains(key)) {
          text += " " + std::get<0>(key) + ":" + std::to_string(std::get<1>(key)) + " is unexpected";
        }
      }
      if (at->second.added_columns != table.added_columns) text += " has other columns";
    }
    for (const auto& entry : found) {
      if (!expected.contains(entry.first))
        text += "; table " + std::to_string(entry.first) + " is unexpected";
    }
    RC_FAIL(text + "\n" + trace_);
  }

  void crash(std::unique_ptr<PowerLossFileSystem> survivors, const char* when) {
    trace_ += when;
    trace_ += '\n';
    store_.reset();
    files_ = std::move(survivors);
    open();
    const Tables found = read();
    std::size_t moment = moments_.size() - 1;
    while (moment > acknowledged_ && moments_[moment] != found) --moment;
    check(found, moment, when);
    moments_.resize(moment + 1);
    acknowledged_ = moment;
  }

  StoreOptions options_;
  std::unique_ptr<PowerLossFileSystem> files_;
  std::unique_ptr<Store> store_;
  std::mt19937_64 random_;
  std::vector<Tables> moments_ = {{}};  // after each commit
  std::size_t acknowledged_ = 0;        // the last of them that must not be lost
  std::set<TableId> used_ids_;
  std::int64_t last_number_ = 0;
  std::string trace_;
};

RC_GTEST_PROP(StoreHistory, CrashesLeaveAMomentNotBeforeTheLastThatWasAcknowledged, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 80);
  const auto steps =
      *rc::gen::resize(rc::kNominalSize, rc::gen::container<std::vector<std::uint64_t>>(
                                             count, rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>())));
  History history;
  for (const std::uint64_t seed : steps) history.step(seed);
  history.finish();
}

}  // namespace
}  // namespace tickstone::storage
