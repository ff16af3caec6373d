// SPDX-License-Identifier: Apache-2.0
#include "engine/table_schema.hpp"

#include <algorithm>
#include <charconv>

#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

/// Chunks of an interval begin where TimescaleDB's do: at multiples of it since the epoch, which for a week
/// is a Thursday.
constexpr std::int64_t kChunkOrigin = 0;

/// The columns of a list of ids, those that are there.
std::vector<storage::ColumnId> columns_of(const catalog::RelationObject& relation, std::string_view ids) {
  std::vector<storage::ColumnId> columns;
  for (const char* at = ids.data(); at < ids.data() + ids.size(); ++at) {
    storage::ColumnId id = 0;
    at = std::from_chars(at, ids.data() + ids.size(), id).ptr;
    if (relation.find_column(id) != nullptr) columns.push_back(id);
  }
  return columns;
}

}  // namespace

storage::TableSchema storage_schema(const catalog::RelationObject& relation) {
  storage::TableSchema schema;
  schema.id = relation.table();
  schema.name = relation.name;
  schema.temporary = relation.temporary;
  for (const auto& column : relation.columns)
    schema.columns.push_back({column.id, column.name, column.type, column.not_null});
  if (const auto* key = relation.primary_key()) {
    schema.primary_key = key->columns;
    schema.primary_key_name = key->name;
  }
  if (!relation.hypertable) return schema;
  for (const auto& dimension : relation.hypertable->dimensions) {
    if (!dimension.is_time) continue;
    schema.time_column = dimension.column;
    schema.chunk_interval = dimension.interval;
    schema.chunk_origin = kChunkOrigin;
  }
  for (const auto& name : relation.hypertable->compress_segmentby)
    schema.series_key.push_back(relation.find_column(name)->id);
  if (schema.series_key.empty()) {
    for (const auto id : schema.primary_key) {
      if (is_text_like(relation.find_column(id)->type.id) && id != *schema.time_column)
        schema.series_key.push_back(id);
    }
  }
  if (!schema.series_key.empty()) return schema;
  for (const auto& [name, value] : relation.options) {
    if (name == kSeriesOption) schema.series_key = columns_of(relation, value);
  }
  return schema;
}

storage::TableSchema key_table_schema(const catalog::RelationObject& relation,
                                      const catalog::IndexObject& index, storage::TableId id) {
  storage::TableSchema schema;
  schema.id = id;
  schema.name = relation.name;
  schema.temporary = relation.temporary;
  schema.primary_key_name = index.name;
  storage::ColumnId next = 1;
  for (const auto& key : index.keys) {
    const auto* column = relation.find_column(key.column);
    const SqlType type = column != nullptr ? column->type : key.type.value_or(SqlType::of(TypeId::Text));
    schema.primary_key.push_back(next);
    schema.columns.push_back({next++, column != nullptr ? column->name : key.expression_text, type, true});
  }
  for (std::size_t i = 0; index.nulls_not_distinct && i < index.keys.size(); ++i) {
    schema.primary_key.push_back(next);
    schema.columns.push_back({next++, "is_null", SqlType::of(TypeId::Boolean), true});
  }
  const auto base = storage_schema(relation);
  if (base.primary_key.empty()) {
    schema.columns.push_back({next++, "rowid", SqlType::of(TypeId::BigInt), true});
  } else {
    for (const auto key : base.primary_key) {
      const auto* column = relation.find_column(key);
      schema.columns.push_back({next++, column->name, column->type, true});
    }
  }
  return schema;
}

}  // namespace tickstone::engine
