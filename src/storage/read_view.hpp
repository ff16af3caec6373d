// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>

#include "storage/own_rows.hpp"
#include "storage/reader_registry.hpp"
#include "storage/state.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

/// A commit and what was live at it.
struct Snapshot {
  CommitSeq seq = 0;
  std::shared_ptr<const StoreState> state;
};

/// What a transaction lays over a snapshot.
struct OwnChanges {
  std::uint64_t position = 0;
  std::map<TableId, std::shared_ptr<const TableState>>
      tables;  // instead of the committed ones; nullptr: dropped
  std::map<TableId, std::shared_ptr<const OwnRows>> rows;
};

class SnapshotView final : public ReadView {
 public:
  SnapshotView(Snapshot snapshot, std::shared_ptr<const OwnChanges> own,
               std::shared_ptr<ReaderRegistry> readers)
      : snapshot_(std::move(snapshot)),
        own_(std::move(own)),
        readers_(std::move(readers)),
        entry_(readers_->enter(snapshot_.seq)) {}
  ~SnapshotView() override { readers_->leave(entry_); }
  SnapshotView(const SnapshotView&) = delete;
  SnapshotView& operator=(const SnapshotView&) = delete;

  const Snapshot& snapshot() const { return snapshot_; }

  CommitSeq seq() const override { return snapshot_.seq; }
  std::vector<TableId> tables() const override;
  const TableSchema* schema(TableId table) const override;
  std::uint64_t schema_version(TableId table) const override;
  std::vector<ColumnLayout> layouts(TableId table) const override;
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;
  std::vector<ChunkInfo> chunks(TableId table) const override;
  std::uint64_t row_count(TableId table) const override;
  LookupResult lookup(TableId table, const Batch& keys) const override;
  CommitSeq newest_commit(TableId table) const override;

  /// The table as it was committed; nullptr where there is none, or the transaction has changed it or its
  /// rows.
  const TableState* find_unchanged(TableId table) const;

 private:
  const TableState* find(TableId table) const;
  TableView view_of(TableId table) const;  // table must exist; errors: UndefinedTable

  Snapshot snapshot_;
  std::shared_ptr<const OwnChanges>
      own_;  // shared with the transaction, which replaces its own when it writes
  std::shared_ptr<ReaderRegistry> readers_;
  ReaderRegistry::Entry entry_;
};

/// The version of a key among a transaction's own rows at `position`, newest part first.
struct OwnFound {
  const OwnPart* part = nullptr;
  RowNumber row = kNoRow;
};
OwnFound find_own(const std::vector<OwnPart>& parts, const std::vector<ColumnView>& cells,
                  std::size_t cell_row, std::string_view key, std::uint64_t hash, std::uint64_t position);

}  // namespace tickstone::storage
