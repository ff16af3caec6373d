// SPDX-License-Identifier: Apache-2.0
#include "engine/mass_change.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"
#include "storage/mass_change.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kBatchRows = 16'384;
/// A row that is changed alone costs so many bytes until the commit, about: its lock, its key, its place.
constexpr std::size_t kChangedBytes = 512;

void append_part(Batch& all, Batch&& part) {
  for (std::size_t i = 0; i < part.columns.size(); ++i) {
    if (all.columns[i].size() == 0) {
      all.columns[i] = std::move(part.columns[i]);
    } else {
      all.columns[i].append_all(part.columns[i].view());
    }
  }
}

Batch empty_batch(const std::vector<ResultColumn>& columns) {
  Batch batch;
  for (const auto& column : columns) batch.columns.emplace_back(column.type);
  return batch;
}

}  // namespace

bool is_newer_than_view(const SessionContext& context, const WriteTarget& target) {
  return context.isolation() == Isolation::RepeatableRead &&
         context.view().newest_commit(target.table()) > context.view().seq();
}

void require_memory(SessionContext& context, std::size_t bytes) {
  if (bytes <= context.database().options().query_memory_bytes) return;
  throw Error(ErrorCode::OutOfMemory, "out of memory", "The statement needs more memory than its limit.",
              "Change fewer rows at a time.");
}

GatherLimits gather_limits(SessionContext& context) {
  const std::size_t bytes = context.database().options().store.early_segment_bytes;
  return {std::max<std::size_t>(bytes / kChangedBytes, 1024), bytes};
}

std::optional<Batch> run_within(SessionContext& context, const sql::DuckQuery& query,
                                std::span<const Value> parameters, const GatherLimits& limits) {
  const auto stream = context.open(query, parameters);
  const auto columns = result_columns(stream->columns(), query);
  Batch all = empty_batch(columns), part;
  std::size_t bytes = 0;
  while (stream->next(part)) {
    context.check_cancelled();
    bytes += part.memory_bytes();
    const std::size_t rows = all.row_count() + part.row_count();
    if (rows > limits.rows || bytes > limits.bytes) return std::nullopt;
    require_memory(context, bytes + rows * kChangedBytes);
    fit_to_columns(part, columns, context.settings().format_context());
    append_part(all, std::move(part));
  }
  return all;
}

void stream_rows(Execution& execution, const sql::DuckQuery& query, bool keeps_duck,
                 const std::function<void(Batch)>& visit) {
  auto& context = execution.context;
  const auto connection = context.duck();  // outlives the stream
  const auto stream = context.open(query, execution.parameters);
  if (keeps_duck) context.detach_duck();
  const auto columns = result_columns(stream->columns(), query);
  Batch rows = empty_batch(columns), part;
  while (stream->next(part)) {
    context.check_cancelled();
    fit_to_columns(part, columns, context.settings().format_context());
    append_part(rows, std::move(part));
    if (rows.row_count() < kBatchRows) continue;
    visit(std::move(rows));
    rows = empty_batch(columns);
  }
  if (rows.row_count() > 0) visit(std::move(rows));
}

storage::Transaction::Savepoint lock_mark(storage::Transaction& writes) {
  const auto mark = writes.savepoint();
  writes.release(mark);
  return mark;
}

std::shared_ptr<const WriteTarget> have_alone(SessionContext& context, const sql::QualifiedName& name,
                                              const std::string& verb, std::string_view command,
                                              const storage::Transaction::Savepoint& mark) {
  // Two that share the lock and both want it alone would wait for each other.
  context.undo_statement({mark, context.has_catalog_edit()});
  std::shared_ptr<const WriteTarget> target;
  do {
    context.lock_for_change(name, command);
    target = lock_write_target(context, name, verb, command);
  } while (context.lock_for_change(name, command));
  context.refresh_view();
  // The name of a chunk is no table that could be had alone.
  return target->is_chunk() || is_newer_than_view(context, *target) ? nullptr : target;
}

std::shared_ptr<const WriteTarget> begin_mass_change(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb, std::string_view command,
                                                     const storage::Transaction::Savepoint& mark) {
  auto target = have_alone(context, name, verb, command, mark);
  return target != nullptr && begin_mass_change(context.writes(command), *target) ? target : nullptr;
}

bool begin_mass_change(storage::Transaction& writes, const WriteTarget& target) {
  auto& changes = storage::MassChanges::of(writes);
  std::vector<storage::TableId> begun;
  const auto begin = [&](storage::TableId table) {
    if (!changes.begin_mass_change(table)) return false;
    begun.push_back(table);
    return true;
  };
  bool is_begun = begin(target.table());
  for (const auto& key : target.unique_keys()) is_begun = is_begun && begin(key.table);
  if (is_begun) return true;
  for (const auto table : begun) changes.finish_mass_change(table);
  return false;
}

void finish_mass_change(storage::Transaction& writes, const WriteTarget& target) {
  auto& changes = storage::MassChanges::of(writes);
  changes.finish_mass_change(target.table());
  for (const auto& key : target.unique_keys()) changes.finish_mass_change(key.table);
}

}  // namespace tickstone::engine
