// SPDX-License-Identifier: Apache-2.0
#include "market/object_plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "market/aggregate_parts.hpp"

namespace tickstone::market {
namespace {

std::vector<std::string> statements_of(const ObjectPlan& plan) {
  std::vector<std::string> all;
  for (const auto& step : plan.steps) all.insert(all.end(), step.statements.begin(), step.statements.end());
  return all;
}

std::string refusal_of(const std::string& query) {
  try {
    (void)aggregate_parts(query);
    return "none";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
    return error.message().substr(error.message().find("aggregates ") + 11);
  }
}

TEST(ArrayItems, AreTakenApart) {
  EXPECT_TRUE(array_items("").empty());
  EXPECT_TRUE(array_items("{}").empty());
  EXPECT_EQ(array_items("{a,b}"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(array_items(R"({"a,b","c\"d\\e",f})"), (std::vector<std::string>{"a,b", "c\"d\\e", "f"}));
}

TEST(AccessItems, AreReadFromTheTextOfAnAclitemArray) {
  const auto items =
      access_items(R"({owner=arwdDxt/owner,alice=r*w/owner,=r/owner,"\"odd \"\"role\"=X/owner"})", "owner");
  EXPECT_EQ(items, (std::vector<AccessItem>{{"", "SELECT", false},
                                            {"alice", "SELECT", true},
                                            {"alice", "UPDATE", false},
                                            {"odd \"role", "EXECUTE", false}}));
}

TEST(AggregateParts, AreFoundAtTheTopLevel) {
  const auto parts = aggregate_parts(
      "SELECT symbol, time_bucket('1 hour', \"timestamp\") AS hour, max(price) FILTER (WHERE extract(epoch "
      "FROM ts) > 0) "
      "AS \"from\", count(*) -- FROM nowhere\n FROM market.ticks WHERE price > (SELECT 1 FROM x WHERE TRUE) "
      "AND note <> 'a GROUP BY b' "
      "GROUP BY symbol, time_bucket('1 hour', \"timestamp\");");
  EXPECT_EQ(parts.hypertable, "market.ticks");
  EXPECT_EQ(parts.where_clause, "price > (SELECT 1 FROM x WHERE TRUE) AND note <> 'a GROUP BY b'");
  EXPECT_EQ(parts.group_by, "symbol, time_bucket('1 hour', \"timestamp\")");
  EXPECT_EQ(parts.bucket_column, "hour");
  EXPECT_EQ(parts.bucket_width, "'1 hour'");
}

TEST(AggregateParts, NamesOfTheBucket) {
  EXPECT_EQ(aggregate_parts("SELECT time_bucket(10, at) FROM t GROUP BY 1").bucket_column, "time_bucket");
  EXPECT_EQ(aggregate_parts("select public.time_bucket(INTERVAL '1 day', at) \"Day\" from t group by 1")
                .bucket_column,
            "Day");
  EXPECT_EQ(
      aggregate_parts("SELECT time_bucket('1 day'::interval, at) AS DAY FROM t GROUP BY 1").bucket_width,
      "'1 day'::interval");
}

TEST(AggregateParts, WhatHasNoCounterpartIsRefused) {
  EXPECT_EQ(refusal_of("SELECT time_bucket(1, at) FROM t JOIN u USING (a) GROUP BY 1"), "over joins");
  EXPECT_EQ(refusal_of("SELECT time_bucket(1, at) FROM t, u GROUP BY 1"), "over joins");
  EXPECT_EQ(refusal_of("SELECT time_bucket(1, at) FROM t GROUP BY 1 HAVING count(*) > 1"), "with HAVING");
  EXPECT_EQ(refusal_of("SELECT time_bucket('1 day', at, 'Europe/Berlin') FROM t GROUP BY 1"),
            "with an origin, an offset or a time zone in time_bucket");
  EXPECT_EQ(refusal_of("SELECT time_bucket(1, at) + 1 AS b FROM t GROUP BY 1"),
            "whose bucket is part of an expression");
  EXPECT_EQ(refusal_of("SELECT count(*) FROM t"), "without GROUP BY");
  EXPECT_EQ(refusal_of("SELECT a FROM t GROUP BY a"), "whose bucket is not a column of its own");
  EXPECT_EQ(refusal_of("WITH x AS (SELECT 1) SELECT 2"), "of a query that does not begin with SELECT");
}

/// Two homes with one object each, to begin with.
class ObjectPlanTest : public testing::Test {
 protected:
  ObjectPlanTest() {
    source.home = target.home = Home::Tickstone;
    source.user = target.user = "me";
    source.roles.push_back({});
    source.roles.back().name = "me";
    target.roles = source.roles;
  }
  static ObjectFacts object(ObjectKind kind, const std::string& name, const std::string& definition = {}) {
    ObjectFacts facts;
    facts.kind = kind;
    facts.full_name = "\"public\".\"" + name + "\"" + (kind == ObjectKind::Function ? "()" : "");
    facts.short_name = name + (kind == ObjectKind::Function ? "()" : "");
    facts.definition = definition;
    facts.owner = "me";
    if (kind == ObjectKind::Function) facts.language = "sql";
    return facts;
  }
  ObjectPlan plan() const { return plan_objects(source, target, options); }

  HomeFacts source, target;
  PlanOptions options;
};

TEST_F(ObjectPlanTest, WhatIsThereAlreadyIsNoStep) {
  source.objects = {object(ObjectKind::Table, "t"), object(ObjectKind::View, "v", "SELECT 1"),
                    object(ObjectKind::Function, "f", "CREATE OR REPLACE FUNCTION f() ...")};
  source.objects[0].comments[""] = "trades";
  target = source;
  EXPECT_TRUE(plan().steps.empty());
  EXPECT_TRUE(plan().left_out.empty());
}

TEST_F(ObjectPlanTest, ADefinitionThatDiffersIsReplacedOnlyWhenAskedOrWhenTheSourceHasChanged) {
  target.objects = {object(ObjectKind::View, "v", "SELECT 1")};
  source.objects = {object(ObjectKind::View, "v", "SELECT 2")};
  ASSERT_EQ(plan().left_out.size(), 1U);
  EXPECT_EQ(plan().left_out[0].reason, "the target's is another one");
  EXPECT_TRUE(plan().steps.empty());
  options.replaces = true;
  EXPECT_EQ(statements_of(plan()),
            std::vector<std::string>{"CREATE OR REPLACE VIEW \"public\".\"v\" AS SELECT 2"});
  options.replaces = false;
  target.copied["view v"] = "of another definition";
  EXPECT_EQ(plan().steps.size(), 1U);
  // Homes of other kinds print definitions in other ways: there only what was copied tells.
  target.home = Home::PostgreSql;
  EXPECT_EQ(plan().steps.size(), 1U);
  target.copied.clear();
  EXPECT_TRUE(plan().steps.empty());
  EXPECT_TRUE(plan().left_out.empty());
}

TEST_F(ObjectPlanTest, WhatTickstoneCannotHaveIsLeftOutWithAReason) {
  source.home = Home::PostgreSql;
  source.objects = {object(ObjectKind::Function, "f", "..."), object(ObjectKind::Schema, "s"),
                    object(ObjectKind::Table, "t")};
  source.objects[0].language = "plpgsql";
  source.objects[1].access = {{"", "USAGE", false}};
  source.objects[1].comments[""] = "ours";
  source.objects[2].column_access["price"] = {{"", "SELECT", false}};
  source.foreign.push_back({"trigger audit on t", "do this"});
  std::vector<std::string> what;
  for (const auto& one : plan().left_out) {
    what.push_back(one.what);
    EXPECT_FALSE(one.reason.empty());
  }
  EXPECT_EQ(what, (std::vector<std::string>{"function f()", "trigger audit on t"}));
  const auto statements = statements_of(plan());
  for (const auto* wanted : {"CREATE SCHEMA \"public\".\"s\"", "COMMENT ON SCHEMA \"public\".\"s\" IS 'ours'",
                             "GRANT USAGE ON SCHEMA \"public\".\"s\" TO PUBLIC",
                             "GRANT SELECT (\"price\") ON \"public\".\"t\" TO PUBLIC"})
    EXPECT_EQ(std::count(statements.begin(), statements.end(), wanted), 1) << wanted;
}

TEST_F(ObjectPlanTest, RightsOfRolesThatAreMissingAreToldOrTheRolesMade) {
  source.objects = {object(ObjectKind::Table, "t")};
  source.objects[0].access = {{"alice", "SELECT", true}};
  source.objects[0].owner = "bob";
  for (const char* name : {"alice", "bob"}) {
    source.roles.push_back({});
    source.roles.back().name = name;
    source.roles.back().may_login = true;
    source.roles.back().connection_limit = "-1";
  }
  source.roles[1].member_of = {"bob"};
  target.objects = {object(ObjectKind::Table, "t")};
  EXPECT_TRUE(plan().steps.empty());
  ASSERT_EQ(plan().left_out.size(), 2U);
  EXPECT_EQ(plan().left_out[0].reason, "role \"alice\" does not exist at the target");
  EXPECT_EQ(plan().left_out[1].what, "owner of table t");
  options.makes_roles = true;
  EXPECT_EQ(
      statements_of(plan()),
      (std::vector<std::string>{"CREATE ROLE \"alice\" LOGIN", "GRANT \"bob\" TO \"alice\"",
                                "CREATE ROLE \"bob\" LOGIN", "ALTER TABLE \"public\".\"t\" OWNER TO \"bob\"",
                                "GRANT SELECT ON \"public\".\"t\" TO \"alice\" WITH GRANT OPTION"}));
  EXPECT_EQ(plan().left_out.size(), 2U) << "the passwords";
}

TEST_F(ObjectPlanTest, AFunctionThatIsNotForAllIsNotForAllAtTheTarget) {
  source.objects = {object(ObjectKind::Function, "f", "CREATE ...")};
  source.objects[0].has_access = true;
  const auto all = statements_of(plan());
  EXPECT_NE(std::find(all.begin(), all.end(), "REVOKE EXECUTE ON FUNCTION \"public\".\"f\"() FROM PUBLIC"),
            all.end());
  target.objects = source.objects;
  EXPECT_TRUE(plan().steps.empty());
  // Nothing said of it, or said again: everybody's.
  source.objects[0].access = {{"", "EXECUTE", false}};
  target.objects.clear();
  EXPECT_EQ(plan().steps.size(), 1U);
}

TEST_F(ObjectPlanTest, OfChosenTablesOnlyWhatIsSaidOfThem) {
  source.objects = {object(ObjectKind::Table, "t"), object(ObjectKind::Table, "u"),
                    object(ObjectKind::View, "v", "...")};
  for (auto& one : source.objects) one.comments[""] = "said";
  options.tables = {"\"public\".\"t\""};
  EXPECT_EQ(statements_of(plan()), std::vector<std::string>{"COMMENT ON TABLE \"public\".\"t\" IS 'said'"});
}

TEST_F(ObjectPlanTest, APolicyOfAnotherAgeTakesThePlaceOfTheTargets) {
  JobFacts job;
  job.name = "Retention Policy";
  job.procedure_schema = "_timescaledb_functions";
  job.procedure_name = "policy_retention";
  job.relation = "\"public\".\"t\"";
  job.schedule_interval = "1 day";
  job.max_runtime = "00:00:00";
  job.max_retries = "-1";
  job.retry_period = "00:05:00";
  job.owner = "me";
  job.config = R"({"drop_after": "30 days", "hypertable_id": 1})";
  source.jobs = {job};
  target.jobs = {job};
  target.jobs[0].config = R"({"hypertable_id": 77, "drop_after": "30 days"})";
  EXPECT_TRUE(plan().steps.empty());
  target.jobs[0].is_scheduled = false;
  const auto all = statements_of(plan());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], "SELECT remove_retention_policy('\"public\".\"t\"')");
  EXPECT_EQ(all[1],
            "SELECT add_retention_policy('\"public\".\"t\"', drop_after => INTERVAL '30 days', "
            "schedule_interval => "
            "INTERVAL '1 day')");
  EXPECT_NE(all[2].find("alter_job({job}"), std::string::npos);
  target.jobs.clear();
  EXPECT_EQ(statements_of(plan()).size(), 2U);
}

TEST_F(ObjectPlanTest, AnEagerAggregateIsEagerOnTickstoneAlone) {
  source.objects = {object(ObjectKind::Aggregate, "a", "SELECT time_bucket(10, at) AS b FROM t GROUP BY b")};
  source.objects[0].options = "tickstone.eager = true";
  EXPECT_NE(statements_of(plan())[0].find(", tickstone.eager = true) AS SELECT"), std::string::npos);
  EXPECT_TRUE(plan().left_out.empty());
  target.home = Home::TimescaleDb;
  EXPECT_EQ(statements_of(plan())[0].find("eager"), std::string::npos);
  ASSERT_EQ(plan().left_out.size(), 1U);
  EXPECT_EQ(plan().left_out[0].what, "tickstone.eager of continuous aggregate a");
}

TEST_F(ObjectPlanTest, WhatPostgresqlAloneCannotHaveIsLeftOut) {
  target.home = Home::PostgreSql;
  source.layouts = {{"\"public\".\"a\"", false, "\"symbol\"", ""}, {"\"public\".\"b\"", false, "", ""}};
  ASSERT_EQ(plan().left_out.size(), 1U);
  EXPECT_EQ(plan().left_out[0].what, "compression settings of \"public\".\"a\", \"public\".\"b\"");
  target.home = Home::TimescaleDb;
  EXPECT_EQ(statements_of(plan())[0],
            "ALTER TABLE \"public\".\"a\" SET (timescaledb.compress = true, timescaledb.compress_segmentby = "
            "'\"symbol\"')");
}

}  // namespace
}  // namespace tickstone::market
