// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class ExplainFormat : public SessionTest {
 protected:
  /// The plan's root.
  nlohmann::json plan(const std::string& statement, const std::string& how = "FORMAT JSON") {
    const auto results = session->run("EXPLAIN (" + how + ") " + statement);
    EXPECT_EQ(results.back().columns.at(0).name, "QUERY PLAN");
    EXPECT_EQ(results.back().columns.at(0).type, SqlType::of(TypeId::Json));
    EXPECT_EQ(results.back().rows.size(), 1U);
    whole_ = nlohmann::json::parse(results.back().rows.at(0).at(0).value());
    EXPECT_EQ(whole_.size(), 1U);
    return whole_.at(0).at("Plan");
  }
  /// The one value of the answer.
  std::string text(const std::string& statement) {
    const auto results = session->run(statement);
    EXPECT_EQ(results.back().rows.size(), 1U);
    return results.back().rows.at(0).at(0).value();
  }
  /// The first node of that type, or null.
  static nlohmann::json find(const nlohmann::json& node, const std::string& type) {
    if (node.value("Node Type", "") == type) return node;
    if (!node.contains("Plans")) return nullptr;
    for (const auto& below : node["Plans"]) {
      if (auto found = find(below, type); !found.is_null()) return found;
    }
    return nullptr;
  }

  nlohmann::json whole_;
};

TEST_F(ExplainFormat, IsJsonWithNodesBelowNodes) {
  tag("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT i, i % 3 FROM generate_series(1, "
      "100) i");
  const auto sorted = plan("SELECT v, count(*) FROM t WHERE v > 0 GROUP BY v ORDER BY v");
  EXPECT_FALSE(find(sorted, "Order By").is_null()) << sorted.dump(2);
  const auto scan = find(sorted, "Scan");
  ASSERT_FALSE(scan.is_null()) << sorted.dump(2);
  EXPECT_EQ(scan["Relation Name"], "public.t");
  EXPECT_TRUE(scan.contains("Plan Rows"));
  EXPECT_FALSE(whole_.at(0).contains("Execution Time"));

  const auto joined = plan("SELECT count(*) FROM t a JOIN t b ON a.id = b.v");
  const auto join = find(joined, "Hash Join");
  ASSERT_FALSE(join.is_null()) << joined.dump(2);
  EXPECT_EQ(join["Plans"].size(), 2U);

  const auto point = plan("SELECT v FROM t WHERE id = 7");
  EXPECT_EQ(point["Node Type"], "Point Read") << point.dump(2);
  EXPECT_EQ(point["Relation Name"], "public.t");

  const auto update = plan("UPDATE t SET v = 0 WHERE v = 1");
  EXPECT_EQ(update["Node Type"], "Update");
  EXPECT_EQ(update["Relation Name"], "t");
  EXPECT_FALSE(find(update, "Scan").is_null()) << update.dump(2);
}

TEST_F(ExplainFormat, TellsWhatWasRun) {
  tag("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t SELECT i, i % 3 FROM generate_series(1, "
      "100) i");
  const auto ran = plan("SELECT id + 1 FROM t WHERE v = 1", "ANALYZE, FORMAT JSON");
  const auto scan = find(ran, "Scan");
  ASSERT_FALSE(scan.is_null()) << ran.dump(2);
  EXPECT_TRUE(scan.contains("Actual Rows")) << ran.dump(2);
  EXPECT_TRUE(whole_.at(0).at("Execution Time").is_number());
  EXPECT_EQ(plan("SELECT v FROM t WHERE id = 7", "ANALYZE, FORMAT JSON").at("Actual Rows"), 1);
}

TEST_F(ExplainFormat, IsXmlAndYamlOfTheSameTree) {
  tag("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
  EXPECT_EQ(text("EXPLAIN (FORMAT XML) UPDATE t SET v = 0 WHERE id = 7 AND v < 3").substr(0, 193),
            R"(<explain xmlns="http://www.postgresql.org/2009/explain">
  <Query>
    <Plan>
      <Node-Type>Update</Node-Type>
      <Relation-Name>t</Relation-Name>
      <Plans>
        <Plan>
          <)");
  EXPECT_EQ(text("EXPLAIN (FORMAT YAML) UPDATE t SET v = 0 WHERE id = 7").substr(0, 88), R"(- Plan: 
    Node Type: "Update"
    Relation Name: "t"
    Plans: 
      - Node Type: ")");
  const auto xml = text("EXPLAIN (FORMAT XML) SELECT v FROM t WHERE v < 3 ORDER BY v");
  EXPECT_NE(xml.find("<Node-Type>Scan</Node-Type>"), std::string::npos) << xml;
  EXPECT_EQ(xml.find("v<3"), std::string::npos) << xml;
  EXPECT_TRUE(xml.ends_with("  </Query>\n</explain>")) << xml;
  const auto yaml = text("EXPLAIN (ANALYZE, FORMAT YAML) SELECT v FROM t WHERE v < 3 ORDER BY v");
  EXPECT_NE(yaml.find("\n  Execution Time: "), std::string::npos) << yaml;
}

TEST_F(ExplainFormat, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(error_text("EXPLAIN (FORMAT nope) SELECT 1"),
            "22023 unrecognized value for EXPLAIN option \"format\": \"nope\"");
  EXPECT_EQ(error_text("EXPLAIN (nope) SELECT 1"), "42601 unrecognized EXPLAIN option \"nope\"");
}

}  // namespace
}  // namespace tickstone::engine
