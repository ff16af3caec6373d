// SPDX-License-Identifier: Apache-2.0
// The feature store on the home that TICKSTONE_TEST_ADDRESS names.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>
#include <tickstone/feature_store.hpp>

#include "api_home.hpp"
#include "app_tables.hpp"

namespace tickstone {
namespace {

using testing::ElementsAre;

Timestamp at(const char* text) { return timestamp_from(text); }

class FeatureStoreTest : public testing::Test {
 protected:
  void SetUp() override { empty_app_tables(db); }
  DatabaseManager& db = test_manager();
  FeatureStore store{db, {.accessed_by = "the test"}};
};

TEST_F(FeatureStoreTest, StoresValuesIdempotently) {
  const std::vector<FeatureValue> values = {
      {"rsi", "AAPL", at("2026-01-05 10:00+00"), Decimal::parse("55.125"), Json{R"({"window": 14})"}},
      {"rsi", "AAPL", at("2026-01-05 10:01+00"), Decimal::parse("56"), std::nullopt},
      {"", "AAPL", at("2026-01-05 10:01+00"), Decimal::parse("56"), std::nullopt},
  };
  const BatchResult first = store.batch_store_feature_data(values);
  EXPECT_EQ(first.new_rows, 2U);
  ASSERT_EQ(first.rejected.size(), 1U);
  EXPECT_EQ(first.rejected[0].index, 2U);
  const BatchResult again = store.batch_store_feature_data(values);
  EXPECT_EQ(again.new_rows, 0U);
  EXPECT_EQ(again.unchanged, 2U);
  const auto read =
      store.get_feature_data("rsi", "AAPL", at("2026-01-05 10:00+00"), at("2026-01-05 10:01+00"));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].value, Decimal::parse("55.125"));
  EXPECT_EQ(read[0].tags->text, R"({"window": 14})");
}

TEST_F(FeatureStoreTest, TellsSeriesApartThatAreFewOfAllCombinations) {
  constexpr int kSeries = 40;
  const auto batch = [](const char* time) {
    std::vector<FeatureValue> values;
    for (int i = 0; i < kSeries; ++i) {
      const std::string number = std::to_string(i);
      values.push_back({"f" + number, "S" + std::to_string(kSeries - i), at(time), Decimal{i, 0}, {}});
    }
    return values;
  };
  const auto all = static_cast<std::size_t>(kSeries);
  EXPECT_EQ(store.batch_store_feature_data(batch("2026-01-05 10:00+00")).new_rows, all);
  EXPECT_EQ(store.batch_store_feature_data(batch("2026-01-05 10:05+00")).late, 0U);
  EXPECT_EQ(store.batch_store_feature_data(batch("2026-01-05 10:01+00")).late, all);
  EXPECT_EQ(store.batch_store_feature_data(batch("2026-01-05 10:05+00")).unchanged, all);
  // Another symbol's values of the same features say nothing about these.
  auto others = batch("2026-01-05 09:00+00");
  for (auto& value : others) value.symbol += "x";
  EXPECT_EQ(store.batch_store_feature_data(others).late, 0U);
}

TEST_F(FeatureStoreTest, ReadsTheNewestThatWasKnown) {
  store.batch_store_feature_data(std::vector<FeatureValue>{
      {"rsi", "AAPL", at("2026-01-05 10:00+00"), Decimal::parse("1"), {}},
      {"rsi", "AAPL", at("2026-01-05 10:05+00"), Decimal::parse("2"), {}},
      {"macd", "AAPL", at("2026-01-05 10:09+00"), Decimal::parse("3"), {}},
  });
  const std::vector<std::string> features = {"macd", "rsi"};
  const auto then = store.get_latest_features("AAPL", features, at("2026-01-05 10:05+00"));
  ASSERT_EQ(then.size(), 2U);
  EXPECT_FALSE(then[0].has_value());
  EXPECT_EQ(then[1]->value, Decimal::parse("2"));
  EXPECT_EQ(store.get_latest_features("AAPL", features).at(0)->value, Decimal::parse("3"));
}

TEST_F(FeatureStoreTest, KeepsSetsMetadataAndRelationships) {
  const std::vector<FeatureSet> sets = {
      {"AAPL", at("2026-01-05+00"), "daily", Json{R"({"rsi": 55.2})"}, "v2", std::nullopt}};
  EXPECT_EQ(store.store_feature_sets(sets).new_rows, 1U);
  EXPECT_EQ(store.store_feature_sets(sets).unchanged, 1U);
  const FeatureSet list{"AAPL", at("2026-01-05+00"), "daily", Json{"[1]"}, {}, {}};
  EXPECT_EQ(store.store_feature_sets({&list, 1}).rejected.at(0).reason, "its features are no JSON object");
  const auto read = store.get_feature_sets("AAPL", "daily", at("2026-01-05+00"), at("2026-01-06+00"));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].features.text, R"({"rsi": 55.2})");
  EXPECT_EQ(read[0].version, "v2");

  FeatureMetadata rsi{"rsi", "relative strength", {"momentum"}, Json{R"({"window": 14})"}, "talib", {}, {}};
  EXPECT_EQ(store.store_feature_metadata({&rsi, 1}).new_rows, 1U);
  EXPECT_EQ(store.store_feature_metadata({&rsi, 1}).unchanged, 1U);
  const auto first = store.get_feature_metadata("rsi");
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(first->tags, ElementsAre("momentum"));
  rsi.description = "relative strength index";
  EXPECT_EQ(store.store_feature_metadata({&rsi, 1}).changed, 1U);
  const auto second = store.get_feature_metadata("rsi");
  EXPECT_EQ(second->created_at, first->created_at);
  EXPECT_GE(*second->updated_at, *first->updated_at);
  EXPECT_EQ(store.get_feature_metadata("no such"), std::nullopt);

  const std::vector<FeatureRelationship> related = {{"macd", "close", "derived_from", std::nullopt},
                                                    {"signal", "macd", "derived_from", Json{"{}"}}};
  EXPECT_EQ(store.store_feature_relationships(related).new_rows, 2U);
  EXPECT_EQ(store.get_feature_relationships("macd").size(), 2U);
  EXPECT_EQ(store.get_feature_relationships("close").size(), 1U);
}

TEST_F(FeatureStoreTest, NotesReadingInBatches) {
  TrainingRequest request;
  request.features = {"rsi", "ma\"cd, \n"};
  request.labels = {{"AAPL", at("2026-01-05+00"), 1}};
  store.fetch_training_data(request);
  store.get_latest_features("AAPL", request.features);
  store.flush_access_log();
  EXPECT_EQ(store.access_log_status().written, 4U);
  EXPECT_EQ(store.access_log_status().waiting, 0U);
  const DataFrame log = db.get_dataframe(
      "SELECT feature_name, operation FROM feature_access_log WHERE accessed_by = 'the test' ORDER BY 2, 1");
  EXPECT_THAT(log.values<std::string>("operation"),
              ElementsAre("read_latest", "read_latest", "training", "training"));
  EXPECT_THAT(log.values<std::string>("feature_name"), ElementsAre("ma\"cd, \n", "rsi", "ma\"cd, \n", "rsi"));
}

TEST_F(FeatureStoreTest, WritesWhatWaitsWhenItGoes) {
  {
    FeatureStore other(db, {.accessed_by = "the other", .flush_interval = std::chrono::hours(1)});
    const std::vector<std::string> features = {"rsi"};
    other.get_latest_features("AAPL", features);
  }
  EXPECT_EQ(db.get_dataframe("SELECT 1 FROM feature_access_log WHERE accessed_by = 'the other'").row_count(),
            1U);
}

TEST_F(FeatureStoreTest, AReaderDoesNotFailWithTheLog) {
  db.execute("ALTER TABLE feature_access_log RENAME TO hidden_access_log");
  const std::vector<std::string> features = {"rsi"};
  EXPECT_NO_THROW(store.get_latest_features("AAPL", features));
  EXPECT_THROW(store.flush_access_log(), Error);
  EXPECT_EQ(store.access_log_status().waiting, 1U);
  EXPECT_NE(store.access_log_status().last_error, "");
  db.execute("ALTER TABLE hidden_access_log RENAME TO feature_access_log");
  store.flush_access_log();
  EXPECT_EQ(store.access_log_status().written, 1U);
  EXPECT_EQ(store.access_log_status().last_error, "");
}

TEST_F(FeatureStoreTest, IsSharedByThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = "f" + std::to_string(t);
      for (int i = 0; i < 10; ++i) {
        const FeatureValue value{
            name, "AAPL", at("2026-01-05+00") + std::chrono::minutes(i), Decimal::of(i), {}};
        store.batch_store_feature_data({&value, 1});
        store.get_latest_features("AAPL", {&name, 1});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  store.flush_access_log();
  EXPECT_EQ(db.get_dataframe("SELECT count(*) FROM feature_timeseries").get<std::int64_t>(0, 0), 40);
  EXPECT_EQ(store.access_log_status().written, 40U);
}

}  // namespace
}  // namespace tickstone
