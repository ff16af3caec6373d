// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/decimal.hpp>

#include "types/timestamp.hpp"

namespace tickstone::market {

/// What an integer that stands for a time counts since 1970. Auto: told from its size, which is right from
/// 1974 to 2286.
enum class EpochUnit : std::uint8_t { Auto, Seconds, Milliseconds, Microseconds, Nanoseconds };

/// How the values of one column of the table come about.
struct MappedColumn {
  /// FieldOrLine: the number of the line where the file has no such field. Symbol, Interval: what the file's
  /// name says.
  enum class Source : std::uint8_t { Field, FieldOrLine, Constant, Line, Symbol, Interval };
  enum class Transform : std::uint8_t { None, Epoch, LocalTime, Multiply, List, Upper };

  std::string column;
  Source source = Source::Field;
  std::string text;  // the field's name in the header, or the constant
  Transform transform = Transform::None;
  EpochUnit unit = EpochUnit::Auto;
  const TimeZone* zone = nullptr;  // LocalTime: of texts that name none
  Decimal factor;                  // Multiply
  char separator = ',';            // List
};

/// Which columns are made of what. Columns that it does not name take the field of the same name.
struct ImportMapping {
  std::vector<MappedColumn> columns;
  std::vector<std::string> left_out;  // names of fields that no column takes
  std::optional<char> delimiter;
  std::optional<std::string> null_text;
  std::optional<bool> has_header;
  std::vector<std::string> fields;  // names of the fields where there is no header

  const MappedColumn* find(std::string_view column) const;
  /// Puts `mapped` in the place of whatever its column had.
  void set(MappedColumn mapped);
};

/// Reads the text of a mapping file (docs/import.md). Errors: InvalidParameterValue, which says where.
ImportMapping parse_import_mapping(std::string_view json);

/// `text`, a value of the file, as PostgreSQL reads it in the column. `keeps_nanoseconds`: of a column that
/// holds them; others take the microsecond that they lie in. Errors: those of the texts of the type.
std::string transform_text(const MappedColumn& mapped, std::string_view text, bool keeps_nanoseconds);

}  // namespace tickstone::market
