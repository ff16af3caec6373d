// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "catalog/chunk_facts.hpp"
#include "catalog/function_call.hpp"
#include "catalog/keywords.hpp"
#include "catalog/object_names.hpp"
#include "catalog/row_writer.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_rows.hpp"
#include "types/array_value.hpp"
#include "types/time_bucket.hpp"

namespace tickstone::catalog {
namespace {

using TableImplementation = void (*)(RowWriter& rows, const FunctionCall& call);

struct TableEntry {
  const char* name;
  const char* arguments;  // `name type, name type`
  const char* columns;
  TableImplementation implementation;
};

// Chunks

/// A bound that show_chunks was given, in units of the type: a time, an interval before now, or an integer.
/// `what`: for errors. Errors: InvalidParameterValue.
std::int64_t chunk_bound(const std::string& text, TypeId id, const std::string& what) {
  if (is_integer(id)) {
    return static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::BigInt), text).integer);
  }
  const std::int64_t now_us = system_clock().now_us();
  std::optional<std::int64_t> us;
  if (const auto interval = parse_interval(text)) {
    us = add_interval(now_us, {-interval->months, -interval->days, -interval->micros}, utc_zone());
  } else {
    us = parse_timestamptz(text, utc_zone(), now_us);
  }
  if (!us) {
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("invalid time argument \"{}\" for {}", text, what));
  }
  if (id == TypeId::Date) return bucket_start(*us, kMicrosPerDay, 0) / kMicrosPerDay;
  return id == TypeId::TimestampNs ? *us * 1000 : *us;
}

void show_chunks(RowWriter& rows, const FunctionCall& call) {
  const RelationObject& relation = call.hypertable(0);
  const storage::ReadView& view = call.facts.current_view();
  const ColumnObject* time = time_column_of(relation, view);
  storage::TimeRange range, created;
  const bool by_time = !call.is_null(1) || !call.is_null(2);
  if ((!call.is_null(3) || !call.is_null(4)) && by_time)
    throw Error(ErrorCode::InvalidParameterValue,
                "cannot specify \"older_than\" or \"newer_than\" together with \"created_before\" or "
                "\"created_after\"");
  const auto bound = [&](std::size_t argument) {
    return chunk_bound(call.text(argument), time->type.id, "column \"" + time->name + "\"");
  };
  if (time != nullptr && !call.is_null(1)) range.end = bound(1);
  if (time != nullptr && !call.is_null(2)) range.start = bound(2);
  if (!call.is_null(3)) created.end = chunk_bound(call.text(3), TypeId::TimestampTz, "created_before");
  if (!call.is_null(4)) created.start = chunk_bound(call.text(4), TypeId::TimestampTz, "created_after");
  if (range.start >= range.end)
    throw Error(ErrorCode::InvalidParameterValue, "invalid time range", {},
                "The start of the time range must be before the end.");
  if (created.start >= created.end)
    throw Error(ErrorCode::InvalidParameterValue, "invalid chunk creation time range", {},
                "The start of the time range must be before the end.");
  for (const Chunk& chunk : chunks_of(relation, view)) {
    if (chunk.info.range.end > range.end || chunk.info.range.start < range.start) continue;
    if (chunk.info.created_us >= created.end || chunk.info.created_us < created.start) continue;
    rows.add({{"show_chunks", chunk.oid()}});
  }
}

void chunks_detailed_size(RowWriter& rows, const FunctionCall& call) {
  for (const Chunk& chunk : chunks_of(call.hypertable(0), call.facts.current_view())) {
    const RelationSize size = chunk_size(chunk.info);
    rows.add({{"chunk_schema", chunk.schema()},
              {"chunk_name", chunk.name()},
              {"table_bytes", size.table_bytes},
              {"index_bytes", size.index_bytes},
              {"toast_bytes", 0},
              {"total_bytes", size.total_bytes()}});
  }
}

void hypertable_detailed_size(RowWriter& rows, const FunctionCall& call) {
  const RelationSize size = relation_size(call.hypertable(0), call.facts.current_view());
  rows.add({{"table_bytes", size.table_bytes},
            {"index_bytes", size.index_bytes},
            {"toast_bytes", 0},
            {"total_bytes", size.total_bytes()}});
}

// Compression

void hypertable_compression_stats(RowWriter& rows, const FunctionCall& call) {
  const CompressionSizes sizes = compression_sizes(call.hypertable(0), call.facts.current_view());
  rows.add({{"total_chunks", sizes.chunks},
            {"number_compressed_chunks", sizes.compressed_chunks},
            {"before_compression_table_bytes", sizes.before_bytes},
            {"before_compression_index_bytes", sizes.before_index_bytes},
            {"before_compression_toast_bytes", 0},
            {"before_compression_total_bytes", sizes.before_bytes + sizes.before_index_bytes},
            {"after_compression_table_bytes", sizes.after_bytes},
            {"after_compression_index_bytes", 0},
            {"after_compression_toast_bytes", 0},
            {"after_compression_total_bytes", sizes.after_bytes}});
}

void chunk_compression_stats(RowWriter& rows, const FunctionCall& call) {
  const RelationObject& relation = call.hypertable(0);
  const PlainBytes plain = plain_bytes(relation, call.facts.current_view());
  for (const Chunk& chunk : chunks_of(relation, call.facts.current_view())) {
    if (!chunk.is_compressed()) {
      rows.add({{"chunk_schema", chunk.schema()},
                {"chunk_name", chunk.name()},
                {"compression_status", "Uncompressed"}});
      continue;
    }
    const auto row_count = static_cast<double>(chunk.info.rows_sealed);
    const auto before = static_cast<std::int64_t>(plain.row * row_count);
    const auto before_index = static_cast<std::int64_t>(plain.index * row_count);
    const auto after = static_cast<std::int64_t>(chunk.info.bytes_on_disk);
    rows.add({{"chunk_schema", chunk.schema()},
              {"chunk_name", chunk.name()},
              {"compression_status", "Compressed"},
              {"before_compression_table_bytes", before},
              {"before_compression_index_bytes", before_index},
              {"before_compression_toast_bytes", 0},
              {"before_compression_total_bytes", before + before_index},
              {"after_compression_table_bytes", after},
              {"after_compression_index_bytes", 0},
              {"after_compression_toast_bytes", 0},
              {"after_compression_total_bytes", after}});
  }
}

// PostgreSQL

void pg_get_keywords(RowWriter& rows, const FunctionCall&) {
  for (const Keyword& keyword : keywords()) {
    char letter = 'U';
    const char* description = "unreserved";
    if (keyword.category == KeywordCategory::ColumnName) {
      letter = 'C';
      description = "unreserved (cannot be function or type name)";
    } else if (keyword.category == KeywordCategory::TypeOrFunction) {
      letter = 'T';
      description = "reserved (can be function or type name)";
    } else if (keyword.category == KeywordCategory::Reserved) {
      letter = 'R';
      description = "reserved";
    }
    rows.add({{"word", keyword.word},
              {"catcode", letter},
              {"barelabel", keyword.is_bare_label},
              {"catdesc", description},
              {"baredesc", keyword.is_bare_label ? "can be bare label" : "requires AS"}});
  }
}

void pg_options_to_table(RowWriter& rows, const FunctionCall& call) {
  if (call.is_null(0)) return;
  for (const auto& element : decode_array(call.text(0))) {
    if (!element) continue;
    const auto equals = element->find('=');
    if (equals == std::string_view::npos) {
      rows.add({{"option_name", *element}});
    } else {
      rows.add({{"option_name", element->substr(0, equals)}, {"option_value", element->substr(equals + 1)}});
    }
  }
}

void pg_listening_channels(RowWriter& rows, const FunctionCall& call) {
  for (const auto& channel : call.facts.listening_channels()) rows.add({{"pg_listening_channels", channel}});
}

/// Nothing is partitioned in PostgreSQL's sense, and nothing has an access list.
void no_rows(RowWriter&, const FunctionCall&) {}

constexpr const char* kSizeColumns =
    "table_bytes int8, index_bytes int8, toast_bytes int8, total_bytes int8, node_name name";
constexpr const char* kChunkSizeColumns =
    "chunk_schema name, chunk_name name, table_bytes int8, index_bytes int8, toast_bytes int8, "
    "total_bytes int8, node_name name";
constexpr const char* kHypertableStatsColumns =
    "total_chunks int8, number_compressed_chunks int8, before_compression_table_bytes int8, "
    "before_compression_index_bytes int8, before_compression_toast_bytes int8, "
    "before_compression_total_bytes int8, after_compression_table_bytes int8, "
    "after_compression_index_bytes int8, after_compression_toast_bytes int8, "
    "after_compression_total_bytes int8, node_name name";
constexpr const char* kChunkStatsColumns =
    "chunk_schema name, chunk_name name, compression_status text, before_compression_table_bytes int8, "
    "before_compression_index_bytes int8, before_compression_toast_bytes int8, "
    "before_compression_total_bytes int8, after_compression_table_bytes int8, "
    "after_compression_index_bytes int8, after_compression_toast_bytes int8, "
    "after_compression_total_bytes int8, node_name name";
constexpr const char* kHypertable = "hypertable text";

// Relations and bounds come as text, whatever type they had: a name or a number, a time or an interval.
constexpr auto kTableFunctions = std::to_array<TableEntry>({
    {"show_chunks",
     "relation text, older_than text, newer_than text, created_before text, created_after text",
     "show_chunks regclass", show_chunks},
    {"chunks_detailed_size", kHypertable, kChunkSizeColumns, chunks_detailed_size},
    {"hypertable_detailed_size", kHypertable, kSizeColumns, hypertable_detailed_size},
    {"hypertable_approximate_detailed_size", "relation text",
     "table_bytes int8, index_bytes int8, toast_bytes int8, total_bytes int8", hypertable_detailed_size},
    {"hypertable_compression_stats", kHypertable, kHypertableStatsColumns, hypertable_compression_stats},
    {"hypertable_columnstore_stats", kHypertable, kHypertableStatsColumns, hypertable_compression_stats},
    {"chunk_compression_stats", kHypertable, kChunkStatsColumns, chunk_compression_stats},
    {"chunk_columnstore_stats", kHypertable, kChunkStatsColumns, chunk_compression_stats},
    {"pg_get_keywords", "", "word text, catcode char, barelabel bool, catdesc text, baredesc text",
     pg_get_keywords},
    {"pg_listening_channels", "", "pg_listening_channels text", pg_listening_channels},
    {"pg_partition_ancestors", "rel text", "relid regclass", no_rows},
    {"pg_partition_tree", "rel text", "relid regclass, parentrelid regclass, isleaf bool, level int4",
     no_rows},
    {"pg_options_to_table", "options text[]", "option_name text, option_value text", pg_options_to_table},
    {"aclexplode", "acl aclitem[]", "grantor oid, grantee oid, privilege_type text, is_grantable bool",
     no_rows},
});

std::vector<SystemColumn> read_columns(std::string_view text) {
  std::vector<SystemColumn> columns;
  while (!text.empty()) {
    const auto comma = std::min(text.find(", "), text.size());
    const auto column = text.substr(0, comma);
    const auto space = column.find(' ');
    TICKSTONE_CHECK(space != std::string_view::npos);
    columns.push_back({std::string(column.substr(0, space)), facts_type(column.substr(space + 1))});
    text.remove_prefix(std::min(comma + 2, text.size()));
  }
  return columns;
}

}  // namespace

const std::vector<CatalogTableFunction>& catalog_table_functions() {
  static const std::vector<CatalogTableFunction> all = [] {
    std::vector<CatalogTableFunction> functions;
    for (const TableEntry& entry : kTableFunctions) {
      CatalogTableFunction function;
      function.name = entry.name;
      for (const auto& argument : read_columns(entry.arguments)) {
        function.argument_names.push_back(argument.name);
        function.arguments.push_back(argument.type);
      }
      function.columns = read_columns(entry.columns);
      functions.push_back(std::move(function));
    }
    return functions;
  }();
  return all;
}

Batch call_catalog_table_function(std::string_view name, std::span<const Value> arguments,
                                  const Catalog& catalog, const RunningFacts& facts) {
  const auto& functions = catalog_table_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].name != name) continue;
    RowWriter rows(functions[i].columns, RowWriter::Unnamed::Null);
    const FunctionCall call{name, arguments, catalog, facts};
    // A function of a relation that is NULL has no rows.
    const bool is_empty = !functions[i].arguments.empty() && call.is_null(0);
    if (!is_empty) kTableFunctions[i].implementation(rows, call);
    return rows.take();
  }
  throw Error(ErrorCode::UndefinedFunction, fmt::format("function {} does not exist", name));
}

}  // namespace tickstone::catalog
