// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>
#include <tickstone/models.hpp>

#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;

const BatchStore& performance_store() {
  static const BatchStore store({.name = "model_performance",
                                 .columns = {{"model_id", ColumnKind::Text, true},
                                             {"model_type", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"metrics", ColumnKind::Json, true},
                                             {"parameters", ColumnKind::Json}},
                                 .key = {0, 2},
                                 .series = {0},
                                 .time = 2});
  return store;
}

std::string reason_against_performance(const ModelPerformance& performance) {
  if (performance.model_id.empty()) return "it has no model";
  if (performance.model_type.empty()) return "it has no model type";
  return {};
}

Parameters cells_of_performance(const ModelPerformance& performance) {
  return {performance.model_id, performance.model_type, performance.timestamp, performance.metrics,
          performance.parameters};
}

ModelPerformance performance_from(const DataFrame& frame, std::size_t row) {
  return {.model_id = frame.get<std::string>(row, 0),
          .model_type = frame.get<std::string>(row, 1),
          .timestamp = frame.get<Timestamp>(row, 2),
          .metrics = Json{frame.get<std::string>(row, 3)},
          .parameters = market::json_at(frame, row, 4)};
}

const BatchStore& importance_store() {
  static const BatchStore store({.name = "feature_importance",
                                 .columns = {{"model_id", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"feature_name", ColumnKind::Text, true},
                                             {"importance", ColumnKind::Numeric, true}},
                                 .key = {0, 1, 2},
                                 .series = {0},
                                 .time = 1});
  return store;
}

std::string reason_against_importance(const FeatureImportance& importance) {
  if (importance.model_id.empty()) return "it has no model";
  if (importance.feature_name.empty()) return "it has no feature";
  return {};
}

Parameters cells_of_importance(const FeatureImportance& importance) {
  return {importance.model_id, importance.timestamp, importance.feature_name, importance.importance};
}

FeatureImportance importance_from(const DataFrame& frame, std::size_t row) {
  return {frame.get<std::string>(row, 0), frame.get<Timestamp>(row, 1), frame.get<std::string>(row, 2),
          frame.get<Decimal>(row, 3)};
}

}  // namespace

BatchResult store_model_performance(Executor& executor, const ModelPerformance& performance) {
  return market::store_row(performance_store(), executor, performance, reason_against_performance,
                           cells_of_performance);
}
BatchResult store_model_performance(Executor& executor, std::span<const ModelPerformance> performances) {
  return market::store_rows(performance_store(), executor, performances, reason_against_performance,
                            cells_of_performance);
}

std::vector<ModelPerformance> get_model_performance(Executor& executor, std::string_view model_id,
                                                    Timestamp start, Timestamp end) {
  static const std::string sql =
      market::select_from(performance_store().table()) +
      "WHERE model_id = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp";
  return market::read_rows(executor, sql, {model_id, start, end}, performance_from);
}

std::optional<ModelPerformance> get_latest_model_performance(Executor& executor, std::string_view model_id) {
  static const std::string sql = market::select_from(performance_store().table()) +
                                 "WHERE model_id = $1 ORDER BY timestamp DESC LIMIT 1";
  return market::read_row(executor, sql, {model_id}, performance_from);
}

BatchResult store_feature_importance(Executor& executor, const FeatureImportance& importance) {
  return market::store_row(importance_store(), executor, importance, reason_against_importance,
                           cells_of_importance);
}
BatchResult store_feature_importance(Executor& executor, std::span<const FeatureImportance> importances) {
  return market::store_rows(importance_store(), executor, importances, reason_against_importance,
                            cells_of_importance);
}

std::vector<FeatureImportance> get_feature_importance(Executor& executor, std::string_view model_id,
                                                      Timestamp as_of) {
  const DataFrame newest = executor.get_dataframe(
      "SELECT timestamp FROM feature_importance WHERE model_id = $1 AND timestamp <= $2 ORDER BY timestamp "
      "DESC "
      "LIMIT 1",
      {model_id, as_of});
  if (newest.is_empty()) return {};
  static const std::string sql =
      market::select_from(importance_store().table()) +
      "WHERE model_id = $1 AND timestamp = $2 ORDER BY importance DESC, feature_name";
  return market::read_rows(executor, sql, {model_id, newest.get<Timestamp>(0, 0)}, importance_from);
}

}  // namespace tickstone
