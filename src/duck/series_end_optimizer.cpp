// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <duckdb/planner/expression/bound_window_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/operator/logical_aggregate.hpp>
#include <duckdb/planner/operator/logical_distinct.hpp>
#include <duckdb/planner/operator/logical_window.hpp>

#include "duck/logical_types.hpp"
#include "duck/scan_optimizer.hpp"

// Which rows of each series a DISTINCT ON or an aggregate above a scan looks at: where they are those with
// the newest or the oldest time alone, the scan need not read the others.

namespace tickstone::duck {

namespace {

using duckdb::BoundAggregateExpression;
using duckdb::BoundColumnRefExpression;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using storage::SeriesEnd;

/// The scan of a table that has series and time, through filters and projections alone.
ScanBindData* scan_below(LogicalOperator& op) {
  LogicalOperator* at = &op;
  while (at->type == LogicalOperatorType::LOGICAL_FILTER ||
         at->type == LogicalOperatorType::LOGICAL_PROJECTION)
    at = at->children[0].get();
  auto* bind = bind_data_of(*at);
  if (bind == nullptr || bind->relation.kind != SourceRelation::Kind::Stored) return nullptr;
  if (!bind->time_column || bind->series_columns.empty()) return nullptr;
  switch (bind->relation.columns[*bind->time_column].type.id) {
    case TypeId::Date:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
      return bind;
    default:
      return nullptr;
  }
}

/// Whether `expression`, over the output of `below`, is the time column as it is stored.
bool is_time(LogicalOperator& below, const Expression& expression) {
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return false;
  const auto found = find_scan(below, expression);
  return found && found->bind->time_column == found->column &&
         expression.return_type == logical_type_of(found->bind->relation.columns[found->column]);
}

/// Whether `expression`, over the output of `below`, has one value in each series: its columns are of the
/// key.
bool is_of_series(LogicalOperator& below, const Expression& expression) {
  if (expression.IsVolatile() || expression.HasSubquery()) return false;
  bool is_so = true;
  duckdb::ExpressionIterator::VisitExpression<BoundColumnRefExpression>(
      expression, [&](const BoundColumnRefExpression& column) {
        const auto found = find_scan(below, column);
        if (!found) {
          is_so = false;
          return;
        }
        const auto& series = found->bind->series_columns;
        is_so = is_so && std::find(series.begin(), series.end(), found->column) != series.end();
      });
  return is_so;
}

/// Whether a filter right above the scan says of it what the scan is told as it is: how many comparisons that
/// are. Nothing where it is more than one of time and series.
std::optional<std::size_t> time_comparisons(const Expression& expression, LogicalOperator& filter,
                                            bool is_above_scan) {
  LogicalOperator& below = *filter.children[0];
  if (is_of_series(below, expression)) return 0;
  if (!is_above_scan) return std::nullopt;
  switch (expression.GetExpressionClass()) {
    case ExpressionClass::BOUND_CONJUNCTION: {
      if (expression.GetExpressionType() != ExpressionType::CONJUNCTION_AND) return std::nullopt;
      std::size_t count = 0;
      for (const auto& child : expression.Cast<duckdb::BoundConjunctionExpression>().children) {
        const auto one = time_comparisons(*child, filter, is_above_scan);
        if (!one) return std::nullopt;
        count += *one;
      }
      return count;
    }
    case ExpressionClass::BOUND_COMPARISON: {
      const auto& comparison = expression.Cast<duckdb::BoundComparisonExpression>();
      switch (comparison.GetExpressionType()) {
        case ExpressionType::COMPARE_LESSTHAN:
        case ExpressionType::COMPARE_LESSTHANOREQUALTO:
        case ExpressionType::COMPARE_GREATERTHAN:
        case ExpressionType::COMPARE_GREATERTHANOREQUALTO:
          break;
        default:
          return std::nullopt;
      }
      const bool is_left = is_time(below, *comparison.left) && is_operand(*comparison.right);
      const bool is_right = is_time(below, *comparison.right) && is_operand(*comparison.left);
      return is_left || is_right ? std::optional<std::size_t>(1) : std::nullopt;
    }
    case ExpressionClass::BOUND_BETWEEN: {
      const auto& between = expression.Cast<duckdb::BoundBetweenExpression>();
      const bool is_so =
          is_time(below, *between.input) && is_operand(*between.lower) && is_operand(*between.upper);
      return is_so ? std::optional<std::size_t>(2) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

/// Tells the scan, unless a filter between chooses by more than time and series. `end`: All are both.
void push(LogicalOperator& below, ScanBindData& bind, SeriesEnd end) {
  std::size_t count = 0;
  for (LogicalOperator* at = &below; at->type != LogicalOperatorType::LOGICAL_GET;
       at = at->children[0].get()) {
    if (at->type != LogicalOperatorType::LOGICAL_FILTER) continue;
    const bool is_above_scan = at->children[0]->type == LogicalOperatorType::LOGICAL_GET;
    for (const auto& expression : at->expressions) {
      const auto one = time_comparisons(*expression, *at, is_above_scan);
      if (!one) return;
      count += *one;
    }
  }
  bind.series_end = end;
  bind.are_both_ends = end == SeriesEnd::All;
  bind.time_comparisons = count;
}

/// The end of time that comes first where rows are ordered so; All where they are not by time.
SeriesEnd first_of(LogicalOperator& below, const duckdb::vector<duckdb::BoundOrderByNode>& orders) {
  for (const auto& order : orders) {
    // Another series of the same group may come first by it, whatever its time: all have their rows here.
    if (is_of_series(below, *order.expression)) continue;
    if (!is_time(below, *order.expression)) return SeriesEnd::All;
    return order.type == duckdb::OrderType::DESCENDING ? SeriesEnd::Newest : SeriesEnd::Oldest;
  }
  return SeriesEnd::All;
}

void push_distinct(const duckdb::LogicalDistinct& distinct) {
  LogicalOperator& below = *distinct.children[0];
  if (distinct.distinct_type != duckdb::DistinctType::DISTINCT_ON || !distinct.order_by) return;
  auto* bind = scan_below(below);
  if (bind == nullptr) return;
  for (const auto& target : distinct.distinct_targets) {
    if (!is_of_series(below, *target)) return;
  }
  const SeriesEnd end = first_of(below, distinct.order_by->orders);
  if (end != SeriesEnd::All) push(below, *bind, end);
}

/// `row_number() OVER (PARTITION BY series ORDER BY time) = 1`, the one being a value that may vary.
void push_window(const Expression& expression, LogicalOperator& filter) {
  if (expression.GetExpressionClass() == ExpressionClass::BOUND_CONJUNCTION &&
      expression.GetExpressionType() == ExpressionType::CONJUNCTION_AND) {
    for (const auto& child : expression.Cast<duckdb::BoundConjunctionExpression>().children)
      push_window(*child, filter);
    return;
  }
  if (expression.GetExpressionType() != ExpressionType::COMPARE_EQUAL) return;
  const auto& comparison = expression.Cast<duckdb::BoundComparisonExpression>();
  const bool is_left = !is_operand(*comparison.left);
  const Expression* number = is_left ? comparison.left.get() : comparison.right.get();
  const Expression& value = is_left ? *comparison.right : *comparison.left;
  if (!is_operand(value) || !value.return_type.IsIntegral()) return;
  LogicalOperator* at = filter.children[0].get();
  for (;;) {
    if (number->GetExpressionClass() != ExpressionClass::BOUND_COLUMN_REF) return;
    const auto& binding = number->Cast<BoundColumnRefExpression>().binding;
    if (at->type == LogicalOperatorType::LOGICAL_WINDOW) {
      if (binding.table_index != at->Cast<duckdb::LogicalWindow>().window_index) return;
      break;
    }
    if (at->type != LogicalOperatorType::LOGICAL_PROJECTION) return;
    const auto& projection = at->Cast<duckdb::LogicalProjection>();
    if (binding.table_index != projection.table_index) return;
    number = projection.expressions.at(binding.column_index).get();
    at = at->children[0].get();
  }
  if (at->expressions.size() != 1) return;  // what another one counts needs all rows
  const auto& window = at->expressions[0]->Cast<duckdb::BoundWindowExpression>();
  if (window.GetExpressionType() != ExpressionType::WINDOW_ROW_NUMBER &&
      window.GetExpressionType() != ExpressionType::WINDOW_RANK &&
      window.GetExpressionType() != ExpressionType::WINDOW_RANK_DENSE) {
    return;
  }
  LogicalOperator& below = *at->children[0];
  auto* bind = scan_below(below);
  if (bind == nullptr || !window.arg_orders.empty()) return;
  for (const auto& partition : window.partitions) {
    if (!is_of_series(below, *partition)) return;
  }
  const SeriesEnd end = first_of(below, window.orders);
  if (end == SeriesEnd::All) return;
  push(below, *bind, end);
  bind->series_end_if_one = value.Copy();
}

/// The end of time whose rows are all that the aggregate looks at; All where it is more.
SeriesEnd end_of(LogicalOperator& below, const Expression& expression) {
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_AGGREGATE) return SeriesEnd::All;
  const auto& aggregate = expression.Cast<BoundAggregateExpression>();
  const auto& name = aggregate.function.name;
  if (aggregate.filter || aggregate.order_bys) return SeriesEnd::All;
  if (aggregate.children.size() == 1 && is_time(below, *aggregate.children[0])) {
    if (name == "max") return SeriesEnd::Newest;
    if (name == "min") return SeriesEnd::Oldest;
  }
  if (aggregate.children.size() == 2 && is_time(below, *aggregate.children[1])) {
    if (name == "arg_max_null" || name == "last") return SeriesEnd::Newest;
    if (name == "arg_min_null" || name == "first") return SeriesEnd::Oldest;
  }
  return SeriesEnd::All;
}

void push_aggregate(const duckdb::LogicalAggregate& aggregate) {
  LogicalOperator& below = *aggregate.children[0];
  auto* bind = scan_below(below);
  if (bind == nullptr || aggregate.expressions.empty()) return;
  for (const auto& group : aggregate.groups) {
    if (!is_of_series(below, *group)) return;
  }
  const SeriesEnd end = end_of(below, *aggregate.expressions[0]);
  bool is_both = false;
  for (const auto& expression : aggregate.expressions) {
    const SeriesEnd other = end_of(below, *expression);
    if (other == SeriesEnd::All) return;
    is_both |= other != end;
  }
  push(below, *bind, is_both ? SeriesEnd::All : end);
}

}  // namespace

void push_series_end(LogicalOperator& op) {
  if (op.type == LogicalOperatorType::LOGICAL_DISTINCT) {
    push_distinct(op.Cast<duckdb::LogicalDistinct>());
  } else if (op.type == LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY) {
    push_aggregate(op.Cast<duckdb::LogicalAggregate>());
  } else if (op.type == LogicalOperatorType::LOGICAL_FILTER) {
    for (const auto& expression : op.expressions) push_window(*expression, op);
  }
}

}  // namespace tickstone::duck
