// SPDX-License-Identifier: Apache-2.0
// How much space objects take.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "catalog/chunk_facts.hpp"
#include "catalog/function_call.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

Value null_size() { return Value::null_of(SqlType::of(TypeId::BigInt)); }

std::int64_t index_bytes(const IndexObject& index, const storage::ReadView& view) {
  if (index.key_table == 0 || view.schema(index.key_table) == nullptr) return 0;
  std::int64_t bytes = 0;
  for (const auto& chunk : view.chunks(index.key_table)) bytes += chunk_size(chunk).table_bytes;
  return bytes;
}

/// Of the relation, index or chunk, whichever is named.
RelationSize size_of(const FunctionCall& call, const NamedRelation& named) {
  const storage::ReadView& view = call.facts.current_view();
  if (named.relation == nullptr) return {};
  if (named.index != nullptr) return {0, index_bytes(*named.index, view), 0};
  if (!named.is_chunk) return relation_size(*named.relation, view);
  const auto chunk = find_chunk(call.catalog, view, named.oid);
  return chunk ? chunk_size(chunk->info) : RelationSize{};
}

Value pg_relation_size(const FunctionCall& call) {
  const auto named = call.relation(0);
  if (!named) return null_size();
  // Forks other than the main one hold nothing.
  if (call.count() == 2 && call.text(1) != "main") return bigint_value(0);
  return bigint_value(size_of(call, *named).table_bytes);
}

Value pg_indexes_size(const FunctionCall& call) {
  const auto named = call.relation(0);
  return named ? bigint_value(size_of(call, *named).index_bytes) : null_size();
}

Value pg_total_relation_size(const FunctionCall& call) {
  const auto named = call.relation(0);
  return named ? bigint_value(size_of(call, *named).total_bytes()) : null_size();
}

std::int64_t all_bytes(const storage::ReadView& view) {
  std::int64_t bytes = 0;
  for (const storage::TableId table : view.tables()) {
    for (const auto& chunk : view.chunks(table)) bytes += chunk_size(chunk).table_bytes;
  }
  return bytes;
}

Value pg_database_size(const FunctionCall& call) {
  if (call.is_text(0) && call.text(0) != call.facts.current_database()) {
    throw Error(ErrorCode::InvalidCatalogName, fmt::format("database \"{}\" does not exist", call.text(0)));
  }
  if (!call.is_text(0) && call.oid(0) != kDatabase) return null_size();
  return bigint_value(all_bytes(call.facts.current_view()));
}

Value pg_tablespace_size(const FunctionCall& call) {
  return bigint_value(all_bytes(call.facts.current_view()));
}

Value size_pretty(const FunctionCall& call) {
  const Value& size = call.arguments[0];
  return text_value(
      pretty_size(size.type.id == TypeId::Double ? std::llround(size.number) : call.integer(0)));
}

Value hypertable_size(const FunctionCall& call) {
  return bigint_value(relation_size(call.hypertable(0), call.facts.current_view()).total_bytes());
}

Value hypertable_index_size(const FunctionCall& call) {
  const auto named = call.relation(0);
  if (!named) return null_size();
  if (named->index == nullptr) {
    throw Error(ErrorCode::WrongObjectType, fmt::format("\"{}\" is not an index", named->name));
  }
  return bigint_value(index_bytes(*named->index, call.facts.current_view()));
}

/// Counts versions of rows: exact where none was replaced or deleted since the last compaction.
Value approximate_row_count(const FunctionCall& call) {
  const auto named = call.relation(0);
  return named ? bigint_value(size_of(call, *named).row_count) : null_size();
}

constexpr auto kFunctions = std::to_array<FunctionEntry>({
    {"pg_relation_size(oid) int8", pg_relation_size},
    {"pg_relation_size(text) int8", pg_relation_size},
    {"pg_relation_size(oid, text) int8", pg_relation_size},
    {"pg_relation_size(text, text) int8", pg_relation_size},
    {"pg_table_size(oid) int8", pg_relation_size},
    {"pg_table_size(text) int8", pg_relation_size},
    {"pg_indexes_size(oid) int8", pg_indexes_size},
    {"pg_indexes_size(text) int8", pg_indexes_size},
    {"pg_total_relation_size(oid) int8", pg_total_relation_size},
    {"pg_total_relation_size(text) int8", pg_total_relation_size},
    {"pg_database_size(oid) int8", pg_database_size},
    {"pg_database_size(text) int8", pg_database_size},
    {"pg_tablespace_size(oid) int8", pg_tablespace_size},
    {"pg_tablespace_size(text) int8", pg_tablespace_size},
    {"pg_size_pretty(int8) text", size_pretty},
    {"pg_size_pretty(float8) text", size_pretty},
    {"hypertable_size(oid) int8", hypertable_size},
    {"hypertable_size(text) int8", hypertable_size},
    {"hypertable_approximate_size(oid) int8", hypertable_size},
    {"hypertable_approximate_size(text) int8", hypertable_size},
    {"hypertable_index_size(oid) int8", hypertable_index_size},
    {"hypertable_index_size(text) int8", hypertable_index_size},
    {"approximate_row_count(oid) int8", approximate_row_count},
    {"approximate_row_count(text) int8", approximate_row_count},
});

}  // namespace

std::span<const FunctionEntry> size_functions() { return kFunctions; }

}  // namespace tickstone::catalog
