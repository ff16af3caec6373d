// SPDX-License-Identifier: Apache-2.0
// Merging segments: how many there are, what a row costs, that nothing is lost on the way.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class StandingClock final : public Clock {
 public:
  std::int64_t monotonic_ns() const override { return now_ns; }
  std::atomic<std::int64_t> now_ns = 1'000'000'000;  // the store's threads look at it
};

constexpr std::int64_t kSecondNs = 1'000'000'000;

class Compaction : public ::testing::Test {
 protected:
  Compaction() {
    options.files = &files;
    options.clock = &clock;
    options.background_compaction = false;
    options.segment_rows = 1000;
    options.log_file_bytes = 64U << 10;
    options.row_group_rows = 64;
    open();
  }
  void open() {
    store.reset();
    store = Store::open("/store", options);
  }
  void create(const TableSchema& schema) {
    auto transaction = store->begin();
    transaction->create_table(schema);
    transaction->commit();
  }
  void insert(TableId table, const Rows& rows, OnDuplicate mode = OnDuplicate::Fail) {
    auto transaction = store->begin();
    transaction->insert(table, batch(rows), mode);
    transaction->commit();
  }
  void seal(TableId table, const Rows& rows, OnDuplicate mode = OnDuplicate::Fail) {
    insert(table, rows, mode);
    store->checkpoint();
  }
  Rows rows_of(TableId table) const { return scan_rows(*store->read_view(), table); }
  std::uint32_t segments_of(TableId table, std::size_t chunk = 0) const {
    return store->read_view()->chunks(table)[chunk].segment_count;
  }
  std::size_t segment_file_count() {
    const auto names = files.list("/store/segments");
    return static_cast<std::size_t>(
        std::count_if(names.begin(), names.end(), [](const auto& name) { return name.ends_with(".seg"); }));
  }
  /// Until another thread has done it.
  template <typename Condition>
  bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  PowerLossFileSystem files;
  StandingClock clock;
  StoreOptions options;
  std::unique_ptr<Store> store;
};

TEST_F(Compaction, KeepsAnActiveChunkAtFewSegments) {
  create(trades(kTrades, 1'000'000));
  Rows expected;
  for (int i = 0; i < 40; ++i) {
    Rows rows;
    for (int n = 0; n < 20; ++n) rows.push_back({"S" + std::to_string(n % 3), i * 100 + n, 0, "1"});
    seal(kTrades, rows);
    store->compact();
    EXPECT_LE(segments_of(kTrades), 4U);
    expected.insert(expected.end(), rows.begin(), rows.end());
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(rows_of(kTrades), expected);
  const auto statistics = store->statistics();
  EXPECT_GT(statistics.compactions, 0U);
  EXPECT_LT(statistics.bytes_written_compactions, 6 * statistics.bytes_written_checkpoints);
}

TEST_F(Compaction, MergesAQuietChunkToOneSegment) {
  create(trades(kTrades));
  for (int i = 0; i < 3; ++i) seal(kTrades, {{"A", i, 0, "1"}, {"B", 2000 + i, 0, "2"}});
  EXPECT_EQ(segments_of(kTrades, 0), 3U);
  store->compact();
  EXPECT_EQ(segments_of(kTrades, 0), 3U);
  clock.now_ns += 61 * kSecondNs;
  store->compact();
  EXPECT_EQ(segments_of(kTrades, 0), 1U);
  EXPECT_EQ(segments_of(kTrades, 1), 3U) << "the newest chunk is about to grow";
  clock.now_ns += 600 * kSecondNs;
  store->compact();
  EXPECT_EQ(segments_of(kTrades, 1), 1U);
  EXPECT_EQ(segment_file_count(), 2U);
  open();
  EXPECT_EQ(rows_of(kTrades).size(), 6U);
}

TEST_F(Compaction, AFewLateRowsDoNotRewriteAQuietChunkAtOnce) {
  create(trades(kTrades));
  Rows rows;
  for (int i = 0; i < 900; ++i) rows.push_back({"A", i, 0, "1"});
  seal(kTrades, rows);
  insert(kTrades, {{"A", 5000, 0, "1"}});  // a newer chunk
  seal(kTrades, {{"B", 5, 0, "1"}});
  clock.now_ns += 61 * kSecondNs;
  store->compact();
  EXPECT_EQ(segments_of(kTrades), 2U);
  clock.now_ns += 3600 * kSecondNs;
  store->compact();
  EXPECT_EQ(segments_of(kTrades), 1U);
  EXPECT_EQ(rows_of(kTrades).size(), 902U);
}

TEST_F(Compaction, CostOfARowDoesNotGrowWithItsTable) {
  // Keys in random order: every flush overlaps all that is there.
  create(plain(kTrades));
  std::mt19937_64 random(7);
  std::vector<std::int64_t> ids(24'000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i);
  std::shuffle(ids.begin(), ids.end(), random);
  double cost_of_half = 0;
  for (std::size_t at = 0; at < ids.size(); at += 500) {
    Rows rows;
    for (std::size_t i = at; i < at + 500; ++i) rows.push_back({"A", 0, ids[i], std::to_string(ids[i])});
    seal(kTrades, rows);
    store->compact();
    EXPECT_LE(store->statistics().compaction_depth, 10U);
    if (at == ids.size() / 2) {
      cost_of_half =
          static_cast<double>(store->statistics().bytes_written_segments) / static_cast<double>(at);
    }
  }
  const auto statistics = store->statistics();
  const double cost =
      static_cast<double>(statistics.bytes_written_segments) / static_cast<double>(ids.size());
  EXPECT_LT(cost, 1.25 * cost_of_half);
  EXPECT_LT(statistics.bytes_written_segments, 10 * statistics.segment_bytes);
  EXPECT_GE(segments_of(kTrades), 24U) << "no segment is larger than it may be";
  const Rows found = rows_of(kTrades);
  ASSERT_EQ(found.size(), ids.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], (Row{"A", 0, static_cast<std::int64_t>(i), std::to_string(i)}));
  }
  open();
  EXPECT_EQ(rows_of(kTrades).size(), ids.size());
}

TEST_F(Compaction, RowsThatOnlyGoToTheEndAreHardlyRewritten) {
  create(plain(kTrades));
  for (int i = 0; i < 60; ++i) {
    Rows rows;
    for (int n = 0; n < 400; ++n) rows.push_back({"A", 0, i * 400 + n, "1"});
    seal(kTrades, rows);
    store->compact();
  }
  const auto statistics = store->statistics();
  EXPECT_LT(statistics.bytes_written_segments, 4 * statistics.segment_bytes);
  EXPECT_EQ(rows_of(kTrades).size(), 24'000U);
}

TEST_F(Compaction, DuplicatesCostOnlyWhatTheyOverlap) {
  create(plain(kTrades));
  for (int i = 0; i < 20; ++i) {
    Rows rows;
    for (int n = 0; n < 1000; ++n) rows.push_back({"A", 0, i * 1000 + n, "1"});
    seal(kTrades, rows);
    store->compact();
  }
  const auto before = store->statistics().bytes_written_segments;
  // The same hundred rows again and again.
  for (int i = 0; i < 30; ++i) {
    Rows rows;
    for (int n = 0; n < 100; ++n) rows.push_back({"A", 0, 5050 + n, std::to_string(i)});
    seal(kTrades, rows, OnDuplicate::Replace);
    store->compact();
  }
  EXPECT_LT(store->statistics().bytes_written_segments - before, store->statistics().segment_bytes);
  const Rows found = rows_of(kTrades);
  ASSERT_EQ(found.size(), 20'000U);
  EXPECT_EQ(std::get<3>(found[5100]), "29");
  EXPECT_EQ(std::get<3>(found[5200]), "1");
}

TEST_F(Compaction, WritesASegmentAnewWhenAFifthOfItsRowsHasEnded) {
  create(trades(kTrades));
  Rows rows;
  for (int i = 0; i < 100; ++i) rows.push_back({"A", i, 0, "1"});
  seal(kTrades, rows);
  auto erase = [&](int first, int count) {
    auto transaction = store->begin();
    transaction->erase(kTrades, keys({rows.begin() + first, rows.begin() + first + count}));
    transaction->commit();
  };
  erase(0, 20);
  store->compact();
  EXPECT_EQ(store->read_view()->chunks(kTrades)[0].rows_sealed, 80U);
  EXPECT_EQ(store->statistics().compactions, 0U);
  erase(20, 1);
  store->compact();
  EXPECT_EQ(store->statistics().compactions, 1U);
  EXPECT_EQ(rows_of(kTrades), Rows(rows.begin() + 21, rows.end()));
  erase(21, 79);
  store->compact();
  EXPECT_EQ(segments_of(kTrades), 0U);
  EXPECT_TRUE(eventually([&] { return segment_file_count() == 0; }));
  open();
  EXPECT_TRUE(rows_of(kTrades).empty());
}

TEST_F(Compaction, RowsThatEndWhileTheyAreCopiedHaveEndedInTheCopy) {
  create(trades(kTrades, 1'000'000));
  Rows rows;
  for (int i = 0; i < 400; ++i) rows.push_back({"A", i, 0, "1"});
  for (int part = 0; part < 8; ++part) {
    Rows some;
    for (int i = part; i < 400; i += 8) some.push_back(rows[static_cast<std::size_t>(i)]);
    seal(kTrades, some);
  }
  // Once the new segment is being synced: one row is erased, another one replaced, a third sealed anew.
  bool is_done = false;
  files.set_hook([&](PowerLossFileSystem::Call call, const std::filesystem::path& path) {
    if (is_done || call != PowerLossFileSystem::Call::Sync || path.extension() != ".seg") return;
    is_done = true;
    auto transaction = store->begin();
    transaction->erase(kTrades, keys({rows[10]}));
    std::get<3>(rows[20]) = "20";
    transaction->update(kTrades, batch({rows[20]}), nullptr);
    transaction->commit();
    store->checkpoint();
    std::get<3>(rows[30]) = "30";
    insert(kTrades, {rows[30]}, OnDuplicate::Replace);
  });
  store->compact();
  files.set_hook({});
  EXPECT_TRUE(is_done);
  rows.erase(rows.begin() + 10);
  EXPECT_EQ(rows_of(kTrades), rows);
  const auto survivors = files.after_power_loss([](std::uint64_t) { return 0; });
  StoreOptions read = options;
  read.files = survivors.get();
  EXPECT_EQ(scan_rows(*Store::open("/store", read)->read_view(), kTrades), rows);
  open();
  EXPECT_EQ(rows_of(kTrades), rows);
}

TEST_F(Compaction, KeepsWhatALongReaderSees) {
  create(trades(kTrades, 1'000'000));
  for (int i = 0; i < 6; ++i) seal(kTrades, {{"A", i, 0, "1"}});
  auto view = store->read_view();
  const Rows before = scan_rows(*view, kTrades);
  store->compact();
  for (int i = 0; i < 6; ++i) seal(kTrades, {{"A", i, 0, "2"}}, OnDuplicate::Replace);
  store->compact();
  EXPECT_EQ(scan_rows(*view, kTrades), before);
  EXPECT_EQ(before.size(), 6U);
  const auto with_reader = segment_file_count();
  view.reset();
  EXPECT_LT(segment_file_count(), with_reader);
}

TEST_F(Compaction, FailureAnywhereInACompactionLosesNothing) {
  create(trades(kTrades, 1'000'000));
  Rows expected;
  for (int i = 0; i < 5; ++i) {
    expected.push_back({"A", i, 0, "1"});
    seal(kTrades, {expected.back()});
  }
  for (int failing = 0;; ++failing) {
    int calls = 0;
    files.set_hook([&](PowerLossFileSystem::Call, const std::filesystem::path&) {
      if (calls++ == failing) throw Error(ErrorCode::IoError, "injected");
    });
    bool has_failed = false;
    try {
      store->compact();
    } catch (const Error&) {
      has_failed = true;
    }
    files.set_hook({});
    EXPECT_EQ(rows_of(kTrades), expected) << failing;
    for (const bool keeps_all : {false, true}) {
      const auto survivors = files.after_power_loss([&](std::uint64_t n) { return keeps_all ? n - 1 : 0; });
      StoreOptions read = options;
      read.files = survivors.get();
      EXPECT_EQ(scan_rows(*Store::open("/store", read)->read_view(), kTrades), expected) << failing;
    }
    if (!has_failed) break;
    // Something to merge again, where the last manifest was in place before its folder could not be synced.
    expected.push_back({"A", 100 + failing, 0, "1"});
    seal(kTrades, {expected.back()});
  }
  EXPECT_LE(segments_of(kTrades), 4U);
}

TEST_F(Compaction, GivesBackTheSpaceOfWhatIsDroppedWithoutACheckpoint) {
  create(trades(kTrades));
  create(plain(kTrades + 1));
  seal(kTrades, {{"A", 1, 0, "1"}, {"A", 1001, 0, "1"}});
  seal(kTrades + 1, {{"A", 1, 0, "1"}});
  EXPECT_EQ(segment_file_count(), 3U);
  const auto checkpoints = store->statistics().checkpoints;
  auto view = store->read_view();
  auto transaction = store->begin();
  transaction->drop_chunks(kTrades, {0, 1000});
  transaction->commit();
  EXPECT_TRUE(eventually([&] { return store->statistics().segments_reclaimed == 1; }));
  EXPECT_EQ(segment_file_count(), 3U) << "a reader needs it";
  EXPECT_EQ(scan_rows(*view, kTrades).size(), 2U);
  view.reset();
  EXPECT_EQ(segment_file_count(), 2U);
  transaction = store->begin();
  transaction->truncate(kTrades);
  transaction->drop_table(kTrades + 1);
  transaction->commit();
  EXPECT_TRUE(eventually([&] { return segment_file_count() == 0; }));
  EXPECT_EQ(store->statistics().checkpoints, checkpoints);
  insert(kTrades, {{"B", 1, 0, "1"}});
  for (const bool keeps_all : {false, true}) {
    const auto survivors = files.after_power_loss([&](std::uint64_t n) { return keeps_all ? n - 1 : 0; });
    StoreOptions read = options;
    read.files = survivors.get();
    const auto reopened = Store::open("/store", read);
    EXPECT_EQ(scan_rows(*reopened->read_view(), kTrades), (Rows{{"B", 1, 0, "1"}}));
    EXPECT_EQ(reopened->read_view()->schema(kTrades + 1), nullptr);
  }
}

TEST_F(Compaction, SegmentsOfTheDroppedAreThereUntilTheLogSaysSo) {
  create(trades(kTrades));
  seal(kTrades, {{"A", 1, 0, "1"}});
  auto transaction = store->begin();
  transaction->truncate(kTrades);
  // Not synced by the commit: whoever removes the files has to see to it.
  transaction->commit(/*synchronous=*/false);
  EXPECT_TRUE(eventually([&] { return segment_file_count() == 0; }));
  const auto survivors = files.after_power_loss([](std::uint64_t) { return 0; });
  StoreOptions read = options;
  read.files = survivors.get();
  EXPECT_TRUE(scan_rows(*Store::open("/store", read)->read_view(), kTrades).empty());
}

TEST_F(Compaction, CheckpointComesWithAge) {
  create(trades(kTrades));
  store->checkpoint();
  insert(kTrades, {{"A", 1, 0, "1"}});
  const auto before = store->statistics().checkpoints;
  clock.now_ns += options.checkpoint_age_us * 1000 + 1;
  EXPECT_TRUE(eventually([&] { return store->statistics().checkpoints > before; }));
  EXPECT_EQ(store->read_view()->chunks(kTrades)[0].rows_open, 0U);
}

}  // namespace
}  // namespace tickstone::storage
