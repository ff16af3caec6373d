// SPDX-License-Identifier: Apache-2.0
// add_dimension, set_chunk_time_interval and its kin, integer time, chunk skipping.
#include "engine/dimensions.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "engine/ddl_table.hpp"
#include "engine/internal_sql.hpp"
#include "engine/rights.hpp"
#include "engine/table_schema.hpp"
#include "engine/time_units.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {

using catalog::HypertableInfo;

bool is_dimension_call(const sql::Expr& expr) {
  const auto call = sql::function_call_of(expr);
  return call && (call->function == "by_range" || call->function == "by_hash");
}

DimensionRequest read_dimension_call(SessionContext& context, const sql::Expr& expr,
                                     std::span<const Value> parameters) {
  const auto call = sql::function_call_of(expr);
  DimensionRequest request;
  request.is_hash = call->function == "by_hash";
  const ActionArguments arguments(
      context, call->function, call->arguments, parameters,
      {"column_name", request.is_hash ? "number_partitions" : "partition_interval", "partition_func"});
  const auto column = arguments.text("column_name");
  if (!column) throw Error(ErrorCode::InvalidParameterValue, "column_name cannot be NULL");
  request.column = *column;
  if (arguments.value("partition_func")) {
    throw Error(ErrorCode::FeatureNotSupported, "partitioning functions are not supported", {},
                "Partition by a column of an integer, timestamp or date type.");
  }
  if (request.is_hash)
    request.partitions = arguments.integer("number_partitions");
  else
    request.interval = arguments.value("partition_interval");
  return request;
}

void add_dimension_to(SessionContext& context, catalog::RelationObject& relation,
                      const DimensionRequest& request) {
  const auto* column = relation.find_column(request.column);
  if (column == nullptr)
    throw Error(ErrorCode::UndefinedColumn, "column \"" + request.column + "\" does not exist");
  if (!column->generated_text.empty())
    throw Error(ErrorCode::FeatureNotSupported, "invalid partitioning column", {},
                "Generated columns cannot be used as partitioning dimensions.");
  auto& info = *relation.hypertable;
  HypertableInfo::Dimension dimension;
  dimension.id = info.id + static_cast<std::int32_t>(info.dimensions.size());
  dimension.column = column->id;
  dimension.is_time = !request.is_hash;
  if (request.is_hash) {
    constexpr std::int64_t kMostPartitions = INT16_MAX;
    if (!request.partitions || *request.partitions < 1 || *request.partitions > kMostPartitions)
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid number of partitions for dimension \"" + request.column + "\"", {},
                  "A closed (space) dimension must specify between 1 and 32767 partitions.");
    dimension.partitions = static_cast<std::int32_t>(*request.partitions);
    info.dimensions.push_back(dimension);
    return;
  }
  if (!is_time_type(column->type))
    throw Error(ErrorCode::WrongObjectType, "invalid type for dimension \"" + request.column + "\"", {},
                "Use an integer, timestamp, or date type.");
  dimension.interval = request.interval ? interval_in_units(context, column->type, *request.interval)
                                        : default_interval(context, column->type);
  info.dimensions.push_back(dimension);
  for (auto& c : relation.columns) {
    if (c.id != dimension.column || c.not_null) continue;
    context.notice({"NOTICE",
                    ErrorCode::SuccessfulCompletion,
                    "adding not-null constraint to column \"" + c.name + "\"",
                    "Dimensions cannot have NULL values.",
                    {}});
    c.not_null = true;
  }
}

namespace {

std::string in_quotes(const std::string& name) { return "\"" + name + "\""; }

/// The dimension that a statement means: the one of that name, or the only one of the kind.
HypertableInfo::Dimension& find_dimension(catalog::RelationObject& relation, const ActionArguments& arguments,
                                          bool is_time) {
  const auto name = arguments.text("dimension_name");
  HypertableInfo::Dimension* found = nullptr;
  int count = 0;
  for (auto& dimension : relation.hypertable->dimensions) {
    if (dimension.is_time != is_time) continue;
    const auto* column = relation.find_column(dimension.column);
    if (name && (column == nullptr || column->name != *name)) continue;
    if (found == nullptr) found = &dimension;
    ++count;
  }
  if (found == nullptr)
    throw Error(ErrorCode::DimensionNotExist,
                "hypertable " + in_quotes(relation.name) + " does not have a matching dimension");
  if (count > 1)
    throw Error(ErrorCode::InvalidParameterValue,
                "hypertable " + in_quotes(relation.name) + " has multiple " + (is_time ? "time" : "space") +
                    " dimensions",
                {}, "An explicit dimension name must be specified.");
  return *found;
}

/// A copy to change, of a hypertable that is locked and in the catalog of this transaction's edit.
catalog::RelationObject locked_hypertable(SessionContext& context, const ActionArguments& arguments,
                                          std::string_view command) {
  const auto& given = arguments.relation("hypertable");
  if (!given.hypertable)
    throw Error(ErrorCode::HypertableNotExist, "table " + in_quotes(given.name) + " is not a hypertable");
  const auto oid = given.oid;
  context.lock_for_change({context.catalog()->find_schema(given.schema)->name, given.name, 0}, command);
  return *context.edit_catalog(command).catalog().find_relation(oid);
}

/// Chunks that are there keep their ranges: the interval is for those to come.
ActionResult set_interval(SessionContext& context, std::string_view function,
                          const ActionArguments& arguments) {
  if (const auto& given = arguments.relation("hypertable"); !given.hypertable) {
    throw Error(ErrorCode::HypertableNotExist,
                in_quotes(given.name) + " is not a hypertable or a continuous aggregate", {},
                "The operation is only possible on a hypertable or continuous aggregate.");
  }
  auto relation = locked_hypertable(context, arguments, function);
  const auto value =
      arguments.value(function == "set_chunk_time_interval" ? "chunk_time_interval" : "partition_interval");
  if (!value)
    throw Error(ErrorCode::InvalidParameterValue, "invalid interval: an explicit interval must be specified");
  auto& dimension = find_dimension(relation, arguments, true);
  dimension.interval = interval_in_units(context, relation.find_column(dimension.column)->type, *value);
  context.edit_catalog(function).put_relation(relation);
  context.writes(function).alter_table(storage_schema(relation), {});
  return {};
}

ActionResult set_number_partitions(SessionContext& context, std::string_view function,
                                   const ActionArguments& arguments) {
  auto relation = locked_hypertable(context, arguments, function);
  const auto count = arguments.integer("number_partitions");
  if (!count || *count < 1 || *count > INT16_MAX)
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid number of partitions: must be between 1 and 32767");
  find_dimension(relation, arguments, false).partitions = static_cast<std::int32_t>(*count);
  context.edit_catalog(function).put_relation(relation);
  return {};
}

ActionResult add_dimension(SessionContext& context, std::string_view function,
                           const ActionArguments& arguments) {
  DimensionRequest request;
  const bool is_new_form = arguments.has("dimension");
  if (is_new_form) {
    const auto* expr = arguments.find("dimension");
    if (expr == nullptr || !is_dimension_call(*expr))
      throw Error(ErrorCode::InvalidParameterValue, "invalid dimension info", {},
                  "Use \"by_range\" or \"by_hash\" to construct dimension types.");
    request = read_dimension_call(context, *expr, arguments.parameters());
  } else {
    request.column = arguments.text("column_name").value_or("");
    request.partitions = arguments.integer("number_partitions");
    request.interval = arguments.value("chunk_time_interval");
    request.is_hash = request.partitions.has_value();
    if (request.partitions && request.interval)
      throw Error(ErrorCode::InvalidParameterValue,
                  "cannot specify both the number of partitions and an interval");
    if (!request.partitions && !request.interval)
      throw Error(ErrorCode::InvalidParameterValue,
                  "must specify either the number of partitions or an interval");
  }
  auto relation = locked_hypertable(context, arguments, function);
  const auto schema = context.catalog()->find_schema(relation.schema)->name;
  const auto answer = [&](std::int32_t id, bool created) {
    ActionResult result;
    result.add("dimension_id", Value::of_integer(id));
    if (!is_new_form) {
      result.add("schema_name", Value::of_text(schema));
      result.add("table_name", Value::of_text(relation.name));
      result.add("column_name", Value::of_text(request.column));
    }
    result.add("created", Value::of_bool(created));
    return result;
  };
  for (const auto& dimension : relation.hypertable->dimensions) {
    const auto* column = relation.find_column(dimension.column);
    if (column == nullptr || column->name != request.column) continue;
    if (!arguments.boolean("if_not_exists", false))
      throw Error(ErrorCode::DuplicateDimension,
                  "column " + in_quotes(request.column) + " is already a dimension");
    context.notice("column " + in_quotes(request.column) + " is already a dimension, skipping");
    return answer(dimension.id, false);
  }
  if (!request.is_hash)
    throw Error(ErrorCode::FeatureNotSupported, "a second range dimension is not supported",
                "Chunks are divided by the time column alone.",
                "An index, or compress_segmentby, finds rows by another column.");
  add_dimension_to(context, relation, request);
  const auto& added = relation.hypertable->dimensions.back();
  for (const auto& index : relation.indexes) {
    if (!index.is_unique) continue;
    const bool has_it = std::any_of(index.keys.begin(), index.keys.end(),
                                    [&](const auto& key) { return key.column == added.column; });
    if (has_it) continue;
    throw Error(ErrorCode::BadHypertableIndexDefinition,
                "cannot create a unique index without the column " + in_quotes(request.column) +
                    " (used in partitioning)",
                {},
                "If you're creating a hypertable on a table with a primary key, ensure the partitioning "
                "column is part of the primary or composite key.");
  }
  context.edit_catalog(function).put_relation(relation);
  return answer(added.id, true);
}

struct NowFunction {
  std::string text;  // to be called by
  SqlType result;
  bool is_suitable = false;  // no arguments, and the same answer all through a statement
};

/// Errors: UndefinedFunction.
NowFunction find_now_function(SessionContext& context, std::string name) {
  if (name.ends_with("()")) name.resize(name.size() - 2);
  const auto meant = parse_qualified_name(name);
  const auto catalog = context.catalog();
  for (const auto& schema : context.schemas_to_search(meant.schema)) {
    const auto functions = catalog->find_functions(schema, meant.name);
    if (functions.empty()) continue;
    const auto found = std::find_if(functions.begin(), functions.end(),
                                    [](const auto* one) { return one->arguments.empty(); });
    if (found == functions.end()) return {};
    require_execute(context, **found);
    return {catalog::qualified_name(schema, meant.name), (*found)->result,
            (*found)->volatility != 'v' && !(*found)->is_procedure && !(*found)->returns_set};
  }
  try {
    const auto result = context.evaluate(sql::parse_expression(name + "()")).type;
    return {name, result, !context.is_volatile(meant.name)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UndefinedFunction) throw;
    throw Error(ErrorCode::UndefinedFunction, "function \"" + name + "\" does not exist");
  }
}

ActionResult set_integer_now_func(SessionContext& context, std::string_view function,
                                  const ActionArguments& arguments) {
  auto relation = locked_hypertable(context, arguments, function);
  HypertableInfo::Dimension* time = nullptr;
  for (auto& dimension : relation.hypertable->dimensions) {
    if (dimension.is_time) time = &dimension;
  }
  if (time == nullptr)
    throw Error(ErrorCode::DimensionNotExist,
                "hypertable " + in_quotes(relation.name) + " does not have a matching dimension");
  if (!time->integer_now_function.empty() && !arguments.boolean("replace_if_exists", false))
    throw Error(ErrorCode::DuplicateObject,
                "custom time function already set for hypertable " + in_quotes(relation.name));
  const SqlType type = relation.find_column(time->column)->type;
  if (!is_integer(type.id))
    throw Error(ErrorCode::FeatureNotSupported, "custom time function not supported", {},
                "A custom time function can only be set for hypertables that have integer time dimensions.");
  const auto name = arguments.text("integer_now_func");
  if (!name || name->empty()) throw Error(ErrorCode::UndefinedFunction, "invalid custom time function");
  const auto refuse = [](const char* hint) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid custom time function", {}, hint);
  };
  const auto found = find_now_function(context, *name);
  if (!found.is_suitable) refuse("A custom time function must take no arguments and be STABLE.");
  if (found.result.id != type.id)
    refuse(
        "The return type of the custom time function must be the same as the type of the time column of the "
        "hypertable.");
  // It is called once: what fails is told here rather than by a job.
  (void)run_sql(context, "SELECT " + found.text + "()");
  time->integer_now_function = found.text;
  context.edit_catalog(function).put_relation(relation);
  return {};
}

/// Every segment has the least and greatest value of each column anyway: what is asked for is recorded.
ActionResult chunk_skipping(SessionContext& context, std::string_view function,
                            const ActionArguments& arguments) {
  const bool enables = function == "enable_chunk_skipping";
  auto relation = locked_hypertable(context, arguments, function);
  const auto name = arguments.text("column_name");
  if (!name) throw Error(ErrorCode::InvalidParameterValue, "column name cannot be NULL");
  const auto* column = relation.find_column(*name);
  if (column == nullptr)
    throw Error(ErrorCode::UndefinedColumn, "column " + in_quotes(*name) + " does not exist");
  if ((!is_time_type(column->type) || column->type.id == TypeId::Uuid) && enables)
    throw Error(ErrorCode::InvalidParameterValue,
                "data type \"" + to_sql(column->type) + "\" unsupported for range calculation", {},
                "Integer-like, timestamp-like data types supported currently");
  auto& columns = relation.hypertable->skipping_columns;
  const auto found = std::find(columns.begin(), columns.end(), *name);
  const bool is_on = found != columns.end();
  const auto position = static_cast<std::int32_t>(found - columns.begin()) + 1;
  ActionResult result;
  if (enables) {
    result.add("column_stats_id", Value::of_integer(position));
    result.add("enabled", Value::of_bool(!is_on));
  } else {
    result.add("hypertable_id", Value::of_integer(relation.hypertable->id));
    result.add("column_name", Value::of_text(*name));
    result.add("disabled", Value::of_bool(is_on));
  }
  if (is_on == enables) {
    const std::string message =
        (enables ? "already enabled for column " : "statistics not enabled for column ") + in_quotes(*name);
    if (!arguments.boolean("if_not_exists", false)) throw Error(ErrorCode::DuplicateObject, message);
    context.notice(message + ", skipping");
    return result;
  }
  if (enables)
    columns.push_back(*name);
  else
    columns.erase(found);
  context.edit_catalog(function).put_relation(relation);
  return result;
}

}  // namespace

void add_dimension_actions(Actions& actions) {
  actions["add_dimension"] = {{"hypertable", "column_name", "number_partitions", "chunk_time_interval",
                               "partitioning_func", "if_not_exists"},
                              {"dimension_id", "schema_name", "table_name", "column_name", "created"},
                              add_dimension,
                              {"hypertable", "dimension", "if_not_exists"},
                              {"dimension_id", "created"}};
  actions["set_chunk_time_interval"] = {
      {"hypertable", "chunk_time_interval", "dimension_name"}, {}, set_interval};
  actions["set_partitioning_interval"] = {
      {"hypertable", "partition_interval", "dimension_name"}, {}, set_interval};
  actions["set_number_partitions"] = {
      {"hypertable", "number_partitions", "dimension_name"}, {}, set_number_partitions};
  actions["set_integer_now_func"] = {
      {"hypertable", "integer_now_func", "replace_if_exists"}, {}, set_integer_now_func};
  actions["enable_chunk_skipping"] = {
      {"hypertable", "column_name", "if_not_exists"}, {"column_stats_id", "enabled"}, chunk_skipping};
  actions["disable_chunk_skipping"] = {{"hypertable", "column_name", "if_not_exists"},
                                       {"hypertable_id", "column_name", "disabled"},
                                       chunk_skipping};
}

}  // namespace tickstone::engine
