// SPDX-License-Identifier: Apache-2.0
// CREATE, ALTER and DROP of types and domains.
#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

using Action = TypeStatement::Action;

bool is_type(PgQuery__ObjectType type) {
  return type == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE || type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN;
}

QualifiedName name_in(std::size_t count, Node* const* parts) {
  QualifiedName name;
  if (count > 1) name.schema = string_of(parts[count - 2]);
  if (count > 0) name.name = string_of(parts[count - 1]);
  return name;
}

/// As DROP, COMMENT and ALTER have it.
QualifiedName name_in(const Node* object) {
  if (object->node_case == PG_QUERY__NODE__NODE_TYPE_NAME)
    return name_in(object->type_name->n_names, object->type_name->names);
  return name_in(object->list->n_items, object->list->items);
}

}  // namespace

TypeStatement StatementBuilder::type_statement(Action action, std::size_t count, Node* const* name,
                                               Statement& out) const {
  TypeStatement body;
  body.action = action;
  body.names.push_back(name_in(count, name));
  out.tag = action == Action::CreateEnum ? "CREATE TYPE" : "ALTER TYPE";
  return body;
}

void StatementBuilder::build_domain(const PgQuery__CreateDomainStmt& create, Statement& out) {
  TypeStatement body = type_statement(Action::CreateDomain, create.n_domainname, create.domainname, out);
  out.tag = "CREATE DOMAIN";
  body.is_domain = true;
  auto written = written_type_of(*tree_, *create.type_name);
  body.base = written.type;
  body.base_name = std::move(written.name);
  if (create.coll_clause != nullptr) refuse("COLLATE of a domain", create.coll_clause->location);
  bool is_null = false;
  for (std::size_t i = 0; i < create.n_constraints; ++i) {
    const PgQuery__Constraint& constraint = *create.constraints[i]->constraint;
    switch (constraint.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        is_null = true;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        body.not_null = true;
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        if (body.default_value) throw Error(ErrorCode::SyntaxError, "multiple default expressions");
        body.default_value = expr(constraint.raw_expr);
        break;
      case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        body.checks.push_back(constraint_of(constraint));
        break;
      default:
        throw Error(ErrorCode::SyntaxError, "this constraint is not possible for domains")
            .at(tree_->position(constraint.location));
    }
  }
  if (is_null && body.not_null) throw Error(ErrorCode::SyntaxError, "conflicting NULL/NOT NULL constraints");
  out.body = std::move(body);
}

void StatementBuilder::build_alter_domain(const PgQuery__AlterDomainStmt& alter, Statement& out) {
  TypeStatement body = type_statement(Action::SetDefault, alter.n_type_name, alter.type_name, out);
  out.tag = "ALTER DOMAIN";
  body.is_domain = true;
  body.label = alter.name;
  body.if_exists = alter.missing_ok != 0;
  body.cascade = alter.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  switch (*alter.subtype) {
    case 'T':
      body.default_value = expr(alter.def);
      break;
    case 'N':
      body.action = Action::DropNotNull;
      break;
    case 'O':
      body.action = Action::SetNotNull;
      break;
    case 'C':
      body.action = Action::AddConstraint;
      if (alter.def->constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK)
        refuse("this constraint of a domain", alter.def->constraint->location);
      body.checks.push_back(constraint_of(*alter.def->constraint));
      break;
    case 'X':
      body.action = Action::DropConstraint;
      break;
    case 'V':
      body.action = Action::ValidateConstraint;
      break;
    default:
      refuse("this form of ALTER DOMAIN");
  }
  out.body = std::move(body);
}

bool StatementBuilder::build_type(const Node* node, Statement& out) {
  const auto of = [&](Action action, PgQuery__ObjectType type, const Node* object, const char* new_name) {
    TypeStatement body;
    body.action = action;
    body.is_domain = type != PG_QUERY__OBJECT_TYPE__OBJECT_TYPE;
    body.names.push_back(name_in(object));
    body.new_name = new_name;
    out.tag = body.is_domain ? "ALTER DOMAIN" : "ALTER TYPE";
    return body;
  };
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT: {
      const PgQuery__CreateEnumStmt& create = *node->create_enum_stmt;
      TypeStatement body = type_statement(Action::CreateEnum, create.n_type_name, create.type_name, out);
      for (std::size_t i = 0; i < create.n_vals; ++i) body.labels.emplace_back(string_of(create.vals[i]));
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_ALTER_ENUM_STMT: {
      const PgQuery__AlterEnumStmt& alter = *node->alter_enum_stmt;
      const bool is_rename = *alter.old_val != '\0';
      TypeStatement body = type_statement(is_rename ? Action::RenameValue : Action::AddValue,
                                          alter.n_type_name, alter.type_name, out);
      body.label = is_rename ? alter.old_val : alter.new_val;
      body.new_name = is_rename ? alter.new_val : "";
      body.neighbour = alter.new_val_neighbor;
      body.is_after = alter.new_val_is_after != 0;
      body.if_not_exists = alter.skip_if_new_val_exists != 0;
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
      build_domain(*node->create_domain_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT:
      build_alter_domain(*node->alter_domain_stmt, out);
      return true;
    case PG_QUERY__NODE__NODE_RENAME_STMT: {
      const PgQuery__RenameStmt& rename = *node->rename_stmt;
      const bool is_constraint = rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMCONSTRAINT;
      if (!is_constraint && !is_type(rename.rename_type)) return false;
      TypeStatement body = of(is_constraint ? Action::RenameConstraint : Action::Rename, rename.rename_type,
                              rename.object, rename.newname);
      body.label = rename.subname;
      out.body = std::move(body);
      return true;
    }
    case PG_QUERY__NODE__NODE_ALTER_OWNER_STMT: {
      const PgQuery__AlterOwnerStmt& owner = *node->alter_owner_stmt;
      if (!is_type(owner.object_type)) return false;
      out.body = of(Action::OwnerTo, owner.object_type, owner.object, role_name_of(*owner.newowner).c_str());
      return true;
    }
    case PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT: {
      const PgQuery__AlterObjectSchemaStmt& set = *node->alter_object_schema_stmt;
      if (!is_type(set.object_type)) return false;
      out.body = of(Action::SetSchema, set.object_type, set.object, set.newschema);
      return true;
    }
    case PG_QUERY__NODE__NODE_DROP_STMT: {
      const PgQuery__DropStmt& drop = *node->drop_stmt;
      if (!is_type(drop.remove_type)) return false;
      TypeStatement body;
      body.action = Action::Drop;
      body.is_domain = drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN;
      body.if_exists = drop.missing_ok != 0;
      body.cascade = drop.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
      for (std::size_t i = 0; i < drop.n_objects; ++i) body.names.push_back(name_in(drop.objects[i]));
      out.tag = body.is_domain ? "DROP DOMAIN" : "DROP TYPE";
      out.body = std::move(body);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace tickstone::sql
