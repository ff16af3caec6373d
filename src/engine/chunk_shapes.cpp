// SPDX-License-Identifier: Apache-2.0
// merge_chunks and split_chunk: the same rows in chunks of other ranges.
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "engine/action.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/columnstore.hpp"
#include "engine/time_units.hpp"
#include "storage/chunk_reshaping.hpp"

namespace tickstone::engine {
namespace {

using catalog::Chunk;
using catalog::HypertableInfo;

/// What errors say of something that is no chunk differs between the two.
template <typename Find>
auto found_chunk(const Find& find, ErrorCode code, const char* message) {
  try {
    return find();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UndefinedObject) throw;
    throw Error(code, message);
  }
}

/// The chunks again, once nobody else writes their table.
std::vector<Chunk> locked_chunks(SessionContext& context, const std::vector<Chunk>& given,
                                 std::string_view command) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& chunk : given) names.emplace_back(chunk.schema(), chunk.name());
  const auto& relation = *given.front().relation;
  context.lock_for_change({context.catalog()->find_schema(relation.schema)->name, relation.name, 0}, command);
  context.refresh_view();
  std::vector<Chunk> chunks;
  for (const auto& [schema, name] : names) {
    auto chunk = find_chunk(context, schema, name);
    if (!chunk)
      throw Error(ErrorCode::UndefinedTable, "chunk does not exist",
                  "Chunk \"" + name + "\" was removed meanwhile.");
    chunks.push_back(*chunk);
  }
  return chunks;
}

const HypertableInfo::ChunkNote* columnstore_note(const Chunk& chunk) {
  const auto* note =
      chunk.relation->hypertable ? chunk.relation->hypertable->find_note(chunk.info.number) : nullptr;
  return note != nullptr && note->is_columnstore ? note : nullptr;
}

void reshape(SessionContext& context, const Chunk& chunk, const std::vector<storage::TimeRange>& ranges,
             std::string_view command) {
  storage::ChunkReshaping::of(context.writes(command)).reshape_chunks(chunk.relation->table(), ranges);
  context.refresh_view();
}

/// What is noted of `from` from now on stands for the chunks of `ranges`. A new version of the table, too:
/// plans know the ranges of chunks that they name.
void move_notes(SessionContext& context, catalog::Oid oid, const std::vector<std::uint32_t>& from,
                const std::optional<HypertableInfo::ChunkNote>& note,
                const std::vector<storage::TimeRange>& ranges, std::string_view command) {
  auto& edit = context.edit_catalog(command);
  catalog::RelationObject relation = *edit.catalog().find_relation(oid);
  if (relation.hypertable) {
    auto& notes = relation.hypertable->chunk_notes;
    std::erase_if(notes, [&](const auto& old) {
      return std::find(from.begin(), from.end(), old.number) != from.end();
    });
    for (const auto& info : context.current_view().chunks(relation.table())) {
      if (!note || std::find(ranges.begin(), ranges.end(), info.range) == ranges.end()) continue;
      notes.push_back(*note);
      notes.back().number = info.number;
    }
    std::sort(notes.begin(), notes.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  }
  edit.put_relation(relation);
}

void check_mergeable(const std::vector<Chunk>& chunks) {
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (chunks[i].oid() == chunks[k].oid())
        throw Error(ErrorCode::InvalidParameterValue,
                    "duplicate relation \"" + chunks[i].name() + "\" in merge");
    }
  }
  for (const auto& chunk : chunks) {
    const auto& first = chunks.front();
    if (chunk.relation->oid == first.relation->oid) continue;
    throw Error(
        ErrorCode::FeatureNotSupported, "cannot merge chunks across different hypertables",
        fmt::format(
            "Chunk \"{}\" is part of hypertable \"{}\" while chunk \"{}\" is part of hypertable \"{}\".",
            first.name(), first.relation->name, chunk.name(), chunk.relation->name));
  }
}

ActionResult merge(SessionContext& context, std::string_view function, const ActionArguments& arguments) {
  std::vector<Chunk> given;
  const bool is_array = arguments.has("chunks");
  if (is_array) {
    given = found_chunk([&] { return arguments.chunks("chunks"); }, ErrorCode::FeatureNotSupported,
                        "can only merge hypertable chunks");
    if (given.empty()) throw Error(ErrorCode::InvalidParameterValue, "no chunks to merge specified");
    if (given.size() < 2)
      throw Error(ErrorCode::InvalidParameterValue, "must specify at least two chunks to merge");
  } else {
    for (const char* name : {"chunk1", "chunk2"}) {
      if (!arguments.value(name)) throw Error(ErrorCode::InvalidParameterValue, "invalid relation");
      given.push_back(found_chunk([&] { return arguments.chunk(name); }, ErrorCode::FeatureNotSupported,
                                  "can only merge hypertable chunks"));
    }
  }
  check_mergeable(given);
  auto chunks = locked_chunks(context, given, function);
  std::sort(chunks.begin(), chunks.end(),
            [](const Chunk& a, const Chunk& b) { return a.info.range.start < b.info.range.start; });
  std::optional<HypertableInfo::ChunkNote> note;
  std::string noted_chunk;
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (i > 0 && chunks[i - 1].info.range.end != chunks[i].info.range.start)
      throw Error(ErrorCode::FeatureNotSupported, "cannot create new chunk partition boundaries", {},
                  "Try merging chunks that have adjacent partitions.");
    numbers.push_back(chunks[i].info.number);
    const auto* other = columnstore_note(chunks[i]);
    if (other == nullptr) continue;
    if (note && !has_same_settings(*note, *other))
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot merge compressed chunks with different compression settings",
                  fmt::format("Chunk \"{}\" was compressed with different settings than chunk \"{}\".",
                              noted_chunk, chunks[i].name()));
    note = *other;
    noted_chunk = chunks[i].name();
  }
  const catalog::Oid oid = chunks.front().relation->oid;
  const storage::TimeRange whole{chunks.front().info.range.start, chunks.back().info.range.end};
  reshape(context, chunks.front(), {whole}, function);
  move_notes(context, oid, numbers, note, {whole}, function);
  return {};
}

/// UUIDs are divided by the time in them.
SqlType split_type(const SqlType& time) {
  return time.id == TypeId::Uuid ? SqlType::of(TypeId::TimestampTz) : time;
}

/// `split_at` in the units of the time column; the middle where it is left out.
std::int64_t split_point(SessionContext& context, const Chunk& chunk, const std::optional<Value>& given) {
  const auto& range = chunk.info.range;
  const auto& time = *catalog::time_column_of(*chunk.relation, context.current_view());
  if (!given) return static_cast<std::int64_t>((Int128{range.start} + range.end) / 2);
  const bool is_text = given->type.id == TypeId::Unknown || is_text_like(given->type.id);
  const SqlType type = split_type(time.type);
  const bool is_same = is_integer(type.id) ? is_integer(given->type.id) : given->type.id == type.id;
  if (given->type.is_array || !(is_same || is_text))
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid type '" + to_sql(given->type) + "' for split_at argument",
                "The argument type must match the dimension \"" + time.name + "\".");
  const Value point = is_text ? parse_value(type, given->text, context.settings().format_context()) : *given;
  return static_cast<std::int64_t>(point.integer);
}

ActionResult split(SessionContext& context, std::string_view function, const ActionArguments& arguments) {
  const auto given = found_chunk([&] { return arguments.chunk("chunk"); }, ErrorCode::InvalidParameterValue,
                                 "chunk not found");
  const auto split_at = arguments.value("split_at");
  const auto chunk = locked_chunks(context, {given}, function).front();
  const auto range = chunk.info.range;
  const std::int64_t middle = split_point(context, chunk, split_at);
  if (middle <= range.start || middle >= range.end) {
    const auto* time = catalog::time_column_of(*chunk.relation, context.current_view());
    const Value point{split_type(time->type), false, 0, middle};
    throw Error(ErrorCode::InvalidParameterValue,
                "cannot split chunk at " + to_text(point, context.settings().format_context()));
  }
  const std::vector<storage::TimeRange> parts = {{range.start, middle}, {middle, range.end}};
  std::optional<HypertableInfo::ChunkNote> note;
  if (const auto* found = columnstore_note(chunk)) note = *found;
  const catalog::Oid oid = chunk.relation->oid;
  reshape(context, chunk, parts, function);
  move_notes(context, oid, {chunk.info.number}, note, parts, function);
  return {};
}

}  // namespace

void add_chunk_shape_actions(Actions& actions) {
  actions["merge_chunks"] = {{"chunk1", "chunk2", "concurrently"}, {}, merge, {"chunks"}};
  actions["merge_chunks_concurrently"] = {{"chunks"}, {}, merge};
  actions["split_chunk"] = {{"chunk", "split_at"}, {}, split};
}

}  // namespace tickstone::engine
