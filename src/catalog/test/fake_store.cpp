// SPDX-License-Identifier: Apache-2.0
#include "catalog/test/fake_store.hpp"

namespace tickstone::catalog {
namespace {

class FakeScan final : public storage::TableScan {
 public:
  FakeScan(const FakeTable& table, const std::vector<storage::ColumnId>& columns) {
    for (const storage::ColumnId id : columns) {
      const Column& column = table.rows.columns[table.schema.index_of(id)];
      columns_.push_back(&column);
      layouts_.push_back(column.layout());
    }
    row_count_ = table.rows.row_count();
  }
  struct FakeState final : State {
    std::uint64_t unit_index() const override { return 0; }
    bool is_done = false;
  };
  std::unique_ptr<State> make_state() override { return std::make_unique<FakeState>(); }
  bool read(State& state, storage::ScanBatch& out) override {
    auto& done = static_cast<FakeState&>(state).is_done;
    if (done || row_count_ == 0) return false;
    done = true;
    out.row_count = row_count_;
    out.columns.clear();
    for (const Column* column : columns_) out.columns.push_back(column->view());
    return true;
  }
  std::size_t max_threads() const override { return 1; }
  std::uint64_t estimated_rows() const override { return row_count_; }
  storage::ScanStatistics statistics() const override { return {}; }
  const std::vector<ColumnLayout>& layouts() const override { return layouts_; }

 private:
  std::vector<const Column*> columns_;
  std::vector<ColumnLayout> layouts_;
  std::size_t row_count_ = 0;
};

/// The rows of `table` whose key is not that of row `row` of `keys`.
void drop_key(FakeTable& table, const Batch& keys, std::size_t row) {
  const auto key_ids = storage::key_columns(table.schema);
  Batch kept;
  for (const auto& column : table.schema.columns) kept.columns.emplace_back(column.type);
  for (std::size_t r = 0; r < table.rows.row_count(); ++r) {
    bool is_same = true;
    for (std::size_t k = 0; k < key_ids.size(); ++k) {
      const Column& column = table.rows.columns[table.schema.index_of(key_ids[k])];
      is_same =
          is_same && compare_values(value_at(column.view(), r), value_at(keys.columns[k].view(), row)) == 0;
    }
    if (is_same) continue;
    for (std::size_t c = 0; c < kept.columns.size(); ++c) {
      kept.columns[c].append_from(table.rows.columns[c].view(), r);
    }
  }
  table.rows = std::move(kept);
}

}  // namespace

std::vector<storage::TableId> FakeView::tables() const {
  std::vector<storage::TableId> ids;
  for (const auto& [id, table] : tables_) ids.push_back(id);
  return ids;
}

const storage::TableSchema* FakeView::schema(storage::TableId table) const {
  const auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second.schema;
}

std::vector<ColumnLayout> FakeView::layouts(storage::TableId table) const {
  std::vector<ColumnLayout> layouts;
  for (const auto& column : tables_.at(table).rows.columns) layouts.push_back(column.layout());
  return layouts;
}

std::unique_ptr<storage::TableScan> FakeView::scan(const storage::ScanRequest& request) const {
  return std::make_unique<FakeScan>(tables_.at(request.table), request.columns);
}

std::vector<storage::ChunkInfo> FakeView::chunks(storage::TableId table) const {
  return tables_.at(table).chunks;
}

std::uint64_t FakeView::row_count(storage::TableId table) const { return tables_.at(table).rows.row_count(); }

void FakeTransaction::create_table(const storage::TableSchema& schema) {
  FakeTable& table = tables_[schema.id];
  table.schema = schema;
  for (const auto& column : schema.columns) table.rows.columns.emplace_back(column.type);
}

storage::Transaction::InsertResult FakeTransaction::insert(storage::TableId id, const Batch& rows,
                                                           storage::OnDuplicate) {
  FakeTable& table = tables_.at(id);
  Batch keys;
  for (const storage::ColumnId key : storage::key_columns(table.schema)) {
    keys.columns.push_back(rows.columns[table.schema.index_of(key)]);
  }
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    drop_key(table, keys, row);
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
      table.rows.columns[c].append_from(rows.columns[c].view(), row);
    }
  }
  return {rows.row_count(), {}, 0};
}

std::uint64_t FakeTransaction::erase(storage::TableId id, const Batch& keys) {
  FakeTable& table = tables_.at(id);
  const std::size_t before = table.rows.row_count();
  for (std::size_t row = 0; row < keys.row_count(); ++row) drop_key(table, keys, row);
  return before - table.rows.row_count();
}

}  // namespace tickstone::catalog
