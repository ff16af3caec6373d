// SPDX-License-Identifier: Apache-2.0
#include "storage/state_builder.hpp"

#include "base/check.hpp"
#include "storage/manifest.hpp"

namespace tickstone::storage {

const TableState* StateBuilder::find(TableId table) const {
  return (state_ == nullptr ? *base_ : *state_).find(table);
}

std::shared_ptr<const TableState> StateBuilder::share(TableId table) const {
  return (state_ == nullptr ? *base_ : *state_).share(table);
}

std::shared_ptr<const StoreState> StateBuilder::finish() {
  if (state_ == nullptr) return base_;
  return std::move(state_);
}

StoreState& StateBuilder::edit() {
  if (state_ == nullptr) state_ = std::make_shared<StoreState>(*base_);
  return *state_;
}

void StateBuilder::add_table(std::shared_ptr<TableState> table) {
  const TableId id = table->schema->id;
  tables_[id] = table;
  edit().tables[id] = std::move(table);
}

void StateBuilder::forget_layers(TableId table, const ChunkState& chunk) {
  if (find(table)->schema->temporary) return;
  drops_segments_ |= !chunk.segments.empty();
  for (const auto& open : chunk.open) grown_bytes_ -= static_cast<std::int64_t>(open->memory_bytes());
}

void StateBuilder::drop_table(TableId table) {
  for (const auto& [start, chunk] : find(table)->chunks) forget_layers(table, *chunk);
  tables_.erase(table);
  std::erase_if(chunks_, [&](const auto& entry) { return entry.first.first == table; });
  edit().tables.erase(table);
}

TableState& StateBuilder::edit_table(TableId table) {
  auto& edited = tables_[table];
  if (edited == nullptr) {
    const auto found = edit().tables.find(table);
    TICKSTONE_CHECK(found != edit().tables.end());
    edited = std::make_shared<TableState>(*found->second);
    found->second = edited;
  }
  return *edited;
}

ChunkState& StateBuilder::edit_chunk(TableId table, std::int64_t start) {
  auto& edited = chunks_[{table, start}];
  if (edited == nullptr) {
    const auto found = edit_table(table).chunks.find(start);
    TICKSTONE_CHECK(found != edit_table(table).chunks.end());
    edited = std::make_shared<ChunkState>(*found->second);
    found->second = edited;
  }
  return *edited;
}

void StateBuilder::drop_chunk(TableId table, std::int64_t start) {
  const auto& chunks = find(table)->chunks;
  const auto found = chunks.find(start);
  if (found == chunks.end()) return;
  forget_layers(table, *found->second);
  chunks_.erase({table, start});
  edit_table(table).chunks.erase(start);
}

void StateBuilder::drop_all_chunks(TableId table) {
  std::vector<std::int64_t> starts;
  for (const auto& [start, chunk] : find(table)->chunks) starts.push_back(start);
  for (const std::int64_t start : starts) drop_chunk(table, start);
}

void StateBuilder::widen(TableId table, const TableLayout& layout, std::uint64_t new_version) {
  const auto* before = find(table);
  auto widened = widened_for(before->layout, *before->schema, layout);
  if (widened == before->layout) return;
  TableState& edited = edit_table(table);
  if (widened.columns != edited.layout.columns) edited.version = new_version;
  edited.layout = std::move(widened);
}

ChunkState& StateBuilder::chunk_for(TableId table, std::int64_t time) {
  const auto* state = find(table);
  if (const auto* chunk = state->find_chunk(time)) return edit_chunk(table, chunk->range.start);
  // Users count chunks by their names: system tables, which keep their only one, take none of the numbers.
  const std::uint32_t number =
      table < kFirstUserTable ? kSystemChunkNumbers | table : edit().next_chunk_number++;
  return new_chunk(table, chunk_range(*state, time), number);
}

ChunkState& StateBuilder::new_chunk(TableId table, const TimeRange& range, std::uint32_t number) {
  auto made = std::make_shared<ChunkState>();
  made->range = range;
  made->number = made->label = number;
  made->created_us = time_us_;
  edit_table(table).chunks[range.start] = made;
  chunks_[{table, range.start}] = made;
  return *made;
}

void StateBuilder::skip_chunks_to(std::uint32_t number) {
  if (number > next_chunk()) edit().next_chunk_number = number;
}

void StateBuilder::make_chunk(TableId table, const MadeChunk& made) {
  // A number of its own also in a system table: the old chunk may still be looked at by its.
  ChunkState& chunk = new_chunk(table, made.range, edit().next_chunk_number++);
  chunk.label = made.label;
  if (made.created_us != kUnknownTime) chunk.created_us = made.created_us;
}

StateBuilder::Appended StateBuilder::append(TableId table, std::int64_t time, const OpenChunk::Rows& rows,
                                            CommitSeq seq, std::vector<RowNumber>* suspects) {
  const auto* state = find(table);
  const ChunkState* chunk = state->find_chunk(time);
  const bool fits = chunk != nullptr && chunk->has_active &&
                    chunk->open.back()->shared_schema() == state->schema &&
                    chunk->open.back()->layout().columns == state->layout.columns;
  if (!fits) {
    ChunkState& edited = chunk_for(table, time);
    state = find(table);
    edited.open.push_back(std::make_shared<OpenChunk>(state->schema, state->layout));
    edited.has_active = true;
    chunk = &edited;
  }
  OpenChunk& open = *chunk->open.back();
  const auto bytes_before = static_cast<std::int64_t>(open.memory_bytes());
  const ChunkLayers older(chunk, chunk->open.size() - 1, kCommittedLayers);
  const RowNumber first = open.append(rows, seq, older, suspects);
  if (!state->schema->temporary)
    grown_bytes_ += static_cast<std::int64_t>(open.memory_bytes()) - bytes_before;
  return {&open, first};
}

void StateBuilder::add_segment(TableId table, std::shared_ptr<SealedSegment> sealed) {
  const bool has_time = find(table)->schema->time_column.has_value();
  ChunkState& chunk = chunk_for(table, has_time ? sealed->segment().time_range().start : 0);
  // Open layers know what was below them when they began: later rows go above the segment.
  chunk.has_late_segment = !chunk.open.empty();
  chunk.has_active = false;
  chunk.segments.push_back(std::move(sealed));
}

void StateBuilder::adopt(TableId table, std::int64_t time, std::shared_ptr<OpenChunk> rows, CommitSeq seq) {
  ChunkState& chunk = chunk_for(table, time);
  rows->adopt(seq);
  if (!find(table)->schema->temporary) grown_bytes_ += static_cast<std::int64_t>(rows->memory_bytes());
  chunk.open.push_back(std::move(rows));
  chunk.has_active = true;
}

}  // namespace tickstone::storage
