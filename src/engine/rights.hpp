// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "catalog/privileges.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

class WriteTarget;

using catalog::is_superuser;
/// Whether the session may do what the owner may: it is the owner, a member of that role, or a superuser.
bool has_rights_of(const SessionContext& context, const std::string& owner);

/// What only the owner may do: ALTER, DROP and their kin.
/// Errors: InsufficientPrivilege `must be owner of table t`; of aggregates in TimescaleDB's words.
void require_owner(const SessionContext& context, const catalog::RelationObject& relation);
/// The same of a name, if it is a relation's or a chunk's: before a lock is asked for that others would wait
/// for.
void require_owner(const SessionContext& context, const sql::QualifiedName& name);
/// The same of what TimescaleDB's functions act on, which are all hypertables to it.
void require_owner_of_hypertable(const SessionContext& context, const catalog::RelationObject& relation);
/// `current_user` and `session_user` are who they are. Errors: UndefinedObject.
std::string role_meant(const SessionContext& context, const std::string& name);
/// Of the role that something is given to. Errors: InsufficientPrivilege `must be member of role "r"`.
void require_member(const SessionContext& context, const std::string& role);
/// Of a schema, a function, ...: `must be owner of schema s`.
void require_owner(const SessionContext& context, std::string_view kind, const std::string& name,
                   const std::string& owner);

/// Errors: InsufficientPrivilege `permission denied for table t`.
void require_privilege(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege);
void require_privilege(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege, const std::string& role);
/// The same of columns, by their place in the relation; of none: of any one.
void require_columns(const SessionContext& context, const catalog::RelationObject& relation,
                     catalog::Privilege privilege, std::span<const std::size_t> columns,
                     const std::string& role);
void require_columns(const SessionContext& context, const catalog::RelationObject& relation,
                     catalog::Privilege privilege, std::span<const std::size_t> columns);
/// The same of UPDATE and columns that are assigned to.
void require_assignments(const SessionContext& context, const catalog::RelationObject& relation,
                         const std::vector<sql::Assignment>& assignments);
/// The same of any column.
void require_any_column(const SessionContext& context, const catalog::RelationObject& relation,
                        catalog::Privilege privilege, const std::string& role);
/// Whether the role may read all columns.
bool reads_all_columns(const SessionContext& context, const catalog::RelationObject& relation);
/// Or through a view, whose rights are its own.
bool reads_all_columns(const SessionContext& context, const WriteTarget& target);
/// Marks the columns that the role may not read. `info` is of the relation.
void mark_denied(const SessionContext& context, const catalog::RelationObject& relation,
                 sql::RelationInfo& info, const std::string& role);
/// What is written to, with the columns marked that the role may not read; `marked` holds it where there are
/// any.
const sql::RelationInfo& info_to_read(const SessionContext& context, const WriteTarget& target,
                                      std::optional<sql::RelationInfo>& marked);
/// Errors: InsufficientPrivilege `permission denied for schema s`.
void require_create(const SessionContext& context, const catalog::SchemaObject& schema);
/// Errors: InsufficientPrivilege `permission denied for database d`.
void require_of_database(const SessionContext& context, catalog::Privilege privilege);
/// What ALTER DEFAULT PRIVILEGES has said of what the owner makes.
void give_first_rights(const SessionContext& context, catalog::RelationObject& relation);
void give_first_rights(const SessionContext& context, catalog::FunctionObject& function);
void give_first_rights(const SessionContext& context, catalog::SchemaObject& schema);
/// Errors: InsufficientPrivilege `permission denied for function f`.
void require_execute(const SessionContext& context, const catalog::FunctionObject& function);
/// An aggregate's owner must be able to read what it reads.
void require_sources(const SessionContext& context, const catalog::RelationObject& aggregate);

}  // namespace tickstone::engine
