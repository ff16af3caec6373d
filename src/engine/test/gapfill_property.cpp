// SPDX-License-Identifier: Apache-2.0
// time_bucket_gapfill, locf and interpolate on random rows, beside what they mean, said plainly: each value
// is looked for among all rows of its series.
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using Number = std::optional<double>;

/// The rows of one bucket.
struct Bucket {
  std::int64_t count = 0;
  Number least_d;
  Number least_i;
};
using Series = std::map<std::int64_t, Bucket>;  // by the bucket's start

struct Question {
  std::int64_t width = 1, start = 0, finish = 0;
  Number before;                                            // of locf
  std::optional<std::pair<std::int64_t, double>> from, to;  // of interpolate
};

std::int64_t floor_to(std::int64_t value, std::int64_t width) {
  return value - ((value % width) + width) % width;
}

/// The last of `series` before `bucket`; nothing where there is none.
const Series::value_type* last_before(const Series& series, std::int64_t bucket) {
  const Series::value_type* last = nullptr;
  for (const auto& row : series) {
    if (row.first < bucket) last = &row;
  }
  return last;
}

Number carried(const Series& series, std::int64_t bucket, const Question& question) {
  const auto own = series.find(bucket);
  if (own != series.end()) return own->second.least_d;
  const auto* last = last_before(series, bucket);
  if (last != nullptr && last->first >= floor_to(question.start, question.width)) return last->second.least_d;
  return last != nullptr && last->second.least_d ? last->second.least_d : question.before;
}

Number carried_past_nulls(const Series& series, std::int64_t bucket) {
  Number value;
  for (const auto& [at, row] : series) {
    if (at <= bucket && row.least_d) value = row.least_d;
  }
  return value;
}

Number between(const Series& series, std::int64_t bucket, const Question& question, Number Bucket::*value,
               const std::optional<std::pair<std::int64_t, double>>& from,
               const std::optional<std::pair<std::int64_t, double>>& to) {
  const auto own = series.find(bucket);
  if (own != series.end()) return own->second.*value;
  std::optional<std::pair<std::int64_t, double>> left;
  std::optional<std::pair<std::int64_t, double>> right;
  const auto* last = last_before(series, bucket);
  if (last != nullptr && last->second.*value) left = {last->first, *(last->second.*value)};
  const bool starts_empty = last == nullptr || last->first < floor_to(question.start, question.width);
  if (!left && starts_empty) left = from;
  const auto next = series.upper_bound(bucket);
  if (next == series.end()) {
    right = to;
  } else if (next->second.*value) {
    right = {next->first, *(next->second.*value)};
  }
  if (!left || !right) return std::nullopt;
  const double share =
      static_cast<double>(bucket - left->first) / static_cast<double>(right->first - left->first);
  return left->second + (right->second - left->second) * share;
}

class GapfillProperty : public SessionTest {
 protected:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool chance(std::int64_t percent) { return below(100) < percent; }
  static std::string sql(const Number& value) { return value ? fmt::format("{}", *value) : "NULL"; }
  static std::string time(std::int64_t minute) {
    return fmt::format("(TIMESTAMPTZ '2026-01-05 00:00+00' + {} * INTERVAL '1 minute')", minute);
  }

  void fill_table() {
    rows_.clear();
    tag("DROP TABLE IF EXISTS m");
    tag("CREATE TABLE m (s TEXT, n INT, at TIMESTAMPTZ, d DOUBLE PRECISION, i INT)");
    const std::int64_t count = below(40);
    std::string values;
    for (std::int64_t row = 0; row < count; ++row) {
      const std::string name(1, static_cast<char>('a' + below(3)));
      const std::int64_t n = below(160) - 40;
      Number d;
      Number i;
      if (!chance(25)) d = static_cast<double>(below(4000) - 2000) / 8;
      if (!chance(25)) i = static_cast<double>(below(2000) - 1000);
      values +=
          fmt::format("{}('{}', {}, {}, {}, {})", row > 0 ? ", " : "", name, n, time(n), sql(d), sql(i));
      rows_.push_back({name, n, d, i});
    }
    if (count > 0) tag("INSERT INTO m VALUES " + values);
  }

  struct Row {
    std::string name;
    std::int64_t n;
    Number d, i;
  };
  std::vector<Row> rows_;
  std::map<std::string, Series> series_;

  void group(const Question& question, bool within) {
    series_.clear();
    for (const Row& row : rows_) {
      if (within && (row.n < question.start || row.n >= question.finish)) continue;
      Bucket& bucket = series_[row.name][floor_to(row.n, question.width)];
      ++bucket.count;
      if (row.d && (!bucket.least_d || *row.d < *bucket.least_d)) bucket.least_d = row.d;
      if (row.i && (!bucket.least_i || *row.i < *bucket.least_i)) bucket.least_i = row.i;
    }
  }

  std::mt19937_64 random_{20260105};
};

void expect_same(const std::string& given, const Number& wanted, bool is_rounded, const std::string& where) {
  if (!wanted) {
    EXPECT_EQ(given, "null") << where;
    return;
  }
  ASSERT_NE(given, "null") << where << " wants " << *wanted;
  const double value = std::stod(given);
  const double tolerance = is_rounded ? 0.5 + 1e-9 : 1e-9 * (1 + std::abs(*wanted));
  EXPECT_NEAR(value, *wanted, tolerance) << where;
}

TEST_F(GapfillProperty, IsWhatItMeans) {
  static constexpr std::int64_t kWidths[] = {1, 2, 3, 5, 10, 15, 30, 60};
  for (int round = 0; round < 30; ++round) {
    fill_table();
    for (int ask = 0; ask < 4; ++ask) {
      Question question;
      question.width = kWidths[below(8)];
      question.start = below(100) - 30;
      question.finish = question.start + below(120);
      if (chance(50)) question.before = static_cast<double>(below(100));
      if (chance(50)) question.from = {-200 - below(50), static_cast<double>(below(100))};
      if (chance(50)) question.to = {400 + below(50), static_cast<double>(below(100))};
      const bool by_time = chance(50);
      const bool within = chance(50);
      const auto moment = [&](std::int64_t n) { return by_time ? time(n) : std::to_string(n); };
      const auto record = [&](const std::optional<std::pair<std::int64_t, double>>& point) {
        return point ? fmt::format("(SELECT ({}, {}::int))", moment(point->first), point->second) : "NULL";
      };
      const std::string column = by_time ? "at" : "n";
      const std::string width =
          by_time ? fmt::format("INTERVAL '{} minutes'", question.width) : std::to_string(question.width);
      const std::string bucket = within ? fmt::format("time_bucket_gapfill({}, {})", width, column)
                                        : fmt::format("time_bucket_gapfill({}, {}, {}, {})", width, column,
                                                      moment(question.start), moment(question.finish));
      const std::string where = within ? fmt::format(" WHERE {0} >= {1} AND {0} < {2}", column,
                                                     moment(question.start), moment(question.finish))
                                       : "";
      const std::string shown =
          by_time
              ? fmt::format("(extract(epoch FROM {} - TIMESTAMPTZ '2026-01-05 00:00+00') / 60)::int", bucket)
              : bucket;
      const std::string query = fmt::format(
          "SELECT s, {} AS b, count(*), min(d), locf(min(d), {}), locf(min(d), treat_null_as_missing => "
          "true), "
          "interpolate(min(d)), interpolate(min(i), {}, {}) FROM m{} GROUP BY s, {} ORDER BY s, {}",
          shown, question.before ? sql(question.before) + "::double precision" : "NULL",
          record(question.from), record(question.to), where, bucket, bucket);
      group(question, within);
      std::vector<std::string> found = rows(query);
      std::size_t at = 0;
      for (const auto& [name, series] : series_) {
        std::set<std::int64_t> buckets;
        for (const auto& [start, row] : series) buckets.insert(start);
        for (std::int64_t b = floor_to(question.start, question.width); b < question.finish;
             b += question.width)
          buckets.insert(b);
        for (const std::int64_t b : buckets) {
          ASSERT_LT(at, found.size()) << query;
          std::vector<std::string> values;
          std::string rest = found[at++] + "|";
          for (std::size_t bar; (bar = rest.find('|')) != std::string::npos; rest.erase(0, bar + 1))
            values.push_back(rest.substr(0, bar));
          const std::string place = fmt::format("{}\n{} {}", query, name, b);
          ASSERT_EQ(values.size(), 8U) << place;
          EXPECT_EQ(values[0], name) << place;
          EXPECT_EQ(values[1], std::to_string(b)) << place;
          const auto own = series.find(b);
          const bool has_rows = own != series.end();
          EXPECT_EQ(values[2], has_rows ? std::to_string(own->second.count) : "null") << place;
          expect_same(values[3], has_rows ? own->second.least_d : Number{}, false, place);
          expect_same(values[4], carried(series, b, question), false, place);
          expect_same(values[5], carried_past_nulls(series, b), false, place);
          expect_same(values[6], between(series, b, question, &Bucket::least_d, {}, {}), false, place);
          expect_same(values[7], between(series, b, question, &Bucket::least_i, question.from, question.to),
                      !has_rows, place);
          if (HasFailure()) return;
        }
      }
      ASSERT_EQ(at, found.size()) << query;
    }
  }
}

}  // namespace
}  // namespace tickstone::engine
