// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "engine/action.hpp"
#include "engine/aggregate_refresh.hpp"
#include "engine/backup.hpp"
#include "engine/dimensions.hpp"
#include "engine/executors.hpp"
#include "engine/hypertable.hpp"
#include "engine/job_actions.hpp"
#include "engine/policies.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {
namespace {

constexpr std::int64_t kBucketsPerBatch = 10;

/// Members of the options argument: a JSON object.
void read_refresh_options(const std::string& text, RefreshOptions& options) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    throw Error(ErrorCode::InvalidParameterValue, "invalid options of refresh_continuous_aggregate", {},
                "Give a JSON object.");
  const auto count = [&](const std::string& name, const nlohmann::json& value) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
      throw Error(ErrorCode::InvalidParameterValue, "invalid value for " + name + " option");
    return value.get<std::int64_t>();
  };
  // As in TimescaleDB, where batches are asked for in any way.
  if (json.contains("max_batches_per_execution")) options.buckets_per_batch = kBucketsPerBatch;
  for (const auto& [name, value] : json.items()) {
    if (name == "buckets_per_batch") {
      options.buckets_per_batch = count(name, value);
    } else if (name == "max_batches_per_execution") {
      options.max_batches = count(name, value);
    } else if (name == "refresh_newest_first") {
      if (!value.is_boolean())
        throw Error(ErrorCode::InvalidParameterValue, "invalid value for " + name + " option");
      options.newest_first = value.get<bool>();
    } else if (name != "process_hypertable_invalidations" && name != "include_tiered_data") {
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized option \"" + name + "\"", {},
                  "Options are buckets_per_batch, max_batches_per_execution and refresh_newest_first.");
    }
  }
}

ActionResult refresh(SessionContext& context, const ActionArguments& arguments) {
  const auto aggregate = arguments.relation("continuous_aggregate");
  if (!aggregate.aggregate) {
    throw Error(ErrorCode::InvalidParameterValue,
                "relation \"" + aggregate.name + "\" is not a continuous aggregate");
  }
  const SqlType type = aggregate.find_column(aggregate.aggregate->bucket_column)->type;
  const auto bound = [&](std::string_view name) -> std::optional<std::int64_t> {
    const auto value = arguments.value(name);
    return value ? std::optional(time_bound(context, type, *value)) : std::nullopt;
  };
  const RefreshWindow window{bound("window_start"), bound("window_end")};
  if (window.start && window.end && *window.start >= *window.end) {
    throw Error(ErrorCode::InvalidParameterValue, "refresh window start must be before its end");
  }
  RefreshOptions options;
  options.force = arguments.boolean("force", false);
  if (const auto text = arguments.text("options")) read_refresh_options(*text, options);
  if (!context.is_alone() || context.frame_count() > 0) {
    throw Error(ErrorCode::ActiveSqlTransaction,
                "refresh_continuous_aggregate() cannot run inside a transaction block");
  }
  (void)context.writes("refresh_continuous_aggregate()");
  if (refresh_aggregate(context, aggregate.oid, window, options) == RefreshOutcome::UpToDate)
    context.notice("continuous aggregate \"" + aggregate.name + "\" is already up-to-date");
  return {};
}

const Action* find_action(std::string_view name) {
  static const Actions actions = [] {
    Actions all;
    add_hypertable_actions(all);
    add_dimension_actions(all);
    add_chunk_actions(all);
    add_chunk_move_actions(all);
    add_chunk_shape_actions(all);
    add_columnstore_actions(all);
    add_refused_actions(all);
    all["refresh_continuous_aggregate"] = {
        {"continuous_aggregate", "window_start", "window_end", "force", "options"},
        {},
        [](SessionContext& c, std::string_view, const ActionArguments& a) { return refresh(c, a); }};
    add_policy_actions(all);
    add_job_actions(all);
    all["tickstone_backup"] = {
        {"path", "base", "trust"},
        {"commit_number", "files", "bytes", "copied_files", "copied_bytes", "kept_files", "kept_bytes"},
        [](SessionContext& c, std::string_view, const ActionArguments& a) { return write_backup(c, a); }};
    return all;
  }();
  const auto found = actions.find(name);
  return found == actions.end() ? nullptr : &found->second;
}

}  // namespace

ActionResult ActionResult::scalar(std::string_view name, const Value& value) {
  ActionResult result;
  result.add(name, value);
  return result;
}

void ActionResult::add(std::string_view name, const Value& value) {
  columns.push_back({std::string(name), value.type});
  append_value(rows.columns.emplace_back(value.type), value);
}

namespace {

SqlType output_type(std::string_view function, std::string_view column) {
  if (function == "alter_job") return alter_job_type(column);
  if (column == "created" || column == "enabled" || column == "disabled" ||
      column == "remove_compression_policy" || function.starts_with("timescaledb_"))
    return SqlType::of(TypeId::Boolean);
  if (function == "get_telemetry_report") return SqlType::of(TypeId::Jsonb);
  if (function == "compress_chunk" || function == "decompress_chunk") return SqlType::of(TypeId::Regclass);
  if (column.ends_with("_name")) return SqlType::of(TypeId::Text);
  if (column.ends_with("_id") || function.starts_with("add_")) return SqlType::of(TypeId::Integer);
  if (function == "tickstone_backup") return SqlType::of(TypeId::BigInt);
  return SqlType::of(TypeId::Text);
}

std::string output_name(const sql::ActionStatement& action) {
  return action.output_name.empty() ? action.function : action.output_name;
}

/// The engine's own action; nullptr where the call is of a function of a user's.
const Action* action_of(const sql::ActionStatement& statement) {
  static constexpr std::array<std::string_view, 6> kSchemas = {
      "",         "public", "_timescaledb_functions", "_timescaledb_internal", "timescaledb_experimental",
      "tickstone"};
  const bool is_ours = std::find(kSchemas.begin(), kSchemas.end(), statement.schema) != kSchemas.end();
  return is_ours ? find_action(statement.function) : nullptr;
}

}  // namespace

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

namespace {

/// Whether the statement is of the action's second form.
bool is_other_form(const Action& action, const sql::ActionStatement& statement) {
  if (action.other_signature.empty()) return false;
  std::size_t position = 0;
  for (const auto& argument : statement.arguments) {
    const bool is_named = !argument.name.empty();
    const std::size_t at = is_named ? 0 : position++;
    if (!argument.value) continue;
    const bool is_distinct =
        action.other_signature.size() < 2 || action.other_signature[1] != "dimension"
            ? at == 0 && (sql::is_array(argument.value) || statement.arguments.size() == 1)
            : is_dimension_call(argument.value) && (is_named || at == 1);
    if (is_distinct ||
        (is_named && argument.name == action.other_signature[0] && argument.name != action.signature[0]))
      return true;
  }
  return false;
}

const std::vector<std::string_view>& output_of(const Action& action, const sql::ActionStatement& statement) {
  return is_other_form(action, statement) ? action.other_output : action.output;
}

/// What the session sees changes with each action of one statement.
void show_changes(SessionContext& context) {
  if (context.has_catalog_edit()) context.refresh_view();
}

/// Where the columns that `SELECT a, b FROM f()` names stand among those of f; all of them without names.
std::vector<std::size_t> selected_columns(const std::vector<std::string_view>& output,
                                          const sql::ActionStatement& statement) {
  std::vector<std::size_t> selected;
  for (const auto& name : statement.columns) {
    const auto found = std::find(output.begin(), output.end(), name);
    if (found == output.end())
      throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" does not exist");
    selected.push_back(static_cast<std::size_t>(found - output.begin()));
  }
  for (std::size_t i = 0; statement.columns.empty() && i < output.size(); ++i) selected.push_back(i);
  return selected;
}

std::vector<ResultColumn> columns_of_call(const SessionContext& context, const Action* action,
                                          const sql::ActionStatement& statement) {
  if (action == nullptr) {
    if (auto columns = user_function_columns(context, statement)) return *columns;
  }
  if (action == nullptr || output_of(*action, statement).empty())
    return {{output_name(statement), SqlType::of(TypeId::Void)}};
  const auto& output = output_of(*action, statement);
  if (!statement.as_table && output.size() > 1)
    return {{output_name(statement), SqlType::of(TypeId::Record)}};
  std::vector<ResultColumn> columns;
  if (output.size() == 1) return {{output_name(statement), output_type(statement.function, output.front())}};
  for (const auto i : selected_columns(output, statement))
    columns.push_back({std::string(output[i]), output_type(statement.function, output[i])});
  return columns;
}

/// Runs the action: its rows as the columns of `columns_of_call`.
Batch run_action(Execution& execution, const Action& action, const sql::ActionStatement& statement,
                 const std::vector<Value>* values) {
  auto& context = execution.context;
  static const std::vector<sql::ActionStatement::Argument> none;
  const ActionArguments arguments(
      context, statement.function, action.takes_anything ? none : statement.arguments, execution.parameters,
      is_other_form(action, statement) ? action.other_signature : action.signature, values);
  ActionResult result = action.run(context, statement.function, arguments);
  const auto columns = columns_of_call(context, &action, statement);
  if (!statement.columns.empty() && result.columns.size() > 1) {
    Batch selected;
    for (const auto i : selected_columns(output_of(action, statement), statement))
      selected.columns.push_back(result.rows.columns[i]);
    result.rows = std::move(selected);
  }
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
  return std::move(result.rows);
}

/// Of a statement of one action a row.
std::vector<ResultColumn> query_columns(SessionContext& context, const sql::ActionStatement& statement) {
  const auto query = sql::Rewriter(context).query(statement.source);
  auto columns = result_columns(context.duck()->prepare(query.text)->columns(), query);
  const auto first = columns.begin() + static_cast<std::ptrdiff_t>(statement.first_argument);
  columns.insert(columns.erase(first, first + static_cast<std::ptrdiff_t>(statement.arguments.size())),
                 columns_of_call(context, action_of(statement), statement).front());
  return columns;
}

/// What the statement selects of the answers.
struct Selected {
  sql::DuckQuery query;
  std::vector<ResultColumn> columns;
};
Selected selected_of(SessionContext& context, const sql::ActionStatement& statement, Batch answers) {
  const std::string name = sql::kActionAnswers;
  const SqlType type = answers.columns[0].type();
  const sql::RelationInfo answered{"", name, {{sql::kActionResult, type}}};
  context.set_rows(name, {{sql::kActionResult, type, initial_layout(type), false, 0}},
                   std::make_shared<const Batch>(std::move(answers)));
  Selected selected;
  selected.query = sql::Rewriter(context).expressions(statement.targets, &answered, name);
  selected.query.output_names = statement.target_names;
  selected.columns = result_columns(context.duck()->prepare(selected.query.text)->columns(), selected.query);
  return selected;
}

/// Of an action within a larger query: what that makes of the answers.
Selected around_of(SessionContext& context, const sql::ActionStatement& statement,
                   const std::vector<ResultColumn>& columns, Batch answers) {
  std::vector<duck::SourceColumn> source;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const SqlType type = answers.columns[i].type();
    source.push_back({columns[i].name, type, initial_layout(type), false, 0});
  }
  context.set_rows(sql::kActionAnswers, std::move(source), std::make_shared<const Batch>(std::move(answers)));
  Selected selected;
  selected.query = sql::Rewriter(context).query(statement.around, sql::Rewriter::Rows::Sent);
  selected.columns = result_columns(context.duck()->prepare(selected.query.text)->columns(), selected.query);
  return selected;
}

/// As a value in an expression.
SqlType value_type(const SqlType& type) {
  const bool is_shown = type.id == TypeId::Void || type.id == TypeId::Record;
  return is_shown ? SqlType::of(TypeId::Text) : type;
}

/// One action for each row of the statement's query, whose other columns stand beside its answer.
std::string execute_by_row(Execution& execution, const Action& action,
                           const sql::ActionStatement& statement) {
  auto& context = execution.context;
  const auto query = sql::Rewriter(context).query(statement.source);
  Batch source = context.run(query, execution.parameters);
  auto columns = query_columns(context, statement);
  const std::size_t argument_count = statement.arguments.size();
  const std::size_t first = statement.first_argument;
  Batch answer;
  const bool is_within = !statement.targets.empty() || statement.around;
  for (const auto& column : columns) {
    answer.columns.emplace_back(is_within ? value_type(column.type) : column.type);
  }
  for (std::size_t row = 0; row < source.row_count(); ++row) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < argument_count; ++i)
      values.push_back(value_at(source.columns[first + i].view(), row));
    const Batch rows = run_action(execution, action, statement, &values);
    show_changes(context);
    for (std::size_t k = 0; k < rows.row_count(); ++k) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i == first) {
          append_value(answer.columns[i], value_at(rows.columns[0].view(), k));
          continue;
        }
        const std::size_t from = i < first ? i : i - 1 + argument_count;
        append_value(answer.columns[i],
                     cast_value(value_at(source.columns[from].view(), row), answer.columns[i].type(),
                                CastStrength::Explicit, context.settings().format_context()));
      }
    }
  }
  if (is_within) {
    const auto selected = statement.around ? around_of(context, statement, columns, std::move(answer))
                                           : selected_of(context, statement, std::move(answer));
    answer = context.run(selected.query, {});
    columns = selected.columns;
    fit_to_columns(answer, columns, context.settings().format_context());
  }
  send_result(execution, columns, answer);
  return "SELECT " + std::to_string(answer.row_count());
}

}  // namespace

std::vector<ResultColumn> action_columns(SessionContext& context, const sql::ActionStatement& statement) {
  if (statement.around) {
    const auto columns = query_columns(context, statement);
    Batch none;
    for (const auto& column : columns) none.columns.emplace_back(value_type(column.type));
    return around_of(context, statement, columns, std::move(none)).columns;
  }
  if (!statement.targets.empty()) {
    Batch none;
    none.columns.emplace_back(
        value_type(columns_of_call(context, action_of(statement), statement).front().type));
    return selected_of(context, statement, std::move(none)).columns;
  }
  if (statement.source) return query_columns(context, statement);
  return columns_of_call(context, action_of(statement), statement);
}

std::string execute_action(Execution& execution, const sql::ActionStatement& statement) {
  const auto* action = action_of(statement);
  if (action == nullptr && !statement.source && !sql::is_action_function(statement.function) &&
      (statement.is_call || user_function_columns(execution.context, statement))) {
    return execute_user_function(execution, statement);
  }
  if (action == nullptr) {
    const bool is_known = sql::is_action_function(statement.function);
    throw Error(is_known ? ErrorCode::FeatureNotSupported : ErrorCode::UndefinedFunction,
                "function " + statement.function +
                    (is_known ? "() is not supported yet" : "() does not exist with these arguments"));
  }
  if (statement.source) return execute_by_row(execution, *action, statement);
  const Batch rows = run_action(execution, *action, statement, nullptr);
  if (statement.is_call) return "CALL";
  send_result(execution, columns_of_call(execution.context, action, statement), rows);
  return "SELECT " + std::to_string(rows.row_count());
}

}  // namespace tickstone::engine
