// SPDX-License-Identifier: Apache-2.0
#include "storage/rows_by_series.hpp"

#include <algorithm>
#include <bit>

#include "base/short_text.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kLeastRows = 4096;
/// Runs that are shorter on average gain nothing.
constexpr std::size_t kLeastRun = 16;
constexpr std::uint64_t kNullHash = 0x5851F42D4C957F2DULL;

/// Two series with one hash would lie together, which does no harm.
template <typename Hash>
void fold_hashes(const ColumnView& column, const std::vector<RowNumber>& picked,
                 std::vector<std::uint64_t>& hashes, const Hash& hash) {
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::size_t row = picked.empty() ? i : picked[i];
    hashes[i] = folded_product(hashes[i] ^ (column.is_null(row) ? kNullHash : hash(row)), kTextFactor);
  }
}

void fold_column(const ColumnView& column, const std::vector<RowNumber>& picked,
                 std::vector<std::uint64_t>& hashes) {
  switch (width_bytes(column.layout.physical)) {
    case 1:
      return fold_hashes(column, picked, hashes,
                         [&](std::size_t row) { return column.fixed<std::uint8_t>(row); });
    case 2:
      return fold_hashes(column, picked, hashes,
                         [&](std::size_t row) { return column.fixed<std::uint16_t>(row); });
    case 4:
      return fold_hashes(column, picked, hashes,
                         [&](std::size_t row) { return column.fixed<std::uint32_t>(row); });
    case 8:
      return fold_hashes(column, picked, hashes,
                         [&](std::size_t row) { return column.fixed<std::uint64_t>(row); });
    default:
      return fold_hashes(column, picked, hashes, [&](std::size_t row) {
        const auto value = column.fixed<UInt128>(row);
        return static_cast<std::uint64_t>(value) ^ static_cast<std::uint64_t>(value >> 64) * kTextFactor;
      });
  }
}

}  // namespace

std::vector<RowNumber> rows_by_series(const TableSchema& schema, const std::vector<ColumnView>& columns,
                                      const std::vector<RowNumber>& picked) {
  const std::size_t count = picked.empty() ? columns.front().size : picked.size();
  if (count < kLeastRows || schema.series_key.empty()) return {};
  for (const ColumnId id : schema.series_key) {
    // Else rows of two series may have one key.
    if (std::find(schema.primary_key.begin(), schema.primary_key.end(), id) == schema.primary_key.end())
      return {};
  }
  std::vector<std::uint64_t> hashes(count);
  for (const ColumnId id : schema.series_key) {
    const ColumnView& column = columns[schema.index_of(id)];
    if (column.layout.physical == Physical::Bytes) {
      fold_hashes(column, picked, hashes, [&](std::size_t row) { return hash_text(column.bytes(row)); });
    } else {
      fold_column(column, picked, hashes);
    }
  }
  std::size_t run_count = 1;
  for (std::size_t i = 1; i < count; ++i) run_count += hashes[i] != hashes[i - 1] ? 1 : 0;
  const std::size_t most_series = count / kLeastRun;
  if (run_count <= most_series) return {};

  struct Group {
    std::uint64_t hash = 0;
    RowNumber rows = 0;
  };
  std::vector<Group> groups;
  std::vector<std::uint32_t> slots(std::bit_ceil(most_series * 2));  // a group's number + 1; 0: none
  std::vector<std::uint32_t> group_of(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t slot = hashes[i] & (slots.size() - 1);
    while (slots[slot] != 0 && groups[slots[slot] - 1].hash != hashes[i])
      slot = (slot + 1) & (slots.size() - 1);
    if (slots[slot] == 0) {
      if (groups.size() == most_series) return {};
      groups.push_back({hashes[i], 0});
      slots[slot] = static_cast<std::uint32_t>(groups.size());
    }
    group_of[i] = slots[slot] - 1;
    ++groups[group_of[i]].rows;
  }
  std::vector<RowNumber> next(groups.size());
  for (std::size_t i = 1; i < groups.size(); ++i) next[i] = next[i - 1] + groups[i - 1].rows;
  std::vector<RowNumber> arranged(count);
  for (std::size_t i = 0; i < count; ++i)
    arranged[next[group_of[i]]++] = picked.empty() ? static_cast<RowNumber>(i) : picked[i];
  return arranged;
}

}  // namespace tickstone::storage
