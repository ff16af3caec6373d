// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/asof_partners.hpp"
#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Whether values of the type are equal where their bytes are.
bool is_plain_key(const duckdb::LogicalType& type);
/// Whether values of the type are in the order of the integers that they are stored as.
bool is_plain_time(const duckdb::LogicalType& type);

/// The series and times of rows: the values of expressions, of which the last is the time.
class AsofKeys {
 public:
  AsofKeys(duckdb::ClientContext& context,
           const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions);

  /// Whether series that are not yet known get a number; else they have none, as rows with a NULL.
  enum class Unknown : std::uint8_t { Numbered, Skipped };
  void compute(duckdb::DataChunk& rows, SeriesNumbers& numbers, Unknown unknown);

  const std::uint32_t* series() const { return series_.data(); }
  const std::int64_t* times() const { return times_; }
  /// The values that they were computed of.
  duckdb::DataChunk& values() { return values_; }

 private:
  void number_rows(SeriesNumbers& numbers, Unknown unknown);
  void read_times();

  duckdb::ExpressionExecutor executor_;
  duckdb::DataChunk values_;
  std::vector<duckdb::UnifiedVectorFormat> formats_;
  std::vector<std::uint32_t> series_;
  std::vector<std::int64_t> own_times_;
  const std::int64_t* times_ = nullptr;
  std::string key_;
};

}  // namespace tickstone::duck
