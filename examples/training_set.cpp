// SPDX-License-Identifier: Apache-2.0
// training_set ADDRESS: features in, and for each label what was known at its time out.
#include <iostream>

#include <tickstone/error.hpp>
#include <tickstone/feature_store.hpp>

using namespace tickstone;
using namespace std::chrono_literals;

int main(int argc, char** argv) try {
  DatabaseManager db(argc > 1 ? argv[1] : "./market.store");
  FeatureStore store(db, {.accessed_by = "the example"});

  const Timestamp open = timestamp_from("2026-01-05 14:30:00+00");
  const FeatureMetadata described{
      .feature_name = "momentum_5m", .description = "Return of five minutes", .tags = {"momentum"}};
  store.store_feature_metadata({&described, 1});

  // A value each five minutes, known at the end of its bar.
  std::vector<FeatureValue> values;
  for (int i = 1; i <= 12; ++i) {
    for (const char* symbol : {"AAPL", "MSFT"}) {
      values.push_back({"momentum_5m", symbol, open + i * 5min, Decimal::of(i * 0.125), std::nullopt});
      if (i % 2 == 0)
        values.push_back({"spread_bps", symbol, open + i * 5min, Decimal::of(1.5 + i), std::nullopt});
    }
  }
  const BatchResult stored = store.batch_store_feature_data(values);
  std::cout << stored.new_rows << " values are new, " << stored.unchanged << " were there already\n\n";

  // Labels: what happened in the ten minutes after.
  TrainingRequest request;
  request.features = {"momentum_5m", "spread_bps"};
  request.max_age = 30min;
  request.labels = {{"AAPL", open + 4min, 0.0010},  // before the first value: nothing was known
                    {"AAPL", open + 5min, 0.0012},  // the very moment counts
                    {"AAPL", open + 29min, -0.0004},
                    {"MSFT", open + 61min, 0.0031},
                    {"MSFT", open + 120min, 0.0002}};  // too old by then
  const TrainingSet set = store.fetch_training_data(request);
  std::cout << set.to_dataframe().to_string() << '\n';
  for (std::size_t f = 0; f < set.features.size(); ++f)
    std::cout << set.features[f] << ": missing in " << set.missing[f] << " of " << set.labels.size()
              << " rows\n";

  // Each read is noted in feature_access_log, beside the reading.
  store.flush_access_log();
  std::cout << store.access_log_status().written << " entries in the access log\n";
  return 0;
} catch (const Error& error) {
  std::cerr << "ERROR:  " << sqlstate(error.code()) << ": " << error.what() << '\n';
  if (!error.hint().empty()) std::cerr << "HINT:  " << error.hint() << '\n';
  return 1;
}
