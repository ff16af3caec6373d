// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

namespace tickstone {

/// A row of `system_metrics`. A name has one value at a time: labels are not of the key.
struct SystemMetric {
  Timestamp timestamp;
  std::string metric_name;
  Decimal metric_value;
  std::optional<Json> labels;
};

/// A row of `cache_metrics`: a cache's counters at a time.
struct CacheMetric {
  Timestamp timestamp;
  std::string cache_name;
  std::int32_t hit_count = 0;
  std::int32_t miss_count = 0;
  std::optional<std::int64_t> size_bytes;
  std::optional<std::int32_t> eviction_count;
  friend bool operator==(const CacheMetric&, const CacheMetric&) = default;
};

// Rejected: no name, an infinite time, a negative count or size, labels that are not JSON. Errors: of one
// row, CheckViolation (23514) with the reason.

BatchResult store_system_metrics(Executor& executor, const SystemMetric& metric);
BatchResult store_system_metrics(Executor& executor, std::span<const SystemMetric> metrics);
/// Of `[start, end)`, oldest first.
std::vector<SystemMetric> get_system_metrics(Executor& executor, std::string_view metric_name,
                                             Timestamp start, Timestamp end);
std::optional<SystemMetric> get_latest_system_metric(Executor& executor, std::string_view metric_name);

BatchResult store_cache_metrics(Executor& executor, const CacheMetric& metric);
BatchResult store_cache_metrics(Executor& executor, std::span<const CacheMetric> metrics);
/// Of `[start, end)`, oldest first.
std::vector<CacheMetric> get_cache_metrics(Executor& executor, std::string_view cache_name, Timestamp start,
                                           Timestamp end);

}  // namespace tickstone
