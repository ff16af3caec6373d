// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/query_plan.hpp"
#include "engine/table_schema.hpp"
#include "types/time_bucket.hpp"

namespace tickstone::engine {
namespace {

bool is_on(const std::string& value) {
  return value.empty() || value == "true" || value == "on" || value == "1" || value == "yes";
}

/// Bounds in whole buckets: a refresh touches only buckets that lie in its window entirely, as TimescaleDB's
/// does.
std::optional<std::int64_t> aligned(const catalog::AggregateInfo& info, std::optional<std::int64_t> bound,
                                    bool is_start) {
  if (!bound || *bound == kTimestampInfinity || *bound == kTimestampNegInfinity) return std::nullopt;
  IntervalValue width{info.bucket_width_months, 0, info.bucket_width};
  const TimeBucket bucket(width, std::nullopt, std::nullopt, nullptr);
  const std::int64_t start = bucket.start_of(*bound);
  if (!is_start || start == *bound) return start;
  return add_interval(start, width, utc_zone());
}

std::string bound_text(const SqlType& type, std::int64_t bound) {
  if (is_integer(type.id)) return std::to_string(bound);
  std::string text = "TIMESTAMPTZ '";
  append_timestamptz(text, bound, utc_zone());
  return text + "'";
}

/// The window as a condition on the bucket column; empty: everything.
std::string window_condition(const catalog::RelationObject& aggregate, std::optional<std::int64_t> start,
                             std::optional<std::int64_t> end) {
  const auto& column = *aggregate.find_column(aggregate.aggregate->bucket_column);
  const std::string name = duck_name(column.name);
  std::string condition;
  if (start) condition = name + " >= " + bound_text(column.type, *start);
  if (end) condition += (condition.empty() ? "" : " AND ") + name + " < " + bound_text(column.type, *end);
  return condition;
}

void remove_window(SessionContext& context, const catalog::RelationObject& aggregate,
                   const std::string& condition) {
  auto& writes = context.writes("REFRESH");
  if (condition.empty()) {
    writes.truncate(aggregate.table());
    return;
  }
  sql::DuckQuery query;
  query.text = "SELECT rowid FROM \"" + context.scan_name(aggregate) + "\" WHERE " + condition;
  const Batch keys = context.run(query);
  if (keys.row_count() > 0) writes.erase(aggregate.table(), keys);
}

}  // namespace

void refresh_continuous_aggregate(SessionContext& context, const catalog::RelationObject& aggregate,
                                  std::optional<std::int64_t> start, std::optional<std::int64_t> end) {
  const auto& info = *aggregate.aggregate;
  const auto first = aligned(info, start, true), last = aligned(info, end, false);
  if (first && last && *first >= *last) {
    throw Error(ErrorCode::InvalidParameterValue, "refresh window too small",
                "The refresh window must cover at least one bucket of data.",
                "Align the refresh window with the bucket time zone or use at least two buckets.");
  }
  context.refresh_view();
  const std::string condition = window_condition(aggregate, first, last);
  const auto rewritten = sql::Rewriter(context).query(sql::parse_query(info.definition_text));
  sql::DuckQuery query;
  query.text =
      "SELECT * FROM (" + rewritten.text + ") AS fresh" + (condition.empty() ? "" : " WHERE " + condition);
  remove_window(context, aggregate, condition);
  const auto stream = context.open(query, {});
  insert_all(context, aggregate, *stream);
  context.refresh_view();
}

std::string execute_create_materialized_view(Execution& execution,
                                             const sql::CreateMaterializedViewStatement& create) {
  auto& context = execution.context;
  const auto schema_name = context.creation_schema(create.view.schema).name;
  if (context.catalog()->find_relation(schema_name, create.view.name) != nullptr) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateTable, "relation \"" + create.view.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateTable,
                    "relation \"" + create.view.name + "\" already exists, skipping",
                    {},
                    {}});
    return "CREATE MATERIALIZED VIEW";
  }
  auto& edit = context.edit_catalog("CREATE MATERIALIZED VIEW");
  catalog::RelationObject view;
  view.oid = context.database().store().next_table_id();
  view.schema = edit.catalog().find_schema(schema_name)->oid;
  view.name = create.view.name;
  view.owner = context.user();
  view.kind = catalog::RelationKind::MaterializedView;
  bool is_continuous = false, materialized_only = true;
  for (const auto& option : create.options) {
    const std::string name = option.name.substr(option.name.find('.') + 1);
    if (option.name.find('.') == std::string::npos)
      view.options.emplace_back(option.name, option.value);
    else if (name == "continuous")
      is_continuous = is_on(option.value);
    else if (name == "materialized_only")
      materialized_only = is_on(option.value);
    else if (name != "create_group_indexes" && name != "finalized") {
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized parameter \"" + option.name + "\"");
    }
  }
  const auto columns = QueryPlan::make(context, create.query, {})->columns();
  if (create.columns.size() > columns.size())
    throw Error(ErrorCode::SyntaxError, "too many column names were specified");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    sql::ColumnDefinition definition;
    definition.name = i < create.columns.size() ? create.columns[i] : columns[i].name;
    definition.type = columns[i].type;
    view.columns.push_back(make_column(context, edit, view, definition));
  }
  view.view_text = sql::to_postgres_text(create.query);
  view.depends_on = context.relations_of(create.query);
  if (is_continuous) {
    const auto shape = sql::aggregate_shape_of(create.query);
    const auto& source = context.relation(shape.source);
    if (!source.hypertable && !source.aggregate) {
      throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate view",
                  "The view must read from a hypertable or another continuous aggregate.",
                  "Make \"" + source.name + "\" a hypertable with create_hypertable() first.");
    }
    if (!materialized_only) {
      throw Error(ErrorCode::FeatureNotSupported, "real-time continuous aggregates are not supported yet", {},
                  "Leave out timescaledb.materialized_only = false.");
    }
    view.kind = catalog::RelationKind::ContinuousAggregate;
    catalog::AggregateInfo info;
    info.source_table = source.oid;
    info.definition_text = view.view_text;
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&](const auto& c) { return c.name == shape.bucket_column; });
    info.bucket_column = view.columns[static_cast<std::size_t>(at - columns.begin())].name;
    info.bucket_function_text = shape.bucket_function;
    if (const auto width = parse_interval(shape.bucket_width); width && !is_integer(at->type.id)) {
      info.bucket_width_months = width->months;
      info.bucket_width = width->days * kMicrosPerDay + width->micros;
    } else {
      info.bucket_width = std::stoll(shape.bucket_width);
    }
    view.aggregate = std::move(info);
  }
  edit.put_relation(view);
  create_storage(context, view);
  if (!create.with_no_data) {
    if (is_continuous) {
      context.notice("refreshing continuous aggregate \"" + view.name + "\"");
      refresh_continuous_aggregate(context, view, std::nullopt, std::nullopt);
    } else {
      context.refresh_view();
      const auto stream = context.open(sql::Rewriter(context).query(create.query), {});
      return "SELECT " + std::to_string(insert_all(context, view, *stream));
    }
  }
  return "CREATE MATERIALIZED VIEW";
}

std::string execute_refresh_materialized_view(Execution& execution, const sql::QualifiedName& name) {
  auto& context = execution.context;
  const auto& view = context.relation(name);
  if (view.kind == catalog::RelationKind::ContinuousAggregate) {
    throw Error(ErrorCode::WrongObjectType, "\"" + view.name + "\" is not a materialized view", {},
                "Use CALL refresh_continuous_aggregate() instead.");
  }
  if (view.kind != catalog::RelationKind::MaterializedView)
    throw Error(ErrorCode::WrongObjectType, "\"" + view.name + "\" is not a materialized view");
  const auto stream = context.open(sql::Rewriter(context).query(sql::parse_query(view.view_text)), {});
  context.writes("REFRESH MATERIALIZED VIEW").truncate(view.table());
  insert_all(context, view, *stream);
  return "REFRESH MATERIALIZED VIEW";
}

}  // namespace tickstone::engine
