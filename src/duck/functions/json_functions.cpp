// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/functions.hpp"
#include "duck/functions/json_path.hpp"
#include "duck/functions/json_scan.hpp"
#include "duck/functions/json_value.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"
#include "types/json_node.hpp"

// PostgreSQL's functions and operators of json and jsonb. What only looks into a value scans its text; what
// makes a new one goes through a tree.

namespace tickstone::duck {

namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::StringVector;
using duckdb::Vector;

LogicalType text_list() { return LogicalType::LIST(LogicalType::VARCHAR); }

std::vector<std::string> texts_of(const duckdb::Value& list) {
  std::vector<std::string> texts;
  for (const auto& child : duckdb::ListValue::GetChildren(list)) {
    if (!child.IsNull()) texts.push_back(duckdb::StringValue::Get(child));
  }
  return texts;
}

duckdb::Value text_value(std::string text) { return duckdb::Value(std::move(text)); }

/// `->` and `->>`: with a text a member, with a number an element. A jsonb that is a scalar is its own first
/// and only element.
template <bool as_text, typename Key, bool is_b>
void get_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::ExecuteWithNulls<string_t, Key, string_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [&](string_t json, Key key, duckdb::ValidityMask& mask, idx_t row) {
        std::optional<std::string_view> found;
        if constexpr (std::is_same_v<Key, string_t>) {
          if (json_kind(view_of(json)) == JsonKind::Object) found = json_member(view_of(json), view_of(key));
        } else {
          const JsonKind kind = json_kind(view_of(json));
          if (is_b && kind != JsonKind::Array && kind != JsonKind::Object) {
            if (key == 0 || key == -1) found = json_trimmed(view_of(json));
          } else {
            found = json_element(view_of(json), key);
          }
        }
        if (found && as_text) {
          if (const auto text = json_text_value(*found)) return StringVector::AddString(result, *text);
          found = std::nullopt;
        }
        if (!found) {
          mask.SetInvalid(row);
          return string_t();
        }
        return StringVector::AddString(result, found->data(), found->size());
      });
}

template <bool as_text>
void register_get(FunctionCatalog& catalog, const std::string& name) {
  ScalarBuilder builder(name);
  const auto add = [&]<bool is_b>(const LogicalType& json) {
    const LogicalType result = as_text ? LogicalType::VARCHAR : json;
    builder.overload({name, {json, LogicalType::VARCHAR}, result, get_loop<as_text, string_t, is_b>});
    builder.overload({name, {json, LogicalType::BIGINT}, result, get_loop<as_text, std::int64_t, is_b>});
  };
  add.template operator()<true>(jsonb_type());
  add.template operator()<false>(LogicalType::JSON());
  builder.replace_in(catalog);
}

template <bool as_text>
void register_path(FunctionCatalog& catalog, const std::string& name) {
  ScalarBuilder builder(name);
  const auto at_path = [](const std::string& json, const std::vector<std::string>& path) -> duckdb::Value {
    const auto found = json_at_path(json, path);
    if (!found) return duckdb::Value();
    if (!as_text) return text_value(std::string(*found));
    auto text = json_text_value(*found);
    return text ? text_value(std::move(*text)) : duckdb::Value();
  };
  for (const auto& json : {jsonb_type(), LogicalType::JSON()}) {
    const LogicalType result = as_text ? LogicalType::VARCHAR : json;
    builder.boxed({json, text_list()}, result, [at_path](const auto& values, auto&) -> duckdb::Value {
      for (const auto& step : duckdb::ListValue::GetChildren(values[1])) {
        if (step.IsNull()) return duckdb::Value();
      }
      return at_path(duckdb::StringValue::Get(values[0]), texts_of(values[1]));
    });
    builder.boxed_with_nulls(
        {json, LogicalType::VARCHAR}, result,
        [at_path](const auto& values, auto&) -> duckdb::Value {
          std::vector<std::string> path;
          for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i].IsNull()) return duckdb::Value();
            if (i > 0) path.push_back(duckdb::StringValue::Get(values[i]));
          }
          return at_path(duckdb::StringValue::Get(values[0]), path);
        },
        LogicalType::VARCHAR);
  }
  builder.replace_in(catalog);
}

bool exists(std::string_view json, std::string_view key) {
  switch (json_kind(json)) {
    case JsonKind::Object:
      return json_member(json, key).has_value();
    case JsonKind::Array:
      for (const auto element : json_elements(json)) {
        if (json_kind(element) == JsonKind::String && json_string(element) == key) return true;
      }
      return false;
    case JsonKind::String:
      return json_string(json_trimmed(json)) == key;
    default:
      return false;
  }
}

void register_exists(FunctionCatalog& catalog) {
  ScalarBuilder("jsonb_exists")
      .overload({"",
                 {jsonb_type(), LogicalType::VARCHAR},
                 LogicalType::BOOLEAN,
                 [](DataChunk& arguments, ExpressionState&, Vector& result) {
                   BinaryExecutor::Execute<string_t, string_t, bool>(
                       arguments.data[0], arguments.data[1], result, arguments.size(),
                       [](string_t json, string_t key) { return exists(view_of(json), view_of(key)); });
                 }})
      .replace_in(catalog);
  for (const bool all : {false, true}) {
    ScalarBuilder(all ? "jsonb_exists_all" : "jsonb_exists_any")
        .boxed({jsonb_type(), text_list()}, LogicalType::BOOLEAN,
               [all](const auto& values, auto&) {
                 const std::string& json = duckdb::StringValue::Get(values[0]);
                 for (const auto& key : texts_of(values[1])) {
                   if (exists(json, key) != all) return duckdb::Value::BOOLEAN(!all);
                 }
                 return duckdb::Value::BOOLEAN(all);
               })
        .replace_in(catalog);
  }
}

const char* kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::Null:
      return "null";
    case JsonKind::Boolean:
      return "boolean";
    case JsonKind::Number:
      return "number";
    case JsonKind::String:
      return "string";
    case JsonKind::Array:
      return "array";
    case JsonKind::Object:
      return "object";
  }
  return "null";
}

bool contains(const JsonNode& outer, const JsonNode& inner, bool is_top = true) {
  using Kind = JsonNode::Kind;
  if (outer.kind == Kind::Object && inner.kind == Kind::Object) {
    for (const auto& [name, value] : inner.members) {
      bool found = false;
      for (const auto& [other, other_value] : outer.members) {
        if (other == name) found = contains(other_value, value, false);
      }
      if (!found) return false;
    }
    return true;
  }
  if (outer.kind == Kind::Array && inner.kind == Kind::Array) {
    for (const auto& value : inner.elements) {
      bool found = false;
      for (const auto& other : outer.elements) found = found || contains(other, value, false);
      if (!found) return false;
    }
    return true;
  }
  // At the top an array contains a scalar that is one of its elements.
  const bool is_scalar = inner.kind != Kind::Object && inner.kind != Kind::Array;
  if (is_top && outer.kind == Kind::Array && is_scalar) {
    for (const auto& other : outer.elements) {
      if (compare_json(other, inner) == 0) return true;
    }
    return false;
  }
  return compare_json(outer, inner) == 0;
}

JsonNode node_of(const duckdb::Value& value) {
  return parse_json(duckdb::StringValue::Get(value), JsonUse::Decode);
}

bool list_contains(const duckdb::Value& outer, const duckdb::Value& inner) {
  const auto& have = duckdb::ListValue::GetChildren(outer);
  for (const auto& wanted : duckdb::ListValue::GetChildren(inner)) {
    if (wanted.IsNull()) return false;
    bool found = false;
    for (const auto& one : have) found = found || (!one.IsNull() && one == wanted);
    if (!found) return false;
  }
  return true;
}

bool list_overlaps(const duckdb::Value& left, const duckdb::Value& right) {
  for (const auto& a : duckdb::ListValue::GetChildren(left)) {
    for (const auto& b : duckdb::ListValue::GetChildren(right)) {
      if (!a.IsNull() && !b.IsNull() && a == b) return true;
    }
  }
  return false;
}

/// `@>` and `<@` of arrays and jsonb alike.
void register_contains(FunctionCatalog& catalog, const std::string& name, bool is_swapped) {
  const LogicalType list = LogicalType::LIST(LogicalType::TEMPLATE("T"));
  ScalarBuilder(name)
      .boxed({jsonb_type(), jsonb_type()}, LogicalType::BOOLEAN,
             [is_swapped](const auto& values, auto&) {
               const JsonNode left = node_of(values[is_swapped ? 1 : 0]);
               const JsonNode right = node_of(values[is_swapped ? 0 : 1]);
               return duckdb::Value::BOOLEAN(contains(left, right));
             })
      .boxed({list, list}, LogicalType::BOOLEAN,
             [is_swapped](const auto& values, auto&) {
               return duckdb::Value::BOOLEAN(
                   list_contains(values[is_swapped ? 1 : 0], values[is_swapped ? 0 : 1]));
             })
      .replace_in(catalog);
}

/// Functions that give lists, which the rewriter unnests.
void register_parts(FunctionCatalog& catalog) {
  for (const bool is_b : {true, false}) {
    const LogicalType json = is_b ? jsonb_type() : LogicalType::JSON();
    const std::string prefix = is_b ? "jsonb_" : "json_";
    ScalarBuilder("pg_" + prefix + "array_elements")
        .boxed({json}, LogicalType::LIST(json),
               [json](const auto& values, auto&) {
                 const std::string& text = duckdb::StringValue::Get(values[0]);
                 if (json_kind(text) != JsonKind::Array) {
                   throw Error(ErrorCode::InvalidParameterValue,
                               json_kind(text) == JsonKind::Object ? "cannot extract elements from an object"
                                                                   : "cannot extract elements from a scalar");
                 }
                 duckdb::vector<duckdb::Value> elements;
                 for (const auto element : json_elements(text)) {
                   duckdb::Value value{std::string(element)};
                   value.Reinterpret(json);
                   elements.push_back(std::move(value));
                 }
                 return duckdb::Value::LIST(json, std::move(elements));
               })
        .replace_in(catalog);
    ScalarBuilder("pg_" + prefix + "array_elements_text")
        .boxed({json}, text_list(),
               [](const auto& values, auto&) {
                 duckdb::vector<duckdb::Value> elements;
                 const std::string& json_array = duckdb::StringValue::Get(values[0]);
                 if (json_kind(json_array) != JsonKind::Array) {
                   throw Error(ErrorCode::InvalidParameterValue,
                               json_kind(json_array) == JsonKind::Object
                                   ? "cannot extract elements from an object"
                                   : "cannot extract elements from a scalar");
                 }
                 for (const auto element : json_elements(json_array)) {
                   auto text = json_text_value(element);
                   elements.push_back(text ? duckdb::Value(*text) : duckdb::Value(LogicalType::VARCHAR));
                 }
                 return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(elements));
               })
        .replace_in(catalog);
    ScalarBuilder("pg_" + prefix + "object_keys")
        .boxed({json}, text_list(),
               [](const auto& values, auto&) {
                 const std::string& text = duckdb::StringValue::Get(values[0]);
                 if (json_kind(text) != JsonKind::Object) {
                   throw Error(ErrorCode::InvalidParameterValue,
                               json_kind(text) == JsonKind::Array
                                   ? "cannot call jsonb_object_keys on an array"
                                   : "cannot call jsonb_object_keys on a scalar");
                 }
                 duckdb::vector<duckdb::Value> keys;
                 for (const auto& [name, value] : json_members(text)) keys.emplace_back(name);
                 return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(keys));
               })
        .replace_in(catalog);
    for (const bool as_text : {false, true}) {
      const LogicalType value_type = as_text ? LogicalType::VARCHAR : json;
      const LogicalType row = LogicalType::STRUCT({{"key", LogicalType::VARCHAR}, {"value", value_type}});
      ScalarBuilder("pg_" + prefix + (as_text ? "each_text" : "each"))
          .boxed({json}, LogicalType::LIST(row),
                 [as_text, value_type, row, prefix](const auto& values, auto&) {
                   duckdb::vector<duckdb::Value> rows;
                   if (json_kind(duckdb::StringValue::Get(values[0])) != JsonKind::Object) {
                     throw Error(
                         ErrorCode::InvalidParameterValue,
                         "cannot call " + prefix + (as_text ? "each_text" : "each") + " on a non-object");
                   }
                   for (const auto& [name, text] : json_members(duckdb::StringValue::Get(values[0]))) {
                     duckdb::Value value(value_type);
                     if (!as_text) {
                       value = duckdb::Value(std::string(text));
                       value.Reinterpret(value_type);
                     } else if (auto plain = json_text_value(text)) {
                       value = duckdb::Value(*plain);
                     }
                     rows.push_back(duckdb::Value::STRUCT(row, {duckdb::Value(name), std::move(value)}));
                   }
                   return duckdb::Value::LIST(row, std::move(rows));
                 })
          .replace_in(catalog);
    }
    ScalarBuilder(prefix + "array_length")
        .boxed({json}, LogicalType::INTEGER,
               [](const auto& values, auto&) {
                 const std::string& text = duckdb::StringValue::Get(values[0]);
                 if (json_kind(text) != JsonKind::Array) {
                   throw Error(ErrorCode::InvalidParameterValue,
                               json_kind(text) == JsonKind::Object ? "cannot get array length of a non-array"
                                                                   : "cannot get array length of a scalar");
                 }
                 return duckdb::Value::INTEGER(static_cast<std::int32_t>(json_elements(text).size()));
               })
        .replace_in(catalog);
  }
}

}  // namespace

void register_json_functions(FunctionCatalog& catalog) {
  register_get<false>(catalog, "jsonb_get");
  register_get<true>(catalog, "jsonb_get_text");
  register_path<false>(catalog, "jsonb_extract_path");
  register_path<true>(catalog, "jsonb_extract_path_text");
  catalog.alias("json_extract_path", "jsonb_extract_path");
  catalog.alias("json_extract_path_text", "jsonb_extract_path_text");
  register_exists(catalog);
  register_contains(catalog, "pg_contains", false);
  register_contains(catalog, "pg_contained", true);
  catalog.alias("jsonb_contains", "pg_contains");
  catalog.alias("jsonb_contained", "pg_contained");
  const LogicalType list = LogicalType::LIST(LogicalType::TEMPLATE("T"));
  ScalarBuilder("pg_overlap")
      .boxed({list, list}, LogicalType::BOOLEAN,
             [](const auto& values, auto&) {
               return duckdb::Value::BOOLEAN(list_overlaps(values[0], values[1]));
             })
      .replace_in(catalog);
  ScalarBuilder type_of("jsonb_typeof");
  for (const auto& json : {jsonb_type(), LogicalType::JSON()}) {
    type_of.text(json, LogicalType::VARCHAR, [](std::string_view text, std::string& out) {
      out = kind_name(json_kind(text));
      return true;
    });
  }
  type_of.replace_in(catalog);
  catalog.alias("json_typeof", "jsonb_typeof");
  register_json_changes(catalog);
  register_json_order(catalog);
  register_json_path(catalog);
  register_parts(catalog);
  register_json_building(catalog);
}

}  // namespace tickstone::duck
