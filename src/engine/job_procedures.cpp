// SPDX-License-Identifier: Apache-2.0
#include "engine/job_procedures.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "catalog/chunk_facts.hpp"
#include "catalog/job_records.hpp"
#include "catalog/object_names.hpp"
#include "engine/aggregate_refresh.hpp"
#include "engine/hypertable.hpp"
#include "engine/internal_sql.hpp"
#include "engine/time_units.hpp"
#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

using nlohmann::json;

/// One run of a policy.
struct Run {
  SessionContext& context;
  std::int32_t job_id = 0;
  const json& config;
};

[[noreturn]] void fail_missing(const char* key) {
  throw Error(ErrorCode::InternalError, std::string("could not find ") + key + " in config for job");
}

/// The table or aggregate that the policy is about: its job's, or the one that the configuration names.
catalog::RelationObject relation_of(const Run& run, const char* key) {
  const auto catalog = run.context.catalog();
  if (const auto* job = catalog->find_job(run.job_id); job != nullptr && job->relation != 0) {
    if (const auto* relation = catalog->find_relation(job->relation)) return *relation;
  }
  const auto found = run.config.find(key);
  if (found == run.config.end() || !found->is_number_integer()) fail_missing(key);
  const auto id = found->get<std::int64_t>();
  for (const auto* relation : catalog->relations()) {
    const bool is_hypertable = relation->hypertable && relation->hypertable->id == id;
    if (is_hypertable || (relation->aggregate && static_cast<std::int64_t>(relation->oid) == id))
      return *relation;
  }
  throw Error(ErrorCode::InvalidParameterValue,
              "configuration hypertable id " + std::to_string(id) + " not found");
}

std::string timestamp_literal(std::int64_t us) {
  std::string text = "TIMESTAMPTZ '";
  append_timestamptz(text, us, utc_zone());
  return text + "'";
}

IntervalValue interval_in(const json& value, const char* key) {
  const auto interval = value.is_string() ? parse_interval(value.get<std::string>()) : std::nullopt;
  if (!interval)
    throw Error(ErrorCode::InvalidParameterValue,
                std::string("invalid interval in ") + key + " of config for job");
  return *interval;
}

std::int64_t before_now(const Run& run, const json& offset, const char* key) {
  const auto i = interval_in(offset, key);
  return add_interval(run.context.transaction_start_us(), {-i.months, -i.days, -i.micros}, utc_zone());
}

/// `now - offset` as a literal of the time column's type.
std::string bound_before_now(const Run& run, const catalog::RelationObject& relation, const json& offset,
                             const char* key) {
  if (is_integer(time_type_of(relation).id)) {
    if (!offset.is_number_integer()) fail_missing(key);
    return std::to_string(integer_now(run.context, relation) - offset.get<std::int64_t>());
  }
  return timestamp_literal(before_now(run, offset, key));
}

/// The literal by which chunks are too old, and whether it is about their creation.
struct Cutoff {
  std::string literal;
  bool by_creation = false;
};
Cutoff cutoff_of(const Run& run, const catalog::RelationObject& relation, const char* after,
                 const char* created_before) {
  if (const auto found = run.config.find(after); found != run.config.end() && !found->is_null())
    return {bound_before_now(run, relation, *found, after), false};
  const auto found = run.config.find(created_before);
  if (found == run.config.end() || found->is_null()) fail_missing(after);
  return {timestamp_literal(before_now(run, *found, created_before)), true};
}

void retention(const Run& run) {
  const auto relation = relation_of(run, "hypertable_id");
  const auto cutoff = cutoff_of(run, relation, "drop_after", "drop_created_before");
  run_sql(run.context,
          "SELECT drop_chunks(" + quote_literal(qualified_name(*run.context.catalog(), relation)) +
              (cutoff.by_creation ? ", created_before => " : ", older_than => ") + cutoff.literal + ")");
}

/// Condition on timescaledb_information.chunks: those of the relation.
std::string chunks_of(const Run& run, const catalog::RelationObject& relation) {
  const auto catalog = run.context.catalog();
  if (relation.aggregate) {
    return "(hypertable_schema, hypertable_name) IN (SELECT materialization_hypertable_schema, "
           "materialization_hypertable_name FROM timescaledb_information.continuous_aggregates WHERE "
           "view_schema = " +
           quote_literal(catalog->find_schema(relation.schema)->name) +
           " AND view_name = " + quote_literal(relation.name) + ")";
  }
  return "hypertable_schema = " + quote_literal(catalog->find_schema(relation.schema)->name) +
         " AND hypertable_name = " + quote_literal(relation.name);
}

std::vector<std::string> chunk_names(const Run& run, const std::string& rest) {
  std::vector<std::string> names;
  for (auto& row : run_sql(run.context,
                           "SELECT quote_ident(chunk_schema) || '.' || quote_ident(chunk_name) FROM "
                           "timescaledb_information.chunks WHERE " +
                               rest))
    names.push_back(std::move(row.at(0).value()));
  return names;
}

/// Asks `query`, which is about a chunk; false when retention, or somebody, has dropped the chunk meanwhile.
bool changed_chunk(const Run& run, const std::string& query) {
  try {
    run_sql(run.context, query);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UndefinedTable) throw;
    return false;
  }
}

void compression(const Run& run) {
  const auto relation = relation_of(run, "hypertable_id");
  const auto cutoff = cutoff_of(run, relation, "compress_after", "compress_created_before");
  const std::string column = cutoff.by_creation                      ? "chunk_creation_time < "
                             : is_integer(time_type_of(relation).id) ? "range_end_integer <= "
                                                                     : "range_end <= ";
  auto names = chunk_names(run, chunks_of(run, relation) + " AND NOT is_compressed AND " + column +
                                    cutoff.literal + " ORDER BY range_start, range_start_integer");
  const auto most = run.config.value("maxchunks_to_compress", 0);
  if (most > 0 && names.size() > static_cast<std::size_t>(most)) names.resize(static_cast<std::size_t>(most));
  for (const auto& name : names) {
    run.context.check_cancelled();
    if (changed_chunk(run, "SELECT compress_chunk(" + quote_literal(name) + ", true)"))
      run.context.commit_midway();  // one chunk at a time, so that an error loses no more than its own
  }
}

/// Merges what lies in more than one segment, or in none yet, of chunks that were converted.
void compaction(const Run& run) {
  const auto relation = relation_of(run, "hypertable_id");
  const SqlType type = time_type_of(relation);
  const auto inactive = run.config.find("inactive_for");
  std::optional<std::int64_t> before;
  if (inactive != run.config.end() && !inactive->is_null()) {
    const std::int64_t us = before_now(run, *inactive, "inactive_for");
    // Integer time does not say when: then it is their making that must be so long ago.
    before = is_integer(type.id) ? us : time_bound(run.context, type, Value::of_timestamptz(us));
  }
  std::vector<std::string> names;
  for (const auto& chunk : catalog::chunks_of(relation, run.context.view())) {
    if (!chunk.is_compressed() || (chunk.info.segment_count <= 1 && chunk.info.rows_open == 0)) continue;
    if (before && (is_integer(type.id) ? chunk.info.created_us : chunk.info.range.end) > *before) continue;
    names.push_back(catalog::quote_identifier(chunk.schema()) + "." +
                    catalog::quote_identifier(chunk.name()));
  }
  const auto most = run.config.value("max_chunks", 0);
  if (most > 0 && names.size() > static_cast<std::size_t>(most)) names.resize(static_cast<std::size_t>(most));
  for (const auto& name : names) {
    run.context.check_cancelled();
    if (changed_chunk(run, "SELECT compress_chunk(" + quote_literal(name) + ", true, true)"))
      run.context.commit_midway();
  }
}

void reorder(const Run& run) {
  constexpr std::size_t kNewestLeftAlone = 3;
  const auto relation = relation_of(run, "hypertable_id");
  const auto index = run.config.find("index_name");
  if (index == run.config.end() || !index->is_string()) fail_missing("index_name");
  auto& writes = run.context.writes("reorder policy");
  catalog::lock_job_statistics(writes, run.job_id);
  run.context.refresh_view();
  auto statistics = catalog::find_job_statistics(run.context.view(), run.job_id)
                        .value_or(catalog::JobStatistics{.job_id = run.job_id});
  auto& done = statistics.reordered_chunks;
  auto names = chunk_names(run, chunks_of(run, relation) + " ORDER BY range_start, range_start_integer");
  // What is gone need not be remembered.
  std::erase_if(done,
                [&](const auto& name) { return std::find(names.begin(), names.end(), name) == names.end(); });
  names.resize(names.size() - std::min(names.size(), kNewestLeftAlone));
  std::erase_if(names,
                [&](const auto& name) { return std::find(done.begin(), done.end(), name) != done.end(); });
  if (names.empty()) return;
  const auto catalog = run.context.catalog();
  const std::string index_name = catalog::quote_identifier(catalog->find_schema(relation.schema)->name) +
                                 "." + catalog::quote_identifier(index->get<std::string>());
  const auto reordered = std::find_if(names.begin(), names.end(), [&](const auto& name) {
    return changed_chunk(
        run, "SELECT reorder_chunk(" + quote_literal(name) + ", " + quote_literal(index_name) + ")");
  });
  if (reordered == names.end()) return;
  done.push_back(*reordered);
  // One chunk a run; with more to do the next run is due at once.
  if (catalog->find_job(run.job_id) == nullptr) return;
  if (std::next(reordered) != names.end()) statistics.next_start_us = run.context.transaction_start_us();
  catalog::write_job_statistics(writes, statistics);
}

struct RefreshPlan {
  catalog::RelationObject relation;
  RefreshWindow window;
  RefreshOptions options;
};

RefreshPlan refresh_plan(const Run& run) {
  auto relation = relation_of(run, "mat_hypertable_id");
  if (!relation.aggregate) {
    throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a continuous aggregate");
  }
  constexpr std::int64_t kBucketsPerBatch = 10;
  const auto bound = [&](const char* key) -> std::optional<std::int64_t> {
    const auto found = run.config.find(key);
    if (found == run.config.end() || found->is_null()) return std::nullopt;
    const SqlType type = time_type_of(relation);
    if (is_integer(type.id)) {
      if (!found->is_number_integer()) fail_missing(key);
      return integer_now(run.context, relation) - found->get<std::int64_t>();
    }
    return time_bound(run.context, type, Value::of_timestamptz(before_now(run, *found, key)));
  };
  const RefreshWindow window{bound("start_offset"), bound("end_offset")};
  const auto count = [&](const char* key, std::int64_t otherwise) {
    const auto found = run.config.find(key);
    return found == run.config.end() || found->is_null() ? otherwise : found->get<std::int64_t>();
  };
  RefreshOptions options;
  options.newest_first = true;
  options.buckets_per_batch = count("buckets_per_batch", kBucketsPerBatch);
  options.max_batches = count("max_batches_per_execution", 0);
  if (const auto found = run.config.find("refresh_newest_first");
      found != run.config.end() && found->is_boolean())
    options.newest_first = found->get<bool>();
  return {std::move(relation), window, options};
}

void refresh(const Run& run) {
  const auto plan = refresh_plan(run);
  if (!run.context.is_alone() || run.context.frame_count() > 0) {
    throw Error(ErrorCode::ActiveSqlTransaction,
                "policy_refresh_continuous_aggregate() cannot run inside a transaction block");
  }
  (void)run.context.writes("refresh policy");
  (void)refresh_aggregate(run.context, plan.relation.oid, plan.window, plan.options);
}

void history_retention(const Run& run) {
  const auto drop_after = run.config.find("drop_after");
  if (drop_after == run.config.end()) fail_missing("drop_after");
  const auto age = interval_in(*drop_after, "drop_after");
  const std::int64_t before_us =
      add_interval(run.context.transaction_start_us(), {-age.months, -age.days, -age.micros}, utc_zone());
  const auto most_successes = run.config.value("max_successes_per_job", std::int64_t{1000});
  const auto most_failures = run.config.value("max_failures_per_job", std::int64_t{1000});
  auto& writes = run.context.writes("job history retention");
  run.context.refresh_view();
  auto runs = catalog::read_job_history(run.context.view());
  std::map<std::pair<std::int32_t, bool>, std::int64_t> kept;
  std::vector<std::int64_t> dropped;
  for (auto at = runs.rbegin(); at != runs.rend(); ++at) {
    const bool is_old = at->finish_us.value_or(at->start_us.value_or(before_us)) < before_us;
    if (is_old || ++kept[{at->job_id, at->succeeded}] > (at->succeeded ? most_successes : most_failures))
      dropped.push_back(at->id);
  }
  catalog::erase_job_runs(writes, dropped);
}

constexpr std::array<std::pair<std::string_view, void (*)(const Run&)>, 6> kPolicies = {{
    {"policy_retention", retention},
    {"policy_compression", compression},
    {"policy_reorder", reorder},
    {"policy_compaction", compaction},
    {"policy_refresh_continuous_aggregate", refresh},
    {"policy_job_stat_history_retention", history_retention},
}};

constexpr std::string_view kCheckSuffix = "_check";

auto find_policy(std::string_view name) {
  return std::find_if(kPolicies.begin(), kPolicies.end(), [&](const auto& p) { return p.first == name; });
}

}  // namespace

catalog::JobObject job_history_retention(const std::string& owner) {
  catalog::JobObject job;
  job.id = 3;
  job.application_name = "Job History Log Retention Policy [3]";
  job.proc_schema = "_timescaledb_functions";
  job.proc_name = "policy_job_stat_history_retention";
  job.owner = owner;
  job.schedule_interval = "06:00:00";
  job.max_runtime = "01:00:00";
  job.retry_period = "01:00:00";
  job.fixed_schedule = true;
  job.initial_start_us = 946'684'800'000'000;  // 2000-01-01 00:00 UTC
  job.config_json =
      R"({"drop_after": "1 month", "max_failures_per_job": 1000, "max_successes_per_job": 1000})";
  return job;
}

bool is_policy_procedure(std::string_view name) { return find_policy(name) != kPolicies.end(); }

bool is_policy_check(std::string_view name) {
  return name.ends_with(kCheckSuffix) &&
         is_policy_procedure(name.substr(0, name.size() - kCheckSuffix.size()));
}

namespace {

json parsed_config(const std::string& config) {
  if (config.empty()) throw Error(ErrorCode::NullValueNotAllowed, "config must not be NULL");
  auto parsed = json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) throw Error(ErrorCode::InvalidParameterValue, "config must be an object");
  return parsed;
}

}  // namespace

void check_policy(SessionContext& context, std::string_view name, const std::string& config) {
  const auto policy = name.substr(0, name.size() - kCheckSuffix.size());
  const auto parsed = parsed_config(config);
  const Run run{context, 0, parsed};
  try {
    if (policy == "policy_retention") {
      (void)cutoff_of(run, relation_of(run, "hypertable_id"), "drop_after", "drop_created_before");
    } else if (policy == "policy_compression") {
      (void)cutoff_of(run, relation_of(run, "hypertable_id"), "compress_after", "compress_created_before");
      (void)parsed.value("maxchunks_to_compress", 0);
    } else if (policy == "policy_reorder") {
      const auto relation = relation_of(run, "hypertable_id");
      const auto index = parsed.find("index_name");
      if (index == parsed.end() || !index->is_string()) fail_missing("index_name");
      const bool is_there =
          std::any_of(relation.indexes.begin(), relation.indexes.end(),
                      [&](const auto& one) { return one.name == index->get<std::string>(); });
      if (!is_there) {
        throw Error(ErrorCode::InvalidParameterValue, "invalid reorder index", {},
                    "The reorder index must by an index on hypertable \"" + relation.name + "\".");
      }
    } else if (policy == "policy_compaction") {
      (void)relation_of(run, "hypertable_id");
      if (const auto age = parsed.find("inactive_for"); age != parsed.end() && !age->is_null())
        (void)interval_in(*age, "inactive_for");
      (void)parsed.value("max_chunks", 0);
    } else if (policy == "policy_refresh_continuous_aggregate") {
      (void)refresh_plan(run);
    } else {
      const auto drop_after = parsed.find("drop_after");
      if (drop_after == parsed.end()) fail_missing("drop_after");
      (void)interval_in(*drop_after, "drop_after");
    }
  } catch (const json::exception& error) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid value in config for job", error.what());
  }
}

void run_policy(SessionContext& context, std::string_view name, std::int32_t job_id,
                const std::string& config) {
  const auto policy = find_policy(name);
  const auto parsed = parsed_config(config);
  try {
    policy->second({context, job_id, parsed});
  } catch (const json::exception& error) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid value in config for job", error.what());
  }
}

std::int64_t integer_now(SessionContext& context, const catalog::RelationObject& relation) {
  const auto catalog = context.catalog();
  const catalog::RelationObject* source = &relation;
  while (source != nullptr && source->aggregate)
    source = catalog->find_relation(source->aggregate->source_table);
  if (source == nullptr || time_dimension(*source).integer_now_function.empty()) {
    throw Error(ErrorCode::UndefinedFunction, "integer_now function not set", {},
                "Set one for hypertable \"" + (source == nullptr ? relation : *source).name +
                    "\" with set_integer_now_func().");
  }
  const auto rows = run_sql(context, "SELECT " + time_dimension(*source).integer_now_function + "()");
  if (rows.size() != 1 || !rows[0].at(0))
    throw Error(ErrorCode::ObjectNotInPrerequisiteState, "integer_now function returned NULL");
  return static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::BigInt), *rows[0][0]).integer);
}

}  // namespace tickstone::engine
