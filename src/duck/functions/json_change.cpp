// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <utility>

#include "duck/functions/json_scan.hpp"
#include "duck/functions/json_value.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"
#include "types/json_node.hpp"

// Functions of jsonb that make a changed value: concatenation, deletion, jsonb_set and their like.

namespace tickstone::duck {

namespace {

using duckdb::LogicalType;

LogicalType text_list() { return LogicalType::LIST(LogicalType::VARCHAR); }

std::vector<std::string> texts_of(const duckdb::Value& list) {
  std::vector<std::string> texts;
  for (const auto& child : duckdb::ListValue::GetChildren(list)) {
    if (!child.IsNull()) texts.push_back(duckdb::StringValue::Get(child));
  }
  return texts;
}

JsonNode node_of(const duckdb::Value& value) {
  return parse_json(duckdb::StringValue::Get(value), JsonUse::Decode);
}
duckdb::Value value_of(const JsonNode& node) {
  std::string text;
  append_json(text, node);
  return duckdb::Value(std::move(text));
}

void put_member(JsonNode& object, const std::string& name, JsonNode value) {
  for (auto& [other, existing] : object.members) {
    if (other == name) {
      existing = std::move(value);
      return;
    }
  }
  const auto before = [&](const JsonMember& member) {
    return member.key.size() != name.size() ? member.key.size() < name.size() : member.key < name;
  };
  auto at = object.members.begin();
  while (at != object.members.end() && before(*at)) ++at;
  object.members.insert(at, {name, std::move(value)});
}

JsonNode concatenated(JsonNode left, JsonNode right) {
  using Kind = JsonNode::Kind;
  if (left.kind == Kind::Object && right.kind == Kind::Object) {
    for (auto& [name, value] : right.members) put_member(left, name, std::move(value));
    return left;
  }
  const auto as_array = [](JsonNode node) {
    if (node.kind == Kind::Array) return node;
    JsonNode array;
    array.kind = Kind::Array;
    array.elements.push_back(std::move(node));
    return array;
  };
  left = as_array(std::move(left));
  for (auto& element : as_array(std::move(right)).elements) left.elements.push_back(std::move(element));
  return left;
}

[[noreturn]] void cannot_delete(const char* from) {
  throw Error(ErrorCode::InvalidParameterValue, std::string("cannot delete from ") + from);
}

JsonNode without_key(JsonNode node, const std::string& key) {
  using Kind = JsonNode::Kind;
  if (node.kind == Kind::Object) {
    std::erase_if(node.members, [&](const auto& member) { return member.key == key; });
  } else if (node.kind == Kind::Array) {
    std::erase_if(node.elements,
                  [&](const JsonNode& one) { return one.kind == Kind::String && one.text == key; });
  } else {
    cannot_delete("scalar");
  }
  return node;
}

JsonNode without_index(JsonNode node, std::int64_t index) {
  if (node.kind == JsonNode::Kind::Object) {
    throw Error(ErrorCode::InvalidParameterValue, "cannot delete from object using integer index");
  }
  if (node.kind != JsonNode::Kind::Array) cannot_delete("scalar");
  const auto size = static_cast<std::int64_t>(node.elements.size());
  if (index < 0) index += size;
  if (index >= 0 && index < size) node.elements.erase(node.elements.begin() + index);
  return node;
}

enum class PathChange : std::uint8_t { Delete, Set, InsertBefore, InsertAfter };

struct PathEdit {
  PathChange change = PathChange::Set;
  bool create_missing = true;
  JsonNode value;
};

std::int64_t path_index(const std::string& step, std::size_t position) {
  std::int64_t index = 0;
  const auto parsed = std::from_chars(step.data(), step.data() + step.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != step.data() + step.size()) {
    throw Error(
        ErrorCode::InvalidTextRepresentation,
        "path element at position " + std::to_string(position + 1) + " is not an integer: \"" + step + "\"");
  }
  return index;
}

void edit_path(JsonNode& node, const std::vector<std::string>& path, std::size_t depth, PathEdit& edit) {
  using Kind = JsonNode::Kind;
  const bool is_last = depth + 1 == path.size();
  const std::string& step = path[depth];
  const bool inserts = edit.change == PathChange::InsertBefore || edit.change == PathChange::InsertAfter;
  if (node.kind == Kind::Object) {
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      if (node.members[i].key != step) continue;
      if (!is_last) {
        edit_path(node.members[i].value, path, depth + 1, edit);
      } else if (edit.change == PathChange::Delete) {
        node.members.erase(node.members.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (inserts) {
        throw Error(ErrorCode::InvalidParameterValue, "cannot replace existing key", {},
                    "Try using the function jsonb_set to replace key value.");
      } else {
        node.members[i].value = std::move(edit.value);
      }
      return;
    }
    if (is_last && edit.change != PathChange::Delete && (inserts || edit.create_missing)) {
      put_member(node, step, std::move(edit.value));
    }
    return;
  }
  if (node.kind != Kind::Array) return;
  std::int64_t index = path_index(step, depth);
  const auto size = static_cast<std::int64_t>(node.elements.size());
  const bool from_end = index < 0;
  if (from_end) index += size;
  if (index >= 0 && index < size) {
    if (!is_last) {
      edit_path(node.elements[static_cast<std::size_t>(index)], path, depth + 1, edit);
    } else if (edit.change == PathChange::Delete) {
      node.elements.erase(node.elements.begin() + index);
    } else if (edit.change == PathChange::Set) {
      node.elements[static_cast<std::size_t>(index)] = std::move(edit.value);
    } else {
      const auto at = node.elements.begin() + index + (edit.change == PathChange::InsertAfter ? 1 : 0);
      node.elements.insert(at, std::move(edit.value));
    }
    return;
  }
  if (!is_last || edit.change == PathChange::Delete ||
      (edit.change == PathChange::Set && !edit.create_missing))
    return;
  if (index < 0) {
    node.elements.insert(node.elements.begin(), std::move(edit.value));
  } else {
    node.elements.push_back(std::move(edit.value));
  }
}

JsonNode edited(JsonNode node, const std::vector<std::string>& path, PathEdit edit) {
  if (node.kind != JsonNode::Kind::Object && node.kind != JsonNode::Kind::Array) {
    throw Error(ErrorCode::InvalidParameterValue, edit.change == PathChange::Delete
                                                      ? "cannot delete path in scalar"
                                                      : "cannot set path in scalar");
  }
  if (!path.empty()) edit_path(node, path, 0, edit);
  return node;
}

void strip_nulls(JsonNode& node) {
  std::erase_if(node.members, [](const auto& member) { return member.value.kind == JsonNode::Kind::Null; });
  for (auto& [name, value] : node.members) strip_nulls(value);
  for (auto& element : node.elements) strip_nulls(element);
}

void append_compact(std::string& out, const JsonNode& node) {
  const bool is_object = node.kind == JsonNode::Kind::Object;
  if (!is_object && node.kind != JsonNode::Kind::Array) return append_json(out, node);
  out += is_object ? '{' : '[';
  bool first = true;
  for (const auto& [name, value] : node.members) {
    if (!std::exchange(first, false)) out += ',';
    append_json_string(out, name);
    out += ':';
    append_compact(out, value);
  }
  for (const auto& value : node.elements) {
    if (!std::exchange(first, false)) out += ',';
    append_compact(out, value);
  }
  out += is_object ? '}' : ']';
}

void append_pretty(std::string& out, const JsonNode& node, int depth) {
  using Kind = JsonNode::Kind;
  const auto newline = [&](int level) {
    out += '\n';
    out.append(static_cast<std::size_t>(level) * 4, ' ');
  };
  if (node.kind == Kind::Object) {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : node.members) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      append_json_string(out, name);
      out += ": ";
      append_pretty(out, value, depth + 1);
    }
    newline(depth);
    out += '}';
  } else if (node.kind == Kind::Array) {
    out += '[';
    bool first = true;
    for (const auto& element : node.elements) {
      if (!first) out += ',';
      first = false;
      newline(depth + 1);
      append_pretty(out, element, depth + 1);
    }
    newline(depth);
    out += ']';
  } else {
    append_json(out, node);
  }
}

}  // namespace

void register_json_changes(FunctionCatalog& catalog) {
  const LogicalType jsonb = jsonb_type();
  ScalarBuilder("jsonb_concat")
      .boxed({jsonb, jsonb}, jsonb,
             [](const auto& values, auto&) {
               return value_of(concatenated(node_of(values[0]), node_of(values[1])));
             })
      .replace_in(catalog);
  ScalarBuilder("jsonb_delete")
      .boxed({jsonb, LogicalType::VARCHAR}, jsonb,
             [](const auto& values, auto&) {
               return value_of(without_key(node_of(values[0]), duckdb::StringValue::Get(values[1])));
             })
      .boxed(
          {jsonb, LogicalType::BIGINT}, jsonb,
          [](const auto& values, auto&) {
            return value_of(without_index(node_of(values[0]), values[1].template GetValue<std::int64_t>()));
          })
      .boxed({jsonb, text_list()}, jsonb,
             [](const auto& values, auto&) {
               JsonNode node = node_of(values[0]);
               for (const auto& key : texts_of(values[1])) node = without_key(std::move(node), key);
               return value_of(node);
             })
      .replace_in(catalog);
  ScalarBuilder("jsonb_delete_path")
      .boxed(
          {jsonb, text_list()}, jsonb,
          [](const auto& values, auto&) {
            return value_of(edited(node_of(values[0]), texts_of(values[1]), {PathChange::Delete, false, {}}));
          })
      .replace_in(catalog);
  const auto set = [](const auto& values, auto&) {
    const bool create = values.size() < 4 || values[3].template GetValue<bool>();
    return value_of(
        edited(node_of(values[0]), texts_of(values[1]), {PathChange::Set, create, node_of(values[2])}));
  };
  ScalarBuilder("jsonb_set")
      .boxed({jsonb, text_list(), jsonb}, jsonb, set)
      .boxed({jsonb, text_list(), jsonb, LogicalType::BOOLEAN}, jsonb, set)
      .replace_in(catalog);
  const auto insert = [](const auto& values, auto&) {
    const bool after = values.size() > 3 && values[3].template GetValue<bool>();
    return value_of(
        edited(node_of(values[0]), texts_of(values[1]),
               {after ? PathChange::InsertAfter : PathChange::InsertBefore, true, node_of(values[2])}));
  };
  ScalarBuilder("jsonb_insert")
      .boxed({jsonb, text_list(), jsonb}, jsonb, insert)
      .boxed({jsonb, text_list(), jsonb, LogicalType::BOOLEAN}, jsonb, insert)
      .replace_in(catalog);
  // json has no blanks between its parts, jsonb has.
  for (const bool is_b : {true, false}) {
    const LogicalType json = is_b ? jsonb_type() : LogicalType::JSON();
    ScalarBuilder(is_b ? "jsonb_strip_nulls" : "json_strip_nulls")
        .text(json, json,
              [is_b](std::string_view text, std::string& out) {
                JsonNode node = parse_json(text, JsonUse::Decode);
                strip_nulls(node);
                if (is_b) {
                  append_json(out, node);
                } else {
                  append_compact(out, node);
                }
                return true;
              })
        .replace_in(catalog);
  }
  ScalarBuilder pretty("jsonb_pretty");
  for (const auto& json : {jsonb_type(), LogicalType::JSON()}) {
    pretty.text(json, LogicalType::VARCHAR, [](std::string_view text, std::string& out) {
      append_pretty(out, parse_json(text, JsonUse::Decode), 0);
      return true;
    });
  }
  pretty.replace_in(catalog);
}

}  // namespace tickstone::duck
