// SPDX-License-Identifier: Apache-2.0
// The store against std::map: any sequence of operations leaves what the map says, in every view ever taken.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "storage/chunk_reshaping.hpp"
#include "storage/taken_rows.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

constexpr TableId kPlain = kTrades + 1;
constexpr TableId kKeyless = kTrades + 2;
constexpr std::int64_t kInterval = 50;

using Key = std::tuple<std::string, std::int64_t, std::int64_t>;

/// The three tables. Rows of the one without primary key go by row id.
struct Model {
  std::map<Key, std::string> trades;
  std::map<Key, std::string> plain;
  std::map<std::int64_t, Row> keyless;
};

Key key_of(const Row& row) { return {std::get<0>(row), std::get<1>(row), std::get<2>(row)}; }

Rows rows_of(const std::map<Key, std::string>& table) {
  Rows rows;
  for (const auto& [key, price] : table) {
    rows.emplace_back(std::get<0>(key), std::get<1>(key), std::get<2>(key), price);
  }
  return rows;
}

Rows rows_of(const std::map<std::int64_t, Row>& table) {
  Rows rows;
  for (const auto& [id, row] : table) rows.push_back(row);
  std::sort(rows.begin(), rows.end());
  return rows;
}

class Machine {
 public:
  Machine(bool with_crashes, std::uint64_t seed) : with_crashes_(with_crashes) {
    files_ = std::make_unique<PowerLossFileSystem>();
    options_.row_group_rows = 16;
    options_.open_chunk_budget_bytes = 96U << 10;
    options_.block_cache_bytes = 64U << 10;
    options_.log_file_bytes = 16U << 10;
    options_.checkpoint_log_bytes = 128U << 10;
    options_.early_log_bytes = 2000;
    options_.adopted_rows = 60;
    random_.seed(seed);
    // Chunks that are cut into slices, or are always quiet, or are merged only when asked.
    options_.segment_rows = below(2) == 0 ? 25 : 4000;
    options_.compaction_quiet_us = below(2) == 0 ? 0 : 60'000'000;
    options_.background_compaction = below(2) == 0;
    options_.early_segment_bytes = below(2) == 0 ? 8000 : 1U << 20;
    reopen();
    auto transaction = store_->begin();
    transaction->create_table(testing_store::trades(kTrades, kInterval));
    transaction->create_table(testing_store::plain(kPlain));
    auto keyless_schema = testing_store::keyless(kKeyless);
    keyless_schema.chunk_interval = kInterval;
    transaction->create_table(keyless_schema);
    transaction->commit();
  }
  ~Machine() { transaction_.reset(); }

  void step(std::uint32_t kind, std::uint64_t seed) {
    random_.seed(seed);
    switch (kind % 30) {
      case 0:
      case 1:
      case 2:
        return insert(OnDuplicate::Fail);
      case 3:
      case 4:
        return insert(OnDuplicate::Skip);
      case 5:
      case 6:
        return insert(OnDuplicate::Replace);
      case 7:
      case 8:
        return update();
      case 9:
      case 10:
        return erase();
      case 11:
        return below(4) == 0 ? truncate() : drop_chunks();
      case 12:
        return savepoint();
      case 13:
        return rollback_to();
      case 14:
      case 15:
      case 16:
        return end_transaction(true);
      case 17:
        return end_transaction(false);
      case 18:
        store_->checkpoint();
        return;
      case 19:
        return restart();
      case 20:
        return keep_view();
      case 21:
        return insert_keyless();
      case 22:
        return change_keyless();
      case 23:
        return write_beside();
      case 24:
        store_->compact();
        return;
      case 25:
        return release();
      case 26:
      case 27:
        return reshape();
      case 28:
      case 29:
        return lone_row();
    }
  }

  void check() {
    check_view(*current_view(), working(), true);
    for (const auto& [view, model] : kept_) check_view(*view, model, false);
  }

  void finish() {
    end_transaction(true);
    check();
    kept_.clear();
    reopen();
    check();
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  Model& working() { return transaction_ != nullptr ? mine_ : committed_; }

  std::shared_ptr<const ReadView> current_view() {
    return transaction_ != nullptr ? transaction_->read_view() : store_->read_view();
  }

  Transaction& transaction() {
    if (transaction_ == nullptr) {
      transaction_ = store_->begin();
      mine_ = committed_;
      hides_others_ = false;
    }
    return *transaction_;
  }

  void reopen() {
    transaction_.reset();
    store_.reset();
    options_.files = files_.get();
    store_ = Store::open("/store", options_);
  }

  std::string price() {
    switch (below(40)) {
      case 0:
        return "";
      case 1:
        return "0.00000001";
      case 2:
        return "123456789012";
      case 3:
        return "-98765432109876.5";
      default:
        return format_decimal({static_cast<Int128>(below(100000)), 2});
    }
  }

  Row any_row(bool ascending) {
    const std::int64_t base = ascending ? next_time_ += static_cast<std::int64_t>(below(3))
                                        : static_cast<std::int64_t>(below(300)) - 50;
    return {"S" + std::to_string(below(4)), base, static_cast<std::int64_t>(below(3)), price()};
  }

  Rows any_rows(const std::map<Key, std::string>& table) {
    Rows rows;
    const bool ascending = below(2) == 0;
    const std::size_t count = below(8) == 0 ? 80 : 1 + below(6);
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back(any_row(ascending));
      if (!table.empty() && below(6) == 0) {
        auto at = table.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(below(table.size())));
        if (std::get<0>(at->first).front() == 'Z') continue;  // others' rows, who would wait for ours
        rows.push_back({std::get<0>(at->first), std::get<1>(at->first), std::get<2>(at->first), price()});
      }
    }
    return rows;
  }

  TableId any_table() { return below(3) == 0 ? kPlain : kTrades; }
  std::map<Key, std::string>& table_of(Model& model, TableId id) {
    return id == kPlain ? model.plain : model.trades;
  }

  void insert(OnDuplicate mode) {
    const TableId id = any_table();
    transaction();
    auto& table = table_of(mine_, id);
    insert(mode, id, any_rows(table));
  }

  /// Half of the time the store takes the rows over.
  Transaction::InsertResult put(TableId id, const Rows& rows, OnDuplicate mode) {
    auto& transaction = this->transaction();
    if (below(2) == 0) return transaction.insert(id, batch(rows), mode);
    return TakenRows::of(transaction).insert_taken(id, batch(rows), mode);
  }

  /// A transaction whose first statement writes a single row; often it is the only one.
  void lone_row() {
    end_transaction(below(4) != 0);
    const TableId id = any_table();
    transaction();
    Rows rows = any_rows(table_of(mine_, id));
    rows = {rows.back()};
    if (const Rows there = some_keys(table_of(mine_, id)); below(2) == 0) rows = {there.front()};
    insert(static_cast<OnDuplicate>(below(3)), id, rows);
    switch (below(8)) {
      case 0:
        return;
      case 1:
        insert(static_cast<OnDuplicate>(below(3)));
        break;
      case 2:
        write_beside();
        break;
      case 3:
        savepoint();
        break;
      default:
        break;
    }
    end_transaction(below(6) != 0);
  }

  void insert(OnDuplicate mode, TableId id, const Rows& rows) {
    transaction();
    auto& table = table_of(mine_, id);
    auto after = table;
    std::vector<std::uint32_t> skipped;
    bool fails = false;
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
      const Key key = key_of(rows[i]);
      if (mode == OnDuplicate::Replace || !after.contains(key)) {
        after[key] = std::get<3>(rows[i]);
      } else {
        fails = true;
        skipped.push_back(i);
      }
    }
    if (mode == OnDuplicate::Fail && fails) {
      try {
        put(id, rows, mode);
        RC_FAIL("a duplicate key was taken");
      } catch (const Error& error) {
        RC_ASSERT(error.code() == ErrorCode::UniqueViolation);
      }
      return;
    }
    const auto result = put(id, rows, mode);
    if (mode == OnDuplicate::Skip) {
      RC_ASSERT(result.skipped == skipped);
      RC_ASSERT(result.inserted == rows.size() - skipped.size());
    }
    table = std::move(after);
  }

  /// Keys that are there, and some that are not.
  Rows some_keys(const std::map<Key, std::string>& table) {
    std::map<Key, std::string> chosen;
    const std::size_t count = below(6) == 0 ? 50 : 1 + below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (table.empty() || below(5) == 0) {
        chosen[key_of(any_row(false))] = price();
      } else {
        auto at = table.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(below(table.size())));
        if (std::get<0>(at->first).front() != 'Z') chosen[at->first] = price();
      }
    }
    Rows rows = testing_rows(chosen);
    std::shuffle(rows.begin(), rows.end(), random_);
    return rows;
  }
  static Rows testing_rows(const std::map<Key, std::string>& table) {
    return tickstone::storage::rows_of(table);
  }

  void update() {
    const TableId id = any_table();
    auto& transaction = this->transaction();
    auto& table = table_of(mine_, id);
    const Rows rows = some_keys(table);
    transaction.update(id, batch(rows), nullptr);
    for (const auto& row : rows) {
      const auto found = table.find(key_of(row));
      if (found != table.end()) found->second = std::get<3>(row);
    }
  }

  void erase() {
    const TableId id = any_table();
    auto& transaction = this->transaction();
    auto& table = table_of(mine_, id);
    const Rows rows = some_keys(table);
    std::uint64_t expected = 0;
    for (const auto& row : rows) expected += table.erase(key_of(row));
    RC_ASSERT(transaction.erase(id, keys(rows)) == expected);
  }

  void truncate() {
    const TableId id = any_table();
    transaction().truncate(id);
    hides_others_ = true;
    table_of(mine_, id).clear();
  }

  void drop_chunks() {
    std::int64_t start = static_cast<std::int64_t>(below(300)) - 100;
    std::int64_t end = start + static_cast<std::int64_t>(below(200));
    // Beside chunks of other ranges, what a chunk to come takes up depends on when its first row came.
    if (has_reshaped_) {
      start = start / kInterval * kInterval;
      end = end / kInterval * kInterval;
    }
    const auto chunks = transaction().read_view()->chunks(kTrades);
    transaction().drop_chunks(kTrades, {start, end});
    hides_others_ = true;
    std::erase_if(mine_.trades, [&](const auto& entry) {
      const std::int64_t time = std::get<1>(entry.first);
      const std::int64_t cell =
          (time >= 0 ? time / kInterval : -((-time + kInterval - 1) / kInterval)) * kInterval;
      TimeRange range{cell, cell + kInterval};
      for (const auto& chunk : chunks) {
        if (time >= chunk.range.start && time < chunk.range.end) range = chunk.range;
      }
      return range.start >= start && range.end <= end;
    });
  }

  /// Merges a few chunks, or splits one.
  void reshape() {
    auto& transaction = this->transaction();
    const auto chunks = transaction.read_view()->chunks(kTrades);
    if (chunks.empty()) return;
    const std::size_t at = below(chunks.size());
    std::vector<TimeRange> ranges = {chunks[at].range};
    if (below(2) == 0) {
      for (std::size_t next = at + 1; next < std::min(chunks.size(), at + 3); ++next) {
        if (chunks[next].range.start == ranges[0].end) ranges[0].end = chunks[next].range.end;
      }
    } else {
      const std::int64_t length = ranges[0].end - ranges[0].start;
      if (length < 2) return;
      const std::int64_t middle =
          ranges[0].start + 1 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(length - 1)));
      ranges.push_back({middle, ranges[0].end});
      ranges[0].end = middle;
    }
    try {
      ChunkReshaping::of(transaction).reshape_chunks(kTrades, ranges);
    } catch (const Error& error) {
      // The transaction has rows there, or others have written meanwhile.
      RC_ASSERT(error.code() == ErrorCode::ObjectNotInPrerequisiteState ||
                error.code() == ErrorCode::SerializationFailure);
      return;
    }
    hides_others_ = true;
    has_reshaped_ = true;
    const auto made = transaction.read_view()->chunks(kTrades);
    for (const auto& range : ranges) {
      RC_ASSERT(std::count_if(made.begin(), made.end(),
                              [&](const auto& chunk) { return chunk.range == range; }) == 1);
    }
  }

  static void check_chunks(const ReadView& view) {
    std::set<std::uint32_t> numbers;
    std::int64_t last_end = INT64_MIN;
    for (const auto& chunk : view.chunks(kTrades)) {
      RC_ASSERT(chunk.range.start >= last_end);
      RC_ASSERT(chunk.range.end > chunk.range.start);
      RC_ASSERT(numbers.insert(chunk.number).second);
      last_end = chunk.range.end;
    }
  }

  void savepoint() {
    const auto position = transaction().savepoint();
    savepoints_.emplace_back(position, mine_);
  }

  void rollback_to() {
    if (transaction_ == nullptr || savepoints_.empty()) return;
    const std::size_t at = below(savepoints_.size());
    transaction_->rollback_to(savepoints_[at].first);
    mine_ = savepoints_[at].second;
    savepoints_.resize(at + 1);
    // Views of what was rolled back are gone with it.
    std::erase_if(kept_, [&](const auto& kept) { return own_views_.contains(kept.first.get()); });
  }

  void release() {
    if (transaction_ == nullptr || savepoints_.empty()) return;
    const std::size_t at = below(savepoints_.size());
    transaction_->release(savepoints_[at].first);
    savepoints_.erase(savepoints_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void end_transaction(bool commits) {
    if (transaction_ == nullptr) return;
    if (commits) {
      transaction_->commit();
      committed_ = mine_;
    } else {
      transaction_->rollback();
    }
    transaction_.reset();
    savepoints_.clear();
    std::erase_if(kept_, [&](const auto& kept) { return own_views_.contains(kept.first.get()); });
    own_views_.clear();
  }

  void restart() {
    kept_.clear();
    own_views_.clear();
    savepoints_.clear();
    if (!with_crashes_ || below(3) == 0) {
      reopen();
      return;
    }
    auto survivors = files_->after_power_loss([&](std::uint64_t n) { return below(n); });
    transaction_.reset();
    store_.reset();
    files_ = std::move(survivors);
    reopen();
  }

  void keep_view() {
    if (kept_.size() >= 6) kept_.erase(kept_.begin());
    if (below(2) == 0 || transaction_ == nullptr) {
      kept_.emplace_back(store_->read_view(), committed_);
      return;
    }
    kept_.emplace_back(transaction_->read_view(), mine_);
    own_views_.insert(kept_.back().first.get());
  }

  void insert_keyless() {
    Rows rows;
    for (std::size_t i = 0; i < 1 + below(5); ++i) rows.push_back(any_row(false));
    const auto result = transaction().insert(kKeyless, batch(rows), OnDuplicate::Fail);
    RC_ASSERT(result.inserted == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto id = result.first_row_id + static_cast<std::int64_t>(i);
      RC_ASSERT(!mine_.keyless.contains(id));
      mine_.keyless[id] = rows[i];
    }
  }

  void change_keyless() {
    auto& transaction = this->transaction();
    if (mine_.keyless.empty()) return;
    auto at = mine_.keyless.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(mine_.keyless.size())));
    if (below(2) == 0) {
      Batch key;
      key.columns = {Column(SqlType::of(TypeId::TimestampTz)), Column(SqlType::of(TypeId::BigInt))};
      key.columns[0].append_fixed(std::get<1>(at->second));
      key.columns[1].append_fixed(at->first);
      RC_ASSERT(transaction.erase(kKeyless, key) == 1U);
      mine_.keyless.erase(at);
    } else {
      std::get<3>(at->second) = price();
      const std::vector<std::int64_t> ids = {at->first};
      transaction.update(kKeyless, batch({at->second}), &ids);
    }
  }

  /// Another transaction commits rows of its own symbols while ours is open.
  void write_beside() {
    Rows rows;
    for (std::size_t i = 0; i < 1 + below(4); ++i) {
      Row row = any_row(below(2) == 0);
      std::get<0>(row) = "Z" + std::get<0>(row);
      rows.push_back(row);
    }
    const TableId id = any_table();
    // A transaction that truncated the table or dropped chunks ends others' rows there, whenever they come.
    if (transaction_ != nullptr && hides_others_) return;
    auto other = store_->begin();
    other->insert(id, batch(rows), OnDuplicate::Replace);
    other->commit(below(4) != 0 || with_crashes_);
    for (const auto& row : rows) {
      table_of(committed_, id)[key_of(row)] = std::get<3>(row);
      if (transaction_ == nullptr) continue;
      table_of(mine_, id)[key_of(row)] = std::get<3>(row);
      for (auto& [position, model] : savepoints_) table_of(model, id)[key_of(row)] = std::get<3>(row);
    }
  }

  /// Who reads in the order of time, keeps the first few and says how far they reach misses none.
  void check_first_rows(const ReadView& view, TableId table, const std::vector<ColumnPredicate>& predicates,
                        Rows expected) {
    const bool is_descending = below(2) == 0;
    const bool is_inclusive = below(2) == 0;
    const std::size_t most = 1 + below(12);
    const auto precedes = [&](const Row& a, const Row& b) {
      const auto key = [](const Row& row) {
        return std::tuple(std::get<1>(row), std::get<0>(row), std::get<2>(row), std::get<3>(row));
      };
      return is_descending ? key(a) > key(b) : key(a) < key(b);
    };
    std::sort(expected.begin(), expected.end(), precedes);
    const std::set<Row> all(expected.begin(), expected.end());
    if (expected.size() > most) expected.resize(most);
    ScanRequest request;
    request.table = table;
    request.columns = {1, 2, 3, 4};
    request.predicates = predicates;
    request.order = is_descending ? ScanOrder::TimeDescending : ScanOrder::TimeAscending;
    request.first_batch_rows = 1 + static_cast<std::uint32_t>(below(40));
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    Rows kept;
    ScanBatch read;
    while (scan->read(*state, read)) {
      for (std::size_t i = 0; i < read.row_count; ++i) {
        Row row = tickstone::storage::testing_store::row_at(read.columns, i);
        if (all.contains(row)) kept.push_back(std::move(row));  // what the predicates leave is the caller's
      }
      std::sort(kept.begin(), kept.end(), precedes);
      if (kept.size() < most) continue;
      kept.resize(most);
      ColumnPredicate bound;
      bound.column = 2;
      (is_descending ? bound.lower : bound.upper) =
          ColumnPredicate::Bound{Value::of_timestamptz(std::get<1>(kept.back())), is_inclusive};
      scan->tighten(bound);
    }
    RC_ASSERT(kept.size() == expected.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      RC_ASSERT(std::get<1>(kept[i]) == std::get<1>(expected[i]));
      if (is_inclusive) RC_ASSERT(kept[i] == expected[i]);
    }
  }

  void check_view(const ReadView& view, const Model& model, bool in_depth) {
    RC_ASSERT(scan_rows(view, kTrades) == tickstone::storage::rows_of(model.trades));
    RC_ASSERT(scan_rows(view, kPlain) == tickstone::storage::rows_of(model.plain));
    RC_ASSERT(scan_rows(view, kKeyless) == tickstone::storage::rows_of(model.keyless));
    check_chunks(view);
    RC_ASSERT(view.row_count(kTrades) == model.trades.size());
    RC_ASSERT(view.row_count(kPlain) == model.plain.size());
    RC_ASSERT(view.row_count(kKeyless) == model.keyless.size());
    if (!in_depth) return;
    // Predicates leave out no row that matches.
    const std::string symbol = "S" + std::to_string(below(4));
    const std::int64_t start = static_cast<std::int64_t>(below(300)) - 50;
    const std::int64_t end = start + static_cast<std::int64_t>(below(100));
    ColumnPredicate by_symbol;
    by_symbol.column = 1;
    by_symbol.lower = by_symbol.upper = ColumnPredicate::Bound{Value::of_text(symbol), true};
    ColumnPredicate by_time;
    by_time.column = 2;
    by_time.lower = ColumnPredicate::Bound{Value::of_timestamptz(start), true};
    by_time.upper = ColumnPredicate::Bound{Value::of_timestamptz(end), false};
    std::vector<ColumnPredicate> predicates;
    const bool filters_symbol = below(3) != 0;
    const bool filters_time = below(3) != 0;
    if (filters_symbol) predicates.push_back(by_symbol);
    if (filters_time) predicates.push_back(by_time);
    auto matching = [&](Rows rows) {
      std::erase_if(rows, [&](const Row& row) {
        return (filters_symbol && std::get<0>(row) != symbol) ||
               (filters_time && (std::get<1>(row) < start || std::get<1>(row) >= end));
      });
      return rows;
    };
    RC_ASSERT(matching(scan_rows(view, kTrades, predicates)) ==
              matching(tickstone::storage::rows_of(model.trades)));
    RC_ASSERT(matching(scan_rows(view, kPlain, predicates)) ==
              matching(tickstone::storage::rows_of(model.plain)));
    check_first_rows(view, kTrades, predicates, matching(tickstone::storage::rows_of(model.trades)));
    check_first_rows(view, kPlain, predicates, matching(tickstone::storage::rows_of(model.plain)));
    check_first_rows(view, kKeyless, predicates, matching(tickstone::storage::rows_of(model.keyless)));
    for (const TableId id : {kTrades, kPlain}) {
      const auto& table = id == kPlain ? model.plain : model.trades;
      const Rows asked = some_keys(table);
      const auto result = view.lookup(id, keys(asked));
      const auto columns = [&] {
        std::vector<ColumnView> views;
        for (const auto& column : result.rows.columns) views.push_back(column.view());
        return views;
      }();
      for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto found = table.find(key_of(asked[i]));
        RC_ASSERT((result.found[i] >= 0) == (found != table.end()));
        if (found == table.end()) continue;
        const Row row = row_at(columns, static_cast<std::size_t>(result.found[i]));
        RC_ASSERT(key_of(row) == found->first);
        RC_ASSERT(std::get<3>(row) == found->second);
      }
    }
  }

  bool with_crashes_;
  StoreOptions options_;
  std::unique_ptr<PowerLossFileSystem> files_;
  std::unique_ptr<Store> store_;
  std::mt19937_64 random_;
  std::int64_t next_time_ = 0;
  Model committed_;
  std::unique_ptr<Transaction> transaction_;
  Model mine_;
  bool hides_others_ = false;
  bool has_reshaped_ = false;
  std::vector<std::pair<Transaction::Savepoint, Model>> savepoints_;
  std::vector<std::pair<std::shared_ptr<const ReadView>, Model>> kept_;
  std::set<const ReadView*> own_views_;
};

void run(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& steps, bool with_crashes) {
  Machine machine(with_crashes, steps.empty() ? 0 : steps.front().second);
  std::size_t since_check = 0;
  for (const auto& [kind, seed] : steps) {
    machine.step(kind, seed);
    if (++since_check == 5) {
      since_check = 0;
      machine.check();
    }
  }
  machine.finish();
}

/// Steps are made from seeds, so that leaving some out changes no other.
std::vector<std::pair<std::uint32_t, std::uint64_t>> any_steps() {
  const auto count = *rc::gen::inRange<std::size_t>(1, 160);
  return *rc::gen::resize(rc::kNominalSize,
                          rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint64_t>>>(
                              count, rc::gen::pair(rc::gen::inRange<std::uint32_t>(0, 28),
                                                   rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()))));
}

RC_GTEST_PROP(StoreModel, HoldsWhatWasWritten, ()) { run(any_steps(), false); }

RC_GTEST_PROP(StoreModel, HoldsWhatWasCommittedThroughPowerLosses, ()) { run(any_steps(), true); }

}  // namespace
}  // namespace tickstone::storage
