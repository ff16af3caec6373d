// SPDX-License-Identifier: Apache-2.0
// ALTER MATERIALIZED VIEW ... ADD COLUMN ... GENERATED ALWAYS AS (aggregate) STORED.
#include <tickstone/error.hpp>

#include "engine/aggregate_query.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/query_plan.hpp"
#include "engine/table_schema.hpp"
#include "sql/aggregate_bucket.hpp"

namespace tickstone::engine {
namespace {

void check_column(const sql::ColumnDefinition& column) {
  if (!column.generated) {
    throw Error(ErrorCode::FeatureNotSupported,
                "ADD COLUMN on a continuous aggregate must use GENERATED ALWAYS AS (<aggregate>) STORED");
  }
  if (column.not_null || column.is_serial || column.identity_always || column.default_value ||
      !column.collation.empty())
    refuse_column_constraint(column.name);
}

}  // namespace

void refuse_column_constraint(const std::string& column) {
  throw Error(ErrorCode::FeatureNotSupported,
              "only the GENERATED ALWAYS AS (...) STORED clause is supported on this ADD COLUMN; column \"" +
                  column + "\" has additional constraints",
              {},
              "Drop the additional constraints (NOT NULL / COLLATE / STORAGE / COMPRESSION / etc.) on this "
              "column.");
}

void add_aggregate_column(SessionContext& context, catalog::CatalogEdit& edit,
                          catalog::RelationObject& aggregate, const sql::ColumnDefinition& definition) {
  check_column(definition);
  if (is_eager_aggregate(aggregate)) {
    // Whoever writes rows of the source brings the aggregate up to date with the columns that it knows.
    const auto catalog = context.catalog();
    const auto& source = *catalog->find_relation(aggregate.aggregate->source_table);
    context.lock_for_change({catalog->find_schema(source.schema)->name, source.name, 0},
                            "ALTER MATERIALIZED VIEW");
  }
  auto plain = definition;
  plain.generated = {};
  const auto text_with = [&](const std::string& expression) {
    return sql::with_target(sql::parse_query(aggregate.aggregate->definition_text),
                            sql::parse_expression(expression), definition.name);
  };
  const std::string expression = sql::to_postgres_text(definition.generated);
  std::string text = text_with(expression);
  const auto query = sql::parse_query(text);
  sql::check_aggregate_query(query);
  const auto columns = QueryPlan::make(context, query, {})->columns();
  if (columns.back().type != definition.type)
    text = text_with("CAST(" + expression + " AS " + to_sql(definition.type) + ")");
  aggregate.columns.push_back(make_column(context, edit, aggregate, plain));
  aggregate.aggregate->definition_text = text;
  aggregate.view_text = text;
  (void)aggregate_query(context, aggregate, {{ScanCondition::Kind::Changed, 0}});
  context.writes("ALTER MATERIALIZED VIEW").alter_table(storage_schema(aggregate), {});
}

}  // namespace tickstone::engine
