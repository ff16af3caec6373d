// SPDX-License-Identifier: Apache-2.0
#include "engine/action_arguments.hpp"

#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

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
                                 const std::vector<std::string_view>& signature)
    : context_(context), function_(function), parameters_(parameters) {
  std::size_t position = 0;
  for (const auto& argument : arguments) {
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
    if (find(name) != nullptr)
      throw Error(ErrorCode::SyntaxError, "argument name \"" + name + "\" used more than once");
    arguments_.emplace_back(std::move(name), &argument.value);
  }
}

const sql::Expr* ActionArguments::find(std::string_view name) const {
  const auto found =
      std::find_if(arguments_.begin(), arguments_.end(), [&](const auto& a) { return a.first == name; });
  return found == arguments_.end() ? nullptr : found->second;
}

std::optional<Value> ActionArguments::value(std::string_view name) const {
  const auto* expr = find(name);
  if (expr == nullptr) return std::nullopt;
  Value value = context_.evaluate(*expr, parameters_);
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
  const auto v = value(name);
  if (!v) throw Error(ErrorCode::NullValueNotAllowed, std::string(name) + " cannot be NULL");
  if (is_integer(v->type.id) || v->type.id == TypeId::Oid || v->type.id == TypeId::Regclass) {
    const auto* found = context_.catalog()->find_relation(static_cast<catalog::Oid>(v->integer));
    if (found == nullptr)
      throw Error(
          ErrorCode::UndefinedTable,
          "relation with OID " + std::to_string(static_cast<std::int64_t>(v->integer)) + " does not exist");
    return *found;
  }
  return context_.relation(parse_relation_name(v->text));
}

}  // namespace tickstone::engine
