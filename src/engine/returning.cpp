// SPDX-License-Identifier: Apache-2.0
#include "engine/returning.hpp"

#include "engine/query_plan.hpp"

namespace tickstone::engine {
namespace {

constexpr const char* kRows = "#returning";

sql::DuckQuery rewrite(SessionContext& context, const WriteTarget& target, const std::string& alias,
                       const std::vector<sql::Expr>& returning, const Batch& rows) {
  context.set_rows(kRows, target.source_columns(),
                   std::make_shared<const Batch>(rows.columns.empty() ? target.make_batch() : rows));
  return sql::Rewriter(context).returning(returning, target.info(), alias, kRows);
}

}  // namespace

void send_returning(Execution& execution, const WriteTarget& target, const std::string& alias,
                    const std::vector<sql::Expr>& returning, const Batch& affected) {
  auto& context = execution.context;
  const auto query = rewrite(context, target, alias, returning, affected);
  context.refresh_view();  // subqueries see what the statement wrote
  const auto stream = context.open(query, execution.parameters);
  const auto columns = result_columns(stream->columns(), query);
  if (execution.describe) execution.sink.row_description(columns);
  send_rows(execution, *stream, columns);
}

std::optional<std::vector<ResultColumn>> describe_returning(SessionContext& context,
                                                            const sql::Statement& statement) {
  const auto describe = [&](const sql::QualifiedName& table, const std::string& alias,
                            const std::vector<sql::Expr>& returning,
                            const char* verb) -> std::optional<std::vector<ResultColumn>> {
    if (returning.empty()) return std::nullopt;
    const auto target = find_write_target(context, table, verb);
    const auto query = rewrite(context, *target, alias, returning, {});
    return result_columns(context.duck()->prepare(query.text)->columns(), query);
  };
  if (const auto* insert = std::get_if<sql::InsertStatement>(&statement.body))
    return describe(insert->table, insert->alias, insert->returning, "insert into");
  if (const auto* update = std::get_if<sql::UpdateStatement>(&statement.body))
    return describe(update->table, update->alias, update->returning, "update");
  if (const auto* del = std::get_if<sql::DeleteStatement>(&statement.body))
    return describe(del->table, del->alias, del->returning, "delete from");
  return std::nullopt;
}

}  // namespace tickstone::engine
