// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "types/interval.hpp"
#include "types/object_naming.hpp"
#include "types/sql_type.hpp"
#include "types/value.hpp"

/// How names, types and literals look in DuckDB's SQL.
namespace tickstone::sql {

/// An identifier, quoted where it must be.
std::string duck_identifier(std::string_view name);
/// An identifier in quotes, whatever it is.
std::string duck_quoted_identifier(std::string_view name);
std::string duck_string(std::string_view text);
/// For CAST; a bare NUMERIC is the widest that keeps its usual digits.
std::string duck_type(const SqlType& type);
/// DuckDB's type of these labels, in their order.
std::string enum_text(const EnumLabels& labels);
std::string duck_interval(const IntervalValue& value);
/// A number of PostgreSQL's grammar (no sign needed) as an exact DECIMAL; past what one holds as DOUBLE,
/// which is how such numbers are used. Errors: NumericValueOutOfRange.
std::string duck_numeric(std::string_view text);

/// A literal whose type the context tells, or the text to compute it at run time where a session's settings
/// decide. Errors: what PostgreSQL's input function of the type says.
std::string duck_literal(const SqlType& type, std::string_view text, const FormatContext& format = {});

}  // namespace tickstone::sql
