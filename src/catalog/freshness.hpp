// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// How new the rows of a hypertable are. Times in microseconds since 1970; nothing for integer times.
struct HypertableFreshness {
  const RelationObject* relation = nullptr;
  const ColumnObject* time_column = nullptr;
  std::optional<std::int64_t> newest_us;  // nothing: it has no rows
};

/// How far a continuous aggregate is behind what it aggregates. Nothing for integer times.
struct AggregateFreshness {
  const RelationObject* relation = nullptr;
  std::optional<std::int64_t> watermark_us;  // end of what is materialized; nothing: none is
  std::optional<std::int64_t> source_newest_us;
  /// From the watermark to the newest row of the source, or from the source's oldest row where nothing is
  /// materialized. What is newer than the watermark a real-time aggregate computes when it is read.
  std::optional<std::int64_t> lag_us;
};

/// Lifetime: the catalog's. Cost: reads the newest part of each table.
std::vector<HypertableFreshness> hypertable_freshness(const Catalog& catalog, const storage::ReadView& view);
/// `watermark`: of an aggregate, in units of its source's time.
using FindWatermark = std::function<std::optional<std::int64_t>(Oid)>;
std::vector<AggregateFreshness> aggregate_freshness(const Catalog& catalog, const storage::ReadView& view,
                                                    const FindWatermark& watermark);

}  // namespace tickstone::catalog
