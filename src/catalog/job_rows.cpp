// SPDX-License-Identifier: Apache-2.0
// timescaledb_information: jobs and how they ran.
#include "catalog/chunk_facts.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

Cell interval_cell(const std::string& text) {
  const auto interval = parse_interval(text);
  return interval ? Cell(*interval) : Cell(nullptr);
}

/// The hypertable that a job works on, as two cells.
std::pair<Cell, Cell> hypertable_cells(const RowContext& context, const JobObject& job) {
  const RelationObject* relation = context.catalog.find_relation(job.relation);
  if (relation == nullptr) return {nullptr, nullptr};
  auto [schema, name] = hypertable_name(context.catalog, *relation);
  return {Cell(std::move(schema)), Cell(std::move(name))};
}

/// The same, but of an aggregate its own name.
std::pair<Cell, Cell> relation_cells(const RowContext& context, const JobObject& job) {
  const RelationObject* relation = context.catalog.find_relation(job.relation);
  if (relation == nullptr) return {nullptr, nullptr};
  return {Cell(schema_name(context.catalog, relation->schema)), Cell(relation->name)};
}

std::map<std::int32_t, JobStatistics> statistics_by_job(const RowContext& context) {
  std::map<std::int32_t, JobStatistics> all;
  for (auto& statistics : context.facts.job_statistics())
    all.emplace(statistics.job_id, std::move(statistics));
  return all;
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell(nullptr) : Cell(text); }

void jobs(RowWriter& rows, const RowContext& context) {
  const auto all = statistics_by_job(context);
  for (const JobObject* job : context.catalog.jobs()) {
    const auto found = all.find(job->id);
    const auto [schema, name] = relation_cells(context, *job);
    rows.add({{"job_id", job->id},
              {"application_name", job->application_name},
              {"schedule_interval", interval_cell(job->schedule_interval)},
              {"max_runtime", interval_cell(job->max_runtime)},
              {"max_retries", job->max_retries},
              {"retry_period", interval_cell(job->retry_period)},
              {"proc_schema", job->proc_schema},
              {"proc_name", job->proc_name},
              {"owner", owner_name(context.catalog, job->owner)},
              {"scheduled", job->scheduled},
              {"fixed_schedule", job->fixed_schedule},
              {"config", text_or_null(job->config_json)},
              {"next_start", found == all.end() ? Cell(nullptr) : Cell(found->second.next_start_us)},
              {"initial_start", job->initial_start_us},
              {"hypertable_schema", schema},
              {"hypertable_name", name},
              {"check_schema", text_or_null(job->check_schema)},
              {"check_name", text_or_null(job->check_name)}});
  }
}

void job_stats(RowWriter& rows, const RowContext& context) {
  const auto all = statistics_by_job(context);
  for (const JobObject* job : context.catalog.jobs()) {
    const auto found = all.find(job->id);
    if (found == all.end()) continue;
    const JobStatistics& run = found->second;
    const bool has_ended = run.runs > 0 && !run.is_running;
    const auto [schema, name] = hypertable_cells(context, *job);
    rows.add(
        {{"hypertable_schema", schema},
         {"hypertable_name", name},
         {"job_id", job->id},
         {"last_run_started_at", run.last_start_us},
         {"last_successful_finish", run.last_success_us},
         {"last_run_status", has_ended ? Cell(run.last_succeeded ? "Success" : "Failed") : Cell(nullptr)},
         {"job_status", run.is_running   ? "Running"
                        : job->scheduled ? "Scheduled"
                                         : "Paused"},
         {"last_run_duration",
          has_ended && run.last_start_us && run.last_finish_us && *run.last_finish_us >= *run.last_start_us
              ? Cell(IntervalValue{0, 0, *run.last_finish_us - *run.last_start_us})
              : Cell(nullptr)},
         {"next_start", job->scheduled ? Cell(run.next_start_us) : Cell(nullptr)},
         {"total_runs", run.runs},
         {"total_successes", run.successes},
         {"total_failures", run.failures}});
  }
}

/// Runs tell what went wrong, and with which data: they are the job's owner's. Those of a job that is gone
/// are nobody's but superusers'.
bool may_see_runs(const RowContext& context, std::int32_t job_id) {
  const auto user = context.facts.current_user();
  const auto* role = context.catalog.find_role(user);
  if (role != nullptr && role->superuser) return true;
  const auto* job = context.catalog.find_job(job_id);
  return job != nullptr && job->owner == user;
}

void job_errors(RowWriter& rows, const RowContext& context) {
  for (const auto& run : context.facts.job_history()) {
    if (run.succeeded || !may_see_runs(context, run.job_id)) continue;
    rows.add({{"job_id", run.job_id},
              {"proc_schema", run.proc_schema},
              {"proc_name", run.proc_name},
              {"pid", run.pid},
              {"start_time", run.start_us},
              {"finish_time", run.finish_us},
              {"sqlerrcode", text_or_null(run.sqlstate)},
              {"err_message", text_or_null(run.message)}});
  }
}

void job_history(RowWriter& rows, const RowContext& context) {
  for (const auto& run : context.facts.job_history()) {
    if (!may_see_runs(context, run.job_id)) continue;
    rows.add({{"id", run.id},
              {"job_id", run.job_id},
              {"succeeded", run.succeeded},
              {"proc_schema", run.proc_schema},
              {"proc_name", run.proc_name},
              {"pid", run.pid},
              {"start_time", run.start_us},
              {"finish_time", run.finish_us},
              {"config", text_or_null(run.config_json)},
              {"sqlerrcode", text_or_null(run.sqlstate)},
              {"err_message", text_or_null(run.message)}});
  }
}

void policies(RowWriter& rows, const RowContext& context) {
  for (const JobObject* job : context.catalog.jobs()) {
    const RelationObject* relation = context.catalog.find_relation(job->relation);
    if (relation == nullptr) continue;
    const auto [schema, name] = hypertable_cells(context, *job);
    rows.add({{"relation_name", relation->name},
              {"relation_schema", schema_name(context.catalog, relation->schema)},
              {"schedule_interval", interval_cell(job->schedule_interval)},
              {"proc_schema", job->proc_schema},
              {"proc_name", job->proc_name},
              {"config", text_or_null(job->config_json)},
              {"hypertable_schema", schema},
              {"hypertable_name", name}});
  }
}

}  // namespace

void add_job_rows(RowMakers& makers) {
  makers[{"timescaledb_information", "jobs"}] = jobs;
  makers[{"timescaledb_information", "job_stats"}] = job_stats;
  makers[{"timescaledb_information", "job_errors"}] = job_errors;
  makers[{"timescaledb_information", "job_history"}] = job_history;
  makers[{"timescaledb_experimental", "policies"}] = policies;
}

}  // namespace tickstone::catalog
