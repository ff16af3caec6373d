// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "duck/instance.hpp"
#include "types/value.hpp"

namespace tickstone::duck::test {

/// A table in memory: units of rows, a scan of which leaves out units without a matching row.
struct FakeTable {
  storage::TableSchema schema;
  std::vector<Batch> units;
  std::uint64_t version = 1;
  std::vector<ColumnLayout> layouts;

  FakeTable() = default;
  FakeTable(storage::TableId id, const std::vector<std::pair<std::string, SqlType>>& columns);
  /// Appends a unit; cells are texts as PostgreSQL's input functions read them, or nothing for NULL.
  void add_unit(const std::vector<std::vector<std::optional<std::string>>>& rows);
  /// Brings every unit to the widest layout of each column, and counts the version up where one changed.
  void settle_layouts();
};

struct FakeStore {
  std::map<std::string, FakeTable> tables;
  std::mutex mutex;
  std::vector<storage::ScanRequest> requests;
  std::vector<storage::ColumnPredicate> tightened;
  std::size_t units_read = 0;
  std::uint64_t estimated_rows = 1000;
  std::function<void()> on_read;  // on each unit, on the thread that reads it

  std::shared_ptr<const storage::ReadView> view();
};

/// One session over the fake store: relations by name, views, rows and functions.
class FakeSession : public RelationSource, public HostFunctions {
 public:
  explicit FakeSession(FakeStore& store) : store_(store) {}

  std::optional<SourceRelation> find_relation(std::string_view name) override;
  std::shared_ptr<const storage::ReadView> read_view() override { return store_.view(); }
  std::shared_ptr<const Batch> rows(std::string_view name) override;
  std::string chunk_name(std::string_view /*relation*/, std::uint32_t number) override {
    return "_hyper_1_" + std::to_string(number) + "_chunk";
  }
  Value call(std::string_view function, std::span<const Value> arguments) override;
  Batch call_table(std::string_view function, std::span<const Value> arguments) override;

  std::map<std::string, std::string> views;
  std::map<std::string, std::pair<std::vector<SourceColumn>, std::shared_ptr<const Batch>>> row_sets;
  std::int64_t now_us = 0;
  std::size_t finds = 0;
  std::map<std::string, std::function<Value(std::span<const Value>)>> functions;

 private:
  FakeStore& store_;
};

/// All rows as PostgreSQL would print them, columns by `|`, NULL as an empty cell.
std::vector<std::string> rows_of(ResultStream& stream);

}  // namespace tickstone::duck::test
