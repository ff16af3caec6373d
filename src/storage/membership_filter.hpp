// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

/// Which values a row group's column may have: no for a value that is there is impossible, yes for one that
/// is not comes about once in 190. For equality where minimum and maximum say nothing. The layout is part of
/// the segment format.

/// Whether filters are made for columns of this type: equal values have equal bytes.
bool has_filter_type(const SqlType& type);

/// The hashes of a column's distinct values, nulls left out.
std::vector<std::uint64_t> distinct_hashes(const ColumnView& column);
/// The filter over them, as it stands in the file without its checksum.
std::vector<std::byte> make_filter(std::span<const std::uint64_t> hashes);

/// The hash of a value as `distinct_hashes` has it for the column; nothing where it is of another kind.
std::optional<std::uint64_t> filter_hash(const SqlType& column, const Value& value);
/// Errors: DataCorrupted.
void check_filter(std::span<const std::byte> filter);
/// `filter` has passed `check_filter`.
bool filter_may_hold(std::span<const std::byte> filter, std::uint64_t hash);

}  // namespace tickstone::storage
