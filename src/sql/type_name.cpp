// SPDX-License-Identifier: Apache-2.0
#include "sql/type_name.hpp"

#include <array>
#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "types/interval.hpp"

namespace tickstone::sql {

namespace {

constexpr std::array<std::string_view, 39> kKnownElsewhere = {
    "bit",         "varbit",   "money",     "inet",          "cidr",     "macaddr",  "macaddr8",  "xml",
    "point",       "line",     "lseg",      "box",           "path",     "polygon",  "circle",    "tsvector",
    "tsquery",     "timetz",   "int4range", "int8range",     "numrange", "tsrange",  "tstzrange", "daterange",
    "hstore",      "jsonpath", "pg_lsn",    "txid_snapshot", "xid",      "cid",      "tid",       "regproc",
    "regoperator", "regoper",  "regconfig", "refcursor",     "citext",   "geometry", "vector"};

bool is_known_elsewhere(std::string_view name) {
  for (const std::string_view known : kKnownElsewhere) {
    if (known == name) return true;
  }
  return false;
}

// The bits of an interval's modifier: the fields that its type names.
constexpr int kMonthField = 1 << 1;
constexpr int kDayField = 1 << 3;
constexpr int kHourField = 1 << 10;
constexpr int kMinuteField = 1 << 11;
constexpr int kSecondField = 1 << 12;
constexpr int kFullRange = 0x7FFF;

int integer_modifier(const ParseTree& tree, const PgQuery__TypeName& name, std::size_t index) {
  const Node* node = name.typmods[index];
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
      node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
    return node->a_const->ival->ival;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_INTEGER) return node->integer->ival;
  throw Error(ErrorCode::SyntaxError, "type modifiers must be simple constants or identifiers")
      .at(tree.position(name.location));
}

void apply_modifiers(const ParseTree& tree, const PgQuery__TypeName& name, SqlType& type) {
  if (name.n_typmods == 0) return;
  const auto fail = [&](const std::string& message) {
    throw Error(ErrorCode::InvalidParameterValue, message).at(tree.position(name.location));
  };
  const int first = integer_modifier(tree, name, 0);
  switch (type.id) {
    case TypeId::Numeric: {
      if (name.n_typmods > 2) fail("invalid NUMERIC type modifier");
      if (first < 1 || first > 1000)
        fail(fmt::format("NUMERIC precision {} must be between 1 and 1000", first));
      const int scale = name.n_typmods == 2 ? integer_modifier(tree, name, 1) : 0;
      if (scale < -1000 || scale > 1000)
        fail(fmt::format("NUMERIC scale {} must be between -1000 and 1000", scale));
      if (first > 38 || scale > first || scale < 0) {
        throw Error(ErrorCode::FeatureNotSupported,
                    fmt::format("type numeric({},{}) is not supported", first, scale), {},
                    "NUMERIC holds up to 38 digits, and its scale lies between 0 and its precision.")
            .at(tree.position(name.location));
      }
      type.precision = static_cast<std::int16_t>(first);
      type.scale = static_cast<std::int16_t>(scale);
      return;
    }
    case TypeId::Varchar:
    case TypeId::Char: {
      const char* word = type.id == TypeId::Varchar ? "varchar" : "char";
      if (first < 1) fail(fmt::format("length for type {} must be at least 1", word));
      if (first > 10485760) fail(fmt::format("length for type {} cannot exceed 10485760", word));
      // A longer limit than the type can say is no limit.
      type.precision = first > INT16_MAX ? std::int16_t{-1} : static_cast<std::int16_t>(first);
      return;
    }
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs: {
      if (first < 0) fail(fmt::format("TIMESTAMP({}) precision must not be negative", first));
      const int most = type.id == TypeId::TimestampNs ? 9 : 6;
      type.precision = static_cast<std::int16_t>(first > most ? most : first);
      return;
    }
    case TypeId::Interval:
      if (name.n_typmods == 2)
        type.precision = static_cast<std::int16_t>(std::min(integer_modifier(tree, name, 1), 6));
      return;
    default:
      break;
  }
  throw Error(ErrorCode::SyntaxError,
              fmt::format("type modifier is not allowed for type \"{}\"", bare_type_name(name)))
      .at(tree.position(name.location));
}

}  // namespace

std::string_view bare_type_name(const PgQuery__TypeName& name) {
  return name.n_names > 0 ? string_of(name.names[name.n_names - 1]) : std::string_view();
}

namespace {

/// A type that is not one of a user's; nothing where there is none of that name.
std::optional<SqlType> built_in_type(const ParseTree& tree, const PgQuery__TypeName& name, bool* is_serial) {
  const std::string_view bare = bare_type_name(name);
  if (name.pct_type != 0 || name.setof != 0) {
    throw Error(ErrorCode::FeatureNotSupported,
                name.setof != 0 ? "SETOF is not supported" : "%TYPE is not supported")
        .at(tree.position(name.location));
  }
  SqlType type;
  const bool is_qualified = name.n_names > 1;
  const std::string_view schema = is_qualified ? string_of(name.names[name.n_names - 2]) : "";
  std::optional<TypeId> id;
  if (!is_qualified || schema == "pg_catalog" || schema == "public") id = type_id_from_name(bare);
  if (is_serial != nullptr && !is_qualified && !id) {
    if (bare == "serial" || bare == "serial4") id = TypeId::Integer;
    if (bare == "bigserial" || bare == "serial8") id = TypeId::BigInt;
    if (bare == "smallserial" || bare == "serial2") id = TypeId::SmallInt;
    *is_serial = id.has_value();
    if (*is_serial && name.n_array_bounds > 0) {
      throw Error(ErrorCode::FeatureNotSupported, "array of serial is not implemented")
          .at(tree.position(name.location));
    }
  }
  if (!id && !is_qualified && bare.starts_with('_')) {  // PostgreSQL's names of array types: _text
    id = type_id_from_name(bare.substr(1));
    type.is_array = id.has_value();
  }
  if (!id || *id == TypeId::Unknown) return std::nullopt;
  type.id = *id;
  type.is_array = type.is_array || name.n_array_bounds > 0;
  apply_modifiers(tree, name, type);
  // CHAR without a length is CHAR(1); "bpchar" by name has none.
  return type;
}

QualifiedName qualified_name_of(const ParseTree& tree, const PgQuery__TypeName& name) {
  return {name.n_names > 1 ? string_of(name.names[name.n_names - 2]) : "", std::string(bare_type_name(name)),
          tree.position(name.location)};
}

[[noreturn]] void throw_undefined(const ParseTree& tree, const PgQuery__TypeName& name) {
  fail_unknown_type(qualified_name_of(tree, name));
}

}  // namespace

void fail_unknown_type(const QualifiedName& type) {
  if (is_known_elsewhere(type.name)) {
    throw Error(ErrorCode::FeatureNotSupported, fmt::format("type {} is not supported", type.name))
        .at(type.position);
  }
  throw Error(ErrorCode::UndefinedObject, fmt::format("type \"{}{}{}\" does not exist", type.schema,
                                                      type.schema.empty() ? "" : ".", type.name))
      .at(type.position);
}

SqlType sql_type_of(const ParseTree& tree, const PgQuery__TypeName& name, bool* is_serial) {
  if (const auto type = built_in_type(tree, name, is_serial)) return *type;
  throw_undefined(tree, name);
}

SqlType sql_type_of(const ParseTree& tree, const PgQuery__TypeName& name, const NameLookup& lookup,
                    std::optional<NameLookup::UserType>* user_type) {
  if (const auto type = built_in_type(tree, name, nullptr)) return *type;
  QualifiedName wanted = qualified_name_of(tree, name);
  auto found = lookup.find_user_type(wanted.schema, wanted.name);
  bool is_array = name.n_array_bounds > 0;
  if (!found && wanted.name.starts_with('_')) {  // PostgreSQL's names of array types
    found = lookup.find_user_type(wanted.schema, wanted.name.substr(1));
    is_array = true;
  }
  if (!found) throw_undefined(tree, name);
  if (name.n_typmods > 0) {
    throw Error(ErrorCode::SyntaxError,
                fmt::format("type modifier is not allowed for type \"{}\"", wanted.name))
        .at(wanted.position);
  }
  SqlType type = found->type;
  if (is_array && found->domain != 0) {
    throw Error(ErrorCode::FeatureNotSupported, "arrays of domains are not supported").at(wanted.position);
  }
  type.is_array = type.is_array || is_array;
  if (user_type != nullptr) *user_type = std::move(found);
  return type;
}

WrittenType written_type_of(const ParseTree& tree, const PgQuery__TypeName& name, bool* is_serial) {
  if (const auto type = built_in_type(tree, name, is_serial)) return {*type, {}};
  if (name.n_typmods > 0) throw_undefined(tree, name);
  WrittenType written{SqlType::of(TypeId::Unknown), qualified_name_of(tree, name)};
  written.type.is_array = name.n_array_bounds > 0;
  return written;
}

std::string interval_with_fields(std::string_view literal, const PgQuery__TypeName& name) {
  int fields = kFullRange;
  if (name.n_typmods > 0) {
    const Node* node = name.typmods[0];
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      fields = node->a_const->ival->ival;
    }
  }
  if (fields == kFullRange) return std::string(literal);
  const bool is_number = literal.find_first_not_of("0123456789.+- ") == std::string_view::npos &&
                         literal.find('-', 1) == std::string_view::npos;
  if (is_number) {
    // A bare number counts the last field.
    const char* unit = (fields & kSecondField) != 0   ? "second"
                       : (fields & kMinuteField) != 0 ? "minute"
                       : (fields & kHourField) != 0   ? "hour"
                       : (fields & kDayField) != 0    ? "day"
                       : (fields & kMonthField) != 0  ? "month"
                                                      : "year";
    return fmt::format("{} {}", literal, unit);
  }
  if (fields == (kMinuteField | kSecondField) && std::count(literal.begin(), literal.end(), ':') == 1) {
    return fmt::format("{}{}", literal.starts_with('-') ? "-00:" : "00:",
                       literal.starts_with('-') ? literal.substr(1) : literal);
  }
  const std::optional<IntervalValue> value = parse_interval(literal);
  if (!value) return std::string(literal);
  IntervalValue cut = *value;
  constexpr std::int64_t kMinuteMicros = 60'000'000;
  if ((fields & kSecondField) == 0) {
    const std::int64_t unit = (fields & kMinuteField) != 0 ? kMinuteMicros
                              : (fields & kHourField) != 0 ? 60 * kMinuteMicros
                                                           : INT64_MAX;
    cut.micros = unit == INT64_MAX ? 0 : cut.micros / unit * unit;
  }
  if ((fields & (kDayField | kHourField | kMinuteField | kSecondField)) == 0) {
    cut.days = 0;
    if ((fields & kMonthField) == 0) cut.months = cut.months / 12 * 12;
  }
  return format_interval(cut);
}

}  // namespace tickstone::sql
