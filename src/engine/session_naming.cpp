// SPDX-License-Identifier: Apache-2.0
// Names of objects in values that are their numbers: what the formats of the session's values ask for.
#include "engine/session_context.hpp"

namespace tickstone::engine {

std::string SessionContext::object_name(TypeId type, std::uint32_t oid) const {
  if (view_ == nullptr) return std::to_string(oid);
  const Value number{SqlType::of(TypeId::Oid), false, 0, oid};
  return catalog::call_catalog_function(to_sql(SqlType::of(type)) + "_name", std::span(&number, 1),
                                        *catalog(), *this)
      .text;
}

std::uint32_t SessionContext::object_oid(TypeId type, std::string_view name) const {
  const Value text = Value::of_text(std::string(name));
  return static_cast<std::uint32_t>(catalog::call_catalog_function("to_" + to_sql(SqlType::of(type)) + "_oid",
                                                                   std::span(&text, 1), *catalog(), *this)
                                        .integer);
}

std::shared_ptr<const EnumLabels> SessionContext::enum_labels(std::uint32_t type_oid) const {
  return catalog()->enum_labels(type_oid);
}

std::optional<sql::NameLookup::UserType> SessionContext::find_user_type(const std::string& schema,
                                                                        const std::string& name) const {
  const auto types = catalog();
  for (const auto& searched : schemas_to_search(schema)) {
    const auto* found = types->find_type(searched, name);
    if (found == nullptr) continue;
    UserType type;
    type.type = found->type();
    type.name = catalog::quote_identifier(found->name);
    if (found->kind == catalog::TypeObject::Kind::Enum) return type;
    type.domain = found->oid;
    type.not_null = found->not_null;
    for (const auto& check : found->checks) type.checks.push_back({check.name, check.text});
    return type;
  }
  return std::nullopt;
}

}  // namespace tickstone::engine
