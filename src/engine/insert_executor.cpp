// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "engine/assignment.hpp"
#include "engine/insert_plan.hpp"
#include "engine/insert_rows.hpp"
#include "engine/locking_query.hpp"
#include "engine/mass_change.hpp"
#include "engine/returning.hpp"
#include "engine/row_defaults.hpp"
#include "engine/row_inserter.hpp"

namespace tickstone::engine {

void require_writable(const InsertPlan& plan, std::size_t column) {
  const auto& object = plan.target->column(column);
  if (object.generated_text.empty() && (object.identity != 'a' || plan.statement.overriding_system)) return;
  const std::string quoted = "\"" + object.name + "\"";
  if (!object.generated_text.empty()) {
    throw Error(ErrorCode::GeneratedAlways, "cannot insert a non-DEFAULT value into column " + quoted,
                "Column " + quoted + " is a generated column.");
  }
  throw Error(ErrorCode::GeneratedAlways, "cannot insert a non-DEFAULT value into column " + quoted,
              "Column " + quoted + " is an identity column defined as GENERATED ALWAYS.",
              "Use OVERRIDING SYSTEM VALUE to override.");
}

bool ignores_value(const InsertPlan& plan, std::size_t column) {
  return plan.statement.overriding_user && plan.target->column(column).identity != 0;
}

void check_field_count(const InsertPlan& plan, std::size_t count) {
  if (count > plan.columns.size()) {
    throw Error(ErrorCode::SyntaxError, "INSERT has more expressions than target columns");
  }
  if (plan.has_column_list && count < plan.columns.size()) {
    throw Error(ErrorCode::SyntaxError, "INSERT has more target columns than expressions");
  }
}

void complete_rows(const InsertPlan& plan, RowDefaults& defaults, Batch& rows, std::size_t given_count,
                   std::size_t row_count) {
  std::vector<bool> is_given(plan.target->column_count());
  for (std::size_t i = 0; i < given_count; ++i) is_given[plan.columns[i]] = true;
  for (std::size_t i = 0; i < is_given.size(); ++i) {
    if (!is_given[i]) defaults.append(i, rows.columns[i], row_count);
  }
}

std::string finish_insert(Execution& execution, const InsertPlan& plan, const RowInserter& inserter) {
  if (!plan.statement.returning.empty()) {
    send_returning(execution, *plan.target, plan.statement.alias, plan.statement.returning,
                   plan.plain_returning, inserter.affected());
  }
  return "INSERT 0 " + std::to_string(inserter.affected_count());
}

namespace {

constexpr std::size_t kExpressionsPerQuery = 400;
constexpr std::size_t kBatchRows = 16'384;

/// Values of the cells that are neither literals nor parameters, in the order they stand.
std::vector<Value> evaluate_cells(Execution& execution, const InsertPlan& plan) {
  std::vector<sql::Expr> expressions;
  for (std::size_t row = 0; row < plan.cells.size(); ++row) {
    for (std::size_t i = 0; i < plan.cells[row].size(); ++i) {
      if (plan.cells[row][i].kind == InsertPlan::Cell::Kind::Expression)
        expressions.push_back(plan.statement.values[row][i]);
    }
  }
  std::vector<Value> values;
  values.reserve(expressions.size());
  const sql::Rewriter rewriter(execution.context);
  for (std::size_t from = 0; from < expressions.size(); from += kExpressionsPerQuery) {
    const std::vector<sql::Expr> part(
        expressions.begin() + static_cast<std::ptrdiff_t>(from),
        expressions.begin() +
            static_cast<std::ptrdiff_t>(std::min(expressions.size(), from + kExpressionsPerQuery)));
    const auto query = locked_within(execution, [&] { return rewriter.expressions(part, nullptr, ""); });
    const Batch result = run_typed(execution.context, query, execution.parameters);
    TICKSTONE_CHECK(result.columns.size() == part.size() && result.row_count() == 1);
    for (const auto& column : result.columns) values.push_back(value_at(column.view(), 0));
  }
  return values;
}

Batch values_rows(Execution& execution, const InsertPlan& plan, RowDefaults& defaults) {
  using Kind = InsertPlan::Cell::Kind;
  const auto& target = *plan.target;
  const auto& format = execution.context.settings().format_context();
  const std::size_t field_count = plan.cells.front().size();
  for (const auto& row : plan.cells) {
    if (row.size() != field_count)
      throw Error(ErrorCode::SyntaxError, "VALUES lists must all be the same length");
  }
  check_field_count(plan, field_count);
  const auto evaluated = evaluate_cells(execution, plan);
  auto next_evaluated = evaluated.begin();
  Batch rows = target.make_batch();
  for (const auto& cells : plan.cells) {
    for (std::size_t i = 0; i < field_count; ++i) {
      const std::size_t index = plan.columns[i];
      const auto& column = target.column(index);
      Column& into = rows.columns[index];
      const auto& cell = cells[i];
      if (cell.kind == Kind::Default || ignores_value(plan, index)) {
        if (cell.kind == Kind::Expression) ++next_evaluated;
        defaults.append(index, into);
        continue;
      }
      require_writable(plan, index);
      switch (cell.kind) {
        case Kind::Constant:
          append_constant(into, cell.constant, column, format);
          break;
        case Kind::Parameter:
          if (cell.parameter >= execution.parameters.size()) {
            throw Error(ErrorCode::UndefinedParameter,
                        "there is no parameter $" + std::to_string(cell.parameter + 1));
          }
          append_assigned(into, execution.parameters[cell.parameter], column, format);
          break;
        case Kind::Expression:
          append_assigned(into, *next_evaluated++, column, format);
          break;
        case Kind::Default:
          break;
      }
    }
  }
  complete_rows(plan, defaults, rows, field_count, plan.cells.size());
  return rows;
}

/// Rows of a query or of VALUES with a WITH clause, streamed: the stream reads the view it began with, so
/// that it does not see what is inserted meanwhile. False where the statement has to begin anew with the
/// table alone.
bool insert_stream(Execution& execution, const InsertPlan& plan, const sql::DuckQuery& query,
                   RowDefaults& defaults, RowInserter& inserter, ReturnedRows* returned = nullptr) {
  auto& context = execution.context;
  const auto& target = *plan.target;
  const auto connection = context.duck();  // outlives the stream
  const auto stream = context.open(query, execution.parameters);
  // Whatever asks DuckDB while the stream is open needs a connection of its own.
  if (target.has_expressions() || plan.conflict.kind == ConflictPlan::Kind::Update) context.detach_duck();
  const auto columns = result_columns(stream->columns(), query);
  check_field_count(plan, columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!ignores_value(plan, plan.columns[i])) require_writable(plan, plan.columns[i]);
  }
  const auto& format = context.settings().format_context();
  Batch rows = target.make_batch(), part;
  std::size_t row_count = 0;
  const auto flush = [&] {
    complete_rows(plan, defaults, rows, columns.size(), row_count);
    inserter.add(std::move(rows));
    rows = target.make_batch();
    row_count = 0;
    if (returned != nullptr && inserter.is_mass_change()) returned->send(inserter.take_affected());
    require_memory(context, inserter.affected().memory_bytes());
    return !inserter.wants_table_alone();
  };
  while (stream->next(part)) {
    context.check_cancelled();
    fit_to_columns(part, columns, format);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::size_t index = plan.columns[i];
      if (ignores_value(plan, index)) {
        defaults.append(index, rows.columns[index], part.columns[i].size());
        continue;
      }
      Column values = assigned(std::move(part.columns[i]), target.column(index), format);
      if (row_count == 0) {
        rows.columns[index] = std::move(values);
      } else {
        rows.columns[index].append_all(values.view());
      }
    }
    row_count +=
        part.columns.empty() ? part.zero_column_rows : rows.columns[plan.columns.front()].size() - row_count;
    if (row_count >= kBatchRows && !flush()) return false;
  }
  return row_count == 0 || flush();
}

/// For its life the transaction can go back to where it was, so that a statement can begin anew.
class HeldMark {
 public:
  explicit HeldMark(storage::Transaction& writes) : writes_(writes), mark_(writes.savepoint()) {}
  ~HeldMark() { writes_.release(mark_); }
  HeldMark(const HeldMark&) = delete;
  HeldMark& operator=(const HeldMark&) = delete;

 private:
  storage::Transaction& writes_;
  storage::Transaction::Savepoint mark_;
};

/// INSERT ... SELECT ... ON CONFLICT. `mark`: before it took locks.
std::string upsert_query(Execution& execution, std::shared_ptr<const InsertPlan> plan,
                         const sql::InsertStatement& insert, const storage::Transaction::Savepoint& mark) {
  auto& context = execution.context;
  bool locks_inside = false, may_be_mass = !plan->target->is_chunk(), is_mass = false;
  for (;;) {
    const auto query = locked_within(execution, [&] {
      auto made = sql::Rewriter(context).insert_query(insert);
      locks_inside = locks_inside || !made.subqueries.empty();
      return made;
    });
    std::optional<ReturnedRows> returned;
    if (!insert.returning.empty() && plan->plain_returning)
      returned.emplace(execution, *plan->target, *plan->plain_returning);
    RowDefaults defaults(context, *plan->target);
    RowInserter inserter(execution, plan, "INSERT");
    if (!insert.returning.empty()) inserter.keep_affected();
    if (is_mass) {
      inserter.set_mass_change();
    } else if (may_be_mass && !locks_inside) {
      inserter.limit_collisions(gather_limits(context).rows);
    }
    const HeldMark held(context.writes("INSERT"));
    if (insert_stream(execution, *plan, query, defaults, inserter, returned ? &*returned : nullptr)) {
      inserter.finish();
      if (!returned || !inserter.is_mass_change()) return finish_insert(execution, *plan, inserter);
      returned->finish();
      return "INSERT 0 " + std::to_string(inserter.affected_count());
    }
    is_mass = begin_mass_change(context, insert.table, "insert into", "INSERT", mark) != nullptr;
    may_be_mass = false;
    plan = make_insert_plan(context, insert);
  }
}

}  // namespace

std::string execute_insert(Execution& execution, const sql::InsertStatement& insert) {
  auto& context = execution.context;
  std::shared_ptr<const InsertPlan> plan;
  const bool is_upsert = insert.query && insert.on_conflict.action != sql::OnConflict::Action::None;
  std::optional<storage::Transaction::Savepoint> mark;
  const bool is_prepared = !execution.parameters.empty() && insert.whole;
  do {
    plan.reset();
    auto& plans = current_plans(context);
    if (is_prepared) {
      if (const auto found = plans.prepared.find(insert.whole.node); found != plans.prepared.end())
        plan = found->second;
    }
    if (plan == nullptr) {
      auto made = make_insert_plan(context, insert);
      plan_cells(*made);
      plan = std::move(made);
      if (is_prepared && !plan->target->is_view()) plans.prepared[insert.whole.node] = plan;
    }
    if (is_upsert && !mark) mark = lock_mark(context.writes("INSERT"));
  } while (context.lock_for_write(plan->target->relation(), "INSERT"));
  if (is_upsert) return upsert_query(execution, plan, insert, *mark);
  RowDefaults defaults(context, *plan->target);
  RowInserter inserter(execution, plan, "INSERT");
  if (!insert.returning.empty()) inserter.keep_affected();
  if (insert.default_values) {
    Batch rows = plan->target->make_batch();
    complete_rows(*plan, defaults, rows, 0, 1);
    inserter.add(std::move(rows));
  } else if (insert.query) {
    const auto query = locked_within(execution, [&] { return sql::Rewriter(context).insert_query(insert); });
    insert_stream(execution, *plan, query, defaults, inserter);
  } else if (insert.has_with) {
    std::vector<std::string> names;
    for (const auto column : plan->columns) names.push_back(plan->target->column_name(column));
    const auto query = locked_within(execution, [&] {
      return sql::Rewriter(context).insert_values(insert, plan->target->info(), names,
                                                  plan->target->default_texts());
    });
    insert_stream(execution, *plan, query, defaults, inserter);
  } else {
    inserter.add_all(values_rows(execution, *plan, defaults));
  }
  inserter.finish();
  return finish_insert(execution, *plan, inserter);
}

}  // namespace tickstone::engine
