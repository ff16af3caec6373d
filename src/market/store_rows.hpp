// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

#include "market/batch_store.hpp"

// What the stores of typed rows share. A store gives a reason against a row (empty: none), a row's cells in
// the order of its table's columns, and a row of a frame's.
namespace tickstone::market {

template <typename Row>
BatchResult store_rows(const BatchStore& store, Executor& executor, std::span<const Row> rows,
                       std::string (*reason_against)(const Row&), Parameters (*cells_of)(const Row&)) {
  BatchRows batch = store.rows();
  for (const Row& row : rows) {
    if (std::string reason = reason_against(row); !reason.empty()) {
      batch.reject(std::move(reason));
    } else {
      batch.add(cells_of(row));
    }
  }
  return store.store(executor, std::move(batch));
}

/// As `store_rows` of one, whose rejection is an error.
template <typename Row>
BatchResult store_row(const BatchStore& store, Executor& executor, const Row& row,
                      std::string (*reason_against)(const Row&), Parameters (*cells_of)(const Row&)) {
  BatchResult result = store_rows(store, executor, std::span<const Row>(&row, 1), reason_against, cells_of);
  if (!result.rejected.empty()) {
    throw Error(ErrorCode::CheckViolation,
                "a row of " + std::string(store.table().name) + " is rejected: " + result.rejected[0].reason);
  }
  return result;
}

template <typename Row>
std::vector<Row> read_rows(Executor& executor, std::string_view sql, const Parameters& parameters,
                           Row (*row_from)(const DataFrame&, std::size_t)) {
  std::vector<Row> rows;
  executor.stream(sql, parameters, [&](const DataFrame& part) {
    rows.reserve(rows.size() + part.row_count());
    for (std::size_t row = 0; row < part.row_count(); ++row) rows.push_back(row_from(part, row));
  });
  return rows;
}

template <typename Row>
std::optional<Row> read_row(Executor& executor, std::string_view sql, const Parameters& parameters,
                            Row (*row_from)(const DataFrame&, std::size_t)) {
  auto rows = read_rows(executor, sql, parameters, row_from);
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

/// `SELECT symbol, timestamp, ... FROM ohlcv `.
std::string select_from(const BatchTable& table);

inline bool is_negative(const Decimal& value) { return value.unscaled < 0; }
inline bool is_negative(const std::optional<Decimal>& value) { return value && is_negative(*value); }
inline bool is_infinite(Timestamp time) { return time == kInfinity || time == kNegativeInfinity; }
/// Whether a text is JSON and an object.
bool is_json_object(std::string_view text);

std::optional<Json> json_at(const DataFrame& frame, std::size_t row, std::size_t column);
/// NULL elements become empty texts.
std::optional<std::vector<std::string>> texts_at(const DataFrame& frame, std::size_t row, std::size_t column);

}  // namespace tickstone::market
