// SPDX-License-Identifier: Apache-2.0
// has_..._privilege. Languages, types and their kin are everyone's: what exists may be used.
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "catalog/function_call.hpp"
#include "catalog/object_names.hpp"
#include "catalog/privileges.hpp"
#include "catalog/role_facts.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

/// The object is the last argument but `after`: the role before it may be left out.
std::size_t object_position(const FunctionCall& call, std::size_t after) { return call.count() - 1 - after; }

/// The role that stands first, or who asks. Errors: UndefinedObject.
std::string role_asked(const FunctionCall& call, std::size_t after) {
  if (object_position(call, after) == 0) return call.facts.current_user();
  if (!call.is_text(0)) {
    for (const auto* role : call.catalog.roles()) {
      if (role->oid == call.oid(0)) return role->name;
    }
    throw Error(ErrorCode::UndefinedObject, fmt::format("role with OID {} does not exist", call.oid(0)));
  }
  const std::string& name = call.text(0);
  if (name != "public" && call.catalog.find_role(name) == nullptr)
    throw Error(ErrorCode::UndefinedObject, fmt::format("role \"{}\" does not exist", name));
  return name;
}

/// `select`, `INSERT, UPDATE`, `SELECT WITH GRANT OPTION`. Errors: InvalidParameterValue.
struct Asked {
  Privileges privileges = 0, grantable = 0;
};
Asked privileges_asked(const std::string& text, Privileges all) {
  constexpr std::string_view kOption = " WITH GRANT OPTION";
  Asked asked;
  std::string_view rest = text;
  while (true) {
    const auto comma = std::min(rest.find(','), rest.size());
    std::string word;
    for (const char c : rest.substr(0, comma))
      word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    word.erase(0, word.find_first_not_of(' '));
    word.erase(word.find_last_not_of(' ') + 1);
    const bool with_option = word.ends_with(kOption);
    if (with_option) word.resize(word.size() - kOption.size());
    if (word == "TEMP") word = "TEMPORARY";
    bool is_known = false;
    for (const auto& [privilege, name, letter] : privilege_names()) {
      if (word != name || (all & bits(privilege)) == 0) continue;
      (with_option ? asked.grantable : asked.privileges) |= bits(privilege);
      is_known = true;
    }
    if (!is_known)
      throw Error(ErrorCode::InvalidParameterValue, fmt::format("unrecognized privilege type: \"{}\"", text));
    if (comma == rest.size()) return asked;
    rest.remove_prefix(comma + 1);
  }
}

Value of_relation(const FunctionCall& call, std::size_t after) {
  const auto named = call.relation(object_position(call, after));
  const std::string role = role_asked(call, after);
  const bool is_sequence = call.name == "has_sequence_privilege";
  const Asked asked =
      privileges_asked(call.text(call.count() - 1), is_sequence ? kSequencePrivileges : kTablePrivileges);
  if (!named) return Value::null_of(SqlType::of(TypeId::Boolean));
  if (named->relation == nullptr) return bool_value(true);  // of the system
  const auto& relation = *named->relation;
  return bool_value(
      (asked.privileges != 0 && has_privilege(call.catalog, relation, role, asked.privileges)) ||
      (asked.grantable != 0 && has_privilege(call.catalog, relation, role, asked.grantable, true)));
}

/// A function by its name, `name(types)` or OID. What is not a user's is everyone's.
Value function_privilege(const FunctionCall& call) {
  const std::size_t position = object_position(call, 1);
  const std::string role = role_asked(call, 1);
  const Asked asked = privileges_asked(call.text(call.count() - 1), kFunctionPrivileges);
  const auto answer = [&](const FunctionObject& function) {
    return bool_value(has_privilege(call.catalog, function, role, asked.privileges == 0));
  };
  if (!call.is_text(position)) {
    const auto* function = call.catalog.find_function(call.oid(position));
    return function == nullptr ? bool_value(true) : answer(*function);
  }
  const std::string& text = call.text(position);
  const auto parts = split_identifier(std::string_view(text).substr(0, text.find('(')));
  if (parts.empty()) return bool_value(true);
  std::vector<std::string> schemas = effective_search_path(call.facts);
  if (parts.size() > 1) schemas.assign(1, parts[parts.size() - 2]);
  for (const auto& schema : schemas) {
    const auto functions = call.catalog.find_functions(schema, parts.back());
    if (!functions.empty()) return answer(*functions.front());
  }
  return bool_value(true);
}

Value role_privilege(const FunctionCall& call) {
  const std::size_t position = object_position(call, 1);
  const std::string role = role_asked(call, 1);
  if (call.is_text(position)) return bool_value(is_member(call.catalog, role, call.text(position)));
  for (const auto* other : call.catalog.roles()) {
    if (other->oid == call.oid(position)) return bool_value(is_member(call.catalog, role, other->name));
  }
  return Value::null_of(SqlType::of(TypeId::Boolean));
}

Value relation_privilege(const FunctionCall& call) { return of_relation(call, 1); }

/// Whether one of what is asked for is there, by `has(privileges, grantable)`.
template <typename Has>
Value any_of_asked(const Asked& asked, Has has) {
  return bool_value((asked.privileges != 0 && has(asked.privileges, false)) ||
                    (asked.grantable != 0 && has(asked.grantable, true)));
}

Value any_column_privilege(const FunctionCall& call) {
  const auto named = call.relation(object_position(call, 1));
  const std::string role = role_asked(call, 1);
  const Asked asked = privileges_asked(call.text(call.count() - 1), kColumnPrivileges);
  if (!named) return Value::null_of(SqlType::of(TypeId::Boolean));
  if (named->relation == nullptr) return bool_value(true);  // of the system
  return any_of_asked(asked, [&](Privileges wanted, bool grantable) {
    return has_any_column_privilege(call.catalog, *named->relation, role, wanted, grantable);
  });
}

/// A column by its name or its number.
Value column_privilege(const FunctionCall& call) {
  const auto named = call.relation(object_position(call, 2));
  const std::string role = role_asked(call, 2);
  const Asked asked = privileges_asked(call.text(call.count() - 1), kColumnPrivileges);
  const auto null = Value::null_of(SqlType::of(TypeId::Boolean));
  if (!named) return null;
  if (named->relation == nullptr) return bool_value(true);  // of the system
  const auto& relation = *named->relation;
  const std::size_t at = call.count() - 2;
  const ColumnObject* column = nullptr;
  if (call.is_text(at)) {
    column = relation.find_column(call.text(at));
    if (column == nullptr) {
      throw Error(ErrorCode::UndefinedColumn, fmt::format("column \"{}\" of relation \"{}\" does not exist",
                                                          call.text(at), relation.name));
    }
  } else {
    for (const auto& candidate : relation.columns) {
      if (attribute_number(relation, candidate) == call.integer(at)) column = &candidate;
    }
    if (column == nullptr) return null;
  }
  return any_of_asked(asked, [&](Privileges wanted, bool grantable) {
    return has_privilege(call.catalog, relation, *column, role, wanted, grantable);
  });
}

Value schema_privilege(const FunctionCall& call) {
  const std::size_t position = object_position(call, 1);
  const std::string role = role_asked(call, 1);
  const Asked asked = privileges_asked(call.text(call.count() - 1), kSchemaPrivileges);
  const SchemaObject* schema = nullptr;
  if (call.is_text(position)) {
    schema = call.catalog.find_schema(call.text(position));
    if (schema == nullptr)
      throw Error(ErrorCode::InvalidSchemaName,
                  fmt::format("schema \"{}\" does not exist", call.text(position)));
  } else {
    schema = call.catalog.find_schema(call.oid(position));
    if (schema == nullptr) return Value::null_of(SqlType::of(TypeId::Boolean));
  }
  return any_of_asked(asked, [&](Privileges wanted, bool grantable) {
    return has_privilege(call.catalog, *schema, role, wanted, grantable);
  });
}

Value database_privilege(const FunctionCall& call) {
  const std::size_t position = object_position(call, 1);
  const std::string role = role_asked(call, 1);
  const Asked asked = privileges_asked(call.text(call.count() - 1), kDatabasePrivileges);
  if (call.is_text(position)) {
    if (call.text(position) != call.facts.current_database())
      throw Error(ErrorCode::InvalidCatalogName,
                  fmt::format("database \"{}\" does not exist", call.text(position)));
  } else if (call.oid(position) != kDatabase) {
    return Value::null_of(SqlType::of(TypeId::Boolean));
  }
  return any_of_asked(asked, [&](Privileges wanted, bool grantable) {
    return has_database_privilege(call.catalog, role, wanted, grantable);
  });
}

Value acldefault(const FunctionCall& call) {
  const std::string& kind = call.text(0);
  const auto texts = default_acl_texts(kind.empty() ? '\0' : kind[0], role_name(call.catalog, call.oid(1)));
  if (!texts)
    throw Error(ErrorCode::InternalError, fmt::format("unrecognized object type abbreviation: {}", kind));
  return name_array_value(*texts);
}

Value any_privilege(const FunctionCall&) { return bool_value(true); }

constexpr auto kFunctions = std::to_array<FunctionEntry>({
    {"acldefault(char, oid) aclitem[]", acldefault},
    {"has_table_privilege(oid, text) bool", relation_privilege},
    {"has_table_privilege(text, text) bool", relation_privilege},
    {"has_table_privilege(text, oid, text) bool", relation_privilege},
    {"has_table_privilege(text, text, text) bool", relation_privilege},
    {"has_table_privilege(oid, oid, text) bool", relation_privilege},
    {"has_any_column_privilege(oid, text) bool", any_column_privilege},
    {"has_any_column_privilege(text, text) bool", any_column_privilege},
    {"has_any_column_privilege(text, oid, text) bool", any_column_privilege},
    {"has_any_column_privilege(text, text, text) bool", any_column_privilege},
    {"has_sequence_privilege(oid, text) bool", relation_privilege},
    {"has_sequence_privilege(text, text) bool", relation_privilege},
    {"has_sequence_privilege(text, oid, text) bool", relation_privilege},
    {"has_sequence_privilege(text, text, text) bool", relation_privilege},
    {"has_column_privilege(oid, text, text) bool", column_privilege},
    {"has_column_privilege(oid, int2, text) bool", column_privilege},
    {"has_column_privilege(text, text, text) bool", column_privilege},
    {"has_column_privilege(text, int2, text) bool", column_privilege},
    {"has_column_privilege(text, oid, text, text) bool", column_privilege},
    {"has_column_privilege(text, text, text, text) bool", column_privilege},
    {"has_schema_privilege(oid, text) bool", schema_privilege},
    {"has_schema_privilege(text, text) bool", schema_privilege},
    {"has_schema_privilege(text, oid, text) bool", schema_privilege},
    {"has_schema_privilege(text, text, text) bool", schema_privilege},
    {"has_database_privilege(oid, text) bool", database_privilege},
    {"has_database_privilege(text, text) bool", database_privilege},
    {"has_database_privilege(text, oid, text) bool", database_privilege},
    {"has_database_privilege(text, text, text) bool", database_privilege},
    {"has_function_privilege(oid, text) bool", function_privilege},
    {"has_function_privilege(text, text) bool", function_privilege},
    {"has_function_privilege(text, oid, text) bool", function_privilege},
    {"has_function_privilege(text, text, text) bool", function_privilege},
    {"has_type_privilege(oid, text) bool", any_privilege},
    {"has_type_privilege(text, text) bool", any_privilege},
    {"has_language_privilege(oid, text) bool", any_privilege},
    {"has_language_privilege(text, text) bool", any_privilege},
    {"has_tablespace_privilege(oid, text) bool", any_privilege},
    {"has_tablespace_privilege(text, text) bool", any_privilege},
    {"has_tablespace_privilege(text, oid, text) bool", any_privilege},
    {"has_foreign_data_wrapper_privilege(oid, text) bool", any_privilege},
    {"has_server_privilege(oid, text) bool", any_privilege},
    {"pg_has_role(oid, text) bool", role_privilege},
    {"pg_has_role(text, text) bool", role_privilege},
    {"pg_has_role(text, oid, text) bool", role_privilege},
    {"pg_has_role(text, text, text) bool", role_privilege},
});

}  // namespace

std::span<const FunctionEntry> privilege_functions() { return kFunctions; }

}  // namespace tickstone::catalog
