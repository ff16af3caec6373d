// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/job_records.hpp"
#include "engine/running_counters.hpp"
#include "storage/store.hpp"

namespace tickstone::engine {

/// All that is watched of a database, at one moment. Counters count from when it was opened. Times in
/// microseconds since 1970.
struct DatabaseStatus {
  std::int64_t now_us = 0, started_us = 0;
  std::string database_name;
  catalog::DatabaseCounts counts;
  std::array<HistogramCounts, kStatementKinds.size()> statements;  // by StatementKind
  HistogramCounts commits;
  storage::StoreStatistics storage;
  catalog::RunningFacts::DiskSpace disk;
  std::size_t memory_budget_bytes = 0;

  std::map<std::string, std::uint64_t> sessions;  // by state, those of jobs left out
  std::uint64_t job_sessions = 0;
  std::int64_t longest_transaction_us = 0;  // of those that are open
  std::uint64_t waiting_locks = 0;

  struct Table {
    std::string schema, name;
    bool is_hypertable = false, is_aggregate = false;
    std::uint64_t chunks = 0, segments = 0, rows = 0, disk_bytes = 0, memory_bytes = 0;
    std::optional<std::int64_t> newest_us;  // of a hypertable
    catalog::TableCounts counts;
  };
  std::vector<Table> tables;

  struct Aggregate {
    std::string schema, name;
    std::optional<std::int64_t> watermark_us, lag_us;
  };
  std::vector<Aggregate> aggregates;

  struct Job {
    std::string procedure, hypertable;  // the latter empty: of none
    bool is_scheduled = true;
    catalog::JobStatistics statistics;
  };
  std::vector<Job> jobs;
};

class DatabaseCore;
DatabaseStatus make_database_status(DatabaseCore& database);

}  // namespace tickstone::engine
