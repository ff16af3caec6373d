// SPDX-License-Identifier: Apache-2.0
#include "engine/policies.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

using nlohmann::ordered_json;

struct PolicyKind {
  std::string_view add, remove;        // functions
  std::string_view proc, application;  // what timescaledb_information.jobs says
  std::string_view relation_argument;
};

constexpr PolicyKind kKinds[] = {
    {"add_continuous_aggregate_policy", "remove_continuous_aggregate_policy",
     "policy_refresh_continuous_aggregate", "Refresh Continuous Aggregate Policy", "continuous_aggregate"},
    {"add_retention_policy", "remove_retention_policy", "policy_retention", "Retention Policy", "relation"},
    {"add_compression_policy", "remove_compression_policy", "policy_compression", "Columnstore Policy",
     "hypertable"},
    {"add_columnstore_policy", "remove_columnstore_policy", "policy_compression", "Columnstore Policy",
     "hypertable"},
    {"add_reorder_policy", "remove_reorder_policy", "policy_reorder", "Reorder Policy", "hypertable"},
};

const PolicyKind& kind_of(std::string_view function) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds),
                       [&](const auto& kind) { return kind.add == function || kind.remove == function; });
}

const catalog::JobObject* find_job(const catalog::Catalog& catalog, const PolicyKind& kind,
                                   catalog::Oid relation) {
  for (const auto* job : catalog.jobs()) {
    if (job->relation == relation && job->proc_name == kind.proc) return job;
  }
  return nullptr;
}

ActionResult scalar(const std::string& name, const Value& value) {
  ActionResult result;
  result.columns = {{name, value.type}};
  result.rows.columns.emplace_back(value.type);
  append_value(result.rows.columns[0], value);
  return result;
}

void put_argument(ordered_json& config, const char* key, const ActionArguments& arguments,
                  std::string_view name) {
  if (!arguments.has(name)) return;
  const auto value = arguments.value(name);
  if (!value)
    config[key] = nullptr;
  else if (is_integer(value->type.id))
    config[key] = static_cast<std::int64_t>(value->integer);
  else
    config[key] =
        value->type.id == TypeId::Unknown ? format_interval(*arguments.interval(name)) : to_text(*value);
}

}  // namespace

ActionResult add_policy(SessionContext& context, std::string_view function,
                        const ActionArguments& arguments) {
  const PolicyKind& kind = kind_of(function);
  auto& edit = context.edit_catalog(function);
  const auto relation = arguments.relation(kind.relation_argument);
  const bool is_refresh = kind.proc == "policy_refresh_continuous_aggregate";
  if (is_refresh && !relation.aggregate) {
    throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a continuous aggregate");
  }
  if (!is_refresh && !relation.hypertable && !relation.aggregate) {
    throw Error(ErrorCode::HypertableNotExist,
                "\"" + relation.name + "\" is not a hypertable or a continuous aggregate");
  }
  if (kind.proc == "policy_compression" && relation.hypertable && !relation.hypertable->compression_enabled) {
    throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                "columnstore not enabled on hypertable \"" + relation.name + "\"", {},
                "Enable columnstore before adding a columnstore policy.");
  }
  if (const auto* existing = find_job(edit.catalog(), kind, relation.oid)) {
    if (!arguments.boolean("if_not_exists", false)) {
      throw Error(ErrorCode::DuplicateObject,
                  std::string(is_refresh                        ? "continuous aggregate refresh"
                              : kind.proc == "policy_retention" ? "retention"
                              : kind.proc == "policy_reorder"   ? "reorder"
                                                                : "columnstore") +
                      " policy already exists for \"" + relation.name + "\"",
                  {}, "Set option \"if_not_exists\" to true to avoid error.");
    }
    context.notice("policy already exists for \"" + relation.name + "\", skipping");
    (void)existing;
    return scalar(std::string(function), Value::of_integer(-1));
  }
  catalog::JobObject job;
  job.id = edit.catalog().next_job_id();
  job.application_name = std::string(kind.application) + " [" + std::to_string(job.id) + "]";
  job.proc_schema = "_timescaledb_functions";
  job.proc_name = kind.proc;
  job.owner = context.user();
  job.relation = relation.oid;
  const auto schedule = arguments.interval("schedule_interval");
  if (is_refresh && !schedule)
    throw Error(ErrorCode::InvalidParameterValue, "cannot use NULL schedule interval");
  job.schedule_interval = schedule                            ? format_interval(*schedule)
                          : kind.proc == "policy_compression" ? "12:00:00"
                          : kind.proc == "policy_reorder"     ? "3 days 12:00:00"
                                                              : "1 day";
  if (const auto start = arguments.value("initial_start"))
    job.initial_start_us = static_cast<std::int64_t>(
        start->type.id == TypeId::TimestampTz
            ? start->integer
            : parse_value(SqlType::of(TypeId::TimestampTz), start->text, context.settings().format_context())
                  .integer);
  job.fixed_schedule = job.initial_start_us.has_value();
  job.timezone = arguments.text("timezone").value_or("");
  ordered_json config;
  if (is_refresh) {
    config["mat_hypertable_id"] = relation.oid;
    put_argument(config, "start_offset", arguments, "start_offset");
    put_argument(config, "end_offset", arguments, "end_offset");
    const auto start = arguments.interval("start_offset"), end = arguments.interval("end_offset");
    const auto days = [](const IntervalValue& v) {
      return (v.months * 30.0 + v.days) * static_cast<double>(kMicrosPerDay) + static_cast<double>(v.micros);
    };
    if (start && end && days(*start) <= days(*end)) {
      throw Error(ErrorCode::InvalidParameterValue, "policy refresh window too small",
                  "The start and end offsets must cover at least two buckets in the valid time range of type "
                  "\"timestamp with time zone\".");
    }
  } else {
    config["hypertable_id"] =
        relation.hypertable ? relation.hypertable->id : static_cast<std::int32_t>(relation.oid);
    if (kind.proc == "policy_retention") put_argument(config, "drop_after", arguments, "drop_after");
    if (kind.proc == "policy_compression")
      put_argument(config, "compress_after", arguments, arguments.has("after") ? "after" : "compress_after");
    if (kind.proc == "policy_reorder") config["index_name"] = arguments.text("index_name").value_or("");
  }
  job.config_json = config.dump();
  edit.put_job(job);
  return scalar(std::string(function), Value::of_integer(job.id));
}

ActionResult remove_policy(SessionContext& context, std::string_view function,
                           const ActionArguments& arguments) {
  const PolicyKind& kind = kind_of(function);
  auto& edit = context.edit_catalog(function);
  const auto relation = arguments.relation(kind.relation_argument);
  const auto* job = find_job(edit.catalog(), kind, relation.oid);
  if (job == nullptr) {
    if (!arguments.boolean("if_exists", false) && !arguments.boolean("if_not_exists", false)) {
      throw Error(ErrorCode::UndefinedObject, "policy not found for \"" + relation.name + "\"");
    }
    context.notice("policy not found for \"" + relation.name + "\", skipping");
    return {};
  }
  edit.remove_job(job->id);
  return {};
}

ActionResult delete_job(SessionContext& context, const ActionArguments& arguments) {
  auto& edit = context.edit_catalog("delete_job");
  const auto id = arguments.integer("job_id");
  if (!id || edit.catalog().find_job(static_cast<std::int32_t>(*id)) == nullptr) {
    throw Error(ErrorCode::UndefinedObject, "job " + std::to_string(id.value_or(0)) + " not found");
  }
  edit.remove_job(static_cast<std::int32_t>(*id));
  return {};
}

}  // namespace tickstone::engine
