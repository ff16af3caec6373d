// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Appends canonical bytes of one value: equal values give equal bytes whatever their layout, and no sequence
/// of values is another one's prefix.
void append_key_part(std::string& out, const ColumnView& column, std::size_t row);
void append_key_text(std::string& out, std::string_view text);
std::uint64_t hash_key(std::string_view key);

/// Views of all columns of a batch.
std::vector<ColumnView> views_of(const Batch& batch);
Batch select_rows(const Batch& batch, const std::vector<std::uint32_t>& rows);

/// The text for PostgreSQL's 23505 detail: `Key (symbol, "timestamp")=(AAPL, 2026-01-05 14:30:00+00) already
/// exists.` `cells` are the key's columns.
std::string describe_duplicate(const TableSchema& schema, const std::vector<ColumnView>& cells,
                               std::size_t row);
/// `Failing row contains (AAPL, null).`
std::string describe_failing_row(const std::vector<ColumnView>& cells, std::size_t row);

}  // namespace tickstone::storage
