// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "duck/functions/json_scan.hpp"
#include "duck/functions/json_value.hpp"
#include "duck/functions/list_aggregate.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"
#include "duck/session_state.hpp"
#include "types/json_text.hpp"

namespace tickstone::duck {

namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

/// ISO 8601 with a T, as JSON wants times.
std::string iso_time(std::string text) {
  const auto space = text.find(' ');
  if (space == std::string::npos) return text;
  text[space] = 'T';
  // +00 is +00:00 here.
  const auto sign = text.find_last_of("+-");
  if (sign != std::string::npos && sign > space && text.size() - sign == 3) text += ":00";
  return text;
}

void append_list(std::string& out, const duckdb::vector<duckdb::Value>& values, const TimeZone& zone,
                 const char* separator) {
  out += '[';
  bool first = true;
  for (const auto& value : values) {
    if (!first) out += separator;
    first = false;
    append_json_value(out, value, zone);
  }
  out += ']';
}

/// The text that names a member of an object. Errors: InvalidParameterValue for NULL and composite keys.
std::string key_text(const duckdb::Value& value, std::size_t argument) {
  if (value.IsNull()) {
    throw Error(ErrorCode::InvalidParameterValue, "argument " + std::to_string(argument) + " cannot be null",
                {}, "Object keys should be text.");
  }
  if (value.type().IsNested()) {
    throw Error(ErrorCode::InvalidParameterValue, "key value must be scalar, not array, composite, or json");
  }
  return to_text(from_duck(value));
}

enum class Shape : std::uint8_t { Json, Jsonb };

duckdb::Value finished(std::string text, Shape shape) {
  if (shape == Shape::Jsonb) text = normalize_jsonb(text);
  return duckdb::Value(std::move(text));
}

template <Shape shape>
duckdb::Value build_object(const std::vector<duckdb::Value>& values, duckdb::ExpressionState& state) {
  if (values.size() % 2 != 0) {
    throw Error(ErrorCode::InvalidParameterValue, "argument list must have even number of elements", {},
                std::string("The arguments of ") + (shape == Shape::Jsonb ? "jsonb" : "json") +
                    "_build_object() must consist of alternating keys and values.");
  }
  const TimeZone& zone = SessionState::of(state.GetContext()).zone();
  std::string out = "{";
  for (std::size_t i = 0; i < values.size(); i += 2) {
    if (i > 0) out += ", ";
    append_json_string(out, key_text(values[i], i + 1));
    out += " : ";
    append_json_value(out, values[i + 1], zone);
  }
  return finished(out + "}", shape);
}

template <Shape shape>
duckdb::Value build_array(const std::vector<duckdb::Value>& values, duckdb::ExpressionState& state) {
  std::string out;
  append_list(out, {values.begin(), values.end()}, SessionState::of(state.GetContext()).zone(), ", ");
  return finished(std::move(out), shape);
}

/// json_object of one list of names and values in turn, or of two.
template <Shape shape>
duckdb::Value object_of_texts(const std::vector<duckdb::Value>& values, duckdb::ExpressionState&) {
  const auto& names = duckdb::ListValue::GetChildren(values[0]);
  const bool has_two = values.size() > 1;
  if (has_two && names.size() != duckdb::ListValue::GetChildren(values[1]).size())
    throw Error(ErrorCode::InvalidParameterValue, "mismatched array dimensions");
  if (!has_two && names.size() % 2 != 0)
    throw Error(ErrorCode::InvalidParameterValue, "array must have even number of elements");
  const std::size_t count = has_two ? names.size() : names.size() / 2;
  std::string out = "{";
  for (std::size_t i = 0; i < count; ++i) {
    const duckdb::Value& name = has_two ? names[i] : names[2 * i];
    const duckdb::Value& value = has_two ? duckdb::ListValue::GetChildren(values[1])[i] : names[2 * i + 1];
    if (name.IsNull()) throw Error(ErrorCode::NullValueNotAllowed, "null value not allowed for object key");
    if (i > 0) out += ", ";
    append_json_string(out, duckdb::StringValue::Get(name));
    out += " : ";
    if (value.IsNull()) {
      out += "null";
    } else {
      append_json_string(out, duckdb::StringValue::Get(value));
    }
  }
  return finished(out + "}", shape);
}

template <Shape shape>
duckdb::Value convert(const std::vector<duckdb::Value>& values, duckdb::ExpressionState& state) {
  if (values[0].IsNull()) return duckdb::Value();
  std::string out;
  append_json_value(out, values[0], SessionState::of(state.GetContext()).zone());
  return finished(std::move(out), shape);
}

// Aggregates have no session at hand; times in them are printed in UTC, which is the same instant.

template <Shape shape>
duckdb::Value array_of_group(const duckdb::Value& list) {
  std::string out;
  // Rows and arrays stand on lines of their own.
  const bool is_nested = duckdb::ListType::GetChildType(list.type()).IsNested();
  append_list(out, duckdb::ListValue::GetChildren(list), utc_zone(), is_nested ? ", \n " : ", ");
  return finished(std::move(out), shape);
}

template <Shape shape>
duckdb::Value object_of_group(const duckdb::Value& list) {
  std::string out = "{ ";
  bool first = true;
  for (const auto& row : duckdb::ListValue::GetChildren(list)) {
    const auto& parts = duckdb::StructValue::GetChildren(row);
    if (parts[0].IsNull()) throw Error(ErrorCode::InvalidParameterValue, "field name must not be null");
    if (!first) out += ", ";
    first = false;
    append_json_string(out, key_text(parts[0], 1));
    out += " : ";
    append_json_value(out, parts[1], utc_zone());
  }
  return finished(out + " }", shape);
}

void register_aggregate(FunctionCatalog& catalog, const std::string& name,
                        const duckdb::vector<LogicalType>& arguments, const LogicalType& result,
                        ListFinish finish) {
  duckdb::AggregateFunctionSet set(name);
  set.AddFunction(list_aggregate(name, arguments, result, finish));
  catalog.replace(std::move(set));
}

template <Shape shape>
void register_shape(FunctionCatalog& catalog, const std::string& prefix, const LogicalType& type) {
  ScalarBuilder(prefix + "_build_object")
      .boxed_with_nulls({}, type, build_object<shape>, LogicalType::ANY)
      .replace_in(catalog);
  ScalarBuilder(prefix + "_build_array")
      .boxed_with_nulls({}, type, build_array<shape>, LogicalType::ANY)
      .replace_in(catalog);
  const LogicalType texts = LogicalType::LIST(LogicalType::VARCHAR);
  ScalarBuilder("pg_" + prefix + "_object")
      .boxed({texts}, type, object_of_texts<shape>)
      .boxed({texts, texts}, type, object_of_texts<shape>)
      .replace_in(catalog);
  ScalarBuilder("to_" + prefix)
      .boxed_with_nulls({LogicalType::ANY}, type, convert<shape>)
      .replace_in(catalog);
  register_aggregate(catalog, prefix + "_agg", {LogicalType::ANY}, type, array_of_group<shape>);
  register_aggregate(catalog, prefix + "_object_agg", {LogicalType::ANY, LogicalType::ANY}, type,
                     object_of_group<shape>);
}

}  // namespace

void append_json_value(std::string& out, const duckdb::Value& value, const TimeZone& zone) {
  if (value.IsNull()) {
    out += "null";
    return;
  }
  const LogicalType& type = value.type();
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      out += value.GetValueUnsafe<bool>() ? "true" : "false";
      return;
    case LogicalTypeId::VARCHAR:
      if (is_json(type)) {
        out += duckdb::StringValue::Get(value);
      } else {
        append_json_string(out, duckdb::StringValue::Get(value));
      }
      return;
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
      append_list(out,
                  type.id() == LogicalTypeId::LIST ? duckdb::ListValue::GetChildren(value)
                                                   : duckdb::ArrayValue::GetChildren(value),
                  zone, ",");
      return;
    case LogicalTypeId::STRUCT: {
      const auto& parts = duckdb::StructValue::GetChildren(value);
      out += '{';
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out += ',';
        std::string name =
            duckdb::StructType::IsUnnamed(type) ? "" : duckdb::StructType::GetChildName(type, i);
        if (name.empty()) name = "f" + std::to_string(i + 1);
        append_json_string(out, name);
        out += ':';
        append_json_value(out, parts[i], zone);
      }
      out += '}';
      return;
    }
    default:
      break;
  }
  const Value ours = from_duck(value);
  FormatContext context;
  context.zone = &zone;
  std::string text = to_text(ours, context);
  switch (ours.type.id) {
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Numeric:
      out += text;
      return;
    case TypeId::Real:
    case TypeId::Double:
      if (std::isfinite(ours.number)) {
        out += text;
        return;
      }
      break;
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      text = iso_time(std::move(text));
      break;
    default:
      break;
  }
  append_json_string(out, text);
}

void register_json_building(FunctionCatalog& catalog) {
  register_shape<Shape::Json>(catalog, "json", LogicalType::JSON());
  register_shape<Shape::Jsonb>(catalog, "jsonb", jsonb_type());
  catalog.alias("row_to_json", "to_json");
  catalog.alias("array_to_json", "to_json");
}

}  // namespace tickstone::duck
