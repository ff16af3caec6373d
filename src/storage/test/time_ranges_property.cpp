// SPDX-License-Identifier: Apache-2.0
// Sets of times against sets of integers; scans of some times; what a transaction says it changes.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "storage/changed_times.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/time_ranges.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

constexpr int kTimes = 60;

TimeRanges some_ranges() {
  TimeRanges ranges;
  const int count = *rc::gen::inRange(0, 8);
  for (int i = 0; i < count; ++i) {
    const std::int64_t start = *rc::gen::inRange(0, kTimes);
    ranges.push_back({start, start + *rc::gen::inRange(0, 9)});
  }
  return ranges;
}

std::set<std::int64_t> times_in(const TimeRanges& ranges) {
  std::set<std::int64_t> times;
  for (const auto& range : ranges) {
    for (std::int64_t time = range.start; time < range.end; ++time) times.insert(time);
  }
  return times;
}

bool is_normal(const TimeRanges& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].start >= ranges[i].end || (i > 0 && ranges[i].start <= ranges[i - 1].end)) return false;
  }
  return true;
}

TEST(TimeRanges, AreSetsOfTimes) {
  EXPECT_TRUE(rc::check([] {
    TimeRanges a = some_ranges(), b = some_ranges();
    const auto times = times_in(a);
    normalize(a);
    normalize(b);
    RC_ASSERT(is_normal(a));
    RC_ASSERT(times_in(a) == times);
    std::set<std::int64_t> both, left;
    for (const auto time : times) {
      (contains(b, time) ? both : left).insert(time);
      RC_ASSERT(contains(b, time) == times_in(b).contains(time));
    }
    RC_ASSERT(times_in(intersection(a, b)) == both);
    TimeRanges without = a;
    for (const auto& range : b) without = difference(without, range);
    RC_ASSERT(times_in(without) == left);
    const std::int64_t min = *rc::gen::inRange(0, kTimes), max = min + *rc::gen::inRange(0, 5);
    RC_ASSERT(overlaps(a, min, max) == (times.lower_bound(min) != times.upper_bound(max)));
    TimeRanges coarse = a;
    const auto most = *rc::gen::inRange<std::size_t>(1, 5);
    coarsen(coarse, most);
    RC_ASSERT(coarse.size() <= most);
    RC_ASSERT(is_normal(coarse));
    for (const auto time : times) RC_ASSERT(contains(coarse, time));
  }));
}

TEST(TimeRanges, TheEndsOfTimeAreInThem) {
  TimeRanges all{{}};
  EXPECT_TRUE(contains(all, INT64_MAX));
  EXPECT_TRUE(contains(all, INT64_MIN));
  EXPECT_EQ(difference(all, {0, 10}), (TimeRanges{{INT64_MIN, 0}, {10, INT64_MAX}}));
  EXPECT_EQ(difference(all, {}), TimeRanges{});
  EXPECT_EQ(intersection(all, TimeRange{5, INT64_MAX}), (TimeRanges{{5, INT64_MAX}}));
}

TEST(TimeRanges, ABuilderKeepsWholeMultiplesWithinItsBounds) {
  TimeRangeBuilder builder({INT64_MIN, 95}, 10, 3, 100);
  for (const std::int64_t time : {5, 7, 2, 40, 41, 94, 95, 200}) builder.add(time);
  EXPECT_EQ(builder.take(), (TimeRanges{{-7, 13}, {33, 43}, {93, 95}}));
  TimeRangeBuilder few({}, 1, 0, 2);
  for (const std::int64_t time : {0, 2, 100, 103, 104}) few.add(time);
  EXPECT_EQ(few.take(), (TimeRanges{{0, 3}, {100, 105}}));
}

class TimesOfATable : public StoreFixture {
 protected:
  Rows scan_times(const ReadView& view, const TimeRanges& times, ScanOrder order) const {
    ScanRequest request;
    request.table = kTrades;
    request.columns = {1, 2, 3, 4};
    request.order = order;
    asked_symbol_ = *rc::gen::inRange(0, 3) == 0;
    if (asked_symbol_) {
      Value symbol = Value::of_text("A");
      ColumnPredicate predicate;
      predicate.column = 1;
      predicate.in = {symbol};
      request.predicates = {predicate};
    }
    request.predicates.push_back(only_times(times));
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    Rows rows;
    ScanBatch read;
    while (scan->read(*state, read)) {
      for (std::size_t row = 0; row < read.row_count; ++row) rows.push_back(row_at(read.columns, row));
    }
    std::sort(rows.begin(), rows.end());
    // A scan may return other rows than the predicate's, but of no other time.
    if (asked_symbol_) std::erase_if(rows, [](const Row& row) { return std::get<0>(row) != "A"; });
    return rows;
  }
  mutable bool asked_symbol_ = false;
};

TEST_F(TimesOfATable, AreAllThatAScanOfThemReturns) {
  const bool holds = rc::check([&] {
    store.reset();
    path = directory.next();
    open();
    create(*rc::gen::arbitrary<bool>() ? trades(kTrades, 20) : keyless(kTrades));
    const int steps = *rc::gen::inRange(1, 6);
    std::int64_t id = 0;
    auto transaction = store->begin();
    for (int i = 0; i < steps; ++i) {
      Rows rows;
      const int count = *rc::gen::inRange(1, 120);
      for (int row = 0; row < count; ++row) {
        rows.push_back(
            {std::string(1, static_cast<char>('A' + row % 3)), *rc::gen::inRange(0, kTimes), ++id, "1"});
      }
      transaction->insert(kTrades, batch(rows), OnDuplicate::Fail);
      // It says at least which times it has changed.
      ChangedTimes asked;
      asked.within.end = *rc::gen::inRange(0, kTimes);
      asked.width = *rc::gen::inRange(1, 7);
      asked.most = 4;
      const auto changed = ChangeReport::of(*transaction).changed_times(kTrades, asked);
      RC_ASSERT(changed.size() <= 4U);
      for (const auto& row : rows) {
        const auto time = std::get<1>(row);
        RC_ASSERT(time >= asked.within.end || contains(changed, time));
      }
      for (const auto& range : changed) RC_ASSERT(range.end <= asked.within.end);
      TimeRanges times = some_ranges();
      normalize(times);
      const auto order = static_cast<ScanOrder>(*rc::gen::inRange(0, 3));
      const auto view = transaction->read_view();
      const auto found = scan_times(*view, times, order);
      Rows expected = scan_rows(*view, kTrades);
      std::erase_if(expected, [&](const Row& row) {
        return !contains(times, std::get<1>(row)) || (asked_symbol_ && std::get<0>(row) != "A");
      });
      RC_ASSERT(found == expected);
      if (*rc::gen::inRange(0, 3) == 0) {
        transaction->commit();
        transaction = store->begin();
        RC_ASSERT(!ChangeReport::of(*transaction).has_changes(kTrades));
      }
      if (*rc::gen::inRange(0, 3) == 0) store->checkpoint();
    }
    transaction->rollback();
    transaction.reset();
  });
  EXPECT_TRUE(holds);
}

TEST_F(TimesOfATable, AreSaidOfDeletesDroppedChunksAndTruncation) {
  open();
  create(trades(kTrades, 100));
  insert(kTrades, {{"A", 10, 1, "1"}, {"A", 150, 2, "1"}, {"A", 250, 3, "1"}});
  auto transaction = store->begin();
  transaction->erase(kTrades, keys({{"A", 150, 2, "1"}}));
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kTrades, {}), (TimeRanges{{150, 151}}));
  const auto savepoint = transaction->savepoint();
  transaction->insert(kTrades, batch({{"B", 20, 4, "1"}}), OnDuplicate::Fail);
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kTrades, {}), (TimeRanges{{20, 21}, {150, 151}}));
  transaction->rollback_to(savepoint);
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kTrades, {}), (TimeRanges{{150, 151}}));
  transaction->drop_chunks(kTrades, {0, 100});
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kTrades, {}), (TimeRanges{{0, 100}, {150, 151}}));
  transaction->truncate(kTrades);
  EXPECT_EQ(ChangeReport::of(*transaction).changed_times(kTrades, {}), TimeRanges{{}});
}

}  // namespace
}  // namespace tickstone::storage
