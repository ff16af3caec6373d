// SPDX-License-Identifier: Apache-2.0
#include "market/table_facts.hpp"

#include <algorithm>

#include "market/table_definition.hpp"
#include "market/test/copy_fixture.hpp"

namespace tickstone::market {
namespace {

class TableFactsTest : public CopyFixture {
 protected:
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& one : tables()) all.push_back(one.short_name());
    return all;
  }
  static std::vector<std::string> texts(const std::vector<TimeRange>& ranges) {
    std::vector<std::string> all;
    for (const auto& range : ranges) all.push_back(range.start + " .. " + range.end);
    return all;
  }
};

TEST_F(TableFactsTest, OfNoTables) { EXPECT_TRUE(tables().empty()); }

TEST_F(TableFactsTest, NamesColumnsWithTypesDefaultsAndIdentities) {
  run("CREATE TABLE \"Odd name\" (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"sel\"\"ect\" "
      "VARCHAR(9) NOT "
      "NULL DEFAULT 'it''s', fee NUMERIC(10,4), twice INT GENERATED ALWAYS AS (1 + 1) STORED, tags TEXT[])");
  const auto facts = table("Odd name");
  EXPECT_EQ(facts.full_name(), "\"public\".\"Odd name\"");
  ASSERT_EQ(facts.columns.size(), 5U);
  EXPECT_EQ(facts.columns[0].identity, "a");
  EXPECT_TRUE(facts.columns[0].is_not_null);
  EXPECT_EQ(facts.columns[1].name, "sel\"ect");
  EXPECT_EQ(facts.columns[1].type, "character varying(9)");
  EXPECT_NE(facts.columns[1].default_text.find("it''s"), std::string::npos);
  EXPECT_EQ(facts.columns[2].type, "numeric(10,4)");
  EXPECT_TRUE(facts.columns[3].is_generated);
  EXPECT_EQ(facts.columns[4].type, "text[]");
  EXPECT_FALSE(facts.is_hypertable());
  EXPECT_EQ(texts(facts.ranges), std::vector<std::string>{" .. "});
}

TEST_F(TableFactsTest, WhatItsStatementsMakeIsTheSameTable) {
  run("CREATE TABLE parent (id SERIAL PRIMARY KEY, name TEXT UNIQUE)");
  run("CREATE TABLE t (id INT PRIMARY KEY, parent INT REFERENCES parent (id), fee NUMERIC(10,4) DEFAULT 0.5 "
      "CHECK (fee "
      ">= 0), note TEXT)");
  run("CREATE INDEX t_note ON t (note DESC)");
  const auto before = tables();
  const auto sequences = read_sequences(connection());
  run("DROP TABLE t");
  run("DROP TABLE parent");
  for (const auto& one : before) {
    for (const auto& statement : table_statements(one, sequences)) run(statement);
  }
  for (const auto& one : before) {
    for (const auto& statement : foreign_key_statements(one)) run(statement);
  }
  const auto after = tables();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].full_name(), before[i].full_name());
    EXPECT_EQ(after[i].constraints, before[i].constraints);
    EXPECT_EQ(after[i].foreign_keys, before[i].foreign_keys);
    EXPECT_EQ(after[i].indexes, before[i].indexes);
    ASSERT_EQ(after[i].columns.size(), before[i].columns.size());
    for (std::size_t c = 0; c < before[i].columns.size(); ++c) {
      EXPECT_EQ(after[i].columns[c].type, before[i].columns[c].type);
      EXPECT_EQ(after[i].columns[c].default_text, before[i].columns[c].default_text);
    }
  }
}

TEST_F(TableFactsTest, ParentsComeBeforeTheirChildren) {
  run("CREATE TABLE z (id INT PRIMARY KEY)");
  run("CREATE TABLE m (id INT PRIMARY KEY, z INT REFERENCES z (id), self INT REFERENCES m (id))");
  run("CREATE TABLE a (m INT REFERENCES m (id))");
  EXPECT_EQ(names(), (std::vector<std::string>{"z", "m", "a"}));
}

TEST_F(TableFactsTest, ACircleOfParentsEnds) {
  run("CREATE TABLE a (id INT PRIMARY KEY, b INT)");
  run("CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a (id))");
  run("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
  auto all = names();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::string>{"a", "b"}));
}

TEST_F(TableFactsTest, RangesOfAHypertableCoverAllTimesOnce) {
  run("CREATE TABLE t (at TIMESTAMPTZ NOT NULL, v INT)");
  run("SELECT create_hypertable('t', 'at', chunk_time_interval => INTERVAL '1 day')");
  EXPECT_EQ(texts(table("t").ranges), std::vector<std::string>{" .. "}) << "without a chunk";
  run("INSERT INTO t VALUES ('2026-01-05 12:00:00+00', 1), ('2026-01-06 12:00:00+00', 2), ('2026-01-09 "
      "00:00:00+00', 3)");
  const auto facts = table("t");
  EXPECT_TRUE(facts.is_hypertable());
  EXPECT_EQ(facts.time_column, "at");
  EXPECT_EQ(facts.time_type, "timestamp with time zone");
  EXPECT_EQ(facts.chunk_interval, "1 day");
  EXPECT_FALSE(facts.has_integer_time);
  EXPECT_EQ(texts(facts.ranges),
            (std::vector<std::string>{
                " .. 2026-01-05 00:00:00+00", "2026-01-05 00:00:00+00 .. 2026-01-06 00:00:00+00",
                "2026-01-06 00:00:00+00 .. 2026-01-07 00:00:00+00",
                "2026-01-07 00:00:00+00 .. 2026-01-09 00:00:00+00",
                "2026-01-09 00:00:00+00 .. 2026-01-10 00:00:00+00", "2026-01-10 00:00:00+00 .. "}));
}

TEST_F(TableFactsTest, OfIntegerTime) {
  run("CREATE TABLE t (at BIGINT NOT NULL, v INT)");
  run("SELECT create_hypertable('t', 'at', chunk_time_interval => 100)");
  run("INSERT INTO t VALUES (-50, 1), (250, 2)");
  const auto facts = table("t");
  EXPECT_TRUE(facts.has_integer_time);
  EXPECT_EQ(facts.chunk_interval, "100");
  EXPECT_EQ(texts(facts.ranges),
            (std::vector<std::string>{" .. -100", "-100 .. 0", "0 .. 200", "200 .. 300", "300 .. "}));
  EXPECT_EQ(range_condition(facts, facts.ranges[1]), " WHERE \"at\" >= -100 AND \"at\" < 0");
}

TEST_F(TableFactsTest, ConditionsOfRanges) {
  TableFacts facts;
  facts.time_column = "at";
  facts.time_type = "timestamp with time zone";
  EXPECT_EQ(range_condition(facts, {}), "");
  EXPECT_EQ(range_condition(facts, {"", "2026-01-05 00:00:00+00"}),
            " WHERE \"at\" < '2026-01-05 00:00:00+00'::timestamp with time zone");
  EXPECT_EQ(range_condition(facts, {"2026-01-05 00:00:00+00", ""}),
            " WHERE \"at\" >= '2026-01-05 00:00:00+00'::timestamp with time zone");
}

TEST_F(TableFactsTest, WhatIsNoUsersIsNoTable) {
  run("CREATE SCHEMA market");
  run("CREATE TABLE market.t (a INT)");
  run("CREATE TEMPORARY TABLE passing (a INT)");
  run("CREATE VIEW v AS SELECT a FROM market.t");
  run("CREATE TABLE tickstone_copies (table_name TEXT)");
  run("CREATE TABLE h (at TIMESTAMPTZ NOT NULL, v INT)");
  run("SELECT create_hypertable('h', 'at')");
  run("INSERT INTO h VALUES ('2026-01-05 12:00:00+00', 1)");
  run("CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS SELECT time_bucket('1 day', at) AS "
      "day, count(*) "
      "AS n FROM h GROUP BY day WITH NO DATA");
  auto all = names();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::string>{"h", "market.t"}));
}

TEST_F(TableFactsTest, SequencesTellWhereTheyStand) {
  run("CREATE SEQUENCE used AS INT INCREMENT BY 5 START WITH 10");
  run("CREATE SEQUENCE fresh");
  run("SELECT nextval('used')");
  run("SELECT nextval('used')");
  const auto sequences = read_sequences(connection());
  ASSERT_EQ(sequences.size(), 2U);
  EXPECT_EQ(sequences[0].full_name, "\"public\".\"fresh\"");
  EXPECT_FALSE(sequences[0].last_value.has_value());
  EXPECT_EQ(sequences[1].increment, "5");
  EXPECT_EQ(sequences[1].start, "10");
  EXPECT_EQ(sequences[1].type, "integer");
}

TEST_F(TableFactsTest, AggregatesComeAfterThoseThatTheyRead) {
  run("CREATE TABLE h (at TIMESTAMPTZ NOT NULL, v INT)");
  run("SELECT create_hypertable('h', 'at')");
  run("CREATE MATERIALIZED VIEW z_hourly WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', at) "
      "AS hour, "
      "sum(v) AS v FROM h GROUP BY hour WITH NO DATA");
  run("CREATE MATERIALIZED VIEW a_daily WITH (timescaledb.continuous, timescaledb.materialized_only = false) "
      "AS SELECT "
      "time_bucket('1 day', hour) AS day, sum(v) AS v FROM z_hourly GROUP BY day WITH NO DATA");
  const auto aggregates = read_aggregates(connection(), Home::Embedded);
  ASSERT_EQ(aggregates.size(), 2U);
  EXPECT_EQ(aggregates[0].full_name, "\"public\".\"z_hourly\"");
  EXPECT_EQ(aggregates[1].full_name, "\"public\".\"a_daily\"");
  EXPECT_FALSE(aggregates[1].is_materialized_only);
}

}  // namespace
}  // namespace tickstone::market
