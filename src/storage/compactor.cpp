// SPDX-License-Identifier: Apache-2.0
#include "storage/compactor.hpp"

#include <algorithm>
#include <chrono>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "base/thread_name.hpp"
#include "storage/checkpoint.hpp"
#include "storage/live_manifest.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

/// How often chunks are looked at that may have become quiet.
constexpr std::chrono::seconds kQuietCheck{5};
constexpr std::chrono::seconds kRetryAfterError{10};
/// Small merges share an edit of the manifest up to this.
constexpr std::uint64_t kRoundBytes = 32U << 20;
constexpr std::size_t kRoundJobs = 64;
/// A backlog of so many bytes doubles the pace; of a few times as much lifts the limit.
constexpr std::uint64_t kBacklogStep = 256U << 20;
constexpr std::uint64_t kBacklogSteps = 8;
constexpr std::uint64_t kLoggedBytes = 64U << 20;
/// A quiet chunk with few new rows is merged after so many times the quiet time.
constexpr std::int64_t kLongQuiet = 60;

/// Behind whoever serves queries.
void lower_priority() {
  // Only a hint: where the system refuses, the pace alone has to do.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
}

}  // namespace

Compactor::Compactor(StoreCore& core, LiveManifest& manifest) : core_(core), manifest_(manifest) {
  opened_ns_ = core_.options.clock->monotonic_ns();
}

Compactor::~Compactor() { stop(); }

void Compactor::start() {
  if (!core_.options.background_compaction) return;
  thread_ = std::thread([this] { work(); });
}

void Compactor::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Compactor::wake() {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  changed_.notify_all();
}

void Compactor::note_growth(std::uint32_t chunk) {
  const std::lock_guard lock(mutex_);
  grown_ns_[chunk] = core_.options.clock->monotonic_ns();
}

void Compactor::work() {
  set_thread_name("compaction");
  lower_priority();
  std::unique_lock lock(mutex_);
  std::chrono::seconds wait = kQuietCheck;
  while (!is_stopping_) {
    changed_.wait_for(lock, wait, [&] { return is_stopping_ || (is_woken_ && wait != kRetryAfterError); });
    if (is_stopping_) return;
    is_woken_ = false;
    lock.unlock();
    wait = kQuietCheck;
    try {
      while (run_round(true)) {
      }
    } catch (const Stopped&) {
      return;
    } catch (const std::exception& error) {
      // Boundary: a background thread. Everything is as before; what was written is gone.
      failures_.fetch_add(1, std::memory_order_relaxed);
      log_warning("compaction failed: {}", error.what());
      wait = kRetryAfterError;
    }
    lock.lock();
  }
}

void Compactor::run_all() {
  while (run_round(false)) {
  }
}

ChunkActivity Compactor::activity_of(const TableState& table, const ChunkState& chunk, std::int64_t now_ns) {
  const std::int64_t quiet_ns = core_.options.compaction_quiet_us * 1000;
  std::int64_t grown_ns = opened_ns_;
  {
    const std::lock_guard lock(mutex_);
    const auto found = grown_ns_.find(chunk.number);
    if (found != grown_ns_.end()) grown_ns = found->second;
  }
  const bool is_newest = !table.chunks.empty() && table.chunks.rbegin()->second->number == chunk.number;
  // The newest chunk is about to grow again.
  const std::int64_t least_ns = is_newest ? 10 * quiet_ns : quiet_ns;
  if (now_ns - grown_ns < least_ns) return ChunkActivity::Active;
  return now_ns - grown_ns < kLongQuiet * quiet_ns ? ChunkActivity::Quiet : ChunkActivity::LongQuiet;
}

CompactionRules Compactor::rules() const {
  CompactionRules rules;
  rules.segment_rows = core_.options.segment_rows;
  rules.least_piece_rows = std::min<std::uint64_t>(rules.least_piece_rows, rules.segment_rows / 32 + 1);
  return rules;
}

void Compactor::settle(TableId table, std::int64_t start, std::uint32_t chunk) {
  for (;;) {
    const std::lock_guard one_at_a_time(run_mutex_);
    const Snapshot snapshot = core_.snapshot();
    const auto* state = snapshot.state->find(table);
    if (state == nullptr) return;
    const auto found = state->chunks.find(start);
    if (found == state->chunks.end() || found->second->number != chunk) return;
    const auto& segments = found->second->segments;
    if (segments.empty() || (segments.size() == 1 && segments.front()->ended_count() == 0)) return;
    auto plan = plan_compaction(segments, ChunkActivity::LongQuiet, rules());
    if (!plan.choice) return;
    Job job;
    job.table = table;
    job.start = start;
    job.chunk = chunk;
    job.choice = std::move(*plan.choice);
    for (const auto& input : job.choice.inputs) job.bytes += input->segment().size_bytes();
    std::vector<Job> jobs;
    jobs.push_back(std::move(job));
    if (!run_some(std::move(jobs), false)) return;
  }
}

std::vector<Compactor::Job> Compactor::find_jobs() {
  const CompactionRules rules = this->rules();
  const Snapshot snapshot = core_.snapshot();
  const std::int64_t now_ns = core_.options.clock->monotonic_ns();
  std::vector<Job> jobs;
  std::uint64_t backlog = 0;
  std::size_t depth = 0;
  for (const auto& [id, table] : snapshot.state->tables) {
    if (table->schema->temporary) continue;
    for (const auto& [start, chunk] : table->chunks) {
      if (chunk->segments.empty() || failed_chunks_.contains(chunk->number)) continue;
      if (chunk->segments.size() == 1 && chunk->segments.front()->ended_count() == 0) continue;
      Job job;
      try {
        auto plan = plan_compaction(chunk->segments, activity_of(*table, *chunk, now_ns), rules);
        depth = std::max(depth, plan.depth);
        if (!plan.choice) continue;
        job.depth = plan.depth;
        job.choice = std::move(*plan.choice);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::DataCorrupted) throw;
        failed_chunks_.insert(chunk->number);
        failures_.fetch_add(1, std::memory_order_relaxed);
        log_error("chunk {} of table \"{}\" is not compacted: {}: {}", chunk->number, table->schema->name,
                  error.what(), error.detail());
        continue;
      }
      job.table = id;
      job.start = start;
      job.chunk = chunk->number;
      for (const auto& input : job.choice.inputs) job.bytes += input->segment().size_bytes();
      if (!job.choice.is_promotion) backlog += job.bytes;
      jobs.push_back(std::move(job));
    }
  }
  backlog_bytes_.store(backlog, std::memory_order_relaxed);
  depth_.store(depth, std::memory_order_relaxed);
  std::stable_sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.depth > b.depth; });
  return jobs;
}

bool Compactor::run_round(bool is_paced) {
  const std::lock_guard one_at_a_time(run_mutex_);
  return run_some(find_jobs(), is_paced);
}

/// As many as make one edit of the manifest; false where nothing could be done. Under `run_mutex_`.
bool Compactor::run_some(std::vector<Job> jobs, bool is_paced) {
  std::vector<Job> chosen;
  std::uint64_t bytes = 0;
  bool has_promoted = false;
  {
    const std::lock_guard lock(manifest_.mutex());
    for (auto& job : jobs) {
      if (job.choice.is_promotion) {
        // Kept with the next manifest; until then it is found again after a restart.
        for (const auto& input : job.choice.inputs) input->set_level(job.choice.level);
        has_promoted = true;
        continue;
      }
      // What only the log names must stay until a manifest does.
      const bool is_named = std::all_of(job.choice.inputs.begin(), job.choice.inputs.end(),
                                        [&](const auto& input) { return manifest_.names(input->number()); });
      if (!is_named || chosen.size() >= kRoundJobs || (bytes > 0 && bytes + job.bytes > kRoundBytes))
        continue;
      bytes += job.bytes;
      chosen.push_back(std::move(job));
    }
  }
  if (chosen.empty()) return has_promoted;
  run_jobs(chosen, is_paced);
  return true;
}

void Compactor::run_jobs(const std::vector<Job>& jobs, bool is_paced) {
  const auto started = core_.options.clock->monotonic_ns();
  EndsTracker tracker;
  for (const auto& job : jobs) {
    for (const auto& input : job.choice.inputs) tracker.watch(input.get());
  }
  Snapshot snapshot;
  {
    const std::lock_guard lock(core_.commit_mutex);
    snapshot = core_.snapshot();
    core_.ends_trackers.push_back(&tracker);
  }
  const auto untrack = [&] { std::erase(core_.ends_trackers, &tracker); };
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t rows = 0;
  try {
    std::vector<ReplacedLayers> replaced;
    for (const auto& job : jobs) {
      const auto* table = snapshot.state->find(job.table);
      if (table == nullptr) continue;
      ReplacedLayers replacement;
      replacement.table = job.table;
      replacement.start = job.start;
      replacement.chunk = job.chunk;
      for (const auto& input : job.choice.inputs)
        replacement.inputs.push_back({nullptr, input, nullptr, {}, {}});
      BuildLimits limits;
      limits.segment_rows = core_.options.segment_rows;
      limits.level = job.choice.level;
      std::vector<ColumnView> boundaries;
      for (const auto& column : job.choice.boundaries.columns) boundaries.push_back(column.view());
      if (!boundaries.empty()) limits.boundaries = &boundaries;
      if (is_paced) limits.pace = [this](std::uint64_t bytes) { pace(bytes); };
      try {
        build_segments(core_, *table, snapshot.seq, limits, replacement);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::DataCorrupted || jobs.size() == 1) {
          if (error.code() == ErrorCode::DataCorrupted) failed_chunks_.insert(job.chunk);
          throw;
        }
        // The others need not wait for it.
        failed_chunks_.insert(job.chunk);
        failures_.fetch_add(1, std::memory_order_relaxed);
        log_error("chunk {} of table \"{}\" is not compacted: {}: {}", job.chunk, table->schema->name,
                  error.what(), error.detail());
        continue;
      }
      read_bytes += job.bytes;
      written_bytes += replacement.written_bytes;
      for (const auto& input : replacement.inputs) rows += input.checksum.row_count();
      replaced.push_back(std::move(replacement));
    }
    const std::lock_guard manifest_lock(manifest_.mutex());
    EndsTracker so_far;
    {
      const std::lock_guard lock(core_.commit_mutex);
      so_far = tracker;
    }
    manifest_.replace(replaced, so_far);
    const std::lock_guard lock(core_.commit_mutex);
    end_moved_rows(tracker, replaced);
    untrack();
    const Snapshot now = core_.snapshot();
    StateBuilder builder(now.state);
    install(replaced, builder);
    core_.publish({now.seq, builder.finish()});
    compactions_.fetch_add(replaced.size(), std::memory_order_relaxed);
  } catch (...) {
    const std::lock_guard lock(core_.commit_mutex);
    untrack();
    throw;
  }
  written_bytes_.fetch_add(written_bytes, std::memory_order_relaxed);
  if (read_bytes >= kLoggedBytes) {
    log_info("compacted {} rows of {} chunks: {} bytes to {} in {} ms, backlog {} bytes", rows, jobs.size(),
             read_bytes, written_bytes, (core_.options.clock->monotonic_ns() - started) / 1'000'000,
             backlog_bytes());
  }
}

/// Waits while more was copied than the time that has passed allows.
void Compactor::pace(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (is_stopping_) throw Stopped();
  const std::uint64_t backlog = backlog_bytes();
  if (core_.options.compaction_bytes_per_second == 0 || backlog > kBacklogStep * kBacklogSteps) return;
  const double rate = static_cast<double>(core_.options.compaction_bytes_per_second) *
                      (1.0 + static_cast<double>(backlog) / static_cast<double>(kBacklogStep));
  const std::int64_t now = core_.options.clock->monotonic_ns();
  // What was not used in a quarter of a second is not saved up.
  allowance_bytes_ =
      std::min(allowance_bytes_ + static_cast<double>(now - allowed_ns_) * 1e-9 * rate, rate / 4);
  allowed_ns_ = now;
  allowance_bytes_ -= static_cast<double>(bytes);
  if (allowance_bytes_ >= 0) return;
  changed_.wait_for(lock, std::chrono::duration<double>(-allowance_bytes_ / rate),
                    [&] { return is_stopping_; });
  if (is_stopping_) throw Stopped();
}

}  // namespace tickstone::storage
