// SPDX-License-Identifier: Apache-2.0
// Types of $1.. in INSERT, UPDATE and DELETE, and in what EXPLAIN explains: a parameter that becomes a
// column's value has its type.
#include "engine/insert_plan.hpp"

namespace tickstone::engine {
namespace {

class Types {
 public:
  void set(std::size_t parameter, const SqlType& type) {
    if (parameter >= types_.size()) types_.resize(parameter + 1);
    if (types_[parameter].id == TypeId::Unknown) types_[parameter] = type;
  }
  void set(const sql::DuckQuery& query) {
    for (std::size_t i = 0; i < query.parameter_types.size(); ++i) {
      if (query.parameter_types[i]) set(i, *query.parameter_types[i]);
    }
  }
  void assign(const WriteTarget& target, const std::vector<sql::Assignment>& assignments) {
    for (const auto& assignment : assignments) {
      if (assignment.is_default) continue;
      if (const auto parameter = parameter_of(assignment.value)) {
        set(*parameter, target.column(target.column_index(assignment.column)).type);
      }
    }
  }
  std::vector<SqlType> take() { return std::move(types_); }

 private:
  std::vector<SqlType> types_;
};

void add_insert(SessionContext& context, const sql::InsertStatement& insert, Types& types) {
  const auto plan = make_insert_plan(context, insert);
  const auto& target = *plan->target;
  const sql::Rewriter rewriter(context, sql::Rewriter::Locks::LeftOut);
  plan_cells(*plan);
  std::vector<sql::Expr> expressions;
  for (std::size_t row = 0; row < plan->cells.size(); ++row) {
    for (std::size_t i = 0; i < plan->cells[row].size() && i < plan->columns.size(); ++i) {
      const auto& cell = plan->cells[row][i];
      if (cell.kind == InsertPlan::Cell::Kind::Parameter) {
        types.set(cell.parameter, target.column(plan->columns[i]).type);
      } else if (cell.kind == InsertPlan::Cell::Kind::Expression) {
        expressions.push_back(insert.values[row][i]);
      }
    }
  }
  if (insert.query) {
    types.set(rewriter.insert_query(insert));
  } else if (!expressions.empty() && !insert.has_with) {
    types.set(rewriter.expressions(expressions, nullptr, ""));
  }
  if (plan->conflict.kind == ConflictPlan::Kind::Update) {
    types.assign(target, insert.on_conflict.assignments);
    types.set(
        rewriter.conflict_rows(insert, target.info(), "#existing", "#excluded", target.default_texts()));
  }
}

}  // namespace

std::vector<SqlType> dml_parameter_types(SessionContext& context, const sql::Statement& statement) {
  Types types;
  if (statement.parameter_count == 0) return types.take();
  const sql::Rewriter rewriter(context, sql::Rewriter::Locks::LeftOut);
  if (const auto* merge = std::get_if<sql::MergeStatement>(&statement.body))
    return merge_parameter_types(context, *merge);
  if (const auto* explain = std::get_if<sql::ExplainStatement>(&statement.body)) {
    if (const auto* query = std::get_if<sql::QueryStatement>(&explain->statement->body))
      types.set(rewriter.query(query->query));
  } else if (const auto* insert = std::get_if<sql::InsertStatement>(&statement.body)) {
    add_insert(context, *insert, types);
  } else if (const auto* update = std::get_if<sql::UpdateStatement>(&statement.body)) {
    const auto target = find_write_target(context, update->table, "update");
    types.assign(*target, update->assignments);
    types.set(
        rewriter.update_rows(*update, target->info(), target->old_column_names(), target->default_texts()));
  } else if (const auto* del = std::get_if<sql::DeleteStatement>(&statement.body)) {
    const auto target = find_write_target(context, del->table, "delete from");
    types.set(rewriter.delete_rows(*del, target->info(), target->old_column_names(), false));
  }
  return types.take();
}

}  // namespace tickstone::engine
