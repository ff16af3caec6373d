// SPDX-License-Identifier: Apache-2.0
// Objects printed as SQL. The expected texts are PostgreSQL 15's.
#include <gtest/gtest.h>

#include "catalog/definition_text.hpp"
#include "catalog/sql_tokens.hpp"
#include "catalog/test/market_fixture.hpp"

namespace tickstone::catalog {
namespace {

class Definition : public testing::Test {
 protected:
  std::string of_index(const IndexObject& index) const {
    return index_definition(market_.catalog(), market_.ohlcv(), index);
  }
  std::string of_constraint(const ConstraintObject& constraint, bool is_pretty = false) const {
    return constraint_definition(market_.catalog(), market_.ohlcv(), constraint, is_pretty);
  }
  Market market_;
};

TEST_F(Definition, OfIndexes) {
  const RelationObject ohlcv = market_.ohlcv();
  EXPECT_EQ(of_index(ohlcv.indexes[0]),
            "CREATE UNIQUE INDEX ohlcv_pkey ON public.ohlcv USING btree (symbol, \"timestamp\", timeframe)");
  EXPECT_EQ(of_index(ohlcv.indexes[1]),
            "CREATE INDEX ohlcv_timestamp_idx ON public.ohlcv USING btree (\"timestamp\" DESC)");
  IndexObject index;
  index.name = "odd";
  index.keys = {{0, "lower(symbol)"}, {0, "close + 1", true, false}, {3, {}, false, true}};
  index.include = {4};
  index.where_text = "close > 5";
  EXPECT_EQ(of_index(index),
            "CREATE INDEX odd ON public.ohlcv USING btree (lower(symbol), ((close + 1)) DESC NULLS LAST, "
            "close NULLS "
            "FIRST) INCLUDE (timeframe) WHERE (close > 5)");
  EXPECT_EQ(
      index_definition(ohlcv, index, "ohlcv", true),
      "CREATE INDEX odd ON ohlcv USING btree (lower(symbol), (close + 1) DESC NULLS LAST, close NULLS FIRST) "
      "INCLUDE (timeframe) WHERE close > 5");
  index = {};
  index.name = "hashed";
  index.method = "hash";
  index.keys = {{1, {}, true, false}};
  EXPECT_EQ(of_index(index), "CREATE INDEX hashed ON public.ohlcv USING hash (symbol)");
}

TEST_F(Definition, OfConstraints) {
  EXPECT_EQ(of_constraint(market_.ohlcv().constraints[0]), "PRIMARY KEY (symbol, \"timestamp\", timeframe)");
  ConstraintObject constraint;
  constraint.kind = ConstraintObject::Kind::Check;
  constraint.check_text = "close > 0";
  EXPECT_EQ(of_constraint(constraint), "CHECK ((close > 0))");
  EXPECT_EQ(of_constraint(constraint, true), "CHECK (close > 0)");
  constraint.check_text = "(close > 0) AND (close < 9)";
  EXPECT_EQ(of_constraint(constraint), "CHECK (((close > 0) AND (close < 9)))");
  constraint = {};
  constraint.kind = ConstraintObject::Kind::ForeignKey;
  constraint.columns = {1};
  constraint.referenced_table = Market::kPositions;
  constraint.referenced_columns = {2};
  constraint.on_delete = 'c';
  EXPECT_EQ(of_constraint(constraint), "FOREIGN KEY (symbol) REFERENCES positions(ticker) ON DELETE CASCADE");
}

TEST_F(Definition, ColumnsInExpressions) {
  using Ids = std::vector<storage::ColumnId>;
  const RelationObject ohlcv = market_.ohlcv();
  EXPECT_EQ(columns_in_expression(ohlcv, "close > 0 AND close < 9"), Ids{3});
  EXPECT_EQ(columns_in_expression(ohlcv, "\"timestamp\" < now() AND symbol <> 'close'"), (Ids{2, 1}));
  EXPECT_EQ(columns_in_expression(ohlcv, "symbol(1) > 5::close"), Ids{});
}

TEST(QueryLayout, BreaksAsPostgres) {
  EXPECT_EQ(
      query_layout(
          "SELECT o.symbol, count(*) AS n FROM ohlcv o JOIN symbols s ON s.symbol = o.symbol LEFT JOIN "
          "fk ON fk.a = o.symbol WHERE o.close > 5 AND s.type IS DISTINCT FROM 'x' GROUP BY o.symbol "
          "HAVING count(*) > 1 ORDER BY o.symbol LIMIT 5"),
      " SELECT o.symbol,\n    count(*) AS n\n   FROM ohlcv o\n     JOIN symbols s ON s.symbol = o.symbol\n"
      "     LEFT JOIN fk ON fk.a = o.symbol\n  WHERE o.close > 5 AND s.type IS DISTINCT FROM 'x'\n"
      "  GROUP BY o.symbol\n HAVING count(*) > 1\n  ORDER BY o.symbol\n LIMIT 5;");
  EXPECT_EQ(query_layout("SELECT 1 AS a, EXTRACT(hour FROM now()) AS h UNION ALL SELECT 2 AS a, 3 AS h;"),
            " SELECT 1 AS a,\n    EXTRACT(hour FROM now()) AS h\nUNION ALL\n SELECT 2 AS a,\n    3 AS h;");
  EXPECT_EQ(query_layout("SELECT DISTINCT x.symbol FROM x, fk OFFSET 3"),
            " SELECT DISTINCT x.symbol\n   FROM x,\n    fk\n OFFSET 3;");
}

TEST(QueryLayout, LeavesTextAlone) {
  EXPECT_EQ(query_layout("SELECT 'a, FROM '' b' AS \"x, FROM\", (SELECT 1 FROM t) FROM u"),
            " SELECT 'a, FROM '' b' AS \"x, FROM\",\n    (SELECT 1 FROM t)\n   FROM u;");
  EXPECT_EQ(query_layout(""), ";");
  EXPECT_EQ(query_layout("SELECT 'open"), " SELECT 'open;");
}

}  // namespace
}  // namespace tickstone::catalog
