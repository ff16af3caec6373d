// SPDX-License-Identifier: Apache-2.0
#include "engine/job_actions.hpp"

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "catalog/job_records.hpp"
#include "engine/internal_sql.hpp"
#include "engine/job_procedures.hpp"
#include "engine/job_schedule.hpp"
#include "engine/job_scheduler.hpp"
#include "engine/rights.hpp"
#include "engine/user_functions.hpp"
#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

using catalog::JobObject;
using nlohmann::ordered_json;

constexpr std::size_t kMostNameBytes = 63;

/// A jsonb argument as its text; empty: left out or NULL.
std::string json_argument(SessionContext& context, const ActionArguments& arguments, std::string_view name) {
  const auto value = arguments.value(name);
  if (!value) return {};
  if (value->type.id == TypeId::Jsonb || value->type.id == TypeId::Json) return value->text;
  return parse_value(SqlType::of(TypeId::Jsonb), *arguments.text(name), context.settings().format_context())
      .text;
}

std::string application_name(const std::string& name, std::int32_t id) {
  std::string full = name + " [" + std::to_string(id) + "]";
  if (full.size() > kMostNameBytes) throw Error(ErrorCode::NameTooLong, "application name too long.");
  return full;
}

/// Errors: InsufficientPrivilege.
void require_job_function(const SessionContext& context, const FoundProcedure& found) {
  if (found.function == nullptr ||
      catalog::has_privilege(*context.catalog(), *found.function, context.user()))
    return;
  throw Error(ErrorCode::InsufficientPrivilege, "permission denied for function \"" + found.name + "\"", {},
              "Job owner must have EXECUTE privilege on the function.");
}

void set_check(SessionContext& context, const ActionArguments& arguments, JobObject& job) {
  if (!arguments.has("check_config")) return;
  const auto text = arguments.text("check_config");
  if (!text) return;
  if (*text == "0" || *text == "-") {  // what a regproc of nothing prints
    job.check_schema.clear();
    job.check_name.clear();
    return;
  }
  const auto check = find_procedure(context, *text);
  const bool is_ours = check.function == nullptr && is_policy_check(check.name);
  if (!is_ours && (check.function == nullptr || !accepts(*check.function, {SqlType::of(TypeId::Jsonb)}))) {
    throw Error(ErrorCode::InvalidParameterValue,
                "function or procedure " + check.schema + "." + check.name + "(config jsonb) not found", {},
                "The check function's signature must be (config jsonb).");
  }
  require_job_function(context, check);
  job.check_schema = check.schema;
  job.check_name = check.name;
}

void run_check(SessionContext& context, const JobObject& job) {
  if (job.check_name.empty()) return;
  call_by_name(
      context, job.check_schema, job.check_name,
      {job.config_json.empty() ? std::string("NULL::jsonb") : quote_literal(job.config_json) + "::jsonb"});
}

std::int64_t start_or_now(SessionContext& context, std::int64_t start, std::int32_t job_id) {
  if (start != kTimestampInfinity && start != kTimestampNegInfinity) return start;
  const std::int64_t now = context.transaction_start_us();
  std::string text;
  append_timestamptz(text, now, *context.settings().format_context().zone);
  context.notice("Using current time [" + text + "] as initial start for job " + std::to_string(job_id));
  return now;
}

/// The job that the argument names; nullptr where it may be missing and is. Errors: UndefinedObject,
/// InsufficientPrivilege.
const JobObject* job_argument(SessionContext& context, const catalog::Catalog& catalog,
                              const ActionArguments& arguments, const char* verb, bool may_be_missing) {
  const auto id = arguments.integer("job_id");
  if (!id) throw Error(ErrorCode::InvalidParameterValue, "job ID cannot be NULL");
  const auto* job = catalog.find_job(static_cast<std::int32_t>(*id));
  if (job == nullptr) {
    if (!may_be_missing) throw Error(ErrorCode::UndefinedObject, "job " + std::to_string(*id) + " not found");
    context.notice({"NOTICE",
                    ErrorCode::UndefinedObject,
                    "job " + std::to_string(*id) + " not found, skipping",
                    {},
                    {}});
    return nullptr;
  }
  if (has_rights_of(context, job->owner)) return job;
  // TimescaleDB says it in two ways.
  if (std::string_view(verb) == "delete") {
    throw Error(ErrorCode::InsufficientPrivilege,
                "insufficient permissions to delete job owned by \"" + job->owner + "\"");
  }
  throw Error(ErrorCode::InsufficientPrivilege,
              std::string("insufficient permissions to ") + verb + " job " + std::to_string(job->id),
              "Job " + std::to_string(job->id) + " is owned by role \"" + job->owner + "\" but user \"" +
                  context.user() + "\" does not belong to that role.");
}

void put_next_start(SessionContext& context, std::int32_t job_id, std::int64_t start_us) {
  auto& writes = context.writes("alter_job");
  catalog::lock_job_statistics(writes, job_id);
  context.refresh_view();
  auto statistics =
      catalog::find_job_statistics(context.view(), job_id).value_or(catalog::JobStatistics{.job_id = job_id});
  statistics.next_start_us = start_us;
  catalog::write_job_statistics(writes, statistics);
}

void wake_at_commit(SessionContext& context) {
  context.on_commit([&jobs = context.database().jobs()] { jobs.wake(); });
}

}  // namespace

void check_schedule_interval(const IntervalValue& interval, bool is_fixed) {
  if (interval_length_us(interval) <= 0 || interval.months < 0 || interval.days < 0 || interval.micros < 0)
    throw Error(ErrorCode::InvalidParameterValue, "schedule interval must be greater than zero");
  if (is_fixed && interval.months > 0 && (interval.days != 0 || interval.micros != 0)) {
    throw Error(ErrorCode::FeatureNotSupported, "month intervals cannot have day or time component",
                "Fixed schedule jobs do not support such schedule intervals.",
                "Express the interval in terms of days or time instead.");
  }
}

std::optional<std::int64_t> timestamp_argument(SessionContext& context, const ActionArguments& arguments,
                                               std::string_view name) {
  const auto value = arguments.value(name);
  if (!value) return std::nullopt;
  if (value->type.id == TypeId::TimestampTz) return static_cast<std::int64_t>(value->integer);
  const std::string text = is_text_like(value->type.id) || value->type.id == TypeId::Unknown
                               ? value->text
                               : to_text(*value, context.settings().format_context());
  return static_cast<std::int64_t>(
      parse_value(SqlType::of(TypeId::TimestampTz), text, context.settings().format_context()).integer);
}

std::string timezone_argument(const ActionArguments& arguments) {
  const auto zone = arguments.text("timezone");
  if (zone && find_time_zone(*zone) == nullptr)
    throw Error(ErrorCode::InvalidParameterValue, "time zone \"" + *zone + "\" not recognized");
  return zone.value_or("");
}

std::int32_t next_job_id(SessionContext& context) {
  return context.database().jobs().next_job_id(*context.catalog());
}

void put_new_job(SessionContext& context, const JobObject& job) {
  const auto catalog = context.catalog();
  const auto* owner = catalog->find_role(job.owner);
  if (owner != nullptr && !owner->login) {
    throw Error(ErrorCode::InvalidAuthorization,
                "permission denied to start background process as role \"" + job.owner + "\"", {},
                "Hypertable owner must have LOGIN permission to run background tasks.");
  }
  context.edit_catalog("add_job").put_job(job);
  if (job.initial_start_us) put_next_start(context, job.id, *job.initial_start_us);
  wake_at_commit(context);
}

void remove_job(SessionContext& context, std::int32_t id) {
  context.edit_catalog("delete_job").remove_job(id);
  auto& writes = context.writes("delete_job");
  catalog::lock_job_statistics(writes, id);
  catalog::erase_job_statistics(writes, id);
}

ActionResult add_job(SessionContext& context, const ActionArguments& arguments) {
  const auto proc = arguments.text("proc");
  if (!proc) throw Error(ErrorCode::InvalidParameterValue, "function or procedure cannot be NULL");
  const auto interval = arguments.interval("schedule_interval");
  if (!interval) throw Error(ErrorCode::InvalidParameterValue, "schedule interval cannot be NULL");
  (void)context.edit_catalog("add_job");
  const auto found = find_procedure(context, *proc);
  require_job_function(context, found);
  JobObject job;
  job.id = next_job_id(context);
  job.application_name = application_name(arguments.text("job_name").value_or("User-Defined Action"), job.id);
  job.proc_schema = found.schema;
  job.proc_name = found.name;
  job.owner = context.user();
  job.schedule_interval = format_interval(*interval);
  job.scheduled = arguments.boolean("scheduled", true);
  job.fixed_schedule = arguments.boolean("fixed_schedule", true);
  check_schedule_interval(*interval, job.fixed_schedule);
  job.timezone = timezone_argument(arguments);
  job.initial_start_us = timestamp_argument(context, arguments, "initial_start");
  if (job.initial_start_us) job.initial_start_us = start_or_now(context, *job.initial_start_us, job.id);
  // A fixed schedule counts from somewhere.
  if (job.fixed_schedule && !job.initial_start_us) job.initial_start_us = context.transaction_start_us();
  job.config_json = json_argument(context, arguments, "config");
  set_check(context, arguments, job);
  run_check(context, job);
  put_new_job(context, job);
  return ActionResult::scalar("add_job", Value::of_integer(job.id));
}

SqlType alter_job_type(std::string_view column) {
  if (column == "job_id" || column == "max_retries") return SqlType::of(TypeId::Integer);
  if (column == "scheduled" || column == "fixed_schedule") return SqlType::of(TypeId::Boolean);
  if (column == "next_start" || column == "initial_start") return SqlType::of(TypeId::TimestampTz);
  if (column == "config") return SqlType::of(TypeId::Jsonb);
  if (column == "schedule_interval" || column == "max_runtime" || column == "retry_period")
    return SqlType::of(TypeId::Interval);
  return SqlType::of(TypeId::Text);
}

namespace {

ActionResult job_row(const JobObject& job, std::optional<std::int64_t> next_start) {
  ActionResult result;
  const auto add = [&](const char* name, const std::optional<Value>& value) {
    const SqlType type = alter_job_type(name);
    result.columns.push_back({name, type});
    result.rows.columns.emplace_back(type);
    append_value(result.rows.columns.back(), value.value_or(Value::null_of(type)));
  };
  const auto interval = [](const std::string& text) {
    return parse_value(SqlType::of(TypeId::Interval), text);
  };
  const auto time = [](const std::optional<std::int64_t>& us) {
    return us ? std::optional(Value::of_timestamptz(*us)) : std::nullopt;
  };
  const auto text = [](const std::string& t) {
    return t.empty() ? std::nullopt : std::optional(Value::of_text(t));
  };
  add("job_id", Value::of_integer(job.id));
  add("schedule_interval", interval(job.schedule_interval));
  add("max_runtime", interval(job.max_runtime));
  add("max_retries", Value::of_integer(job.max_retries));
  add("retry_period", interval(job.retry_period));
  add("scheduled", Value::of_bool(job.scheduled));
  add("config", job.config_json.empty()
                    ? std::nullopt
                    : std::optional(parse_value(SqlType::of(TypeId::Jsonb), job.config_json)));
  add("next_start", time(next_start));
  add("check_config", text(job.check_name.empty() ? "" : job.check_schema + "." + job.check_name));
  add("fixed_schedule", Value::of_bool(job.fixed_schedule));
  add("initial_start", time(job.initial_start_us));
  add("timezone", text(job.timezone));
  add("application_name", text(job.application_name));
  return result;
}

}  // namespace

ActionResult alter_job(SessionContext& context, const ActionArguments& arguments) {
  auto& edit = context.edit_catalog("alter_job");
  const auto* found =
      job_argument(context, edit.catalog(), arguments, "alter", arguments.boolean("if_exists", false));
  if (found == nullptr) {
    JobObject none;
    none.schedule_interval = none.max_runtime;
    auto nothing = job_row(none, {});
    nothing.rows = {};
    for (const auto& column : nothing.columns) nothing.rows.columns.emplace_back(column.type);
    return nothing;
  }
  JobObject job = *found;
  const auto interval = [&](const char* name, std::string& into) {
    if (const auto value = arguments.interval(name)) into = format_interval(*value);
  };
  interval("schedule_interval", job.schedule_interval);
  interval("max_runtime", job.max_runtime);
  interval("retry_period", job.retry_period);
  if (const auto retries = arguments.integer("max_retries"))
    job.max_retries = static_cast<std::int32_t>(*retries);
  job.scheduled = arguments.boolean("scheduled", job.scheduled);
  const auto config = json_argument(context, arguments, "config");
  const auto merged = json_argument(context, arguments, "config_merge");
  if (!config.empty() && !merged.empty()) {
    throw Error(ErrorCode::InvalidParameterValue, "cannot specify both \"config\" and \"config_merge\"", {},
                "Use \"config\" to replace the configuration or \"config_merge\" to merge into it.");
  }
  if (!config.empty()) job.config_json = config;
  if (!merged.empty()) {
    const std::string both =
        job.config_json.empty()
            ? merged
            : run_sql(context, "SELECT (" + quote_literal(job.config_json) + "::jsonb || " +
                                   quote_literal(merged) + "::jsonb)::text")
                  .at(0)
                  .at(0)
                  .value();
    job.config_json = both;
  }
  set_check(context, arguments, job);
  const auto initial = timestamp_argument(context, arguments, "initial_start");
  if (initial) job.initial_start_us = start_or_now(context, *initial, job.id);
  if (arguments.has("fixed_schedule") && arguments.value("fixed_schedule")) {
    job.fixed_schedule = arguments.boolean("fixed_schedule", true);
    if (job.fixed_schedule && !initial)
      job.initial_start_us = start_or_now(context, kTimestampNegInfinity, job.id);
  }
  check_schedule_interval(parse_interval(job.schedule_interval).value(), job.fixed_schedule);
  if (const auto name = arguments.text("job_name")) job.application_name = application_name(*name, job.id);
  if (arguments.has("timezone") && arguments.text("timezone")) job.timezone = timezone_argument(arguments);
  if (!config.empty() || !merged.empty() || arguments.has("check_config")) run_check(context, job);
  // The check may have changed the catalog.
  context.edit_catalog("alter_job").put_job(job);
  if (const auto next = timestamp_argument(context, arguments, "next_start"))
    put_next_start(context, job.id, *next);
  context.refresh_view();
  const auto statistics = catalog::find_job_statistics(context.view(), job.id);
  wake_at_commit(context);
  return job_row(job, statistics ? statistics->next_start_us : std::nullopt);
}

ActionResult delete_job(SessionContext& context, const ActionArguments& arguments) {
  const auto& edit = context.edit_catalog("delete_job");
  const auto* job = job_argument(context, edit.catalog(), arguments, "delete", false);
  const auto id = job->id;
  remove_job(context, id);
  auto& jobs = context.database().jobs();
  if (const auto pid = jobs.running_pid(id)) {
    context.notice("cancelling the background worker for job " + std::to_string(id) + " (pid " +
                   std::to_string(*pid) + ")");
    context.on_commit([&jobs, id] { jobs.cancel(id); });
  }
  return {};
}

ActionResult run_job(SessionContext& context, const ActionArguments& arguments) {
  const auto catalog = context.catalog();
  const JobObject job = *job_argument(context, *catalog, arguments, "run", false);
  auto& jobs = context.database().jobs();
  // With locks of its own the session must not wait for who may want them.
  auto claim = context.has_writes() ? jobs.try_claim(job.id)
                                    : std::optional(jobs.claim(job.id, [&] { context.check_cancelled(); }));
  if (!claim) {
    throw Error(ErrorCode::ObjectInUse, "job " + std::to_string(job.id) + " is running", {},
                "Run it outside of the transaction block, or when it has ended.");
  }
  call_by_name(
      context, job.proc_schema, job.proc_name,
      {std::to_string(job.id),
       job.config_json.empty() ? std::string("NULL::jsonb") : quote_literal(job.config_json) + "::jsonb"});
  // Until all of it is committed nobody else runs it.
  context.on_commit([held = std::make_shared<JobScheduler::Claim>(std::move(*claim))] { (void)held; });
  return {};
}

ActionResult call_policy(SessionContext& context, std::string_view name, const ActionArguments& arguments) {
  run_policy(context, name, static_cast<std::int32_t>(arguments.integer("job_id").value_or(0)),
             json_argument(context, arguments, "config"));
  return {};
}

void add_job_actions(Actions& actions) {
  actions["add_job"] = {
      {"proc", "schedule_interval", "config", "initial_start", "scheduled", "check_config", "fixed_schedule",
       "timezone", "job_name"},
      {"add_job"},
      [](SessionContext& c, std::string_view, const ActionArguments& a) { return add_job(c, a); }};
  actions["alter_job"] = {
      {"job_id", "schedule_interval", "max_runtime", "max_retries", "retry_period", "scheduled", "config",
       "next_start", "if_exists", "check_config", "fixed_schedule", "initial_start", "timezone", "job_name",
       "config_merge"},
      {"job_id", "schedule_interval", "max_runtime", "max_retries", "retry_period", "scheduled", "config",
       "next_start", "check_config", "fixed_schedule", "initial_start", "timezone", "application_name"},
      [](SessionContext& c, std::string_view, const ActionArguments& a) { return alter_job(c, a); }};
  actions["delete_job"] = {{"job_id"}, {}, [](SessionContext& c, std::string_view, const ActionArguments& a) {
                             return delete_job(c, a);
                           }};
  actions["run_job"] = {{"job_id"}, {}, [](SessionContext& c, std::string_view, const ActionArguments& a) {
                          return run_job(c, a);
                        }};
  for (const char* policy : {"policy_retention", "policy_compression", "policy_reorder", "policy_compaction",
                             "policy_refresh_continuous_aggregate", "policy_job_stat_history_retention"})
    actions[policy] = {{"job_id", "config"}, {}, call_policy};
  for (const char* check : {"policy_retention_check", "policy_compression_check", "policy_reorder_check",
                            "policy_compaction_check", "policy_refresh_continuous_aggregate_check",
                            "policy_job_stat_history_retention_check"}) {
    actions[check] = {{"config"}, {}, [](SessionContext& c, std::string_view name, const ActionArguments& a) {
                        check_policy(c, name, json_argument(c, a, "config"));
                        return ActionResult{};
                      }};
  }
}

}  // namespace tickstone::engine
