// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

// Fixed numbers. Those below 12000 are PostgreSQL's own; it leaves 12000 to 16383 to what each
// installation makes.
inline constexpr Oid kSchemaPgCatalog = 11;
inline constexpr Oid kSchemaPublic = 2200;
inline constexpr Oid kSchemaInformation = 12001;
inline constexpr Oid kSchemaTimescaleInformation = 12002;
inline constexpr Oid kSchemaTimescaleExperimental = 12003;
inline constexpr Oid kSchemaTimescaleInternal = 12004;
inline constexpr Oid kSchemaTimescaleFunctions = 12005;
inline constexpr Oid kSchemaTimescaleCatalog = 12006;
inline constexpr Oid kSchemaTickstone = 12007;

inline constexpr std::array<std::pair<Oid, std::string_view>, 9> kFirstSchemas = {{
    {kSchemaPgCatalog, "pg_catalog"},
    {kSchemaPublic, "public"},
    {kSchemaInformation, "information_schema"},
    {kSchemaTimescaleInformation, "timescaledb_information"},
    {kSchemaTimescaleExperimental, "timescaledb_experimental"},
    {kSchemaTimescaleInternal, "_timescaledb_internal"},
    {kSchemaTimescaleFunctions, "_timescaledb_functions"},
    {kSchemaTimescaleCatalog, "_timescaledb_catalog"},
    {kSchemaTickstone, "tickstone"},
}};

/// System relations that PostgreSQL gives no fixed number, and TimescaleDB's, count from here.
inline constexpr Oid kFirstSystemRelation = 12100;
/// Functions without a fixed number of PostgreSQL's.
inline constexpr Oid kFirstOwnFunction = 13500;
/// Rows of pg_default_acl count from here.
inline constexpr Oid kFirstDefaultRights = 16'000;
inline constexpr Oid kDatabase = 5;
inline constexpr Oid kBootstrapRole = 10;
inline constexpr Oid kRoleDatabaseOwner = 6171;  // pg_database_owner
/// Roles that PostgreSQL has without being made.
inline constexpr std::array<std::pair<Oid, std::string_view>, 12> kPredefinedRoles = {{
    {3373, "pg_monitor"},
    {3374, "pg_read_all_settings"},
    {3375, "pg_read_all_stats"},
    {3377, "pg_stat_scan_tables"},
    {4200, "pg_signal_backend"},
    {4544, "pg_checkpoint"},
    {4569, "pg_read_server_files"},
    {4570, "pg_write_server_files"},
    {4571, "pg_execute_server_program"},
    {kRoleDatabaseOwner, "pg_database_owner"},
    {6181, "pg_read_all_data"},
    {6182, "pg_write_all_data"},
}};
inline constexpr Oid kTablespaceDefault = 1663;
inline constexpr Oid kTablespaceGlobal = 1664;
inline constexpr Oid kAccessMethodHeap = 2;
inline constexpr Oid kAccessMethodBtree = 403;
inline constexpr Oid kAccessMethodHash = 405;
inline constexpr Oid kAccessMethodGist = 783;
inline constexpr Oid kAccessMethodGin = 2742;
inline constexpr Oid kAccessMethodBrin = 3580;
inline constexpr Oid kAccessMethodSpgist = 4000;
inline constexpr Oid kCollationDefault = 100;
inline constexpr Oid kCollationC = 950;
inline constexpr Oid kClassOfRelations = 1259;    // pg_class
inline constexpr Oid kClassOfTypes = 1247;        // pg_type
inline constexpr Oid kClassOfFunctions = 1255;    // pg_proc
inline constexpr Oid kClassOfConstraints = 2606;  // pg_constraint
inline constexpr Oid kClassOfDefaults = 2604;     // pg_attrdef
inline constexpr Oid kClassOfRules = 2618;        // pg_rewrite
inline constexpr Oid kClassOfSchemas = 2615;      // pg_namespace
inline constexpr Oid kClassOfDatabases = 1262;    // pg_database
inline constexpr Oid kClassOfRoles = 1260;        // pg_authid
inline constexpr Oid kClassOfExtensions = 3079;   // pg_extension

/// What CREATE EXTENSION timescaledb installs.
inline constexpr std::string_view kTimescaleVersion = "2.29.2";

}  // namespace tickstone::catalog
