// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/query_plan.hpp"
#include "engine/rights.hpp"

namespace tickstone::engine {

std::string execute_create_materialized_view(Execution& execution,
                                             const sql::CreateMaterializedViewStatement& create) {
  auto& context = execution.context;
  const auto schema_name = context.creation_schema(create.view.schema).name;
  if (context.catalog()->find_relation(schema_name, create.view.name) != nullptr) {
    // TimescaleDB says so of any relation of that name.
    const bool is_aggregate = is_continuous_aggregate(create);
    const std::string text =
        (is_aggregate ? "continuous aggregate \"" : "relation \"") + create.view.name + "\" already exists";
    if (!create.if_not_exists)
      throw Error(
          ErrorCode::DuplicateTable, text, {},
          is_aggregate ? "Drop or rename the existing continuous aggregate first or use another name." : "");
    context.notice({"NOTICE", ErrorCode::DuplicateTable, text + ", skipping", {}, {}});
    return "CREATE MATERIALIZED VIEW";
  }
  if (is_continuous_aggregate(create)) return create_continuous_aggregate(context, create);
  auto& edit = context.edit_catalog("CREATE MATERIALIZED VIEW");
  catalog::RelationObject view = new_materialized_view(context, create);
  for (const auto& option : create.options) {
    if (option.name.find('.') != std::string::npos)
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized parameter \"" + option.name + "\"");
    view.options.emplace_back(option.name, option.value);
  }
  edit.put_relation(view);
  create_storage(context, view);
  if (create.with_no_data) return "CREATE MATERIALIZED VIEW";
  context.refresh_view();
  const auto stream = context.open(sql::Rewriter(context).query(create.query), {});
  return "SELECT " + std::to_string(insert_all(context, view, *stream));
}

catalog::RelationObject new_materialized_view(SessionContext& context,
                                              const sql::CreateMaterializedViewStatement& create) {
  auto& edit = context.edit_catalog("CREATE MATERIALIZED VIEW");
  catalog::RelationObject view;
  view.oid = context.database().store().next_table_id();
  view.schema = edit.catalog().find_schema(context.creation_schema(create.view.schema).name)->oid;
  view.name = create.view.name;
  view.owner = context.user();
  view.kind = catalog::RelationKind::MaterializedView;
  const auto columns = QueryPlan::make(context, create.query, {})->columns();
  if (create.columns.size() > columns.size())
    throw Error(ErrorCode::SyntaxError, "too many column names were specified");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    sql::ColumnDefinition definition;
    definition.name = i < create.columns.size() ? create.columns[i] : columns[i].name;
    definition.type = columns[i].type;
    if (view.find_column(definition.name) != nullptr)
      throw Error(ErrorCode::DuplicateColumn, "column \"" + definition.name + "\" specified more than once");
    view.columns.push_back(make_column(context, edit, view, definition));
  }
  view.view_text = sql::to_postgres_text(create.query);
  view.depends_on = context.relations_of(create.query);
  return view;
}

std::string execute_refresh_materialized_view(Execution& execution, const sql::QualifiedName& name) {
  auto& context = execution.context;
  require_owner(context, name);
  if (context.relation(name).kind == catalog::RelationKind::MaterializedView)
    context.lock_for_change(name, "REFRESH MATERIALIZED VIEW");
  const catalog::RelationObject view = context.relation(name);
  if (view.kind == catalog::RelationKind::ContinuousAggregate) {
    throw Error(ErrorCode::WrongObjectType, "\"" + view.name + "\" is not a materialized view", {},
                "Use CALL refresh_continuous_aggregate() instead.");
  }
  if (view.kind != catalog::RelationKind::MaterializedView)
    throw Error(ErrorCode::WrongObjectType, "\"" + view.name + "\" is not a materialized view");
  const SessionContext::AsOwner as_owner(context, view.owner);
  const auto stream = context.open(sql::Rewriter(context).query(sql::parse_query(view.view_text)), {});
  context.writes("REFRESH MATERIALIZED VIEW").truncate(view.table());
  insert_all(context, view, *stream);
  return "REFRESH MATERIALIZED VIEW";
}

}  // namespace tickstone::engine
