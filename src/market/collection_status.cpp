// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>
#include <tickstone/symbols.hpp>

#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;

const BatchStore& status_store() {
  static const BatchStore store({.name = "data_collection_status",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"data_type", ColumnKind::Text, true},
                                             {"date_range", ColumnKind::Text},
                                             {"collection_time", ColumnKind::Time},
                                             {"status", ColumnKind::Text},
                                             {"num_records", ColumnKind::Integer},
                                             {"details", ColumnKind::Json}},
                                 .key = {0, 1},
                                 .series = {},
                                 .time = std::nullopt});
  return store;
}

std::string reason_against(const CollectionStatus& status) {
  if (status.symbol.empty()) return "it has no symbol";
  if (status.data_type.empty()) return "it has no data type";
  if (status.status.empty()) return "it says no status";
  if (status.num_records < 0) return "its number of records is negative";
  return {};
}

Parameters cells_of(const CollectionStatus& status) {
  return {status.symbol,     status.data_type,
          status.date_range, status.collection_time.value_or(current_timestamp()),
          status.status,     status.num_records,
          status.details};
}

CollectionStatus status_from(const DataFrame& frame, std::size_t row) {
  return {.symbol = frame.get<std::string>(row, 0),
          .data_type = frame.get<std::string>(row, 1),
          .date_range = frame.get<std::optional<std::string>>(row, 2),
          .collection_time = frame.get<std::optional<Timestamp>>(row, 3),
          .status = frame.get<std::optional<std::string>>(row, 4).value_or(""),
          .num_records = frame.get<std::optional<std::int32_t>>(row, 5).value_or(0),
          .details = market::json_at(frame, row, 6)};
}

}  // namespace

BatchResult update_collection_status(Executor& executor, const CollectionStatus& status) {
  return market::store_row(status_store(), executor, status, reason_against, cells_of);
}

std::optional<CollectionStatus> get_collection_status(Executor& executor, std::string_view symbol,
                                                      std::string_view data_type) {
  static const std::string sql =
      market::select_from(status_store().table()) + "WHERE symbol = $1 AND data_type = $2";
  return market::read_row(executor, sql, {symbol, data_type}, status_from);
}

std::vector<CollectionStatus> get_collection_status(Executor& executor, std::string_view symbol) {
  static const std::string sql =
      market::select_from(status_store().table()) + "WHERE symbol = $1 ORDER BY data_type";
  return market::read_rows(executor, sql, {symbol}, status_from);
}

}  // namespace tickstone
