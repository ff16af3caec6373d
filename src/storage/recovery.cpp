// SPDX-License-Identifier: Apache-2.0
#include "storage/recovery.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/ordered_worker.hpp"
#include "storage/checkpoint.hpp"
#include "storage/commit_record.hpp"
#include "storage/key_codec.hpp"
#include "storage/manifest.hpp"
#include "storage/row_time.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

/// `said_by`: who names it, for errors.
std::shared_ptr<SealedSegment> open_sealed(StoreCore& core, std::uint64_t number, std::uint64_t row_count,
                                           std::uint64_t size_bytes, CommitSeq newest, const char* said_by) {
  const auto path = core.segment_path(number);
  if (!core.files.exists(path)) {
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("segment file \"{}\" is damaged at offset 0", path.string()),
                "The file is missing.");
  }
  auto segment = Segment::open(core.files, path, core.block_cache);
  if (segment->row_count() != row_count || segment->size_bytes() != size_bytes) {
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("segment file \"{}\" is damaged at offset 0", path.string()),
                fmt::format("It has {} rows in {} bytes, {} says {} rows in {} bytes.", segment->row_count(),
                            segment->size_bytes(), said_by, row_count, size_bytes));
  }
  return std::make_shared<SealedSegment>(number, std::move(segment), newest, core.files, path);
}

class Replay {
 public:
  Replay(StoreCore& core, CommitSeq seq, std::int64_t opened_us, std::shared_ptr<const StoreState> state)
      : core_(core), seq_(seq), opened_us_(opened_us), state_(std::move(state)) {}

  /// A record as far as it is read without what came before it.
  struct Step {
    LogRecordKind kind = LogRecordKind::Commit;
    std::uint64_t id = 0;
    LogPosition position;
    CommitRecord commit;
    SequenceRecord sequence;
  };

  /// Threads: any.
  Step read(const LogRecord& record) const {
    Step step{record.kind, record.id, record.position, {}, {}};
    in_place(record.position, [&] {
      if (record.kind == LogRecordKind::Sequence) {
        ByteReader in(record.body, "sequence record");
        step.sequence = get_sequence(in);
      } else if (record.kind == LogRecordKind::Commit || record.kind == LogRecordKind::CommitWithSegments ||
                 record.kind == LogRecordKind::TimedCommit) {
        ByteReader in(record.body, "commit record");
        step.commit = get_commit(in, record.kind);
      }
    });
    return step;
  }

  void take(const Step& step) {
    in_place(step.position, [&] {
      switch (step.kind) {
        case LogRecordKind::Rows:
          last_transaction_ = std::max(last_transaction_, step.id);
          rows_[step.id].push_back(step.position);
          break;
        case LogRecordKind::Abort:
          last_transaction_ = std::max(last_transaction_, step.id);
          rows_.erase(step.id);
          break;
        case LogRecordKind::Mark:
          break;
        case LogRecordKind::Sequence:
          core_.sequences.replay(step.sequence);
          break;
        case LogRecordKind::Commit:
        case LogRecordKind::CommitWithSegments:
        case LogRecordKind::TimedCommit:
          last_transaction_ = std::max(last_transaction_, step.commit.transaction);
          if (step.id > seq_) {
            seq_ = step.id;
            apply(step.commit);
          }
          rows_.erase(step.commit.transaction);
          break;
      }
    });
  }

  CommitSeq seq() const { return seq_; }
  /// Segments that commits have named.
  std::vector<std::shared_ptr<SealedSegment>>& logged() { return logged_; }
  std::uint64_t last_transaction() const { return last_transaction_; }
  std::int64_t grown_bytes() const { return state_.grown_bytes(); }
  std::shared_ptr<const StoreState> finish() { return state_.finish(); }

 private:
  /// Says where in the log an action found damage.
  template <typename Action>
  void in_place(const LogPosition& position, const Action& action) const {
    try {
      action();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::DataCorrupted) throw;
      throw Error(
          ErrorCode::DataCorrupted,
          fmt::format("log file \"{}\" is damaged at offset {}",
                      (core_.log_directory() / log_file_name(position.file)).string(), position.offset),
          error.message() + (error.detail().empty() ? "" : ": " + error.detail()));
    }
  }

  void apply(const CommitRecord& commit) {
    state_.skip_chunks_to(commit.first_chunk);
    state_.set_time(commit.time_us == kUnknownTime ? opened_us_ : commit.time_us);
    for (const auto& table : commit.tables) {
      if (table.ddl == LoggedTable::Ddl::Drop) {
        if (state_.find(table.table) != nullptr) state_.drop_table(table.table);
        continue;
      }
      apply_ddl(table);
      const auto* state = state_.find(table.table);
      if (state == nullptr)
        throw Error(ErrorCode::DataCorrupted,
                    fmt::format("a commit writes table {}, which does not exist", table.table));
      if (table.is_truncated) state_.drop_all_chunks(table.table);
      for (const std::int64_t start : table.dropped_chunks) state_.drop_chunk(table.table, start);
      for (const auto& made : table.made_chunks) make_chunk(table.table, made);
      const auto current = state_.share(table.table);
      if (table.erased_keys.row_count() > 0) {
        check_keys(*current->schema, table.erased_keys);
        for (const auto& place : locate(*current, table.erased_keys, kNewest)) {
          if (place) place.set_ended(seq_);
        }
      }
      for (const auto& segment : table.segments) apply_segment(table.table, segment);
      for (const auto& part : table.earlier) apply_earlier(commit.transaction, table.table, part);
      for (const auto& rows : table.rows) {
        if (rows.table != table.table) {
          throw Error(ErrorCode::DataCorrupted, "a commit writes the rows of one table into another");
        }
        apply_rows(rows, {});
      }
      state_.find(table.table)->counters->last_commit.store(seq_, std::memory_order_relaxed);
    }
  }

  void make_chunk(TableId id, const MadeChunk& made) {
    const auto& chunks = state_.find(id)->chunks;
    const auto after = chunks.lower_bound(made.range.start);
    const bool overlaps = (after != chunks.end() && after->first < made.range.end) ||
                          (after != chunks.begin() && std::prev(after)->second->range.end > made.range.start);
    if (overlaps) throw Error(ErrorCode::DataCorrupted, "a commit makes a chunk where there is one");
    state_.make_chunk(id, made);
  }

  static void check_keys(const TableSchema& schema, const Batch& keys) {
    const Batch expected = empty_keys(schema);
    const bool is_same =
        std::equal(keys.columns.begin(), keys.columns.end(), expected.columns.begin(), expected.columns.end(),
                   [](const Column& a, const Column& b) { return a.type() == b.type(); });
    if (!is_same) {
      throw Error(ErrorCode::DataCorrupted,
                  fmt::format("a commit erases keys that table {} does not have", schema.id));
    }
  }

  void apply_ddl(const LoggedTable& logged) {
    if (logged.ddl == LoggedTable::Ddl::None) return;
    auto schema = std::make_shared<const TableSchema>(logged.schema);
    if (logged.ddl == LoggedTable::Ddl::Create) {
      auto table = std::make_shared<TableState>();
      table->layout = initial_table_layout(*schema);
      table->schema = std::move(schema);
      table->version = core_.next_version();
      table->defaults = {logged.defaults.begin(), logged.defaults.end()};
      table->counters = std::make_shared<TableCounters>();
      state_.add_table(std::move(table));
      return;
    }
    if (state_.find(logged.table) == nullptr)
      throw Error(ErrorCode::DataCorrupted,
                  fmt::format("a commit alters table {}, which does not exist", logged.table));
    TableState& table = state_.edit_table(logged.table);
    table.layout = carried_layout(table.layout, *table.schema, *schema);
    table.schema = std::move(schema);
    table.version = core_.next_version();
    table.defaults = {logged.defaults.begin(), logged.defaults.end()};
  }

  void apply_segment(TableId id, const LoggedTable::Segment& logged) {
    auto sealed = open_sealed(core_, logged.number, logged.row_count, logged.size_bytes, seq_, "its commit");
    for (const std::uint64_t row : logged.without) {
      if (row >= logged.row_count)
        throw Error(ErrorCode::DataCorrupted, "a commit leaves out a row that its segment does not have");
      sealed->set_ended(row, 0);
    }
    sealed->set_logged_only(true);
    const auto table = state_.share(id);
    const TableSchema& schema = *table->schema;
    const Segment& segment = sealed->segment();
    TableLayout layout = initial_table_layout(schema);
    for (std::size_t i = 0; i < schema.columns.size(); ++i) {
      if (!segment.has_column(schema.columns[i].id)) continue;
      layout.columns[i] = segment.layout(schema.columns[i].id);
      layout.integer_digits[i] = static_cast<std::uint8_t>(segment.integer_digits(schema.columns[i].id));
    }
    state_.widen(id, layout, core_.next_version());
    if (schema.primary_key.empty()) {
      auto& next = table->counters->next_row_id;
      for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
        const auto last = static_cast<std::int64_t>(segment.range(group, kRowIdColumn).maximum.integer);
        if (next.load() <= last) next.store(last + 1);
      }
    }
    state_.add_segment(id, sealed);
    logged_.push_back(std::move(sealed));
  }

  void apply_earlier(std::uint64_t transaction, TableId table, const LoggedTable::Part& part) {
    for (const auto& position : rows_[transaction]) {
      const LogRecord record = read_log_record(core_.files, core_.log_directory(), position);
      ByteReader in(record.body, "rows record");
      const LoggedRows rows = get_logged_rows(in);
      if (rows.table == table && rows.part == part.part) apply_rows(rows, part.without);
    }
  }

  /// Each row replaces the one with its key.
  void apply_rows(const LoggedRows& logged, const std::vector<std::uint32_t>& without) {
    const auto count = static_cast<RowNumber>(logged.rows.row_count());
    std::vector<RowNumber> chosen;
    auto excluded = std::lower_bound(without.begin(), without.end(), logged.first_row);
    for (RowNumber row = 0; row < count; ++row) {
      if (excluded != without.end() && *excluded == logged.first_row + row) {
        ++excluded;
      } else {
        chosen.push_back(row);
      }
    }
    if (chosen.empty()) return;
    // The table may have other columns by now than when the rows were written.
    const auto table = state_.share(logged.table);
    const TableSchema& schema = *table->schema;
    const auto logged_views = views_of(logged.rows);
    std::vector<ColumnView> columns;
    std::vector<std::unique_ptr<MissingColumn>> missing;
    auto find = [&](ColumnId id) {
      return static_cast<std::size_t>(std::find(logged.columns.begin(), logged.columns.end(), id) -
                                      logged.columns.begin());
    };
    for (std::size_t i = 0; i < schema.columns.size(); ++i) {
      const std::size_t at = find(schema.columns[i].id);
      if (at < logged_views.size()) {
        if (logged_views[at].type != schema.columns[i].type)
          throw Error(ErrorCode::DataCorrupted, "logged rows have other types than their table");
        columns.push_back(logged_views[at]);
      } else {
        missing.push_back(std::make_unique<MissingColumn>(*table, i));
        columns.push_back(missing.back()->view(count));
      }
    }
    if (schema.primary_key.empty()) {
      const std::size_t at = find(kRowIdColumn);
      if (at == logged_views.size()) throw Error(ErrorCode::DataCorrupted, "logged rows have no row ids");
      columns.push_back(logged_views[at]);
      auto& next = table->counters->next_row_id;
      for (const RowNumber row : chosen) {
        next.store(
            std::max(next.load(std::memory_order_relaxed), logged_views[at].fixed<std::int64_t>(row) + 1),
            std::memory_order_relaxed);
      }
    }
    state_.widen(logged.table, widened_for(table->layout, schema, columns), core_.next_version());
    for (std::size_t at = 0; at < chosen.size();) {
      // A stretch of rows of one chunk.
      std::int64_t time = 0;
      std::size_t end = chosen.size();
      if (schema.time_column) {
        const ColumnView& times = columns[schema.index_of(*schema.time_column)];
        time = time_of(times, chosen[at]);
        const TimeRange range = chunk_range(*state_.find(logged.table), time);
        end = at + 1;
        while (end < chosen.size() && time_of(times, chosen[end]) >= range.start &&
               (time_of(times, chosen[end]) < range.end || range.end == INT64_MAX)) {
          ++end;
        }
      }
      apply_stretch(logged.table, columns, time, chosen.data() + at, static_cast<RowNumber>(end - at));
      at = end;
    }
  }

  void apply_stretch(TableId id, const std::vector<ColumnView>& columns, std::int64_t time,
                     const RowNumber* rows, RowNumber count) {
    OpenChunk::Rows source;
    source.columns = &columns;
    source.rows = rows;
    source.count = count;
    std::vector<RowNumber> suspects;
    const auto appended = state_.append(id, time, source, seq_, &suspects);
    const bool has_row_ids = appended.open->has_row_ids();
    if (has_row_ids) {
      // Updated rows keep their id, which the open chunk takes for new.
      suspects.resize(count);
      for (RowNumber i = 0; i < count; ++i) suspects[i] = appended.first + i;
    }
    if (suspects.empty()) return;
    const auto table = state_.share(id);
    const auto* chunk = table->find_chunk(time);
    std::vector<RowNumber> below;
    std::string key;
    for (const RowNumber row : suspects) {
      key.clear();
      appended.open->append_key(key, row);
      const auto found = appended.open->find(key, hash_key(key), kNewest, row);
      if (found.found == OpenChunk::Found::Visible) appended.open->set_ended(found.row, seq_);
      if (found.found == OpenChunk::Found::Absent) below.push_back(row);
    }
    if (below.empty() || (chunk->open.size() == 1 && chunk->segments.empty())) return;
    const Batch suspect_rows = appended.open->gather(below);
    Batch keys;
    for (const auto& cell : key_cells(*table->schema, views_of(suspect_rows))) {
      keys.columns.emplace_back(cell.type, cell.layout).append_all(cell);
    }
    // Looked for as if the newest layer were not there.
    TableState older = *table;
    auto older_chunk = std::make_shared<ChunkState>(*chunk);
    older_chunk->open.pop_back();
    older.chunks = {{chunk->range.start, older_chunk}};
    for (const auto& place : locate(older, keys, kNewest)) {
      if (place) place.set_ended(seq_);
    }
  }

  StoreCore& core_;
  CommitSeq seq_;
  std::int64_t opened_us_;
  StateBuilder state_;
  std::map<std::uint64_t, std::vector<LogPosition>> rows_;
  std::vector<std::shared_ptr<SealedSegment>> logged_;
  std::uint64_t last_transaction_ = 0;
};

std::shared_ptr<const StoreState> open_segments(
    StoreCore& core, const Manifest& manifest, std::int64_t opened_us,
    std::map<std::uint64_t, std::shared_ptr<SealedSegment>>& named) {
  auto state = std::make_shared<StoreState>();
  state->next_chunk_number = manifest.next_chunk;
  for (const auto& entry : manifest.tables) {
    auto table = std::make_shared<TableState>();
    table->schema = std::make_shared<const TableSchema>(entry.schema);
    table->version = core.next_version();
    table->layout = entry.layout;
    table->defaults = {entry.defaults.begin(), entry.defaults.end()};
    table->counters = std::make_shared<TableCounters>();
    table->counters->next_row_id.store(entry.next_row_id);
    table->counters->last_commit.store(manifest.seq);
    table->counters->last_erase.store(manifest.seq);
    for (const auto& described : entry.chunks) {
      auto chunk = std::make_shared<ChunkState>();
      chunk->number = described.number;
      chunk->label = described.label;
      chunk->range = described.range;
      chunk->created_us = described.created_us == kUnknownTime ? opened_us : described.created_us;
      for (const auto& file : described.segments) {
        auto sealed =
            open_sealed(core, file.number, file.row_count, file.size_bytes, file.newest, "the manifest");
        sealed->set_level(file.level);
        for (const std::uint64_t row : file.ended_rows) {
          if (row >= file.row_count)
            throw Error(ErrorCode::DataCorrupted, "the manifest ends a row that its segment does not have");
          sealed->set_ended(row, manifest.seq);
        }
        named[file.number] = sealed;
        chunk->segments.push_back(std::move(sealed));
      }
      table->chunks[chunk->range.start] = std::move(chunk);
    }
    state->tables[table->schema->id] = std::move(table);
  }
  return state;
}

void remove_leftovers(StoreCore& core, const Manifest& manifest,
                      const std::map<std::uint64_t, std::shared_ptr<SealedSegment>>& named,
                      const std::vector<std::shared_ptr<SealedSegment>>& logged) {
  std::set<std::string> kept;
  for (const auto& [number, segment] : named) kept.insert(SealedSegment::file_name(number));
  for (const auto& sealed : logged) kept.insert(SealedSegment::file_name(sealed->number()));
  for (const auto& name : core.files.list(core.segment_directory())) {
    if (!kept.contains(name)) core.files.remove(core.segment_directory() / name);
  }
  for (const std::uint64_t number : log_file_numbers(core.files, core.log_directory())) {
    if (number >= manifest.first_log_file) break;
    core.files.remove(core.log_directory() / log_file_name(number));
  }
  if (core.files.exists(core.directory / kNewManifestName))
    core.files.remove(core.directory / kNewManifestName);
}

}  // namespace

void recover(StoreCore& core) {
  auto found = read_manifest(core.files, core.directory);
  if (!found) {
    if (!core.files.list(core.segment_directory()).empty()) {
      throw Error(ErrorCode::DataCorrupted,
                  fmt::format("manifest \"{}\" is missing", (core.directory / kManifestName).string()),
                  "There are segments, so there was one.");
    }
    if (core.options.read_only || !core.options.create_if_missing) {
      throw Error(ErrorCode::UndefinedFile,
                  fmt::format("\"{}\" is no data directory", core.directory.string()));
    }
    core.files.make_directory(core.log_directory());
    core.files.make_directory(core.segment_directory());
    core.files.sync_directory(core.directory);
    for (const auto& name : core.files.list(core.log_directory()))
      core.files.remove(core.log_directory() / name);
    const Manifest empty;
    core.log = std::make_unique<Log>(core.files, core.log_directory(), core.options.log_file_bytes,
                                     empty.first_log_file);
    write_manifest(core.files, core.directory, empty, [] {});
    core.publish({0, std::make_shared<const StoreState>()});
    return;
  }
  std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named;
  // Chunks of older files, which do not say when they were made, count from today.
  const std::int64_t opened_us = core.options.clock->now_us();
  auto state = open_segments(core, *found, opened_us, named);
  core.set_next_segment_number(found->next_segment);
  for (const auto& sequence : found->sequences) core.sequences.replay(sequence);

  Replay replay(core, found->seq, opened_us, std::move(state));
  // One thread reads and checks records, another applies them.
  OrderedWorker<Replay::Step> applying([&](const Replay::Step& step) { replay.take(step); });
  const auto visit = [&](const LogRecord& record) {
    try {
      applying.push(replay.read(record));
    } catch (const Error&) {
      applying.settle();  // what is wrong with an earlier record comes first
      throw;
    }
  };
  const LogPosition last = replay_log(core.files, core.log_directory(), found->first_log_file, true,
                                      core.options.read_only, visit, [&] { applying.settle(); });
  core.applied_seq = replay.seq();
  core.set_next_transaction(replay.last_transaction() + 1);
  core.open_bytes.store(replay.grown_bytes());
  core.publish({replay.seq(), replay.finish()});
  if (core.options.read_only) return;
  // A process that was killed may have put the manifest there without syncing the directory: what only the
  // manifest before it names must not go first.
  core.files.sync_directory(core.directory);
  remove_leftovers(core, *found, named, replay.logged());
  for (const auto& sealed : replay.logged()) {
    if (sealed->number() >= core.segment_number_after_all())
      core.set_next_segment_number(sealed->number() + 1);
  }
  core.log = std::make_unique<Log>(core.files, core.log_directory(), core.options.log_file_bytes,
                                   last.file + 1, last.offset);
  core.set_manifest(std::move(*found), std::move(named), std::move(replay.logged()));
}

}  // namespace tickstone::storage
