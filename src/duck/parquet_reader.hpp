// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "duck/instance.hpp"

namespace tickstone::duck {

/// Reads a Parquet file in an instance of DuckDB of its own, which is nobody's that runs statements: SQL
/// still reaches no file.
///
/// Rows come in the order of the file; unsigned integers as the next wider type, times of other units as
/// microseconds or nanoseconds; structs, maps and lists of lists as JSON. Errors: UndefinedFile,
/// DataCorrupted, FeatureNotSupported for a column whose type a table cannot have (it names it).
class ParquetReader {
 public:
  static std::unique_ptr<ParquetReader> open(const std::string& path);
  virtual ~ParquetReader() = default;
  virtual const std::vector<ResultColumn>& columns() const = 0;
  virtual std::uint64_t row_count() const = 0;
  /// False at the end. `out` is replaced.
  virtual bool next(Batch& out) = 0;
};

}  // namespace tickstone::duck
