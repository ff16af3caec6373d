// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duck/test/fake_store.hpp"
#include "types/timestamp.hpp"

namespace tickstone::duck::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Rows = std::vector<std::vector<std::optional<std::string>>>;

SqlType type(TypeId id) { return SqlType::of(id); }

class ScanTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    InstanceOptions options;
    options.threads = 2;
    options.functions.push_back({"now", {}, type(TypeId::TimestampTz), false});
    options.functions.push_back({"next_number", {type(TypeId::Text)}, type(TypeId::BigInt), true});
    options.table_functions.push_back(
        {"numbers", {type(TypeId::BigInt)}, {"n"}, {{"i", type(TypeId::BigInt), {Physical::Int64, 0}}}});
    instance_ = Instance::open(options);
  }
  static void TearDownTestSuite() { instance_.reset(); }

  void SetUp() override {
    FakeTable bars(100, {{"symbol", type(TypeId::Text)},
                         {"timestamp", type(TypeId::TimestampTz)},
                         {"price", type(TypeId::Numeric)},
                         {"size", type(TypeId::Integer)},
                         {"note", SqlType::array_of(TypeId::Text)}});
    bars.schema.columns[1].not_null = true;
    bars.schema.time_column = 2;
    bars.add_unit(Rows{{"AAPL", "2026-01-05 14:30:00+00", "187.15", "100", "{a,\"b c\",NULL}"},
                       {"AAPL", "2026-01-05 14:31:00+00", "187.2", std::nullopt, std::nullopt}});
    bars.add_unit(Rows{{"MSFT", "2026-01-06 14:30:00+00", "400", "7", "{}"},
                       {"MSFT", "2026-01-06 14:31:00+00", "400.25", "8", "{x}"}});
    store_.tables["public.bars"] = std::move(bars);
    connection_ = instance_->connect(session_, session_);
  }

  std::vector<std::string> run(const std::string& text) { return rows_of(*connection_->query(text)); }
  ErrorCode code_of(const std::string& text) {
    try {
      run(text);
    } catch (const Error& error) {
      last_message_ = error.message();
      return error.code();
    }
    return ErrorCode::SuccessfulCompletion;
  }

  static std::unique_ptr<Instance> instance_;
  FakeStore store_;
  FakeSession session_{store_};
  std::unique_ptr<Connection> connection_;
  std::string last_message_;
};

std::unique_ptr<Instance> ScanTest::instance_;

TEST_F(ScanTest, ReadsEveryColumnAndType) {
  EXPECT_THAT(run(R"(SELECT * FROM "public.bars" AS bars ORDER BY "timestamp")"),
              ElementsAre("AAPL|2026-01-05 14:30:00+00|187.15|100|{a,\"b c\",NULL}",
                          "AAPL|2026-01-05 14:31:00+00|187.2||", "MSFT|2026-01-06 14:30:00+00|400|7|{}",
                          "MSFT|2026-01-06 14:31:00+00|400.25|8|{x}"));
}

TEST_F(ScanTest, CountsWithoutReadingColumns) {
  EXPECT_THAT(run(R"(SELECT count(*) FROM "public.bars")"), ElementsAre("4"));
  EXPECT_EQ(store_.units_read, 0U);
  EXPECT_THAT(run(R"(SELECT 1 FROM "public.bars")"), ElementsAre("1", "1", "1", "1"));
  ASSERT_FALSE(store_.requests.empty());
  EXPECT_THAT(store_.requests.back().columns, IsEmpty());
}

TEST_F(ScanTest, AsksForUsedColumnsOnly) {
  run(R"(SELECT bars.price FROM "public.bars" AS bars)");
  EXPECT_THAT(store_.requests.back().columns, ElementsAre(3U));
}

TEST_F(ScanTest, PushesComparisonsWithConstants) {
  EXPECT_THAT(run(R"(SELECT price FROM "public.bars" WHERE symbol = 'AAPL' AND price >= 187.2)"),
              ElementsAre("187.2"));
  const auto& predicates = store_.requests.back().predicates;
  ASSERT_EQ(predicates.size(), 2U);
  EXPECT_EQ(store_.units_read, 1U);
}

TEST_F(ScanTest, AConstantOfLargerScaleBecomesTheRightBound) {
  EXPECT_THAT(run(R"(SELECT size FROM "public.bars" WHERE price > 187.1499999999)"),
              UnorderedElementsAre("100", "", "7", "8"));
  const auto& predicate = store_.requests.back().predicates.at(0);
  ASSERT_TRUE(predicate.lower.has_value());
  EXPECT_EQ(to_text(predicate.lower->value), "187.15");
  EXPECT_TRUE(predicate.lower->inclusive);
}

TEST_F(ScanTest, InListsAndRangesArePushed) {
  EXPECT_THAT(
      run(R"(SELECT size FROM "public.bars" WHERE symbol IN ('MSFT', 'IBM') AND size BETWEEN 7 AND 7)"),
      ElementsAre("7"));
  EXPECT_EQ(store_.units_read, 1U);
}

TEST_F(ScanTest, ElementsOfArraysThatAreJoinedWithArePushed) {
  for (
      const char* sql :
      {R"(SELECT size FROM "public.bars" WHERE symbol = ANY (['MSFT', 'IBM', NULL]) AND size = 7)",
       R"(SELECT size FROM (SELECT unnest(['MSFT', 'IBM']) AS s) k JOIN "public.bars" b ON b.symbol = k.s WHERE size = 7)",
       R"(SELECT b.size FROM (SELECT unnest(['MSFT', 'IBM']) AS s) k LEFT JOIN "public.bars" b ON b.symbol = k.s WHERE size = 7)",
       R"(SELECT size FROM "public.bars" WHERE (symbol, size) IN (SELECT unnest(['MSFT', 'X']), unnest([7, 8])))"}) {
    store_.units_read = 0;
    EXPECT_THAT(run(sql), ElementsAre("7")) << sql;
    EXPECT_EQ(store_.units_read, 1U) << sql;
  }
  // Rows without a partner are wanted.
  store_.units_read = 0;
  run(R"(SELECT k.s, b.size FROM "public.bars" b LEFT JOIN (SELECT unnest(['MSFT']) AS s) k ON b.symbol = k.s)");
  EXPECT_TRUE(store_.requests.back().predicates.empty());
  run(R"(SELECT size FROM "public.bars" WHERE symbol <> ALL (['MSFT']))");
  EXPECT_TRUE(store_.requests.back().predicates.empty());
}

TEST_F(ScanTest, ADateAgainstATimestampKeepsEveryMatch) {
  EXPECT_THAT(run(R"(SELECT symbol FROM "public.bars" WHERE CAST("timestamp" AS DATE) = DATE '2026-01-06')"),
              ElementsAre("MSFT", "MSFT"));
}

TEST_F(ScanTest, ParametersArePushedWithoutBindingAgain) {
  auto prepared = connection_->prepare(
      R"(SELECT symbol FROM "public.bars" WHERE symbol = $1 AND "timestamp" >= $2 LIMIT 1)");
  ASSERT_EQ(prepared->parameter_types().size(), 2U);
  EXPECT_EQ(prepared->parameter_types()[0], type(TypeId::Text));
  EXPECT_EQ(prepared->parameter_types()[1], type(TypeId::TimestampTz));
  const auto finds = session_.finds;
  for (const std::string symbol : {"AAPL", "MSFT", "AAPL"}) {
    store_.units_read = 0;
    const std::vector<Value> values = {Value::of_text(symbol), Value::of_text("2026-01-01")};
    EXPECT_THAT(rows_of(*prepared->execute(values)), ElementsAre(symbol));
    const auto& predicates = store_.requests.back().predicates;
    ASSERT_EQ(predicates.size(), 2U);
    const auto& on_symbol = predicates[predicates[0].column == 1 ? 0 : 1];
    EXPECT_EQ(to_text(on_symbol.in.at(0)), symbol);
    EXPECT_EQ(store_.units_read, 1U);
  }
  EXPECT_EQ(session_.finds, finds);
}

TEST_F(ScanTest, EveryExecutionReadsItsOwnSnapshot) {
  auto prepared = connection_->prepare(R"(SELECT count(*), max(price) FROM "public.bars")");
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("4|400.25"));
  store_.tables["public.bars"].add_unit(Rows{{"X", "2026-01-07 00:00:00+00", "500", "1", std::nullopt}});
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("5|500"));
}

TEST_F(ScanTest, AWidenedColumnIsBoundAgain) {
  auto prepared = connection_->prepare(R"(SELECT max(price), min(price) FROM "public.bars")");
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("400.25|187.15"));
  store_.tables["public.bars"].add_unit(
      Rows{{"X", "2026-01-07 00:00:00+00", "0.00000000001", "1", std::nullopt},
           {"X", "2026-01-07 00:00:00+00", "12345678901234567890", "1", std::nullopt}});
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("12345678901234567890|0.00000000001"));
}

TEST_F(ScanTest, NowIsFreshAndPrunesInAKeptPlan) {
  auto prepared = connection_->prepare(
      R"(SELECT symbol FROM "public.bars" WHERE "timestamp" >= now() - INTERVAL '10 minutes')");
  session_.now_us = *parse_timestamptz("2026-01-06 14:35:00+00", utc_zone());
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("MSFT", "MSFT"));
  EXPECT_EQ(store_.units_read, 1U);
  const auto finds = session_.finds;
  session_.now_us = *parse_timestamptz("2026-01-05 14:40:30+00", utc_zone());
  EXPECT_THAT(rows_of(*prepared->execute({})), UnorderedElementsAre("AAPL", "MSFT", "MSFT"));
  EXPECT_EQ(session_.finds, finds);
}

TEST_F(ScanTest, ATopNTightensTheScan) {
  auto& bars = store_.tables["public.bars"];
  for (int i = 0; i < 50; ++i) {
    bars.add_unit(Rows{{"T", "2026-02-01 00:00:" + std::to_string(10 + i) + "+00", "1", "1", std::nullopt}});
  }
  EXPECT_THAT(run(R"(SELECT "timestamp" FROM "public.bars" ORDER BY "timestamp" DESC LIMIT 1)"),
              ElementsAre("2026-02-01 00:00:59+00"));
  EXPECT_EQ(store_.requests.back().order, storage::ScanOrder::TimeDescending);
  auto prepared =
      connection_->prepare(R"(SELECT "timestamp" FROM "public.bars" ORDER BY "timestamp" DESC LIMIT 1)");
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("2026-02-01 00:00:59+00"));
  bars.add_unit(Rows{{"T", "2026-01-01 00:00:00+00", "1", "1", std::nullopt}});
  EXPECT_THAT(rows_of(*prepared->execute({})), ElementsAre("2026-02-01 00:00:59+00"));
}

TEST_F(ScanTest, ViewsAndRowSetsAreRelationsToo) {
  session_.views["public.cheap"] = R"(SELECT symbol, price FROM "public.bars" WHERE price < 200)";
  EXPECT_THAT(run(R"(SELECT cheap.price FROM "public.cheap" AS cheap ORDER BY 1)"),
              ElementsAre("187.15", "187.2"));
  auto batch = std::make_shared<Batch>();
  Column column(type(TypeId::Numeric));
  column.append_decimal(*parse_decimal("1.5"));
  column.append_null();
  const ColumnLayout layout = column.layout();
  batch->columns.push_back(std::move(column));
  session_.row_sets["new rows"] = {{{"v", type(TypeId::Numeric), layout}}, batch};
  EXPECT_THAT(run(R"(SELECT v, rowid FROM "new rows" ORDER BY rowid)"), ElementsAre("1.5|0", "|1"));
}

TEST_F(ScanTest, HostFunctionsAnswer) {
  int calls = 0;
  session_.functions["next_number"] = [&](std::span<const Value> arguments) {
    EXPECT_EQ(arguments[0].text, "s");
    return Value::of_bigint(++calls);
  };
  EXPECT_THAT(run("SELECT next_number('s') FROM generate_series(1, 3)"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(run("SELECT next_number(NULL)"), ElementsAre(""));
  EXPECT_THAT(run("SELECT i FROM numbers(2)"), ElementsAre("0", "1"));
  EXPECT_THAT(run("SELECT i FROM numbers(n => 1)"), ElementsAre("0"));
  EXPECT_THAT(run("SELECT count(*) FROM numbers()"), ElementsAre("3"));
  session_.functions["next_number"] = [](std::span<const Value>) -> Value {
    throw Error(ErrorCode::UndefinedTable, "relation \"s\" does not exist");
  };
  EXPECT_EQ(code_of("SELECT next_number('s')"), ErrorCode::UndefinedTable);
  EXPECT_EQ(last_message_, "relation \"s\" does not exist");
}

TEST_F(ScanTest, ErrorsSpeakPostgreSql) {
  EXPECT_EQ(code_of("SELECT nope FROM \"public.bars\""), ErrorCode::UndefinedColumn);
  EXPECT_EQ(last_message_, "column \"nope\" does not exist");
  EXPECT_EQ(code_of("SELECT b.nope FROM \"public.bars\" b"), ErrorCode::UndefinedColumn);
  EXPECT_EQ(last_message_, "column b.nope does not exist");
  EXPECT_EQ(code_of("SELECT * FROM \"public.nope\""), ErrorCode::UndefinedTable);
  EXPECT_EQ(code_of("SELECT foo(1, 'x')"), ErrorCode::UndefinedFunction);
  EXPECT_EQ(code_of("SELECT symbol, max(price) FROM \"public.bars\""), ErrorCode::GroupingError);
  EXPECT_EQ(last_message_,
            "column \"symbol\" must appear in the GROUP BY clause or be used in an aggregate function");
  EXPECT_EQ(code_of("SELECT symbol FROM \"public.bars\" a, \"public.bars\" b"), ErrorCode::AmbiguousColumn);
  EXPECT_EQ(code_of("SELECT 1 FROM \"public.bars\" WHERE size = (SELECT size FROM \"public.bars\")"),
            ErrorCode::CardinalityViolation);
  EXPECT_EQ(code_of("SELECT FROM WHERE"), ErrorCode::SyntaxError);
  EXPECT_EQ(code_of("COPY (SELECT 1) TO '/tmp/x'"), ErrorCode::InsufficientPrivilege);
  EXPECT_EQ(code_of("SELECT * FROM read_csv('/etc/passwd')"), ErrorCode::InsufficientPrivilege);
}

TEST_F(ScanTest, ExplainNamesChunksAndPredicates) {
  const auto explained = [&](const char* query, bool analyze, std::span<const Value> parameters = {}) {
    std::string text;
    for (const auto& line : connection_->explain(query, analyze, parameters)) text += line + "\n";
    return text;
  };
  std::string text = explained(R"(SELECT price FROM "public.bars" WHERE symbol = 'AAPL')", true);
  EXPECT_THAT(text, ::testing::HasSubstr("Scan on public.bars"));
  EXPECT_THAT(text, ::testing::HasSubstr("Chunks Read: 1 of 2"));
  EXPECT_THAT(text, ::testing::HasSubstr("AAPL"));
  // Without running it, for literals and for the values of parameters.
  text = explained(R"(SELECT price FROM "public.bars" WHERE symbol = 'AAPL')", false);
  EXPECT_THAT(text, ::testing::HasSubstr("Chunks: 1 of 2"));
  EXPECT_THAT(text, ::testing::HasSubstr("Chunk Names: _hyper_1_1_chunk"));
  EXPECT_THAT(text, ::testing::HasSubstr("Row Groups: "));
  EXPECT_EQ(store_.units_read, 1U);
  const std::vector<Value> parameters{Value::of_text("AAPL")};
  text = explained(R"(SELECT price FROM "public.bars" WHERE symbol = $1)", false, parameters);
  EXPECT_THAT(text, ::testing::HasSubstr("Chunks: 1 of 2"));
  EXPECT_EQ(store_.requests.back().predicates.size(), 1U);
}

}  // namespace
}  // namespace tickstone::duck::test
