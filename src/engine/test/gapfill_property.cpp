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
  std::int64_t first = 0;                                   // the start's bucket
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
  if (last != nullptr && last->first >= question.first) return last->second.least_d;
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
  const bool starts_empty = last == nullptr || last->first < question.first;
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

/// The values of a row as the fixture prints it.
std::vector<std::string> fields(const std::string& row) {
  std::vector<std::string> values;
  std::size_t from = 0;
  for (std::size_t bar; (bar = row.find('|', from)) != std::string::npos; from = bar + 1)
    values.push_back(row.substr(from, bar - from));
  values.push_back(row.substr(from));
  return values;
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

  /// Rows at minutes from `from` on.
  void fill_table(std::int64_t from, std::int64_t span) {
    rows_.clear();
    tag("DROP TABLE IF EXISTS m");
    tag("CREATE TABLE m (s TEXT, n INT, at TIMESTAMPTZ, d DOUBLE PRECISION, i INT)");
    const std::int64_t count = below(40);
    std::string values;
    for (std::int64_t row = 0; row < count; ++row) {
      const std::string name(1, static_cast<char>('a' + below(3)));
      const std::int64_t n = from + below(span);
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

  template <typename BucketOf>
  void group(const Question& question, bool within, const BucketOf& bucket_of) {
    series_.clear();
    for (const Row& row : rows_) {
      if (within && (row.n < question.start || row.n >= question.finish)) continue;
      Bucket& bucket = series_[row.name][bucket_of(row.n)];
      ++bucket.count;
      if (row.d && (!bucket.least_d || *row.d < *bucket.least_d)) bucket.least_d = row.d;
      if (row.i && (!bucket.least_i || *row.i < *bucket.least_i)) bucket.least_i = row.i;
    }
  }

  /// What `query` gives beside what it means, where `filled` are the buckets of the range.
  void compare(const std::string& query, const Question& question, const std::set<std::int64_t>& filled) {
    const std::vector<std::string> found = rows(query);
    std::size_t at = 0;
    for (const auto& [name, series] : series_) {
      std::set<std::int64_t> buckets = filled;
      for (const auto& [start, row] : series) buckets.insert(start);
      for (const std::int64_t b : buckets) {
        ASSERT_LT(at, found.size()) << query;
        const std::vector<std::string> values = fields(found[at++]);
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

  std::mt19937_64 random_{20260105};
};

TEST_F(GapfillProperty, IsWhatItMeans) {
  static constexpr std::int64_t kWidths[] = {1, 2, 3, 5, 10, 15, 30, 60};
  for (int round = 0; round < 30; ++round) {
    fill_table(-40, 160);
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
      question.first = floor_to(question.start, question.width);
      group(question, within, [&](std::int64_t n) { return floor_to(n, question.width); });
      std::set<std::int64_t> buckets;
      for (std::int64_t b = question.first; b < question.finish; b += question.width) buckets.insert(b);
      compare(query, question, buckets);
      if (HasFailure()) return;
    }
  }
}

/// When clocks change in 2026, in minutes since 2026-01-05 00:00 UTC, and what is added to UTC before,
/// between and after.
struct Clocks {
  const char* zone;
  std::int64_t changes[2];
  std::int64_t offsets[3];

  std::int64_t wall(std::int64_t minute) const {
    const std::size_t part = minute < changes[0] ? 0 : minute < changes[1] ? 1 : 2;
    return minute + offsets[part];
  }
  /// The first minute at which clocks show `wall_minute` or later.
  std::int64_t first_at(std::int64_t wall_minute) const {
    std::int64_t minute = wall_minute - 15 * 60;
    while (wall(minute) < wall_minute) ++minute;
    return minute;
  }
};

constexpr std::int64_t minute_of(std::int64_t day, std::int64_t hour, std::int64_t minute = 0) {
  return (day * 24 + hour) * 60 + minute;
}

constexpr Clocks kClocks[] = {
    {"Europe/Berlin", {minute_of(83, 1), minute_of(293, 1)}, {60, 120, 60}},
    {"America/New_York", {minute_of(62, 7), minute_of(300, 6)}, {-300, -240, -300}},
    {"America/Havana", {minute_of(62, 5), minute_of(300, 5)}, {-300, -240, -300}},  // at midnight
    {"Australia/Lord_Howe", {minute_of(89, 15), minute_of(271, 15, 30)}, {660, 630, 660}},
    {"Asia/Kolkata", {minute_of(83, 1), minute_of(293, 1)}, {330, 330, 330}},
};

struct ClockWidth {
  const char* text;
  std::int64_t days;  // 0: shorter than a day, or months
  std::int64_t span;  // of rows, in minutes
};
constexpr ClockWidth kClockWidths[] = {
    {"30 minutes", 0, minute_of(1, 0)}, {"1 hour", 0, minute_of(2, 0)},    {"2 hours", 0, minute_of(3, 0)},
    {"6 hours", 0, minute_of(6, 0)},    {"1 day", 1, minute_of(20, 0)},    {"3 days", 3, minute_of(40, 0)},
    {"1 week", 7, minute_of(90, 0)},    {"1 month", 0, minute_of(200, 0)},
};

TEST_F(GapfillProperty, FollowsClocksThatChange) {
  for (int round = 0; round < 40; ++round) {
    const Clocks& clocks = kClocks[round % 5];
    const ClockWidth& width = kClockWidths[below(8)];
    const std::int64_t middle = clocks.changes[below(2)];
    Question question;
    question.start = middle / 30 * 30 - (below(width.span / 30) * 30);
    question.finish = question.start + below(width.span / 30) * 30 + 30;
    fill_table(question.start - width.span / 4, width.span);
    if (chance(50)) question.before = static_cast<double>(below(100));
    if (chance(50)) question.from = {question.start - width.span - 45000, static_cast<double>(below(100))};
    if (chance(50)) question.to = {question.finish + width.span + 45000, static_cast<double>(below(100))};
    const bool within = chance(50);
    const auto minute = [](const std::string& moment) {
      return fmt::format("(extract(epoch FROM {} - TIMESTAMPTZ '2026-01-05 00:00+00') / 60)::int", moment);
    };
    // The buckets of all times of the range, asked for one by one.
    const auto bucket_at = [&](const std::string& moment) {
      return minute(fmt::format("time_bucket('{}', {}, '{}')", width.text, moment, clocks.zone));
    };
    std::set<std::int64_t> buckets;
    for (const std::string& row :
         rows(fmt::format("SELECT DISTINCT {} FROM generate_series({}, {}, INTERVAL '30 minutes') t(t)",
                          bucket_at("t"), time(question.start), time(question.finish - 1))))
      buckets.insert(std::stoll(row));
    ASSERT_FALSE(buckets.empty());
    question.first = *buckets.begin();
    std::map<std::int64_t, std::int64_t> known;
    for (const std::string& row : rows(fmt::format("SELECT DISTINCT n, {} FROM m", bucket_at("at")))) {
      const auto values = fields(row);
      known[std::stoll(values[0])] = std::stoll(values[1]);
    }
    if (width.days > 0) {
      // Days begin when clocks first show midnight, or later where they never do.
      const std::int64_t length = width.days * 24 * 60;
      const std::int64_t origin = -(9499 % width.days * 24 * 60);  // 2026-01-05 is that many days after it
      for (const auto& [n, bucket] : known) {
        ASSERT_EQ(bucket, clocks.first_at(floor_to(clocks.wall(n) - origin, length) + origin))
            << width.text << " " << clocks.zone << " " << n;
      }
    }
    group(question, within, [&](std::int64_t n) { return known.at(n); });
    const std::string bucket =
        within ? fmt::format("time_bucket_gapfill('{}', at, '{}')", width.text, clocks.zone)
               : fmt::format("time_bucket_gapfill('{}', at, '{}', {}, {})", width.text, clocks.zone,
                             time(question.start), time(question.finish));
    const auto record = [&](const std::optional<std::pair<std::int64_t, double>>& point) {
      return point ? fmt::format("(SELECT ({}, {}::int))", time(point->first), point->second) : "NULL";
    };
    compare(
        fmt::format(
            "SELECT s, {} AS b, count(*), min(d), locf(min(d), {}), locf(min(d), "
            "treat_null_as_missing => true), interpolate(min(d)), interpolate(min(i), {}, {}) FROM "
            "m{} GROUP BY s, {} ORDER BY s, {}",
            minute(bucket), question.before ? sql(question.before) + "::double precision" : "NULL",
            record(question.from), record(question.to),
            within ? fmt::format(" WHERE at >= {} AND at < {}", time(question.start), time(question.finish))
                   : "",
            bucket, bucket),
        question, buckets);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tickstone::engine
