// SPDX-License-Identifier: Apache-2.0
#include "sql/point_read.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/test/guide_lookup.hpp"

namespace tickstone::sql {
namespace {

using testing::ElementsAre;
using Kind = PointRead::Operand::Kind;

std::optional<PointRead> found(std::string_view text) {
  const GuideLookup lookup;
  return point_read_of(std::get<QueryStatement>(parse(text).at(0).body).query, lookup);
}

TEST(PointReadOf, ColumnsConditionsAndOrder) {
  const auto read = found(
      "SELECT t.*, price AS p FROM trades AS t WHERE 'A' = symbol AND t.timestamp < $2 AND size BETWEEN 1 "
      "AND 2.5 "
      "ORDER BY timestamp DESC, p NULLS FIRST LIMIT $1 OFFSET 3");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->relation.name, "trades");
  EXPECT_THAT(read->columns, ElementsAre(0, 1, 2, 3, 4, 5, 6, 2));
  EXPECT_EQ(read->output_names.back(), "p");
  ASSERT_EQ(read->conditions.size(), 4U);
  EXPECT_EQ(read->conditions[0].column, 0U);
  EXPECT_EQ(read->conditions[0].operands[0].constant.text, "A");
  EXPECT_EQ(read->conditions[1].comparison, PointRead::Comparison::Less);
  EXPECT_EQ(read->conditions[1].operands[0].parameter, 2);
  EXPECT_EQ(read->conditions[2].comparison, PointRead::Comparison::GreaterOrEqual);
  EXPECT_EQ(read->conditions[3].comparison, PointRead::Comparison::LessOrEqual);
  ASSERT_EQ(read->order.size(), 2U);
  EXPECT_TRUE(read->order[0].is_descending && read->order[0].has_nulls_first);
  EXPECT_EQ(read->order[1].column, 2U);
  EXPECT_TRUE(!read->order[1].is_descending && read->order[1].has_nulls_first);
  EXPECT_EQ(read->limit->kind, Kind::Parameter);
  EXPECT_EQ(read->offset->constant.text, "3");
}

TEST(PointReadOf, AComparisonIsTurnedSoThatTheColumnComesFirst) {
  const auto read = found("SELECT price FROM trades WHERE 5 > id AND $1::bigint <= id");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->conditions[0].comparison, PointRead::Comparison::Less);
  EXPECT_EQ(read->conditions[1].comparison, PointRead::Comparison::GreaterOrEqual);
  EXPECT_EQ(read->conditions[1].operands[0].cast, SqlType::of(TypeId::BigInt));
}

TEST(PointReadOf, TheTransactionsTimeWithAnInterval) {
  const auto read = found(
      "SELECT price FROM trades WHERE timestamp > now() - INTERVAL '1' DAY AND timestamp <= "
      "CURRENT_TIMESTAMP");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->conditions[0].operands[0].kind, Kind::Now);
  EXPECT_EQ(read->conditions[0].operands[0].after_now, (IntervalValue{0, -1, 0}));
  EXPECT_EQ(read->conditions[1].operands[0].after_now, IntervalValue{});
}

TEST(PointReadOf, NamesInOrderByAreTheOutputsFirst) {
  const auto read = found("SELECT price AS size, id FROM trades WHERE id = 1 ORDER BY size, 2, timestamp");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->order[0].column, 2U);
  EXPECT_EQ(read->order[1].column, 6U);
  EXPECT_EQ(read->order[2].column, 1U);
}

TEST(PointReadOf, DistinctOnTheHeadOfTheOrder) {
  const auto read = found(
      "SELECT DISTINCT ON (symbol, exchange) price FROM trades WHERE symbol = ANY($1::text[]) AND exchange "
      "IN (1, "
      "2) ORDER BY exchange DESC, symbol, timestamp DESC");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->distinct_on, 2U);
  EXPECT_EQ(read->order.size(), 3U);
  EXPECT_TRUE(read->conditions[0].is_any);
  EXPECT_EQ(read->conditions[0].operands[0].cast, SqlType::array_of(TypeId::Text));
  EXPECT_FALSE(read->conditions[1].is_any);
}

TEST(PointReadOf, ListsOfKeysAsArrays) {
  const auto read = found(
      "SELECT price FROM trades WHERE (symbol, id) IN (SELECT * FROM unnest($2::text[], $1)) AND price > 1");
  ASSERT_TRUE(read && read->keys);
  EXPECT_THAT(read->keys->columns, ElementsAre(0, 6));
  EXPECT_EQ(read->keys->arrays[0].parameter, 2);
  EXPECT_EQ(read->keys->arrays[1].parameter, 1);
  EXPECT_EQ(read->conditions.size(), 1U);
}

TEST(PointReadOf, WhatIsMoreIsNone) {
  for (const char* text :
       {"SELECT price FROM trades",
        "SELECT price + 1 FROM trades WHERE id = 1",
        "SELECT max(id) FROM trades WHERE id = 1",
        "SELECT DISTINCT id FROM trades WHERE id = 1",
        "SELECT DISTINCT ON (id) id FROM trades WHERE id = 1",
        "SELECT DISTINCT ON (id) id FROM trades WHERE id = 1 ORDER BY symbol, id",
        "SELECT DISTINCT ON (id) id FROM trades WHERE id = 1 ORDER BY id LIMIT 1",
        "SELECT id FROM trades WHERE id <> ANY($1)",
        "SELECT id FROM trades WHERE id = ANY('{1}')",
        "SELECT id FROM trades WHERE $1 = ANY(conditions)",
        "SELECT id FROM trades WHERE (symbol, id) NOT IN (SELECT * FROM unnest($1, $2))",
        "SELECT id FROM trades WHERE (symbol, id) IN (SELECT * FROM unnest($1, $2) LIMIT 1)",
        "SELECT id FROM trades WHERE (symbol, id) IN (SELECT * FROM unnest($1))",
        "SELECT id FROM trades WHERE (symbol, id) IN (SELECT symbol, id FROM trades)",
        "SELECT id FROM trades WHERE id = 1 GROUP BY id",
        "SELECT id FROM trades WHERE id = 1 OR id = 2",
        "SELECT id FROM trades WHERE NOT id = 1",
        "SELECT id FROM trades WHERE id = size",
        "SELECT id FROM trades WHERE id IS NULL",
        "SELECT id FROM trades WHERE symbol LIKE 'A%'",
        "SELECT id FROM trades WHERE id NOT IN (1, 2)",
        "SELECT id FROM trades WHERE id = ANY('{1,2}')",
        "SELECT id FROM trades WHERE id = 1 ORDER BY -id",
        "SELECT id FROM trades WHERE id = 1 ORDER BY 2",
        "SELECT price AS x, size AS x FROM trades WHERE id = 1 ORDER BY x",
        "SELECT t.id FROM trades t, ohlcv WHERE id = 1",
        "SELECT x FROM trades AS t(x) WHERE x = 'A'",
        "SELECT id FROM trades WHERE id = 1 FOR UPDATE",
        "WITH trades AS (SELECT 1 AS id) SELECT id FROM trades WHERE id = 1",
        "SELECT id FROM trades WHERE id = 1 UNION SELECT 1",
        "SELECT id FROM (SELECT * FROM trades) t WHERE id = 1",
        "SELECT other.id FROM trades WHERE id = 1",
        "SELECT nope FROM trades WHERE id = 1",
        "SELECT id FROM nowhere WHERE id = 1",
        "SELECT id FROM trades WHERE id = (SELECT 1)",
        "SELECT id FROM trades WHERE timestamp > now() - INTERVAL '1 day' * 2",
        "SELECT id FROM trades WHERE id = 1 ORDER BY id FETCH FIRST 1 ROW WITH TIES"}) {
    EXPECT_FALSE(found(text)) << text;
  }
}

}  // namespace
}  // namespace tickstone::sql
