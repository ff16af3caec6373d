// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "market/as_of_merge.hpp"

namespace tickstone::market {
namespace {

struct Stored {
  std::string symbol;
  std::int64_t time_us;
  double value;
};

/// What the definition says, row by row.
std::optional<std::pair<double, std::int64_t>> plain_answer(const Label& label,
                                                            const std::vector<Stored>& stored,
                                                            std::int64_t max_age_us) {
  const Stored* newest = nullptr;
  const std::int64_t at_us = label.time.time_since_epoch().count();
  for (const auto& one : stored) {
    if (one.symbol != label.symbol || one.time_us > at_us) continue;
    if (newest == nullptr || one.time_us > newest->time_us) newest = &one;
  }
  if (newest == nullptr || (max_age_us > 0 && at_us - newest->time_us > max_age_us)) return std::nullopt;
  return std::pair{newest->value, at_us - newest->time_us};
}

RC_GTEST_PROP(AsOfMerge, AgreesWithTheDefinition, ()) {
  const std::vector<std::string> symbols = {"A", "B", "C"};
  const auto some_time = rc::gen::inRange<std::int64_t>(-20, 60);
  std::vector<Stored> stored;
  std::set<std::pair<std::string, std::int64_t>> keys;
  for (const auto& [symbol, time] : *rc::gen::container<std::vector<std::pair<int, std::int64_t>>>(
           rc::gen::pair(rc::gen::inRange(0, 3), some_time))) {
    const std::string& name = symbols[static_cast<std::size_t>(symbol)];
    if (keys.emplace(name, time).second) stored.push_back({name, time, static_cast<double>(stored.size())});
  }
  std::vector<Label> wanted;
  for (const auto& [symbol, time] : *rc::gen::container<std::vector<std::pair<int, std::int64_t>>>(
           rc::gen::pair(rc::gen::inRange(0, 3), some_time))) {
    wanted.push_back(
        {symbols[static_cast<std::size_t>(symbol)], Timestamp{std::chrono::microseconds{time}}, 0});
  }
  const std::int64_t max_age_us = *rc::gen::element<std::int64_t>(0, 1, 5, 30);

  const SortedLabels labels(wanted);
  std::vector<double> values(wanted.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<std::int64_t> ages(wanted.size(), -1);
  std::size_t found = 0;
  for (const auto& series : labels.series()) {
    FeatureSeries feature;
    for (const auto& one : stored) {
      if (one.symbol == series.symbol) feature.add(one.time_us, one.value);
    }
    feature.sort();
    found += merge_as_of(series, feature, max_age_us, values, ages);
  }

  std::size_t expected = 0;
  for (std::size_t row = 0; row < wanted.size(); ++row) {
    const auto answer = plain_answer(wanted[row], stored, max_age_us);
    RC_ASSERT(answer.has_value() == !std::isnan(values[row]));
    RC_ASSERT(ages[row] == (answer ? answer->second : -1));
    if (!answer) continue;
    ++expected;
    RC_ASSERT(values[row] == answer->first);
  }
  RC_ASSERT(found == expected);
}

TEST(AsOfMerge, TakesAValueOfTheSameInstantAndNoneOfTheNext) {
  const std::vector<Label> wanted = {{"A", Timestamp{std::chrono::microseconds{100}}, 0}};
  const SortedLabels labels(wanted);
  std::vector<double> values(1, -1);
  FeatureSeries later;
  later.add(101, 7);
  EXPECT_EQ(merge_as_of(labels.series()[0], later, 0, values, {}), 0U);
  EXPECT_EQ(values[0], -1);
  FeatureSeries same;
  same.add(99, 1);
  same.add(100, 2);
  same.add(101, 3);
  EXPECT_EQ(merge_as_of(labels.series()[0], same, 0, values, {}), 1U);
  EXPECT_EQ(values[0], 2);
}

TEST(AsOfMerge, CountsTheMaximumAgeInclusively) {
  const std::vector<Label> wanted = {{"A", Timestamp{std::chrono::microseconds{100}}, 0}};
  const SortedLabels labels(wanted);
  FeatureSeries series;
  series.add(90, 1);
  std::vector<double> values(1, -1);
  EXPECT_EQ(merge_as_of(labels.series()[0], series, 9, values, {}), 0U);
  EXPECT_EQ(merge_as_of(labels.series()[0], series, 10, values, {}), 1U);
}

}  // namespace
}  // namespace tickstone::market
