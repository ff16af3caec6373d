// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "storage/store.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage::testing_store {

/// symbol, time, id, price; an empty price is NULL.
using Row = std::tuple<std::string, std::int64_t, std::int64_t, std::string>;
using Rows = std::vector<Row>;

inline constexpr TableId kTrades = kFirstUserTable;

inline TableSchema trades(TableId id, std::int64_t chunk_interval = 1000) {
  TableSchema schema;
  schema.id = id;
  schema.name = "trades";
  schema.columns = {{1, "symbol", SqlType::of(TypeId::Text), true},
                    {2, "timestamp", SqlType::of(TypeId::TimestampTz), true},
                    {3, "id", SqlType::of(TypeId::BigInt), true},
                    {4, "price", SqlType::of(TypeId::Numeric), false}};
  schema.primary_key = {1, 2, 3};
  schema.primary_key_name = "trades_pkey";
  schema.series_key = {1};
  schema.time_column = 2;
  schema.chunk_interval = chunk_interval;
  return schema;
}

/// The same columns without time column: one chunk.
inline TableSchema plain(TableId id) {
  TableSchema schema = trades(id);
  schema.name = "plain";
  schema.primary_key_name = "plain_pkey";
  schema.series_key.clear();
  schema.time_column.reset();
  schema.chunk_interval = 0;
  return schema;
}

/// No primary key.
inline TableSchema keyless(TableId id) {
  TableSchema schema = trades(id);
  schema.name = "keyless";
  schema.primary_key.clear();
  schema.primary_key_name.clear();
  return schema;
}

inline Batch batch(const Rows& rows) {
  Batch out;
  out.columns = {Column(SqlType::of(TypeId::Text)), Column(SqlType::of(TypeId::TimestampTz)),
                 Column(SqlType::of(TypeId::BigInt)), Column(SqlType::of(TypeId::Numeric))};
  for (const auto& [symbol, time, id, price] : rows) {
    out.columns[0].append_bytes(symbol);
    out.columns[1].append_fixed(time);
    out.columns[2].append_fixed(id);
    if (price.empty()) {
      out.columns[3].append_null();
    } else {
      out.columns[3].append_decimal(*parse_decimal(price));
    }
  }
  return out;
}

inline Batch keys(const Rows& rows) {
  Batch out = batch(rows);
  out.columns.pop_back();
  return out;
}

inline Row row_at(const std::vector<ColumnView>& columns, std::size_t row) {
  return {std::string(columns[0].bytes(row)), columns[1].fixed<std::int64_t>(row),
          columns[2].fixed<std::int64_t>(row),
          columns[3].is_null(row) ? std::string()
                                  : format_decimal({columns[3].integer(row), columns[3].layout.scale})};
}

/// All rows of a view, sorted, read as a scan gives them.
inline Rows scan_rows(const ReadView& view, TableId table, std::vector<ColumnPredicate> predicates = {}) {
  ScanRequest request;
  request.table = table;
  request.columns = {1, 2, 3, 4};
  request.predicates = std::move(predicates);
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  Rows rows;
  ScanBatch read;
  while (scan->read(*state, read)) {
    EXPECT_GT(read.row_count, 0U);
    EXPECT_LE(read.row_count, kScanRows);
    for (std::size_t i = 0; i < read.columns.size(); ++i)
      EXPECT_EQ(read.columns[i].layout, scan->layouts()[i]);
    for (std::size_t row = 0; row < read.row_count; ++row) rows.push_back(row_at(read.columns, row));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// A directory that goes with the test.
class StoreDirectory {
 public:
  StoreDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_store_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  StoreDirectory(const StoreDirectory&) = delete;
  StoreDirectory& operator=(const StoreDirectory&) = delete;
  ~StoreDirectory() { std::filesystem::remove_all(path_); }
  /// A path of its own below; nothing is there yet.
  std::filesystem::path next() { return path_ / std::to_string(count_++); }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

/// Name, size and time of the last change of all files below.
inline std::set<std::string> listing_of(const std::filesystem::path& directory) {
  std::set<std::string> listing;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
    std::error_code gone;
    if (!entry.is_regular_file(gone)) continue;
    const auto size = entry.file_size(gone);
    const auto changed = entry.last_write_time(gone);
    listing.insert(entry.path().string() + ' ' + std::to_string(size) + ' ' +
                   std::to_string(changed.time_since_epoch().count()));
  }
  return listing;
}

/// What a crash leaves: all that was written so far. Upkeep goes on in the background; a copy during which
/// something changed would be of no one moment and is made again.
inline void copy_directory(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (;;) {
    const auto before = listing_of(from);
    std::error_code error;
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
    if (!error && listing_of(from) == before) return;
    std::filesystem::remove_all(to);
  }
}

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() {
    options.log_file_bytes = 1U << 20;
    options.row_group_rows = 64;
    path = directory.next();
  }

  /// Opens, or closes and opens again.
  void open() {
    store.reset();
    store = Store::open(path, options);
  }
  void crash_and_open() {
    const auto copy = directory.next();
    copy_directory(path, copy);
    store.reset();
    path = copy;
    store = Store::open(path, options);
  }
  void create(const TableSchema& schema) {
    auto transaction = store->begin();
    transaction->create_table(schema);
    transaction->commit();
  }
  void insert(TableId table, const Rows& rows, OnDuplicate mode = OnDuplicate::Fail) {
    auto transaction = store->begin();
    transaction->insert(table, batch(rows), mode);
    transaction->commit();
  }
  Rows rows_of(TableId table) const { return scan_rows(*store->read_view(), table); }

  StoreDirectory directory;
  std::filesystem::path path;
  StoreOptions options;
  std::unique_ptr<Store> store;
};

}  // namespace tickstone::storage::testing_store
