// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/output_file.hpp"
#include "market/connection.hpp"

namespace tickstone::cli {

/// Errors: FeatureNotSupported where `path` is `-` and standard output is a terminal, which shows no Parquet.
void require_parquet_output(const std::string& path);

/// Writes the batches that `next` gives (false at the end) as the Parquet file `path`, whole or not at all;
/// `-` is standard output, by way of a temporary file. Returns the rows.
///
/// NUMERIC is as exact as `columns` declare it; what Parquet has no exact type for (intervals, names of
/// relations) is text.
/// Errors: NumericValueOutOfRange for values that the declared digits do not hold, IoError, those of `next`.
std::uint64_t write_parquet_file(const std::string& path, const std::vector<market::ResultColumn>& columns,
                                 Compression compression, const std::function<bool(Batch&)>& next);

/// Writes a result that has come as text, NUMERIC with the digits that its values have.
///
/// Errors: InvalidDatetimeFormat for times that are not ISO, InvalidParameterValue for NaN and infinities in
/// NUMERIC, NumericValueOutOfRange past 38 digits; all of them name the column. IoError.
std::uint64_t write_parquet_result(const std::string& path, const market::TextResult& result);

}  // namespace tickstone::cli
