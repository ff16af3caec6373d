// SPDX-License-Identifier: Apache-2.0
// Training sets on the home that TICKSTONE_TEST_ADDRESS names, against a plain nested loop.
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>
#include <tickstone/training.hpp>

#include "api_home.hpp"
#include "app_tables.hpp"
#include "watched_executor.hpp"

namespace tickstone {
namespace {

class Training : public testing::Test {
 protected:
  void SetUp() override { empty_app_tables(db); }
  void put(const std::string& feature, const std::string& symbol, const char* time, double value) {
    db.execute(
        "INSERT INTO feature_timeseries (feature_name, symbol, timestamp, value) VALUES ($1, $2, $3, $4)",
        {feature, symbol, time, value});
  }
  DatabaseManager& db = test_manager();
};

TEST_F(Training, NeverLooksIntoTheFuture) {
  put("rsi", "AAPL", "2026-01-05 10:00:00+00", 1);
  put("rsi", "AAPL", "2026-01-05 10:00:00.000002+00", 2);
  put("rsi", "MSFT", "2026-01-05 09:00:00+00", 9);
  const auto at = [](const char* text) { return timestamp_from(text); };
  TrainingRequest request;
  request.features = {"rsi", "macd"};
  request.labels = {{"AAPL", at("2026-01-05 10:00:00.000001+00"), 0.5},
                    {"AAPL", at("2026-01-05 09:59:59.999999+00"), 0.5},
                    {"AAPL", at("2026-01-05 10:00:00.000002+00"), 0.5},
                    {"TSLA", at("2026-01-06+00"), 0.5}};
  request.with_ages = true;
  const TrainingSet set = fetch_training_data(db, request);
  EXPECT_EQ(set.values[0][0], 1);
  EXPECT_EQ(set.ages_us[0][0], 1);
  EXPECT_TRUE(std::isnan(set.values[0][1]));
  EXPECT_EQ(set.ages_us[0][1], -1);
  EXPECT_EQ(set.values[0][2], 2);
  EXPECT_TRUE(std::isnan(set.values[0][3]));
  EXPECT_EQ(set.missing, (std::vector<std::size_t>{2, 4}));
  const DataFrame frame = set.to_dataframe();
  EXPECT_EQ(frame.get<std::optional<double>>(1, "rsi"), std::nullopt);
  EXPECT_EQ(frame.get<double>(2, "rsi"), 2);
  EXPECT_EQ(frame.get<std::string>(3, "symbol"), "TSLA");
}

TEST_F(Training, IsOfOneMomentWhileOthersWrite) {
  const auto write = [&](double value) {
    db.in_transaction([&](Executor& transaction) {
      for (const char* feature : {"rsi", "macd"}) {
        transaction.execute(
            "INSERT INTO feature_timeseries (feature_name, symbol, timestamp, value) VALUES ($1, 'AAPL', "
            "'2026-01-05 10:00:00+00', $2) ON CONFLICT (feature_name, symbol, timestamp) DO UPDATE SET value "
            "= "
            "EXCLUDED.value",
            {feature, value});
      }
    });
  };
  write(0);
  TrainingRequest request;
  request.features = {"rsi", "macd"};
  request.labels = {{"AAPL", timestamp_from("2026-01-06+00"), 0.5}};
  // Another writer changes both features after each query of the reader.
  double written = 0;
  const auto after = [&](std::string_view /*sql*/) { write(++written); };
  const auto fetch = [&](Executor& executor) {
    WatchedExecutor watched(executor, after);
    const TrainingSet set = fetch_training_data(watched, request);
    EXPECT_EQ(set.values[0][0], set.values[1][0]);
    EXPECT_EQ(set.missing, (std::vector<std::size_t>{0, 0}));
    EXPECT_GT(written, set.values[0][0]) << "nothing was written meanwhile";
  };
  fetch(db);
  // A transaction of the caller's that would see each change: by one query.
  db.in_transaction(fetch);
  db.in_transaction([&](Executor& transaction) {
    transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    fetch(transaction);
  });
}

TEST_F(Training, RefusesWhatMakesNoSense) {
  TrainingRequest request;
  request.features = {"a", "a"};
  EXPECT_THROW(fetch_training_data(db, request), Error);
  request.features = {"a"};
  request.max_age = std::chrono::microseconds(-1);
  EXPECT_THROW(fetch_training_data(db, request), Error);
  request.max_age = {};
  EXPECT_EQ(fetch_training_data(db, request).values.at(0).size(), 0U);
}

TEST_F(Training, AgreesWithANestedLoop) {
  struct Stored {
    std::string feature, symbol;
    std::int64_t minute;
    double value;
  };
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::int64_t start_s = 1'767'225'600;
  std::map<std::tuple<std::string, std::string, std::int64_t>, double> stored;
  for (int i = 0; i < 3'000; ++i)
    stored[{"f" + std::to_string(pick(5)), "S" + std::to_string(pick(90)), pick(5'000)}] = pick(1'000) / 8.0;
  std::string rows;
  for (const auto& [key, value] : stored) {
    const auto& [feature, symbol, minute] = key;
    rows += feature + "," + symbol + "," +
            format_timestamp(Timestamp{std::chrono::seconds{start_s + minute * 60}}) + "," +
            std::to_string(value) + "\n";
  }
  bool is_sent = false;
  db.copy_in("COPY feature_timeseries (feature_name, symbol, timestamp, value) FROM STDIN (FORMAT csv)",
             [&](std::string& chunk) {
               chunk = rows;
               return !std::exchange(is_sent, true);
             });
  for (const int symbols : {3, 90}) {
    for (const std::int64_t max_age_min : {0, 100}) {
      TrainingRequest request;
      request.max_age = std::chrono::minutes(max_age_min);
      for (int f = 0; f < 5; ++f) request.features.push_back("f" + std::to_string(f));
      for (int i = 0; i < 400; ++i) {
        request.labels.push_back({"S" + std::to_string(pick(symbols)),
                                  Timestamp{std::chrono::seconds{start_s + pick(5'000) * 60}}, 0});
      }
      const TrainingSet set = fetch_training_data(db, request);
      db.in_transaction([&](Executor& transaction) {  // by one query for all features
        const TrainingSet same = fetch_training_data(transaction, request);
        EXPECT_EQ(same.missing, set.missing);
        EXPECT_EQ(same.values_read, set.values_read);
        for (std::size_t f = 0; f < request.features.size(); ++f) {
          for (std::size_t row = 0; row < request.labels.size(); ++row) {
            const double a = same.values[f][row], b = set.values[f][row];
            ASSERT_TRUE(a == b || (std::isnan(a) && std::isnan(b)));
          }
        }
      });
      for (std::size_t f = 0; f < request.features.size(); ++f) {
        for (std::size_t row = 0; row < request.labels.size(); ++row) {
          const auto& label = request.labels[row];
          const std::int64_t minute = (label.time.time_since_epoch().count() / 1'000'000 - start_s) / 60;
          auto next = stored.upper_bound({request.features[f], label.symbol, minute});
          double expected = std::numeric_limits<double>::quiet_NaN();
          if (next != stored.begin()) {
            --next;
            const auto& [feature, symbol, at] = next->first;
            if (feature == request.features[f] && symbol == label.symbol &&
                (max_age_min == 0 || minute - at <= max_age_min))
              expected = next->second;
          }
          const double value = set.values[f][row];
          ASSERT_TRUE(value == expected || (std::isnan(value) && std::isnan(expected)))
              << request.features[f] << " " << label.symbol << " " << minute << ": " << value << " not "
              << expected;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tickstone
