// SPDX-License-Identifier: Apache-2.0
// Types that users make. Values of an enum type are DuckDB's own ENUM, which is ordered as declared; a cast
// to a domain is one to its base type that looks at the domain's constraints.
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"
#include "sql/type_name.hpp"
#include "types/array_value.hpp"

namespace tickstone::sql {

std::shared_ptr<const EnumLabels> Translator::labels_of(const SqlType& type) const {
  if (auto labels = lookup_.enum_labels(type.user_oid())) return labels;
  throw Error(ErrorCode::UndefinedObject, fmt::format("type with OID {} does not exist", type.user_oid()));
}

std::string Translator::type_text(const SqlType& type) const {
  if (type.id != TypeId::Enum) return duck_type(type);
  return enum_text(*labels_of(type)) + (type.is_array ? "[]" : "");
}

std::string Translator::type_words(const std::optional<SqlType>& type) const {
  if (!type) return "unknown";
  if (type->id != TypeId::Enum) return to_sql(*type);
  return labels_of(*type)->type_name + (type->is_array ? "[]" : "");
}

const FormatContext& Translator::literal_format() const {
  static const FormatContext usual;
  return tree_->is_kept() || is_kept_ ? usual : lookup_.format_context();
}

std::string Translator::literal_text(const SqlType& type, std::string_view literal) const {
  if (type.id != TypeId::Enum) return duck_literal(type, literal, literal_format());
  const auto labels = labels_of(type);
  if (!type.is_array) {
    labels->number_of(literal);  // for its error
    return fmt::format("CAST({} AS {})", duck_string(literal), enum_text(*labels));
  }
  std::string elements;
  const std::string encoded = parse_array_text(literal, SqlType::of(TypeId::Text));
  for (const auto& element : decode_array(encoded)) {
    if (element) labels->number_of(*element);
    elements += (elements.empty() ? "" : ", ") + (element ? duck_string(*element) : "NULL");
  }
  return fmt::format("CAST([{}] AS {}[])", elements, enum_text(*labels));
}

Typed Translator::cast_to_enum(Typed value, const SqlType& type) {
  if (value.form == Typed::Form::Plain) {
    if (value.type == type) return value;
    if (value.type && value.type->is_array == type.is_array && is_text_like(value.type->id)) {
      // Labels that are none of the type's are found row by row.
      value.text = type.is_array
                       ? fmt::format("list_transform({}, lambda pg_label: pg_enum_label(pg_label, {}))",
                                     value.text, type.user_oid())
                       : fmt::format("pg_enum_label({}, {})", value.text, type.user_oid());
      return plain(fmt::format("CAST({} AS {})", value.text, type_text(type)), type);
    }
    if (value.type && value.type->id == TypeId::Unknown)
      return plain(fmt::format("CAST({} AS {})", value.text, type_text(type)), type);
    throw located(Error(ErrorCode::CannotCoerce,
                        fmt::format("cannot cast type {} to {}", type_words(value.type), type_words(type))),
                  value.location);
  }
  return coerced(std::move(value), type);
}

namespace {

/// One value of an enum type and one of another type; nothing where there are no such two.
std::optional<std::pair<const Typed*, const Typed*>> unlike_enum(std::span<const Typed> values) {
  const auto is_typed = [](const Typed& value) { return value.form == Typed::Form::Plain && value.type; };
  const Typed* first = nullptr;
  for (const Typed& value : values) {
    if (first == nullptr && is_typed(value) && value.type->id == TypeId::Enum) first = &value;
  }
  if (first == nullptr) return std::nullopt;
  for (const Typed& value : values) {
    if (!is_typed(value) || value.type == first->type) continue;
    return &value < first ? std::pair{&value, first} : std::pair{first, &value};
  }
  return std::nullopt;
}

}  // namespace

void Translator::require_one_enum(std::span<const Typed> values, const std::string& op, int location) const {
  if (const auto unlike = unlike_enum(values))
    fail_no_operator(op, *unlike->first, *unlike->second, location);
}

void Translator::require_one_enum(std::span<const Typed> values) const {
  const auto unlike = unlike_enum(values);
  if (!unlike) return;
  throw located(Error(ErrorCode::DatatypeMismatch,
                      fmt::format("types {} and {} cannot be matched", type_words(unlike->first->type),
                                  type_words(unlike->second->type))),
                unlike->second->location);
}

std::optional<Typed> Translator::enum_function(const std::string& name, std::vector<Typed>& arguments) {
  const bool is_range = name == "enum_range";
  if (!is_range && name != "enum_first" && name != "enum_last") return std::nullopt;
  if (arguments.empty() || arguments.size() > (is_range ? 2U : 1U)) return std::nullopt;
  std::optional<SqlType> type;
  for (const Typed& argument : arguments) {
    if (argument.form == Typed::Form::Plain && argument.type && argument.type->is_enum())
      type = argument.type;
  }
  if (!type) return std::nullopt;
  require_one_enum(arguments, "=", arguments[0].location);
  const auto labels = labels_of(*type);
  if (!is_range) {
    if (labels->labels.empty())
      throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                  fmt::format("enum {} contains no values", labels->type_name));
    const auto& label = name == "enum_first" ? labels->labels.front() : labels->labels.back();
    return plain(literal_text(*type, label.text), type);
  }
  std::string all;
  for (const auto& label : labels->labels) all += (all.empty() ? "" : ", ") + duck_string(label.text);
  SqlType list_type = *type;
  list_type.is_array = true;
  all = fmt::format("CAST([{}] AS {})", all, type_text(list_type));
  if (arguments.size() == 1) return plain(all, list_type);
  for (Typed& argument : arguments) argument = coerced(std::move(argument), *type);
  return plain(fmt::format("list_filter({0}, lambda pg_label: ({1} IS NULL OR pg_label >= {1}) AND "
                           "({2} IS NULL OR pg_label <= {2}))",
                           all, operand(arguments[0]), operand(arguments[1])),
               list_type);
}

Typed Translator::checked_domain(Typed value, const NameLookup::UserType& domain) {
  const SqlType type = domain.type;
  if (!domain.not_null && domain.checks.empty()) {
    value.is_column = false;
    return value;
  }
  // The value is computed once, and every check sees it under its name.
  std::string body;
  const auto add = [&](const std::string& fails, const std::string& message, const char* code) {
    body += fmt::format(" WHEN {} THEN CAST(pg_domain_failure({}, {}) AS {})", fails, duck_string(message),
                        duck_string(code), type_text(type));
  };
  if (domain.not_null)
    add("\"value\" IS NULL", fmt::format("domain {} does not allow null values", domain.name), "23502");
  for (const auto& check : domain.checks) {
    const Expr expr = parse_expression(check.text);
    const TreeSwitch own_tree(*this, expr.tree);
    Scope scope;
    Range range;
    range.alias = "value";
    range.list.columns.push_back({"value", type, false});
    scope.ranges.push_back(std::move(range));
    const Holding<InlinedCall*> outside(inlined_, nullptr);
    const Typed condition = boolean(node_of(expr), scope, "CHECK");
    add(fmt::format("({}) IS FALSE", condition.text),
        fmt::format("value for domain {} violates check constraint \"{}\"", domain.name, check.name),
        "23514");
  }
  return plain(
      fmt::format("list_transform([{}], lambda \"value\": CASE{} ELSE \"value\" END)[1]", value.text, body),
      type);
}

}  // namespace tickstone::sql
