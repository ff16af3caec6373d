// SPDX-License-Identifier: Apache-2.0
#include "market/job_facts.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "market/table_facts.hpp"

namespace tickstone::market {
namespace {

using nlohmann::json;

std::string text(const std::vector<std::optional<std::string>>& row, std::size_t column) {
  return row.at(column).value_or("");
}

std::string quoted(const std::string& schema, const std::string& name) {
  return quote_name(schema) + "." + quote_name(name);
}

bool has_jobs(Connection& connection, Home home) {
  if (home != Home::PostgreSql) return true;
  return !rows_of(connection,
                  "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
                  "'timescaledb_information' AND c.relname = 'jobs'")
              .empty();
}

/// Aggregates by the tables that hold them, which TimescaleDB names in their place.
std::map<std::string, std::string> aggregates_by_table(Connection& connection) {
  std::map<std::string, std::string> aggregates;
  for (const auto& row : rows_of(connection,
                                 "SELECT materialization_hypertable_schema, materialization_hypertable_name, "
                                 "view_schema, view_name FROM timescaledb_information.continuous_aggregates"))
    aggregates[quoted(text(row, 0), text(row, 1))] = quoted(text(row, 2), text(row, 3));
  return aggregates;
}

/// `Retention Policy [1003]` without its number.
std::string without_number(std::string name) {
  const auto at = name.rfind(" [");
  if (at != std::string::npos && name.back() == ']') name.erase(at);
  return name;
}

bool is_integer(const std::string& value) {
  const auto digits = value.begin() + (value.starts_with("-") ? 1 : 0);
  return digits != value.end() &&
         std::all_of(digits, value.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// An age of data as an argument.
std::string age(const std::string& value) {
  return is_integer(value) ? value : "INTERVAL " + quote_literal(value);
}

/// What ages a policy has, by the argument that gives them.
struct AgeArgument {
  const char *key, *argument;
};
constexpr std::array kAges = {AgeArgument{"drop_after", "drop_after"},
                              AgeArgument{"drop_created_before", "drop_created_before"},
                              AgeArgument{"compress_after", "compress_after"},
                              AgeArgument{"compress_created_before", "compress_created_before"}};

std::string adding_function(const std::string& procedure) {
  if (procedure == "policy_retention") return "add_retention_policy";
  if (procedure == "policy_compression") return "add_compression_policy";
  if (procedure == "policy_refresh_continuous_aggregate") return "add_continuous_aggregate_policy";
  if (procedure == "policy_reorder") return "add_reorder_policy";
  if (procedure == "policy_compaction") return "add_compaction_policy";
  return {};
}

bool is_tickstone(Home home) { return home == Home::Embedded || home == Home::Tickstone; }

std::string refresh_arguments(const JobFacts& job, Home target) {
  const auto start = job.value("start_offset");
  const auto end = job.value("end_offset");
  // Of no type, both would have none on PostgreSQL.
  const std::string none = is_integer(start.value_or(end.value_or(""))) ? "NULL::bigint" : "NULL::interval";
  std::string arguments =
      ", start_offset => " + (start ? age(*start) : none) + ", end_offset => " + (end ? age(*end) : none);
  if (target == Home::PostgreSql) return arguments;
  for (const char* name : {"buckets_per_batch", "max_batches_per_execution", "refresh_newest_first"}) {
    if (const auto value = job.value(name)) arguments += std::string(", ") + name + " => " + *value;
  }
  return arguments;
}

std::vector<std::string> policy_statements(const JobFacts& job, Home source, Home target) {
  const std::string function = adding_function(job.procedure_name);
  if (function.empty() || job.relation.empty())
    throw Error(ErrorCode::FeatureNotSupported, "there is no function that adds " + job.procedure_name);
  if (target == Home::PostgreSql && function == "add_reorder_policy")
    throw Error(ErrorCode::FeatureNotSupported, "PostgreSQL without TimescaleDB does not reorder chunks");
  if (!is_tickstone(target) && function == "add_compaction_policy")
    throw Error(ErrorCode::FeatureNotSupported, "only Tickstone has compaction policies");
  std::string add = "SELECT " + function + "(" + quote_literal(job.relation);
  for (const auto& [key, argument] : kAges) {
    const auto value = job.value(key);
    if (!value) continue;
    if (target == Home::PostgreSql && std::string_view(key).ends_with("created_before"))
      throw Error(ErrorCode::FeatureNotSupported,
                  "PostgreSQL without TimescaleDB has no policies by the time when chunks were made");
    add += std::string(", ") + argument + " => " + age(*value);
  }
  if (function == "add_continuous_aggregate_policy") add += refresh_arguments(job, target);
  if (const auto index = job.value("index_name")) add += ", index_name => " + quote_literal(*index);
  for (const char* name : {"max_chunks", "max_batches"}) {
    if (const auto value = job.value(name)) add += std::string(", ") + name + " => " + *value;
  }
  if (const auto value = job.value("inactive_for")) add += ", inactive_for => " + age(*value);
  // Reordering has a schedule of its own.
  if (function != "add_reorder_policy")
    add += ", schedule_interval => INTERVAL " + quote_literal(job.schedule_interval);
  std::vector<std::string> statements = {add + ")"};
  // Of a columnstore that PostgreSQL has not, the policy is recorded alone.
  const bool is_for_the_record =
      function == "add_compression_policy" && (target == Home::PostgreSql || source == Home::PostgreSql);
  if (is_for_the_record) return statements;
  statements.push_back("SELECT alter_job({job}, schedule_interval => INTERVAL " +
                       quote_literal(job.schedule_interval) + ", max_runtime => INTERVAL " +
                       quote_literal(job.max_runtime) + ", max_retries => " + job.max_retries +
                       ", retry_period => INTERVAL " + quote_literal(job.retry_period) + ", scheduled => " +
                       (job.is_scheduled ? "TRUE" : "FALSE") + ")");
  return statements;
}

}  // namespace

std::optional<std::string> JobFacts::value(const std::string& key) const {
  const auto parsed = json::parse(config, nullptr, false);
  if (!parsed.is_object() || !parsed.contains(key) || parsed[key].is_null()) return {};
  return parsed[key].is_string() ? parsed[key].get<std::string>() : parsed[key].dump();
}

std::vector<JobFacts> read_jobs(Connection& connection, Home home) {
  std::vector<JobFacts> jobs;
  if (!has_jobs(connection, home)) return jobs;
  const auto aggregates = aggregates_by_table(connection);
  for (const auto& row :
       rows_of(connection,
               "SELECT application_name, proc_schema, proc_name, hypertable_schema, hypertable_name, "
               "schedule_interval, max_runtime, max_retries, retry_period, owner, scheduled, fixed_schedule, "
               "config::text, initial_start, check_schema, check_name FROM timescaledb_information.jobs "
               "WHERE proc_schema <> '_tickstone' ORDER BY job_id")) {
    JobFacts job;
    job.name = without_number(text(row, 0));
    job.procedure_schema = text(row, 1);
    job.procedure_name = text(row, 2);
    if (row[4]) job.relation = quoted(text(row, 3), text(row, 4));
    if (const auto found = aggregates.find(job.relation); found != aggregates.end())
      job.relation = found->second;
    // TimescaleDB's own upkeep and telemetry.
    if (job.procedure_schema.starts_with("_timescaledb") && job.relation.empty()) continue;
    job.schedule_interval = text(row, 5);
    job.max_runtime = text(row, 6);
    job.max_retries = text(row, 7);
    job.retry_period = text(row, 8);
    job.owner = text(row, 9);
    job.is_scheduled = text(row, 10) == "t";
    job.is_fixed = text(row, 11) == "t";
    job.config = text(row, 12);
    job.initial_start = text(row, 13);
    if (row[15]) job.check = quoted(text(row, 14), text(row, 15));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<LayoutFacts> read_layouts(Connection& connection, Home home) {
  std::vector<LayoutFacts> layouts;
  if (home == Home::PostgreSql) return layouts;
  const auto aggregates = aggregates_by_table(connection);
  for (const auto& row :
       rows_of(connection,
               "SELECT hypertable_schema, hypertable_name, attname, segmentby_column_index, "
               "orderby_column_index, orderby_asc, orderby_nullsfirst FROM "
               "timescaledb_information.compression_settings ORDER BY hypertable_schema, hypertable_name, "
               "segmentby_column_index, orderby_column_index")) {
    std::string name = quoted(text(row, 0), text(row, 1));
    const auto found = aggregates.find(name);
    if (found != aggregates.end()) name = found->second;
    auto layout = std::find_if(layouts.begin(), layouts.end(),
                               [&](const LayoutFacts& one) { return one.relation == name; });
    if (layout == layouts.end())
      layout = layouts.insert(layouts.end(), {name, found != aggregates.end(), {}, {}});
    const auto add = [&](std::string& list, const std::string& item) {
      list += (list.empty() ? "" : ", ") + item;
    };
    if (row[3]) add(layout->segment_by, quote_name(text(row, 2)));
    if (row[4]) {
      const bool is_ascending = text(row, 5) == "t";
      const bool has_nulls_first = text(row, 6) == "t";
      std::string item = quote_name(text(row, 2)) + (is_ascending ? "" : " DESC");
      if (has_nulls_first == is_ascending) item += has_nulls_first ? " NULLS FIRST" : " NULLS LAST";
      add(layout->order_by, item);
    }
  }
  return layouts;
}

std::vector<std::string> job_statements(const JobFacts& job, Home source, Home target) {
  if (job.is_policy()) return policy_statements(job, source, target);
  std::string add = "SELECT add_job(" + quote_literal(quoted(job.procedure_schema, job.procedure_name)) +
                    ", INTERVAL " + quote_literal(job.schedule_interval);
  if (!job.config.empty()) add += ", config => " + quote_literal(job.config) + "::jsonb";
  if (!job.initial_start.empty()) add += ", initial_start => TIMESTAMPTZ " + quote_literal(job.initial_start);
  add += std::string(", scheduled => ") + (job.is_scheduled ? "TRUE" : "FALSE");
  add += std::string(", fixed_schedule => ") + (job.is_fixed ? "TRUE" : "FALSE");
  if (!job.check.empty()) add += ", check_config => " + quote_literal(job.check);
  if (job.name != "User-Defined Action") add += ", job_name => " + quote_literal(job.name);
  return {add + ")", "SELECT alter_job({job}, max_runtime => INTERVAL " + quote_literal(job.max_runtime) +
                         ", max_retries => " + job.max_retries + ", retry_period => INTERVAL " +
                         quote_literal(job.retry_period) + ")"};
}

std::string removal_statement(const JobFacts& job) {
  // There may be several refreshes of an aggregate.
  const std::string add = adding_function(job.procedure_name);
  if (!job.is_policy() || add.empty() || add == "add_continuous_aggregate_policy") return {};
  return "SELECT remove" + add.substr(3) + "(" + quote_literal(job.relation) + ")";
}

bool is_same_work(const JobFacts& one, const JobFacts& other) {
  if (one.procedure_schema != other.procedure_schema || one.procedure_name != other.procedure_name ||
      one.relation != other.relation)
    return false;
  if (!one.is_policy())
    return json::parse(one.config, nullptr, false) == json::parse(other.config, nullptr, false) &&
           one.name == other.name;
  return one.value("start_offset") == other.value("start_offset") &&
         one.value("end_offset") == other.value("end_offset");
}

bool is_same_job(const JobFacts& one, const JobFacts& other, bool is_recorded_alone) {
  if (!is_same_work(one, other)) return false;
  for (const auto& [key, argument] : kAges) {
    if (one.value(key) != other.value(key)) return false;
  }
  return (is_recorded_alone && one.procedure_name == "policy_compression") ||
         (one.is_scheduled == other.is_scheduled && one.schedule_interval == other.schedule_interval &&
          one.max_retries == other.max_retries);
}

}  // namespace tickstone::market
