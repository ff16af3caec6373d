// SPDX-License-Identifier: Apache-2.0
#include "duck/test/fake_store.hpp"

#include <atomic>

namespace tickstone::duck::test {

namespace {

using storage::ColumnPredicate;
using storage::ScanRequest;

bool matches(const ColumnPredicate& predicate, const ColumnView& column, std::size_t row) {
  if (column.is_null(row)) return false;
  const Value value = value_at(column, row);
  if (predicate.lower) {
    const auto order = compare_values(value, predicate.lower->value);
    if (order < 0 || (order == 0 && !predicate.lower->inclusive)) return false;
  }
  if (predicate.upper) {
    const auto order = compare_values(value, predicate.upper->value);
    if (order > 0 || (order == 0 && !predicate.upper->inclusive)) return false;
  }
  if (predicate.in.empty()) return true;
  for (const auto& one : predicate.in) {
    if (compare_values(value, one) == 0) return true;
  }
  return false;
}

struct FakeState : storage::TableScan::State {
  std::uint64_t unit = 0;
  std::uint64_t unit_index() const override { return unit; }
};

class FakeScan : public storage::TableScan {
 public:
  FakeScan(FakeStore& store, const FakeTable& table, ScanRequest request)
      : store_(store), table_(table), request_(std::move(request)) {
    for (const auto id : request_.columns) {
      layouts_.push_back(id == storage::kRowIdColumn ? ColumnLayout{Physical::Int64, 0}
                                                     : table.layouts[table.schema.index_of(id)]);
    }
    for (std::size_t i = 0; i < table.units.size(); ++i) {
      if (may_match(table.units[i], request_.predicates)) units_.push_back(i);
    }
    if (request_.order == storage::ScanOrder::TimeDescending) std::reverse(units_.begin(), units_.end());
  }
  std::unique_ptr<State> make_state() override { return std::make_unique<FakeState>(); }
  bool read(State& state, storage::ScanBatch& out) override {
    while (true) {
      const std::size_t at = next_.fetch_add(1);
      if (at >= units_.size()) return false;
      const Batch& unit = table_.units[units_[at]];
      {
        const std::scoped_lock lock(store_.mutex);
        if (!may_match(unit, store_.tightened)) continue;
        ++store_.units_read;
      }
      if (store_.on_read) store_.on_read();
      static_cast<FakeState&>(state).unit = at;
      out.row_count = unit.row_count();
      out.columns.clear();
      for (const auto id : request_.columns) {
        if (id == storage::kRowIdColumn) {
          out.columns.push_back(unit.columns.back().view());
        } else {
          out.columns.push_back(unit.columns[table_.schema.index_of(id)].view());
        }
      }
      return true;
    }
  }
  std::size_t max_threads() const override { return units_.size(); }
  std::uint64_t estimated_rows() const override { return store_.estimated_rows; }
  storage::ScanStatistics statistics() const override {
    storage::ScanStatistics statistics;
    statistics.chunks_total = table_.units.size();
    statistics.chunks_read = units_.size();
    statistics.chunk_numbers = {1};
    return statistics;
  }
  const std::vector<ColumnLayout>& layouts() const override { return layouts_; }
  void tighten(const ColumnPredicate& predicate) override {
    const std::scoped_lock lock(store_.mutex);
    store_.tightened.push_back(predicate);
  }

 private:
  bool may_match(const Batch& unit, const std::vector<ColumnPredicate>& predicates) const {
    for (const auto& predicate : predicates) {
      const auto column = unit.columns[table_.schema.index_of(predicate.column)].view();
      bool any = false;
      for (std::size_t row = 0; row < unit.row_count() && !any; ++row) any = matches(predicate, column, row);
      if (!any) return false;
    }
    return true;
  }

  FakeStore& store_;
  const FakeTable& table_;
  ScanRequest request_;
  std::vector<ColumnLayout> layouts_;
  std::vector<std::size_t> units_;
  std::atomic<std::size_t> next_{0};
};

/// A copy of the tables: later changes of the store are not seen.
class FakeView : public storage::ReadView {
 public:
  explicit FakeView(FakeStore& store) : store_(store) {
    for (const auto& [name, table] : store.tables) tables_[table.schema.id] = table;
  }
  storage::CommitSeq seq() const override { return 1; }
  std::vector<storage::TableId> tables() const override { return {}; }
  const storage::TableSchema* schema(storage::TableId table) const override {
    const auto found = tables_.find(table);
    return found == tables_.end() ? nullptr : &found->second.schema;
  }
  std::uint64_t schema_version(storage::TableId table) const override { return tables_.at(table).version; }
  std::vector<ColumnLayout> layouts(storage::TableId table) const override {
    return tables_.at(table).layouts;
  }
  std::unique_ptr<storage::TableScan> scan(const ScanRequest& request) const override {
    {
      const std::scoped_lock lock(store_.mutex);
      store_.requests.push_back(request);
      store_.tightened.clear();
    }
    return std::make_unique<FakeScan>(store_, tables_.at(request.table), request);
  }
  std::vector<storage::ChunkInfo> chunks(storage::TableId table) const override {
    std::vector<storage::ChunkInfo> chunks;
    for (const auto& unit : tables_.at(table).units) {
      storage::ChunkInfo chunk;
      chunk.rows_sealed = unit.row_count();
      chunks.push_back(chunk);
    }
    return chunks;
  }
  std::uint64_t row_count(storage::TableId table) const override {
    std::uint64_t rows = 0;
    for (const auto& unit : tables_.at(table).units) rows += unit.row_count();
    return rows;
  }
  LookupResult lookup(storage::TableId, const Batch&) const override { return {}; }
  storage::CommitSeq newest_commit(storage::TableId) const override { return 1; }

 private:
  FakeStore& store_;
  std::map<storage::TableId, FakeTable> tables_;
};

}  // namespace

FakeTable::FakeTable(storage::TableId id, const std::vector<std::pair<std::string, SqlType>>& columns) {
  schema.id = id;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    storage::ColumnSchema column;
    column.id = static_cast<storage::ColumnId>(i + 1);
    column.name = columns[i].first;
    column.type = columns[i].second;
    schema.columns.push_back(column);
    layouts.push_back(initial_layout(column.type));
  }
}

void FakeTable::add_unit(const std::vector<std::vector<std::optional<std::string>>>& rows) {
  Batch batch;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    Column column(schema.columns[i].type);
    for (const auto& row : rows) {
      if (row[i]) {
        append_parsed(column, *row[i]);
      } else {
        column.append_null();
      }
    }
    batch.columns.push_back(std::move(column));
  }
  units.push_back(std::move(batch));
  settle_layouts();
}

void FakeTable::settle_layouts() {
  bool changed = false;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    for (const auto& unit : units) {
      const auto& layout = unit.columns[i].layout();
      if (layout.scale > layouts[i].scale || layout.physical > layouts[i].physical) {
        layouts[i].scale = std::max(layout.scale, layouts[i].scale);
        layouts[i].physical = std::max(layout.physical, layouts[i].physical);
        changed = true;
      }
    }
  }
  for (auto& unit : units) {
    for (std::size_t i = 0; i < unit.columns.size(); ++i) {
      if (schema.columns[i].type.id == TypeId::Numeric) unit.columns[i].widen_to(layouts[i]);
    }
  }
  if (changed) ++version;
}

std::shared_ptr<const storage::ReadView> FakeStore::view() { return std::make_shared<FakeView>(*this); }

std::optional<SourceRelation> FakeSession::find_relation(std::string_view name) {
  ++finds;
  const std::string key(name);
  SourceRelation relation;
  if (const auto found = views.find(key); found != views.end()) {
    relation.kind = SourceRelation::Kind::Query;
    relation.query = found->second;
    return relation;
  }
  if (const auto found = row_sets.find(key); found != row_sets.end()) {
    relation.kind = SourceRelation::Kind::Rows;
    relation.columns = found->second.first;
    return relation;
  }
  const auto found = store_.tables.find(key);
  if (found == store_.tables.end()) return std::nullopt;
  relation.table = found->second.schema.id;
  for (std::size_t i = 0; i < found->second.schema.columns.size(); ++i) {
    const auto& column = found->second.schema.columns[i];
    relation.columns.push_back(
        {column.name, column.type, found->second.layouts[i], column.not_null, column.id});
  }
  return relation;
}

std::shared_ptr<const Batch> FakeSession::rows(std::string_view name) {
  return row_sets.at(std::string(name)).second;
}

Value FakeSession::call(std::string_view function, std::span<const Value> arguments) {
  if (function == "now") return Value::of_timestamptz(now_us);
  return functions.at(std::string(function))(arguments);
}

Batch FakeSession::call_table(std::string_view, std::span<const Value> arguments) {
  Batch batch;
  Column column(SqlType::of(TypeId::BigInt));
  const auto count = arguments[0].is_null ? Int128{3} : arguments[0].integer;
  for (Int128 i = 0; i < count; ++i) column.append_fixed<std::int64_t>(static_cast<std::int64_t>(i));
  batch.columns.push_back(std::move(column));
  return batch;
}

std::vector<std::string> rows_of(ResultStream& stream) {
  std::vector<std::string> rows;
  Batch batch;
  while (stream.next(batch)) {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      std::string text;
      for (std::size_t i = 0; i < batch.columns.size(); ++i) {
        if (i > 0) text += '|';
        const auto view = batch.columns[i].view();
        if (!view.is_null(row)) append_text(text, view, row, {});
      }
      rows.push_back(std::move(text));
    }
  }
  return rows;
}

}  // namespace tickstone::duck::test
