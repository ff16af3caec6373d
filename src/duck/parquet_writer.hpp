// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "duck/instance.hpp"

namespace tickstone::duck {

enum class ParquetCompression : std::uint8_t { None, Snappy, Gzip, Zstd };

/// Writes what `next` gives (false at the end) as one Parquet file, in an instance of DuckDB of its own, and
/// returns the rows. NUMERIC columns are exact: DECIMAL(18, s) or DECIMAL(38, s) by the precision and scale
/// that `columns` declare, lists of them DECIMAL(38, s) (12 where none is declared).
///
/// Errors: IoError, NumericValueOutOfRange for a value that the declared column does not hold, and those of
/// `next`.
std::uint64_t write_parquet(const std::string& path, const std::vector<ResultColumn>& columns,
                            ParquetCompression compression, const std::function<bool(Batch&)>& next);

}  // namespace tickstone::duck
