// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/system_tables.hpp"
#include "storage/store.hpp"

namespace tickstone::catalog {

/// How a job has run so far, and when it is due next.
struct JobStatistics {
  std::int32_t job_id = 0;
  std::optional<std::int64_t> last_start_us, last_finish_us, last_success_us;
  std::optional<std::int64_t> next_start_us;  // nothing: at once
  bool is_running = false;                    // found so at opening: the server died meanwhile
  bool last_succeeded = true;
  std::int64_t runs = 0, successes = 0, failures = 0, crashes = 0;
  std::int32_t consecutive_failures = 0, consecutive_crashes = 0;
  std::vector<std::string> reordered_chunks;  // of a reorder policy: those that are done
};

/// One run that has ended.
struct JobRunRecord {
  std::int64_t id = 0;
  std::int32_t job_id = 0;
  bool succeeded = true;
  std::string proc_schema, proc_name;
  std::int32_t pid = 0;
  std::optional<std::int64_t> start_us, finish_us;
  std::string config_json;
  std::string sqlstate, message;  // of a run that failed
};

/// Makes the tables where the store has none yet.
void make_job_tables(storage::Transaction& transaction);

std::vector<JobStatistics> read_job_statistics(const storage::ReadView& view);
std::optional<JobStatistics> find_job_statistics(const storage::ReadView& view, std::int32_t job_id);
/// Waits for whoever else changes what is kept of the job; read after it.
void lock_job_statistics(storage::Transaction& transaction, std::int32_t job_id);
void write_job_statistics(storage::Transaction& transaction, const JobStatistics& statistics);
void erase_job_statistics(storage::Transaction& transaction, std::int32_t job_id);

/// By id, which is the order of their ends.
std::vector<JobRunRecord> read_job_history(const storage::ReadView& view);
void append_job_run(storage::Transaction& transaction, const JobRunRecord& run);
void erase_job_runs(storage::Transaction& transaction, const std::vector<std::int64_t>& ids);

}  // namespace tickstone::catalog
