// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "storage/changed_times.hpp"
#include "storage/chunk_reshaping.hpp"
#include "storage/commit_record.hpp"
#include "storage/group_commit.hpp"
#include "storage/locate.hpp"
#include "storage/lock_table.hpp"
#include "storage/mass_change.hpp"
#include "storage/own_rows.hpp"
#include "storage/read_view.hpp"
#include "storage/seal_job.hpp"
#include "storage/store.hpp"
#include "storage/taken_rows.hpp"

namespace tickstone::storage {

class StoreCore;

/// A transaction keeps its rows as open chunks of its own, where positions (the count of its operations)
/// stand for commits. Nothing is ever removed from them: what is replaced or rolled back ends.
class StoreTransaction final : public Transaction,
                               public MassChanges,
                               public ChangeReport,
                               public ChunkReshaping,
                               public TakenRows,
                               private CommitWork {
 public:
  explicit StoreTransaction(StoreCore& core);
  ~StoreTransaction() override;

  std::shared_ptr<const ReadView> read_view() override;
  std::shared_ptr<const ReadView> read_view_at(const ReadView& base) override;

  void create_table(const TableSchema& schema) override;
  void drop_table(TableId table) override;
  void alter_table(const TableSchema& schema,
                   const std::vector<std::pair<ColumnId, Value>>& defaults_of_new_columns) override;
  void truncate(TableId table) override;
  std::vector<ChunkInfo> drop_chunks(TableId table, TimeRange range) override;

  InsertResult insert(TableId table, const Batch& rows, OnDuplicate on_duplicate) override;
  InsertResult insert_taken(TableId table, Batch&& rows, OnDuplicate on_duplicate) override;
  void update(TableId table, const Batch& rows, const std::vector<std::int64_t>* row_ids) override;
  std::uint64_t erase(TableId table, const Batch& keys) override;
  bool lock(TableId table, const Batch& keys, CommitSeq seen, LockMode mode) override;
  std::vector<bool> try_lock(TableId table, const Batch& keys, LockMode mode) override;
  bool lock_table(TableId table, bool exclusive) override;
  bool try_lock_table(TableId table, bool exclusive) override;

  bool begin_mass_change(TableId table) override;
  void finish_mass_change(TableId table) override;
  std::uint64_t touched_count(TableId table) const override;

  void reshape_chunks(TableId table, const std::vector<TimeRange>& ranges) override;
  void empty_chunk(TableId table, TimeRange range) override;

  Savepoint savepoint() override;
  void release(Savepoint savepoint) override;
  void rollback_to(Savepoint savepoint) override;

  bool has_writes() const override { return !lone_.empty() || has_writes_ || !undo_.empty(); }
  bool has_changes(TableId table) const override;
  TimeRanges changed_times(TableId table, const ChangedTimes& asked) override;
  CommitSeq commit(bool synchronous) override;
  void rollback() noexcept override;
  void set_cancelled(std::function<bool()> cancelled) override { cancelled_ = std::move(cancelled); }
  void set_lock_timeout(std::chrono::milliseconds timeout) override { lock_timeout_ = timeout; }
  void set_session(std::int32_t session) override { lock_owner_.set_session(session); }
  void set_on_committed(std::function<void(CommitSeq)> action) override { on_committed_ = std::move(action); }

 private:
  struct Run {
    RowNumber first = 0;
    OnDuplicate mode = OnDuplicate::Fail;
  };
  struct PartState {
    std::vector<Run> runs;  // how rows from `first` on were inserted
    RowNumber logged_rows = 0;
    bool is_sealing = false;           // `job_` writes its rows: none are added
    std::uint64_t first_position = 0;  // of its rows
    std::uint64_t last_position = 0;
    Batch logged;  // of few rows: those that live, as they are in the commit's record; else without columns
  };
  /// How the rows of a segment were inserted.
  struct SealedModes {
    OnDuplicate mode = OnDuplicate::Fail;
    std::vector<std::uint8_t> by_row;  // four rows a byte; empty: all by `mode`
    OnDuplicate of(std::uint64_t row) const {
      return by_row.empty() ? mode : static_cast<OnDuplicate>((by_row[row / 4] >> (row % 4 * 2)) & 3);
    }
  };
  struct OwnTable {
    std::shared_ptr<const TableState> base;  // as committed when first written
    std::shared_ptr<const TableOverlay> overlay;
    std::vector<OwnPart> parts;
    std::vector<PartState> part_states;
    std::shared_ptr<TouchedKeys> touched;
    /// Rows that went to segments before the commit, as chunks of their own; nullptr: none.
    std::shared_ptr<const TableState> sealed;
    std::map<const SealedSegment*, SealedModes> sealed_modes;
    std::unique_ptr<ReplacedRows> replaced;  // by a mass change under way
    CommitSeq copied_at = kNeverEnded;       // chunks were copied as they were at this commit
    CommitSeq sealed_checked = 0;            // those rows are known not to collide with what was visible then
    /// Rows not touched are known not to collide with what was visible at this commit.
    CommitSeq checked = kNeverEnded;
    CommitSeq view_checked = kNeverEnded;
    std::size_t unlogged_bytes = 0;
    // While committing.
    std::optional<Batch> touched_keys;
    std::vector<RowPlace> ends;
    bool erases = false;
    // The last answer of `seen_as`.
    std::shared_ptr<const TableState> seen_committed;
    std::shared_ptr<const TableOverlay> seen_overlay;
    std::shared_ptr<const TableState> seen;
    // The last answer of `viewed_as` that was wider than `viewed_of`.
    std::shared_ptr<const TableState> viewed_of;
    std::shared_ptr<const TableState> viewed;
  };
  struct Undo {
    enum class Kind : std::uint8_t {
      Appended,
      Ended,
      Touched,
      Overlay,
      SealedAdded,
      SealedRemoved,
      SealedEnded
    };
    std::uint64_t position = 0;
    Kind kind = Kind::Appended;
    TableId table = 0;
    OpenChunk* rows = nullptr;
    RowNumber first = 0;
    RowNumber count = 0;
    std::shared_ptr<const TableOverlay> overlay;
    // Of segments.
    std::shared_ptr<SealedSegment> sealed;
    TimeRange range;
    std::uint64_t sealed_row = 0;
  };
  /// Rows of a batch in one part.
  struct Placed {
    std::size_t part = 0;
    RowNumber first = 0;
    RowNumber count = 0;
    std::vector<RowNumber> picked;  // of the batch; empty: all, in order
    std::vector<RowNumber> suspects;
    RowNumber batch_row(RowNumber row) const { return picked.empty() ? row - first : picked[row - first]; }
  };
  class OwnLayers;
  /// The one row that a transaction writes to a table, as it was given.
  struct LoneRow {
    TableId table = 0;
    OnDuplicate mode = OnDuplicate::Fail;
    Batch rows;
    std::vector<ColumnView> columns,
        key_cells;    // of `rows`; of a table without primary key the row id is last
    std::string key;  // as `append_key_part` writes it; empty without primary key
    std::uint64_t hash = 0;
    std::shared_ptr<const TableState> base;  // as committed when it was given
    CommitSeq checked = 0;                   // where others' rows count: none had the key at this commit
    // While committing.
    RowPlace replaced;
    bool is_skipped = false;
  };

  // transaction.cpp
  void check_active() const;
  OwnTable& own_table(TableId id, const Snapshot& snapshot);
  std::shared_ptr<const TableState> seen_as(TableId id, OwnTable& own, const Snapshot& snapshot);
  std::shared_ptr<const TableState> viewed_as(TableId id, OwnTable& own, const Snapshot& snapshot);
  std::shared_ptr<TableOverlay> copy_overlay(TableId id, OwnTable& own, const Snapshot& snapshot);
  void set_overlay(TableId id, OwnTable& own, std::shared_ptr<const TableOverlay> overlay);
  std::shared_ptr<const OwnChanges> own_changes(const Snapshot& snapshot);
  void undo_to(std::uint64_t position);
  void touch_possible_collisions(TableId id, OwnTable& own, const TableState& table,
                                 const Snapshot& snapshot);
  void end_own_rows(TableId id, OwnTable& own, const std::function<bool(const OwnPart&)>& which);
  /// Runs one operation: all of it, or nothing and the error.
  template <typename Action>
  auto operate(Action&& action);

  // transaction_write.cpp
  void check_rows(const TableSchema& schema, const std::vector<ColumnView>& columns) const;
  std::shared_ptr<const TableState> widened(TableId id, OwnTable& own, const Snapshot& snapshot,
                                            const std::vector<ColumnView>& columns);
  InsertResult insert_rows(TableId id, const Batch& rows, OnDuplicate mode,
                           std::optional<std::int64_t> row_id);
  std::vector<Placed> place_rows(TableId id, OwnTable& own, const TableState& table,
                                 const std::vector<ColumnView>& columns, const std::vector<RowNumber>* picked,
                                 OnDuplicate mode, const Snapshot& snapshot, bool wants_suspects);
  void resolve_suspects(TableId id, OwnTable& own, const TableState& table, const Placed& placed,
                        OnDuplicate mode, const std::vector<ColumnView>& columns, InsertResult& result);
  void end_own(TableId id, const OwnFound& found);
  void touch(TableId id, OwnTable& own, const TableSchema& schema, const std::vector<ColumnView>& cells,
             std::size_t row, std::string_view key, std::uint64_t hash, bool is_guess = false);
  LockTable::Patience patience() const;
  bool lock_keys(TableId id, const std::vector<ColumnView>& cells, std::size_t count, LockMode mode);
  [[noreturn]] void throw_duplicate(const TableSchema& schema, const std::vector<ColumnView>& cells,
                                    std::size_t row) const;
  bool ends_part(const OpenChunk& rows, const PartState& state) const;
  void log_rows(TableId id, OwnTable& own);
  void log_rest();

  // transaction_mass.cpp
  std::vector<RowPlace> locate_committed(const OwnTable& own, const TableState& table, const Batch& keys,
                                         CommitSeq seq) const;
  static std::uint64_t visible_rows(const ChunkState& chunk, CommitSeq seq);
  void copy_unreplaced(TableId id, OwnTable& own, const ReplacedRows& replaced, const ChunkState& chunk,
                       const Snapshot& snapshot);
  void copy_layers(TableId id, OwnTable& own, ReplacedLayers& layers, const TimeRange& range, CommitSeq seq,
                   const Snapshot& snapshot);
  void replace_chunks(TableId id, OwnTable& own, const std::vector<std::int64_t>& dropped,
                      const std::vector<MadeChunk>& made, CommitSeq seq, const Snapshot& snapshot);
  void touch_replaced(TableId id, OwnTable& own, const ReplacedRows& replaced, const ChunkState& chunk);

  // transaction_seal.cpp
  void make_room();
  bool can_seal(const OwnPart& part, const PartState& state) const;
  void begin_sealing();
  void take_sealed(const std::function<bool()>& cancelled);
  void drop_sealing() noexcept;
  void install_sealed(const SealJob::Piece& piece);
  void note_sealed(const SealJob::Piece& piece);
  void add_sealed(OwnTable& own, const TimeRange& range, std::shared_ptr<SealedSegment> sealed,
                  const TableState& table);
  void remove_sealed(OwnTable& own, const SealedSegment& sealed);
  void drop_sealed(TableId id, OwnTable& own, const std::function<bool(const TimeRange&)>& which);
  std::vector<RowPlace> locate_sealed(const OwnTable& own, const Batch& keys) const;
  void end_sealed(TableId id, const RowPlace& place);
  /// Calls `visit` with the keys of rows that others committed after `since` in chunks of `own.sealed`.
  void each_later_key(const OwnTable& own, const TableState& table, CommitSeq since,
                      const std::function<void(const Batch& keys)>& visit) const;
  void guess_sealed_collisions(TableId id, OwnTable& own, const TableState& table, CommitSeq since);
  void check_sealed(TableId id, OwnTable& own, const TableState& table, CommitSeq seq);
  /// Outside of the commit mutex, so that little is left to do under it.
  void prepare_sealed();
  void encode_sealed(const OwnTable& own, LoggedTable& table) const;
  void apply_sealed(TableId id, OwnTable& own, StateBuilder& state, CommitSeq seq);

  // transaction_commit.cpp
  void prepare(const StateBuilder& state) override;
  std::span<const std::byte> record() override { return record_; }
  LogRecordKind record_kind() const override { return LogRecordKind::TimedCommit; }
  void apply(StateBuilder& state, CommitSeq seq) override;
  void encode();
  static void require_unchanged(const TableSchema& schema, const TableState* committed);
  static void check_ranges(const OwnTable& own, const TableState& table);
  void prepare_table(TableId id, OwnTable& own, const TableState& committed);
  void apply_table(TableId id, OwnTable& own, StateBuilder& state, CommitSeq seq);
  void finish() noexcept;

  // transaction_lone_row.cpp
  bool can_stay_alone(TableId id) const;
  const LoneRow* find_lone(TableId id) const;
  /// Makes them rows of the transaction like others.
  void place_lone();
  void encode_lone();
  void prepare_lone(const StateBuilder& state);
  void apply_lone(StateBuilder& state, CommitSeq seq);

  StoreCore& core_;
  std::uint64_t id_;
  LockTable::Owner lock_owner_;
  std::function<bool()> cancelled_;
  std::chrono::milliseconds lock_timeout_{0};
  std::function<void(CommitSeq)> on_committed_;
  std::map<TableId, OwnTable> tables_;
  std::vector<LoneRow> lone_;  // one a table; nothing else was written then
  std::vector<Undo> undo_;
  std::uint64_t position_ = 0;
  std::uint32_t next_part_ = 0;
  bool is_finished_ = false;
  bool has_logged_ = false;
  bool has_writes_ = false;  // before what `undo_` still tells
  bool has_sealed_ = false;
  std::unique_ptr<SealJob> job_;    // nullptr: none runs
  std::size_t gathered_bytes_ = 0;  // since rows last went to segments
  std::size_t next_room_check_ = 0;
  std::vector<std::uint64_t> savepoints_;  // positions that may be returned to, ascending
  std::vector<std::byte> record_;
  std::int64_t time_us_ = kUnknownTime;        // of the commit
  std::shared_ptr<const OwnChanges> changes_;  // the last made, while nothing changed
  const void* changes_of_ = nullptr;           // the state that they were laid over
};

template <typename Action>
auto StoreTransaction::operate(Action&& action) {
  check_active();
  place_lone();
  const std::uint64_t before = position_;
  if (savepoints_.empty() && !undo_.empty()) {
    // Only this operation can still be undone alone.
    has_writes_ = true;
    undo_.clear();
  }
  ++position_;
  changes_.reset();
  try {
    return action();
  } catch (...) {
    undo_to(before);  // locks stay: what they were taken for may be tried again
    throw;
  }
}

/// The key's columns among all columns of rows (row id last where the table has one).
std::vector<ColumnView> key_cells(const TableSchema& schema, const std::vector<ColumnView>& columns);
/// Empty columns for keys of the table.
Batch empty_keys(const TableSchema& schema);

}  // namespace tickstone::storage
