// SPDX-License-Identifier: Apache-2.0
#include "client/result_reader.hpp"

#include "types/binary_format.hpp"
#include "types/value.hpp"

namespace tickstone::client {
namespace {

constexpr std::size_t kBatchRows = 4096;

}  // namespace

std::vector<ResultColumn> columns_of(const PGresult* result) {
  std::vector<ResultColumn> columns;
  const int count = PQnfields(result);
  for (int c = 0; c < count; ++c) {
    auto type = type_from_oid(PQftype(result, c), PQfmod(result, c)).value_or(SqlType::of(TypeId::Text));
    // The server alone knows the objects: their names are texts here.
    if (is_object_name(type.id)) type.id = TypeId::Text;
    columns.push_back({PQfname(result, c), type});
  }
  return columns;
}

bool are_types_known(const PGresult* result) {
  for (int c = 0; c < PQnfields(result); ++c) {
    const auto type = type_from_oid(PQftype(result, c), PQfmod(result, c));
    if (!type) return false;
    // What PostgreSQL has no binary form for, or another one than a value.
    switch (type->id) {
      case TypeId::Record:
      case TypeId::Void:
      case TypeId::Unknown:
      case TypeId::Regclass:
      case TypeId::Regtype:
      case TypeId::Regproc:
      case TypeId::Regnamespace:
      case TypeId::Regrole:
      case TypeId::Enum:
      case TypeId::Int2Vector:
      case TypeId::OidVector:
      case TypeId::AclItem:
        return false;
      default:
        break;
    }
  }
  return true;
}

ResultReader::ResultReader(std::vector<ResultColumn> columns, const RowHandler& handler)
    : columns_(std::move(columns)), handler_(handler) {
  start_batch();
}

void ResultReader::start_batch() {
  batch_ = {};
  for (const auto& column : columns_) batch_.columns.emplace_back(column.type);
}

void ResultReader::add(const PGresult* result) {
  const int rows = PQntuples(result);
  for (int row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const int c = static_cast<int>(i);
      Column& column = batch_.columns[i];
      if (PQgetisnull(result, row, c) != 0) {
        column.append_null();
        continue;
      }
      const std::string_view bytes{PQgetvalue(result, row, c),
                                   static_cast<std::size_t>(PQgetlength(result, row, c))};
      if (PQfformat(result, c) == 1)
        append_received(column, bytes);
      else
        append_parsed(column, bytes);
    }
    if (columns_.empty()) ++batch_.zero_column_rows;
    if (batch_.row_count() >= kBatchRows) finish();
  }
}

void ResultReader::finish() {
  if (batch_.row_count() == 0) return;
  if (handler_.on_rows) handler_.on_rows(std::move(batch_));
  start_batch();
}

}  // namespace tickstone::client
