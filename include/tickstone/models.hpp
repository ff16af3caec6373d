// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

namespace tickstone {

/// A row of `model_performance`: a model's metrics at a time.
struct ModelPerformance {
  std::string model_id;
  std::string model_type;
  Timestamp timestamp;
  Json metrics;
  std::optional<Json> parameters;
};

/// A row of `feature_importance`: what a feature meant to a model at a time.
struct FeatureImportance {
  std::string model_id;
  Timestamp timestamp;
  std::string feature_name;
  Decimal importance;
  friend bool operator==(const FeatureImportance&, const FeatureImportance&) = default;
};

// Rejected: no model, type or feature, an infinite time, what is not JSON. Importances may be negative
// (permutation importances are). Errors: of one row, CheckViolation (23514) with the reason. To store a
// result and its importances together, store both in one `in_transaction`.

BatchResult store_model_performance(Executor& executor, const ModelPerformance& performance);
BatchResult store_model_performance(Executor& executor, std::span<const ModelPerformance> performances);
/// Of `[start, end)`, oldest first.
std::vector<ModelPerformance> get_model_performance(Executor& executor, std::string_view model_id,
                                                    Timestamp start, Timestamp end);
std::optional<ModelPerformance> get_latest_model_performance(Executor& executor, std::string_view model_id);

BatchResult store_feature_importance(Executor& executor, const FeatureImportance& importance);
BatchResult store_feature_importance(Executor& executor, std::span<const FeatureImportance> importances);
/// The model's newest importances of not later than `as_of`, the most important first.
std::vector<FeatureImportance> get_feature_importance(Executor& executor, std::string_view model_id,
                                                      Timestamp as_of = kInfinity);

}  // namespace tickstone
