// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "cli/output_file.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// Rows of a query, fetched by a cursor as they are wanted. Within a transaction; one at a time.
class QueryRows {
 public:
  QueryRows(market::Connection& connection, const std::string& query);
  ~QueryRows();
  QueryRows(const QueryRows&) = delete;
  QueryRows& operator=(const QueryRows&) = delete;
  /// False at the end.
  bool next(Batch& rows);

 private:
  market::Connection& connection_;
  std::deque<Batch> waiting_;
};

enum class ExportFormat : std::uint8_t { Csv, Parquet };

struct ExportLayout {
  ExportFormat format = ExportFormat::Csv;
  Compression compression = Compression::None;
  bool has_header = true;
  std::string null_text;
};

/// Writes the rows of `query` as the file `path`, whole or not at all. `columns`: of the query; for Parquet
/// with precision and scale of every NUMERIC (`with_exact_numerics`). `on_rows` is told how many have been
/// written. Returns the rows.
std::uint64_t export_rows(market::Connection& connection, const std::string& query,
                          const std::vector<market::ResultColumn>& columns, const ExportLayout& layout,
                          const std::string& path, const std::function<void(std::uint64_t)>& on_rows);

/// Bare NUMERICs with the digits that the query's values need. Cost: runs the query, where there are any.
/// Errors: NumericValueOutOfRange where 38 do not suffice.
std::vector<market::ResultColumn> with_exact_numerics(market::Connection& connection,
                                                      const std::string& query,
                                                      std::vector<market::ResultColumn> columns);

}  // namespace tickstone::cli
