// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "storage/store.hpp"

namespace tickstone::catalog {

/// Tables in memory, enough to be a catalog's storage: whole scans, replacing inserts, erasing by key.
/// Transactions write through at once.
struct FakeTable {
  storage::TableSchema schema;
  Batch rows;
  std::vector<storage::ChunkInfo> chunks;
};
using FakeTables = std::map<storage::TableId, FakeTable>;

class FakeView final : public storage::ReadView {
 public:
  explicit FakeView(const FakeTables& tables) : tables_(tables) {}
  storage::CommitSeq seq() const override { return 1; }
  std::vector<storage::TableId> tables() const override;
  const storage::TableSchema* schema(storage::TableId table) const override;
  std::uint64_t schema_version(storage::TableId) const override { return 1; }
  std::vector<ColumnLayout> layouts(storage::TableId table) const override;
  std::unique_ptr<storage::TableScan> scan(const storage::ScanRequest& request) const override;
  std::vector<storage::ChunkInfo> chunks(storage::TableId table) const override;
  std::uint64_t row_count(storage::TableId table) const override;
  LookupResult lookup(storage::TableId, const Batch&) const override { return {}; }
  storage::CommitSeq newest_commit(storage::TableId) const override { return 1; }

 private:
  const FakeTables& tables_;
};

class FakeTransaction final : public storage::Transaction {
 public:
  explicit FakeTransaction(FakeTables& tables) : tables_(tables) {}
  std::shared_ptr<const storage::ReadView> read_view() override {
    return std::make_shared<FakeView>(tables_);
  }
  std::shared_ptr<const storage::ReadView> read_view_at(const storage::ReadView&) override {
    return read_view();
  }
  void create_table(const storage::TableSchema& schema) override;
  void drop_table(storage::TableId table) override { tables_.erase(table); }
  void alter_table(const storage::TableSchema&,
                   const std::vector<std::pair<storage::ColumnId, Value>>&) override {}
  void truncate(storage::TableId) override {}
  std::vector<storage::ChunkInfo> drop_chunks(storage::TableId, storage::TimeRange) override { return {}; }
  InsertResult insert(storage::TableId table, const Batch& rows, storage::OnDuplicate) override;
  void update(storage::TableId, const Batch&, const std::vector<std::int64_t>*) override {}
  std::uint64_t erase(storage::TableId table, const Batch& keys) override;
  bool lock(storage::TableId, const Batch&, storage::CommitSeq, storage::LockMode) override { return false; }
  std::vector<bool> try_lock(storage::TableId, const Batch& keys, storage::LockMode) override {
    return std::vector<bool>(keys.row_count(), true);
  }
  bool lock_table(storage::TableId, bool) override { return false; }
  bool try_lock_table(storage::TableId, bool) override { return true; }
  Savepoint savepoint() override { return {}; }
  void release(Savepoint) override {}
  void rollback_to(Savepoint) override {}
  bool has_writes() const override { return true; }
  storage::CommitSeq commit(bool) override { return 1; }
  void rollback() noexcept override {}
  void set_cancelled(std::function<bool()>) override {}
  void set_lock_timeout(std::chrono::milliseconds) override {}
  void set_session(std::int32_t) override {}
  void set_on_committed(std::function<void(storage::CommitSeq)>) override {}

 private:
  FakeTables& tables_;
};

}  // namespace tickstone::catalog
