// SPDX-License-Identifier: Apache-2.0
// The database, its roles, extensions, settings and locks.
#include <array>

#include "base/clock.hpp"
#include "catalog/privileges.hpp"
#include "catalog/role_facts.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "types/time_zone_list.hpp"

namespace tickstone::catalog {
namespace {

constexpr int kEncodingUtf8 = 6;
constexpr const char* kHiddenPassword = "********";

/// What a password is checked against: for superusers, who copy roles and let poolers log them in, and whom
/// alone PostgreSQL lets read it.
Cell verifier_of(const RoleObject& role, const RowContext& context) {
  return role.verifier.empty() || !context.facts.is_superuser() ? Cell(nullptr) : Cell(role.verifier);
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
            {"datctype", "C.UTF-8"},
            {"datacl", database_acl_texts(context.catalog)}});
}

void pg_shdescription(RowWriter& rows, const RowContext& context) {
  const auto add = [&](Oid object, Oid of, const std::string& comment) {
    if (!comment.empty()) rows.add({{"objoid", object}, {"classoid", of}, {"description", comment}});
  };
  add(kDatabase, kClassOfDatabases, context.catalog.database().comment);
  for (const RoleObject* role : context.catalog.roles()) add(role->oid, kClassOfRoles, role->comment);
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
              {"rolpassword", verifier_of(*role, context)},
              {"rolvaliduntil", Cell(role->valid_until_us)}});
  }
  for (const auto& [oid, name] : kPredefinedRoles) {
    rows.add({{"oid", oid}, {"rolname", name}, {"rolinherit", true}, {"rolconnlimit", -1}});
  }
}

void pg_auth_members(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    for (const auto& name : role->member_of) {
      const Oid group = role_oid(context.catalog, name);
      if (group == 0) continue;
      rows.add(
          {{"roleid", group}, {"member", role->oid}, {"grantor", kBootstrapRole}, {"admin_option", false}});
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
              {"rolvaliduntil", Cell(role->valid_until_us)},
              {"rolbypassrls", role->superuser},
              {"oid", role->oid}});
  }
  for (const auto& [oid, name] : kPredefinedRoles) {
    rows.add({{"rolname", name},
              {"rolsuper", false},
              {"rolinherit", true},
              {"rolcreaterole", false},
              {"rolcreatedb", false},
              {"rolcanlogin", false},
              {"rolreplication", false},
              {"rolconnlimit", -1},
              {"rolpassword", kHiddenPassword},
              {"rolbypassrls", false},
              {"oid", oid}});
  }
}

void add_users(RowWriter& rows, const RowContext& context,
               Cell (*password)(const RoleObject&, const RowContext&)) {
  for (const RoleObject* role : context.catalog.roles()) {
    if (!role->login) continue;
    rows.add({{"usename", role->name},
              {"usesysid", role->oid},
              {"usecreatedb", role->create_db || role->superuser},
              {"usesuper", role->superuser},
              {"userepl", false},
              {"usebypassrls", role->superuser},
              {"passwd", password(*role, context)},
              {"valuntil", Cell(role->valid_until_us)}});
  }
}

void pg_user(RowWriter& rows, const RowContext& context) {
  add_users(rows, context, [](const RoleObject&, const RowContext&) { return Cell(kHiddenPassword); });
}

void pg_shadow(RowWriter& rows, const RowContext& context) { add_users(rows, context, verifier_of); }

void pg_group(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) {
    if (role->login) continue;
    rows.add({{"groname", role->name}, {"grosysid", role->oid}, {"grolist", Cell::integers({})}});
  }
}

void pg_extension(RowWriter& rows, const RowContext& context) {
  for (const ExtensionObject* extension : context.catalog.extensions()) {
    // What is built in is not for a dump to make.
    const bool is_built_in = extension->name.starts_with("timescaledb") || extension->name == "plpgsql";
    if (is_built_in && context.audience == Audience::Dump) continue;
    rows.add({{"oid", extension->oid},
              {"extname", extension->name},
              {"extowner", kBootstrapRole},
              {"extnamespace", extension->schema},
              {"extrelocatable", false},
              {"extversion", extension->version}});
  }
}

struct AvailableExtension {
  std::string_view name, version, comment;
};
constexpr auto kAvailableExtensions = std::to_array<AvailableExtension>({
    {"pg_stat_statements", "1.10", "track planning and execution statistics of all SQL statements executed"},
    {"timescaledb", kTimescaleVersion, "time-series SQL: hypertables, continuous aggregates and policies"},
});

void pg_available_extensions(RowWriter& rows, const RowContext& context) {
  for (const auto& extension : kAvailableExtensions) {
    const ExtensionObject* installed = context.catalog.find_extension(extension.name);
    rows.add({{"name", extension.name},
              {"default_version", installed == nullptr ? Cell(extension.version) : Cell(installed->version)},
              {"installed_version", installed == nullptr ? Cell(nullptr) : Cell(installed->version)},
              {"comment", extension.comment}});
  }
}

void pg_available_extension_versions(RowWriter& rows, const RowContext& context) {
  for (const auto& extension : kAvailableExtensions) {
    const ExtensionObject* installed = context.catalog.find_extension(extension.name);
    rows.add({{"name", extension.name},
              {"version", installed == nullptr ? Cell(extension.version) : Cell(installed->version)},
              {"installed", installed != nullptr},
              {"superuser", true},
              {"trusted", true},
              {"relocatable", false},
              {"comment", extension.comment}});
  }
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

void add_advisory_locks(RowWriter& rows, const RowContext& context) {
  for (const auto& lock : context.facts.advisory_locks_shown()) {
    const auto bits = static_cast<std::uint64_t>(lock.key);
    rows.add({{"locktype", "advisory"},
              {"database", kDatabase},
              {"classid", static_cast<Oid>(bits >> 32)},
              {"objid", static_cast<Oid>(bits & 0xFFFFFFFFU)},
              {"objsubid", lock.is_of_pair ? 2 : 1},
              {"virtualtransaction", std::to_string(lock.pid) + "/0"},
              {"pid", lock.pid},
              {"mode", lock.is_shared ? "ShareLock" : "ExclusiveLock"},
              {"granted", lock.is_granted},
              {"fastpath", false}});
  }
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
  add_advisory_locks(rows, context);
}

void pg_cursors(RowWriter& rows, const RowContext& context) {
  for (const auto& cursor : context.facts.open_cursors()) {
    rows.add({{"name", cursor.name},
              {"statement", cursor.text},
              {"is_holdable", cursor.is_holdable},
              {"is_binary", cursor.is_binary},
              {"is_scrollable", cursor.is_scrollable},
              {"creation_time", cursor.created_us}});
  }
}

/// A row a client: it says of all whether they are encrypted, and to whom it may tell more, how.
void pg_stat_ssl(RowWriter& rows, const RowContext& context) {
  const std::string user = context.facts.current_user();
  for (const auto& session : context.facts.sessions()) {
    if (session.is_job) continue;
    if (!is_member(context.catalog, user, session.user) &&
        !is_member(context.catalog, user, "pg_read_all_stats")) {
      rows.add({{"pid", session.pid}});
      continue;
    }
    const TlsUse& tls = session.tls;
    const bool is_used = !tls.version.empty();
    rows.add({{"pid", session.pid},
              {"ssl", is_used},
              {"version", text_or_null(tls.version)},
              {"cipher", text_or_null(tls.cipher)},
              {"bits", is_used ? Cell(tls.key_bits) : Cell(nullptr)},
              {"client_dn", text_or_null(tls.client_name)},
              {"client_serial", text_or_null(tls.client_serial)},
              {"issuer_dn", text_or_null(tls.issuer_name)}});
  }
}

void pg_timezone_names(RowWriter& rows, const RowContext&) {
  for (auto& zone : all_time_zones(system_clock().now_us())) {
    rows.add({{"name", std::move(zone.name)},
              {"abbrev", std::move(zone.abbreviation)},
              {"utc_offset", IntervalValue{.micros = zone.offset_seconds * kMicrosPerSecond}},
              {"is_dst", zone.is_daylight}});
  }
}

void pg_timezone_abbrevs(RowWriter& rows, const RowContext&) {
  for (auto& zone : all_zone_abbreviations()) {
    rows.add({{"abbrev", std::move(zone.abbreviation)},
              {"utc_offset", IntervalValue{.micros = zone.offset_seconds * kMicrosPerSecond}},
              {"is_dst", zone.is_daylight}});
  }
}

void pg_prepared_statements(RowWriter& rows, const RowContext& context) {
  for (const auto& statement : context.facts.prepared_statements()) {
    std::vector<std::int64_t> types;
    for (const auto& type : statement.parameter_types) types.push_back(oid_of(type));
    rows.add({{"name", statement.name},
              {"statement", statement.text},
              {"prepare_time", statement.prepared_us},
              {"parameter_types", Cell::integers(std::move(types))},
              {"from_sql", statement.is_from_sql},
              {"generic_plans", statement.run_count},
              {"custom_plans", 0}});
  }
}

}  // namespace

void add_server_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_database"}] = pg_database;
  makers[{"pg_catalog", "pg_shdescription"}] = pg_shdescription;
  makers[{"pg_catalog", "pg_tablespace"}] = pg_tablespace;
  makers[{"pg_catalog", "pg_authid"}] = pg_authid;
  makers[{"pg_catalog", "pg_auth_members"}] = pg_auth_members;
  makers[{"pg_catalog", "pg_roles"}] = pg_roles;
  makers[{"pg_catalog", "pg_user"}] = pg_user;
  makers[{"pg_catalog", "pg_shadow"}] = pg_shadow;
  makers[{"pg_catalog", "pg_group"}] = pg_group;
  makers[{"pg_catalog", "pg_extension"}] = pg_extension;
  makers[{"pg_catalog", "pg_available_extensions"}] = pg_available_extensions;
  makers[{"pg_catalog", "pg_available_extension_versions"}] = pg_available_extension_versions;
  makers[{"pg_catalog", "pg_settings"}] = pg_settings;
  makers[{"pg_catalog", "pg_file_settings"}] = pg_file_settings;
  makers[{"pg_catalog", "pg_locks"}] = pg_locks;
  makers[{"pg_catalog", "pg_cursors"}] = pg_cursors;
  makers[{"pg_catalog", "pg_timezone_abbrevs"}] = pg_timezone_abbrevs;
  makers[{"pg_catalog", "pg_timezone_names"}] = pg_timezone_names;
  makers[{"pg_catalog", "pg_stat_ssl"}] = pg_stat_ssl;
  makers[{"pg_catalog", "pg_prepared_statements"}] = pg_prepared_statements;
}

}  // namespace tickstone::catalog
