// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "catalog/populated.hpp"
#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/query_plan.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/unpopulated_view.hpp"

namespace tickstone::engine {

void require_populated(const catalog::RelationObject& relation) {
  if (catalog::is_populated(relation)) return;
  throw Error(ErrorCode::ObjectNotInPrerequisiteState,
              "materialized view \"" + relation.name + "\" has not been populated", {},
              "Use the REFRESH MATERIALIZED VIEW command.");
}

std::string unpopulated_query(SessionContext& context, const catalog::RelationObject& relation) {
  // Nothing of it may be known before it runs.
  const std::string check = "pg_unpopulated(" + catalog::quote_literal(relation.name) + ")";
  std::string columns;
  for (const auto& column : relation.columns) {
    columns += (columns.empty() ? "SELECT CASE WHEN " : ", CASE WHEN ") + check +
               " THEN NULL::" + to_sql(column.type) + " END AS " + catalog::quote_identifier(column.name);
  }
  return sql::Rewriter(context).query(sql::parse_query(columns + " WHERE " + check)).text;
}

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
  if (create.with_no_data) view.options.emplace_back(catalog::kUnpopulated, "true");
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
  give_first_rights(context, view);
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
  // An aggregate keeps the search_path that it was made with.
  view.view_text = is_continuous_aggregate(create) ? sql::to_postgres_text(create.query)
                                                   : text_in_full(context, create.query);
  view.depends_on = context.relations_of(create.query);
  return view;
}

namespace {

/// The view, locked; its owner's to refresh.
catalog::RelationObject view_to_refresh(SessionContext& context, const sql::QualifiedName& name) {
  require_owner(context, name);
  if (context.relation(name).kind == catalog::RelationKind::MaterializedView)
    context.lock_for_change(name, "REFRESH MATERIALIZED VIEW");
  const catalog::RelationObject& view = context.relation(name);
  if (view.kind == catalog::RelationKind::ContinuousAggregate) {
    throw Error(ErrorCode::WrongObjectType, "\"" + view.name + "\" is not a materialized view", {},
                "Use CALL refresh_continuous_aggregate() instead.");
  }
  if (view.kind != catalog::RelationKind::MaterializedView)
    throw Error(ErrorCode::FeatureNotSupported, "\"" + view.name + "\" is not a materialized view");
  return view;
}

}  // namespace

std::string execute_refresh_materialized_view(Execution& execution, const sql::QualifiedName& name) {
  auto& context = execution.context;
  catalog::RelationObject view = view_to_refresh(context, name);
  if (!catalog::is_populated(view)) {
    std::erase_if(view.options, [](const auto& option) { return option.first == catalog::kUnpopulated; });
    context.edit_catalog("REFRESH MATERIALIZED VIEW").put_relation(view);
    context.refresh_view();
  }
  const SessionContext::AsOwner as_owner(context, view.owner);
  const auto stream = context.open(sql::Rewriter(context).query(sql::parse_query(view.view_text)), {});
  context.writes("REFRESH MATERIALIZED VIEW").truncate(view.table());
  insert_all(context, view, *stream);
  for (const auto& index : view.indexes) {
    if (index.key_table == 0) continue;
    context.writes("REFRESH MATERIALIZED VIEW").truncate(index.key_table);
    fill_key_table(context, view, index);
  }
  return "REFRESH MATERIALIZED VIEW";
}

std::string refresh_with_no_data(Execution& execution, const sql::QualifiedName& name) {
  auto& context = execution.context;
  catalog::RelationObject view = view_to_refresh(context, name);
  context.writes("REFRESH MATERIALIZED VIEW").truncate(view.table());
  for (const auto& index : view.indexes) {
    if (index.key_table != 0) context.writes("REFRESH MATERIALIZED VIEW").truncate(index.key_table);
  }
  if (catalog::is_populated(view)) {
    view.options.emplace_back(catalog::kUnpopulated, "true");
    context.edit_catalog("REFRESH MATERIALIZED VIEW").put_relation(view);
  }
  return "REFRESH MATERIALIZED VIEW";
}

std::string refresh_concurrently(Execution& execution, const sql::QualifiedName& name) {
  const auto& relation = execution.context.relation(name);
  if (!catalog::is_populated(relation)) {
    throw Error(ErrorCode::FeatureNotSupported,
                "CONCURRENTLY cannot be used when the materialized view is not populated");
  }
  const bool has_key = std::any_of(relation.indexes.begin(), relation.indexes.end(), [](const auto& index) {
    return index.is_unique && index.where_text.empty() &&
           std::all_of(index.keys.begin(), index.keys.end(),
                       [](const auto& key) { return key.expression_text.empty(); });
  });
  if (!has_key && relation.kind == catalog::RelationKind::MaterializedView) {
    require_owner(execution.context, name);
    throw Error(
        ErrorCode::ObjectNotInPrerequisiteState,
        "cannot refresh materialized view \"" +
            catalog::qualified_name(execution.context.catalog()->find_schema(relation.schema)->name,
                                    relation.name) +
            "\" concurrently",
        {}, "Create a unique index with no WHERE clause on one or more columns of the materialized view.");
  }
  return execute_refresh_materialized_view(execution, name);
}

}  // namespace tickstone::engine
