// SPDX-License-Identifier: Apache-2.0
#include "engine/insert_plan.hpp"

#include <algorithm>
#include <charconv>

#include <tickstone/error.hpp>

#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

bool contains(const std::vector<std::size_t>& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

template <typename T>
bool same_set(const std::vector<T>& a, const std::vector<T>& b) {
  const auto within = [](const std::vector<T>& some, const std::vector<T>& all) {
    return std::all_of(some.begin(), some.end(),
                       [&](const T& x) { return std::find(all.begin(), all.end(), x) != all.end(); });
  };
  return within(a, b) && within(b, a);
}

std::vector<std::size_t> primary_columns(const WriteTarget& target) {
  return target.has_row_id() ? std::vector<std::size_t>{} : target.key();
}

/// The column that `EXCLUDED.column` names.
std::optional<std::string> excluded_column(const sql::Expr& expression) {
  const std::string text = sql::to_postgres_text(expression);
  constexpr std::string_view kPrefix = "excluded.";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(kPrefix.size());
  std::string name;
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] != '"') {
        name += rest[i];
      } else if (i + 1 < rest.size() && rest[i + 1] == '"') {
        name += '"';
        ++i;
      } else {
        return i + 1 == rest.size() ? std::optional(name) : std::nullopt;
      }
    }
    return std::nullopt;
  }
  for (const char c : rest) {
    const bool is_part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
                         static_cast<unsigned char>(c) >= 0x80;
    if (!is_part) return std::nullopt;
  }
  return rest.empty() ? std::nullopt : std::optional(std::string(rest));
}

/// Whether every row that `given` is true of is in the key, as far as that can be read off: each of the
/// conditions that the key has is one of those given.
bool covers(const UniqueKey& key, const std::vector<std::string>& given) {
  for (const auto& condition : sql::conditions_of(key.where)) {
    const std::string text = sql::to_postgres_text(condition);
    if (std::find(given.begin(), given.end(), text) == given.end()) return false;
  }
  return true;
}

/// The unique key, counted from 1, that is just these columns and expressions; 0: there is none.
std::size_t find_unique_key(SessionContext& context, const WriteTarget& target,
                            const std::vector<std::size_t>& columns, const sql::OnConflict& conflict) {
  std::vector<std::string> expressions, given;
  for (const auto& expression : conflict.target_expressions)
    expressions.push_back(text_in_full(context, expression));
  if (conflict.target_where) {
    const auto where = sql::parse_expression(text_in_full(context, conflict.target_where));
    for (const auto& condition : sql::conditions_of(where)) given.push_back(sql::to_postgres_text(condition));
  }
  std::size_t found = 0;
  for (std::size_t i = 0; i < target.unique_keys().size(); ++i) {
    const auto& key = target.unique_keys()[i];
    std::vector<std::size_t> key_columns;
    std::vector<std::string> texts;
    for (std::size_t part = 0; part < key.columns.size(); ++part) {
      if (key.expressions[part])
        texts.push_back(key.texts[part]);
      else
        key_columns.push_back(key.columns[part]);
    }
    if (!same_set(columns, key_columns) || !same_set(expressions, texts)) continue;
    // A key of all rows says more than one of some.
    if (!key.where) return i + 1;
    if (found == 0 && covers(key, given)) found = i + 1;
  }
  return found;
}

std::optional<std::size_t> find_arbiter(SessionContext& context, const WriteTarget& target,
                                        const sql::OnConflict& conflict) {
  if (!conflict.constraint_name.empty()) {
    const auto* primary = target.relation().primary_key();
    if (primary != nullptr && primary->name == conflict.constraint_name) return 0;
    for (std::size_t i = 0; i < target.unique_keys().size(); ++i) {
      const auto& constraints = target.relation().constraints;
      const bool is_constraint = std::any_of(constraints.begin(), constraints.end(), [&](const auto& c) {
        return c.kind == catalog::ConstraintObject::Kind::Unique && c.name == conflict.constraint_name;
      });
      if (is_constraint && target.unique_keys()[i].name == conflict.constraint_name) return i + 1;
    }
    throw Error(ErrorCode::UndefinedObject, "constraint \"" + conflict.constraint_name + "\" for table \"" +
                                                target.name() + "\" does not exist");
  }
  if (conflict.target_columns.empty() && conflict.target_expressions.empty()) return std::nullopt;
  std::vector<std::size_t> wanted;
  for (const auto& name : conflict.target_columns) {
    const auto column = target.find_column(name);
    if (!column) throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" does not exist");
    wanted.push_back(*column);
  }
  if (!target.has_row_id() && conflict.target_expressions.empty() &&
      same_set(wanted, primary_columns(target)))
    return 0;
  if (const auto found = find_unique_key(context, target, wanted, conflict); found != 0) return found;
  throw Error(ErrorCode::InvalidColumnReference,
              "there is no unique or exclusion constraint matching the ON CONFLICT specification");
}

/// Tells whether all assignments can be done without DuckDB, and how.
bool plan_merges(const WriteTarget& target, const sql::OnConflict& conflict,
                 std::vector<ConflictPlan::Merge>& merges) {
  for (const auto& assignment : conflict.assignments) {
    const std::size_t column = target.column_index(assignment.column);
    if (assignment.is_default || sql::is_one_of_several(assignment.value)) return false;
    ConflictPlan::Merge merge{column, std::nullopt, {}};
    if (const auto name = excluded_column(assignment.value)) {
      merge.excluded = target.find_column(*name);
      if (!merge.excluded) return false;  // the rewriter says what is wrong
      if (target.column(*merge.excluded).type != target.column(column).type) return false;
    } else if (auto constant = sql::constant_of(assignment.value)) {
      merge.constant = std::move(*constant);
    } else {
      return false;
    }
    merges.push_back(std::move(merge));
  }
  return true;
}

ConflictPlan plan_conflict(SessionContext& context, const WriteTarget& target,
                           const sql::OnConflict& conflict) {
  using Action = sql::OnConflict::Action;
  ConflictPlan plan;
  if (conflict.action == Action::None) return plan;
  if (conflict.action == Action::Update && conflict.target_columns.empty() &&
      conflict.target_expressions.empty() && conflict.constraint_name.empty()) {
    throw Error(ErrorCode::SyntaxError,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name", {},
                "For example, ON CONFLICT (column_name).");
  }
  plan.arbiter = find_arbiter(context, target, conflict);
  plan.kind = ConflictPlan::Kind::Nothing;
  if (conflict.action == Action::Nothing) return plan;

  std::vector<std::size_t> assigned;
  for (const auto& assignment : conflict.assignments) {
    const std::size_t column = target.column_index(assignment.column);
    if (contains(assigned, column)) {
      throw Error(ErrorCode::SyntaxError,
                  "multiple assignments to same column \"" + assignment.column + "\"");
    }
    if (!target.column(column).generated_text.empty() && !assignment.is_default) {
      throw Error(ErrorCode::GeneratedAlways,
                  "column \"" + assignment.column + "\" can only be updated to DEFAULT",
                  "Column \"" + assignment.column + "\" is a generated column.");
    }
    assigned.push_back(column);
  }
  plan.kind = ConflictPlan::Kind::Update;
  if (conflict.where || !plan_merges(target, conflict, plan.merges)) {
    plan.merges.clear();
    return plan;
  }
  plan.kind = ConflictPlan::Kind::Merge;
  const auto key = primary_columns(target);
  // A change of key columns, and of anything that a unique key is made of, must see the old row.
  if (plan.arbiter != 0 || !target.unique_keys().empty()) return plan;
  const bool all_excluded = std::all_of(plan.merges.begin(), plan.merges.end(),
                                        [](const auto& merge) { return merge.excluded == merge.column; });
  if (!all_excluded) return plan;
  for (std::size_t i = 0; i < target.column_count(); ++i) {
    if (!contains(key, i) && !contains(assigned, i) && target.column(i).generated_text.empty()) return plan;
  }
  plan.kind = ConflictPlan::Kind::Replace;
  return plan;
}

}  // namespace

std::optional<std::size_t> parameter_of(const sql::Expr& expression) {
  const std::string text = sql::to_postgres_text(expression);
  if (text.size() < 2 || text[0] != '$') return std::nullopt;
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number - 1;
}

std::vector<std::size_t> resolve_columns(const WriteTarget& target, const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  for (const auto& name : names) {
    const std::size_t column = target.column_index(name);
    if (contains(columns, column)) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + name + "\" specified more than once");
    }
    columns.push_back(column);
  }
  return columns;
}

std::shared_ptr<InsertPlan> make_insert_plan(SessionContext& context, const sql::InsertStatement& statement) {
  auto plan = std::make_shared<InsertPlan>();
  plan->target = find_write_target(context, statement.table, "insert into");
  const auto& target = *plan->target;
  const auto& conflict = statement.on_conflict;
  const bool updates = conflict.action == sql::OnConflict::Action::Update;
  if (target.is_view()) {
    if (updates) target.require(context, catalog::Privilege::Update);
    if (updates || !conflict.target_columns.empty() || !statement.returning.empty())
      target.require(context, catalog::Privilege::Select);
    if (!conflict.target_expressions.empty() || conflict.target_where ||
        (updates && target.has_view_conditions())) {
      throw Error(ErrorCode::FeatureNotSupported, "this form of ON CONFLICT through a view is not supported",
                  {}, "Write to the table that the view reads.");
    }
  } else {
    if (updates) require_assignments(context, target.relation(), conflict.assignments);
    if (updates || !conflict.target_expressions.empty() || !statement.returning.empty())
      require_any_column(context, target.relation(), catalog::Privilege::Select, context.user());
  }
  plan->statement = statement;
  plan->has_column_list = !statement.columns.empty();
  if (plan->has_column_list) {
    plan->columns = resolve_columns(target, statement.columns);
  } else {
    plan->columns = target.listed_columns();
  }
  if (!target.is_view())
    require_columns(context, target.relation(), catalog::Privilege::Insert, plan->columns);
  plan->conflict = plan_conflict(context, target, statement.on_conflict);
  if (!target.is_view() && !conflict.target_columns.empty()) {
    require_columns(context, target.relation(), catalog::Privilege::Select,
                    resolve_columns(target, conflict.target_columns));
  }
  if (!statement.returning.empty() && reads_all_columns(context, target)) {
    plan->plain_returning = plain_returning(target, statement.alias, statement.returning);
  }
  return plan;
}

void plan_cells(InsertPlan& plan) {
  using Kind = InsertPlan::Cell::Kind;
  plan.cells.clear();
  plan.cells.reserve(plan.statement.values.size());
  for (const auto& row : plan.statement.values) {
    auto& cells = plan.cells.emplace_back();
    cells.reserve(row.size());
    for (const auto& value : row) {
      auto& cell = cells.emplace_back();
      if (!value) {
        cell.kind = Kind::Default;
      } else if (auto constant = sql::constant_of(value)) {
        cell.kind = Kind::Constant;
        cell.constant = std::move(*constant);
      } else if (const auto parameter = parameter_of(value)) {
        cell.kind = Kind::Parameter;
        cell.parameter = *parameter;
      } else {
        cell.kind = Kind::Expression;
      }
    }
  }
}

}  // namespace tickstone::engine
