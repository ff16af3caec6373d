// SPDX-License-Identifier: Apache-2.0
#include "storage/store.hpp"

#include <system_error>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/backup.hpp"
#include "storage/block_cache.hpp"
#include "storage/checkpoint.hpp"
#include "storage/chunk_settling.hpp"
#include "storage/compactor.hpp"
#include "storage/directory_lock.hpp"
#include "storage/recovery.hpp"
#include "storage/sequence_state.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

/// Table ids are given out as numbers of this sequence.
constexpr TableId kTableIdSequence = 0;

class OpenStore final : public Store, public ChunkSettling {
 public:
  OpenStore(const std::filesystem::path& directory, const StoreOptions& options) : core_(directory, options) {
    if (options.files == nullptr)
      lock_.emplace(directory, options.read_only ? DirectoryLockMode::Shared : DirectoryLockMode::Exclusive);
    if (!options.read_only) refuse_backup(core_.files, directory);
    recover(core_);
    if (core_.log == nullptr) return;
    core_.start_background();
    core_.checkpointer->notice_growth();
  }

  ~OpenStore() override {
    if (core_.checkpointer == nullptr) return;
    core_.stop_background();
    if (core_.log->has_failed()) return;
    try {
      core_.checkpointer->run(/*is_last=*/true);
    } catch (const std::exception&) {
      // Boundary: a destructor. The log has everything; it is synced for commits that were not.
      try {
        core_.log->sync();
      } catch (const Error&) {
      }
    }
  }

  std::unique_ptr<Transaction> begin() override { return std::make_unique<StoreTransaction>(core_); }
  std::shared_ptr<const ReadView> read_view() const override {
    return std::make_shared<SnapshotView>(core_.snapshot(), nullptr, core_.readers);
  }

  TableId next_table_id() override {
    const SequenceRule rule{kFirstUserTable, 1, kFirstUserTable, UINT32_MAX - 1, false};
    const auto id = core_.sequences.next_value(kTableIdSequence, rule, writer());
    if (!id) throw Error(ErrorCode::ProgramLimitExceeded, "the store has given out all its table numbers");
    return static_cast<TableId>(*id);
  }
  std::optional<std::int64_t> next_sequence_value(TableId sequence, const SequenceRule& rule) override {
    return core_.sequences.next_value(sequence, rule, writer());
  }
  void set_sequence(TableId sequence, std::int64_t next, std::optional<std::int64_t> last) override {
    core_.sequences.set(sequence, next, last, writer());
  }
  std::vector<LockInfo> locks() const override { return core_.locks.locks(); }
  std::optional<std::int64_t> last_sequence_value(TableId sequence) const override {
    return core_.sequences.last_value(sequence);
  }
  std::optional<SequenceState> sequence_state(TableId sequence) const {
    for (const SequenceRecord& record : core_.sequences.records(/*exactly=*/true)) {
      if (record.sequence == sequence) return SequenceState{record.next, record.has_last};
    }
    return std::nullopt;
  }
  void drop_sequence(TableId sequence) override { core_.sequences.drop(sequence, writer()); }

  void checkpoint() override {
    check_writable();
    core_.checkpointer->run();
  }
  void compact() override {
    check_writable();
    core_.compactor->run_all();
  }
  void settle_chunk(TableId table, std::uint32_t chunk) override {
    check_writable();
    const auto snapshot = core_.snapshot();
    const auto* state = snapshot.state->find(table);
    if (state == nullptr) return;
    for (const auto& [start, found] : state->chunks) {
      if (found->label != chunk) continue;
      // Segments that only the log names are merged once a manifest does.
      if (!found->open.empty() || found->segments.size() > 1) core_.checkpointer->run();
      core_.compactor->settle(table, start, found->number);
      return;
    }
  }

  BackupReport backup(const std::filesystem::path& target, const BackupOptions& backup_options) override {
    const std::unique_lock one_at_a_time(backup_mutex_, std::try_to_lock);
    if (!one_at_a_time.owns_lock()) throw Error(ErrorCode::ObjectInUse, "a backup is running already");
    checkpoint();
    return write_backup(core_.files, core_.directory, core_.checkpointer->pin(), target, backup_options);
  }

  StoreStatistics statistics() const override {
    StoreStatistics statistics;
    if (core_.log != nullptr) {
      statistics.log_bytes = core_.log->bytes();
      statistics.log_syncs = core_.log->sync_count();
      statistics.has_failed = core_.log->has_failed();
      statistics.bytes_written_log = core_.log->written_bytes();
    }
    if (core_.checkpointer != nullptr) {
      const auto& counters = core_.checkpointer->counters();
      statistics.checkpoints = counters.checkpoints.load(std::memory_order_relaxed);
      statistics.bytes_written_checkpoints = counters.written_bytes.load(std::memory_order_relaxed);
      statistics.segments_reclaimed = counters.reclaimed_segments.load(std::memory_order_relaxed);
      statistics.write_stalls = counters.stalls.load(std::memory_order_relaxed);
      statistics.write_stall_us = counters.stall_us.load(std::memory_order_relaxed);
      statistics.compactions = core_.compactor->compaction_count();
      statistics.compaction_failures = core_.compactor->failure_count();
      statistics.compaction_backlog_bytes = core_.compactor->backlog_bytes();
      statistics.compaction_depth = core_.compactor->depth();
      statistics.bytes_written_compactions = core_.compactor->written_bytes();
      statistics.bytes_written_transactions = core_.early_segment_bytes.load(std::memory_order_relaxed);
      statistics.bytes_written_segments = statistics.bytes_written_checkpoints +
                                          statistics.bytes_written_transactions +
                                          statistics.bytes_written_compactions;
    }
    statistics.commits = core_.commit_count.load(std::memory_order_relaxed);
    statistics.readers = core_.readers->size();
    if (const auto oldest = core_.readers->oldest()) {
      statistics.oldest_reader_commit = oldest->seq;
      statistics.oldest_reader_age_us = (core_.options.clock->monotonic_ns() - oldest->since_ns) / 1000;
    }
    statistics.block_cache_bytes = cached_bytes(*core_.block_cache);
    const auto cached = core_.block_cache->counts();
    statistics.cache_hits = cached.hits;
    statistics.cache_misses = cached.misses;
    statistics.cache_hit_bytes = cached.hit_bytes;
    statistics.cache_read_bytes = cached.read_bytes;
    statistics.commit_syncs = core_.commits.sync_durations();
    statistics.commit_groups = core_.commits.group_sizes();
    const Snapshot snapshot = core_.snapshot();
    statistics.last_commit = snapshot.seq;
    for (const auto& [id, table] : snapshot.state->tables) {
      for (const auto& [start, chunk] : table->chunks) {
        for (const auto& open : chunk->open) statistics.open_chunk_bytes += open->memory_bytes();
        for (const auto& sealed : chunk->segments) {
          ++statistics.segment_files;
          statistics.segment_bytes += sealed->segment().size_bytes();
        }
      }
    }
    return statistics;
  }

  std::vector<SegmentInfo> segments() const override {
    const Snapshot snapshot = core_.snapshot();
    std::vector<SegmentInfo> infos;
    for (const auto& [id, table] : snapshot.state->tables) {
      for (const auto& [start, chunk] : table->chunks) {
        for (const auto& sealed : chunk->segments) {
          SegmentInfo& info = infos.emplace_back();
          info.table = id;
          info.chunk = chunk->label;
          info.number = sealed->number();
          info.level = sealed->level();
          info.rows = sealed->segment().row_count();
          info.ended_rows = sealed->ended_count();
          info.size_bytes = sealed->segment().size_bytes();
          info.row_groups = sealed->segment().row_groups().size();
        }
      }
    }
    return infos;
  }

  std::uint64_t directory_bytes() const override {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(core_.directory, error)) {
      std::error_code ignored;  // files come and go meanwhile
      const auto size = entry.is_regular_file(ignored) ? entry.file_size(ignored) : 0;
      if (!ignored) bytes += size;
    }
    return bytes;
  }

 private:
  void check_writable() const {
    if (core_.log == nullptr) {
      throw Error(ErrorCode::ReadOnlySqlTransaction, "cannot write: the database was opened read-only");
    }
  }
  Sequences::Write writer() {
    check_writable();
    return [this](const SequenceRecord& record) {
      ByteWriter body;
      put_sequence(record, body);
      core_.log->append(LogRecordKind::Sequence, 0, body.bytes());
      core_.log->sync();
    };
  }

  std::optional<DirectoryLock> lock_;
  StoreCore core_;
  std::mutex backup_mutex_;
};

}  // namespace

StoreCore::StoreCore(std::filesystem::path path, const StoreOptions& store_options)
    : directory(std::move(path)),
      options(store_options),
      files(options.files == nullptr ? posix_file_system() : *options.files),
      block_cache(make_block_cache(options.block_cache_bytes)),
      readers(std::make_shared<ReaderRegistry>(*options.clock)),
      commits(*this) {}

StoreCore::~StoreCore() = default;

std::uint32_t StoreCore::reserve_chunk_number() {
  const std::lock_guard lock(commit_mutex);
  const Snapshot before = snapshot();
  StateBuilder builder(before.state);
  const std::uint32_t number = builder.next_chunk();
  builder.skip_chunks_to(number + 1);
  publish({before.seq, builder.finish()});
  return number;
}

void StoreCore::set_manifest(Manifest manifest, std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named,
                             std::vector<std::shared_ptr<SealedSegment>> logged) {
  logged_at_start_ = std::move(logged);
  manifest_at_start_ = std::move(manifest);
  named_at_start_ = std::move(named);
}

void StoreCore::start_background() {
  checkpointer = std::make_unique<Checkpointer>(*this);
  checkpointer->manifest().start(std::move(manifest_at_start_), std::move(named_at_start_));
  for (auto& sealed : logged_at_start_) checkpointer->manifest().note_logged(std::move(sealed));
  logged_at_start_.clear();
  compactor = std::make_unique<Compactor>(*this, checkpointer->manifest());
  checkpointer->start();
  compactor->start();
}

void StoreCore::stop_background() {
  compactor->stop();
  checkpointer->stop();
}

void StoreCore::wait_for_room(std::size_t bytes) {
  if (checkpointer != nullptr) checkpointer->wait_for_room(bytes);
}

void StoreCore::note_ends(const std::vector<RowPlace>& ends, CommitSeq seq) {
  for (EndsTracker* tracker : ends_trackers) {
    for (const auto& place : ends) tracker->note(place, seq);
  }
}

void StoreCore::note_log_use(std::uint64_t transaction, std::uint64_t file) {
  const std::lock_guard lock(log_use_mutex_);
  log_use_[transaction] = file;
}

void StoreCore::forget_log_use(std::uint64_t transaction) {
  const std::lock_guard lock(log_use_mutex_);
  log_use_.erase(transaction);
}

std::uint64_t StoreCore::first_used_log_file(std::uint64_t otherwise) const {
  const std::lock_guard lock(log_use_mutex_);
  for (const auto& [transaction, file] : log_use_) otherwise = std::min(otherwise, file);
  return otherwise;
}

ChunkSettling& ChunkSettling::of(Store& store) { return dynamic_cast<ChunkSettling&>(store); }

std::unique_ptr<Store> Store::open(const std::filesystem::path& directory, const StoreOptions& options) {
  if (options.files != nullptr) return std::make_unique<OpenStore>(directory, options);
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    if (options.read_only || !options.create_if_missing) {
      throw Error(ErrorCode::UndefinedFile,
                  fmt::format("data directory \"{}\" does not exist", directory.string()));
    }
    std::filesystem::create_directories(directory, error);
    if (error) {
      throw Error(ErrorCode::IoError,
                  fmt::format("could not create directory \"{}\": {}", directory.string(), error.message()));
    }
  }
  return std::make_unique<OpenStore>(directory, options);
}

std::optional<SequenceState> sequence_state(const Store& store, TableId sequence) {
  const auto* open = dynamic_cast<const OpenStore*>(&store);
  return open == nullptr ? std::nullopt : open->sequence_state(sequence);
}

}  // namespace tickstone::storage
