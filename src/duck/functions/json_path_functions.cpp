// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tickstone/error.hpp>

#include "duck/functions/json_path.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"

namespace tickstone::duck {
namespace {

using duckdb::LogicalType;
using Values = std::vector<duckdb::Value>;

duckdb::Value value_of(const JsonNode& node) {
  std::string text;
  append_json(text, node);
  return duckdb::Value(std::move(text));
}

/// What the path finds; nothing after an error that is to be passed over. `values`: target, path, perhaps
/// variables and whether to be silent.
std::optional<std::vector<JsonNode>> found(const Values& values) {
  const auto text = [&](std::size_t i) -> const std::string& { return duckdb::StringValue::Get(values[i]); };
  const JsonPath path = parse_json_path(text(1));
  JsonNode variables;
  variables.kind = JsonNode::Kind::Object;
  if (values.size() > 2) variables = parse_json(text(2), JsonUse::Decode);
  if (variables.kind != JsonNode::Kind::Object)
    throw Error(ErrorCode::InvalidParameterValue, "\"vars\" argument is not an object", {},
                "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.");
  const bool is_silent = values.size() > 3 && values[3].GetValue<bool>();
  try {
    return query_json_path(path, parse_json(text(0), JsonUse::Decode), variables);
  } catch (const Error& error) {
    const bool is_of_values =
        error.code() == ErrorCode::InvalidParameterValue || error.code() == ErrorCode::DivisionByZero;
    if (!is_silent || !is_of_values) throw;
    return std::nullopt;
  }
}

bool is_silent(const Values& values) { return values.size() > 3 && values[3].GetValue<bool>(); }

duckdb::Value all_of(const Values& values) {
  duckdb::vector<duckdb::Value> children;
  if (const auto items = found(values)) {
    for (const JsonNode& item : *items) children.push_back(value_of(item).DefaultCastAs(jsonb_type()));
  }
  return duckdb::Value::LIST(jsonb_type(), std::move(children));
}

duckdb::Value array_of(const Values& values) {
  JsonNode array;
  array.kind = JsonNode::Kind::Array;
  if (auto items = found(values)) array.elements = std::move(*items);
  return value_of(array);
}

duckdb::Value first_of(const Values& values) {
  const auto items = found(values);
  return !items || items->empty() ? duckdb::Value(jsonb_type()) : value_of(items->front());
}

duckdb::Value exists(const Values& values) {
  const auto items = found(values);
  return items ? duckdb::Value::BOOLEAN(!items->empty()) : duckdb::Value(LogicalType::BOOLEAN);
}

duckdb::Value match(const Values& values) {
  const auto items = found(values);
  const duckdb::Value unknown(LogicalType::BOOLEAN);
  if (!items) return unknown;
  if (items->size() == 1) {
    const auto kind = items->front().kind;
    if (kind == JsonNode::Kind::True || kind == JsonNode::Kind::False)
      return duckdb::Value::BOOLEAN(kind == JsonNode::Kind::True);
    if (kind == JsonNode::Kind::Null) return unknown;
  }
  if (is_silent(values)) return unknown;
  throw Error(ErrorCode::InvalidParameterValue, "single boolean result is expected");
}

void add(FunctionCatalog& catalog, const char* name, const LogicalType& result,
         duckdb::Value (*body)(const Values&)) {
  const LogicalType json = jsonb_type(), text = LogicalType::VARCHAR, boolean = LogicalType::BOOLEAN;
  ScalarBuilder builder(name);
  const auto call = [body](const auto& values, auto&) { return body(values); };
  builder.boxed({json, text}, result, call).boxed({json, text, json}, result, call);
  builder.boxed({json, text, json, boolean}, result, call).replace_in(catalog);
}

}  // namespace

void register_json_path(FunctionCatalog& catalog) {
  add(catalog, "pg_jsonb_path_query", LogicalType::LIST(jsonb_type()), all_of);
  add(catalog, "pg_jsonb_path_query_array", jsonb_type(), array_of);
  add(catalog, "pg_jsonb_path_query_first", jsonb_type(), first_of);
  add(catalog, "pg_jsonb_path_exists", LogicalType::BOOLEAN, exists);
  add(catalog, "pg_jsonb_path_match", LogicalType::BOOLEAN, match);
  // The operators pass errors over.
  using Body = duckdb::Value (*)(const Values&);
  for (const auto& [name, body] : {std::pair<const char*, Body>{"pg_jsonb_path_exists_silently", exists},
                                   std::pair<const char*, Body>{"pg_jsonb_path_match_silently", match}}) {
    ScalarBuilder(name)
        .boxed({jsonb_type(), LogicalType::VARCHAR}, LogicalType::BOOLEAN,
               [body = body](const auto& values, auto&) {
                 return body({values[0], values[1], duckdb::Value("{}"), duckdb::Value::BOOLEAN(true)});
               })
        .replace_in(catalog);
  }
}

}  // namespace tickstone::duck
