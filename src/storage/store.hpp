// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "storage/file_system.hpp"
#include "storage/scan.hpp"
#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

struct BackupOptions;
struct BackupReport;

struct StoreOptions {
  bool create_if_missing = true;
  bool read_only = false;
  std::size_t open_chunk_budget_bytes =
      512ULL << 20;  // a checkpoint starts at half of it, writers wait at the whole
  std::size_t block_cache_bytes = 512ULL << 20;
  std::size_t log_file_bytes = 64ULL << 20;
  std::size_t checkpoint_log_bytes = 1ULL << 30;
  std::int64_t checkpoint_age_us = 15LL * 60 * 1'000'000;  // rows stay in memory no longer
  std::uint32_t row_group_rows = 8192;
  const Clock* clock = &system_clock();
  FileSystem* files = nullptr;  // nullptr: the machine's, where the directory is also locked
  // How much a transaction gathers before it writes its rows to the log, and before they become a layer of
  // their own.
  std::size_t early_log_bytes = 1ULL << 20;
  std::uint64_t adopted_rows = 100'000;
  // Rows of one transaction beyond this go to segments before it commits.
  std::size_t early_segment_bytes = 128ULL << 20;
  // Rows of a chunk beyond this lie in several segments, each with its stretch of keys.
  std::uint64_t segment_rows = 4'000'000;
  bool background_compaction = true;
  std::uint64_t compaction_bytes_per_second = 64ULL << 20;  // with a small backlog; 0: as fast as it can
  std::int64_t compaction_quiet_us =
      60LL * 1'000'000;  // a chunk that took no rows for so long is merged to one segment
};

/// One chunk as the catalog views show it.
struct ChunkInfo {
  TableId table = 0;
  std::uint32_t number = 0;  // unique in the store, never reused; what is rewritten keeps it
  TimeRange range;
  std::int64_t created_us = 0;  // since 1970
  std::uint64_t rows_sealed = 0,
                rows_open = 0;  // counts of versions; exact after a checkpoint without deletes
  std::uint64_t bytes_on_disk = 0, bytes_in_memory = 0;
  std::uint32_t segment_count = 0;
};

/// A consistent view of all tables at one commit, plus, inside a transaction, that transaction's own writes
/// up to the moment it was made. Lifetime: keeps what it sees alive. Threads: any. Cost: a few hundred
/// nanoseconds.
class ReadView {
 public:
  virtual ~ReadView() = default;
  virtual CommitSeq seq() const = 0;
  virtual std::vector<TableId> tables() const = 0;
  /// nullptr where the table does not exist. Lifetime: the view's.
  virtual const TableSchema* schema(TableId table) const = 0;
  /// Counts up whenever the schema or a column's layout changes: what a cached plan must compare.
  virtual std::uint64_t schema_version(TableId table) const = 0;
  /// Current layout of every schema column (a bare NUMERIC may have widened), this view's own writes
  /// included.
  virtual std::vector<ColumnLayout> layouts(TableId table) const = 0;
  virtual std::unique_ptr<TableScan> scan(const ScanRequest& request) const = 0;
  virtual std::vector<ChunkInfo> chunks(TableId table) const = 0;
  /// Exact number of rows. Cost: metadata only where nothing overlaps, else a scan of key columns.
  virtual std::uint64_t row_count(TableId table) const = 0;

  /// The rows with the given keys (columns as `key_columns`): `rows` has the found ones with all schema
  /// columns (and the row id last where the table has one), `found[i]` the index in it for key i, or -1.
  struct LookupResult {
    Batch rows;
    std::vector<std::int64_t> found;
  };
  virtual LookupResult lookup(TableId table, const Batch& keys) const = 0;
  /// The newest commit so far, published or not, that changed rows of the table; 0 where it does not exist.
  virtual CommitSeq newest_commit(TableId table) const = 0;
};

enum class OnDuplicate : std::uint8_t { Fail, Skip, Replace };

/// PostgreSQL's row locks, weakest first: each includes those before it. KeyShare goes with NoKeyUpdate, so
/// that rows are referenced while their other columns change.
enum class LockMode : std::uint8_t { KeyShare, Share, NoKeyUpdate, Update };

/// A lock that is held or waited for. Of row locks only those that somebody waits for are listed.
struct LockInfo {
  TableId table = 0;
  bool is_of_table = false;
  LockMode mode = LockMode::KeyShare;
  bool is_granted = false;
  std::int32_t session = 0;
  std::uint64_t transaction = 0;
  std::vector<std::int32_t> blocked_by;  // sessions
};

/// What numbers a sequence gives.
struct SequenceRule {
  std::int64_t start = 1, increment = 1, minimum = 1, maximum = INT64_MAX;
  bool cycles = false;
};

/// Reads and writes that commit together, DDL included.
///
/// Threads: one at a time. Keys that `lock` was given stay locked to the end. A transaction that is destroyed
/// is rolled back.
class Transaction {
 public:
  virtual ~Transaction() = default;

  /// A view of the newest commits and of this transaction's writes so far (READ COMMITTED: take one a
  /// statement).
  virtual std::shared_ptr<const ReadView> read_view() = 0;
  /// A view at the same commit as `base`, with this transaction's writes so far (REPEATABLE READ).
  virtual std::shared_ptr<const ReadView> read_view_at(const ReadView& base) = 0;

  // DDL. Ids come from `Store::next_table_id`.
  virtual void create_table(const TableSchema& schema) = 0;
  virtual void drop_table(TableId table) = 0;
  /// New columns read as NULL in old rows (or as `default_value` of AddColumn). Changing the key, the series
  /// key or the time column of a table that has rows is done by rewriting: create a new table, copy, drop
  /// (what the engine does).
  virtual void alter_table(const TableSchema& schema,
                           const std::vector<std::pair<ColumnId, Value>>& defaults_of_new_columns) = 0;
  virtual void truncate(TableId table) = 0;
  /// Drops whole chunks that lie in `range` entirely, rows written meanwhile included; returns them.
  virtual std::vector<ChunkInfo> drop_chunks(TableId table, TimeRange range) = 0;

  // DML. `rows` has all schema columns in order (no row id: it is assigned).
  struct InsertResult {
    std::uint64_t inserted = 0;
    std::vector<std::uint32_t> skipped;  // rows of the batch that OnDuplicate::Skip left out
    std::int64_t first_row_id = 0;       // when the table has a hidden row id: rows got consecutive ones
  };
  /// Errors: UniqueViolation (23505) with PostgreSQL's detail, for a key that exists or stands twice in
  /// `rows`; NotNullViolation (23502). The write set is unchanged after an error. Locks the keys that could
  /// collide. Replace is a blind write that needs no lookup; of equal keys within `rows` the last one wins.
  virtual InsertResult insert(TableId table, const Batch& rows, OnDuplicate on_duplicate) = 0;
  /// Replaces the whole rows found by their own keys (UPDATE that does not change the key); for row-id tables
  /// `row_ids` names them.
  virtual void update(TableId table, const Batch& rows, const std::vector<std::int64_t>* row_ids) = 0;
  /// `keys` as `key_columns`. Returns how many existed.
  virtual std::uint64_t erase(TableId table, const Batch& keys) = 0;
  /// Waits for and takes the row locks of `keys`. Returns true when it had to wait or a newer commit than
  /// `seen` touched one of them (the caller evaluates again). Errors: DeadlockDetected, QueryCanceled (when
  /// `cancelled` turns true), LockNotAvailable after the lock timeout.
  virtual bool lock(TableId table, const Batch& keys, CommitSeq seen, LockMode mode = LockMode::Update) = 0;
  /// Takes those that nobody else has in the way, without waiting: which of them it got.
  virtual std::vector<bool> try_lock(TableId table, const Batch& keys, LockMode mode) = 0;
  /// Locks the table: `exclusive` to change what it is, else to write rows of it. True when it had to wait.
  virtual bool lock_table(TableId table, bool exclusive) = 0;
  virtual bool try_lock_table(TableId table, bool exclusive) = 0;

  /// A position to return to: ROLLBACK TO SAVEPOINT, and a failed statement's undo. Locks taken since are
  /// given back by `rollback_to`.
  struct Savepoint {
    std::uint64_t position = 0;
    std::size_t lock_count = 0;
  };
  virtual Savepoint savepoint() = 0;
  /// It will not be returned to any more.
  virtual void release(Savepoint savepoint) = 0;
  virtual void rollback_to(Savepoint savepoint) = 0;

  virtual bool has_writes() const = 0;
  /// Returns once the commit is durable (`synchronous`), or applied. Errors: UniqueViolation,
  /// SerializationFailure, DiskFull, IoError: the transaction is then rolled back as a whole.
  virtual CommitSeq commit(bool synchronous = true) = 0;
  virtual void rollback() noexcept = 0;
  /// Asked while waiting for locks.
  virtual void set_cancelled(std::function<bool()> cancelled) = 0;
  /// How long each wait for a lock may last; 0: for ever.
  virtual void set_lock_timeout(std::chrono::milliseconds timeout) = 0;
  /// Who it belongs to, for `Store::locks`.
  virtual void set_session(std::int32_t session) = 0;
  /// Called by `commit` when the commit is visible and durable, while its locks are still held.
  virtual void set_on_committed(std::function<void(CommitSeq)> action) = 0;
};

struct StoreStatistics {
  std::uint64_t log_bytes = 0, log_syncs = 0, commits = 0, checkpoints = 0, compactions = 0;
  std::uint64_t open_chunk_bytes = 0, block_cache_bytes = 0, segment_bytes = 0, segment_files = 0;
  std::uint64_t bytes_written_log = 0, bytes_written_segments = 0;  // segments: by what follows together
  std::uint64_t bytes_written_checkpoints = 0, bytes_written_compactions = 0;
  std::uint64_t bytes_written_transactions = 0;  // by large ones, before they committed
  std::uint64_t last_commit = 0;
  std::uint64_t readers = 0, oldest_reader_commit = 0;  // views in use
  std::int64_t oldest_reader_age_us = 0;
  std::uint64_t compaction_failures = 0, compaction_backlog_bytes = 0;
  std::uint64_t compaction_depth = 0;    // the most segments of any chunk that may hold one key
  std::uint64_t segments_reclaimed = 0;  // of dropped chunks and tables, without waiting for a checkpoint
  std::uint64_t write_stalls = 0, write_stall_us = 0;       // commits that were held up
  std::uint64_t cache_hits = 0, cache_misses = 0;           // of the block cache
  std::uint64_t cache_hit_bytes = 0, cache_read_bytes = 0;  // as stored: found decoded, read from files
  HistogramCounts commit_syncs;   // nanoseconds of the syncs that commits waited for
  HistogramCounts commit_groups;  // commits that went to the log together
  bool has_failed = false;  // the log takes nothing any more: commits fail until the store is opened again
};

/// One segment file in use.
struct SegmentInfo {
  TableId table = 0;
  std::uint32_t chunk = 0;
  std::uint64_t number = 0;
  int level = 0;                           // 1: part of the sorted order of a large chunk
  std::uint64_t rows = 0, ended_rows = 0;  // ended: replaced or deleted since it was written
  std::uint64_t size_bytes = 0, row_groups = 0;
};

/// A data directory, opened by one process.
///
/// Errors of `open`: ObjectInUse (55006) when another process has it, DataCorrupted naming file and offset,
/// FeatureNotSupported for a newer format version, UndefinedFile where there is none and it may not be
/// created, IoError. Threads: any.
class Store {
 public:
  static std::unique_ptr<Store> open(const std::filesystem::path& directory,
                                     const StoreOptions& options = {});
  virtual ~Store() = default;  // makes a last checkpoint unless it failed before

  virtual std::unique_ptr<Transaction> begin() = 0;
  virtual std::shared_ptr<const ReadView> read_view() const = 0;
  virtual TableId next_table_id() = 0;
  /// Numbers that never repeat (unless it cycles), also after a crash: logs ahead in blocks. Nothing when the
  /// last one was given out. A sequence is named by a table id of its own.
  virtual std::optional<std::int64_t> next_sequence_value(TableId sequence, const SequenceRule& rule) = 0;
  /// setval: the next value will be `next`, the last one was `last`. Not transactional, as in PostgreSQL.
  virtual void set_sequence(TableId sequence, std::int64_t next,
                            std::optional<std::int64_t> last = std::nullopt) = 0;
  /// The value last given out since the store was made, if any.
  virtual std::optional<std::int64_t> last_sequence_value(TableId sequence) const = 0;
  virtual void drop_sequence(TableId sequence) = 0;
  virtual std::vector<LockInfo> locks() const = 0;
  /// Seals all open chunks and lets go of the log before it. Blocks until done; commits go on meanwhile.
  virtual void checkpoint() = 0;
  /// Does all merging of segments that is due, at full speed. Blocks until done; everything goes on
  /// meanwhile.
  virtual void compact() = 0;
  /// Writes a backup of the newest commit into a directory of its own (`backup.hpp`). Blocks until done;
  /// commits and checkpoints go on meanwhile.
  virtual BackupReport backup(const std::filesystem::path& target, const BackupOptions& options) = 0;
  virtual StoreStatistics statistics() const = 0;
  virtual std::vector<SegmentInfo> segments() const = 0;
  virtual std::uint64_t directory_bytes() const = 0;
};

}  // namespace tickstone::storage
