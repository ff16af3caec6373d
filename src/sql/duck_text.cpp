// SPDX-License-Identifier: Apache-2.0
#include "sql/duck_text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"
#include "types/array_value.hpp"
#include "types/decimal.hpp"
#include "types/value.hpp"

namespace tickstone::sql {

namespace {

// DuckDB's keywords that cannot be a column's name.
constexpr std::string_view kKeywords[] = {"all",
                                          "analyse",
                                          "analyze",
                                          "and",
                                          "anti",
                                          "any",
                                          "array",
                                          "as",
                                          "asc",
                                          "asof",
                                          "asymmetric",
                                          "at",
                                          "authorization",
                                          "between",
                                          "bigint",
                                          "binary",
                                          "bit",
                                          "boolean",
                                          "both",
                                          "by",
                                          "case",
                                          "cast",
                                          "char",
                                          "character",
                                          "check",
                                          "coalesce",
                                          "collate",
                                          "collation",
                                          "column",
                                          "columns",
                                          "concurrently",
                                          "constraint",
                                          "create",
                                          "cross",
                                          "dec",
                                          "decimal",
                                          "default",
                                          "deferrable",
                                          "desc",
                                          "describe",
                                          "distinct",
                                          "do",
                                          "else",
                                          "end",
                                          "except",
                                          "exists",
                                          "extract",
                                          "false",
                                          "fetch",
                                          "float",
                                          "for",
                                          "foreign",
                                          "freeze",
                                          "from",
                                          "full",
                                          "generated",
                                          "glob",
                                          "group",
                                          "grouping",
                                          "grouping_id",
                                          "having",
                                          "ilike",
                                          "in",
                                          "initially",
                                          "inner",
                                          "inout",
                                          "int",
                                          "integer",
                                          "intersect",
                                          "interval",
                                          "into",
                                          "is",
                                          "isnull",
                                          "join",
                                          "lambda",
                                          "lateral",
                                          "leading",
                                          "left",
                                          "like",
                                          "limit",
                                          "map",
                                          "national",
                                          "natural",
                                          "nchar",
                                          "none",
                                          "not",
                                          "notnull",
                                          "null",
                                          "nullif",
                                          "numeric",
                                          "offset",
                                          "on",
                                          "only",
                                          "or",
                                          "order",
                                          "out",
                                          "outer",
                                          "overlaps",
                                          "overlay",
                                          "pivot",
                                          "pivot_longer",
                                          "pivot_wider",
                                          "placing",
                                          "position",
                                          "positional",
                                          "precision",
                                          "primary",
                                          "qualify",
                                          "real",
                                          "references",
                                          "returning",
                                          "right",
                                          "row",
                                          "select",
                                          "semi",
                                          "setof",
                                          "show",
                                          "similar",
                                          "smallint",
                                          "some",
                                          "struct",
                                          "substring",
                                          "summarize",
                                          "symmetric",
                                          "table",
                                          "tablesample",
                                          "then",
                                          "time",
                                          "timestamp",
                                          "to",
                                          "trailing",
                                          "treat",
                                          "trim",
                                          "true",
                                          "try_cast",
                                          "union",
                                          "unique",
                                          "unpack",
                                          "unpivot",
                                          "user",
                                          "using",
                                          "values",
                                          "varchar",
                                          "variadic",
                                          "verbose",
                                          "when",
                                          "where",
                                          "window",
                                          "with",
                                          "current_user",
                                          "current_role",
                                          "session_user",
                                          "localtime",
                                          "localtimestamp",
                                          "xmlattributes",
                                          "xmlconcat",
                                          "xmlelement",
                                          "xmlexists",
                                          "xmlforest",
                                          "xmlnamespaces",
                                          "xmlparse",
                                          "xmlpi",
                                          "xmlroot",
                                          "xmlserialize",
                                          "xmltable",
                                          "current_date",
                                          "current_time",
                                          "current_timestamp",
                                          "current_catalog",
                                          "current_schema"};

bool is_keyword(std::string_view name) {
  return std::find(std::begin(kKeywords), std::end(kKeywords), name) != std::end(kKeywords);
}

bool reads_digits(std::string_view text, std::size_t& at, std::size_t least, std::size_t most) {
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at]) && at - begin < most) ++at;
  return at - begin >= least;
}

/// YYYY-MM-DD, perhaps a time of up to six fraction digits, perhaps an offset: what DuckDB reads as
/// PostgreSQL does.
bool is_iso_timestamp(std::string_view text) {
  std::size_t at = 0;
  const auto takes = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };
  if (!(reads_digits(text, at, 4, 4) && takes('-') && reads_digits(text, at, 2, 2) && takes('-') &&
        reads_digits(text, at, 2, 2))) {
    return false;
  }
  if (at == text.size()) return true;
  if (!(takes(' ') || takes('T'))) return false;
  if (!(reads_digits(text, at, 2, 2) && takes(':') && reads_digits(text, at, 2, 2))) return false;
  if (takes(':')) {
    if (!reads_digits(text, at, 2, 2)) return false;
    if (takes('.') && !reads_digits(text, at, 1, 6)) return false;
  }
  if (at == text.size() || (text[at] == 'Z' && at + 1 == text.size())) return true;
  if (!(takes('+') || takes('-'))) return false;
  if (!reads_digits(text, at, 2, 2)) return false;
  if (takes(':') && !reads_digits(text, at, 2, 2)) return false;
  return at == text.size();
}

/// Whether the text's meaning depends on when it is read.
bool is_relative(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view word : {"now", "today", "tomorrow", "yesterday"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

std::string moment_literal(const SqlType& type, std::string_view given, const FormatContext& format) {
  const std::string_view function = type.id == TypeId::Date          ? "pg_date"
                                    : type.id == TypeId::Time        ? "pg_time"
                                    : type.id == TypeId::TimestampTz ? "pg_timestamptz"
                                                                     : "pg_timestamp";
  if (is_relative(given)) return fmt::format("{}({})", function, duck_string(given));
  FormatContext as_read;
  as_read.dates = format.dates;
  if (type.id == TypeId::TimestampTz) {
    const Value here = parse_value(type, given, as_read);
    if (is_iso_timestamp(given)) return fmt::format("CAST({} AS {})", duck_string(given), duck_type(type));
    // Without an offset the session's zone decides; 'infinity' and 'epoch' do not need one.
    static const TimeZone* const east = find_time_zone("Asia/Tokyo");
    FormatContext elsewhere = as_read;
    elsewhere.zone = east != nullptr ? east : &utc_zone();
    if (east == nullptr || here.integer != parse_value(type, given, elsewhere).integer) {
      // Wall time, in a form that all styles read alike.
      constexpr std::size_t kYear = 4;
      if (given.find_first_not_of("0123456789") == kYear && given[kYear] == '-')
        return fmt::format("{}({})", function, duck_string(given));
      const auto wall = to_text(parse_value(SqlType::of(TypeId::Timestamp), given, as_read));
      return fmt::format("{}({})", function, duck_string(wall));
    }
    return fmt::format("CAST({} AS {})", duck_string(to_text(here)), duck_type(type));
  }
  if (type.id == TypeId::TimestampNs)
    return fmt::format("CAST({} AS {})", duck_string(given), duck_type(type));
  const std::string canonical = to_text(parse_value(type, given, as_read));
  return fmt::format("CAST({} AS {})", duck_string(canonical), duck_type(type));
}

std::string array_literal(const SqlType& type, std::string_view text, const FormatContext& format) {
  const std::string encoded = parse_array_text(text, SqlType::of(TypeId::Text));
  std::string out = "[";
  for (const auto& element : decode_array(encoded)) {
    if (out.size() > 1) out += ", ";
    out += element ? duck_literal(type.element(), *element, format) : "NULL";
  }
  out += "]";
  const bool is_plain_text = is_text_like(type.id) && out.size() > 2;
  return is_plain_text ? out : fmt::format("CAST({} AS {})", out, duck_type(type));
}

}  // namespace

std::string duck_quoted_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string duck_identifier(std::string_view name) {
  bool is_plain = !name.empty() && ((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_');
  for (const char c : name) is_plain = is_plain && ((c >= 'a' && c <= 'z') || c == '_' || is_digit(c));
  return is_plain && !is_keyword(name) ? std::string(name) : duck_quoted_identifier(name);
}

std::string duck_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + '\'';
}

std::string duck_type(const SqlType& type) {
  if (type.is_array) return duck_type(type.element()) + "[]";
  switch (type.id) {
    case TypeId::Boolean:
      return "BOOLEAN";
    case TypeId::SmallInt:
      return "SMALLINT";
    case TypeId::Integer:
      return "INTEGER";
    case TypeId::BigInt:
    case TypeId::Oid:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return "BIGINT";
    case TypeId::Real:
      return "FLOAT";
    case TypeId::Double:
      return "DOUBLE";
    case TypeId::Numeric:
      return type.precision < 0 ? std::string("DECIMAL(38,12)")
                                : fmt::format("DECIMAL({},{})", type.precision, type.scale);
    case TypeId::Bytea:
      return "BLOB";
    case TypeId::Date:
      return "DATE";
    case TypeId::Time:
      return "TIME";
    case TypeId::Timestamp:
      return "TIMESTAMP";
    case TypeId::TimestampTz:
      return "TIMESTAMPTZ";
    case TypeId::TimestampNs:
      return "TIMESTAMP_NS";
    case TypeId::Interval:
      return "INTERVAL";
    case TypeId::Uuid:
      return "UUID";
    case TypeId::Json:
      return "JSON";
    case TypeId::Jsonb:
      return "JSONB";
    case TypeId::Candlestick:
      return "CANDLESTICK";
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
    case TypeId::Enum:
      return "VARCHAR";
  }
  return "VARCHAR";
}

std::string enum_text(const EnumLabels& labels) {
  std::string text = "ENUM(";
  for (const auto& label : labels.labels) text += (text.size() > 5 ? ", " : "") + duck_string(label.text);
  // DuckDB has no type without labels: this one is longer than one can be.
  if (labels.labels.empty()) text += duck_string(std::string(EnumLabels::kMaxBytes + 1, '-'));
  return text + ")";
}

std::string duck_interval(const IntervalValue& value) {
  std::string parts;
  const auto add = [&parts](std::int64_t count, std::string_view unit) {
    if (count == 0) return;
    if (!parts.empty()) parts += ' ';
    parts += fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
  };
  add(value.months, "month");
  add(value.days, "day");
  constexpr std::int64_t kSecond = 1'000'000;
  if (value.micros % (3600 * kSecond) == 0) {
    add(value.micros / (3600 * kSecond), "hour");
  } else if (value.micros % (60 * kSecond) == 0) {
    add(value.micros / (60 * kSecond), "minute");
  } else if (value.micros % kSecond == 0) {
    add(value.micros / kSecond, "second");
  } else {
    add(value.micros, "microsecond");
  }
  if (parts.empty()) parts = "0 seconds";
  return fmt::format("INTERVAL '{}'", parts);
}

std::string duck_numeric(std::string_view text) {
  if (const std::optional<Decimal> value = parse_decimal(text)) {
    std::string digits = format_decimal(*value);
    // A whole number needs its point: without it, it would be an integer and divide like one.
    if (digits.find('.') == std::string::npos) {
      if (digit_count(value->unscaled) >= kMaxNumericDigits)
        return fmt::format("CAST('{}' AS DECIMAL(38,0))", digits);
      digits += ".0";
    }
    return digits;
  }
  throw Error(ErrorCode::InvalidTextRepresentation,
              fmt::format("invalid input syntax for type numeric: \"{}\"", text));
}

std::string duck_literal(const SqlType& type, std::string_view text, const FormatContext& format) {
  if (type.is_array) return array_literal(type, text, format);
  switch (type.id) {
    case TypeId::Boolean:
      return parse_value(type, text).integer != 0 ? "true" : "false";
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
      return to_text(parse_value(type, text));
    case TypeId::Oid:
      return to_text(parse_value(SqlType::of(TypeId::BigInt), text));
    case TypeId::Real:
    case TypeId::Double:
      return fmt::format("CAST({} AS {})", duck_string(to_text(parse_value(type, text))), duck_type(type));
    case TypeId::Numeric:
      return type.precision < 0 ? duck_numeric(text)
                                : fmt::format("CAST({} AS {})", duck_string(to_text(parse_value(type, text))),
                                              duck_type(type));
    case TypeId::Bytea: {
      const Value value = parse_value(type, text);
      std::string bytes;
      for (const char c : value.text) bytes += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
      return fmt::format("CAST('{}' AS BLOB)", bytes);
    }
    case TypeId::Date:
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
      return moment_literal(type, text, format);
    case TypeId::Interval: {
      const std::optional<IntervalValue> value = parse_interval(text, format.intervals);
      if (!value)
        throw Error(ErrorCode::InvalidDatetimeFormat,
                    fmt::format("invalid input syntax for type interval: \"{}\"", text));
      return duck_interval(*value);
    }
    case TypeId::Uuid:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Candlestick:
      return fmt::format("CAST({} AS {})", duck_string(to_text(parse_value(type, text))), duck_type(type));
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole: {
      if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos)
        return std::string(text);
      if (text == "-") return "0";
      return fmt::format("to_{}_oid({})", to_sql(type), duck_string(text));
    }
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
    case TypeId::Enum:
      return duck_string(text);
  }
  return duck_string(text);
}

}  // namespace tickstone::sql
