// SPDX-License-Identifier: Apache-2.0
#include "engine/action_arguments.hpp"

#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

#include "catalog/name_lookup.hpp"
#include "engine/rights.hpp"
#include "types/array_value.hpp"

namespace tickstone::engine {
namespace {

/// `schema.name`, quoted or not, as a regclass literal writes it.
sql::QualifiedName parse_relation_name(const std::string& text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"')
      quoted = !quoted;
    else if (c == '.' && !quoted)
      parts.emplace_back();
    else
      parts.back() += quoted ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return {parts.size() > 1 ? parts[parts.size() - 2] : "", parts.back(), 0};
}

}  // namespace

ActionArguments::ActionArguments(SessionContext& context, std::string_view function,
                                 const std::vector<sql::ActionStatement::Argument>& arguments,
                                 std::span<const Value> parameters,
                                 const std::vector<std::string_view>& signature,
                                 const std::vector<Value>* values)
    : context_(context), function_(function), parameters_(parameters) {
  std::size_t position = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    std::string name = argument.name;
    if (name.empty()) {
      if (position >= signature.size()) {
        throw Error(ErrorCode::UndefinedFunction, "function " + function_ + " does not take " +
                                                      std::to_string(arguments.size()) + " arguments");
      }
      name = signature[position++];
    } else if (std::find(signature.begin(), signature.end(), name) == signature.end()) {
      std::string known;
      for (const auto& s : signature) known += (known.empty() ? "" : ", ") + std::string(s);
      throw Error(ErrorCode::UndefinedFunction,
                  "function " + function_ + " has no argument named \"" + name + "\"", {},
                  "Its arguments are: " + known + ".");
    }
    if (has(name)) throw Error(ErrorCode::SyntaxError, "argument name \"" + name + "\" used more than once");
    if (values == nullptr)
      arguments_.push_back({std::move(name), &argument.value, nullptr});
    else
      arguments_.push_back({std::move(name), nullptr, &(*values)[i]});
  }
}

const ActionArguments::Argument* ActionArguments::find_argument(std::string_view name) const {
  const auto found =
      std::find_if(arguments_.begin(), arguments_.end(), [&](const auto& a) { return a.name == name; });
  return found == arguments_.end() ? nullptr : &*found;
}

bool ActionArguments::has(std::string_view name) const { return find_argument(name) != nullptr; }

const sql::Expr* ActionArguments::find(std::string_view name) const {
  const auto* found = find_argument(name);
  return found == nullptr ? nullptr : found->expr;
}

std::optional<Value> ActionArguments::value(std::string_view name) const {
  const auto* argument = find_argument(name);
  if (argument == nullptr) return std::nullopt;
  Value value =
      argument->value != nullptr ? *argument->value : context_.evaluate(*argument->expr, parameters_);
  if (value.is_null) return std::nullopt;
  return value;
}

std::optional<std::string> ActionArguments::text(std::string_view name) const {
  const auto v = value(name);
  if (!v) return std::nullopt;
  return v->type.id == TypeId::Unknown || is_text_like(v->type.id)
             ? v->text
             : to_text(*v, context_.settings().format_context());
}

bool ActionArguments::boolean(std::string_view name, bool otherwise) const {
  const auto v = value(name);
  if (!v) return otherwise;
  if (v->type.id == TypeId::Boolean) return v->integer != 0;
  return parse_value(SqlType::of(TypeId::Boolean), *text(name)).integer != 0;
}

std::optional<std::int64_t> ActionArguments::integer(std::string_view name) const {
  const auto v = value(name);
  if (!v) return std::nullopt;
  if (is_integer(v->type.id)) return static_cast<std::int64_t>(v->integer);
  return static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::BigInt), *text(name)).integer);
}

std::optional<IntervalValue> ActionArguments::interval(std::string_view name) const {
  const auto v = value(name);
  if (!v) return std::nullopt;
  if (v->type.id == TypeId::Interval) return unpack_interval(v->integer);
  return unpack_interval(parse_value(SqlType::of(TypeId::Interval), *text(name)).integer);
}

const catalog::RelationObject& ActionArguments::relation(std::string_view name) const {
  const auto& found = named_relation(name);
  require_owner_of_hypertable(context_, found);
  return found;
}

const catalog::RelationObject& ActionArguments::named_relation(std::string_view name) const {
  const auto v = value(name);
  if (!v) throw Error(ErrorCode::NullValueNotAllowed, std::string(name) + " cannot be NULL");
  if (is_integer(v->type.id) || v->type.id == TypeId::Oid || v->type.id == TypeId::Regclass) {
    const auto* found = held_catalog().find_relation(static_cast<catalog::Oid>(v->integer));
    if (found == nullptr)
      throw Error(
          ErrorCode::UndefinedTable,
          "relation with OID " + std::to_string(static_cast<std::int64_t>(v->integer)) + " does not exist");
    return *found;
  }
  (void)held_catalog();
  return context_.relation(parse_relation_name(v->text));
}

const catalog::Catalog& ActionArguments::held_catalog() const {
  auto catalog = context_.catalog();
  if (held_.empty() || held_.back() != catalog) held_.push_back(std::move(catalog));
  return *held_.back();
}

const catalog::RelationObject& ActionArguments::hypertable(std::string_view name) const {
  const auto& found = relation(name);
  if (!found.hypertable || found.kind != catalog::RelationKind::Table)
    throw Error(ErrorCode::HypertableNotExist, "table \"" + found.name + "\" is not a hypertable");
  return found;
}

catalog::Chunk ActionArguments::chunk_of(const Value& value) const {
  const auto& catalog = held_catalog();
  const bool is_oid =
      is_integer(value.type.id) || value.type.id == TypeId::Oid || value.type.id == TypeId::Regclass;
  const std::string text = is_oid ? std::to_string(static_cast<std::uint32_t>(value.integer)) : value.text;
  const auto named = catalog::resolve_relation(catalog, context_, text);
  if (!named.is_chunk) {
    if (function_ == "reorder_chunk" || function_ == "move_chunk")
      throw Error(ErrorCode::InvalidParameterValue, "\"" + named.name + "\" is not a chunk");
    throw Error(ErrorCode::UndefinedObject, "chunk not found", "relid: " + named.name);
  }
  const auto chunk = *catalog::find_chunk(catalog, context_.current_view(), named.oid);
  require_owner_of_hypertable(context_, *chunk.relation);
  return chunk;
}

catalog::Chunk ActionArguments::chunk(std::string_view name) const {
  const auto v = value(name);
  if (!v) throw Error(ErrorCode::InvalidParameterValue, "invalid chunk: NULL");
  return chunk_of(*v);
}

std::vector<catalog::Chunk> ActionArguments::chunks(std::string_view name) const {
  std::vector<catalog::Chunk> all;
  const auto v = value(name);
  if (!v) return all;
  SqlType element = v->type;
  element.is_array = false;
  if (!v->type.is_array) element = SqlType::of(TypeId::Text);
  const std::string encoded = v->type.is_array ? v->text : parse_array_text(v->text, element);
  for (const auto& bytes : decode_array(encoded)) {
    if (!bytes) throw Error(ErrorCode::InvalidParameterValue, "invalid relation");
    all.push_back(chunk_of(array_element_value(*bytes, element)));
  }
  return all;
}

}  // namespace tickstone::engine
