// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "duck/instance.hpp"
#include "engine/advisory_locks.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/database.hpp"
#include "engine/exported_snapshots.hpp"
#include "engine/notifications.hpp"
#include "engine/running_counters.hpp"
#include "engine/statement_statistics.hpp"
#include "engine/watchdog.hpp"

namespace tickstone::engine {

class IdlePlans;
class JobScheduler;
class SessionContext;

/// What all sessions of a database share: the store, the newest catalog, the DuckDB instance, who is
/// connected. Threads: any.
class DatabaseCore {
 public:
  DatabaseCore(std::unique_ptr<storage::Store> store, const DatabaseOptions& options);
  ~DatabaseCore();

  storage::Store& store() { return *store_; }
  const DatabaseOptions& options() const { return options_; }
  ServerConfiguration& configuration() { return *options_.configuration; }
  const std::string& name() const { return options_.database_name; }
  Watchdog& watchdog() { return watchdog_; }
  JobScheduler& jobs() { return *jobs_; }
  const Clock& clock() const { return options_.clock == nullptr ? system_clock() : *options_.clock; }

  /// The budget of open chunks, block cache and queries together.
  std::size_t memory_bytes() const {
    if (options_.memory_bytes > 0) return options_.memory_bytes;
    return options_.store.open_chunk_budget_bytes + options_.store.block_cache_bytes +
           options_.query_memory_bytes;
  }

  std::shared_ptr<const catalog::Catalog> catalog() const;
  /// With the commit that it was published for.
  std::pair<std::shared_ptr<const catalog::Catalog>, storage::CommitSeq> catalog_and_seq() const;
  /// Takes the catalog as of `seq`, unless a newer one is there already.
  void publish_catalog(std::shared_ptr<const catalog::Catalog> catalog, storage::CommitSeq seq);
  /// Reads the newest catalog from the store again.
  void reload_catalog();

  std::shared_ptr<duck::Instance> instance();
  /// Called by whoever saw `lost` fail: makes a new one, once.
  void replace_instance(const std::shared_ptr<duck::Instance>& lost);

  AggregateTracker& aggregates() { return aggregates_; }
  StatementStatistics& statements() { return statements_; }
  RunningCounters& counters() { return counters_; }
  NotificationHub& notifications() { return notifications_; }
  AdvisoryLocks& advisory_locks() { return advisory_locks_; }
  ExportedSnapshots& exported_snapshots() { return exported_snapshots_; }
  /// Of one table, from the first statement that wrote to it.
  std::shared_ptr<TableCounters> table_counters(catalog::Oid relation);
  std::map<catalog::Oid, catalog::TableCounts> table_counts() const;
  catalog::DatabaseCounts database_counts() const;
  catalog::RunningFacts::DiskSpace disk_space() const;
  /// Plans that sessions left behind.
  IdlePlans& idle_plans() { return *idle_plans_; }

  void add_session(SessionContext* session);
  void remove_session(SessionContext* session);
  std::vector<catalog::RunningFacts::SessionInfo> sessions() const;
  /// pg_cancel_backend. False where no session has that pid.
  bool cancel_session(std::int32_t pid);
  /// pg_terminate_backend.
  bool end_session(std::int32_t pid);
  std::int32_t next_pid();

  Database::VerifierMaker verifier_maker() const;
  void set_verifier_maker(Database::VerifierMaker maker);
  std::int64_t start_time_us() const { return start_time_us_; }

 private:
  std::unique_ptr<duck::Instance> make_instance() const;

  std::unique_ptr<storage::Store> store_;
  DatabaseOptions options_;
  std::int64_t start_time_us_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<const catalog::Catalog> catalog_;
  storage::CommitSeq catalog_seq_ = 0;
  std::shared_ptr<duck::Instance> instance_;  // shared with the sessions that still read from it
  std::unique_ptr<IdlePlans> idle_plans_;
  AggregateTracker aggregates_;
  StatementStatistics statements_;
  RunningCounters counters_;
  NotificationHub notifications_;
  AdvisoryLocks advisory_locks_;
  ExportedSnapshots exported_snapshots_;
  std::map<catalog::Oid, std::shared_ptr<TableCounters>> table_counters_;
  std::vector<SessionContext*> sessions_;
  Database::VerifierMaker verifier_maker_;
  std::int32_t last_pid_ = 0;
  Watchdog watchdog_;
  std::unique_ptr<JobScheduler> jobs_;
};

}  // namespace tickstone::engine
