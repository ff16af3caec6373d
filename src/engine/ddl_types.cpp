// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "engine/ddl_table.hpp"
#include "engine/internal_sql.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/user_types.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

using Action = sql::TypeStatement::Action;
using Kind = catalog::TypeObject::Kind;
using Label = catalog::TypeObject::Label;

/// Between the numbers of neighbours as a type is made: how often a label can be put between two.
constexpr std::int32_t kRoom = 1 << 16;

void check_label(const std::string& label) {
  if (label.size() > EnumLabels::kMaxBytes)
    throw Error(ErrorCode::NameTooLong, "invalid enum label \"" + label + "\"",
                "Labels must be 63 bytes or less.");
}

catalog::TypeObject make_enum(SessionContext& context, const sql::TypeStatement& create) {
  catalog::TypeObject type;
  type.kind = Kind::Enum;
  const auto room =
      static_cast<std::int64_t>(INT32_MAX) / static_cast<std::int64_t>(create.labels.size() + 1);
  std::set<std::string> seen;
  for (const auto& text : create.labels) {
    check_label(text);
    if (!seen.insert(text).second)
      throw Error(ErrorCode::UniqueViolation,
                  "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"");
    const auto place = static_cast<std::int64_t>(type.labels.size() + 1);
    type.labels.push_back({context.database().store().next_table_id(),
                           static_cast<std::int32_t>(place * std::min<std::int64_t>(room, kRoom)), text});
  }
  return type;
}

auto find_label(catalog::TypeObject& type, const std::string& text) {
  return std::find_if(type.labels.begin(), type.labels.end(),
                      [&](const Label& label) { return label.text == text; });
}

void add_value(SessionContext& context, catalog::TypeObject& type, const sql::TypeStatement& add) {
  check_label(add.label);
  if (find_label(type, add.label) != type.labels.end()) {
    const std::string message = "enum label \"" + add.label + "\" already exists";
    if (!add.if_not_exists) throw Error(ErrorCode::DuplicateObject, message);
    context.notice({"NOTICE", ErrorCode::DuplicateObject, message + ", skipping", {}, {}});
    return;
  }
  auto at = type.labels.end();
  if (!add.neighbour.empty()) {
    at = find_label(type, add.neighbour);
    if (at == type.labels.end())
      throw Error(ErrorCode::InvalidParameterValue,
                  "\"" + add.neighbour + "\" is not an existing enum label");
    if (add.is_after) ++at;
  }
  const bool is_first = at == type.labels.begin(), is_last = at == type.labels.end();
  std::int64_t below = is_first ? std::int64_t{INT32_MIN} : std::prev(at)->number;
  std::int64_t above = is_last ? std::int64_t{INT32_MAX} : at->number;
  if (type.labels.empty()) below = 0;
  if (is_last) above = std::min(above, below + 2 * kRoom);
  if (is_first && !is_last) below = std::max(below, above - 2 * kRoom);
  const std::int64_t number = below + (above - below) / 2;
  if (number <= below || number >= above) {
    throw Error(ErrorCode::ProgramLimitExceeded,
                "there is no room for another label at this place of type \"" + type.name + "\"", {},
                "Make a new type with all labels and give it to the columns by ALTER TABLE ... TYPE.");
  }
  type.labels.insert(
      at, {context.database().store().next_table_id(), static_cast<std::int32_t>(number), add.label});
}

void rename_value(catalog::TypeObject& type, const sql::TypeStatement& rename) {
  check_label(rename.new_name);
  const auto label = find_label(type, rename.label);
  if (label == type.labels.end())
    throw Error(ErrorCode::InvalidParameterValue, "\"" + rename.label + "\" is not an existing enum label");
  if (find_label(type, rename.new_name) != type.labels.end())
    throw Error(ErrorCode::DuplicateObject, "enum label \"" + rename.new_name + "\" already exists");
  label->text = rename.new_name;
}

const catalog::TypeObject* find_type(const SessionContext& context, const catalog::Catalog& catalog,
                                     const sql::QualifiedName& name) {
  for (const auto& schema : context.schemas_to_search(name.schema)) {
    if (const auto* type = catalog.find_type(schema, name.name)) return type;
  }
  return nullptr;
}

std::string written(const sql::QualifiedName& name) {
  return name.schema.empty() ? name.name : name.schema + "." + name.name;
}

bool is_of_type(const catalog::ColumnObject& column, const catalog::TypeObject& type) {
  if (type.kind == Kind::Domain) return column.domain == type.oid;
  return column.type.id == TypeId::Enum && column.type.user_oid() == type.oid;
}

/// Texts of relations that name the type: defaults, checks, queries of views.
bool is_named_in(const catalog::RelationObject& relation, const catalog::Catalog& catalog,
                 const catalog::TypeObject& type) {
  auto copy = relation;
  const auto* schema = catalog.find_schema(type.schema);
  return change_stored_texts(copy, type.name, [&](const sql::Expr& expr) {
    return sql::with_type_renamed(expr, {schema->name, type.name}, {schema->name, type.name});
  });
}

struct Dependent {
  catalog::Oid relation = 0;
  std::string column;  // empty: the relation itself
  std::string description;
};

std::vector<Dependent> dependents_of(const catalog::Catalog& catalog, const catalog::TypeObject& type) {
  std::vector<Dependent> found;
  for (const auto* relation : catalog.relations()) {
    const bool is_table = relation->kind == catalog::RelationKind::Table;
    bool has_column = false;
    for (const auto& column : relation->columns) {
      if (!is_of_type(column, type)) continue;
      has_column = true;
      if (is_table)
        found.push_back(
            {relation->oid, column.name, "column " + column.name + " of " + described(*relation)});
    }
    if (!is_table && (has_column || is_named_in(*relation, catalog, type))) {
      found.push_back({relation->oid, {}, described(*relation)});
    } else if (is_table && !has_column && is_named_in(*relation, catalog, type)) {
      throw Error(
          ErrorCode::DependentObjectsStillExist,
          "cannot drop " + described(type) + " because other objects depend on it",
          "A default, constraint or index of " + described(*relation) + " depends on " + described(type));
    }
  }
  for (const auto* other : catalog.types()) {
    const bool is_over = other->kind == Kind::Domain && type.kind == Kind::Enum &&
                         other->base.id == TypeId::Enum && other->base.user_oid() == type.oid;
    if (is_over) {
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "cannot drop " + described(type) + " because other objects depend on it",
                  described(*other) + " depends on " + described(type),
                  "Drop " + described(*other) + " first.");
    }
  }
  return found;
}

void drop_one(Execution& execution, catalog::CatalogEdit& edit, const catalog::TypeObject& type,
              bool cascade) {
  auto& context = execution.context;
  const auto dependents = dependents_of(edit.catalog(), type);
  if (!dependents.empty() && !cascade) {
    std::string detail;
    for (const auto& one : dependents)
      detail += (detail.empty() ? "" : "\n") + one.description + " depends on " + described(type);
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop " + described(type) + " because other objects depend on it", detail,
                "Use DROP ... CASCADE to drop the dependent objects too.");
  }
  for (const auto& one : dependents) {
    const auto* relation = edit.catalog().find_relation(one.relation);
    if (relation == nullptr) continue;  // already dropped by a cascade
    context.notice("drop cascades to " + one.description);
    if (one.column.empty()) {
      drop_relation(context, edit, one.relation, true);
      continue;
    }
    run_sql(context, "ALTER TABLE " + qualified_name(edit.catalog(), *relation) + " DROP COLUMN " +
                         catalog::quote_identifier(one.column) + " CASCADE");
  }
  edit.remove_type(type.oid);
}

std::string drop_types(Execution& execution, const sql::TypeStatement& drop) {
  auto& context = execution.context;
  const std::string word = drop.is_domain ? "DROP DOMAIN" : "DROP TYPE";
  auto& edit = context.edit_catalog(word);
  for (const auto& name : drop.names) {
    const auto* found = find_type(context, edit.catalog(), name);
    if (found == nullptr) {
      const std::string message = "type \"" + written(name) + "\" does not exist";
      if (!drop.if_exists) throw Error(ErrorCode::UndefinedObject, message);
      context.notice(message + ", skipping");
      continue;
    }
    require_owner(context, "type", found->name, found->owner);
    if (drop.is_domain && found->kind != Kind::Domain)
      throw Error(ErrorCode::WrongObjectType, "\"" + found->name + "\" is not a domain");
    drop_one(execution, edit, catalog::TypeObject(*found), drop.cascade);
  }
  return word;
}

std::string create_type(Execution& execution, const sql::TypeStatement& create) {
  auto& context = execution.context;
  const std::string word = create.is_domain ? "CREATE DOMAIN" : "CREATE TYPE";
  const auto& name = create.names.front();
  auto& edit = context.edit_catalog(word);
  const auto& schema = context.creation_schema(name.schema);
  catalog::TypeObject type = create.is_domain ? make_domain(context, create) : make_enum(context, create);
  type.oid = next_type_oid(context);
  type.schema = schema.oid;
  type.name = name.name;
  type.owner = context.user();
  edit.put_type(type);
  return word;
}

}  // namespace

std::string described(const catalog::TypeObject& type) { return "type " + type.name; }

std::string qualified_name(const catalog::Catalog& catalog, const catalog::TypeObject& type) {
  return catalog::qualified_name(catalog.find_schema(type.schema)->name, type.name);
}

std::string type_words(const catalog::Catalog& catalog, const SqlType& type, catalog::Oid domain) {
  const auto* found = domain != 0               ? catalog.find_type(domain)
                      : type.id == TypeId::Enum ? catalog.find_type(type.user_oid())
                                                : nullptr;
  if (found == nullptr) return to_sql(type);
  return catalog::quote_identifier(found->name) + (domain == 0 && type.is_array ? "[]" : "");
}

catalog::Oid next_type_oid(SessionContext& context) {
  auto& store = context.database().store();
  auto oid = store.next_table_id();
  for (auto next = store.next_table_id(); next != oid + 1; next = store.next_table_id()) oid = next;
  return oid;
}

void comment_on_type(SessionContext& context, catalog::CatalogEdit& edit,
                     const sql::CommentStatement& comment) {
  const auto* found = find_type(context, edit.catalog(), comment.object);
  if (found == nullptr)
    throw Error(ErrorCode::UndefinedObject, "type \"" + written(comment.object) + "\" does not exist");
  require_owner(context, "type", found->name, found->owner);
  catalog::TypeObject type = *found;
  if (comment.object_kind == "domain" && type.kind != Kind::Domain)
    throw Error(ErrorCode::WrongObjectType, "\"" + type.name + "\" is not a domain");
  type.comment = comment.text.value_or("");
  edit.put_type(type);
}

void drop_types_of(SessionContext& context, catalog::CatalogEdit& edit, catalog::Oid schema) {
  std::vector<catalog::TypeObject> types;
  for (const auto* type : edit.catalog().types()) {
    if (type->schema == schema) types.push_back(*type);
  }
  // Domains first: they may be over an enum.
  std::stable_partition(types.begin(), types.end(),
                        [](const auto& type) { return type.kind == Kind::Domain; });
  for (const auto& type : types) {
    if (!dependents_of(edit.catalog(), type).empty()) {
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "cannot drop " + described(type) + " because objects of other schemas depend on it", {},
                  "Drop the type by DROP TYPE ... CASCADE first.");
    }
    context.notice("drop cascades to " + described(type));
    edit.remove_type(type.oid);
  }
}

ResolvedType resolve_type(const SessionContext& context, const SqlType& type,
                          const sql::QualifiedName& name) {
  if (name.name.empty()) return {type};
  const auto catalog = context.catalog();
  const auto* found = find_type(context, *catalog, name);
  bool is_array = type.is_array;
  if (found == nullptr && name.name.starts_with('_')) {  // PostgreSQL's names of array types
    found = find_type(context, *catalog, {name.schema, name.name.substr(1)});
    is_array = true;
  }
  if (found == nullptr) sql::fail_unknown_type(name);
  if (is_array && found->kind == Kind::Domain)
    throw Error(ErrorCode::FeatureNotSupported, "arrays of domains are not supported").at(name.position);
  ResolvedType resolved{found->type(), found->kind == Kind::Domain ? found->oid : 0};
  resolved.type.is_array = resolved.type.is_array || is_array;
  return resolved;
}

std::string execute_type(Execution& execution, const sql::TypeStatement& statement) {
  auto& context = execution.context;
  if (statement.action == Action::Drop) return drop_types(execution, statement);
  if (statement.action == Action::CreateEnum || statement.action == Action::CreateDomain)
    return create_type(execution, statement);
  const std::string word = statement.is_domain ? "ALTER DOMAIN" : "ALTER TYPE";
  auto& edit = context.edit_catalog(word);
  const auto& name = statement.names.front();
  const auto* found = find_type(context, edit.catalog(), name);
  if (found == nullptr)
    throw Error(ErrorCode::UndefinedObject, "type \"" + written(name) + "\" does not exist");
  require_owner(context, "type", found->name, found->owner);
  catalog::TypeObject type = *found;
  if (statement.is_domain && type.kind != Kind::Domain)
    throw Error(ErrorCode::WrongObjectType, "\"" + type.name + "\" is not a domain");
  switch (statement.action) {
    case Action::AddValue:
    case Action::RenameValue:
      if (type.kind != Kind::Enum)
        throw Error(ErrorCode::WrongObjectType, qualified_name(edit.catalog(), type) + " is not an enum");
      if (statement.action == Action::AddValue)
        add_value(context, type, statement);
      else
        rename_value(type, statement);
      break;
    case Action::Rename:
    case Action::SetSchema: {
      const auto& schema = statement.action == Action::SetSchema ? context.creation_schema(statement.new_name)
                                                                 : *edit.catalog().find_schema(type.schema);
      const sql::QualifiedName before{edit.catalog().find_schema(type.schema)->name, type.name};
      if (statement.action == Action::Rename) type.name = statement.new_name;
      type.schema = schema.oid;
      const sql::QualifiedName after{schema.name, type.name};
      edit.put_type(type);
      follow_renamed_type(edit, before, after);
      return word;
    }
    case Action::OwnerTo: {
      const std::string role = role_meant(context, statement.new_name);
      require_member(context, role);
      type.owner = role;
      break;
    }
    default:
      alter_domain(execution, edit, type, statement);
      break;
  }
  edit.put_type(type);
  return word;
}

}  // namespace tickstone::engine
