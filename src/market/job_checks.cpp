// SPDX-License-Identifier: Apache-2.0
// Whether what runs by itself does: jobs, refreshes of aggregates, retention.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tickstone/error.hpp>

#include "market/check_context.hpp"

namespace tickstone::market {
namespace {

using std::chrono::microseconds;

/// Of the database: jobs go by its clock, whatever time the data is judged by.
Timestamp database_time(CheckContext& context) {
  return time_of(context.text("SELECT " + micros_sql("clock_timestamp()"))).value_or(Timestamp());
}

/// Only Tickstone and TimescaleDB have jobs from the start; the migrations bring them to PostgreSQL.
bool has_jobs(CheckContext& context, CheckResult& result) {
  if (context.has_relation("timescaledb_information.jobs")) return true;
  result.status = CheckStatus::Skipped;
  result.found = "no jobs here; tickstone migrate brings them";
  return false;
}

struct Job {
  std::int64_t id = 0;
  std::string name, table, last_status, state;
  bool is_scheduled = false;
  std::int64_t runs = 0;
  std::optional<Timestamp> last_start, last_success, next_start;
  microseconds interval{0};
};

std::vector<Job> read_jobs(CheckContext& context) {
  std::vector<Job> jobs;
  for (const auto& row : context.rows(
           "SELECT j.job_id, j.proc_name, coalesce(a.view_name, j.hypertable_name, ''), "
           "coalesce(s.last_run_status, ''), "
           "coalesce(s.job_status, ''), j.scheduled, coalesce(s.total_runs, 0), " +
           micros_sql("s.last_run_started_at") + ", " + micros_sql("s.last_successful_finish") + ", " +
           micros_sql("coalesce(s.next_start, j.next_start)") + ", " + span_sql("j.schedule_interval") +
           " FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s ON s.job_id = "
           "j.job_id "
           "LEFT JOIN timescaledb_information.continuous_aggregates a ON a.materialization_hypertable_name = "
           "j.hypertable_name AND a.materialization_hypertable_schema = j.hypertable_schema WHERE "
           "j.proc_name <> "
           "'policy_telemetry' ORDER BY j.job_id")) {
    Job job;
    job.id = number_of(row[0]);
    job.name = text_of(row[1]);
    job.table = text_of(row[2]);
    job.last_status = text_of(row[3]);
    job.state = text_of(row[4]);
    job.is_scheduled = truth_of(row[5]);
    job.runs = number_of(row[6]);
    job.last_start = time_of(row[7]);
    job.last_success = time_of(row[8]);
    // -infinity is when the one of TimescaleDB has not been planned yet.
    if (const auto next = time_of(row[9]); next && *next > Timestamp()) job.next_start = next;
    job.interval = microseconds(number_of(row[10]));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::string subject_of(const Job& job) {
  return fmt::format("job {} {}{}", job.id, job.name, job.table.empty() ? "" : " of " + job.table);
}

/// What the newest failure of each job said, of those that the role may see.
std::map<std::int64_t, std::string> newest_errors(CheckContext& context) {
  std::map<std::int64_t, std::string> errors;
  for (const auto& row : context.rows("SELECT DISTINCT ON (job_id) job_id, sqlerrcode, err_message FROM "
                                      "timescaledb_information.job_errors ORDER BY "
                                      "job_id, start_time DESC"))
    errors[number_of(row[0])] = fmt::format("{}: {}", text_of(row[1]), text_of(row[2]));
  return errors;
}

/// Nothing of a job that is well.
std::optional<CheckItem> judge(const Job& job, Timestamp now, microseconds delay) {
  const bool has_failed = job.last_status == "Failed";
  const std::string success =
      job.last_success ? "last well " + moment_text(*job.last_success) : "it has never ended well";
  if (has_failed) {
    constexpr int kIntervals = 3;
    const bool is_long =
        job.last_success ? now - *job.last_success > job.interval * kIntervals : job.runs >= kIntervals;
    if (!job.is_scheduled)
      return CheckItem{CheckStatus::Critical, subject_of(job), "failed, and is not tried again; " + success};
    return CheckItem{is_long ? CheckStatus::Critical : CheckStatus::Warning, subject_of(job),
                     "failed; " + success};
  }
  if (!job.is_scheduled) return std::nullopt;
  if (job.state == "Running") {
    if (job.last_start && now - *job.last_start > std::max<microseconds>(std::chrono::hours(1), job.interval))
      return CheckItem{CheckStatus::Warning, subject_of(job),
                       "has been running since " + moment_text(*job.last_start)};
    return std::nullopt;
  }
  if (!job.next_start || now - *job.next_start <= delay) return std::nullopt;
  constexpr int kCriticalDelays = 24;
  return CheckItem{
      now - *job.next_start > delay * kCriticalDelays ? CheckStatus::Critical : CheckStatus::Warning,
      subject_of(job), fmt::format("was due {} ago; {}", duration_text(now - *job.next_start), success)};
}

std::string late_remedy(Home home) {
  switch (home) {
    case Home::Embedded:
      return "Jobs of a directory run while a server or a program has it open: tickstone serve, or "
             "DatabaseManager.";
    case Home::Tickstone:
      return "See whether the server has background workers left (timescaledb.max_background_workers), and "
             "its log.";
    case Home::TimescaleDb:
      return "See whether timescaledb.max_background_workers is large enough, and the server's log.";
    case Home::PostgreSql:
      return "Nobody runs the jobs of a PostgreSQL without TimescaleDB: start tickstone jobs run URL.";
  }
  return {};
}

/// The width of an aggregate's buckets, from its query; a day where it does not say.
microseconds bucket_width(CheckContext& context, const std::string& definition) {
  constexpr microseconds kUsual = std::chrono::days(1);
  const auto call = definition.find("time_bucket(");
  const auto open = call == std::string::npos ? call : definition.find('\'', call);
  const auto close = open == std::string::npos ? open : definition.find('\'', open + 1);
  if (close == std::string::npos) return kUsual;
  const std::string width = definition.substr(open + 1, close - open - 1);
  const auto us = number_of(context.text("SELECT " + span_sql("INTERVAL " + quote_literal(width))));
  return us > 0 ? microseconds(us) : kUsual;
}

/// SQL of how far aggregates are materialized: schema, name, watermark, and where the home knows it how far
/// their source goes on after it.
std::string watermark_sql(Home home) {
  switch (home) {
    case Home::Embedded:
    case Home::Tickstone:
      return "SELECT view_schema, view_name, " + micros_sql("watermark") + ", coalesce(" + span_sql("lag") +
             ", 0) FROM tickstone.aggregate_freshness";
    case Home::TimescaleDb:
      return "SELECT user_view_schema, user_view_name, " +
             micros_sql(
                 "_timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(mat_hypertable_"
                 "id))") +
             ", NULL FROM _timescaledb_catalog.continuous_agg";
    case Home::PostgreSql:
      return "SELECT n.nspname, c.relname, " +
             micros_sql("_tickstone.watermark_of(a.id, NULL::timestamptz)") +
             ", NULL FROM _tickstone.continuous_aggregate a JOIN pg_class c ON c.oid = a.view JOIN "
             "pg_namespace n ON n.oid = "
             "c.relnamespace WHERE a.bucket_type::text NOT IN ('bigint', 'integer', 'smallint')";
  }
  return {};
}

struct Watermark {
  std::optional<Timestamp> until;
  std::optional<microseconds> lag;
};

/// How far the rows of a hypertable go on after a watermark. Only rows that are past belong to buckets that
/// could be materialized.
microseconds lag_of(CheckContext& context, const std::string& schema, const std::string& name,
                    std::optional<Timestamp> watermark) {
  const auto column = context.text(
      "SELECT column_name FROM timescaledb_information.dimensions WHERE dimension_number = 1 AND "
      "hypertable_schema = " +
      quote_literal(schema) + " AND hypertable_name = " + quote_literal(name));
  if (column.empty()) return microseconds(0);
  const auto range = context.rows(fmt::format("SELECT {0}, {1} FROM {2}.{3} WHERE {4} <= now()",
                                              micros_sql("min(" + quote_name(column) + ")"),
                                              micros_sql("max(" + quote_name(column) + ")"),
                                              quote_name(schema), quote_name(name), quote_name(column)));
  const auto oldest = time_of(range.at(0).at(0)), newest = time_of(range.at(0).at(1));
  if (!oldest || !newest) return microseconds(0);
  return std::max(microseconds(0), *newest - std::max(*oldest, watermark.value_or(*oldest)));
}

}  // namespace

CheckResult check_jobs(CheckContext& context) {
  CheckResult result;
  if (!has_jobs(context, result)) return result;
  const Timestamp now = database_time(context);
  const auto jobs = read_jobs(context);
  std::map<std::int64_t, std::string> errors;
  std::size_t scheduled = 0, failing = 0, late = 0;
  for (const auto& job : jobs) {
    scheduled += job.is_scheduled ? 1 : 0;
    auto item = judge(job, now, context.options.job_delay);
    if (!item) continue;
    if (job.last_status == "Failed") {
      if (failing++ == 0) errors = newest_errors(context);
      if (const auto error = errors.find(job.id); error != errors.end()) item->found += "; " + error->second;
    } else {
      ++late;
    }
    worsen(result.status, item->status);
    result.items.push_back(std::move(*item));
  }
  result.found = fmt::format("{} of {} scheduled", scheduled, counted_text(jobs.size(), "job"));
  if (failing > 0) result.found += fmt::format(", {} failing", failing);
  if (late > 0) result.found += fmt::format(", {} late", late);
  if (failing > 0)
    result.remedy =
        "Mend what the error says, then SELECT alter_job(id, scheduled => TRUE, next_start => now()).";
  else if (late > 0)
    result.remedy = late_remedy(context.home);
  return result;
}

CheckResult check_aggregates(CheckContext& context) {
  CheckResult result;
  if (!has_jobs(context, result)) return result;
  std::map<std::pair<std::string, std::string>, Watermark> watermarks;
  for (const auto& row : context.rows(watermark_sql(context.home))) {
    Watermark& one = watermarks[{text_of(row[0]), text_of(row[1])}];
    one.until = time_of(row[2]);
    // TimescaleDB's start of time.
    if (one.until && *one.until < Date(std::chrono::year(1) / 1 / 1)) one.until.reset();
    if (row[3]) one.lag = microseconds(number_of(row[3]));
  }
  const auto rows = context.rows(
      "SELECT a.view_schema, a.view_name, a.hypertable_schema, a.hypertable_name, a.view_definition, " +
      span_sql("(j.config ->> 'end_offset')::interval") + ", " + span_sql("j.schedule_interval") +
      ", coalesce(j.scheduled, false) FROM timescaledb_information.continuous_aggregates a LEFT JOIN "
      "timescaledb_information.jobs j ON j.proc_name = 'policy_refresh_continuous_aggregate' AND "
      "(j.hypertable_name = a.materialization_hypertable_name OR (j.hypertable_name = a.view_name AND "
      "j.hypertable_schema = a.view_schema)) ORDER BY 1, 2");
  std::size_t unattended = 0;
  microseconds worst{0};
  for (const auto& row : rows) {
    const std::string view = text_of(row[1]);
    const auto watermark = watermarks.find({text_of(row[0]), view});
    if (watermark == watermarks.end()) continue;  // of whole numbers
    if (!truth_of(row[7])) ++unattended;
    const auto& until = watermark->second.until;
    const microseconds lag = watermark->second.lag ? *watermark->second.lag
                                                   : lag_of(context, text_of(row[2]), text_of(row[3]), until);
    worst = std::max(worst, lag);
    const microseconds allowed = bucket_width(context, text_of(row[4])) + microseconds(number_of(row[5])) +
                                 2 * microseconds(number_of(row[6]));
    if (lag <= allowed) continue;
    worsen(result.status, CheckStatus::Warning);
    result.items.push_back(
        {CheckStatus::Warning, view,
         fmt::format("materialized {}, its source goes on for {}",
                     until ? "up to " + moment_text(*until) : "not at all", duration_text(lag))});
  }
  result.found = rows.empty() ? "no aggregates"
                              : fmt::format("{}, at most {} behind their rows",
                                            counted_text(rows.size(), "aggregate"), duration_text(worst));
  if (unattended > 0) result.found += fmt::format(", {} without a running policy", unattended);
  if (result.status != CheckStatus::Ok)
    result.remedy =
        "See the check of jobs, and whether it has a policy (add_continuous_aggregate_policy); once by hand: "
        "CALL refresh_continuous_aggregate('name', NULL, NULL).";
  return result;
}

CheckResult check_retention(CheckContext& context) {
  CheckResult result;
  if (!has_jobs(context, result)) return result;
  // A run later than a chunk becomes due is when it should be gone.
  const auto rows = context.rows(
      "SELECT j.hypertable_name, j.config ->> 'drop_after', count(c.chunk_name), " +
      micros_sql("min(c.range_start)") +
      " FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.chunks c ON "
      "c.hypertable_schema = "
      "j.hypertable_schema AND c.hypertable_name = j.hypertable_name AND c.range_end < now() - (j.config ->> "
      "'drop_after')::interval - j.schedule_interval - INTERVAL '1 hour' WHERE j.proc_name = "
      "'policy_retention' AND "
      "j.scheduled AND j.config ->> 'drop_after' !~ '^[0-9]+$' GROUP BY 1, 2 ORDER BY 1");
  for (const auto& row : rows) {
    if (number_of(row[2]) == 0) continue;
    worsen(result.status, CheckStatus::Warning);
    result.items.push_back(
        {CheckStatus::Warning, text_of(row[0]),
         fmt::format("{} older than {} still there, from {} on",
                     counted_text(static_cast<std::uint64_t>(number_of(row[2])), "chunk"), text_of(row[1]),
                     moment_text(time_of(row[3]).value_or(Timestamp())))});
  }
  const std::string policies = rows.size() == 1 ? "1 policy" : fmt::format("{} policies", rows.size());
  result.found = rows.empty()           ? "no policy is running"
                 : result.items.empty() ? policies + ", applied"
                                        : fmt::format("{} of {} behind", result.items.size(), policies);
  if (!result.items.empty())
    result.remedy = "See the check of jobs: retention policies drop old chunks when they run.";
  return result;
}

}  // namespace tickstone::market
