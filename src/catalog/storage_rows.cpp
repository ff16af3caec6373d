// SPDX-License-Identifier: Apache-2.0
// tickstone: what the store does underneath.
#include <map>

#include "catalog/freshness.hpp"
#include "catalog/object_names.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {

const std::string_view kTickstoneViews = R"(
storage_statistics v: commits int8, last_commit int8, log_bytes int8, log_syncs int8, open_chunk_bytes int8,
  block_cache_bytes int8, segments int8, segment_bytes int8, checkpoints int8, compactions int8,
  compaction_failures int8, compaction_backlog_bytes int8, compaction_depth int8, segments_reclaimed int8,
  bytes_written_log int8, bytes_written_checkpoints int8, bytes_written_transactions int8,
  bytes_written_compactions int8, write_amplification float8, write_stalls int8, write_stall_time interval,
  readers int8, oldest_reader_commit int8, oldest_reader_age interval, block_cache_hits int8,
  block_cache_misses int8, commit_groups int8, commit_sync_time interval, accepts_writes bool,
  block_cache_hit_bytes int8, block_cache_read_bytes int8
table_storage v: table_schema name, table_name name, chunks int8, segments int8, segment_bytes int8,
  open_rows int8, open_bytes int8
segments v: table_schema name, table_name name, chunk int8, segment int8, level int4, row_count int8,
  ended_rows int8, size_bytes int8, row_groups int8
hypertable_freshness v: hypertable_schema name, hypertable_name name, time_column name, newest timestamptz
aggregate_freshness v: view_schema name, view_name name, watermark timestamptz, source_newest timestamptz,
  lag interval
disk_space v: data_directory text, data_bytes int8, free_bytes int8, total_bytes int8
)";

namespace {

Cell number(std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); }
IntervalValue interval_of(std::int64_t us) { return {0, 0, us}; }
/// As a difference of timestamps.
IntervalValue days_and_time(std::int64_t us) {
  return {0, static_cast<std::int32_t>(us / kMicrosPerDay), us % kMicrosPerDay};
}

struct TableName {
  Cell schema = nullptr;
  std::string table;
};

/// Names of storage's tables: those of relations, and for the catalog's own and for keys what storage calls
/// them.
std::map<storage::TableId, TableName> table_names(const RowContext& context) {
  std::map<storage::TableId, TableName> names;
  const storage::ReadView& view = context.facts.current_view();
  for (const storage::TableId id : view.tables()) {
    const auto* schema = view.schema(id);
    if (schema != nullptr) names[id] = {nullptr, schema->name};
  }
  for (const RelationObject* relation : context.catalog.relations()) {
    const auto found = names.find(relation->table());
    if (found != names.end()) {
      found->second = {schema_name(context.catalog, relation->schema), relation->name};
    }
  }
  return names;
}

void storage_statistics(RowWriter& rows, const RowContext& context) {
  const auto statistics = context.facts.storage_statistics();
  const auto sealed = statistics.bytes_written_checkpoints + statistics.bytes_written_transactions;
  rows.add(
      {{"commits", number(statistics.commits)},
       {"last_commit", number(statistics.last_commit)},
       {"log_bytes", number(statistics.log_bytes)},
       {"log_syncs", number(statistics.log_syncs)},
       {"open_chunk_bytes", number(statistics.open_chunk_bytes)},
       {"block_cache_bytes", number(statistics.block_cache_bytes)},
       {"segments", number(statistics.segment_files)},
       {"segment_bytes", number(statistics.segment_bytes)},
       {"checkpoints", number(statistics.checkpoints)},
       {"compactions", number(statistics.compactions)},
       {"compaction_failures", number(statistics.compaction_failures)},
       {"compaction_backlog_bytes", number(statistics.compaction_backlog_bytes)},
       {"compaction_depth", number(statistics.compaction_depth)},
       {"segments_reclaimed", number(statistics.segments_reclaimed)},
       {"bytes_written_log", number(statistics.bytes_written_log)},
       {"bytes_written_checkpoints", number(statistics.bytes_written_checkpoints)},
       {"bytes_written_transactions", number(statistics.bytes_written_transactions)},
       {"bytes_written_compactions", number(statistics.bytes_written_compactions)},
       {"write_amplification", sealed == 0 ? Cell(nullptr)
                                           : Cell(static_cast<double>(statistics.bytes_written_segments) /
                                                  static_cast<double>(sealed))},
       {"write_stalls", number(statistics.write_stalls)},
       {"write_stall_time", interval_of(static_cast<std::int64_t>(statistics.write_stall_us))},
       {"readers", number(statistics.readers)},
       {"oldest_reader_commit",
        statistics.readers == 0 ? Cell(nullptr) : number(statistics.oldest_reader_commit)},
       {"oldest_reader_age",
        statistics.readers == 0 ? Cell(nullptr) : Cell(interval_of(statistics.oldest_reader_age_us))},
       {"block_cache_hits", number(statistics.cache_hits)},
       {"block_cache_misses", number(statistics.cache_misses)},
       {"commit_groups", number(statistics.commit_groups.total())},
       {"commit_sync_time", interval_of(static_cast<std::int64_t>(statistics.commit_syncs.sum / 1000))},
       {"accepts_writes", !statistics.has_failed},
       {"block_cache_hit_bytes", number(statistics.cache_hit_bytes)},
       {"block_cache_read_bytes", number(statistics.cache_read_bytes)}});
}

void table_storage(RowWriter& rows, const RowContext& context) {
  const storage::ReadView& view = context.facts.current_view();
  for (const auto& [id, name] : table_names(context)) {
    storage::ChunkInfo sum;
    const auto chunks = view.chunks(id);
    for (const auto& chunk : chunks) {
      sum.segment_count += chunk.segment_count;
      sum.bytes_on_disk += chunk.bytes_on_disk;
      sum.rows_open += chunk.rows_open;
      sum.bytes_in_memory += chunk.bytes_in_memory;
    }
    rows.add({{"table_schema", name.schema},
              {"table_name", name.table},
              {"chunks", number(chunks.size())},
              {"segments", number(sum.segment_count)},
              {"segment_bytes", number(sum.bytes_on_disk)},
              {"open_rows", number(sum.rows_open)},
              {"open_bytes", number(sum.bytes_in_memory)}});
  }
}

void segments(RowWriter& rows, const RowContext& context) {
  const auto names = table_names(context);
  for (const auto& segment : context.facts.segments()) {
    const auto found = names.find(segment.table);
    if (found == names.end()) continue;  // newer than this view
    rows.add({{"table_schema", found->second.schema},
              {"table_name", found->second.table},
              {"chunk", number(segment.chunk)},
              {"segment", number(segment.number)},
              {"level", segment.level},
              {"row_count", number(segment.rows)},
              {"ended_rows", number(segment.ended_rows)},
              {"size_bytes", number(segment.size_bytes)},
              {"row_groups", number(segment.row_groups)}});
  }
}

void hypertable_freshness_rows(RowWriter& rows, const RowContext& context) {
  for (const auto& one : hypertable_freshness(context.catalog, context.facts.current_view())) {
    rows.add({{"hypertable_schema", schema_name(context.catalog, one.relation->schema)},
              {"hypertable_name", one.relation->name},
              {"time_column", one.time_column == nullptr ? Cell(nullptr) : Cell(one.time_column->name)},
              {"newest", one.newest_us}});
  }
}

void aggregate_freshness_rows(RowWriter& rows, const RowContext& context) {
  for (const auto& one :
       aggregate_freshness(context.catalog, context.facts.current_view(),
                           [&](Oid aggregate) { return context.facts.aggregate_watermark(aggregate); })) {
    rows.add({{"view_schema", schema_name(context.catalog, one.relation->schema)},
              {"view_name", one.relation->name},
              {"watermark", one.watermark_us},
              {"source_newest", one.source_newest_us},
              {"lag", one.lag_us ? Cell(days_and_time(*one.lag_us)) : Cell(nullptr)}});
  }
}

void disk_space(RowWriter& rows, const RowContext& context) {
  const auto space = context.facts.disk_space();
  rows.add({{"data_directory", space.directory},
            {"data_bytes", number(space.data_bytes)},
            {"free_bytes", number(space.free_bytes)},
            {"total_bytes", number(space.total_bytes)}});
}

}  // namespace

void add_storage_rows(RowMakers& makers) {
  constexpr std::string_view kSchema = "tickstone";
  makers[{kSchema, "storage_statistics"}] = storage_statistics;
  makers[{kSchema, "table_storage"}] = table_storage;
  makers[{kSchema, "segments"}] = segments;
  makers[{kSchema, "hypertable_freshness"}] = hypertable_freshness_rows;
  makers[{kSchema, "aggregate_freshness"}] = aggregate_freshness_rows;
  makers[{kSchema, "disk_space"}] = disk_space;
}

}  // namespace tickstone::catalog
