// SPDX-License-Identifier: Apache-2.0
// compress_chunk and its kin. Rows lie in compressed segments anyway, sooner or later: these functions say
// when, and remember what they were told.
#include "engine/columnstore.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "engine/action.hpp"
#include "engine/job_actions.hpp"
#include "engine/time_units.hpp"
#include "storage/chunk_settling.hpp"

namespace tickstone::engine {
namespace {

using catalog::HypertableInfo;

std::string qualified_chunk(const catalog::Chunk& chunk) {
  return catalog::quote_identifier(chunk.schema()) + "." + catalog::quote_identifier(chunk.name());
}

/// Changes what is noted of the chunk; `change` gets its note.
template <typename Change>
void edit_note(SessionContext& context, const catalog::Chunk& chunk, std::string_view command,
               Change change) {
  auto& edit = context.edit_catalog(command);
  catalog::RelationObject relation = *edit.catalog().find_relation(chunk.relation->oid);
  auto& notes = relation.hypertable->chunk_notes;
  auto at = std::lower_bound(notes.begin(), notes.end(), chunk.info.number,
                             [](const auto& note, std::uint32_t number) { return note.number < number; });
  if (at == notes.end() || at->number != chunk.info.number) {
    at = notes.insert(at, HypertableInfo::ChunkNote{});
    at->number = chunk.info.number;
  }
  change(*at, *relation.hypertable);
  edit.put_relation(relation);
}

void settle_at_commit(SessionContext& context, storage::TableId table, std::uint32_t number) {
  auto& store = context.database().store();
  context.on_commit([&context, &store, table, number] {
    try {
      storage::ChunkSettling::of(store).settle_chunk(table, number);
    } catch (const Error& error) {
      // Nothing is lost: the rows are where they were, and compaction tries again.
      context.notice({"WARNING", error.code(),
                      std::string("the chunk's rows were not merged: ") + error.what(), error.detail(),
                      error.hint()});
    }
  });
}

Value as_regclass(const SessionContext& context, const catalog::Chunk& chunk) {
  return parse_value(SqlType::of(TypeId::Regclass), qualified_chunk(chunk),
                     context.settings().format_context());
}

ActionResult compress(SessionContext& context, std::string_view function, const ActionArguments& arguments) {
  const bool is_old = function == "compress_chunk";
  const auto chunk = arguments.chunk(is_old ? "uncompressed_chunk" : "chunk");
  const bool tolerates = arguments.boolean(
      function == "convert_to_columnstore" ? "if_not_columnstore" : "if_not_compressed", true);
  const bool recompresses = function == "recompress_chunk" || arguments.boolean("recompress", false);
  if (!convert_to_columnstore(context, chunk, recompresses)) {
    const std::string message = "chunk \"" + chunk.name() + "\" is already converted to columnstore";
    if (!tolerates) throw Error(ErrorCode::DuplicateObject, message);
    context.notice({"NOTICE", ErrorCode::DuplicateObject, message, {}, {}});
  }
  if (!is_old) return {};
  return ActionResult::scalar(function, as_regclass(context, chunk));
}

ActionResult decompress(SessionContext& context, std::string_view function,
                        const ActionArguments& arguments) {
  const bool is_old = function == "decompress_chunk";
  const auto chunk = arguments.chunk(is_old ? "uncompressed_chunk" : "chunk");
  const bool tolerates = arguments.boolean(is_old ? "if_compressed" : "if_columnstore", true);
  if (chunk.is_compressed()) {
    edit_note(context, chunk, function, [](HypertableInfo::ChunkNote& note, const HypertableInfo&) {
      note.is_columnstore = false;
      note.segmentby.clear();
      note.orderby.clear();
    });
  } else {
    const std::string message = "chunk \"" + chunk.name() + "\" is not converted to columnstore";
    if (!tolerates) throw Error(ErrorCode::ObjectNotInPrerequisiteState, message);
    context.notice({"NOTICE", ErrorCode::ObjectNotInPrerequisiteState, message, {}, {}});
  }
  if (!is_old) return {};
  return ActionResult::scalar(function, as_regclass(context, chunk));
}

}  // namespace

bool convert_to_columnstore(SessionContext& context, const catalog::Chunk& chunk, bool merges_again) {
  if (!chunk.relation->hypertable || !chunk.relation->hypertable->compression_enabled) {
    throw Error(
        ErrorCode::FeatureNotSupported, "columnstore not enabled on \"" + chunk.relation->name + "\"",
        "It is not possible to convert chunks to columnstore on a hypertable or continuous aggregate "
        "that does not have columnstore enabled.",
        "Enable columnstore using ALTER TABLE/MATERIALIZED VIEW with the timescaledb.enable_columnstore "
        "option.");
  }
  const bool is_there = chunk.is_compressed();
  if (is_there && !merges_again) return false;
  edit_note(context, chunk, "compress_chunk",
            [](HypertableInfo::ChunkNote& note, const HypertableInfo& info) {
              note.is_columnstore = true;
              note.segmentby = info.compress_segmentby;
              note.orderby = info.compress_orderby;
            });
  settle_at_commit(context, chunk.relation->table(), chunk.info.number);
  return true;
}

bool has_same_settings(const HypertableInfo::ChunkNote& a, const HypertableInfo::ChunkNote& b) {
  return a.segmentby == b.segmentby && std::equal(a.orderby.begin(), a.orderby.end(), b.orderby.begin(),
                                                  b.orderby.end(), [](const auto& x, const auto& y) {
                                                    return x.column == y.column &&
                                                           x.descending == y.descending &&
                                                           x.nulls_first == y.nulls_first;
                                                  });
}

namespace {

/// Whether ranges of a time column mean the same when its type has changed.
bool has_same_units(const SqlType& before, const SqlType& after) {
  const auto is_of_us = [](const SqlType& type) {
    return type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz;
  };
  return before.id == after.id || (is_of_us(before) && is_of_us(after)) ||
         (is_integer(before.id) && is_integer(after.id));
}

/// The note that all chunks of `old` that lie in the range have alike; nullptr: they have not.
const HypertableInfo::ChunkNote* common_note(const catalog::RelationObject& old,
                                             const std::vector<storage::ChunkInfo>& old_chunks,
                                             const storage::TimeRange& range) {
  const HypertableInfo::ChunkNote* common = nullptr;
  for (const auto& chunk : old_chunks) {
    if (chunk.range.start >= range.end || chunk.range.end <= range.start) continue;
    const auto* note = old.hypertable->find_note(chunk.number);
    if (note == nullptr || !note->is_columnstore) return nullptr;
    if (common != nullptr && !has_same_settings(*common, *note)) return nullptr;
    common = note;
  }
  return common;
}

}  // namespace

void keep_converted(SessionContext& context, const catalog::RelationObject& old,
                    const std::vector<storage::ChunkInfo>& old_chunks) {
  if (!old.hypertable) return;
  const auto& old_notes = old.hypertable->chunk_notes;
  if (std::none_of(old_notes.begin(), old_notes.end(), [](const auto& note) { return note.is_columnstore; }))
    return;
  const auto is_rewritten = [&](const catalog::RelationObject* now) {
    return now != nullptr && now->hypertable && now->table() != old.table();
  };
  if (!is_rewritten(context.catalog()->find_relation(old.oid))) return;
  if (!context.is_alone()) {
    context.notice({"NOTICE", ErrorCode::SuccessfulCompletion,
                    "chunks of \"" + old.name + "\" count as not converted to columnstore",
                    "The statement has written all rows again.",
                    "Convert them again, or run the statement outside of a transaction block."});
    return;
  }
  context.commit_midway();
  auto& edit = context.edit_catalog("ALTER TABLE");
  context.refresh_view();
  const auto* found = edit.catalog().find_relation(old.oid);
  if (!is_rewritten(found)) return;
  catalog::RelationObject changed = *found;
  if (!has_same_units(old.find_column(time_dimension(old).column)->type,
                      changed.find_column(time_dimension(changed).column)->type))
    return;
  for (const auto& chunk : context.current_view().chunks(changed.table())) {
    const auto* note = common_note(old, old_chunks, chunk.range);
    if (note == nullptr || changed.hypertable->find_note(chunk.number) != nullptr) continue;
    auto& notes = changed.hypertable->chunk_notes;
    notes.push_back(*note);
    notes.back().number = chunk.number;
    std::sort(notes.begin(), notes.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    settle_at_commit(context, changed.table(), chunk.number);
  }
  edit.put_relation(changed);
}

void add_default_columnstore_policy(SessionContext& context, const catalog::RelationObject& relation) {
  const auto& time = time_dimension(relation);
  const TypeId type = relation.find_column(time.column)->type.id;
  nlohmann::ordered_json config;
  config["hypertable_id"] = relation.hypertable->id;
  if (is_integer(type)) {
    config["compress_after"] = time.interval;
  } else {
    const std::int64_t us = type == TypeId::Date          ? time.interval * kMicrosPerDay
                            : type == TypeId::TimestampNs ? time.interval / 1000
                                                          : time.interval;
    config["compress_after"] =
        format_interval({0, static_cast<std::int32_t>(us / kMicrosPerDay), us % kMicrosPerDay});
  }
  catalog::JobObject job;
  job.id = next_job_id(context);
  job.application_name = "Columnstore Policy [" + std::to_string(job.id) + "]";
  job.proc_schema = "_timescaledb_functions";
  job.proc_name = "policy_compression";
  job.check_schema = "_timescaledb_functions";
  job.check_name = "policy_compression_check";
  job.owner = relation.owner;
  job.relation = relation.oid;
  job.schedule_interval = "1 day";
  job.retry_period = "01:00:00";
  job.initial_start_us = context.transaction_start_us() + kMicrosPerDay;  // nothing is old yet
  job.fixed_schedule = false;
  job.config_json = parse_value(SqlType::of(TypeId::Jsonb), config.dump()).text;
  put_new_job(context, job);
}

void add_columnstore_actions(Actions& actions) {
  actions["compress_chunk"] = {
      {"uncompressed_chunk", "if_not_compressed", "recompress"}, {"compress_chunk"}, compress};
  actions["convert_to_columnstore"] = {{"chunk", "if_not_columnstore", "recompress"}, {}, compress};
  actions["recompress_chunk"] = {{"chunk", "if_not_compressed"}, {}, compress};
  actions["decompress_chunk"] = {{"uncompressed_chunk", "if_compressed"}, {"decompress_chunk"}, decompress};
  actions["convert_to_rowstore"] = {{"chunk", "if_columnstore"}, {}, decompress};
}

}  // namespace tickstone::engine
