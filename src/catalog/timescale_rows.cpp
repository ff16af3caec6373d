// SPDX-License-Identifier: Apache-2.0
// timescaledb_information: hypertables, chunks, aggregates and their compression.
#include <algorithm>
#include <cmath>

#include "catalog/chunk_facts.hpp"
#include "catalog/object_names.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

bool is_user_hypertable(const RelationObject& relation) {
  return relation.hypertable.has_value() && relation.kind == RelationKind::Table;
}

bool is_integer_time(const ColumnObject* column) { return column != nullptr && is_integer(column->type.id); }

/// A bound of a chunk in microseconds, from the units of its time column.
std::int64_t bound_us(std::int64_t bound, const ColumnObject* column) {
  if (bound == INT64_MIN) return kTimestampNegInfinity;
  if (column == nullptr || bound == INT64_MAX) return bound;
  if (column->type.id == TypeId::Date) return bound * kMicrosPerDay;
  if (column->type.id == TypeId::TimestampNs) return bound / 1000;
  return bound;
}

IntervalValue interval_of_us(std::int64_t us) {
  return {0, static_cast<std::int32_t>(us / kMicrosPerDay), us % kMicrosPerDay};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + quote_identifier(name);
  return text;
}

void hypertables(RowWriter& rows, const RowContext& context) {
  const storage::ReadView& view = context.facts.current_view();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_user_hypertable(*relation)) continue;
    const ColumnObject* time = time_column_of(*relation, view);
    rows.add({{"hypertable_schema", schema_name(context.catalog, relation->schema)},
              {"hypertable_name", relation->name},
              {"owner", owner_name(context.catalog, relation->owner)},
              {"num_dimensions", relation->hypertable->dimensions.size()},
              {"num_chunks", chunks_of(*relation, view).size()},
              {"compression_enabled", relation->hypertable->compression_enabled},
              {"primary_dimension", time == nullptr ? Cell(nullptr) : Cell(time->name)},
              {"primary_dimension_type", time == nullptr ? Cell(nullptr) : Cell(to_sql(time->type))}});
  }
}

void dimensions(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    // Materializations of continuous aggregates, too.
    if (!relation->hypertable) continue;
    const auto [schema, name] = hypertable_name(context.catalog, *relation);
    int number = 0;
    for (const auto& dimension : relation->hypertable->dimensions) {
      const ColumnObject* column = relation->find_column(dimension.column);
      if (column == nullptr) continue;
      const bool is_number = is_integer_time(column);
      const auto now_function = split_identifier(dimension.integer_now_function);
      Cell interval = nullptr;
      if (dimension.is_time && !is_number) {
        interval = column->type.id == TypeId::Date
                       ? Cell(IntervalValue{0, static_cast<std::int32_t>(dimension.interval), 0})
                       : Cell(interval_of_us(bound_us(dimension.interval, column)));
      }
      rows.add(
          {{"hypertable_schema", schema},
           {"hypertable_name", name},
           {"dimension_number", ++number},
           {"column_name", column->name},
           {"column_type", to_sql(column->type)},
           {"dimension_type", dimension.is_time ? "Time" : "Space"},
           {"time_interval", interval},
           {"integer_interval", dimension.is_time && is_number ? Cell(dimension.interval) : Cell(nullptr)},
           {"integer_now_func", now_function.empty() ? Cell(nullptr) : Cell(now_function.back())},
           {"num_partitions", dimension.is_time ? Cell(nullptr) : Cell(dimension.partitions)}});
    }
  }
}

void chunks(RowWriter& rows, const RowContext& context) {
  const storage::ReadView& view = context.facts.current_view();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!has_chunks(*relation)) continue;
    const auto [schema, name] = hypertable_name(context.catalog, *relation);
    const ColumnObject* time = time_column_of(*relation, view);
    const bool is_number = is_integer_time(time);
    for (const Chunk& chunk : chunks_of(*relation, view)) {
      const auto& range = chunk.info.range;
      rows.add({{"hypertable_schema", schema},
                {"hypertable_name", name},
                {"chunk_schema", chunk.schema()},
                {"chunk_name", chunk.name()},
                {"primary_dimension", time == nullptr ? Cell(nullptr) : Cell(time->name)},
                {"primary_dimension_type", time == nullptr ? Cell(nullptr) : Cell(to_sql(time->type))},
                {"range_start", is_number ? Cell(nullptr) : Cell(bound_us(range.start, time))},
                {"range_end", is_number ? Cell(nullptr) : Cell(bound_us(range.end, time))},
                {"range_start_integer", is_number ? Cell(range.start) : Cell(nullptr)},
                {"range_end_integer", is_number ? Cell(range.end) : Cell(nullptr)},
                {"is_compressed", chunk.is_compressed()},
                {"chunk_creation_time", Cell(chunk.info.created_us)}});
    }
  }
}

void continuous_aggregates(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->aggregate) continue;
    const RelationObject* source = context.catalog.find_relation(relation->aggregate->source_table);
    const auto [schema, name] = hypertable_name(context.catalog, *relation);
    const auto of_source =
        source == nullptr ? std::pair<std::string, std::string>{} : hypertable_name(context.catalog, *source);
    rows.add({{"hypertable_schema", of_source.first},
              {"hypertable_name", of_source.second},
              {"view_schema", schema_name(context.catalog, relation->schema)},
              {"view_name", relation->name},
              {"view_owner", owner_name(context.catalog, relation->owner)},
              {"materialized_only", relation->aggregate->materialized_only},
              {"compression_enabled", relation->hypertable && relation->hypertable->compression_enabled},
              {"materialization_hypertable_schema", schema},
              {"materialization_hypertable_name", name},
              {"view_definition", view_definition(context.catalog, context.facts, *relation)}});
  }
}

/// Compression's settings in the words of ALTER TABLE: `symbol,timeframe` and `"timestamp" DESC`.
std::string order_text(const HypertableInfo& hypertable) {
  std::string text;
  for (const auto& key : hypertable.compress_orderby) {
    if (!text.empty()) text += ',';
    text += quote_identifier(key.column);
    if (key.descending) text += " DESC";
    if (key.nulls_first != key.descending) text += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
  }
  return text;
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell(nullptr) : Cell(text); }

std::string shown_name(const RowContext& context, const RelationObject& relation) {
  return visible_name(context.catalog, context.facts, relation.oid);
}

void compression_settings(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->hypertable || !relation->hypertable->compression_enabled) continue;
    const HypertableInfo& hypertable = *relation->hypertable;
    const auto [schema, name] = hypertable_name(context.catalog, *relation);
    int index = 0;
    for (const auto& column : hypertable.compress_segmentby) {
      rows.add({{"hypertable_schema", schema},
                {"hypertable_name", name},
                {"attname", column},
                {"segmentby_column_index", ++index}});
    }
    index = 0;
    for (const auto& key : hypertable.compress_orderby) {
      rows.add({{"hypertable_schema", schema},
                {"hypertable_name", name},
                {"attname", key.column},
                {"orderby_column_index", ++index},
                {"orderby_asc", !key.descending},
                {"orderby_nullsfirst", key.nulls_first}});
    }
  }
}

void hypertable_compression_settings(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->hypertable || !relation->hypertable->compression_enabled) continue;
    rows.add({{"hypertable", shown_name(context, *relation)},
              {"segmentby", text_or_null(joined(relation->hypertable->compress_segmentby))},
              {"orderby", text_or_null(order_text(*relation->hypertable))}});
  }
}

void chunk_compression_settings(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->hypertable || !relation->hypertable->compression_enabled) continue;
    for (const Chunk& chunk : chunks_of(*relation, context.facts.current_view())) {
      if (!chunk.is_compressed()) continue;
      rows.add({{"hypertable", shown_name(context, *relation)},
                {"chunk", qualified_name(chunk.schema(), chunk.name())},
                {"segmentby", text_or_null(joined(relation->hypertable->compress_segmentby))},
                {"orderby", text_or_null(order_text(*relation->hypertable))}});
    }
  }
}

/// A batch is a segment here. What TimescaleDB counts of its batches while it reads and decompresses them has
/// no counterpart, and is NULL.
void stat_chunk_activity(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->hypertable) continue;
    for (const Chunk& chunk : chunks_of(*relation, context.facts.current_view())) {
      if (!chunk.is_compressed()) continue;
      const auto& info = chunk.info;
      const auto per_segment = [&](std::uint64_t total) {
        return info.segment_count == 0 ? Cell(nullptr)
                                       : Cell(static_cast<std::int64_t>(total / info.segment_count));
      };
      rows.add({{"chunk", qualified_name(chunk.schema(), chunk.name())},
                {"chunk_id", static_cast<std::int64_t>(info.number)},
                {"hypertable_id", relation->hypertable->id},
                {"hypertable", hypertable_name(context.catalog, *relation).second},
                {"compressed_batch_count", static_cast<std::int64_t>(info.segment_count)},
                {"compressed_batch_rows_avg", per_segment(info.rows_sealed)},
                {"compressed_batch_bytes_avg", per_segment(info.bytes_on_disk)}});
    }
  }
}

/// Every hypertable: segments are compressed whether or not a policy says so.
void compressed_hypertable_stats(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_user_hypertable(*relation)) continue;
    const CompressionSizes sizes = compression_sizes(*relation, context.facts.current_view());
    const std::int64_t before_bytes = sizes.before_bytes + sizes.before_index_bytes;
    const double ratio = sizes.after_bytes == 0
                             ? 0
                             : static_cast<double>(before_bytes) / static_cast<double>(sizes.after_bytes);
    const std::string before = pretty_size(sizes.before_bytes);
    const std::string after = pretty_size(sizes.after_bytes);
    rows.add({{"hypertable_name", relation->name},
              {"total_chunks", sizes.chunks},
              {"number_compressed_chunks", sizes.compressed_chunks},
              {"uncompressed_heap_bytes", before},
              {"uncompressed_index_bytes", pretty_size(sizes.before_index_bytes)},
              {"uncompressed_toast_bytes", pretty_size(0)},
              {"uncompressed_total_bytes", pretty_size(before_bytes)},
              {"compressed_heap_bytes", after},
              {"compressed_index_bytes", pretty_size(0)},
              {"compressed_toast_bytes", pretty_size(0)},
              {"compressed_total_bytes", after},
              {"hypertable_schema", schema_name(context.catalog, relation->schema)},
              {"hypertable_size", before_bytes},
              {"compressed_total_size", sizes.after_bytes},
              {"compression_ratio",
               sizes.after_bytes == 0 ? Cell(nullptr) : Cell(std::round(ratio * 100) / 100)}});
  }
}

}  // namespace

void add_timescale_rows(RowMakers& makers) {
  constexpr std::string_view kSchema = "timescaledb_information";
  makers[{kSchema, "hypertables"}] = hypertables;
  makers[{kSchema, "dimensions"}] = dimensions;
  makers[{kSchema, "chunks"}] = chunks;
  makers[{kSchema, "continuous_aggregates"}] = continuous_aggregates;
  makers[{kSchema, "compression_settings"}] = compression_settings;
  makers[{kSchema, "hypertable_compression_settings"}] = hypertable_compression_settings;
  makers[{kSchema, "hypertable_columnstore_settings"}] = hypertable_compression_settings;
  makers[{kSchema, "chunk_compression_settings"}] = chunk_compression_settings;
  makers[{kSchema, "chunk_columnstore_settings"}] = chunk_compression_settings;
  makers[{kSchema, "stat_chunk_activity"}] = stat_chunk_activity;
  makers[{kSchema, "compressed_hypertable_stats"}] = compressed_hypertable_stats;
}

}  // namespace tickstone::catalog
