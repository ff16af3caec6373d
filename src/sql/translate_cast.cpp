// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

std::string Translator::as_text(const Typed& value) {
  if (!value.type) return fmt::format("CAST({} AS VARCHAR)", value.text);
  if (value.type->is_array) return fmt::format("pg_text({})", value.text);
  switch (value.type->id) {
    case TypeId::Numeric:
      // A literal is not printed with more digits than it was written with.
      if (value.is_number && value.literal.find_first_of("eE") == std::string::npos)
        return duck_string(value.literal);
      return fmt::format("pg_text({})", value.text);
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Interval:
    case TypeId::Bytea:
    case TypeId::TimestampTz:
    case TypeId::Timestamp:
    case TypeId::Jsonb:
    case TypeId::Candlestick:
      return fmt::format("pg_text({})", value.text);
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return fmt::format("{}_name({})", to_sql(*value.type), value.text);
    default:
      break;
  }
  return is_text_like(value.type->id) ? value.text : fmt::format("CAST({} AS VARCHAR)", value.text);
}

Typed Translator::cast_to(Typed value, const SqlType& type, const PgQuery__TypeName* name) {
  if (type.id == TypeId::Enum) return cast_to_enum(std::move(value), type);
  const bool is_text = is_text_like(type.id) && type.id != TypeId::InternalChar;
  if (value.type && value.type->id == TypeId::Enum && !is_text) {
    throw located(Error(ErrorCode::CannotCoerce,
                        fmt::format("cannot cast type {} to {}", type_words(value.type), to_sql(type))),
                  value.location);
  }
  Typed out;
  out.type = type;
  out.location = value.location;
  if (value.form == Typed::Form::UnknownLiteral && type.id == TypeId::Interval && !type.is_array &&
      name != nullptr) {
    if (name->n_typmods > 1) refuse("an interval with a precision", value.location);
    value.literal = interval_with_fields(value.literal, *name);
  }
  if (value.form != Typed::Form::Plain) {
    const bool has_length =
        (type.id == TypeId::Varchar || type.id == TypeId::Char) && type.precision >= 0 && !type.is_array;
    if (!has_length) return coerced(std::move(value), type);
    value = coerced(std::move(value), SqlType::of(TypeId::Text));
  }
  if (value.type == type && type.precision < 0) return value;
  const std::string& text = value.text;
  // DuckDB has more casts of Booleans.
  const bool is_of_one =
      value.type && !value.type->is_array && !type.is_array && value.form == Typed::Form::Plain;
  const bool is_other_number = type.id == TypeId::SmallInt || type.id == TypeId::BigInt ||
                               type.id == TypeId::Numeric || type.id == TypeId::Real ||
                               type.id == TypeId::Double;
  if (is_of_one && ((value.type->id == TypeId::Boolean && is_other_number) ||
                    (type.id == TypeId::Boolean && value.type->id != TypeId::Integer &&
                     (is_integer(value.type->id) || value.type->id == TypeId::Numeric ||
                      value.type->id == TypeId::Real || value.type->id == TypeId::Double)))) {
    throw located(Error(ErrorCode::CannotCoerce,
                        fmt::format("cannot cast type {} to {}", to_sql(*value.type), to_sql(type))),
                  value.location);
  }
  if (type.is_array) {
    if (value.type && !value.type->is_array && is_text_like(value.type->id)) {
      const std::string array = fmt::format("pg_text_array({})", text);
      out.text = is_text_like(type.id) ? array : fmt::format("CAST({} AS {})", array, duck_type(type));
    } else if (value.has_type(TypeId::Int2Vector) || value.has_type(TypeId::OidVector)) {
      out.text = fmt::format("pg_vector_list({})", text);
    } else {
      out.text = fmt::format("CAST({} AS {})", text, duck_type(type));
    }
    return out;
  }
  switch (type.id) {
    case TypeId::Numeric:
      if (is_wide_) {
        out.text = value.has_type(TypeId::Numeric) ? text : fmt::format("pg_wide({})", text);
        out.is_atomic = value.is_atomic || out.text != text;
        if (type.precision < 0) return out;
        out.text = fmt::format("pg_wide_typmod({}, {}, {})", out.text, type.precision, type.scale);
        out.is_atomic = true;
        return out;
      }
      if (type.precision >= 0) {
        if (value.type && is_text_like(value.type->id)) break;
        const bool is_exact = value.type && !value.type->is_array &&
                              (is_integer(value.type->id) || value.type->id == TypeId::Numeric);
        out.text = is_exact ? fmt::format("pg_numeric_typmod({}, {}, {})", text, type.precision, type.scale)
                            : fmt::format("CAST(pg_wide_typmod(pg_wide({}), {}, {}) AS DECIMAL({}, {}))",
                                          text, type.precision, type.scale, type.precision, type.scale);
        return out;
      }
      if (value.is_number && value.literal.find_first_not_of("-0123456789") == std::string::npos &&
          value.literal.size() < 18) {
        // A whole number as written is an integer to DuckDB.
        out.text = fmt::format("CAST({} AS DECIMAL(18,0))", value.literal);
      } else if (value.is_number) {
        out.text = duck_numeric(value.literal);
        out.literal = value.literal;
        out.is_number = true;
        out.is_atomic = value.is_atomic;
      } else if (value.has_type(TypeId::SmallInt) || value.has_type(TypeId::Integer) ||
                 value.has_type(TypeId::BigInt)) {
        out.text = fmt::format("CAST({} AS DECIMAL({},0))", text, value.type->id == TypeId::BigInt ? 19 : 10);
      } else if (value.has_type(TypeId::Numeric)) {
        out.text = text;
        out.is_atomic = value.is_atomic;
      } else {
        out.text = fmt::format("pg_cast_numeric({})", text);
      }
      return out;
    case TypeId::Text:
    case TypeId::Name:
      value = unpadded(std::move(value));
      out.text = as_text(value);
      out.is_atomic = value.is_atomic || out.text != value.text;
      return out;
    case TypeId::Varchar:
    case TypeId::Char: {
      if (type.id == TypeId::Varchar) value = unpadded(std::move(value));
      const std::string as = as_text(value);
      out.text = type.precision < 0           ? as
                 : type.id == TypeId::Varchar ? fmt::format("left({}, {})", as, type.precision)
                                              : fmt::format("rpad({}, {}, ' ')", as, type.precision);
      out.is_atomic = value.is_atomic || out.text != value.text;
      return out;
    }
    case TypeId::InternalChar:
      out.text = fmt::format("left({}, 1)", as_text(value));
      return out;
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      if (value.type && is_text_like(value.type->id)) {
        out.text = fmt::format("to_{}_oid({})", to_sql(type), text);
      } else {
        out.text = text;
        out.is_atomic = value.is_atomic;
      }
      return out;
    case TypeId::Oid:
      if (value.type && (is_object_name(value.type->id) || value.type->id == TypeId::Oid)) {
        out.text = text;
        out.is_atomic = value.is_atomic;
        return out;
      }
      break;
    case TypeId::Interval:
      if (!value.has_type(TypeId::Time)) break;
      out.text = fmt::format("to_microseconds(epoch_us({}))", text);
      return out;
    case TypeId::Time:
      if (value.has_type(TypeId::Interval)) {
        // What is left of whole days.
        out.text = fmt::format("(TIME '00:00:00' + {})", operand(value));
        return out;
      }
      if (!value.has_type(TypeId::TimestampTz)) break;
      out.text = fmt::format("CAST(CAST({} AS TIMESTAMP) AS TIME)", text);
      return out;
    case TypeId::Timestamp:
    case TypeId::TimestampTz: {
      const std::string cast = fmt::format("CAST({} AS {})", text, duck_type(type));
      // Fewer fraction digits round.
      out.text = type.precision == 0
                     ? fmt::format("date_trunc('second', {} + INTERVAL '500 milliseconds')", cast)
                 : type.precision == 3
                     ? fmt::format("date_trunc('millisecond', {} + INTERVAL '500 microseconds')", cast)
                     : cast;
      return out;
    }
    default:
      break;
  }
  out.text = fmt::format("CAST({} AS {})", text, duck_type(type));
  return out;
}

Typed Translator::type_cast(const PgQuery__TypeCast& cast, const Scope& scope) {
  const std::string_view bare = bare_type_name(*cast.type_name);
  if (bare == "regprocedure" || bare == "regconfig") {
    // Types we do not have: their values are texts or oids that the functions of that name turn around.
    Typed value = expression(cast.arg, scope);
    const bool is_name =
        value.form == Typed::Form::UnknownLiteral || (value.type && is_text_like(value.type->id));
    if (is_name) return plain(fmt::format("to_regproc_oid({})", value.text), SqlType::of(TypeId::Oid));
    value.type = SqlType::of(TypeId::Regproc);
    return value;
  }
  std::optional<NameLookup::UserType> user_type;
  const SqlType type = sql_type_of(*tree_, *cast.type_name, lookup_, &user_type);
  Typed value = expression(cast.arg, scope);
  if (value.location < 0) value.location = cast.location;
  value = cast_to(std::move(value), type, cast.type_name);
  return user_type && user_type->domain != 0 ? checked_domain(std::move(value), *user_type) : value;
}

}  // namespace tickstone::sql
