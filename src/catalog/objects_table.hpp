// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/objects.hpp"
#include "storage/store.hpp"

namespace tickstone::catalog {

/// The rows of the objects table. The numbers are part of the stored format: append only.
enum class ObjectKind : std::uint8_t {
  Schema = 1,
  Relation = 2,
  Role = 3,
  Extension = 4,
  Job = 5,
  Database = 6,
  Function = 7,
  Counter = 8,
  Type = 9
};
/// What is counted up and never given twice, whatever is removed; the numbers are those of the rows.
enum class Counter : Oid { Jobs = 1, Hypertables = 2 };

inline constexpr storage::ColumnId kObjectOidColumn = 1;
inline constexpr storage::ColumnId kObjectKindColumn = 2;
inline constexpr storage::ColumnId kObjectBodyColumn = 3;

inline constexpr std::int32_t kFirstJobId = 1000;

/// Rows of ObjectKind::Database: what the database is called, and a DatabaseObject.
inline constexpr Oid kDatabaseNameRow = 1;
inline constexpr Oid kDatabaseRow = 2;

void write_object(storage::Transaction& transaction, Oid oid, ObjectKind kind, const std::string& body);
/// What the store's one database is called; nothing in a store that has not kept it.
void write_database_name(storage::Transaction& transaction, const std::string& name);
std::optional<std::string> read_database_name(const storage::ReadView& view);
void write_counter(storage::Transaction& transaction, Counter counter, std::int32_t last);
std::int32_t decode_counter(std::string_view body);
void erase_object(storage::Transaction& transaction, Oid oid, ObjectKind kind);

}  // namespace tickstone::catalog
