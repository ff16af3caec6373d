// SPDX-License-Identifier: Apache-2.0
// drop_chunks, reorder_chunk and what else is done to chunks as a whole.
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "engine/action.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/time_units.hpp"
#include "storage/chunk_settling.hpp"

namespace tickstone::engine {
namespace {

std::string qualified_chunk(const catalog::Chunk& chunk) {
  return catalog::quote_identifier(chunk.schema()) + "." + catalog::quote_identifier(chunk.name());
}

ActionResult drop_chunks(SessionContext& context, std::string_view function,
                         const ActionArguments& arguments) {
  auto relation = arguments.relation("relation");
  while (context.lock_for_write(relation, "drop_chunks")) relation = arguments.relation("relation");
  const auto* time = catalog::time_column_of(relation, context.current_view());
  if (!catalog::has_chunks(relation) || time == nullptr)
    throw Error(ErrorCode::HypertableNotExist,
                "\"" + relation.name + "\" is not a hypertable or a continuous aggregate", {},
                "The operation is only possible on a hypertable or continuous aggregate.");
  const auto older = arguments.value("older_than"), newer = arguments.value("newer_than");
  const auto before = arguments.value("created_before"), after = arguments.value("created_after");
  if ((before || after) && (older || newer))
    throw Error(
        ErrorCode::InvalidParameterValue,
        "cannot specify \"older_than\" or \"newer_than\" together with \"created_before\" or "
        "\"created_after\"",
        {},
        "\"older_than\" and/or \"newer_than\" is recommended with \"time\"-like partitioning and "
        "\"created_before\" and/or \"created_after\" is recommended with \"integer\"-like partitioning.");
  if (!older && !newer && !before && !after)
    throw Error(ErrorCode::InvalidParameterValue, "invalid time range for dropping chunks", {},
                "At least one of older_than/newer_than or created_before/created_after must be provided.");
  storage::TimeRange range;
  if (older) range.end = time_bound(context, time->type, *older);
  if (newer) range.start = time_bound(context, time->type, *newer);
  if (older && newer && range.start >= range.end) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid time range", {},
                "The start of the time range must be before the end.");
  }
  const SqlType moment = SqlType::of(TypeId::TimestampTz);
  const storage::TimeRange created{after ? time_bound(context, moment, *after) : INT64_MIN,
                                   before ? time_bound(context, moment, *before) : INT64_MAX};
  if (created.start >= created.end)
    throw Error(ErrorCode::InvalidParameterValue, "invalid chunk creation time range", {},
                "The start of the time range must be before the end.");
  const bool is_verbose = arguments.boolean("verbose", false);
  ActionResult result;
  result.columns = {{"drop_chunks", SqlType::of(TypeId::Text)}};
  result.rows.columns.emplace_back(SqlType::of(TypeId::Text));
  std::vector<std::uint32_t> numbers;
  std::vector<storage::ChunkInfo> dropped;
  std::vector<storage::TimeRange> made_then;
  for (const auto& chunk : catalog::chunks_of(relation, context.current_view())) {
    if (chunk.info.range.start < range.start || chunk.info.range.end > range.end) continue;
    if (chunk.info.created_us < created.start || chunk.info.created_us >= created.end) continue;
    forget_unique_keys(context, relation, chunk.info.range, function);
    if (before || after) made_then.push_back(chunk.info.range);
  }
  auto& writes = context.writes(function);
  if (!before && !after) dropped = writes.drop_chunks(relation.table(), range);
  for (const auto& one : made_then) {
    for (auto& info : writes.drop_chunks(relation.table(), one)) dropped.push_back(info);
  }
  for (const auto& info : dropped) {
    const catalog::Chunk chunk{&relation, info};
    result.rows.columns[0].append_bytes(qualified_chunk(chunk));
    if (is_verbose)
      context.notice(
          {"INFO", ErrorCode::SuccessfulCompletion, "dropping chunk " + qualified_chunk(chunk), {}, {}});
    numbers.push_back(info.number);
  }
  forget_notes(context, relation.oid, numbers, function);
  return result;
}

/// Segments are sorted by series and time whatever the index: what reordering is for is done by merging them.
ActionResult reorder_chunk(SessionContext& context, std::string_view, const ActionArguments& arguments) {
  const auto chunk = arguments.chunk("chunk");
  if (const auto index = arguments.text("index")) {
    const auto& indexes = chunk.relation->indexes;
    const std::string name = index->substr(index->find('.') == std::string::npos ? 0 : index->find('.') + 1);
    const bool is_there = std::any_of(indexes.begin(), indexes.end(), [&](const auto& i) {
      return i.name == name || chunk.name() + "_" + i.name == name;
    });
    if (!is_there)
      throw Error(ErrorCode::InvalidParameterValue,
                  "\"" + name + "\" is not a valid clustering index for table \"" + chunk.name() + "\"");
  }
  const auto table = chunk.relation->table();
  const auto number = chunk.info.number;
  auto& store = context.database().store();
  context.writes("reorder_chunk");
  context.on_commit(
      [&store, table, number] { storage::ChunkSettling::of(store).settle_chunk(table, number); });
  return {};
}

}  // namespace

void add_chunk_actions(Actions& actions) {
  actions["drop_chunks"] = {
      {"relation", "older_than", "newer_than", "verbose", "created_before", "created_after"},
      {"drop_chunks"},
      drop_chunks};
  actions["reorder_chunk"] = {{"chunk", "index", "verbose"}, {}, reorder_chunk};
}

}  // namespace tickstone::engine
