// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "duck/functions/json_value.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/functions/wide_numeric.hpp"
#include "duck/logical_types.hpp"
#include "types/json_node.hpp"

// jsonb as what is sorted and grouped by: PostgreSQL's order of values, in which 1 and 1.0 are one.

namespace tickstone::duck {

namespace {

// The kinds in their order. Booleans and containers say more in what follows.
enum class Tag : char { Null = 1, String = 2, Number = 3, Boolean = 4, Array = 5, Object = 6 };

void append_size(std::string& out, std::size_t size) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift & 0xFF));
}

/// Bytes in their order, whatever follows: a zero is 00 FF, the end 00 00.
void append_bytes(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xFF');
  }
  out.append(2, '\0');
}

void append_key(std::string& out, const JsonNode& node, bool is_top = false) {
  using Kind = JsonNode::Kind;
  const auto put = [&out](Tag tag) { out.push_back(static_cast<char>(tag)); };
  // At the top a scalar is an array of one element, and the least of those: so only [] comes before null.
  if (is_top && node.kind != Kind::Array && node.kind != Kind::Object) {
    put(Tag::Array);
    append_size(out, 1);
    out.push_back('\0');
    append_key(out, node);
    return;
  }
  switch (node.kind) {
    case Kind::Null:
      put(Tag::Null);
      return;
    case Kind::String:
      put(Tag::String);
      append_bytes(out, node.text);
      return;
    case Kind::Number:
      put(Tag::Number);
      append_bytes(out, encode_wide(parse_wide(node.text)));
      return;
    case Kind::False:
    case Kind::True:
      put(Tag::Boolean);
      out.push_back(node.kind == Kind::True ? '\1' : '\0');
      return;
    case Kind::Array:
      put(Tag::Array);
      append_size(out, node.elements.size());
      out.push_back('\1');
      for (const JsonNode& element : node.elements) append_key(out, element);
      return;
    case Kind::Object:
      put(Tag::Object);
      append_size(out, node.members.size());
      for (const auto& [name, value] : node.members) {
        append_key(out, JsonNode{Kind::String, name, {}, {}});
        append_key(out, value);
      }
      return;
  }
}

std::string key_of(const duckdb::Value& value) {
  std::string key;
  append_key(key, parse_json(duckdb::StringValue::Get(value), JsonUse::Decode), true);
  return key;
}

/// The text without zeros at the end of fractions.
void append_without_zeros(std::string& out, std::string_view text) {
  bool is_quoted = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_quoted && c == '\\') {
      out.append(text.substr(at, 2));
      at += 2;
      continue;
    }
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted || c != '.') {
      out.push_back(c);
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at + 1), text.size());
    std::string_view fraction = text.substr(at, end - at);
    fraction.remove_suffix(fraction.size() - 1 - fraction.find_last_not_of('0'));
    if (fraction != ".") out.append(fraction);
    at = end;
  }
}

}  // namespace

void register_json_order(FunctionCatalog& catalog) {
  using duckdb::LogicalType;
  ScalarBuilder("pg_jsonb_key")
      .boxed({jsonb_type()}, LogicalType::BLOB,
             [](const auto& values, auto&) {
               const std::string key = key_of(values[0]);
               return duckdb::Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(key.data()), key.size());
             })
      .replace_in(catalog);
  ScalarBuilder("pg_jsonb_compare")
      .boxed({jsonb_type(), jsonb_type()}, LogicalType::INTEGER,
             [](const auto& values, auto&) {
               if (duckdb::StringValue::Get(values[0]) == duckdb::StringValue::Get(values[1]))
                 return duckdb::Value::INTEGER(0);
               const int order = key_of(values[0]).compare(key_of(values[1]));
               return duckdb::Value::INTEGER(order < 0 ? -1 : order > 0 ? 1 : 0);
             })
      .replace_in(catalog);
  // One text for each value.
  ScalarBuilder("pg_jsonb_plain")
      .text(jsonb_type(), jsonb_type(),
            [](std::string_view text, std::string& out) {
              append_without_zeros(out, text);
              return true;
            })
      .replace_in(catalog);
}

}  // namespace tickstone::duck
