// SPDX-License-Identifier: Apache-2.0
#include "catalog/freshness.hpp"

#include <algorithm>

#include "catalog/chunk_facts.hpp"
#include "storage/outermost_time.hpp"

namespace tickstone::catalog {
namespace {

std::optional<std::int64_t> in_us(std::optional<std::int64_t> time, const ColumnObject* column) {
  if (!time || column == nullptr || is_integer(column->type.id)) return std::nullopt;
  if (column->type.id == TypeId::Date) return *time * kMicrosPerDay;
  if (column->type.id == TypeId::TimestampNs) return *time / 1000;
  return time;
}

}  // namespace

std::vector<HypertableFreshness> hypertable_freshness(const Catalog& catalog, const storage::ReadView& view) {
  std::vector<HypertableFreshness> all;
  for (const RelationObject* relation : catalog.relations()) {
    if (!relation->hypertable || relation->kind != RelationKind::Table) continue;
    const ColumnObject* time = time_column_of(*relation, view);
    const auto newest = storage::outermost_time(view, relation->table(), storage::Outermost::Newest);
    all.push_back({relation, time, in_us(newest, time)});
  }
  return all;
}

std::vector<AggregateFreshness> aggregate_freshness(const Catalog& catalog, const storage::ReadView& view,
                                                    const FindWatermark& watermark) {
  std::vector<AggregateFreshness> all;
  for (const RelationObject* relation : catalog.relations()) {
    if (!relation->aggregate) continue;
    const RelationObject* source = catalog.find_relation(relation->aggregate->source_table);
    if (source == nullptr) continue;
    const ColumnObject* time = time_column_of(*source, view);
    const auto outermost = [&](storage::Outermost which) {
      return in_us(storage::outermost_time(view, source->table(), which), time);
    };
    AggregateFreshness one;
    one.relation = relation;
    one.watermark_us = in_us(watermark(relation->oid), time);
    one.source_newest_us = outermost(storage::Outermost::Newest);
    const auto from = one.watermark_us ? one.watermark_us : outermost(storage::Outermost::Oldest);
    if (from && one.source_newest_us) one.lag_us = std::max<std::int64_t>(0, *one.source_newest_us - *from);
    all.push_back(one);
  }
  return all;
}

}  // namespace tickstone::catalog
