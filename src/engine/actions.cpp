// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/action_arguments.hpp"
#include "engine/backup.hpp"
#include "engine/executors.hpp"
#include "engine/hypertable.hpp"
#include "engine/policies.hpp"

namespace tickstone::engine {
namespace {

using Names = std::vector<std::string_view>;

ActionResult refresh(SessionContext& context, const ActionArguments& arguments) {
  const auto aggregate = arguments.relation("continuous_aggregate");
  if (!aggregate.aggregate) {
    throw Error(ErrorCode::WrongObjectType,
                "relation \"" + aggregate.name + "\" is not a continuous aggregate");
  }
  const SqlType type = aggregate.find_column(aggregate.aggregate->bucket_column)->type;
  const auto bound = [&](std::string_view name) -> std::optional<std::int64_t> {
    const auto value = arguments.value(name);
    return value ? std::optional(time_bound(context, type, *value)) : std::nullopt;
  };
  const auto start = bound("window_start"), end = bound("window_end");
  if (start && end && *start >= *end) {
    throw Error(ErrorCode::InvalidParameterValue, "refresh window start must be before its end");
  }
  refresh_continuous_aggregate(context, aggregate, start, end);
  return {};
}

struct Action {
  Names signature;
  Names output;  // column names of the answer; empty: nothing (VOID, or CALL)
  ActionResult (*run)(SessionContext&, std::string_view, const ActionArguments&);
};

const Action* find_action(std::string_view name) {
  static const std::map<std::string_view, Action> actions = [] {
    std::map<std::string_view, Action> all;
    all["create_hypertable"] = {
        {"relation", "time_column_name", "partitioning_column", "number_partitions", "associated_schema_name",
         "associated_table_prefix", "chunk_time_interval", "create_default_indexes", "if_not_exists",
         "partitioning_func", "migrate_data", "time_partitioning_func"},
        {"hypertable_id", "schema_name", "table_name", "created"},
        [](SessionContext& c, std::string_view, const ActionArguments& a) {
          return create_hypertable(c, a);
        }};
    all["set_chunk_time_interval"] = {{"hypertable", "chunk_time_interval", "dimension_name"},
                                      {},
                                      [](SessionContext& c, std::string_view, const ActionArguments& a) {
                                        return set_chunk_time_interval(c, a);
                                      }};
    all["drop_chunks"] = {
        {"relation", "older_than", "newer_than", "verbose", "created_before", "created_after"},
        {"drop_chunks"},
        [](SessionContext& c, std::string_view, const ActionArguments& a) { return drop_chunks(c, a); }};
    all["refresh_continuous_aggregate"] = {
        {"continuous_aggregate", "window_start", "window_end", "force", "options"},
        {},
        [](SessionContext& c, std::string_view, const ActionArguments& a) { return refresh(c, a); }};
    all["add_continuous_aggregate_policy"] = {
        {"continuous_aggregate", "start_offset", "end_offset", "schedule_interval", "if_not_exists",
         "initial_start", "timezone", "include_tiered_data", "buckets_per_batch", "max_batches_per_execution",
         "refresh_newest_first"},
        {"add_continuous_aggregate_policy"},
        add_policy};
    all["add_retention_policy"] = {{"relation", "drop_after", "if_not_exists", "schedule_interval",
                                    "initial_start", "timezone", "drop_created_before"},
                                   {"add_retention_policy"},
                                   add_policy};
    all["add_compression_policy"] = {{"hypertable", "compress_after", "if_not_exists", "schedule_interval",
                                      "initial_start", "timezone", "compress_created_before"},
                                     {"add_compression_policy"},
                                     add_policy};
    all["add_columnstore_policy"] = {{"hypertable", "after", "if_not_exists", "schedule_interval",
                                      "initial_start", "timezone", "created_before"},
                                     {},
                                     add_policy};
    all["add_reorder_policy"] = {{"hypertable", "index_name", "if_not_exists", "initial_start", "timezone"},
                                 {"add_reorder_policy"},
                                 add_policy};
    all["remove_continuous_aggregate_policy"] = {
        {"continuous_aggregate", "if_not_exists", "if_exists"}, {}, remove_policy};
    all["remove_retention_policy"] = {{"relation", "if_exists"}, {}, remove_policy};
    all["remove_compression_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
    all["remove_columnstore_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
    all["remove_reorder_policy"] = {{"hypertable", "if_exists"}, {}, remove_policy};
    all["delete_job"] = {{"job_id"}, {}, [](SessionContext& c, std::string_view, const ActionArguments& a) {
                           return delete_job(c, a);
                         }};
    all["tickstone_backup"] = {
        {"path", "base", "trust"},
        {"commit_number", "files", "bytes", "copied_files", "copied_bytes", "kept_files", "kept_bytes"},
        [](SessionContext& c, std::string_view, const ActionArguments& a) { return write_backup(c, a); }};
    return all;
  }();
  const auto found = actions.find(name);
  return found == actions.end() ? nullptr : &found->second;
}

SqlType output_type(std::string_view function, std::string_view column) {
  if (column == "hypertable_id" || function.starts_with("add_")) return SqlType::of(TypeId::Integer);
  if (function == "tickstone_backup") return SqlType::of(TypeId::BigInt);
  if (column == "created") return SqlType::of(TypeId::Boolean);
  return SqlType::of(TypeId::Text);
}

std::string output_name(const sql::ActionStatement& action) {
  return action.output_name.empty() ? action.function : action.output_name;
}

/// `(1,public,ohlcv,t)`: how a composite prints.
std::string record_text(const Batch& batch, std::size_t row, const FormatContext& format) {
  std::string text = "(";
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    if (i > 0) text += ',';
    const auto view = batch.columns[i].view();
    if (view.is_null(row)) continue;
    std::string field;
    append_text(field, view, row, format);
    const bool needs_quotes = field.empty() || field.find_first_of("(),\"\\ ") != std::string::npos;
    if (!needs_quotes) {
      text += field;
      continue;
    }
    text += '"';
    for (const char c : field) {
      if (c == '"' || c == '\\') text += c;
      text += c;
    }
    text += '"';
  }
  return text + ")";
}

}  // namespace

std::vector<ResultColumn> action_columns(const sql::ActionStatement& statement) {
  const auto* action = find_action(statement.function);
  if (action == nullptr || action->output.empty())
    return {{output_name(statement), SqlType::of(TypeId::Void)}};
  if (!statement.as_table && action->output.size() > 1)
    return {{output_name(statement), SqlType::of(TypeId::Record)}};
  std::vector<ResultColumn> columns;
  const bool is_new_form = statement.function == "create_hypertable" && statement.arguments.size() > 1 &&
                           sql::function_call_of(statement.arguments[1].value).has_value();
  for (const auto& name : action->output) {
    if (is_new_form && (name == "schema_name" || name == "table_name")) continue;
    columns.push_back({action->output.size() == 1 ? output_name(statement) : std::string(name),
                       output_type(statement.function, name)});
  }
  return columns;
}

std::string execute_action(Execution& execution, const sql::ActionStatement& statement) {
  auto& context = execution.context;
  const auto* action = find_action(statement.function);
  if (action == nullptr) {
    throw Error(ErrorCode::FeatureNotSupported, "function " + statement.function + "() is not supported yet");
  }
  const ActionArguments arguments(context, statement.function, statement.arguments, execution.parameters,
                                  action->signature);
  ActionResult result = action->run(context, statement.function, arguments);
  if (statement.is_call) return "CALL";
  const auto columns = action_columns(statement);
  if (result.columns.empty()) {
    result.rows = {};
    result.rows.columns.emplace_back(SqlType::of(TypeId::Void));
    result.rows.columns[0].append_bytes("");
  } else if (columns.size() == 1 && columns[0].type.id == TypeId::Record) {
    Batch records;
    records.columns.emplace_back(SqlType::of(TypeId::Record));
    for (std::size_t row = 0; row < result.rows.row_count(); ++row) {
      records.columns[0].append_bytes(record_text(result.rows, row, context.settings().format_context()));
    }
    result.rows = std::move(records);
  }
  send_result(execution, columns, result.rows);
  return "SELECT " + std::to_string(result.rows.row_count());
}

}  // namespace tickstone::engine
