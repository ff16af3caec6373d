// SPDX-License-Identifier: Apache-2.0
#include "engine/chunk_relation.hpp"

#include <algorithm>

#include "engine/ddl_table.hpp"
#include "storage/row_time.hpp"

namespace tickstone::engine {
namespace {

/// A bound as a literal of the column's type: with a cast in PostgreSQL's way, which DuckDB reads too. Empty
/// where all values lie below it.
std::string bound_text(const SqlType& type, std::int64_t bound) {
  if (is_integer(type.id)) return "(" + std::to_string(bound) + ")";
  const auto at = storage::bound_at(type, bound);
  if (!at) return {};
  const Value& value = *at;
  const std::string name = type.id == TypeId::Date          ? "DATE"
                           : type.id == TypeId::TimestampTz ? "TIMESTAMPTZ"
                           : type.id == TypeId::TimestampNs ? "TIMESTAMP_NS"
                           : type.id == TypeId::Uuid        ? "UUID"
                                                            : "TIMESTAMP";
  return "'" + to_text(value) + "'::" + name;
}

std::string condition_of(const SessionContext& context, const catalog::Chunk& chunk,
                         std::string (*quote)(std::string_view)) {
  const auto* time = catalog::time_column_of(*chunk.relation, context.current_view());
  if (time == nullptr) return {};
  const auto& range = chunk.info.range;
  std::string text;
  if (range.start != INT64_MIN) {
    const auto start = bound_text(time->type, range.start);
    text = start.empty() ? "false" : quote(time->name) + " >= " + start;
  }
  const auto end = range.end == INT64_MAX ? std::string() : bound_text(time->type, range.end);
  if (!end.empty()) text += (text.empty() ? "" : " AND ") + quote(time->name) + " < " + end;
  return text;
}

}  // namespace

std::optional<catalog::Chunk> find_chunk(const SessionContext& context, const std::string& schema,
                                         const std::string& name) {
  if (!context.has_view() || !name.ends_with("_chunk")) return std::nullopt;
  const auto catalog = context.catalog();
  for (const auto& candidate : schema.empty() ? context.search_path() : std::vector{schema}) {
    // A table of that name comes first.
    if (catalog->find_relation(candidate, name) != nullptr) return std::nullopt;
    if (auto found = catalog::find_chunk(*catalog, context.current_view(), candidate, name)) return found;
  }
  return std::nullopt;
}

sql::RelationInfo chunk_info(const SessionContext& context, const catalog::Chunk& chunk) {
  auto info = context.relation_info(*chunk.relation);
  info.schema = chunk.schema();
  info.name = chunk.name();
  info.has_chunks = false;
  info.oid = 0;
  const auto* schema = context.current_view().schema(chunk.relation->table());
  info.part = {context.scan_name(*chunk.relation), condition_of(context, chunk, duck_name),
               schema != nullptr && schema->primary_key.empty()};
  if (info.part->condition.empty()) info.part->condition = "true";
  return info;
}

std::string chunk_condition(const SessionContext& context, const catalog::Chunk& chunk) {
  return condition_of(context, chunk, catalog::quote_identifier);
}

void forget_unique_keys(SessionContext& context, const catalog::RelationObject& relation,
                        const storage::TimeRange& range, std::string_view command) {
  const auto* time = catalog::time_column_of(relation, context.current_view());
  for (const auto& index : relation.indexes) {
    if (index.key_table == 0 || time == nullptr) continue;
    const auto* schema = context.current_view().schema(index.key_table);
    const auto at = std::find_if(index.keys.begin(), index.keys.end(),
                                 [&](const auto& key) { return key.column == time->id; });
    if (schema == nullptr || at == index.keys.end()) continue;
    // The index's columns come first in the table that enforces it.
    const auto position = static_cast<std::size_t>(at - index.keys.begin());
    storage::ScanRequest request;
    request.table = index.key_table;
    request.columns = storage::key_columns(*schema);
    storage::ColumnPredicate predicate;
    predicate.column = schema->columns[position].id;
    const auto bound = [&](std::int64_t limit,
                           bool inclusive) -> std::optional<storage::ColumnPredicate::Bound> {
      const auto value = storage::bound_at(time->type, limit);
      return value ? std::optional(storage::ColumnPredicate::Bound{*value, inclusive}) : std::nullopt;
    };
    if (range.start != INT64_MIN) predicate.lower = bound(range.start, true);
    if (range.end != INT64_MAX) predicate.upper = bound(range.end, false);
    request.predicates.push_back(std::move(predicate));
    const auto time_at = static_cast<std::size_t>(
        std::find(request.columns.begin(), request.columns.end(), schema->columns[position].id) -
        request.columns.begin());
    const auto view = context.read_view();
    const auto scan = view->scan(request);
    const auto state = scan->make_state();
    storage::ScanBatch batch;
    auto& writes = context.writes(command);
    while (scan->read(*state, batch)) {
      context.check_cancelled();
      Batch keys;
      for (const auto id : request.columns) keys.columns.emplace_back(schema->find(id)->type);
      for (std::size_t row = 0; row < batch.row_count; ++row) {
        const std::int64_t moment = storage::time_of(batch.columns[time_at], row);
        if (moment < range.start || (moment >= range.end && range.end != INT64_MAX)) continue;
        for (std::size_t i = 0; i < keys.columns.size(); ++i) {
          Value value = value_at(batch.columns[i], row);
          value.type = keys.columns[i].type();
          append_value(keys.columns[i], value);
        }
      }
      if (keys.row_count() > 0) writes.erase(index.key_table, keys);
    }
  }
}

void forget_notes(SessionContext& context, catalog::Oid relation, const std::vector<std::uint32_t>& numbers,
                  std::string_view command) {
  const auto is_gone = [&](const auto& note) {
    return std::find(numbers.begin(), numbers.end(), note.number) != numbers.end();
  };
  const auto catalog = context.catalog();
  const auto* before = catalog->find_relation(relation);
  if (before == nullptr || !before->hypertable ||
      std::none_of(before->hypertable->chunk_notes.begin(), before->hypertable->chunk_notes.end(), is_gone))
    return;
  auto& edit = context.edit_catalog(command);
  catalog::RelationObject changed = *edit.catalog().find_relation(relation);
  std::erase_if(changed.hypertable->chunk_notes, is_gone);
  edit.put_relation(changed);
}

void drop_chunk(SessionContext& context, const catalog::Chunk& chunk, std::string_view command) {
  const auto held = context.catalog();  // has the chunk's relation
  const catalog::Oid oid = chunk.relation->oid;
  forget_unique_keys(context, *chunk.relation, chunk.info.range, command);
  context.writes(command).drop_chunks(chunk.relation->table(), chunk.info.range);
  // Plans that name the chunk must not outlive it: a new version of the table.
  auto& edit = context.edit_catalog(command);
  edit.put_relation(*edit.catalog().find_relation(oid));
  forget_notes(context, oid, {chunk.info.number}, command);
}

}  // namespace tickstone::engine
