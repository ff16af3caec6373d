// SPDX-License-Identifier: Apache-2.0
#include "duck/scan_optimizer.hpp"

#include <algorithm>

#include <duckdb/planner/expression/bound_unnest_expression.hpp>
#include <duckdb/planner/operator/logical_comparison_join.hpp>
#include <duckdb/planner/operator/logical_unnest.hpp>

#include "duck/asof_plan.hpp"
#include "duck/few_rows.hpp"
#include "duck/interval_constants.hpp"
#include "duck/known_rows.hpp"
#include "duck/logical_types.hpp"

// DuckDB's own push-down of filters binds a plan with parameters anew at every execution (it folds them), so
// it is off for our scans. This hook runs after DuckDB's optimizers and copies what the filter right above a
// scan says about single columns into the scan's bind data, parameters included.

namespace tickstone::duck {

using duckdb::Expression;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

ScanBindData* bind_data_of(LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_GET) return nullptr;
  auto& get = op.Cast<LogicalGet>();
  if (get.function.name != kScanFunction || !get.bind_data) return nullptr;
  return &get.bind_data->Cast<ScanBindData>();
}

bool is_operand(const Expression& expression) {
  return expression.IsScalar() && !expression.IsVolatile() && !expression.HasSubquery();
}

namespace {

using duckdb::BoundBetweenExpression;
using duckdb::BoundCastExpression;
using duckdb::BoundColumnRefExpression;
using duckdb::BoundComparisonExpression;
using duckdb::BoundConjunctionExpression;
using duckdb::BoundFunctionExpression;
using duckdb::BoundOperatorExpression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;

/// Whether `CAST(column AS to)` keeps the order of values, with nothing rounded.
bool keeps_order(const LogicalType& from, const LogicalType& to) {
  if (from == to) return true;
  if (from.HasAlias() || to.HasAlias()) return false;
  const auto is_time = [](LogicalTypeId id) {
    return id == LogicalTypeId::DATE || id == LogicalTypeId::TIMESTAMP || id == LogicalTypeId::TIMESTAMP_TZ ||
           id == LogicalTypeId::TIMESTAMP_NS;
  };
  if (is_time(from.id()) && is_time(to.id())) return true;
  if (from.id() == LogicalTypeId::FLOAT) return to.id() == LogicalTypeId::DOUBLE;
  const auto is_exact = [](const LogicalType& type) {
    return type.IsIntegral() || type.id() == LogicalTypeId::DECIMAL;
  };
  if (!is_exact(from)) return false;
  if (to.id() == LogicalTypeId::DOUBLE || to.id() == LogicalTypeId::FLOAT) return true;
  if (!is_exact(to)) return false;
  std::uint8_t from_width = 0, from_scale = 0, to_width = 0, to_scale = 0;
  return from.GetDecimalProperties(from_width, from_scale) && to.GetDecimalProperties(to_width, to_scale) &&
         to_scale >= from_scale;
}

/// The column of `get` that `expression` is, through casts that keep its order.
std::optional<std::size_t> column_of(const Expression& expression, LogicalGet& get,
                                     const ScanBindData& bind) {
  const Expression* at = &expression;
  while (at->GetExpressionClass() == ExpressionClass::BOUND_CAST) {
    const auto& cast = at->Cast<BoundCastExpression>();
    // A date made an instant again stands for a whole day of the column, which the operand's type does not
    // say.
    const bool is_of_date = cast.child->return_type.id() == LogicalTypeId::DATE &&
                            cast.child->GetExpressionClass() == ExpressionClass::BOUND_CAST;
    if (is_of_date && cast.return_type.id() != LogicalTypeId::DATE) return std::nullopt;
    if (cast.try_cast || !keeps_order(cast.child->return_type, cast.return_type)) return std::nullopt;
    at = cast.child.get();
  }
  if (at->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
  const auto& binding = at->Cast<BoundColumnRefExpression>().binding;
  if (binding.table_index != get.table_index || binding.column_index >= get.GetColumnIds().size()) {
    return std::nullopt;
  }
  const auto& index = get.GetColumnIds()[binding.column_index];
  if (index.HasChildren() || index.GetPrimaryIndex() >= bind.relation.columns.size()) return std::nullopt;
  return index.GetPrimaryIndex();
}

/// The same, or the UUID column whose time `expression` is.
std::optional<std::size_t> compared_column_of(const Expression& expression, LogicalGet& get,
                                              const ScanBindData& bind) {
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_FUNCTION)
    return column_of(expression, get, bind);
  const auto& function = expression.Cast<BoundFunctionExpression>();
  if (function.function.name != "uuid_timestamp" || function.children.size() != 1) return std::nullopt;
  return column_of(*function.children[0], get, bind);
}

void push(ScanBindData& bind, std::size_t column, ExpressionType comparison, const Expression& operand,
          const Expression& whole) {
  PushedComparison one;
  one.column = column;
  one.comparison = comparison;
  one.operands.push_back(operand.Copy());
  one.text = whole.ToString();
  bind.comparisons.push_back(std::move(one));
}

void push_conjunct(const Expression& expression, LogicalGet& get, ScanBindData& bind) {
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::BOUND_CONJUNCTION: {
      if (expression.GetExpressionType() != ExpressionType::CONJUNCTION_AND)
        return push_choices(expression, get);
      for (const auto& child : expression.Cast<BoundConjunctionExpression>().children) {
        push_conjunct(*child, get, bind);
      }
      return;
    }
    case ExpressionClass::BOUND_COMPARISON: {
      const auto& comparison = expression.Cast<BoundComparisonExpression>();
      auto type = comparison.GetExpressionType();
      if (type != ExpressionType::COMPARE_EQUAL && type != ExpressionType::COMPARE_LESSTHAN &&
          type != ExpressionType::COMPARE_LESSTHANOREQUALTO && type != ExpressionType::COMPARE_GREATERTHAN &&
          type != ExpressionType::COMPARE_GREATERTHANOREQUALTO) {
        return;
      }
      if (const auto column = compared_column_of(*comparison.left, get, bind);
          column && is_operand(*comparison.right)) {
        push(bind, *column, type, *comparison.right, expression);
      } else if (const auto other = compared_column_of(*comparison.right, get, bind);
                 other && is_operand(*comparison.left)) {
        push(bind, *other, duckdb::FlipComparisonExpression(type), *comparison.left, expression);
      }
      return;
    }
    case ExpressionClass::BOUND_BETWEEN: {
      const auto& between = expression.Cast<BoundBetweenExpression>();
      const auto column = compared_column_of(*between.input, get, bind);
      if (!column) return;
      if (is_operand(*between.lower)) {
        push(bind, *column, between.LowerComparisonType(), *between.lower, expression);
      }
      if (is_operand(*between.upper)) {
        push(bind, *column, between.UpperComparisonType(), *between.upper, expression);
      }
      return;
    }
    case ExpressionClass::BOUND_OPERATOR: {
      const auto& op = expression.Cast<BoundOperatorExpression>();
      if (op.GetExpressionType() == ExpressionType::OPERATOR_NOT) {
        const auto column = column_of(*op.children[0], get, bind);
        if (column && op.children[0]->return_type.id() == LogicalTypeId::BOOLEAN) {
          push(bind, *column, ExpressionType::COMPARE_EQUAL,
               duckdb::BoundConstantExpression(duckdb::Value::BOOLEAN(false)), expression);
        }
        return;
      }
      const auto type = op.GetExpressionType();
      if (type != ExpressionType::COMPARE_IN && type != ExpressionType::OPERATOR_IS_NULL &&
          type != ExpressionType::OPERATOR_IS_NOT_NULL) {
        return;
      }
      const auto column = column_of(*op.children[0], get, bind);
      if (!column) return;
      PushedComparison one;
      one.column = *column;
      one.comparison = type;
      for (std::size_t i = 1; i < op.children.size(); ++i) {
        if (!is_operand(*op.children[i])) return;
        one.operands.push_back(op.children[i]->Copy());
      }
      one.text = expression.ToString();
      bind.comparisons.push_back(std::move(one));
      return;
    }
    case ExpressionClass::BOUND_COLUMN_REF: {
      const auto column = column_of(expression, get, bind);
      if (column && expression.return_type.id() == LogicalTypeId::BOOLEAN) {
        push(bind, *column, ExpressionType::COMPARE_EQUAL,
             duckdb::BoundConstantExpression(duckdb::Value::BOOLEAN(true)), expression);
      }
      return;
    }
    default:
      return;
  }
}

}  // namespace

std::optional<FoundScan> find_scan(LogicalOperator& below, const Expression& expression) {
  const Expression* at = &expression;
  LogicalOperator* op = &below;
  while (true) {
    switch (op->type) {
      case LogicalOperatorType::LOGICAL_FILTER:
        break;
      case LogicalOperatorType::LOGICAL_PROJECTION: {
        if (at->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
        const auto& binding = at->Cast<BoundColumnRefExpression>().binding;
        const auto& projection = op->Cast<duckdb::LogicalProjection>();
        if (binding.table_index != projection.table_index) return std::nullopt;
        at = projection.expressions.at(binding.column_index).get();
        break;
      }
      default: {
        auto* bind = bind_data_of(*op);
        if (bind == nullptr || bind->relation.kind != SourceRelation::Kind::Stored) return std::nullopt;
        auto& get = op->Cast<LogicalGet>();
        const auto column = column_of(*at, get, *bind);
        if (!column) return std::nullopt;
        return FoundScan{&get, bind, *column};
      }
    }
    op = op->children[0].get();
  }
}

namespace {

/// The array whose elements `expression` is, one a row: a value that is the same throughout an execution.
const Expression* find_unnested(LogicalOperator& below, const Expression& expression) {
  const Expression* at = &expression;
  LogicalOperator* op = &below;
  while (true) {
    if (op->type != LogicalOperatorType::LOGICAL_FILTER &&
        op->type != LogicalOperatorType::LOGICAL_DISTINCT) {
      if (at->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return nullptr;
      const auto& binding = at->Cast<BoundColumnRefExpression>().binding;
      if (op->type == LogicalOperatorType::LOGICAL_UNNEST) {
        if (binding.table_index != op->Cast<duckdb::LogicalUnnest>().unnest_index) return nullptr;
        const Expression& one = *op->expressions.at(binding.column_index);
        if (one.GetExpressionClass() != ExpressionClass::BOUND_UNNEST) return nullptr;
        const Expression& array = *one.Cast<duckdb::BoundUnnestExpression>().child;
        return array.return_type.id() == LogicalTypeId::LIST && is_operand(array) ? &array : nullptr;
      }
      if (op->type != LogicalOperatorType::LOGICAL_PROJECTION) return nullptr;
      const auto& projection = op->Cast<duckdb::LogicalProjection>();
      if (binding.table_index != projection.table_index) return nullptr;
      at = projection.expressions.at(binding.column_index).get();
    }
    op = op->children[0].get();
  }
}

/// `column = ANY (array)` and joins with `unnest(array)`: rows of the scan without a partner are not wanted,
/// so it is told the array's elements.
void push_unnested(duckdb::LogicalComparisonJoin& join) {
  using duckdb::JoinType;
  // The side whose rows without a partner are left out.
  const bool drops_left = join.join_type == JoinType::INNER || join.join_type == JoinType::SEMI ||
                          join.join_type == JoinType::RIGHT || join.join_type == JoinType::RIGHT_SEMI;
  const bool drops_right = join.join_type == JoinType::INNER || join.join_type == JoinType::SEMI ||
                           join.join_type == JoinType::LEFT || join.join_type == JoinType::RIGHT_SEMI;
  const auto push_side = [](LogicalOperator& scan_side, const Expression& column, LogicalOperator& other_side,
                            const Expression& element) {
    const auto found = find_scan(scan_side, column);
    if (!found) return;
    const auto* array = find_unnested(other_side, element);
    if (array == nullptr) return;
    PushedComparison one;
    one.column = found->column;
    one.comparison = ExpressionType::COMPARE_IN;
    one.operands.push_back(array->Copy());
    one.is_list = true;
    one.text = found->bind->relation.columns[found->column].name + " = ANY(" + array->ToString() + ")";
    found->bind->comparisons.push_back(std::move(one));
  };
  for (const auto& condition : join.conditions) {
    if (condition.comparison != ExpressionType::COMPARE_EQUAL) continue;
    if (drops_left) push_side(*join.children[0], *condition.left, *join.children[1], *condition.right);
    if (drops_right) push_side(*join.children[1], *condition.right, *join.children[0], *condition.left);
  }
}

/// As-of joins: a row of the right without its equals on the left, or past all times of the left, is nobody's
/// partner, so the right side's scan is told what the left one's is.
void push_asof(duckdb::LogicalComparisonJoin& join) {
  if (join.join_type != duckdb::JoinType::INNER && join.join_type != duckdb::JoinType::LEFT) return;
  for (const auto& condition : join.conditions) {
    const auto left = find_scan(*join.children[0], *condition.left);
    const auto right = find_scan(*join.children[1], *condition.right);
    if (!left || !right || right->bind->series_end != storage::SeriesEnd::All) continue;
    const auto& left_column = left->bind->relation.columns[left->column];
    const auto& right_column = right->bind->relation.columns[right->column];
    if (logical_type_of(left_column) != logical_type_of(right_column)) continue;
    for (const auto& said : left->bind->comparisons) {
      if (said.column != left->column) continue;
      bool holds = false;
      switch (condition.comparison) {
        case ExpressionType::COMPARE_EQUAL:
          // Of a constant DuckDB knows it itself, of a parameter, which lifted literals are, it does not.
          holds = said.comparison == ExpressionType::COMPARE_EQUAL ||
                  said.comparison == ExpressionType::COMPARE_IN;
          break;
        case ExpressionType::COMPARE_GREATERTHAN:
        case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
          holds = said.comparison == ExpressionType::COMPARE_LESSTHAN ||
                  said.comparison == ExpressionType::COMPARE_LESSTHANOREQUALTO;
          break;
        case ExpressionType::COMPARE_LESSTHAN:
        case ExpressionType::COMPARE_LESSTHANOREQUALTO:
          holds = said.comparison == ExpressionType::COMPARE_GREATERTHAN ||
                  said.comparison == ExpressionType::COMPARE_GREATERTHANOREQUALTO;
          break;
        default:
          break;
      }
      if (!holds) continue;
      PushedComparison one{right->column, said.comparison, {}, said.text, said.is_list};
      for (const auto& operand : said.operands) one.operands.push_back(operand->Copy());
      right->bind->comparisons.push_back(std::move(one));
    }
  }
}

/// The first key of a Top-N over a scan of ours: tells the scan which end is wanted, and lets it follow the
/// bound that the Top-N reaches. Sound only for columns without nulls, as the bound does not know them.
void push_top_n(duckdb::LogicalTopN& top) {
  if (top.orders.empty() || top.dynamic_filter) return;
  const Expression* key = top.orders[0].expression.get();
  LogicalOperator* at = top.children[0].get();
  while (true) {
    if (key->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return;
    if (at->type == LogicalOperatorType::LOGICAL_PROJECTION) {
      auto& projection = at->Cast<duckdb::LogicalProjection>();
      const auto& binding = key->Cast<BoundColumnRefExpression>().binding;
      if (binding.table_index != projection.table_index) return;
      key = projection.expressions[binding.column_index].get();
      at = at->children[0].get();
    } else if (at->type == LogicalOperatorType::LOGICAL_FILTER) {
      at = at->children[0].get();
    } else {
      break;
    }
  }
  auto* bind = bind_data_of(*at);
  if (bind == nullptr || bind->relation.kind != SourceRelation::Kind::Stored) return;
  const auto column = column_of(*key, at->Cast<LogicalGet>(), *bind);
  if (!column || !bind->relation.columns[*column].not_null) return;
  const LogicalType& type = top.orders[0].expression->return_type;
  const bool is_bounded = type.IsIntegral() || type.id() == LogicalTypeId::DECIMAL || type.IsTemporal() ||
                          type.id() == LogicalTypeId::UUID ||
                          (type.id() == LogicalTypeId::VARCHAR && !type.HasAlias());
  if (!is_bounded) return;
  const bool ascending = top.orders[0].type == duckdb::OrderType::ASCENDING;
  const TypeId id = bind->relation.columns[*column].type.id;
  if (id == TypeId::Timestamp || id == TypeId::TimestampTz || id == TypeId::TimestampNs ||
      id == TypeId::Date || id == TypeId::Uuid || is_integer(id)) {
    bind->order = ascending ? storage::ScanOrder::TimeAscending : storage::ScanOrder::TimeDescending;
  }
  auto filter = duckdb::make_shared_ptr<duckdb::DynamicFilterData>();
  // Rows equal to the bound may still win by a later key.
  const auto comparison =
      ascending ? ExpressionType::COMPARE_LESSTHANOREQUALTO : ExpressionType::COMPARE_GREATERTHANOREQUALTO;
  // A placeholder until the Top-N sets its bound.
  duckdb::Value placeholder = type.id() == LogicalTypeId::VARCHAR ? duckdb::Value("")
                              : type.id() == LogicalTypeId::UUID  ? duckdb::Value::UUID(duckdb::hugeint_t(0))
                                                                  : duckdb::Value::MinimumValue(type);
  filter->filter = duckdb::make_uniq<duckdb::ConstantFilter>(comparison, std::move(placeholder));
  top.dynamic_filter = filter;
  bind->dynamic_filter = std::move(filter);
  bind->dynamic_column = *column;
}

/// Past joins that only mark rows, which have each row of their left side once.
LogicalOperator& below_marks(LogicalOperator& op) {
  LogicalOperator* at = &op;
  while (at->type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN &&
         at->Cast<duckdb::LogicalComparisonJoin>().join_type == duckdb::JoinType::MARK)
    at = at->children[0].get();
  return *at;
}

void visit(LogicalOperator& op) {
  for (auto& child : op.children) visit(*child);
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET:
      if (auto* bind = bind_data_of(op)) {
        bind->comparisons.clear();
        bind->series_end = storage::SeriesEnd::All;
        bind->are_both_ends = false;
        bind->series_end_if_one.reset();
        bind->is_filter_exact = false;
      }
      break;
    case LogicalOperatorType::LOGICAL_FILTER:
      push_series_end(op);
      push_marked_constants(op);
      if (LogicalOperator& below = below_marks(*op.children[0]); auto* bind = bind_data_of(below)) {
        auto& get = below.Cast<LogicalGet>();
        if (bind->relation.kind != SourceRelation::Kind::Stored) break;
        for (const auto& expression : op.expressions) push_conjunct(*expression, get, *bind);
        bind->is_filter_exact =
            std::all_of(op.expressions.begin(), op.expressions.end(),
                        [&](const auto& expression) { return is_exact_condition(*expression, get, *bind); });
      }
      break;
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
      push_unnested(op.Cast<duckdb::LogicalComparisonJoin>());
      break;
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      push_asof(op.Cast<duckdb::LogicalComparisonJoin>());
      break;
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      push_series_end(op);
      break;
    case LogicalOperatorType::LOGICAL_TOP_N:
      push_top_n(op.Cast<duckdb::LogicalTopN>());
      break;
    default:
      break;
  }
}

void optimize(duckdb::OptimizerExtensionInput&, duckdb::unique_ptr<LogicalOperator>& plan) {
  push_top_into_asof(*plan);
  visit(*plan);
  skip_filters_of_known_rows(plan);
  take_few_rows_apart(plan);
}

void prepare_plan(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<LogicalOperator>& plan) {
  keep_intervals_apart(input.context, *plan);
}

}  // namespace

duckdb::OptimizerExtension scan_optimizer() {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = prepare_plan;
  extension.optimize_function = optimize;
  return extension;
}

}  // namespace tickstone::duck
