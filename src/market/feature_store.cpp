// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <unistd.h>

#include <tickstone/feature_store.hpp>

#include "market/access_log.hpp"
#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using Kind = market::ColumnKind;

const BatchStore& values_table() {
  static const BatchStore store({.name = "feature_timeseries",
                                 .columns = {{"feature_name", Kind::Text, true},
                                             {"symbol", Kind::Text, true},
                                             {"timestamp", Kind::Time, true},
                                             {"value", Kind::Numeric, true},
                                             {"tags", Kind::Json}},
                                 .key = {0, 1, 2},
                                 .series = {0, 1},
                                 .time = 2});
  return store;
}

const BatchStore& sets_table() {
  static const BatchStore store({.name = "feature_data",
                                 .columns = {{"symbol", Kind::Text, true},
                                             {"timestamp", Kind::Time, true},
                                             {"feature_set", Kind::Text, true},
                                             {"features", Kind::Json, true},
                                             {"version", Kind::Text},
                                             {"source", Kind::Text}},
                                 .key = {0, 1, 2},
                                 .series = {0, 2},
                                 .time = 1});
  return store;
}

const BatchStore& metadata_table() {
  static const BatchStore store({.name = "feature_metadata",
                                 .columns = {{"feature_name", Kind::Text, true},
                                             {"description", Kind::Text},
                                             {"updated_at", Kind::Time, true, false},
                                             {"tags", Kind::Texts},
                                             {"parameters", Kind::Json},
                                             {"source", Kind::Text}},
                                 .key = {0},
                                 .series = {},
                                 .time = std::nullopt});
  return store;
}

const BatchStore& relationships_table() {
  static const BatchStore store({.name = "feature_relationships",
                                 .columns = {{"source_feature", Kind::Text, true},
                                             {"target_feature", Kind::Text, true},
                                             {"relationship_type", Kind::Text, true},
                                             {"metadata", Kind::Json}},
                                 .key = {0, 1, 2},
                                 .series = {},
                                 .time = std::nullopt});
  return store;
}

std::string reason_against(const FeatureValue& value) {
  if (value.feature_name.empty()) return "it names no feature";
  return value.symbol.empty() ? "it names no symbol" : "";
}
Parameters cells_of(const FeatureValue& value) {
  return {value.feature_name, value.symbol, value.time, value.value, value.tags};
}

std::string reason_against(const FeatureSet& set) {
  if (set.symbol.empty()) return "it names no symbol";
  if (set.feature_set.empty()) return "it names no feature set";
  return market::is_json_object(set.features.text) ? "" : "its features are no JSON object";
}
Parameters cells_of(const FeatureSet& set) {
  return {set.symbol, set.time, set.feature_set, set.features, set.version, set.source};
}

std::string reason_against(const FeatureMetadata& feature) {
  return feature.feature_name.empty() ? "it names no feature" : "";
}
Parameters cells_of(const FeatureMetadata& feature) {
  return {feature.feature_name, feature.description, current_timestamp(),
          feature.tags,         feature.parameters,  feature.source};
}

std::string reason_against(const FeatureRelationship& one) {
  if (one.source_feature.empty() || one.target_feature.empty()) return "it names no feature";
  return one.relationship_type.empty() ? "it has no type" : "";
}
Parameters cells_of(const FeatureRelationship& one) {
  return {one.source_feature, one.target_feature, one.relationship_type, one.metadata};
}

std::optional<Json> json_at(const DataFrame& frame, std::size_t row, std::string_view column) {
  return market::json_at(frame, row, frame.position(column));
}

std::vector<FeatureValue> values_of(const DataFrame& frame) {
  std::vector<FeatureValue> values;
  values.reserve(frame.row_count());
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    values.push_back({frame.get<std::string>(row, "feature_name"), frame.get<std::string>(row, "symbol"),
                      frame.get<Timestamp>(row, "timestamp"), frame.get<Decimal>(row, "value"),
                      json_at(frame, row, "tags")});
  }
  return values;
}

std::string this_process() {
  return std::string(program_invocation_short_name) + "[" + std::to_string(getpid()) + "]";
}

}  // namespace

struct FeatureStore::Impl {
  Impl(DatabaseManager& given, FeatureStoreOptions options) : manager(given) {
    if (options.logs_access) {
      log = std::make_unique<market::AccessLog>(
          manager, options.accessed_by.empty() ? this_process() : std::move(options.accessed_by),
          options.flush_interval);
    }
  }
  void note(std::span<const std::string> features, std::string_view operation) {
    if (log) log->record(features, operation);
  }

  DatabaseManager& manager;
  std::unique_ptr<market::AccessLog> log;  // none where reading is not noted
};

FeatureStore::FeatureStore(DatabaseManager& manager, FeatureStoreOptions options)
    : impl_(std::make_unique<Impl>(manager, std::move(options))) {}
FeatureStore::~FeatureStore() = default;

BatchResult FeatureStore::batch_store_feature_data(std::span<const FeatureValue> values) {
  return market::store_rows<FeatureValue>(values_table(), impl_->manager, values, reason_against, cells_of);
}

BatchResult FeatureStore::store_feature_sets(std::span<const FeatureSet> sets) {
  return market::store_rows<FeatureSet>(sets_table(), impl_->manager, sets, reason_against, cells_of);
}

BatchResult FeatureStore::store_feature_metadata(std::span<const FeatureMetadata> metadata) {
  return market::store_rows<FeatureMetadata>(metadata_table(), impl_->manager, metadata, reason_against,
                                             cells_of);
}

BatchResult FeatureStore::store_feature_relationships(std::span<const FeatureRelationship> relationships) {
  return market::store_rows<FeatureRelationship>(relationships_table(), impl_->manager, relationships,
                                                 reason_against, cells_of);
}

std::vector<FeatureValue> FeatureStore::get_feature_data(std::string_view feature, std::string_view symbol,
                                                         Timestamp from, Timestamp to) {
  const DataFrame frame = impl_->manager.get_dataframe(
      "SELECT feature_name, symbol, timestamp, value, tags FROM feature_timeseries WHERE feature_name = $1 "
      "AND symbol = "
      "$2 AND timestamp >= $3 AND timestamp < $4 ORDER BY timestamp",
      {feature, symbol, from, to});
  const std::string name(feature);
  impl_->note({&name, 1}, "read");
  return values_of(frame);
}

std::vector<std::optional<FeatureValue>> FeatureStore::get_latest_features(
    std::string_view symbol, std::span<const std::string> features, Timestamp at) {
  std::vector<std::optional<FeatureValue>> latest;
  for (const auto& feature : features) {
    auto values =
        values_of(impl_->manager.get_dataframe("SELECT feature_name, symbol, timestamp, value, tags FROM "
                                               "feature_timeseries WHERE feature_name = $1 AND symbol "
                                               "= $2 AND timestamp <= $3 ORDER BY timestamp DESC LIMIT 1",
                                               {feature, symbol, at}));
    latest.emplace_back();
    if (!values.empty()) latest.back() = std::move(values.front());
  }
  impl_->note(features, "read_latest");
  return latest;
}

std::vector<FeatureSet> FeatureStore::get_feature_sets(std::string_view symbol, std::string_view feature_set,
                                                       Timestamp from, Timestamp to) {
  const DataFrame frame = impl_->manager.get_dataframe(
      "SELECT timestamp, features, version, source FROM feature_data WHERE symbol = $1 AND feature_set = $2 "
      "AND timestamp "
      ">= $3 AND timestamp < $4 ORDER BY timestamp",
      {symbol, feature_set, from, to});
  std::vector<FeatureSet> sets;
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    sets.push_back({std::string(symbol), frame.get<Timestamp>(row, "timestamp"), std::string(feature_set),
                    Json{frame.get<std::string>(row, "features")},
                    frame.get<std::optional<std::string>>(row, "version"),
                    frame.get<std::optional<std::string>>(row, "source")});
  }
  const std::string name(feature_set);
  impl_->note({&name, 1}, "read_set");
  return sets;
}

std::optional<FeatureMetadata> FeatureStore::get_feature_metadata(std::string_view feature) {
  const DataFrame frame = impl_->manager.get_dataframe(
      "SELECT description, created_at, updated_at, tags, parameters, source FROM feature_metadata WHERE "
      "feature_name = $1",
      {feature});
  if (frame.is_empty()) return std::nullopt;
  return FeatureMetadata{
      std::string(feature),
      frame.get<std::optional<std::string>>(0, "description"),
      frame.get<std::optional<std::vector<std::string>>>(0, "tags").value_or(std::vector<std::string>{}),
      json_at(frame, 0, "parameters"),
      frame.get<std::optional<std::string>>(0, "source"),
      frame.get<Timestamp>(0, "created_at"),
      frame.get<Timestamp>(0, "updated_at")};
}

std::vector<FeatureRelationship> FeatureStore::get_feature_relationships(std::string_view feature) {
  const DataFrame frame = impl_->manager.get_dataframe(
      "SELECT source_feature, target_feature, relationship_type, metadata FROM feature_relationships WHERE "
      "source_feature "
      "= $1 OR target_feature = $1 ORDER BY 1, 2, 3",
      {feature});
  std::vector<FeatureRelationship> relationships;
  for (std::size_t row = 0; row < frame.row_count(); ++row) {
    relationships.push_back({frame.get<std::string>(row, 0), frame.get<std::string>(row, 1),
                             frame.get<std::string>(row, 2), json_at(frame, row, "metadata")});
  }
  return relationships;
}

TrainingSet FeatureStore::fetch_training_data(const TrainingRequest& request) {
  auto set = tickstone::fetch_training_data(impl_->manager, request);
  impl_->note(request.features, "training");
  return set;
}

void FeatureStore::flush_access_log() {
  if (impl_->log) impl_->log->flush();
}

AccessLogStatus FeatureStore::access_log_status() const {
  return impl_->log ? impl_->log->status() : AccessLogStatus{};
}

}  // namespace tickstone
