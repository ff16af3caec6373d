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

Cell json_cell(const std::string& text) { return text.empty() ? Cell(nullptr) : Cell(text); }

/// The hypertable that a job works on, as two cells.
std::pair<Cell, Cell> hypertable_cells(const RowContext& context, const JobObject& job) {
  const RelationObject* relation = context.catalog.find_relation(job.relation);
  if (relation == nullptr) return {nullptr, nullptr};
  auto [schema, name] = hypertable_name(context.catalog, *relation);
  return {Cell(std::move(schema)), Cell(std::move(name))};
}

std::map<std::int32_t, RunningFacts::JobRun> runs_by_job(const RowContext& context) {
  std::map<std::int32_t, RunningFacts::JobRun> runs;
  for (auto& run : context.facts.job_runs()) runs[run.job_id] = run;
  return runs;
}

void jobs(RowWriter& rows, const RowContext& context) {
  const auto runs = runs_by_job(context);
  for (const JobObject* job : context.catalog.jobs()) {
    const auto run = runs.find(job->id);
    const auto [schema, name] = hypertable_cells(context, *job);
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
              {"config", json_cell(job->config_json)},
              {"next_start", run == runs.end() ? Cell(nullptr) : Cell(run->second.next_start_us)},
              {"initial_start", job->initial_start_us},
              {"hypertable_schema", schema},
              {"hypertable_name", name}});
  }
}

void job_stats(RowWriter& rows, const RowContext& context) {
  const auto runs = runs_by_job(context);
  for (const JobObject* job : context.catalog.jobs()) {
    const auto found = runs.find(job->id);
    if (found == runs.end()) continue;
    const RunningFacts::JobRun& run = found->second;
    const bool has_run = run.runs > 0;
    const bool has_duration = run.last_start_us && run.last_finish_us;
    const auto [schema, name] = hypertable_cells(context, *job);
    rows.add(
        {{"hypertable_schema", schema},
         {"hypertable_name", name},
         {"job_id", job->id},
         {"last_run_started_at", run.last_start_us},
         {"last_successful_finish", run.last_success_us},
         {"last_run_status", has_run ? Cell(run.last_succeeded ? "Success" : "Failed") : Cell(nullptr)},
         {"job_status", job->scheduled ? "Scheduled" : "Paused"},
         {"last_run_duration",
          has_duration ? Cell(IntervalValue{0, 0, *run.last_finish_us - *run.last_start_us}) : Cell(nullptr)},
         {"next_start", job->scheduled ? Cell(run.next_start_us) : Cell(nullptr)},
         {"total_runs", run.runs},
         {"total_successes", run.successes},
         {"total_failures", run.failures}});
  }
}

void job_errors(RowWriter& rows, const RowContext& context) {
  for (const auto& run : context.facts.job_runs()) {
    const JobObject* job = context.catalog.find_job(run.job_id);
    if (job == nullptr || run.last_error.empty()) continue;
    rows.add({{"job_id", job->id},
              {"proc_schema", job->proc_schema},
              {"proc_name", job->proc_name},
              {"start_time", run.last_start_us},
              {"finish_time", run.last_finish_us},
              {"err_message", run.last_error}});
  }
}

/// The last run of each job: earlier ones are not kept.
void job_history(RowWriter& rows, const RowContext& context) {
  for (const auto& run : context.facts.job_runs()) {
    const JobObject* job = context.catalog.find_job(run.job_id);
    if (job == nullptr || run.runs == 0) continue;
    rows.add({{"id", run.runs},
              {"job_id", job->id},
              {"succeeded", run.last_succeeded},
              {"proc_schema", job->proc_schema},
              {"proc_name", job->proc_name},
              {"start_time", run.last_start_us},
              {"finish_time", run.last_finish_us},
              {"config", json_cell(job->config_json)},
              {"err_message", run.last_error.empty() ? Cell(nullptr) : Cell(run.last_error)}});
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
              {"config", json_cell(job->config_json)},
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
