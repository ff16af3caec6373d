// SPDX-License-Identifier: Apache-2.0
// What runs and what has run: sessions, statements, counters.
#include <algorithm>

#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

constexpr const char* kHiddenQuery = "<insufficient privilege>";
constexpr double kNanosecondsPerMillisecond = 1e6;

/// 0 stands for "never" in RunningFacts.
std::optional<std::int64_t> time_or_null(std::int64_t us) {
  return us == 0 ? std::nullopt : std::optional<std::int64_t>(us);
}

void pg_stat_activity(RowWriter& rows, const RowContext& context) {
  const auto locks = context.facts.locks();
  const bool sees_all = context.facts.is_superuser();
  const std::string self = context.facts.current_user();
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
              {"query", sees_all || session.user == self ? Cell(session.query) : Cell(kHiddenQuery)},
              {"backend_type", session.is_job ? "background worker" : "client backend"}});
  }
}

void pg_stat_database(RowWriter& rows, const RowContext& context) {
  const auto counts = context.facts.database_counts();
  const auto storage = context.facts.storage_statistics();
  rows.add({{"datid", kDatabase},
            {"datname", context.facts.current_database()},
            {"numbackends", context.facts.sessions().size()},
            {"xact_commit", counts.transactions_committed},
            {"xact_rollback", counts.transactions_rolled_back},
            {"blks_read", storage.cache_misses},
            {"blks_hit", storage.cache_hits},
            {"tup_returned", counts.rows_returned},
            {"tup_fetched", counts.rows_returned},
            {"tup_inserted", counts.rows_inserted},
            {"tup_updated", counts.rows_updated},
            {"tup_deleted", counts.rows_deleted},
            {"deadlocks", counts.deadlocks},
            {"sessions", counts.sessions_started},
            {"stats_reset", time_or_null(counts.since_us)}});
}

void pg_stat_wal(RowWriter& rows, const RowContext& context) {
  const auto storage = context.facts.storage_statistics();
  rows.add({{"wal_records", storage.commits},
            {"wal_bytes", storage.bytes_written_log},
            {"wal_write", storage.commit_groups.total()},
            {"wal_sync", storage.log_syncs},
            {"wal_sync_time", static_cast<double>(storage.commit_syncs.sum) / kNanosecondsPerMillisecond},
            {"stats_reset", time_or_null(context.facts.database_counts().since_us)}});
}

void pg_stat_bgwriter(RowWriter& rows, const RowContext& context) {
  rows.add({{"checkpoints_timed", context.facts.storage_statistics().checkpoints},
            {"stats_reset", time_or_null(context.facts.database_counts().since_us)}});
}

void pg_stat_statements(RowWriter& rows, const RowContext& context) {
  const bool sees_all = context.facts.is_superuser();
  const Oid self = owner_oid(context.catalog, context.facts.current_user());
  for (const auto& statement : context.facts.statement_counts()) {
    const bool is_shown = sees_all || statement.user_oid == self;
    rows.add({{"userid", statement.user_oid},
              {"dbid", kDatabase},
              {"toplevel", statement.is_top_level},
              {"queryid", is_shown ? Cell(statement.query_id) : Cell(nullptr)},
              {"query", is_shown ? Cell(statement.text) : Cell(kHiddenQuery)},
              {"calls", statement.calls},
              {"total_exec_time", statement.total_ms},
              {"min_exec_time", statement.min_ms},
              {"max_exec_time", statement.max_ms},
              {"mean_exec_time", statement.mean_ms},
              {"stddev_exec_time", statement.stddev_ms()},
              {"rows", statement.rows}});
  }
}

void pg_stat_statements_info(RowWriter& rows, const RowContext& context) {
  const auto info = context.facts.statements_info();
  rows.add({{"dealloc", info.deallocations}, {"stats_reset", time_or_null(info.reset_us)}});
}

void pg_stat_user_tables(RowWriter& rows, const RowContext& context) {
  const auto all_counts = context.facts.table_counts();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind != RelationKind::Table && relation->kind != RelationKind::MaterializedView) continue;
    const RelationSize size = relation_size(*relation, context.facts.current_view());
    const auto found = all_counts.find(relation->oid);
    const TableCounts counts = found == all_counts.end() ? TableCounts{} : found->second;
    rows.add({{"relid", relation->oid},
              {"schemaname", schema_name(context.catalog, relation->schema)},
              {"relname", relation->name},
              {"n_tup_ins", counts.inserted},
              {"n_tup_upd", counts.updated},
              {"n_tup_del", counts.deleted},
              {"n_live_tup", size.row_count}});
  }
}

}  // namespace

void add_statistics_rows(RowMakers& makers) {
  constexpr std::string_view kSchema = "pg_catalog";
  makers[{kSchema, "pg_stat_activity"}] = pg_stat_activity;
  makers[{kSchema, "pg_stat_bgwriter"}] = pg_stat_bgwriter;
  makers[{kSchema, "pg_stat_database"}] = pg_stat_database;
  makers[{kSchema, "pg_stat_statements"}] = pg_stat_statements;
  makers[{kSchema, "pg_stat_statements_info"}] = pg_stat_statements_info;
  makers[{kSchema, "pg_stat_user_tables"}] = pg_stat_user_tables;
  makers[{kSchema, "pg_stat_all_tables"}] = pg_stat_user_tables;
  makers[{kSchema, "pg_stat_wal"}] = pg_stat_wal;
}

}  // namespace tickstone::catalog
