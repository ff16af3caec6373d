// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "duck/test/fake_store.hpp"

namespace tickstone::duck::test {
namespace {

using Random = std::mt19937_64;
using Cell = std::optional<std::string>;

/// A value of each type that is compared, by its text and its place among the others.
struct Sample {
  std::string text;
  int rank;
};

struct KeyType {
  const char* name;
  SqlType type;
  std::vector<Sample> samples;
};

std::vector<KeyType> key_types() {
  std::vector<Sample> numbers, texts, days, moments;
  for (int i = 0; i < 40; ++i) {
    numbers.push_back({std::to_string(i * 3 - 50), i});
    const std::string two = {static_cast<char>('a' + i / 10), static_cast<char>('0' + i % 10)};
    texts.push_back({i < 20 ? two : two + " is longer than what is kept in place", i});
    days.push_back({"2026-01-" + std::to_string(i / 2 + 10), i / 2});
    moments.push_back(
        {"2026-01-" + std::to_string(i / 2 + 10) + (i % 2 == 0 ? " 00:00:00.000001+00" : " 12:00:00+00"), i});
  }
  return {
      {"BIGINT", SqlType::of(TypeId::BigInt), numbers},
      {"INTEGER", SqlType::of(TypeId::Integer), numbers},
      {"NUMERIC", SqlType::of(TypeId::Numeric), numbers},
      {"TEXT", SqlType::of(TypeId::Text), texts},
      {"DATE", SqlType::of(TypeId::Date), days},
      {"TIMESTAMPTZ", SqlType::of(TypeId::TimestampTz), moments},
      {"BOOLEAN", SqlType::of(TypeId::Boolean), {{"false", 0}, {"true", 1}}},
      {"DOUBLE",
       SqlType::of(TypeId::Double),
       {{"-Infinity", 0}, {"-1.5", 1}, {"-0", 2}, {"0", 2}, {"1e300", 3}, {"Infinity", 4}, {"NaN", 5}}},
  };
}

struct Key {
  const KeyType* type;
  bool is_descending;
  bool has_nulls_first;

  /// The place of a sample, or of NULL, in this order.
  int rank(int sample) const {
    if (sample < 0) return has_nulls_first ? -1000 : 1000;
    const int rank = type->samples[sample].rank;
    return is_descending ? -rank : rank;
  }
  Cell cell(int sample) const { return sample < 0 ? Cell() : Cell(type->samples[sample].text); }
};

using Row = std::vector<int>;  // the sample of each key, -1 for NULL

std::vector<int> ranks_of(const std::vector<Key>& keys, const Row& row) {
  std::vector<int> ranks;
  for (std::size_t k = 0; k < keys.size(); ++k) ranks.push_back(keys[k].rank(row[k]));
  return ranks;
}

class RowsInOrder : public ::testing::Test {
 protected:
  /// Asks for rows that come as they stand, a few thousand a unit, in the order of the keys.
  void expect_order(Connection& connection, const std::vector<Key>& keys, const std::vector<Row>& rows,
                    std::size_t unit_rows) {
    std::vector<std::vector<int>> orders;
    for (const Row& row : rows) orders.push_back(ranks_of(keys, row));
    std::sort(orders.begin(), orders.end());
    std::vector<std::pair<std::string, SqlType>> columns{{"id", SqlType::of(TypeId::BigInt)},
                                                         {"place", SqlType::of(TypeId::BigInt)}};
    std::string order, described;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const std::string name = "k" + std::to_string(k);
      columns.emplace_back(name, keys[k].type->type);
      described += std::string(keys[k].type->name) + " ";
      order += (k == 0 ? "" : ", ") + name + (keys[k].is_descending ? " DESC" : " ASC") +
               (keys[k].has_nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    FakeTable table(100, columns);
    std::vector<std::vector<Cell>> unit;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto place =
          std::lower_bound(orders.begin(), orders.end(), ranks_of(keys, rows[i])) - orders.begin();
      std::vector<Cell> cells{std::to_string(i), std::to_string(place)};
      for (std::size_t k = 0; k < keys.size(); ++k) cells.push_back(keys[k].cell(rows[i][k]));
      unit.push_back(std::move(cells));
      if (unit.size() < unit_rows && i + 1 < rows.size()) continue;
      table.add_unit(unit);
      unit.clear();
    }
    table.settle_layouts();
    table.version = ++version_;
    store_.tables["public.t"] = std::move(table);
    store_.estimated_rows = std::max<std::uint64_t>(store_.estimated_rows, rows.size());
    // What is printed is in another order than what was scanned, so that a mixed-up projection shows.
    const auto given = rows_of(*connection.query("SELECT place, id FROM \"public.t\" ORDER BY " + order));
    ASSERT_EQ(given.size(), rows.size()) << order;
    std::vector<bool> is_seen(rows.size());
    long before = -1;
    for (const std::string& row : given) {
      const long place = std::stol(row);
      const std::size_t id = std::stoul(row.substr(row.find('|') + 1));
      ASSERT_LE(before, place) << order << " of " << described;
      EXPECT_FALSE(is_seen[id]);
      is_seen[id] = true;
      before = place;
    }
  }

  FakeStore store_;
  FakeSession session_{store_};
  std::uint64_t version_ = 1;
};

TEST_F(RowsInOrder, RowsThatComeInOrderOrNearlySoAreGivenInOrder) {
  const auto types = key_types();
  InstanceOptions options;
  options.threads = 3;
  const auto instance = Instance::open(options);
  const auto connection = instance->connect(session_, session_);
  Random random(20260105);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 150; ++round) {
    std::vector<Key> keys;
    for (std::size_t k = 0, count = 1 + below(3); k < count; ++k) {
      const KeyType* type = &types[below(types.size())];
      const bool is_descending = below(2) == 0;
      const bool has_nulls_first = below(2) == 0;
      keys.push_back({type, is_descending, has_nulls_first});
    }
    const std::size_t most_rows = below(4) == 0 ? 2100 : 9000;
    std::vector<Row> rows(below(most_rows));
    const bool has_nulls = below(2) == 0;
    for (Row& row : rows) {
      for (const Key& key : keys)
        row.push_back(has_nulls && below(10) == 0 ? -1 : static_cast<int>(below(key.type->samples.size())));
    }
    std::sort(rows.begin(), rows.end(),
              [&](const Row& a, const Row& b) { return ranks_of(keys, a) < ranks_of(keys, b); });
    // In order; with a row out of its place; in two stretches, the later one first; or in no order.
    const std::size_t disorder = below(4);
    if (!rows.empty() && disorder == 1) std::swap(rows[below(rows.size())], rows[below(rows.size())]);
    if (disorder == 2) std::rotate(rows.begin(), rows.begin() + below(rows.size() + 1), rows.end());
    if (disorder == 3 && below(3) == 0) std::shuffle(rows.begin(), rows.end(), random);
    store_.estimated_rows = below(2) == 0 ? 1'000'000 : 0;
    const std::size_t unit_rows = 1 + below(2048);
    ASSERT_NO_FATAL_FAILURE(expect_order(*connection, keys, rows, unit_rows));
  }
}

TEST_F(RowsInOrder, MoreThanAreGatheredAreDuckDbs) {
  const auto types = key_types();
  const auto instance = Instance::open(InstanceOptions());
  const auto connection = instance->connect(session_, session_);
  const std::vector<Key> keys{{&types[0], false, false}};
  std::vector<Row> rows(540'000);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = {static_cast<int>(i * 40 / rows.size())};
  expect_order(*connection, keys, rows, 2000);
  std::swap(rows.front(), rows.back());
  expect_order(*connection, keys, rows, 2000);
}

TEST_F(RowsInOrder, APreparedSortIsInOrderEachTime) {
  const auto instance = Instance::open(InstanceOptions());
  const auto connection = instance->connect(session_, session_);
  FakeTable table(100, {{"n", SqlType::of(TypeId::BigInt)}});
  std::vector<std::vector<Cell>> unit;
  for (int i = 0; i < 5000; ++i) {
    unit.push_back({std::to_string(i)});
    if (unit.size() < 1000) continue;
    table.add_unit(unit);
    unit.clear();
  }
  store_.tables["public.t"] = std::move(table);
  store_.estimated_rows = 5000;
  const auto sort = connection->prepare("SELECT n FROM \"public.t\" WHERE n >= $1::BIGINT ORDER BY n");
  for (const int from : {0, 4990, 0, 1, 4999, 5000, 2500}) {
    const Value value = Value::of_bigint(from);
    const auto given = rows_of(*sort->execute({&value, 1}));
    ASSERT_EQ(given.size(), 5000U - from);
    for (std::size_t i = 0; i < given.size(); ++i) EXPECT_EQ(given[i], std::to_string(from + i));
  }
}

}  // namespace
}  // namespace tickstone::duck::test
