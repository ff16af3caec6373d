// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <sstream>

#include <prometheus/text_serializer.h>

#include "http/metric_list.hpp"

namespace tickstone::http {
namespace {

using engine::DatabaseStatus;

constexpr double kNanosecondsPerSecond = 1e9;
constexpr double kMicrosecondsPerSecond = 1e6;

double real(std::uint64_t value) { return static_cast<double>(value); }
double seconds(std::int64_t us) { return static_cast<double>(us) / kMicrosecondsPerSecond; }

void add_clients(MetricList& list, const DatabaseStatus& status) {
  const auto& counts = status.counts;
  for (const auto& [state, count] : status.sessions)
    list.gauge("tickstone_connections", "Sessions of clients, by what they do.", real(count),
               {{"state", state}});
  list.counter("tickstone_sessions_total", "Sessions begun, jobs included.", real(counts.sessions_started));
  list.gauge("tickstone_longest_transaction_seconds", "Age of the transaction that has been open longest.",
             seconds(status.longest_transaction_us));
  list.gauge("tickstone_waiting_locks", "Locks that a transaction waits for.", real(status.waiting_locks));
  const std::string transactions = "tickstone_transactions_total";
  const std::string help = "Transactions that have ended.";
  list.counter(transactions, help, real(counts.transactions_committed), {{"outcome", "commit"}});
  list.counter(transactions, help, real(counts.transactions_rolled_back), {{"outcome", "rollback"}});
  list.counter("tickstone_rows_returned_total", "Rows sent to clients.", real(counts.rows_returned));
  const std::string written = "tickstone_rows_written_total", written_help = "Rows that statements wrote.";
  list.counter(written, written_help, real(counts.rows_inserted), {{"operation", "insert"}});
  list.counter(written, written_help, real(counts.rows_updated), {{"operation", "update"}});
  list.counter(written, written_help, real(counts.rows_deleted), {{"operation", "delete"}});
  list.counter("tickstone_errors_total", "Statements that failed.", real(counts.errors));
  list.counter("tickstone_deadlocks_total", "Statements that failed with 40P01.", real(counts.deadlocks));
  list.counter("tickstone_serialization_failures_total", "Statements that failed with 40001.",
               real(counts.serialization_failures));
  list.counter("tickstone_cancellations_total", "Statements that were cancelled, by a user or a time-out.",
               real(counts.cancellations));
  for (std::size_t kind = 0; kind < engine::kStatementKinds.size(); ++kind)
    list.histogram("tickstone_statement_duration_seconds", "What statements took, commits left out.",
                   status.statements[kind], kNanosecondsPerSecond,
                   {{"kind", std::string(engine::kStatementKinds[kind])}});
  list.histogram("tickstone_commit_duration_seconds", "What commits of transactions that wrote took.",
                 status.commits, kNanosecondsPerSecond);
}

void add_storage(MetricList& list, const DatabaseStatus& status) {
  const auto& s = status.storage;
  list.gauge("tickstone_accepts_writes", "0 after an error of the log, until the store is opened again.",
             s.has_failed ? 0 : 1);
  list.counter("tickstone_commits_total", "Commits written to the log.", real(s.commits));
  list.counter("tickstone_log_syncs_total", "Times that the log was made durable.", real(s.log_syncs));
  list.histogram("tickstone_log_sync_duration_seconds", "What the syncs took that commits waited for.",
                 s.commit_syncs, kNanosecondsPerSecond);
  list.histogram("tickstone_commit_group_size", "Commits that went to the log together.", s.commit_groups, 1);
  list.gauge("tickstone_log_bytes", "Log files that recovery would read.", real(s.log_bytes));
  list.gauge("tickstone_open_chunk_bytes", "Rows in memory that no segment has yet.",
             real(s.open_chunk_bytes));
  list.gauge("tickstone_block_cache_bytes", "Decoded blocks in memory.", real(s.block_cache_bytes));
  list.counter("tickstone_block_cache_hits_total", "Blocks found in the cache.", real(s.cache_hits));
  list.counter("tickstone_block_cache_misses_total", "Blocks that had to be read.", real(s.cache_misses));
  list.counter("tickstone_block_cache_hit_bytes_total",
               "Bytes, as they are stored, of the blocks found in the cache.", real(s.cache_hit_bytes));
  list.counter("tickstone_block_cache_read_bytes_total", "Bytes of the blocks that had to be read.",
               real(s.cache_read_bytes));
  list.gauge("tickstone_segments", "Segment files in use.", real(s.segment_files));
  list.gauge("tickstone_segment_bytes", "Bytes of segment files in use.", real(s.segment_bytes));
  const std::string written = "tickstone_written_bytes_total", help = "Bytes written to files.";
  list.counter(written, help, real(s.bytes_written_log), {{"by", "log"}});
  list.counter(written, help, real(s.bytes_written_checkpoints), {{"by", "checkpoint"}});
  list.counter(written, help, real(s.bytes_written_transactions), {{"by", "transaction"}});
  list.counter(written, help, real(s.bytes_written_compactions), {{"by", "compaction"}});
  list.counter("tickstone_checkpoints_total", "Checkpoints made.", real(s.checkpoints));
  list.counter("tickstone_compactions_total", "Merges of segments.", real(s.compactions));
  list.counter("tickstone_compaction_failures_total", "Merges that failed and changed nothing.",
               real(s.compaction_failures));
  list.gauge("tickstone_compaction_backlog_bytes", "Bytes of segments that are due to be merged.",
             real(s.compaction_backlog_bytes));
  list.gauge("tickstone_compaction_depth", "The most segments of a chunk that may hold one key.",
             real(s.compaction_depth));
  list.counter("tickstone_write_stalls_total", "Commits held up until open chunks had room.",
               real(s.write_stalls));
  list.counter("tickstone_write_stall_seconds_total", "Time that commits were held up.",
               real(s.write_stall_us) / kMicrosecondsPerSecond);
  list.gauge("tickstone_readers", "Snapshots that are held.", real(s.readers));
  list.gauge("tickstone_oldest_reader_age_seconds", "Age of the oldest snapshot that is held.",
             s.readers == 0 ? 0 : seconds(s.oldest_reader_age_us));
  list.gauge("tickstone_data_bytes", "Bytes of all files in the data directory.",
             real(status.disk.data_bytes));
  list.gauge("tickstone_disk_free_bytes", "Bytes free on the data directory's file system.",
             real(status.disk.free_bytes));
  list.gauge("tickstone_disk_total_bytes", "Size of the data directory's file system.",
             real(status.disk.total_bytes));
}

void add_jobs(MetricList& list, const DatabaseStatus& status) {
  for (const auto& job : status.jobs) {
    const auto& s = job.statistics;
    const Labels labels = {
        {"job_id", std::to_string(s.job_id)}, {"procedure", job.procedure}, {"hypertable", job.hypertable}};
    const auto with = [&](const std::string& name, const std::string& value) {
      auto more = labels;
      more.emplace_back(name, value);
      return more;
    };
    const std::string runs = "tickstone_job_runs_total", help = "Runs of a job, by how they ended.";
    list.counter(runs, help, static_cast<double>(s.successes), with("outcome", "success"));
    list.counter(runs, help, static_cast<double>(s.failures), with("outcome", "failure"));
    list.counter(runs, help, static_cast<double>(s.crashes), with("outcome", "crash"));
    list.gauge("tickstone_job_consecutive_failures", "Runs that failed since the last that did not.",
               s.consecutive_failures, labels);
    list.gauge("tickstone_job_scheduled", "0 for a job that was paused.", job.is_scheduled ? 1 : 0, labels);
    list.gauge("tickstone_job_running", "1 while it runs.", s.is_running ? 1 : 0, labels);
    if (s.last_success_us) {
      list.gauge("tickstone_job_last_success_timestamp_seconds", "When a run last ended well.",
                 seconds(*s.last_success_us), labels);
      list.gauge("tickstone_job_last_success_age_seconds", "How long ago a run last ended well.",
                 seconds(status.now_us - *s.last_success_us), labels);
    }
    if (s.next_start_us)
      list.gauge("tickstone_job_next_start_timestamp_seconds", "When it is due.", seconds(*s.next_start_us),
                 labels);
  }
}

void add_tables(MetricList& list, const DatabaseStatus& status) {
  for (const auto& table : status.tables) {
    const char* kind = table.is_hypertable ? "hypertable" : table.is_aggregate ? "aggregate" : "table";
    const Labels labels = {{"schema", table.schema}, {"table", table.name}, {"kind", kind}};
    list.gauge("tickstone_table_rows", "Rows of a table; replaced ones may count until they are merged.",
               real(table.rows), labels);
    list.gauge("tickstone_table_disk_bytes", "Bytes of a table's segments.", real(table.disk_bytes), labels);
    list.gauge("tickstone_table_memory_bytes", "Bytes of a table's open chunks.", real(table.memory_bytes),
               labels);
    list.gauge("tickstone_table_chunks", "Chunks of a table.", real(table.chunks), labels);
    list.gauge("tickstone_table_segments", "Segments of a table.", real(table.segments), labels);
    if (table.newest_us)
      list.gauge("tickstone_hypertable_newest_timestamp_seconds", "Time of a hypertable's newest row.",
                 seconds(*table.newest_us), labels);
  }
  for (const auto& aggregate : status.aggregates) {
    const Labels labels = {{"schema", aggregate.schema}, {"view", aggregate.name}};
    if (aggregate.watermark_us)
      list.gauge("tickstone_aggregate_watermark_timestamp_seconds",
                 "End of what an aggregate has materialized.", seconds(*aggregate.watermark_us), labels);
    if (aggregate.lag_us)
      list.gauge("tickstone_aggregate_lag_seconds",
                 "How far an aggregate's watermark is behind the newest row that it reads.",
                 seconds(*aggregate.lag_us), labels);
  }
}

void add_process(MetricList& list, const DatabaseStatus& status, const ProcessFacts& process,
                 std::string_view version) {
  list.gauge("tickstone_build_info", "Which Tickstone runs.", 1,
             {{"version", std::string(version)}, {"database", status.database_name}});
  list.gauge("tickstone_memory_budget_bytes", "Memory that open chunks, block cache and queries share.",
             static_cast<double>(status.memory_budget_bytes));
  list.gauge("process_start_time_seconds", "When the database was opened.", seconds(status.started_us));
  list.gauge("process_resident_memory_bytes", "Memory of the process.", real(process.resident_bytes));
  list.gauge("process_virtual_memory_bytes", "Address space of the process.", real(process.virtual_bytes));
  list.counter("process_cpu_seconds_total", "Time on processors.", process.cpu_seconds);
  list.gauge("process_open_fds", "Open files and sockets.", real(process.open_files));
  if (process.most_open_files > 0)
    list.gauge("process_max_fds", "The most that may be open.", real(process.most_open_files));
  list.gauge("process_threads", "Threads of the process.", real(process.threads));
}

}  // namespace

std::string metrics_text(const DatabaseStatus& status, const ProcessFacts& process,
                         std::string_view version) {
  MetricList list;
  add_process(list, status, process, version);
  add_clients(list, status);
  add_storage(list, status);
  add_jobs(list, status);
  add_tables(list, status);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, list.families());
  return std::move(out).str();
}

}  // namespace tickstone::http
