// SPDX-License-Identifier: Apache-2.0
// Functions of TimescaleDB that are gone, or that have no meaning here: each says why, and what to use. With
// them those for scripts that have nothing to do here.
#include <tickstone/error.hpp>

#include "engine/action.hpp"

namespace tickstone::engine {
namespace {

struct Refusal {
  std::string_view name, reason, hint;
};

constexpr std::string_view kMultiNode =
    "multi-node was removed from TimescaleDB in version 2.14, and one server holds all data here";
constexpr std::string_view kTablespaces = "there are no tablespaces: all data lies in one directory";
constexpr std::string_view kVersionOne = "it was removed with TimescaleDB 2.0";

constexpr Refusal kRefusals[] = {
    {"create_distributed_hypertable", kMultiNode, "Use create_hypertable()."},
    {"add_data_node", kMultiNode, ""},
    {"attach_data_node", kMultiNode, ""},
    {"detach_data_node", kMultiNode, ""},
    {"delete_data_node", kMultiNode, ""},
    {"alter_data_node", kMultiNode, ""},
    {"distributed_exec", kMultiNode, "Run the statement itself."},
    {"create_distributed_restore_point", kMultiNode, "Use tickstone_backup()."},
    {"set_replication_factor", kMultiNode, ""},
    {"copy_chunk", kMultiNode, ""},
    {"attach_tablespace", kTablespaces, "Put the data directory where there is room."},
    {"detach_tablespace", kTablespaces, ""},
    {"detach_tablespaces", kTablespaces, ""},
    {"move_chunk", kTablespaces, "Use reorder_chunk() to have its rows sorted and merged."},
    {"cagg_migrate", "all continuous aggregates have today's form (removed in TimescaleDB 2.15)",
     "Make the aggregate anew with CREATE MATERIALIZED VIEW ... WITH (timescaledb.continuous)."},
    {"add_drop_chunks_policy", kVersionOne, "Use add_retention_policy()."},
    {"remove_drop_chunks_policy", kVersionOne, "Use remove_retention_policy()."},
    {"add_compress_chunks_policy", kVersionOne, "Use add_columnstore_policy()."},
    {"remove_compress_chunks_policy", kVersionOne, "Use remove_columnstore_policy()."},
    {"alter_job_schedule", kVersionOne, "Use alter_job()."},
    {"hypertable_relation_size", kVersionOne, "Use hypertable_detailed_size()."},
    {"hypertable_relation_size_pretty", kVersionOne, "Use pg_size_pretty(hypertable_size(...))."},
    {"chunk_relation_size", kVersionOne, "Use chunks_detailed_size()."},
    {"chunk_relation_size_pretty", kVersionOne, "Use chunks_detailed_size()."},
    {"indexes_relation_size", kVersionOne, "Use hypertable_index_size()."},
    {"indexes_relation_size_pretty", kVersionOne, "Use hypertable_index_size()."},
    {"hypertable_approximate_row_count", kVersionOne, "Use approximate_row_count()."},
};

ActionResult refuse(SessionContext&, std::string_view function, const ActionArguments&) {
  for (const auto& refusal : kRefusals) {
    if (refusal.name != function) continue;
    throw Error(ErrorCode::FeatureNotSupported,
                "function " + std::string(function) + "() is not supported: " + std::string(refusal.reason),
                {}, std::string(refusal.hint));
  }
  throw Error(ErrorCode::FeatureNotSupported, "function " + std::string(function) + "() is not supported");
}

/// Around loading a dump, TimescaleDB must be told to leave its catalog alone. Here nothing is to be done,
/// but scripts ask for it.
ActionResult set_restoring(SessionContext& context, std::string_view function, const ActionArguments&) {
  const bool is_before = function == "timescaledb_pre_restore";
  context.settings().set("timescaledb.restoring", {is_before ? "on" : "off"}, false);
  return ActionResult::scalar(function, Value::of_bool(true));
}

ActionResult telemetry_report(SessionContext&, std::string_view function, const ActionArguments&) {
  Value report =
      Value::of_text(R"({"note": "nothing is collected and nothing is sent", "telemetry": "none"})");
  report.type = SqlType::of(TypeId::Jsonb);
  return ActionResult::scalar(function, report);
}

ActionResult show_tablespaces(SessionContext&, std::string_view function, const ActionArguments& arguments) {
  (void)arguments.hypertable("hypertable");
  ActionResult result;
  result.columns = {{std::string(function), SqlType::of(TypeId::Text)}};
  result.rows.columns.emplace_back(SqlType::of(TypeId::Text));
  return result;
}

}  // namespace

void add_refused_actions(Actions& actions) {
  for (const auto& refusal : kRefusals) {
    Action action;
    action.run = refuse;
    action.takes_anything = true;
    actions[refusal.name] = action;
  }
  actions["timescaledb_pre_restore"] = {{}, {"timescaledb_pre_restore"}, set_restoring};
  actions["timescaledb_post_restore"] = {{}, {"timescaledb_post_restore"}, set_restoring};
  actions["get_telemetry_report"] = {{"always_display_report"}, {"get_telemetry_report"}, telemetry_report};
  actions["show_tablespaces"] = {{"hypertable"}, {"show_tablespaces"}, show_tablespaces};
}

}  // namespace tickstone::engine
