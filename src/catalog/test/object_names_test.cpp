// SPDX-License-Identifier: Apache-2.0
#include "catalog/object_names.hpp"

#include <gtest/gtest.h>

#include "catalog/keywords.hpp"
#include "catalog/test/market_fixture.hpp"

namespace tickstone::catalog {
namespace {

// The expected names are those that PostgreSQL 15 gave.
constexpr const char* kLongTable = "a_table_with_a_rather_long_name_that_goes_on_and_on";
const std::string kLongColumn = "a_column_that_is_long_too_and_then_some";

TEST(ObjectNames, ShortenTheLongerPart) {
  EXPECT_EQ(make_object_name(kLongTable, kLongColumn, "key"),
            "a_table_with_a_rather_long_na_a_column_that_is_long_too_and_key");
  EXPECT_EQ(make_object_name(kLongTable, kLongColumn, "check"),
            "a_table_with_a_rather_long_n_a_column_that_is_long_too_an_check");
  EXPECT_EQ(make_object_name(kLongTable, "b", "idx"),
            "a_table_with_a_rather_long_name_that_goes_on_and_on_b_idx");
  EXPECT_EQ(make_object_name("ohlcv", {}, "pkey"), "ohlcv_pkey");
}

TEST(ObjectNames, AreCutBetweenCharacters) {
  const std::string name = std::string(62, 'a') + "\xC3\xA9";
  EXPECT_EQ(truncated_identifier(name), std::string(62, 'a'));
}

TEST(ObjectNames, CountUpWhereTaken) {
  Market market;
  const auto index_name = [&](const char* table, std::vector<std::string> columns) {
    return default_index_name(market.catalog(), 2200, table, columns);
  };
  EXPECT_EQ(index_name("ohlcv", {"symbol", "timeframe"}), "ohlcv_symbol_timeframe_idx");
  EXPECT_EQ(index_name("ohlcv", {"timestamp"}), "ohlcv_timestamp_idx1");

  RelationObject table;
  table.oid = 17000;
  table.schema = 2200;
  table.name = kLongTable;
  IndexObject index;
  index.oid = 17001;
  index.name = index_name(kLongTable, {"b", kLongColumn});
  EXPECT_EQ(index.name, "a_table_with_a_rather_long_na_b_a_column_that_is_long_too_a_idx");
  table.indexes = {index};
  market.edit->put_relation(table);
  EXPECT_EQ(index_name(kLongTable, {"b", kLongColumn}),
            "a_table_with_a_rather_long_na_b_a_column_that_is_long_too__idx1");
}

TEST(ObjectNames, OfConstraintsAreFreeAmongConstraints) {
  Market market;
  RelationObject ohlcv = market.ohlcv();
  const std::string first = default_check_name(market.catalog(), 2200, "ohlcv", "close");
  EXPECT_EQ(first, "ohlcv_close_check");
  EXPECT_EQ(default_check_name(market.catalog(), 2200, "ohlcv", "close", std::vector{first}),
            "ohlcv_close_check1");
  ConstraintObject check;
  check.oid = 17010;
  check.kind = ConstraintObject::Kind::Check;
  check.name = first;
  ohlcv.constraints.push_back(check);
  market.edit->put_relation(ohlcv);
  EXPECT_EQ(default_check_name(market.catalog(), 2200, "ohlcv", "close"), "ohlcv_close_check1");
  EXPECT_EQ(default_primary_key_name(market.catalog(), 2200, "ohlcv"), "ohlcv_pkey1");
  EXPECT_EQ(default_sequence_name(market.catalog(), 2200, "positions", "id"), "positions_id_seq1");
  EXPECT_EQ(default_foreign_key_name(market.catalog(), 2200, "trades", std::vector<std::string>{"symbol"}),
            "trades_symbol_fkey");
}

TEST(FreeName, StaysWithinTheLimit) {
  Market market;
  RelationObject table;
  table.oid = 17000;
  table.schema = 2200;
  table.name = std::string(63, 'x');
  market.edit->put_relation(table);
  EXPECT_EQ(market.catalog().free_name(2200, std::string(80, 'x')), std::string(62, 'x') + "1");
  EXPECT_EQ(market.catalog().free_name(2200, "fresh"), "fresh");
}

TEST(QuoteIdentifier, QuotesWhatWouldNotReadBack) {
  EXPECT_EQ(quote_identifier("symbol"), "symbol");
  EXPECT_EQ(quote_identifier("timestamp"), "\"timestamp\"");
  EXPECT_EQ(quote_identifier("select"), "\"select\"");
  EXPECT_EQ(quote_identifier("left"), "\"left\"");
  EXPECT_EQ(quote_identifier("name"), "name");  // unreserved
  EXPECT_EQ(quote_identifier("Upper"), "\"Upper\"");
  EXPECT_EQ(quote_identifier("1st"), "\"1st\"");
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_identifier(""), "\"\"");
}

TEST(SplitIdentifier, FoldsAndUnquotes) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(split_identifier("Public.\"Odd \"\"Name\""), (Parts{"public", "Odd \"Name"}));
  EXPECT_EQ(split_identifier(" ohlcv "), Parts{"ohlcv"});
  EXPECT_EQ(split_identifier(""), Parts{});
  EXPECT_EQ(split_identifier("a."), Parts{});
  EXPECT_EQ(split_identifier("\"open"), Parts{});
  EXPECT_EQ(split_identifier("a b"), Parts{});
}

TEST(Keywords, AreAllThere) {
  EXPECT_EQ(keywords().size(), 460U);
  ASSERT_NE(find_keyword("timestamp"), nullptr);
  EXPECT_EQ(find_keyword("timestamp")->category, KeywordCategory::ColumnName);
  EXPECT_TRUE(find_keyword("select")->is_bare_label);
  EXPECT_FALSE(find_keyword("day")->is_bare_label);
  EXPECT_EQ(find_keyword("symbol"), nullptr);
}

}  // namespace
}  // namespace tickstone::catalog
