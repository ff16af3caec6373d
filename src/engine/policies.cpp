// SPDX-License-Identifier: Apache-2.0
#include "engine/policies.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "engine/job_actions.hpp"
#include "engine/job_procedures.hpp"
#include "engine/job_schedule.hpp"
#include "engine/time_units.hpp"

namespace tickstone::engine {
namespace {

using catalog::JobObject;
using catalog::RelationObject;
using nlohmann::ordered_json;

enum class Kind : std::uint8_t { Refresh, Retention, Columnstore, Reorder, Compaction };

struct PolicyKind {
  Kind kind;
  std::string_view add, remove;        // functions
  std::string_view proc, application;  // what timescaledb_information.jobs says
  std::string_view relation_argument;
  std::string_view words;  // in messages
};

constexpr PolicyKind kKinds[] = {
    {Kind::Refresh, "add_continuous_aggregate_policy", "remove_continuous_aggregate_policy",
     "policy_refresh_continuous_aggregate", "Refresh Continuous Aggregate Policy", "continuous_aggregate",
     "continuous aggregate"},
    {Kind::Retention, "add_retention_policy", "remove_retention_policy", "policy_retention",
     "Retention Policy", "relation", "retention"},
    {Kind::Columnstore, "add_compression_policy", "remove_compression_policy", "policy_compression",
     "Columnstore Policy", "hypertable", "columnstore"},
    {Kind::Columnstore, "add_columnstore_policy", "remove_columnstore_policy", "policy_compression",
     "Columnstore Policy", "hypertable", "columnstore"},
    {Kind::Reorder, "add_reorder_policy", "remove_reorder_policy", "policy_reorder", "Reorder Policy",
     "hypertable", "reorder"},
    {Kind::Compaction, "add_compaction_policy", "remove_compaction_policy", "policy_compaction",
     "Compaction Policy", "hypertable", "compaction"},
};

const PolicyKind& kind_of(std::string_view function) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds),
                       [&](const auto& kind) { return kind.add == function || kind.remove == function; });
}

std::vector<const JobObject*> find_jobs(const catalog::Catalog& catalog, const PolicyKind& kind,
                                        catalog::Oid relation) {
  std::vector<const JobObject*> found;
  for (const auto* job : catalog.jobs()) {
    if (job->relation == relation && job->proc_name == kind.proc) found.push_back(job);
  }
  return found;
}

std::string interval_text(const ActionArguments& arguments, std::string_view name, const Value& value) {
  return value.type.id == TypeId::Unknown ? format_interval(*arguments.interval(name)) : to_text(value);
}

/// An age of data: an interval, or an integer where time is one; nothing where it is left out or NULL.
std::optional<ordered_json> age_argument(const ActionArguments& arguments, std::string_view name,
                                         const SqlType& time_type, const Error& wrong) {
  const auto value = arguments.value(name);
  if (!value) return std::nullopt;
  if (is_integer(time_type.id)) {
    if (!is_integer(value->type.id)) throw wrong;
    return ordered_json(static_cast<std::int64_t>(value->integer));
  }
  if (value->type.id != TypeId::Interval && value->type.id != TypeId::Unknown) throw wrong;
  return ordered_json(interval_text(arguments, name, *value));
}

void put_creation_age(ordered_json& config, const char* key, const ActionArguments& arguments,
                      std::string_view name) {
  if (const auto value = arguments.value(name)) config[key] = interval_text(arguments, name, *value);
}

/// A length to compare by: microseconds, or the integers of integer time.
double length_of(const ordered_json& offset) {
  if (offset.is_number_integer()) return static_cast<double>(offset.get<std::int64_t>());
  return interval_length_us(parse_interval(offset.get<std::string>()).value_or(IntervalValue{}));
}

struct Offsets {
  double start = INFINITY, end = -INFINITY;
};
Offsets offsets_of(const ordered_json& config) {
  Offsets offsets;
  if (const auto found = config.find("start_offset"); found != config.end() && !found->is_null())
    offsets.start = length_of(*found);
  if (const auto found = config.find("end_offset"); found != config.end() && !found->is_null())
    offsets.end = length_of(*found);
  return offsets;
}

ordered_json refresh_config(const RelationObject& relation, const ActionArguments& arguments) {
  const auto& info = *relation.aggregate;
  const SqlType type = time_type_of(relation);
  ordered_json config;
  config["mat_hypertable_id"] =
      relation.hypertable ? relation.hypertable->id : static_cast<std::int32_t>(relation.oid);
  for (const char* name : {"start_offset", "end_offset"}) {
    const Error wrong(
        ErrorCode::InvalidParameterValue, std::string("invalid parameter value for ") + name, {},
        is_integer(type.id)
            ? "Use time interval of type " + to_sql(type) + " with the continuous aggregate."
            : "Use time interval with a continuous aggregate using timestamp-based time bucket.");
    config[name] = age_argument(arguments, name, type, wrong).value_or(ordered_json(nullptr));
  }
  const auto offsets = offsets_of(config);
  const double bucket = interval_length_us({info.bucket_width_months, 0, info.bucket_width});
  if (offsets.start - offsets.end < 2 * bucket) {
    throw Error(
        ErrorCode::InvalidParameterValue, "policy refresh window too small",
        "The start and end offsets must cover at least two buckets in the valid time range of type \"" +
            to_sql(type) + "\".");
  }
  const auto put_count = [&](const char* name, std::int64_t least) {
    const auto value = arguments.integer(name);
    if (!value) return;
    if (*value < least) {
      throw Error(ErrorCode::InvalidParameterValue, std::string("invalid value for parameter ") + name,
                  std::string(name) + ": " + std::to_string(*value),
                  "The value must be greater than or equal to " + std::to_string(least) + ".");
    }
    config[name] = *value;
  };
  put_count("buckets_per_batch", 0);
  put_count("max_batches_per_execution", 0);
  if (const auto newest = arguments.value("refresh_newest_first"))
    config["refresh_newest_first"] = arguments.boolean("refresh_newest_first", true);
  if (const auto tiered = arguments.value("include_tiered_data"))
    config["include_tiered_data"] = arguments.boolean("include_tiered_data", false);
  return config;
}

Error wrong_retention_age(const SqlType& type) {
  return Error(ErrorCode::InvalidParameterValue, "invalid value for parameter drop_after", {},
               is_integer(type.id)
                   ? "Integer duration in \"drop_after\" with valid \"integer_now\" function or interval "
                     "time duration in \"drop_created_before\" is required for hypertables with integer "
                     "time dimension."
                   : "Interval time duration is required for hypertable with timestamp or UUID time "
                     "dimension.");
}

ordered_json retention_config(const RelationObject& relation, const ActionArguments& arguments) {
  const SqlType type = time_type_of(relation);
  const Error wrong = wrong_retention_age(type);
  ordered_json config;
  config["hypertable_id"] =
      relation.hypertable ? relation.hypertable->id : static_cast<std::int32_t>(relation.oid);
  const auto after = age_argument(arguments, "drop_after", type, wrong);
  if (after) config["drop_after"] = *after;
  put_creation_age(config, "drop_created_before", arguments, "drop_created_before");
  if (after.has_value() == config.contains("drop_created_before")) {
    throw Error(ErrorCode::InvalidParameterValue,
                "need to specify one of \"drop_after\" or \"drop_created_before\"");
  }
  return config;
}

ordered_json columnstore_config(const RelationObject& relation, const ActionArguments& arguments) {
  const SqlType type = time_type_of(relation);
  const bool is_new = arguments.has("after") || arguments.has("created_before");
  const Error wrong(
      ErrorCode::InvalidParameterValue, "invalid value for parameter compress_after", {},
      is_integer(type.id)
          ? "Integer duration in \"compress_after\" or interval time duration in "
            "\"compress_created_before\" is required for hypertables with integer time dimension."
          : "Interval time duration is required for hypertable with timestamp-like time "
            "dimension.");
  ordered_json config;
  config["hypertable_id"] =
      relation.hypertable ? relation.hypertable->id : static_cast<std::int32_t>(relation.oid);
  const auto after = age_argument(arguments, is_new ? "after" : "compress_after", type, wrong);
  if (after) config["compress_after"] = *after;
  put_creation_age(config, "compress_created_before", arguments,
                   is_new ? "created_before" : "compress_created_before");
  const bool by_creation = config.contains("compress_created_before");
  if (after.has_value() == by_creation) {
    throw Error(ErrorCode::InvalidParameterValue,
                "need to specify one of \"compress_after\" or \"compress_created_before\"");
  }
  if (by_creation && relation.aggregate) {
    throw Error(ErrorCode::FeatureNotSupported,
                "cannot use \"compress_created_before\" with continuous aggregate \"" + relation.name + "\"");
  }
  return config;
}

ordered_json reorder_config(const RelationObject& relation, const ActionArguments& arguments) {
  const auto name = arguments.text("index_name").value_or("");
  const bool is_there = std::any_of(relation.indexes.begin(), relation.indexes.end(),
                                    [&](const auto& index) { return index.name == name; });
  if (!is_there) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid reorder index", {},
                "The reorder index must by an index on hypertable \"" + relation.name + "\".");
  }
  ordered_json config;
  config["hypertable_id"] = relation.hypertable->id;
  config["index_name"] = name;
  return config;
}

ordered_json compaction_config(const RelationObject& relation, const ActionArguments& arguments) {
  ordered_json config;
  config["hypertable_id"] = relation.hypertable->id;
  for (const char* name : {"max_chunks", "max_batches"}) {
    const auto count = arguments.integer(name);
    if (!count) continue;
    if (*count < 0) {
      throw Error(ErrorCode::InvalidParameterValue, std::string("invalid value for parameter ") + name,
                  std::string(name) + ": " + std::to_string(*count),
                  "The value must be greater than or equal to 0.");
    }
    config[name] = *count;
  }
  if (const auto value = arguments.value("inactive_for"))
    config["inactive_for"] = interval_text(arguments, "inactive_for", *value);
  return config;
}

void check_relation(const PolicyKind& kind, const RelationObject& relation) {
  switch (kind.kind) {
    case Kind::Refresh:
      if (relation.aggregate) return;
      throw Error(ErrorCode::FeatureNotSupported, "\"" + relation.name + "\" is not a continuous aggregate");
    case Kind::Reorder:
      (void)time_dimension(relation);
      return;
    case Kind::Compaction:
      (void)time_dimension(relation);
      [[fallthrough]];
    case Kind::Retention:
    case Kind::Columnstore:
      if (!relation.hypertable && !relation.aggregate) {
        throw Error(ErrorCode::HypertableNotExist,
                    "\"" + relation.name + "\" is not a hypertable or a continuous aggregate");
      }
      if (kind.kind != Kind::Retention && relation.hypertable && !relation.aggregate &&
          !relation.hypertable->compression_enabled) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "columnstore not enabled on hypertable \"" + relation.name + "\"", {},
                    "Enable columnstore before adding a " + std::string(kind.words) + " policy.");
      }
  }
}

/// Half of what a chunk covers; nothing where time is an integer or the relation has no chunks.
std::optional<std::int64_t> half_chunk_us(const RelationObject& relation) {
  if (!relation.hypertable) return std::nullopt;
  const auto& dimension = time_dimension(relation);
  const SqlType type = relation.find_column(dimension.column)->type;
  if (is_integer(type.id)) return std::nullopt;
  const std::int64_t us = type.id == TypeId::Date          ? dimension.interval * kMicrosPerDay
                          : type.id == TypeId::TimestampNs ? dimension.interval / 1000
                                                           : dimension.interval;
  return us / 2;
}

std::string default_schedule(const PolicyKind& kind, const RelationObject& relation) {
  constexpr std::int64_t kMostBetweenCompressionsUs = kMicrosPerDay / 2;
  const auto half = half_chunk_us(relation);
  switch (kind.kind) {
    case Kind::Columnstore:
    case Kind::Compaction:
      return format_interval(
          {0, 0, std::min(half.value_or(kMostBetweenCompressionsUs), kMostBetweenCompressionsUs)});
    case Kind::Reorder: {
      const std::int64_t us = half.value_or(kMicrosPerDay * 4);
      return format_interval({0, static_cast<std::int32_t>(us / kMicrosPerDay), us % kMicrosPerDay});
    }
    case Kind::Refresh:
    case Kind::Retention:
      break;
  }
  return "1 day";
}

std::string exists_text(const PolicyKind& kind, const RelationObject& relation) {
  switch (kind.kind) {
    case Kind::Refresh:
      return "continuous aggregate refresh policy already exists for \"" + relation.name + "\"";
    case Kind::Columnstore:
      return "columnstore policy already exists for hypertable or continuous aggregate \"" + relation.name +
             "\"";
    case Kind::Retention:
    case Kind::Reorder:
    case Kind::Compaction:
      break;
  }
  return std::string(kind.words) + " policy already exists for hypertable \"" + relation.name + "\"";
}

/// Whether there is a policy already, so that this one is not added. Errors: DuplicateObject and, of
/// refreshes, InvalidParameterValue.
bool is_there_already(SessionContext& context, const PolicyKind& kind, const RelationObject& relation,
                      const ordered_json& config, bool if_not_exists) {
  const auto text = exists_text(kind, relation);
  for (const auto* job : find_jobs(*context.catalog(), kind, relation.oid)) {
    const auto other = ordered_json::parse(job->config_json);
    if (kind.kind == Kind::Refresh) {
      const auto mine = offsets_of(config), theirs = offsets_of(other);
      if (mine.start == theirs.start && mine.end == theirs.end) {
        if (!if_not_exists) {
          throw Error(ErrorCode::InvalidParameterValue, text,
                      "A refresh policy with the same start and end offset already exists for continuous "
                      "aggregate \"" +
                          relation.name + "\".");
        }
        context.notice(text + ", skipping");
        return true;
      }
      if (mine.start > theirs.end && theirs.start > mine.end) {
        throw Error(ErrorCode::InvalidParameterValue,
                    "refresh interval overlaps with an existing continuous aggregate policy on \"" +
                        relation.name + "\"");
      }
      continue;
    }
    if (!if_not_exists) {
      throw Error(
          ErrorCode::DuplicateObject, text, {},
          kind.kind == Kind::Columnstore ? "Set option \"if_not_exists\" to true to avoid error." : "");
    }
    if (nlohmann::json::parse(job->config_json) == nlohmann::json(config)) {
      context.notice(text + ", skipping");
    } else {
      context.notice({"WARNING", ErrorCode::SuccessfulCompletion, text,
                      "A policy already exists with different arguments.",
                      "Remove the existing policy before adding a new one."});
    }
    return true;
  }
  return false;
}

}  // namespace

ActionResult add_policy(SessionContext& context, std::string_view function,
                        const ActionArguments& arguments) {
  const PolicyKind& kind = kind_of(function);
  (void)context.edit_catalog(function);
  const auto relation = arguments.relation(kind.relation_argument);
  check_relation(kind, relation);
  const auto schedule = arguments.interval("schedule_interval");
  if (kind.kind == Kind::Refresh && !schedule)
    throw Error(ErrorCode::InvalidParameterValue, "cannot use NULL refresh_schedule_interval");
  const auto config = [&] {
    switch (kind.kind) {
      case Kind::Refresh:
        return refresh_config(relation, arguments);
      case Kind::Retention:
        return retention_config(relation, arguments);
      case Kind::Columnstore:
        return columnstore_config(relation, arguments);
      case Kind::Compaction:
        return compaction_config(relation, arguments);
      case Kind::Reorder:
        break;
    }
    return reorder_config(relation, arguments);
  }();
  // Integer time has to be told what is now before anything can be old.
  if (is_integer(time_type_of(relation).id) && kind.kind != Kind::Reorder && kind.kind != Kind::Compaction &&
      !config.contains("drop_created_before") && !config.contains("compress_created_before")) {
    if (kind.kind == Kind::Retention && !relation.aggregate &&
        time_dimension(relation).integer_now_function.empty())
      throw wrong_retention_age(time_type_of(relation));
    (void)integer_now(context, relation);
  }
  JobObject job;
  job.timezone = timezone_argument(arguments);
  if (is_there_already(context, kind, relation, config, arguments.boolean("if_not_exists", false)))
    return ActionResult::scalar(function, Value::of_integer(-1));
  job.id = next_job_id(context);
  job.application_name = std::string(kind.application) + " [" + std::to_string(job.id) + "]";
  job.proc_schema = "_timescaledb_functions";
  job.proc_name = kind.proc;
  job.check_schema = "_timescaledb_functions";
  job.check_name = std::string(kind.proc) + "_check";
  job.owner = relation.owner;
  job.relation = relation.oid;
  job.schedule_interval = schedule ? format_interval(*schedule) : default_schedule(kind, relation);
  job.initial_start_us = timestamp_argument(context, arguments, "initial_start");
  job.fixed_schedule = job.initial_start_us.has_value();
  check_schedule_interval(parse_interval(job.schedule_interval).value(), job.fixed_schedule);
  if (kind.kind == Kind::Refresh) job.retry_period = job.schedule_interval;
  if (kind.kind == Kind::Columnstore) job.retry_period = "01:00:00";
  if (kind.kind == Kind::Retention) job.max_runtime = "00:05:00";
  job.config_json = parse_value(SqlType::of(TypeId::Jsonb), config.dump()).text;
  put_new_job(context, job);
  return ActionResult::scalar(function, Value::of_integer(job.id));
}

ActionResult remove_policy(SessionContext& context, std::string_view function,
                           const ActionArguments& arguments) {
  const PolicyKind& kind = kind_of(function);
  const auto& edit = context.edit_catalog(function);
  const auto relation = arguments.relation(kind.relation_argument);
  const bool is_bool = function == "remove_compression_policy";
  if (kind.kind == Kind::Refresh && !relation.aggregate)
    throw Error(ErrorCode::InvalidParameterValue, "\"" + relation.name + "\" is not a continuous aggregate");
  if (!relation.hypertable && !relation.aggregate) {
    throw Error(ErrorCode::UndefinedObject,
                "relation \"" + relation.name + "\" is not a hypertable or continuous aggregate");
  }
  const auto jobs = find_jobs(edit.catalog(), kind, relation.oid);
  if (jobs.empty()) {
    const std::string text = std::string(kind.words) + " policy not found for " +
                             (kind.kind == Kind::Refresh ? "" : "hypertable ") + "\"" + relation.name + "\"";
    const bool may_be_missing = arguments.boolean("if_exists", false) ||
                                (kind.kind == Kind::Refresh && arguments.boolean("if_not_exists", false));
    if (!may_be_missing) throw Error(ErrorCode::UndefinedObject, text);
    context.notice(text + ", skipping");
    return is_bool ? ActionResult::scalar(function, Value::of_bool(false)) : ActionResult{};
  }
  std::vector<std::int32_t> ids;
  for (const auto* job : jobs) ids.push_back(job->id);
  for (const auto id : ids) remove_job(context, id);
  return is_bool ? ActionResult::scalar(function, Value::of_bool(true)) : ActionResult{};
}

void add_policy_actions(Actions& actions) {
  actions["add_continuous_aggregate_policy"] = {
      {"continuous_aggregate", "start_offset", "end_offset", "schedule_interval", "if_not_exists",
       "initial_start", "timezone", "include_tiered_data", "buckets_per_batch", "max_batches_per_execution",
       "refresh_newest_first"},
      {"add_continuous_aggregate_policy"},
      add_policy};
  actions["add_retention_policy"] = {{"relation", "drop_after", "if_not_exists", "schedule_interval",
                                      "initial_start", "timezone", "drop_created_before"},
                                     {"add_retention_policy"},
                                     add_policy};
  actions["add_compression_policy"] = {{"hypertable", "compress_after", "if_not_exists", "schedule_interval",
                                        "initial_start", "timezone", "compress_created_before"},
                                       {"add_compression_policy"},
                                       add_policy};
  actions["add_columnstore_policy"] = {{"hypertable", "after", "if_not_exists", "schedule_interval",
                                        "initial_start", "timezone", "created_before"},
                                       {},
                                       add_policy};
  actions["add_reorder_policy"] = {{"hypertable", "index_name", "if_not_exists", "initial_start", "timezone"},
                                   {"add_reorder_policy"},
                                   add_policy};
  actions["remove_continuous_aggregate_policy"] = {
      {"continuous_aggregate", "if_not_exists", "if_exists"}, {}, remove_policy};
  actions["remove_retention_policy"] = {{"relation", "if_exists"}, {}, remove_policy};
  actions["remove_compression_policy"] = {
      {"hypertable", "if_exists"}, {"remove_compression_policy"}, remove_policy};
  actions["remove_columnstore_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
  actions["remove_reorder_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
  actions["add_compaction_policy"] = {{"hypertable", "if_not_exists", "schedule_interval", "initial_start",
                                       "timezone", "max_chunks", "max_batches", "inactive_for"},
                                      {"add_compaction_policy"},
                                      add_policy};
  actions["remove_compaction_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
}

}  // namespace tickstone::engine
