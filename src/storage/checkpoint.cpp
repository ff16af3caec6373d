// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "base/thread_name.hpp"
#include "storage/compactor.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

/// How long an asynchronous commit may stay undurable.
constexpr std::chrono::milliseconds kSyncInterval{150};
/// The longest that one commit is held up while there is still room.
constexpr double kMaxDelayUs = 100'000;
/// Commits are slowed from this many segments that may hold one key on, the most at twice as many.
constexpr std::size_t kSlowDepth = 20;

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
  set_thread_name("checkpoint");
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    changed_.wait_for(lock, kSyncInterval,
                      [&] { return is_stopping_ || is_requested_ || is_reclaim_requested_; });
    if (is_stopping_) return;
    const bool is_reclaim_requested = std::exchange(is_reclaim_requested_, false);
    const std::int64_t oldest_ns = oldest_open_ns_.load(std::memory_order_relaxed);
    const bool is_old = oldest_ns != 0 && core_.options.clock->monotonic_ns() - oldest_ns >
                                              core_.options.checkpoint_age_us * 1000;
    const bool is_requested = std::exchange(is_requested_, false) || is_old;
    lock.unlock();
    try {
      if (is_requested) {
        run();
      } else if (core_.log->has_unsynced()) {
        core_.log->sync();
      }
      core_.log->mark_when_idle();
      warn_of_long_reader();
      if (is_reclaim_requested) reclaim();
    } catch (const std::exception& error) {
      // Boundary: a background thread. The error is kept for whoever waits for room; the log refuses writes
      // itself.
      log_warning("checkpoint failed: {}", error.what());
      if (is_old) oldest_open_ns_.store(core_.options.clock->monotonic_ns(), std::memory_order_relaxed);
    }
    lock.lock();
  }
}

void Checkpointer::warn_of_long_reader() const {
  constexpr std::int64_t kLongNs = 600 * 1'000'000'000LL;
  if (!core_.readers->take_long_reader(kLongNs, core_.snapshot().seq)) return;
  log_warning(
      "a query or transaction has been reading for 10 minutes: what was replaced since it began keeps its "
      "space "
      "on disk until it ends; pg_stat_activity says whose it is (backend_xmin, xact_start)");
}

void Checkpointer::request() {
  const std::lock_guard lock(mutex_);
  is_requested_ = true;
  changed_.notify_all();
}

void Checkpointer::request_reclaim() {
  const std::lock_guard lock(mutex_);
  is_reclaim_requested_ = true;
  changed_.notify_all();
}

void Checkpointer::notice_growth() {
  const auto open_bytes = core_.open_bytes.load(std::memory_order_relaxed);
  if (open_bytes > 0 && oldest_open_ns_.load(std::memory_order_relaxed) == 0) {
    oldest_open_ns_.store(core_.options.clock->monotonic_ns(), std::memory_order_relaxed);
  }
  const bool is_large = open_bytes > static_cast<std::int64_t>(core_.options.open_chunk_budget_bytes / 2) ||
                        core_.log->bytes() > core_.options.checkpoint_log_bytes;
  if (!is_large || is_pending_.exchange(true, std::memory_order_relaxed)) return;
  request();
}

void Checkpointer::wait_for_room(std::size_t bytes) {
  const auto open_bytes = core_.open_bytes.load(std::memory_order_relaxed);
  const auto budget = static_cast<std::int64_t>(core_.options.open_chunk_budget_bytes);
  const bool is_deep = core_.compactor != nullptr && core_.compactor->depth() > kSlowDepth;
  if (open_bytes <= budget - budget / 4 && !is_deep) return;
  const auto started = core_.options.clock->monotonic_ns();
  if (open_bytes > budget) {
    wait_until_below_budget();
  } else {
    slow_down(bytes);
  }
  counters_.stalls.fetch_add(1, std::memory_order_relaxed);
  counters_.stall_us.fetch_add(
      static_cast<std::uint64_t>(core_.options.clock->monotonic_ns() - started) / 1000,
      std::memory_order_relaxed);
}

void Checkpointer::wait_until_below_budget() {
  const auto is_over = [&] {
    return core_.open_bytes.load(std::memory_order_relaxed) >
           static_cast<std::int64_t>(core_.options.open_chunk_budget_bytes);
  };
  std::unique_lock lock(mutex_);
  const std::uint64_t before = finished_;
  is_requested_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return is_stopping_ || finished_ > before || !is_over(); });
  if (is_over() && last_error_ != nullptr) std::rethrow_exception(last_error_);
}

/// The fuller, the longer: up to twice the time that sealing as many rows takes.
void Checkpointer::slow_down(std::size_t bytes) {
  const auto budget = static_cast<double>(core_.options.open_chunk_budget_bytes);
  const auto open_bytes = static_cast<double>(core_.open_bytes.load(std::memory_order_relaxed));
  double fullness = std::clamp((open_bytes - 0.75 * budget) / (0.25 * budget), 0.0, 1.0);
  if (core_.compactor != nullptr) {
    const auto depth = static_cast<double>(core_.compactor->depth());
    fullness = std::max(fullness, std::clamp(depth / kSlowDepth - 1.0, 0.0, 1.0));
  }
  const double rate = seal_bytes_per_us_.load(std::memory_order_relaxed);
  const double delay_us = std::min(kMaxDelayUs, 2.0 * fullness * static_cast<double>(bytes) / rate);
  if (delay_us < 1.0) return;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double, std::micro>(delay_us), [&] { return is_stopping_; });
}

void Checkpointer::run(bool is_last) {
  const std::lock_guard one_at_a_time(run_mutex_);
  std::exception_ptr error;
  try {
    run_checked(is_last);
  } catch (...) {
    // Boundary: kept for those who wait, and rethrown below.
    error = std::current_exception();
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

PinnedStore Checkpointer::pin() {
  // No checkpoint lets go of log files meanwhile, and no edit of the manifest of segments.
  const std::lock_guard one_at_a_time(run_mutex_);
  const std::lock_guard lock(manifest_.mutex());
  PinnedStore pinned;
  pinned.manifest = manifest_.current();
  for (const auto& table : pinned.manifest.tables) {
    for (const auto& chunk : table.chunks) {
      for (const auto& named : chunk.segments)
        pinned.segments[named.number] = manifest_.segment(named.number);
    }
  }
  {
    const std::lock_guard commits(core_.commit_mutex);
    pinned.next_log_file = core_.log->rotate();
    for (auto& sealed : manifest_.logged()) pinned.segments[sealed->number()] = std::move(sealed);
    pinned.seq = core_.snapshot().seq;
  }
  core_.log->sync();
  for (auto number = pinned.manifest.first_log_file; number < pinned.next_log_file; ++number) {
    pinned.log_files.emplace_back(
        number, core_.files.open(core_.log_directory() / log_file_name(number), FileSystem::Mode::Read));
  }
  return pinned;
}

void Checkpointer::run_checked(bool is_last) {
  const auto started = core_.options.clock->monotonic_ns();
  EndsTracker tracker;
  std::vector<ReplacedLayers> replaced;
  std::size_t sealed_bytes = 0;
  try {
    // So that little is left to do while commits wait.
    core_.log->prepare_next();
    core_.log->sync();
    const Frozen frozen = freeze(tracker);
    BuildLimits limits;
    limits.segment_rows = core_.options.segment_rows;
    for (const auto& [id, table] : frozen.state->tables) {
      if (table->schema->temporary) continue;
      for (const auto& [start, chunk] : table->chunks) {
        if (chunk->open.empty()) continue;
        ReplacedLayers replacement;
        replacement.table = id;
        replacement.start = start;
        replacement.chunk = chunk->number;
        for (const auto& open : chunk->open) {
          replacement.inputs.push_back({open, nullptr, nullptr, {}, {}});
          sealed_bytes += open->memory_bytes();
        }
        build_segments(core_, *table, frozen.seq, limits, replacement);
        counters_.written_bytes.fetch_add(replacement.written_bytes, std::memory_order_relaxed);
        replaced.push_back(std::move(replacement));
      }
    }
    {
      const std::lock_guard lock(manifest_.mutex());
      std::vector<std::shared_ptr<SealedSegment>> made;
      auto manifest = describe(frozen, replaced, is_last, made);
      manifest_.write(std::move(manifest), made);
      manifest_.forget_logged();
      publish(tracker, replaced);
    }
    core_.log->remove_before(frozen.first_log_file);
  } catch (...) {
    const std::lock_guard lock(core_.commit_mutex);
    std::erase(core_.ends_trackers, &tracker);
    throw;
  }
  counters_.checkpoints.fetch_add(1, std::memory_order_relaxed);
  const auto elapsed_us = static_cast<double>(core_.options.clock->monotonic_ns() - started) / 1000.0;
  if (sealed_bytes > 1 << 20 && elapsed_us > 0) {
    seal_bytes_per_us_.store(static_cast<double>(sealed_bytes) / elapsed_us, std::memory_order_relaxed);
  }
  if (is_last || core_.compactor == nullptr) return;
  for (const auto& replacement : replaced) core_.compactor->note_growth(replacement.chunk);
  core_.compactor->wake();
  // What was dropped while the rows were written is in the manifest once more.
  reclaim();
}

Checkpointer::Frozen Checkpointer::freeze(EndsTracker& tracker) {
  const std::lock_guard lock(core_.commit_mutex);
  Frozen frozen;
  // Everything before the new file will be in the manifest, but for rows of transactions that have not
  // committed.
  const std::uint64_t file = core_.log->rotate();
  const Snapshot snapshot = core_.snapshot();
  StateBuilder builder(snapshot.state);
  for (const auto& [id, table] : snapshot.state->tables) {
    if (table->schema->temporary) continue;
    for (const auto& [start, chunk] : table->chunks) {
      if (chunk->has_active) builder.edit_chunk(id, start).has_active = false;
      for (const auto& open : chunk->open) tracker.watch(open.get());
    }
  }
  frozen.seq = snapshot.seq;
  frozen.state = builder.finish();
  frozen.first_log_file = core_.first_used_log_file(file);
  frozen.next_chunk = frozen.state->next_chunk_number;
  core_.publish({snapshot.seq, frozen.state});
  core_.ends_trackers.push_back(&tracker);
  oldest_open_ns_.store(0, std::memory_order_relaxed);
  return frozen;
}

Manifest Checkpointer::describe(const Frozen& frozen, const std::vector<ReplacedLayers>& replaced,
                                bool is_last, std::vector<std::shared_ptr<SealedSegment>>& made) {
  std::unordered_map<std::uint32_t, const ReplacedLayers*> by_chunk;
  for (const auto& replacement : replaced) by_chunk[replacement.chunk] = &replacement;
  Manifest manifest;
  manifest.seq = frozen.seq;
  manifest.first_log_file = frozen.first_log_file;
  manifest.next_chunk = frozen.next_chunk;
  manifest.sequences = core_.sequences.records(is_last);
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
      described.label = chunk->label;
      described.range = chunk->range;
      described.created_us = chunk->created_us;
      // What compaction or a drop has made of it meanwhile.
      if (const auto* before = manifest_.find_chunk(chunk->number)) {
        for (const auto& named : before->segments) {
          const auto& sealed = *manifest_.segment(named.number);
          described.segments.push_back(describe_segment(sealed));
          described.segments.back().ended_rows = sealed.ended_rows(frozen.seq);
        }
      }
      for (const auto& sealed : chunk->segments) {
        if (!sealed->is_logged_only()) continue;
        described.segments.push_back(describe_segment(*sealed));
        described.segments.back().ended_rows = sealed->ended_rows(frozen.seq);
        made.push_back(sealed);
      }
      const auto found = by_chunk.find(chunk->number);
      if (found != by_chunk.end()) {
        for (const auto& [sealed, first_row] : found->second->made) {
          described.segments.push_back(describe_segment(*sealed));
          made.push_back(sealed);
        }
      }
      entry.chunks.push_back(std::move(described));
    }
    manifest.tables.push_back(std::move(entry));
  }
  return manifest;
}

void Checkpointer::publish(EndsTracker& tracker, const std::vector<ReplacedLayers>& replaced) {
  const std::lock_guard lock(core_.commit_mutex);
  end_moved_rows(tracker, replaced);
  std::erase(core_.ends_trackers, &tracker);
  const Snapshot snapshot = core_.snapshot();
  StateBuilder builder(snapshot.state);
  install(replaced, builder);
  const auto state = builder.finish();
  core_.open_bytes.store(open_bytes_of(*state), std::memory_order_relaxed);
  core_.publish({snapshot.seq, state});
}

void Checkpointer::reclaim() {
  const std::lock_guard lock(manifest_.mutex());
  const Snapshot snapshot = core_.snapshot();
  // What only the log names goes when the log does.
  if (manifest_.has_dropped_logged(*snapshot.state)) request();
  // The log decides what was dropped; it has to be there before the segments are not.
  core_.log->sync();
  const std::size_t segments = manifest_.forget_dropped(*snapshot.state);
  counters_.reclaimed_segments.fetch_add(segments, std::memory_order_relaxed);
}

}  // namespace tickstone::storage
