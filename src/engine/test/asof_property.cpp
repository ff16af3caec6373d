// SPDX-License-Identifier: Apache-2.0
// As-of joins on random rows, in both their forms, beside what they mean: each row's partner is looked for
// among all. DuckDB joins a few rows on the left in another way than many.
#include <algorithm>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using Number = std::optional<std::int64_t>;

struct Row {
  std::optional<std::string> symbol;
  Number venue;
  Number at;
  std::int64_t id = 0;
};

std::string sql(const Number& value) { return value ? std::to_string(*value) : "NULL"; }

class AsofProperty : public SessionTest {
 protected:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool chance(std::int64_t percent) { return below(100) < percent; }

  std::vector<Row> filled(const std::string& table, std::int64_t most, std::int64_t span) {
    tag(fmt::format(
        "DROP TABLE IF EXISTS {0}; CREATE TABLE {0} (symbol text, venue int, at timestamptz, id int)",
        table));
    std::vector<Row> made;
    std::string values;
    for (std::int64_t i = 0, count = below(most); i < count; ++i) {
      Row row;
      if (!chance(10)) row.symbol = std::string(1, static_cast<char>('a' + below(3)));
      if (!chance(10)) row.venue = below(2);
      if (!chance(10)) row.at = below(span);
      row.id = i;
      values += fmt::format("{}({}, {}, to_timestamp({}), {})", i > 0 ? ", " : "",
                            row.symbol ? "'" + *row.symbol + "'" : "NULL", sql(row.venue), sql(row.at), i);
      made.push_back(std::move(row));
    }
    if (!made.empty()) tag(fmt::format("INSERT INTO {} VALUES {}", table, values));
    return made;
  }

  std::mt19937_64 random_{20260301};
};

struct Shape {
  bool is_left = true, by_venue = false, is_strict = false, looks_ahead = false, filters = false;
  bool matches(const Row& left, const Row& right) const {
    if (!left.symbol || left.symbol != right.symbol) return false;
    if (by_venue && (!left.venue || left.venue != right.venue)) return false;
    if (filters && right.id % 3 == 0) return false;
    if (!left.at || !right.at) return false;
    if (looks_ahead) return is_strict ? *left.at < *right.at : *left.at <= *right.at;
    return is_strict ? *left.at > *right.at : *left.at >= *right.at;
  }
};

TEST_F(AsofProperty, IsWhatItMeans) {
  for (int round = 0; round < 30; ++round) {
    const auto left = filled("t", chance(50) ? 20 : 160, 40);
    const auto right = filled("q", 90, 40);
    for (int ask = 0; ask < 4; ++ask) {
      const Shape shape{chance(60), chance(50), chance(40), chance(40), chance(40)};
      const std::string op = fmt::format("{}{}", shape.looks_ahead ? '>' : '<', shape.is_strict ? "" : "=");
      const std::string other =
          fmt::format("{}{}", shape.looks_ahead ? '<' : '>', shape.is_strict ? "" : "=");
      const std::string filter = shape.filters ? " AND q.id % 3 <> 0" : "";
      const std::string venue = shape.by_venue ? " AND q.venue = t.venue" : "";
      const std::string join = shape.is_left ? "LEFT JOIN" : "JOIN";
      const std::string head = "SELECT t.id, q.id, extract(epoch FROM q.at)::int FROM t";
      const std::string query =
          chance(50) ? fmt::format("{} ASOF {} q ON t.symbol = q.symbol AND t.at {} q.at{}{} ORDER BY t.id",
                                   head, join, other, venue, filter)
                     : fmt::format(
                           "{} {} LATERAL (SELECT id, at FROM q WHERE q.symbol = t.symbol AND q.at {} "
                           "t.at{}{} ORDER BY q.at{} LIMIT 1) q ON true ORDER BY t.id",
                           head, join, op, venue, filter, shape.looks_ahead ? "" : " DESC");
      std::string plan;
      for (const std::string& line : rows("EXPLAIN " + query)) plan += line + "\n";
      const bool has_rows = !left.empty() && !right.empty();
      ASSERT_TRUE(!has_rows || plan.find("Asof") != std::string::npos ||
                  plan.find("arg_m") != std::string::npos)
          << plan;
      const auto found = rows(query);
      std::size_t at = 0;
      for (const Row& row : left) {
        Number nearest;
        for (const Row& candidate : right) {
          if (!shape.matches(row, candidate)) continue;
          if (!nearest) nearest = candidate.at;
          nearest = shape.looks_ahead ? std::min(*nearest, *candidate.at) : std::max(*nearest, *candidate.at);
        }
        if (!nearest && !shape.is_left) continue;
        ASSERT_LT(at, found.size()) << query;
        const std::string& shown = found[at++];
        if (!nearest) {
          EXPECT_EQ(shown, fmt::format("{}|null|null", row.id)) << query;
          continue;
        }
        // Of several at that time it is one.
        const bool is_one = std::any_of(right.begin(), right.end(), [&](const Row& candidate) {
          return shape.matches(row, candidate) && candidate.at == nearest &&
                 shown == fmt::format("{}|{}|{}", row.id, candidate.id, *nearest);
        });
        EXPECT_TRUE(is_one) << shown << " where the nearest is at " << *nearest << "\n" << query;
      }
      EXPECT_EQ(at, found.size()) << query;
      if (HasFailure()) return;
    }
  }
}

TEST_F(AsofProperty, TellsTheRightSideWhatIsAskedOfTheLeft) {
  filled("t", 160, 40);
  filled("q", 90, 40);
  const std::string query =
      "EXPLAIN SELECT t.id, q.id FROM t ASOF LEFT JOIN q ON t.symbol = q.symbol AND t.at >= q.at "
      "WHERE t.symbol = $1::text AND t.at < $2::timestamptz";
  std::string pushed;
  for (const std::string& line :
       TestSession::joined(session->run_with(query, {"a", "1970-01-01 00:00:20+00"}))) {
    if (line.find("Pushed:") != std::string::npos) pushed += line + "\n";
  }
  const auto count = [&](const std::string& text) {
    std::size_t found = 0;
    for (auto at = pushed.find(text); at != std::string::npos; at = pushed.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_GE(count("(symbol = "), 2U) << pushed;
  EXPECT_GE(count("< "), 2U) << pushed;
}

}  // namespace
}  // namespace tickstone::engine
