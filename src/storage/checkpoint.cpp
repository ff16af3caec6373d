// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

/// How long an asynchronous commit may stay undurable.
constexpr std::chrono::milliseconds kSyncInterval{150};
/// More segments in a chunk than this are merged.
constexpr std::size_t kMaxSegments = 4;
/// A segment with a larger part of its rows ended is written anew.
constexpr std::uint64_t kMaxEndedFraction = 5;  // one in so many

std::int64_t open_bytes_of(const StoreState& state) {
  std::size_t bytes = 0;
  for (const auto& [id, table] : state.tables) {
    if (table->schema->temporary) continue;
    for (const auto& [start, chunk] : table->chunks) {
      for (const auto& open : chunk->open) bytes += open->memory_bytes();
    }
  }
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::start() {
  thread_ = std::thread([this] { work(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::work() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    changed_.wait_for(lock, kSyncInterval, [&] { return is_stopping_ || is_requested_; });
    if (is_stopping_) return;
    const bool is_requested = std::exchange(is_requested_, false);
    lock.unlock();
    try {
      if (is_requested) {
        run();
      } else if (core_.log->has_unsynced()) {
        core_.log->sync();
      }
    } catch (const std::exception&) {
      // Boundary: a background thread. The error is kept for whoever waits for room; the log refuses writes
      // itself.
    }
    lock.lock();
  }
}

void Checkpointer::request() {
  const std::lock_guard lock(mutex_);
  is_requested_ = true;
  changed_.notify_all();
}

void Checkpointer::notice_growth() {
  const auto open_bytes = core_.open_bytes.load(std::memory_order_relaxed);
  const bool is_large = open_bytes > static_cast<std::int64_t>(core_.options.open_chunk_budget_bytes / 2) ||
                        core_.log->bytes() > core_.options.checkpoint_log_bytes;
  if (!is_large || is_pending_.exchange(true, std::memory_order_relaxed)) return;
  request();
}

void Checkpointer::wait_for_room() {
  const auto is_over = [&] {
    return core_.open_bytes.load(std::memory_order_relaxed) >
           static_cast<std::int64_t>(core_.options.open_chunk_budget_bytes);
  };
  if (!is_over()) return;
  std::unique_lock lock(mutex_);
  const std::uint64_t before = finished_;
  is_requested_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return is_stopping_ || finished_ > before || !is_over(); });
  if (is_over() && last_error_ != nullptr) std::rethrow_exception(last_error_);
}

void Checkpointer::note_ends(const std::vector<RowPlace>& ends, CommitSeq seq) {
  if (!is_tracking_) return;
  for (const auto& place : ends) late_ends_.emplace_back(place, seq);
}

void Checkpointer::run(bool is_last) {
  const std::lock_guard one_at_a_time(run_mutex_);
  std::exception_ptr error;
  try {
    run_checked(is_last);
  } catch (...) {
    // Boundary: kept for those who wait, and rethrown below.
    error = std::current_exception();
    const std::lock_guard lock(core_.commit_mutex);
    is_tracking_ = false;
    late_ends_.clear();
  }
  is_pending_.store(false, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    last_error_ = error;
    ++finished_;
    changed_.notify_all();
  }
  if (error != nullptr) std::rethrow_exception(error);
}

void Checkpointer::run_checked(bool is_last) {
  const Frozen frozen = freeze();
  std::vector<Replaced> replaced;
  for (const auto& [id, table] : frozen.state->tables) {
    if (table->schema->temporary) continue;
    for (const auto& [start, chunk] : table->chunks) replace_layers(*table, *chunk, frozen.seq, replaced);
  }
  const Manifest manifest = describe(frozen, replaced, is_last);
  write_manifest(core_.files, core_.directory, manifest, [&] {
    for (const auto& replacement : replaced) {
      if (replacement.made == nullptr) continue;
      replacement.made->adopt();
      named_[replacement.made->number()] = replacement.made;
    }
  });
  publish(replaced);
  keep_named(manifest);
  core_.log->remove_before(frozen.first_log_file);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);
}

Checkpointer::Frozen Checkpointer::freeze() {
  const std::lock_guard lock(core_.commit_mutex);
  Frozen frozen;
  const std::uint64_t file = core_.log->rotate();
  // Everything before the new file is in the manifest to come, but for rows of transactions that have not
  // committed.
  core_.log->sync();
  const Snapshot snapshot = core_.snapshot();
  StateBuilder builder(snapshot.state);
  for (const auto& [id, table] : snapshot.state->tables) {
    if (table->schema->temporary) continue;
    for (const auto& [start, chunk] : table->chunks) {
      if (chunk->has_active) builder.edit_chunk(id, start).has_active = false;
    }
  }
  frozen.seq = snapshot.seq;
  frozen.state = builder.finish();
  frozen.first_log_file = core_.first_used_log_file(file);
  frozen.next_chunk = frozen.state->next_chunk_number;
  core_.publish({snapshot.seq, frozen.state});
  is_tracking_ = true;
  late_ends_.clear();
  return frozen;
}

/// The layers of a chunk to write anew: all that are open, segments with many ended rows, and small ones when
/// there are too many.
std::vector<MergeInput> Checkpointer::choose_inputs(const ChunkState& chunk, CommitSeq seq) const {
  std::vector<MergeInput> inputs;
  std::uint64_t rows = 0;
  for (const auto& open : chunk.open) {
    inputs.push_back({open, nullptr, {}});
    rows += open->visible_row_count(seq);
  }
  std::vector<std::pair<std::uint64_t, std::shared_ptr<SealedSegment>>> kept;
  for (const auto& sealed : chunk.segments) {
    const std::uint64_t visible = sealed->visible_row_count(seq);
    if ((sealed->segment().row_count() - visible) * kMaxEndedFraction > sealed->segment().row_count()) {
      inputs.push_back({nullptr, sealed, {}});
      rows += visible;
    } else {
      kept.emplace_back(visible, sealed);
    }
  }
  if (inputs.empty() && kept.size() <= kMaxSegments) return inputs;
  if (kept.size() + 1 <= kMaxSegments) return inputs;
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t taken = 0;
  while (taken < kept.size() &&
         (kept[taken].first <= 2 * rows || taken < 2 || kept.size() - taken + 1 > 2 * kMaxSegments)) {
    rows += kept[taken].first;
    inputs.push_back({nullptr, kept[taken].second, {}});
    ++taken;
  }
  return inputs;
}

void Checkpointer::replace_layers(const TableState& table, const ChunkState& chunk, CommitSeq seq,
                                  std::vector<Replaced>& replaced) {
  Replaced replacement;
  replacement.table = table.schema->id;
  replacement.start = chunk.range.start;
  replacement.chunk = chunk.number;
  replacement.inputs = choose_inputs(chunk, seq);
  if (replacement.inputs.empty()) return;
  std::uint64_t expected = 0;
  for (const auto& input : replacement.inputs) {
    expected +=
        input.open != nullptr ? input.open->visible_row_count(seq) : input.sealed->visible_row_count(seq);
  }
  if (expected > UINT32_MAX - 1) {
    throw Error(ErrorCode::ProgramLimitExceeded,
                fmt::format("a chunk of table \"{}\" exceeds 4 billion rows", table.schema->name));
  }
  if (expected > 0) {
    const std::uint64_t number = core_.next_segment_number();
    const auto path = core_.segment_path(number);
    const auto writer = SegmentWriter::create(core_.files, path, *table.schema, core_.options.row_group_rows);
    CommitSeq newest = 0;
    const std::uint64_t written = merge_rows(table, seq, replacement.inputs, *writer, newest);
    if (written != expected) {
      throw Error(ErrorCode::InternalError, fmt::format("segment file \"{}\" has {} rows instead of {}",
                                                        path.string(), written, expected));
    }
    const std::uint64_t bytes = writer->finish();
    replacement.made = std::make_shared<SealedSegment>(
        number, Segment::open(core_.files, path, core_.block_cache), newest, core_.files, path);
    // Until the manifest names it the file goes with the object.
    replacement.made->disown();
    if (replacement.made->segment().row_count() != expected) {
      throw Error(ErrorCode::DataCorrupted,
                  fmt::format("segment file \"{}\" does not have the rows that were written", path.string()));
    }
    written_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const bool is_compaction = std::any_of(replacement.inputs.begin(), replacement.inputs.end(),
                                           [](const MergeInput& input) { return input.sealed != nullptr; });
    if (is_compaction) compactions_.fetch_add(1, std::memory_order_relaxed);
  } else {
    for (auto& input : replacement.inputs) {
      input.moved_to.assign(
          input.open != nullptr ? input.open->row_count() : input.sealed->segment().row_count(), kNoRow);
    }
  }
  replaced.push_back(std::move(replacement));
}

Manifest Checkpointer::describe(const Frozen& frozen, const std::vector<Replaced>& replaced,
                                bool is_last) const {
  std::unordered_map<std::uint32_t, const Replaced*> by_chunk;
  for (const auto& replacement : replaced) by_chunk[replacement.chunk] = &replacement;
  Manifest manifest;
  manifest.seq = frozen.seq;
  manifest.first_log_file = frozen.first_log_file;
  manifest.next_segment = core_.segment_number_after_all();
  manifest.next_chunk = frozen.next_chunk;
  manifest.sequences = core_.sequences.records(is_last);
  auto describe_segment = [&](const SealedSegment& sealed, CommitSeq seq) {
    ManifestSegment segment;
    segment.number = sealed.number();
    segment.newest = sealed.newest_created();
    segment.row_count = sealed.segment().row_count();
    segment.size_bytes = sealed.segment().size_bytes();
    if (seq > 0) segment.ended_rows = sealed.ended_rows(seq);
    return segment;
  };
  for (const auto& [id, table] : frozen.state->tables) {
    if (table->schema->temporary) continue;
    ManifestTable entry;
    entry.schema = *table->schema;
    entry.layout = table->layout;
    entry.defaults.assign(table->defaults.begin(), table->defaults.end());
    entry.next_row_id = table->counters->next_row_id.load(std::memory_order_relaxed);
    for (const auto& [start, chunk] : table->chunks) {
      ManifestChunk described;
      described.number = chunk->number;
      described.range = chunk->range;
      const auto found = by_chunk.find(chunk->number);
      for (const auto& sealed : chunk->segments) {
        const bool is_replaced = found != by_chunk.end() &&
                                 std::any_of(found->second->inputs.begin(), found->second->inputs.end(),
                                             [&](const MergeInput& input) { return input.sealed == sealed; });
        if (!is_replaced) described.segments.push_back(describe_segment(*sealed, frozen.seq));
      }
      if (found != by_chunk.end() && found->second->made != nullptr) {
        described.segments.push_back(describe_segment(*found->second->made, 0));
      }
      entry.chunks.push_back(std::move(described));
    }
    manifest.tables.push_back(std::move(entry));
  }
  return manifest;
}

void Checkpointer::publish(const std::vector<Replaced>& replaced) {
  const std::lock_guard lock(core_.commit_mutex);
  // Rows that ended while they were copied have ended in the copy too.
  std::unordered_map<const void*, std::pair<const MergeInput*, SealedSegment*>> moved;
  for (const auto& replacement : replaced) {
    for (const auto& input : replacement.inputs) {
      const void* layer =
          input.open != nullptr ? static_cast<const void*>(input.open.get()) : input.sealed.get();
      moved[layer] = {&input, replacement.made.get()};
    }
  }
  for (const auto& [place, seq] : late_ends_) {
    const auto found =
        moved.find(place.open != nullptr ? static_cast<const void*>(place.open) : place.sealed);
    if (found == moved.end()) continue;
    const std::uint32_t row = found->second.first->moved_to[place.row];
    TICKSTONE_CHECK(row != kNoRow);
    found->second.second->set_ended(row, seq);
  }
  is_tracking_ = false;
  late_ends_.clear();

  const Snapshot snapshot = core_.snapshot();
  StateBuilder builder(snapshot.state);
  for (const auto& replacement : replaced) {
    const auto* table = builder.find(replacement.table);
    if (table == nullptr) continue;
    const auto found = table->chunks.find(replacement.start);
    if (found == table->chunks.end() || found->second->number != replacement.chunk) continue;
    ChunkState& chunk = builder.edit_chunk(replacement.table, replacement.start);
    for (const auto& input : replacement.inputs) {
      std::erase(chunk.open, input.open);
      std::erase(chunk.segments, input.sealed);
    }
    if (replacement.made != nullptr) chunk.segments.push_back(replacement.made);
    if (chunk.open.empty()) chunk.has_active = false;
  }
  const auto state = builder.finish();
  core_.open_bytes.store(open_bytes_of(*state), std::memory_order_relaxed);
  core_.publish({snapshot.seq, state});
}

/// Segments that the new manifest does not name go with their last reader.
void Checkpointer::keep_named(const Manifest& manifest) {
  std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named;
  for (const auto& table : manifest.tables) {
    for (const auto& chunk : table.chunks) {
      for (const auto& segment : chunk.segments) named[segment.number] = named_.at(segment.number);
    }
  }
  for (const auto& [number, sealed] : named_) {
    if (!named.contains(number)) sealed->disown();
  }
  named_ = std::move(named);
}

}  // namespace tickstone::storage
