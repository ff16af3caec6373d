// SPDX-License-Identifier: Apache-2.0
// Partners found round by round among rows that come in any order, beside a search among all rows.
#include <algorithm>
#include <array>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "duck/asof_partners.hpp"

namespace tickstone::duck {
namespace {

struct Row {
  std::uint32_t series = 0;
  std::int64_t time = 0;
};

constexpr std::uint32_t kNone = AsofPartners::kNone;

std::int64_t some_time(int span) {
  switch (*rc::gen::inRange(0, 40)) {
    case 0:
      return INT64_MIN;
    case 1:
      return INT64_MAX;
    case 2:
      return INT64_MAX - 1;
    default:
      return *rc::gen::inRange(-span, span);
  }
}

std::vector<Row> some_rows(std::size_t count, std::uint32_t series, int span) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = *rc::gen::inRange<std::uint32_t>(0, series + 1);
    rows.push_back({number == series ? kNone : number, some_time(span)});
  }
  const auto is_before = [](const Row& a, const Row& b) {
    return a.series != b.series ? a.series < b.series : a.time < b.time;
  };
  if (*rc::gen::arbitrary<bool>()) std::sort(rows.begin(), rows.end(), is_before);
  return rows;
}

bool contains_time(const storage::TimeRanges& ranges, std::int64_t time) {
  return storage::contains(ranges, time);
}

struct Ask {
  bool looks_ahead = false;
  bool is_strict = false;
  bool matches(const Row& left, const Row& right) const {
    if (left.series == kNone || left.series != right.series) return false;
    if (looks_ahead) return is_strict ? left.time < right.time : left.time <= right.time;
    return is_strict ? left.time > right.time : left.time >= right.time;
  }
  std::optional<std::int64_t> nearest(const Row& left, const std::vector<Row>& rights) const {
    std::optional<std::int64_t> found;
    for (const Row& right : rights) {
      if (!matches(left, right)) continue;
      if (!found) found = right.time;
      found = looks_ahead ? std::min(*found, right.time) : std::max(*found, right.time);
    }
    return found;
  }
};

/// Offers the rows that are asked for, and some others, in chunks.
void find_all(AsofPartners& partners, const std::vector<Row>& rights, std::vector<std::uint32_t>& chosen) {
  constexpr std::array<std::int64_t, 4> kReaches = {2, 9, 40, INT64_MAX};
  std::vector<std::uint32_t> series;
  for (const std::int64_t reach : kReaches) {
    const auto ranges = partners.next_ranges(reach, series);
    if (ranges.empty()) return;
    std::vector<std::uint32_t> coming;
    for (std::uint32_t i = 0; i < rights.size(); ++i) {
      const bool is_asked = contains_time(ranges, rights[i].time) &&
                            std::find(series.begin(), series.end(), rights[i].series) != series.end();
      if (is_asked || *rc::gen::inRange(0, 10) == 0) coming.push_back(i);
    }
    for (std::size_t at = 0; at < coming.size();) {
      const auto count = std::min<std::size_t>(coming.size() - at, *rc::gen::inRange(1, 12));
      std::vector<std::uint32_t> numbers;
      std::vector<std::int64_t> times;
      for (std::size_t i = 0; i < count; ++i) {
        numbers.push_back(rights[coming[at + i]].series);
        times.push_back(rights[coming[at + i]].time);
      }
      std::vector<AsofPartners::Taken> taken;
      partners.offer(numbers.data(), times.data(), count, taken);
      for (const auto& one : taken) chosen.at(one.place) = coming[at + one.row];
      at += count;
    }
  }
}

RC_GTEST_PROP(AsofPartnersProperty, AreTheNearest, ()) {
  const Ask ask{*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>()};
  const auto series = *rc::gen::inRange<std::uint32_t>(1, 4);
  const int span = *rc::gen::element(5, 60, 500);
  const auto lefts = some_rows(*rc::gen::inRange<std::size_t>(0, 40), series, span);
  const auto rights = some_rows(*rc::gen::inRange<std::size_t>(0, 60), series, span);
  AsofPartners partners(ask.looks_ahead, ask.is_strict);
  if (*rc::gen::arbitrary<bool>()) {
    // Of a pass before nothing is left.
    partners.add(0, 3);
    partners.arrange(series);
    std::vector<std::uint32_t> before(1);
    find_all(partners, rights, before);
    partners.clear();
  }
  for (const Row& left : lefts) partners.add(left.series, left.time);
  partners.arrange(series);
  std::vector<std::uint32_t> chosen(lefts.size(), kNone);
  find_all(partners, rights, chosen);
  partners.settle();
  for (std::size_t i = 0; i < lefts.size(); ++i) {
    const auto nearest = ask.nearest(lefts[i], rights);
    const std::uint32_t place = partners.partner_of(i);
    RC_ASSERT((place != kNone) == nearest.has_value());
    if (!nearest) continue;
    const Row& partner = rights.at(chosen.at(place));
    RC_ASSERT(ask.matches(lefts[i], partner));
    RC_ASSERT(partner.time == *nearest);
  }
}

TEST(AsofPartners, ReadsNoFurtherThanItMust) {
  AsofPartners partners(false, false);
  std::vector<std::uint32_t> series;
  std::vector<AsofPartners::Taken> taken;
  partners.add(0, 1'000);
  partners.add(1, 500'000);
  partners.add(1, 500'010);
  partners.arrange(2);
  EXPECT_EQ(partners.next_ranges(100, series), (storage::TimeRanges{{900, 1'001}, {499'900, 500'011}}));
  EXPECT_EQ(series, (std::vector<std::uint32_t>{0, 1}));
  // Of the second series nothing further away can count.
  const std::uint32_t number = 1;
  const std::int64_t time = 499'950;
  partners.offer(&number, &time, 1, taken);
  EXPECT_EQ(partners.next_ranges(300, series), (storage::TimeRanges{{700, 900}}));
  EXPECT_EQ(series, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(partners.next_ranges(INT64_MAX, series), (storage::TimeRanges{{INT64_MIN, 700}}));
  EXPECT_TRUE(partners.next_ranges(INT64_MAX, series).empty());
}

TEST(AsofPartners, AsksForOneRangeWhereThereWouldBeMany) {
  for (const int count : {10'000, 100'000}) {
    AsofPartners partners(true, true);
    std::vector<std::uint32_t> series;
    for (int i = 0; i < count; ++i) partners.add(i % 2, i * 1'000);
    partners.arrange(3);
    const std::int64_t last = (count - 1) * 1'000;
    EXPECT_EQ(partners.next_ranges(10, series), (storage::TimeRanges{{1, last + 12}}));
    EXPECT_EQ(series, (std::vector<std::uint32_t>{0, 1}));
    // Whoever has no partner within reach goes on, from where it ended; the last of each goes on for ever.
    EXPECT_EQ(partners.next_ranges(50, series), (storage::TimeRanges{{12, last + 52}}));
    EXPECT_EQ(partners.next_ranges(INT64_MAX, series), (storage::TimeRanges{{52, INT64_MAX}}));
    EXPECT_TRUE(partners.next_ranges(INT64_MAX, series).empty());
  }
}

// Many rows in few stretches of time: what lies between is not read.
TEST(AsofPartners, LeavesOutWhatNobodyAsksFor) {
  for (const bool looks_ahead : {false, true}) {
    AsofPartners partners(looks_ahead, false);
    std::vector<std::uint32_t> series;
    for (int i = 0; i < 30'000; ++i) partners.add(0, i / 10'000 * 1'000'000 + i % 10'000);
    partners.arrange(1);
    const std::int64_t before = looks_ahead ? 0 : 5;
    const std::int64_t after = looks_ahead ? 5 : 0;
    EXPECT_EQ(partners.next_ranges(5, series),
              (storage::TimeRanges{{-before, 10'000 + after},
                                   {1'000'000 - before, 1'010'000 + after},
                                   {2'000'000 - before, 2'010'000 + after}}));
  }
}

}  // namespace
}  // namespace tickstone::duck
