// SPDX-License-Identifier: Apache-2.0
// As-of joins on random rows, in both their forms, beside what they mean: each row's partner is looked for
// among all. The operator of ours reads scans; what is on the right else is DuckDB's, which joins a few rows
// on the left in another way than many.
#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <sstream>

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
  std::string rest;  // what else is shown of it
};

constexpr const char* kRest = "q.note, q.tags, q.price, q.is_firm";

struct Shape {
  bool is_left = true, by_venue = false, is_strict = false, looks_ahead = false, filters = false;
  bool of_one = false, is_union = false;
  std::size_t limit = SIZE_MAX, offset = 0;
  bool matches(const Row& left, const Row& right) const {
    if (!left.symbol || left.symbol != right.symbol) return false;
    if (by_venue && (!left.venue || left.venue != right.venue)) return false;
    if (filters && right.id % 3 == 0) return false;
    if (!left.at || !right.at) return false;
    if (looks_ahead) return is_strict ? *left.at < *right.at : *left.at <= *right.at;
    return is_strict ? *left.at > *right.at : *left.at >= *right.at;
  }
};

class AsofProperty : public SessionTest {
 protected:
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  bool chance(std::int64_t percent) { return below(100) < percent; }

  /// A hypertable has no NULLs in its key.
  void make(const std::string& table, bool is_hypertable) {
    is_hypertable_ = is_hypertable;
    tag("DROP TABLE IF EXISTS " + table);
    tag(fmt::format(
        "CREATE TABLE {} (symbol text, venue int, at timestamptz, id int, note text, tags text[], "
        "price numeric, is_firm boolean{})",
        table, is_hypertable ? ", PRIMARY KEY (symbol, at, id)" : ""));
    if (is_hypertable)
      rows(fmt::format("SELECT create_hypertable('{}', 'at', chunk_time_interval => interval '{} seconds')",
                       table, 7 * scale_));
  }

  void fill(const std::string& table, std::int64_t most, std::int64_t span) {
    std::string values;
    for (std::int64_t i = 0, count = below(most); i < count; ++i) {
      const bool is_null = !is_hypertable_ && chance(10);
      values += fmt::format(
          "{}({}, {}, {}, {}, {}, {}, {}, {})", i > 0 ? ", " : "",
          is_null ? "NULL" : fmt::format("'{}'", static_cast<char>('a' + below(3))),
          chance(10) ? "NULL" : std::to_string(below(2)),
          !is_hypertable_ && chance(10) ? "NULL" : fmt::format("to_timestamp({})", below(span) * scale_),
          next_id_, chance(10) ? "NULL" : fmt::format("'a note that is long enough {}'", next_id_),
          chance(30) ? "NULL" : fmt::format("ARRAY['x{}', NULL]", next_id_),
          chance(10) ? "NULL" : fmt::format("{}.25", below(1000)), chance(50) ? "true" : "NULL");
      ++next_id_;
    }
    if (values.empty()) return;
    tag(fmt::format("INSERT INTO {} VALUES {}", table, values));
  }

  /// Sealed segments that overlap, open rows, rows that were replaced and removed.
  void change(const std::string& table, std::int64_t most, std::int64_t span) {
    for (int step = 0; step < 4; ++step) {
      fill(table, most, span);
      if (chance(30))
        tag(fmt::format(
            "INSERT INTO {0} SELECT symbol, 1 - venue, at, id, 'replaced', tags, price, is_firm FROM "
            "{0} WHERE id % 3 = {1} ON CONFLICT (symbol, at, id) DO UPDATE SET "
            "venue = EXCLUDED.venue, note = EXCLUDED.note",
            table, below(3)));
      if (chance(30)) tag(fmt::format("DELETE FROM {} WHERE id % 5 = {}", table, below(5)));
      if (chance(30))
        tag(fmt::format("UPDATE {} SET note = 'changed ' || id WHERE id % 4 = {}", table, below(4)));
      if (chance(40) && !is_in_transaction_) tag("CHECKPOINT");
    }
  }

  std::vector<Row> read(const std::string& table) {
    std::vector<Row> found;
    for (const std::string& line : rows(fmt::format(
             "SELECT q.symbol, q.venue, (extract(epoch FROM q.at) / {})::bigint, q.id, {} FROM {} q", scale_,
             kRest, table))) {
      std::istringstream parts(line);
      std::array<std::string, 4> cells;
      for (auto& cell : cells) std::getline(parts, cell, '|');
      Row row;
      if (cells[0] != "null") row.symbol = cells[0];
      if (cells[1] != "null") row.venue = std::stoll(cells[1]);
      if (cells[2] != "null") row.at = std::stoll(cells[2]);
      row.id = std::stoll(cells[3]);
      std::getline(parts, row.rest);
      found.push_back(std::move(row));
    }
    std::sort(found.begin(), found.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
    return found;
  }

  Shape some_shape() {
    return {.is_left = chance(60),
            .by_venue = chance(50),
            .is_strict = chance(40),
            .looks_ahead = chance(40),
            .filters = chance(40),
            .of_one = chance(30),
            .is_union = chance(20),
            .limit = chance(30) ? static_cast<std::size_t>(1 + below(30)) : SIZE_MAX,
            .offset = chance(30) ? static_cast<std::size_t>(below(10)) : 0};
  }

  std::string text_of(const Shape& shape) {
    const std::string op = fmt::format("{}{}", shape.looks_ahead ? '>' : '<', shape.is_strict ? "" : "=");
    const std::string other = fmt::format("{}{}", shape.looks_ahead ? '<' : '>', shape.is_strict ? "" : "=");
    const std::string filter = shape.filters ? " AND q.id % 3 <> 0" : "";
    const std::string venue = shape.by_venue ? " AND q.venue = t.venue" : "";
    const std::string join = shape.is_left ? "LEFT JOIN" : "JOIN";
    const std::string head =
        fmt::format("SELECT t.id, q.id, (extract(epoch FROM q.at) / {})::bigint, {} FROM t", scale_, kRest);
    std::string tail = shape.of_one ? " WHERE t.symbol = 'b' ORDER BY t.id" : " ORDER BY t.id";
    if (shape.limit != SIZE_MAX) tail += fmt::format(" LIMIT {}", shape.limit);
    if (shape.offset > 0) tail += fmt::format(" OFFSET {}", shape.offset);
    if (shape.is_union || chance(50)) {
      const std::string right =
          shape.is_union ? "(SELECT * FROM q WHERE id % 2 = 0 UNION ALL SELECT * FROM q WHERE id % 2 = 1) q"
                         : "q";
      return fmt::format("{} ASOF {} {} ON t.symbol = q.symbol AND t.at {} q.at{}{}{}", head, join, right,
                         other, venue, filter, tail);
    }
    return fmt::format(
        "{} {} LATERAL (SELECT id, at, note, tags, price, is_firm FROM q WHERE q.symbol = t.symbol AND q.at "
        "{} "
        "t.at{}{} ORDER BY q.at{} LIMIT 1) q ON true{}",
        head, join, op, venue, filter, shape.looks_ahead ? "" : " DESC", tail);
  }

  /// One query and what it must give.
  void ask(const std::vector<Row>& left, const std::vector<Row>& right) {
    const Shape shape = some_shape();
    const std::string query = text_of(shape);
    std::string plan;
    for (const std::string& line : rows("EXPLAIN " + query)) plan += line + "\n";
    if (!left.empty() && !right.empty()) {
      if (!shape.is_union) {
        ASSERT_NE(plan.find("Asof Merge"), std::string::npos) << query << "\n" << plan;
      } else {
        ASSERT_TRUE(plan.find("Asof Join") != std::string::npos || plan.find("arg_m") != std::string::npos)
            << query << "\n"
            << plan;
      }
    }
    if (!left.empty() && shape.is_left && shape.limit != SIZE_MAX) {
      // The first rows are those of the left.
      const auto first = plan.find("Top N");
      ASSERT_NE(first, std::string::npos) << plan;
      ASSERT_NE(plan.find("Top N", first + 1), std::string::npos) << plan;
    }
    const auto found = rows(query);
    std::size_t at = 0;
    std::size_t number = 0;  // of the row without the limit
    for (const Row& row : left) {
      if (shape.of_one && row.symbol != "b") continue;
      Number nearest;
      for (const Row& candidate : right) {
        if (!shape.matches(row, candidate)) continue;
        if (!nearest) nearest = candidate.at;
        nearest = shape.looks_ahead ? std::min(*nearest, *candidate.at) : std::max(*nearest, *candidate.at);
      }
      if (!nearest && !shape.is_left) continue;
      const std::size_t place = number++;
      if (place < shape.offset || place - shape.offset >= shape.limit) continue;
      ASSERT_LT(at, found.size()) << query;
      const std::string& shown = found[at++];
      if (!nearest) {
        EXPECT_EQ(shown, fmt::format("{}|null|null|null|null|null|null", row.id)) << query;
        continue;
      }
      // Of several at that time it is one.
      const bool is_one = std::any_of(right.begin(), right.end(), [&](const Row& candidate) {
        return shape.matches(row, candidate) && candidate.at == nearest &&
               shown == fmt::format("{}|{}|{}|{}", row.id, candidate.id, *nearest, candidate.rest);
      });
      EXPECT_TRUE(is_one) << shown << " where the nearest is at " << *nearest << "\n" << query;
    }
    EXPECT_EQ(at, found.size()) << query;
  }

  std::mt19937_64 random_{20260301};
  std::int64_t scale_ = 1;  // seconds
  std::int64_t next_id_ = 1;
  bool is_hypertable_ = false;
  bool is_in_transaction_ = false;
};

TEST_F(AsofProperty, IsWhatItMeans) {
  for (int round = 0; round < 30; ++round) {
    make("t", false);
    make("q", false);
    fill("t", chance(50) ? 20 : 160, 40);
    fill("q", 90, 40);
    const auto left = read("t");
    const auto right = read("q");
    for (int i = 0; i < 4 && !HasFailure(); ++i) ask(left, right);
    if (HasFailure()) return;
  }
}

// Partners near and far: the operator looks for them minute by minute, then further.
TEST_F(AsofProperty, IsWhatItMeansOfHypertables) {
  constexpr std::array<std::int64_t, 5> kScales = {1, 40, 3'000, 90'000, 3'000'000};
  for (int round = 0; round < 25; ++round) {
    scale_ = kScales[static_cast<std::size_t>(round) % kScales.size()];
    make("t", chance(50));
    fill("t", chance(50) ? 12 : 160, 40);
    make("q", true);
    change("q", 60, 40);
    const auto left = read("t");
    auto right = read("q");
    for (int i = 0; i < 3 && !HasFailure(); ++i) ask(left, right);
    // A transaction sees its own rows, and only it.
    tag("BEGIN");
    is_in_transaction_ = true;
    change("q", 30, 40);
    const auto own = read("q");
    for (int i = 0; i < 3 && !HasFailure(); ++i) ask(left, own);
    const bool keeps = chance(50);
    tag(keeps ? "COMMIT" : "ROLLBACK");
    is_in_transaction_ = false;
    if (keeps) right = own;
    if (!HasFailure()) ask(left, right);
    if (HasFailure()) return;
  }
}

// Times of every type that has an order of integers, beside the ordinary way; no two rows have the same.
TEST_F(AsofProperty, IsTheOrdinaryWayForAllTypes) {
  const std::map<std::string, std::string> times = {
      {"date", "DATE '2000-01-01' + (i * 7919 + {0}) % 3000"},
      {"timestamp", "TIMESTAMP '2000-01-01' + (i * 7919 + {0}) % 400000 * interval '7 minutes'"},
      {"timestamptz", "TIMESTAMPTZ '2000-01-01' + (i * 7919 + {0}) % 400000 * interval '7 seconds'"},
      {"timestamp_ns",
       "(TIMESTAMP '2000-01-01' + (i * 7919 + {0}) % 400000 * interval '20 minutes')::timestamp_ns"},
      {"bigint", "(i::bigint * 79190017 + {0}) % 9000000000 - 4000000000"},
      {"integer", "(i * 7919 + {0}) % 5000 - 2000"},
      {"smallint", "((i * 7919 + {0}) % 5000 - 2000)::smallint"},
  };
  for (const auto& [type, value] : times) {
    const bool is_number = type.find("int") != std::string::npos;
    for (const std::string table : {"t", "q"}) {
      tag("DROP TABLE IF EXISTS " + table);
      tag(
          fmt::format("CREATE TABLE {} (number int, symbol text NOT NULL, at {} NOT NULL, id int, "
                      "PRIMARY KEY (symbol, at))",
                      table, type));
      rows(fmt::format("SELECT create_hypertable('{}', 'at', chunk_time_interval => {})", table,
                       !is_number         ? "interval '500 days'"
                       : type == "bigint" ? "2000000000::bigint"
                                          : "1000"));
      for (int part = 0; part < 3; ++part) {
        tag(
            fmt::format("INSERT INTO {} SELECT i % 2, 's' || (i % 3), {}, i FROM generate_series(1, 90) i ON "
                        "CONFLICT DO NOTHING",
                        table, fmt::format(fmt::runtime(value), below(1'000'000))));
        if (part < 2) tag("CHECKPOINT");
      }
    }
    for (const std::string op : {"<=", "<", ">", ">="}) {
      const std::string head = "SELECT t.symbol, t.at, q.id, q.at FROM t ";
      const std::string on = fmt::format("q.symbol = t.symbol AND q.number = t.number AND q.at {} t.at", op);
      const std::string tail = " ORDER BY t.symbol, t.at";
      const std::string query = head + "ASOF LEFT JOIN q ON " + on + tail;
      std::string plan;
      for (const std::string& line : rows("EXPLAIN " + query)) plan += line + "\n";
      ASSERT_NE(plan.find("Asof Merge"), std::string::npos) << type << "\n" << plan;
      const auto ordinary = rows(fmt::format(
          "{}LEFT JOIN LATERAL (SELECT id, at FROM q WHERE {} ORDER BY q.at{} LIMIT 1 OFFSET 0) q "
          "ON true{}",
          head, on, op[0] == '<' ? " DESC" : "", tail));
      EXPECT_EQ(rows(query), ordinary) << type << " " << op;
    }
  }
}

// More rows on the left than are taken at a time, and more series than the scan is told of.
TEST_F(AsofProperty, TakesManyRowsInPasses) {
  scale_ = 20'000;
  make("q", true);
  tag("INSERT INTO q SELECT 's' || k, 0, to_timestamp(i * 1000), i, 'note ' || i FROM "
      "generate_series(1, 1000) i, generate_series(0, 99) k WHERE (i + k) % 2 = 0");
  const std::string joined =
      "FROM (SELECT 's' || i % 100 AS symbol, to_timestamp(i) AS at, i FROM generate_series(0, 1200000) i) t "
      "ASOF LEFT JOIN q ON q.symbol = t.symbol AND q.at <= t.at";
  std::string plan;
  for (const std::string& line : rows("EXPLAIN SELECT count(*) " + joined)) plan += line + "\n";
  ASSERT_NE(plan.find("Asof Merge"), std::string::npos) << plan;
  // The newest of every second thousand, which one depends on the series; past the last all have that.
  EXPECT_EQ(
      rows("SELECT count(*), count(q.id), sum(q.id), count(q.note) " + joined),
      rows("SELECT count(*), count(k), sum(k), count(k) FROM (SELECT CASE WHEN m >= 1 THEN m END AS k FROM "
           "(SELECT LEAST(i / 1000, 1000) - (LEAST(i / 1000, 1000) + i % 100) % 2 AS m FROM "
           "generate_series(0, 1200000) i) a) b"));
}

// Rows in the order of time, each nearer than the one before: what was kept of those before is dropped.
TEST_F(AsofProperty, KeepsTheNearestOfMany) {
  make("q", false);
  tag("INSERT INTO q SELECT 's' || i % 5000, 0, to_timestamp(i), i, CASE WHEN i % 7 > 0 THEN 'a note of many "
      "' || i "
      "END, CASE WHEN i % 5 > 0 THEN ARRAY['tag ' || i, NULL] END, i, i % 2 = 0 FROM generate_series(1, "
      "300000) i");
  const std::string head = fmt::format("SELECT t.i, q.id, {} FROM ", kRest);
  EXPECT_EQ(
      rows(head +
           "(SELECT 's' || i AS symbol, to_timestamp(300000 - i) AS at, i FROM generate_series(0, 5100) i) t "
           "ASOF LEFT JOIN q ON q.symbol = t.symbol AND q.at <= t.at ORDER BY t.i"),
      rows(head + "(SELECT i, CASE WHEN i < 5000 THEN 300000 - i - (300000 - 2 * i) % 5000 END AS k FROM "
                  "generate_series(0, 5100) i) t LEFT JOIN q ON q.id = t.k ORDER BY t.i"));
}

// What is read of the right for a few rows on the left is what lies around them.
TEST_F(AsofProperty, ReadsLittleForFewRows) {
  scale_ = 20'000;
  make("q", true);
  tag("INSERT INTO q SELECT 's' || i % 4, 0, to_timestamp(i), i, 'note ' || i FROM "
      "generate_series(1, 100000) i");
  tag("CHECKPOINT");
  const auto read_for = [&](const std::string& times) {
    const auto plan = rows(
        "EXPLAIN ANALYZE SELECT q.id FROM (SELECT 's2' AS symbol, to_timestamp(unnest) AS at FROM "
        "unnest(ARRAY[" +
        times + "])) t ASOF LEFT JOIN q ON q.symbol = t.symbol AND q.at <= t.at");
    for (const std::string& line : plan) {
      const auto at = line.find("Right Rows Read: ");
      if (at != std::string::npos) return std::stoll(line.substr(at + 17));
    }
    ADD_FAILURE() << "no as-of merge";
    return 0LL;
  };
  EXPECT_LE(read_for("50001"), 16);
  EXPECT_LE(read_for("50001, 70001, 3"), 48);
  EXPECT_LE(read_for("100050"), 16);
  // An hour and a half after the last one; two minutes before the first one.
  EXPECT_LE(read_for("105400"), 25'000);
  EXPECT_EQ(read_for("-120"), 0);
}

TEST_F(AsofProperty, TellsTheRightSideWhatIsAskedOfTheLeft) {
  make("t", false);
  make("q", false);
  fill("t", 160, 40);
  fill("q", 90, 40);
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
