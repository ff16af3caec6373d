// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>
#include <tickstone/metrics.hpp>

#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;

const BatchStore& system_store() {
  static const BatchStore store({.name = "system_metrics",
                                 .columns = {{"timestamp", ColumnKind::Time, true},
                                             {"metric_name", ColumnKind::Text, true},
                                             {"metric_value", ColumnKind::Numeric, true},
                                             {"labels", ColumnKind::Json}},
                                 .key = {0, 1},
                                 .series = {1},
                                 .time = 0});
  return store;
}

std::string reason_against_system(const SystemMetric& metric) {
  return metric.metric_name.empty() ? "it has no name" : "";
}

Parameters cells_of_system(const SystemMetric& metric) {
  return {metric.timestamp, metric.metric_name, metric.metric_value, metric.labels};
}

SystemMetric system_from(const DataFrame& frame, std::size_t row) {
  return {.timestamp = frame.get<Timestamp>(row, 0),
          .metric_name = frame.get<std::string>(row, 1),
          .metric_value = frame.get<Decimal>(row, 2),
          .labels = market::json_at(frame, row, 3)};
}

const BatchStore& cache_store() {
  static const BatchStore store({.name = "cache_metrics",
                                 .columns = {{"timestamp", ColumnKind::Time, true},
                                             {"cache_name", ColumnKind::Text, true},
                                             {"hit_count", ColumnKind::Integer, true},
                                             {"miss_count", ColumnKind::Integer, true},
                                             {"size_bytes", ColumnKind::BigInt},
                                             {"eviction_count", ColumnKind::Integer}},
                                 .key = {0, 1},
                                 .series = {1},
                                 .time = 0});
  return store;
}

std::string reason_against_cache(const CacheMetric& metric) {
  if (metric.cache_name.empty()) return "it has no name";
  if (metric.hit_count < 0 || metric.miss_count < 0 || metric.eviction_count.value_or(0) < 0)
    return "one of its counts is negative";
  if (metric.size_bytes.value_or(0) < 0) return "its size is negative";
  return {};
}

Parameters cells_of_cache(const CacheMetric& metric) {
  return {metric.timestamp,  metric.cache_name, metric.hit_count,
          metric.miss_count, metric.size_bytes, metric.eviction_count};
}

CacheMetric cache_from(const DataFrame& frame, std::size_t row) {
  return {frame.get<Timestamp>(row, 0),
          frame.get<std::string>(row, 1),
          frame.get<std::int32_t>(row, 2),
          frame.get<std::int32_t>(row, 3),
          frame.get<std::optional<std::int64_t>>(row, 4),
          frame.get<std::optional<std::int32_t>>(row, 5)};
}

}  // namespace

BatchResult store_system_metrics(Executor& executor, const SystemMetric& metric) {
  return market::store_row(system_store(), executor, metric, reason_against_system, cells_of_system);
}
BatchResult store_system_metrics(Executor& executor, std::span<const SystemMetric> metrics) {
  return market::store_rows(system_store(), executor, metrics, reason_against_system, cells_of_system);
}

std::vector<SystemMetric> get_system_metrics(Executor& executor, std::string_view metric_name,
                                             Timestamp start, Timestamp end) {
  static const std::string sql =
      market::select_from(system_store().table()) +
      "WHERE metric_name = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp";
  return market::read_rows(executor, sql, {metric_name, start, end}, system_from);
}

std::optional<SystemMetric> get_latest_system_metric(Executor& executor, std::string_view metric_name) {
  static const std::string sql =
      market::select_from(system_store().table()) + "WHERE metric_name = $1 ORDER BY timestamp DESC LIMIT 1";
  return market::read_row(executor, sql, {metric_name}, system_from);
}

BatchResult store_cache_metrics(Executor& executor, const CacheMetric& metric) {
  return market::store_row(cache_store(), executor, metric, reason_against_cache, cells_of_cache);
}
BatchResult store_cache_metrics(Executor& executor, std::span<const CacheMetric> metrics) {
  return market::store_rows(cache_store(), executor, metrics, reason_against_cache, cells_of_cache);
}

std::vector<CacheMetric> get_cache_metrics(Executor& executor, std::string_view cache_name, Timestamp start,
                                           Timestamp end) {
  static const std::string sql =
      market::select_from(cache_store().table()) +
      "WHERE cache_name = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp";
  return market::read_rows(executor, sql, {cache_name, start, end}, cache_from);
}

}  // namespace tickstone
