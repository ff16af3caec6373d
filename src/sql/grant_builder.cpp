// SPDX-License-Identifier: Apache-2.0
// GRANT and REVOKE.
#include "sql/statement_builder.hpp"

namespace tickstone::sql {

bool StatementBuilder::build_grant(const PgQuery__GrantStmt& grant, Statement& out) {
  GrantStatement body;
  body.is_grant = grant.is_grant != 0;
  body.with_option = grant.grant_option != 0;
  switch (grant.objtype) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      body.is_of_sequences = true;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
    case PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_ROUTINE:
      body.on = GrantStatement::On::Functions;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      body.on = GrantStatement::On::Schemas;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_DATABASE:
      body.on = GrantStatement::On::Databases;
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      // By default alone: rights to types there are none of.
      if (grant.targtype != PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_DEFAULTS) return false;
      body.on = GrantStatement::On::Types;
      break;
    default:
      return false;
  }
  const bool is_in_schemas = grant.targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA;
  for (std::size_t i = 0; i < grant.n_objects; ++i) {
    const Node* object = grant.objects[i];
    if (is_in_schemas)
      body.schemas.emplace_back(string_of(object));
    else if (body.on == GrantStatement::On::Schemas || body.on == GrantStatement::On::Databases)
      body.names.emplace_back(string_of(object));
    else if (body.on == GrantStatement::On::Functions)
      body.functions.push_back(function_target(*object->object_with_args));
    else
      body.relations.push_back(name_of(object->range_var));
  }
  for (std::size_t i = 0; i < grant.n_privileges; ++i) {
    const PgQuery__AccessPriv& privilege = *grant.privileges[i]->access_priv;
    if (privilege.n_cols == 0) {
      body.privileges.emplace_back(privilege.priv_name);
      continue;
    }
    auto& part = body.of_columns.emplace_back();
    part.privilege = privilege.priv_name;
    for (std::size_t k = 0; k < privilege.n_cols; ++k)
      part.columns.emplace_back(string_of(privilege.cols[k]));
  }
  for (std::size_t i = 0; i < grant.n_grantees; ++i)
    body.grantees.push_back(role_name_of(*grant.grantees[i]->role_spec));
  out.tag = body.is_grant ? "GRANT" : "REVOKE";
  out.body = std::move(body);
  return true;
}

void StatementBuilder::build_default_rights(const PgQuery__AlterDefaultPrivilegesStmt& alter,
                                            Statement& out) {
  if (!build_grant(*alter.action, out)) refuse("ALTER DEFAULT PRIVILEGES of these objects");
  auto& body = std::get<GrantStatement>(out.body);
  body.is_of_defaults = true;
  for (std::size_t i = 0; i < alter.n_options; ++i) {
    const PgQuery__DefElem& option = *alter.options[i]->def_elem;
    const PgQuery__List& items = *option.arg->list;
    for (std::size_t k = 0; k < items.n_items; ++k) {
      if (std::string_view(option.defname) == "schemas")
        body.schemas.emplace_back(string_of(items.items[k]));
      else
        body.roles.push_back(role_name_of(*items.items[k]->role_spec));
    }
  }
  out.tag = "ALTER DEFAULT PRIVILEGES";
}

void StatementBuilder::build_grant_role(const PgQuery__GrantRoleStmt& grant, Statement& out) {
  GrantStatement body;
  body.on = GrantStatement::On::Roles;
  body.is_grant = grant.is_grant != 0;
  body.with_option = grant.admin_opt != 0;
  for (std::size_t i = 0; i < grant.n_granted_roles; ++i)
    body.privileges.emplace_back(grant.granted_roles[i]->access_priv->priv_name);
  for (std::size_t i = 0; i < grant.n_grantee_roles; ++i)
    body.grantees.push_back(role_name_of(*grant.grantee_roles[i]->role_spec));
  out.tag = body.is_grant ? "GRANT ROLE" : "REVOKE ROLE";
  out.body = std::move(body);
}

}  // namespace tickstone::sql
