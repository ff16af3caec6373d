// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>
#include <tickstone/training.hpp>

namespace tickstone {

/// One value of a feature: a row of `feature_timeseries`. Its time is when it was known. `Decimal::of` makes
/// the value of a double.
struct FeatureValue {
  std::string feature_name, symbol;
  Timestamp time;
  Decimal value;
  std::optional<Json> tags;
};

/// Features computed together: a row of `feature_data`. `features` is a JSON object: `{"rsi_14": 55.2,
/// "macd": -0.31}`.
struct FeatureSet {
  std::string symbol;
  Timestamp time;
  std::string feature_set;
  Json features;
  std::optional<std::string> version, source;
};

/// What a feature is: a row of `feature_metadata`. Its times are the database's: when it was first and last
/// stored.
struct FeatureMetadata {
  std::string feature_name;
  std::optional<std::string> description;
  std::vector<std::string> tags;
  std::optional<Json> parameters;
  std::optional<std::string> source;
  std::optional<Timestamp> created_at, updated_at;  // read, not written
};

/// `source_feature` is `relationship_type` ("derived_from", "correlates_with") to `target_feature`.
struct FeatureRelationship {
  std::string source_feature, target_feature, relationship_type;
  std::optional<Json> metadata;
};

struct FeatureStoreOptions {
  bool logs_access = true;
  std::string accessed_by;  // in feature_access_log; empty: the program's name and process number
  std::chrono::milliseconds flush_interval{1000};
};

/// What became of the entries of feature_access_log.
struct AccessLogStatus {
  std::uint64_t written = 0;
  std::uint64_t waiting = 0;
  std::uint64_t dropped = 0;  // more than 100,000 were waiting
  std::string last_error;     // why the last try failed; empty: it did not
};

/// The feature store over one database, with the migrations' tables.
///
/// Writing: idempotent, each batch a transaction; rows that make no sense are rejected with the reason.
/// Reading a feature is noted in `feature_access_log`, written in batches beside the reading: a reader
/// neither waits for the log nor fails with it, and what is waiting is written when the store goes. After a
/// lost connection an entry may be there twice.
///
/// Errors: those of the manager. Threads: any. Lifetime: shorter than the manager's.
class FeatureStore {
 public:
  explicit FeatureStore(DatabaseManager& manager, FeatureStoreOptions options = {});
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  BatchResult batch_store_feature_data(std::span<const FeatureValue> values);
  BatchResult store_feature_sets(std::span<const FeatureSet> sets);
  BatchResult store_feature_metadata(std::span<const FeatureMetadata> metadata);
  BatchResult store_feature_relationships(std::span<const FeatureRelationship> relationships);

  /// From `from` to before `to`, by time.
  std::vector<FeatureValue> get_feature_data(std::string_view feature, std::string_view symbol,
                                             Timestamp from, Timestamp to);
  /// The newest value of each feature that is not later than `at`, in the order of `features`.
  std::vector<std::optional<FeatureValue>> get_latest_features(std::string_view symbol,
                                                               std::span<const std::string> features,
                                                               Timestamp at);
  std::vector<std::optional<FeatureValue>> get_latest_features(std::string_view symbol,
                                                               std::span<const std::string> features) {
    return get_latest_features(symbol, features, current_timestamp());
  }
  std::vector<FeatureSet> get_feature_sets(std::string_view symbol, std::string_view feature_set,
                                           Timestamp from, Timestamp to);
  std::optional<FeatureMetadata> get_feature_metadata(std::string_view feature);
  /// Those that it is an end of, from either side.
  std::vector<FeatureRelationship> get_feature_relationships(std::string_view feature);
  TrainingSet fetch_training_data(const TrainingRequest& request);

  /// Writes what waits. Errors: those of the insert; what could not be written goes on waiting.
  void flush_access_log();
  AccessLogStatus access_log_status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone
