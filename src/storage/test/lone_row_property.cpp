// SPDX-License-Identifier: Apache-2.0
// A transaction that begins with one row, taken over, against the same transaction whose rows are copied: the
// same results, errors, views, changed times and rows, also after a crash.
#include <memory>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/changed_times.hpp"
#include "storage/commit_record.hpp"
#include "storage/key_codec.hpp"
#include "storage/numeric_layout.hpp"
#include "storage/taken_rows.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

constexpr TableId kPlain = kTrades + 1;
constexpr TableId kKeyless = kTrades + 2;

/// One of two stores that are to be alike.
class Side {
 public:
  explicit Side(bool takes) : takes_(takes) {
    options_.log_file_bytes = 1U << 20;
    options_.row_group_rows = 16;
    open();
    auto transaction = store_->begin();
    transaction->create_table(trades(kTrades, 50));
    transaction->create_table(plain(kPlain));
    transaction->create_table(keyless(kKeyless));
    transaction->commit();
  }

  /// Of what was not synced chance decides.
  void crash() {
    std::mt19937_64 random(7);
    auto survivors = files_->after_power_loss([&](std::uint64_t n) { return random() % n; });
    store_.reset();
    files_ = std::move(survivors);
    open();
  }
  /// Whether any was.
  bool insert(Transaction& transaction, TableId id, const Rows& rows, OnDuplicate mode) {
    std::uint64_t inserted = 0;
    note([&] {
      const auto result = takes_ ? TakenRows::of(transaction).insert_taken(id, batch(rows), mode)
                                 : transaction.insert(id, batch(rows), mode);
      inserted = result.inserted;
      said += " row id " + std::to_string(result.first_row_id);
      said += " inserted " + std::to_string(result.inserted) + ", skipped " +
              std::to_string(result.skipped.size());
    });
    return inserted > 0;
  }
  template <typename Action>
  bool note(Action&& action) {
    try {
      action();
      return true;
    } catch (const Error& error) {
      said += " " + error.message() + " " + error.detail();
      return false;
    }
  }
  void look(const ReadView& view) {
    for (const TableId id : {kTrades, kPlain, kKeyless}) {
      for (const auto& [symbol, time, number, price] : scan_rows(view, id))
        said += "\n" + symbol + " " + std::to_string(time) + " " + std::to_string(number) + " " + price;
      said += "\n" + std::to_string(view.row_count(id));
    }
    ScanRequest request;
    request.table = kKeyless;
    request.columns = {kRowIdColumn};
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    ScanBatch read;
    std::set<std::int64_t> ids;
    while (scan->read(*state, read)) {
      for (std::size_t row = 0; row < read.row_count; ++row)
        ids.insert(read.columns[0].fixed<std::int64_t>(row));
    }
    for (const auto id : ids) said += " " + std::to_string(id);
  }
  Store& store() { return *store_; }

  std::string said;

 private:
  void open() {
    options_.files = files_.get();
    store_ = Store::open("/store", options_);
  }

  bool takes_;
  StoreOptions options_;
  std::unique_ptr<PowerLossFileSystem> files_ = std::make_unique<PowerLossFileSystem>();
  std::unique_ptr<Store> store_;
};

class Scenario {
 public:
  explicit Scenario(std::uint64_t seed) : random_(seed) {}

  void run(Side& side) {
    auto& store = side.store();
    for (std::uint64_t batches = below(4); batches > 0; --batches) {
      const auto transaction = store.begin();
      transaction->insert(below(2) == 0 ? kTrades : kPlain, batch(some_rows(20)), OnDuplicate::Replace);
      transaction->commit();
      if (below(3) == 0) store.checkpoint();
      if (below(3) == 0) {
        const auto erasing = store.begin();
        erasing->erase(kTrades, keys(some_rows(5)));
        erasing->commit();
      }
    }
    for (int round = 0; round < 4; ++round) one_transaction(side);
    side.look(*store.read_view());
    side.crash();
    side.look(*side.store().read_view());
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  Row some_row() {
    const char* const prices[] = {"", "1.25", "3", "1.250", "0.000001", "12345678901234567890"};
    // Few keys, so that many are there already.
    return {"S" + std::to_string(below(2)), static_cast<std::int64_t>(below(12) * 10),
            static_cast<std::int64_t>(below(2)), prices[below(12) == 0 ? 4 + below(2) : below(4)]};
  }
  Rows some_rows(std::size_t most) {
    Rows rows;
    for (std::uint64_t count = 1 + below(most); count > 0; --count) rows.push_back(some_row());
    return rows;
  }

  void one_transaction(Side& side) {
    auto& store = side.store();
    const auto transaction = store.begin();
    // Locks alone, or what was taken back, are nothing written.
    if (below(5) == 0)
      transaction->lock(kTrades, keys(some_rows(3)), store.read_view()->seq(), LockMode::Update);
    if (below(5) == 0) {
      const auto savepoint = transaction->savepoint();
      if (below(2) == 0) transaction->insert(kTrades, batch(some_rows(3)), OnDuplicate::Replace);
      if (below(2) == 0) transaction->rollback_to(savepoint);
      if (below(2) == 0) transaction->release(savepoint);
    }
    const TableId id = kTrades + static_cast<TableId>(below(3));
    const Row row = some_row();
    // A row that was skipped is nothing written; of those that are copied something stays to be told.
    const auto mode = id == kKeyless ? OnDuplicate::Fail : static_cast<OnDuplicate>(below(3));
    if (side.insert(*transaction, id, {row}, mode)) {
      EXPECT_TRUE(transaction->has_writes());
      EXPECT_TRUE(ChangeReport::of(*transaction).has_changes(id));
    }
    for (std::uint64_t steps = below(3); steps > 0; --steps) another_step(side, *transaction, id, row);
    if (below(6) == 0) {
      transaction->rollback();
    } else {
      side.note([&] { transaction->commit(); });
    }
    if (below(4) == 0) store.checkpoint();
  }

  void another_step(Side& side, Transaction& transaction, TableId id, const Row& row) {
    switch (below(12)) {
      case 0:
        side.look(*transaction.read_view());
        return;
      case 1:
        side.insert(transaction, kTrades, some_rows(2), static_cast<OnDuplicate>(below(3)));
        return;
      case 2:
        side.said += " erased " + std::to_string(transaction.erase(kTrades, keys({some_row()})));
        return;
      case 3: {
        const auto savepoint = transaction.savepoint();
        side.insert(transaction, kTrades, {some_row()}, static_cast<OnDuplicate>(below(3)));
        if (below(2) == 0) transaction.rollback_to(savepoint);
        transaction.release(savepoint);
        return;
      }
      case 4: {
        if (id == kPlain) return;  // whose changes are of no time; a row that was skipped may be one or none
        ChangedTimes asked;
        asked.within.end = 60;
        asked.width = 10;
        auto& changes = ChangeReport::of(transaction);
        for (const auto& range : changes.changed_times(id, asked))
          side.said += " [" + std::to_string(range.start) + ", " + std::to_string(range.end) + ")";
        return;
      }
      case 5:
        side.said +=
            transaction.lock(kTrades, keys({some_row()}), UINT64_MAX, LockMode::Update) ? " waited" : "";
        return;
      case 6:
        transaction.update(kTrades, batch({some_row()}), nullptr);
        return;
      case 7:
        write_unlocked(side, id, row);
        return;
      case 8:
        transaction.truncate(kTrades);
        return;
      case 9:
      case 10:
        side.insert(transaction, kPlain, {some_row()}, static_cast<OnDuplicate>(below(3)));
        return;
      case 11:
        side.insert(transaction, kKeyless, {some_row()}, OnDuplicate::Fail);
        return;
    }
  }

  /// More rows than are locked one by one, all new, and maybe one with the key of ours: first come, first
  /// served.
  void write_unlocked(Side& side, TableId id, const Row& row) {
    if (id == kKeyless) return;
    Rows rows;
    for (std::int64_t i = 0; i < 300; ++i)
      rows.emplace_back("T", 1000 * static_cast<std::int64_t>(below(1000)) + i, i, "7");
    const auto is_there = [&] {
      return side.store().read_view()->lookup(id, keys({row})).found.front() >= 0;
    };
    if (below(2) == 0 && !is_there()) rows.push_back(row);
    const auto other = side.store().begin();
    other->set_lock_timeout(std::chrono::milliseconds(1));
    side.note([&] {
      other->insert(id, batch(rows), OnDuplicate::Replace);
      other->commit();
    });
  }

  std::mt19937_64 random_;
};

TEST(LoneRow, IsWrittenAsAnyOther) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Side taking(true), copying(false);
    Scenario(seed).run(taking);
    Scenario(seed).run(copying);
    ASSERT_EQ(taking.said, copying.said) << "seed " << seed;
  }
}

/// Who finds its key taken when it commits: refused, left out, or put in the place of the other.
TEST(LoneRow, YieldsToWhoWasFirstWithoutALock) {
  for (const bool takes : {true, false}) {
    for (const auto mode : {OnDuplicate::Fail, OnDuplicate::Skip, OnDuplicate::Replace}) {
      Side side(takes);
      const auto mine = side.store().begin();
      side.insert(*mine, kTrades, {{"S", 10, 1, "1"}}, mode);
      Rows rows = {{"S", 10, 1, "2"}};
      for (std::int64_t i = 0; i < 300; ++i) rows.emplace_back("T", i, i, "7");
      const auto other = side.store().begin();
      other->insert(kTrades, batch(rows), OnDuplicate::Fail);
      other->commit();
      const bool commits = side.note([&] { mine->commit(); });
      EXPECT_EQ(commits, mode != OnDuplicate::Fail) << side.said;
      for (const bool after_crash : {false, true}) {
        if (after_crash) side.crash();
        const auto found = scan_rows(*side.store().read_view(), kTrades);
        ASSERT_EQ(found.size(), 301U);
        EXPECT_EQ(std::get<3>(found.front()), mode == OnDuplicate::Replace ? "1" : "2");
      }
    }
  }
}

TEST(LoneRow, IsLoggedAsOneOfMany) {
  const Batch rows = batch({{"S1", 5, 7, "1.25"}});
  Batch numbered = batch({{"S2", 6, 8, ""}});
  numbered.columns.emplace_back(SqlType::of(TypeId::BigInt)).append_fixed<std::int64_t>(99);
  CommitRecord commit;
  commit.transaction = 42;
  commit.time_us = 1234567;
  LoggedTable table;
  table.table = kTrades;
  table.rows.push_back({kTrades, {1, 2, 3, 4}, 0, 0, rows});
  commit.tables.push_back(std::move(table));
  LoggedTable second;
  second.table = kKeyless;
  second.rows.push_back({kKeyless, {1, 2, 3, 4, kRowIdColumn}, 0, 0, numbered});
  commit.tables.push_back(std::move(second));
  ByteWriter ordinary, lone;
  put_commit(commit, ordinary);
  const TableSchema schemas[] = {trades(kTrades), keyless(kKeyless)};
  const RowsOfTable tables[] = {{&schemas[0], &rows}, {&schemas[1], &numbered}};
  put_row_commit(42, 1234567, tables, lone);
  EXPECT_TRUE(std::ranges::equal(ordinary.bytes(), lone.bytes()));
}

TEST(NumericLayout, HoldsWhatItNeedNotGrowFor) {
  std::mt19937_64 random(20261128);
  const TableSchema schema = trades(kTrades);
  int kept = 0, grown = 0;
  for (int round = 0; round < 5000; ++round) {
    const auto any = [&] {
      std::string text(1 + random() % 12, '0');
      for (char& digit : text) digit = static_cast<char>('0' + random() % 10);
      if (random() % 2 == 0) text += "." + std::string(random() % 4, '0') + std::to_string(random() % 1000);
      if (random() % 4 == 0) text.insert(0, "-");
      return random() % 10 == 0 ? std::string() : text;
    };
    const Batch before = batch({{"S", 1, 1, any()}, {"S", 1, 2, any()}}), after = batch({{"S", 1, 3, any()}});
    const auto layout = widened_for(initial_table_layout(schema), schema, views_of(before));
    const bool is_kept = widened_for(layout, schema, views_of(after)) == layout;
    EXPECT_EQ(holds(layout, schema, views_of(after)), is_kept);
    ++(is_kept ? kept : grown);
  }
  EXPECT_GT(kept, 500);
  EXPECT_GT(grown, 500);
}

}  // namespace
}  // namespace tickstone::storage
