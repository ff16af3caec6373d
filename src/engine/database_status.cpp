// SPDX-License-Identifier: Apache-2.0
#include "engine/database_status.hpp"

#include <algorithm>

#include "catalog/freshness.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/database_core.hpp"

namespace tickstone::engine {
namespace {

using catalog::Catalog;
using catalog::RelationKind;
using catalog::RelationObject;

std::string schema_name(const Catalog& catalog, const RelationObject& relation) {
  const auto* schema = catalog.find_schema(relation.schema);
  return schema == nullptr ? "" : schema->name;
}

void add_sessions(DatabaseCore& database, DatabaseStatus& status) {
  // States that a session may have, so that each is there with none, too.
  for (const char* state : {"active", "idle", "idle in transaction", "idle in transaction (aborted)"})
    status.sessions[state] = 0;
  for (const auto& session : database.sessions()) {
    if (session.is_job)
      ++status.job_sessions;
    else
      ++status.sessions[session.state];
    if (session.transaction_start_us > 0)
      status.longest_transaction_us =
          std::max(status.longest_transaction_us, status.now_us - session.transaction_start_us);
  }
  for (const auto& lock : database.store().locks()) status.waiting_locks += lock.is_granted ? 0 : 1;
}

void add_tables(DatabaseCore& database, const Catalog& catalog, const storage::ReadView& view,
                DatabaseStatus& status) {
  const auto counts = database.table_counts();
  std::map<catalog::Oid, std::optional<std::int64_t>> newest;
  for (const auto& one : catalog::hypertable_freshness(catalog, view))
    newest[one.relation->oid] = one.newest_us;
  for (const RelationObject* relation : catalog.relations()) {
    if (!relation->is_stored() || relation->temporary || view.schema(relation->table()) == nullptr) continue;
    DatabaseStatus::Table table;
    table.schema = schema_name(catalog, *relation);
    table.name = relation->name;
    table.is_aggregate = relation->aggregate.has_value();
    table.is_hypertable = relation->hypertable.has_value() && !table.is_aggregate;
    for (const auto& chunk : view.chunks(relation->table())) {
      ++table.chunks;
      table.segments += chunk.segment_count;
      table.rows += chunk.rows_sealed + chunk.rows_open;
      table.disk_bytes += chunk.bytes_on_disk;
      table.memory_bytes += chunk.bytes_in_memory;
    }
    if (const auto found = newest.find(relation->oid); found != newest.end()) table.newest_us = found->second;
    if (const auto found = counts.find(relation->oid); found != counts.end()) table.counts = found->second;
    status.tables.push_back(std::move(table));
  }
}

void add_aggregates(const Catalog& catalog, const storage::ReadView& view, DatabaseStatus& status) {
  const auto watermark = [&](catalog::Oid aggregate) {
    return find_aggregate_value(view, aggregate, AggregateValue::Watermark);
  };
  for (const auto& one : catalog::aggregate_freshness(catalog, view, watermark))
    status.aggregates.push_back(
        {schema_name(catalog, *one.relation), one.relation->name, one.watermark_us, one.lag_us});
}

void add_jobs(const Catalog& catalog, const storage::ReadView& view, DatabaseStatus& status) {
  std::map<std::int32_t, catalog::JobStatistics> statistics;
  for (auto& one : catalog::read_job_statistics(view)) statistics.emplace(one.job_id, std::move(one));
  for (const auto* job : catalog.jobs()) {
    DatabaseStatus::Job one;
    one.procedure = job->proc_name;
    one.is_scheduled = job->scheduled;
    if (const auto* relation = catalog.find_relation(job->relation); relation != nullptr)
      one.hypertable = schema_name(catalog, *relation) + "." + relation->name;
    if (const auto found = statistics.find(job->id); found != statistics.end())
      one.statistics = found->second;
    one.statistics.job_id = job->id;
    status.jobs.push_back(std::move(one));
  }
}

}  // namespace

DatabaseStatus make_database_status(DatabaseCore& database) {
  DatabaseStatus status;
  status.now_us = database.clock().now_us();
  status.started_us = database.start_time_us();
  status.database_name = database.name();
  status.counts = database.database_counts();
  const auto& counters = database.counters();
  for (std::size_t kind = 0; kind < kStatementKinds.size(); ++kind)
    status.statements[kind] = counters.statements[kind].counts();
  status.commits = counters.commits.counts();
  status.storage = database.store().statistics();
  status.disk = database.disk_space();
  status.memory_budget_bytes = database.memory_bytes();
  add_sessions(database, status);
  // The catalog first: what it names the view has, or does not have any more.
  const auto catalog = database.catalog();
  const auto view = database.store().read_view();
  add_tables(database, *catalog, *view, status);
  add_aggregates(*catalog, *view, status);
  add_jobs(*catalog, *view, status);
  return status;
}

}  // namespace tickstone::engine
