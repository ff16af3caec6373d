// SPDX-License-Identifier: Apache-2.0
#include "duck/interval_constants.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <duckdb/common/types/interval.hpp>
#include <duckdb/common/vector_operations/ternary_executor.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/expression/bound_function_expression.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <fmt/format.h>

namespace tickstone::duck {

namespace {

using duckdb::Expression;
using duckdb::interval_t;
using duckdb::LogicalType;

struct Constant {
  duckdb::unique_ptr<Expression>* place;
  interval_t value;
};

bool is_same(const interval_t& a, const interval_t& b) {
  return a.months == b.months && a.days == b.days && a.micros == b.micros;
}

/// Whether they are equal, and not the same.
bool are_twins(const interval_t& a, const interval_t& b) {
  return !is_same(a, b) && duckdb::Interval::Equals(a, b);
}

/// What is computed when the plan is made, where that is an interval.
class ConstantFinder final : public duckdb::LogicalOperatorVisitor {
 public:
  explicit ConstantFinder(duckdb::ClientContext& context) : context_(context) {}

  void VisitExpression(duckdb::unique_ptr<Expression>* place) override {
    Expression& expression = **place;
    // A parameter's value would bind the plan to it.
    if (!expression.IsFoldable() || expression.HasParameter()) {
      VisitExpressionChildren(expression);
      return;
    }
    duckdb::Value value;
    if (expression.return_type.id() == duckdb::LogicalTypeId::INTERVAL &&
        duckdb::ExpressionExecutor::TryEvaluateScalar(context_, expression, value) && !value.IsNull())
      found.push_back({place, value.GetValueUnsafe<interval_t>()});
  }

  std::vector<Constant> found;

 private:
  duckdb::ClientContext& context_;
};

void compute(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::TernaryExecutor::Execute<std::int32_t, std::int32_t, std::int64_t, interval_t>(
      arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
      [](std::int32_t months, std::int32_t days, std::int64_t micros) {
        return interval_t{months, days, micros};
      });
}

/// A call that is not computed beforehand, and whose arguments differ as the intervals do.
duckdb::unique_ptr<Expression> call_of(const interval_t& value) {
  duckdb::ScalarFunction function("pg_interval_apart",
                                  {LogicalType::INTEGER, LogicalType::INTEGER, LogicalType::BIGINT},
                                  LogicalType::INTERVAL, compute);
  function.stability = duckdb::FunctionStability::VOLATILE;
  duckdb::vector<duckdb::unique_ptr<Expression>> arguments;
  arguments.push_back(
      duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::INTEGER(value.months)));
  arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::INTEGER(value.days)));
  arguments.push_back(
      duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::BIGINT(value.micros)));
  return duckdb::make_uniq<duckdb::BoundFunctionExpression>(LogicalType::INTERVAL, std::move(function),
                                                            std::move(arguments), nullptr);
}

}  // namespace

void keep_intervals_apart(duckdb::ClientContext& context, duckdb::LogicalOperator& plan) {
  ConstantFinder finder(context);
  finder.VisitOperator(plan);
  for (const Constant& one : finder.found) {
    const bool has_twin = std::any_of(finder.found.begin(), finder.found.end(), [&](const Constant& other) {
      return are_twins(one.value, other.value);
    });
    if (!has_twin) continue;
    auto call = call_of(one.value);
    call->alias = (*one.place)->alias;
    *one.place = std::move(call);
  }
}

void keep_intervals_apart(duckdb::case_insensitive_map_t<duckdb::BoundParameterData>& parameters) {
  std::vector<std::pair<std::string, interval_t>> intervals;
  for (auto& [name, data] : parameters) {
    const duckdb::Value& value = data.GetValue();
    if (value.type().id() == duckdb::LogicalTypeId::INTERVAL && !value.IsNull())
      intervals.emplace_back(name, value.GetValueUnsafe<interval_t>());
  }
  for (const auto& [name, one] : intervals) {
    const bool has_twin = std::any_of(intervals.begin(), intervals.end(), [&one = one](const auto& other) {
      return are_twins(one, other.second);
    });
    if (!has_twin) continue;
    parameters[name] = duckdb::BoundParameterData(
        duckdb::Value(fmt::format("{} months {} days {} microseconds", one.months, one.days, one.micros)));
  }
}

}  // namespace tickstone::duck
