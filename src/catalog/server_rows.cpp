// SPDX-License-Identifier: Apache-2.0
// The database, its roles, settings and sessions.
#include <algorithm>

#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

constexpr int kEncodingUtf8 = 6;
constexpr const char* kHiddenPassword = "********";

/// 0 stands for "never" in RunningFacts.
std::optional<std::int64_t> time_or_null(std::int64_t us) {
  return us == 0 ? std::nullopt : std::optional<std::int64_t>(us);
}

void pg_database(RowWriter& rows, const RowContext& context) {
  rows.add({{"oid", kDatabase},
            {"datname", context.facts.current_database()},
            {"datdba", kBootstrapRole},
            {"encoding", kEncodingUtf8},
            {"datlocprovider", 'c'},
            {"datallowconn", true},
            {"datconnlimit", -1},
            {"dattablespace", kTablespaceDefault},
            {"datcollate", "C.UTF-8"},
            {"datctype", "C.UTF-8"}});
}

void pg_tablespace(RowWriter& rows, const RowContext&) {
  rows.add({{"oid", kTablespaceDefault}, {"spcname", "pg_default"}, {"spcowner", kBootstrapRole}});
  rows.add({{"oid", kTablespaceGlobal}, {"spcname", "pg_global"}, {"spcowner", kBootstrapRole}});
}

void pg_authid(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    rows.add({{"oid", role->oid},
              {"rolname", role->name},
              {"rolsuper", role->superuser},
              {"rolinherit", true},
              {"rolcreaterole", role->create_role || role->superuser},
              {"rolcreatedb", role->create_db || role->superuser},
              {"rolcanlogin", role->login},
              {"rolbypassrls", role->superuser},
              {"rolconnlimit", role->connection_limit},
              {"rolpassword", role->verifier.empty() ? Cell(nullptr) : Cell(kHiddenPassword)}});
  }
}

void pg_auth_members(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    for (const auto& name : role->member_of) {
      const auto* group = context.catalog.find_role(name);
      if (group == nullptr) continue;  // one that PostgreSQL has without being made
      rows.add({{"roleid", group->oid},
                {"member", role->oid},
                {"grantor", kBootstrapRole},
                {"admin_option", false}});
    }
  }
}

void pg_roles(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    rows.add({{"rolname", role->name},
              {"rolsuper", role->superuser},
              {"rolinherit", true},
              {"rolcreaterole", role->create_role || role->superuser},
              {"rolcreatedb", role->create_db || role->superuser},
              {"rolcanlogin", role->login},
              {"rolreplication", false},
              {"rolconnlimit", role->connection_limit},
              {"rolpassword", kHiddenPassword},
              {"rolbypassrls", role->superuser},
              {"oid", role->oid}});
  }
}

void pg_user(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    if (!role->login) continue;
    rows.add({{"usename", role->name},
              {"usesysid", role->oid},
              {"usecreatedb", role->create_db || role->superuser},
              {"usesuper", role->superuser},
              {"userepl", false},
              {"usebypassrls", role->superuser},
              {"passwd", kHiddenPassword}});
  }
}

void pg_group(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    if (role->login) continue;
    rows.add({{"groname", role->name}, {"grosysid", role->oid}, {"grolist", Cell::integers({})}});
  }
}

void pg_extension(RowWriter& rows, const RowContext& context) {
  for (const ExtensionObject* extension : context.catalog.extensions()) {
    rows.add({{"oid", extension->oid},
              {"extname", extension->name},
              {"extowner", kBootstrapRole},
              {"extnamespace", extension->schema},
              {"extrelocatable", false},
              {"extversion", extension->version}});
  }
}

constexpr const char* kTimescaleComment = "time-series SQL: hypertables, continuous aggregates and policies";

void pg_available_extensions(RowWriter& rows, const RowContext& context) {
  const ExtensionObject* installed = context.catalog.find_extension("timescaledb");
  rows.add({{"name", "timescaledb"},
            {"default_version", installed == nullptr ? kTimescaleVersion : installed->version},
            {"installed_version", installed == nullptr ? Cell(nullptr) : Cell(installed->version)},
            {"comment", kTimescaleComment}});
}

void pg_available_extension_versions(RowWriter& rows, const RowContext& context) {
  const ExtensionObject* installed = context.catalog.find_extension("timescaledb");
  rows.add({{"name", "timescaledb"},
            {"version", installed == nullptr ? kTimescaleVersion : installed->version},
            {"installed", installed != nullptr},
            {"superuser", true},
            {"trusted", true},
            {"relocatable", false},
            {"comment", kTimescaleComment}});
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell(nullptr) : Cell(text); }

void pg_settings(RowWriter& rows, const RowContext& context) {
  for (const auto& setting : context.facts.settings_shown()) {
    rows.add({{"name", setting.name},
              {"setting", setting.value},
              {"unit", text_or_null(setting.unit)},
              {"category", setting.category},
              {"short_desc", setting.description},
              {"context", setting.context},
              {"vartype", setting.type},
              {"source", setting.source},
              {"min_val", text_or_null(setting.minimum)},
              {"max_val", text_or_null(setting.maximum)},
              {"enumvals", setting.choices.empty() ? Cell(nullptr) : Cell(setting.choices)},
              {"boot_val", setting.boot_value},
              {"reset_val", setting.reset_value},
              {"sourcefile", text_or_null(setting.source_file)},
              {"sourceline", setting.source_file.empty() ? Cell(nullptr) : Cell(setting.source_line)},
              {"pending_restart", setting.pending_restart}});
  }
}

void pg_file_settings(RowWriter& rows, const RowContext& context) {
  int number = 0;
  for (const auto& line : context.facts.file_settings()) {
    rows.add({{"sourcefile", line.file},
              {"sourceline", line.line},
              {"seqno", ++number},
              {"name", text_or_null(line.name)},
              {"setting", line.name.empty() ? Cell(nullptr) : Cell(line.value)},
              {"applied", line.is_applied},
              {"error", text_or_null(line.error)}});
  }
}

const char* lock_name(const storage::LockInfo& lock) {
  if (lock.is_of_table)
    return lock.mode == storage::LockMode::Update ? "AccessExclusiveLock" : "RowExclusiveLock";
  switch (lock.mode) {
    case storage::LockMode::KeyShare:
      return "RowShareLock";
    case storage::LockMode::Share:
      return "ShareLock";
    case storage::LockMode::NoKeyUpdate:
    case storage::LockMode::Update:
      break;
  }
  return "ExclusiveLock";
}

/// The relation that storage's table is of, or whose unique key it holds.
Oid relation_of_table(const Catalog& catalog, storage::TableId table) {
  for (const RelationObject* relation : catalog.relations()) {
    if (relation->is_stored() && relation->table() == table) return relation->oid;
    for (const auto& index : relation->indexes) {
      if (index.key_table == table) return relation->oid;
    }
  }
  return table;
}

void pg_locks(RowWriter& rows, const RowContext& context) {
  for (const auto& lock : context.facts.locks()) {
    rows.add({{"locktype", lock.is_of_table ? "relation" : "tuple"},
              {"database", kDatabase},
              {"relation", relation_of_table(context.catalog, lock.table)},
              {"virtualtransaction", std::to_string(lock.session) + "/" + std::to_string(lock.transaction)},
              {"pid", lock.session},
              {"mode", lock_name(lock)},
              {"granted", lock.is_granted},
              {"fastpath", false}});
  }
}

void pg_stat_activity(RowWriter& rows, const RowContext& context) {
  const auto locks = context.facts.locks();
  for (const auto& session : context.facts.sessions()) {
    const bool is_idle = session.state.starts_with("idle");
    const auto awaited = std::find_if(locks.begin(), locks.end(), [&](const storage::LockInfo& lock) {
      return !lock.is_granted && lock.session == session.pid;
    });
    const bool waits = awaited != locks.end();
    rows.add({{"datid", kDatabase},
              {"datname", session.database},
              {"pid", session.pid},
              {"usesysid", owner_oid(context.catalog, session.user)},
              {"usename", session.user},
              {"application_name", session.application_name},
              {"client_addr", session.client_address.empty() ? Cell(nullptr) : Cell(session.client_address)},
              {"client_port", session.client_port},
              {"backend_start", time_or_null(session.backend_start_us)},
              {"xact_start", time_or_null(session.transaction_start_us)},
              {"query_start", time_or_null(session.query_start_us)},
              {"state_change", time_or_null(session.state_change_us)},
              {"wait_event_type", waits     ? Cell("Lock")
                                  : is_idle ? Cell("Client")
                                            : Cell(nullptr)},
              {"wait_event", waits     ? Cell(awaited->is_of_table ? "relation" : "tuple")
                             : is_idle ? Cell("ClientRead")
                                       : Cell(nullptr)},
              {"backend_xmin", session.snapshot_seq == 0 ? Cell(nullptr) : Cell(session.snapshot_seq)},
              {"state", session.state},
              {"query", session.query},
              {"backend_type", "client backend"}});
  }
}

void pg_stat_database(RowWriter& rows, const RowContext& context) {
  rows.add({{"datid", kDatabase},
            {"datname", context.facts.current_database()},
            {"numbackends", context.facts.sessions().size()}});
}

}  // namespace

void add_server_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_database"}] = pg_database;
  makers[{"pg_catalog", "pg_tablespace"}] = pg_tablespace;
  makers[{"pg_catalog", "pg_authid"}] = pg_authid;
  makers[{"pg_catalog", "pg_auth_members"}] = pg_auth_members;
  makers[{"pg_catalog", "pg_roles"}] = pg_roles;
  makers[{"pg_catalog", "pg_user"}] = pg_user;
  makers[{"pg_catalog", "pg_shadow"}] = pg_user;
  makers[{"pg_catalog", "pg_group"}] = pg_group;
  makers[{"pg_catalog", "pg_extension"}] = pg_extension;
  makers[{"pg_catalog", "pg_available_extensions"}] = pg_available_extensions;
  makers[{"pg_catalog", "pg_available_extension_versions"}] = pg_available_extension_versions;
  makers[{"pg_catalog", "pg_settings"}] = pg_settings;
  makers[{"pg_catalog", "pg_file_settings"}] = pg_file_settings;
  makers[{"pg_catalog", "pg_stat_activity"}] = pg_stat_activity;
  makers[{"pg_catalog", "pg_locks"}] = pg_locks;
  makers[{"pg_catalog", "pg_stat_database"}] = pg_stat_database;
}

}  // namespace tickstone::catalog
