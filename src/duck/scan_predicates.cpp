// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <duckdb/planner/expression/bound_parameter_data.hpp>

#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan.hpp"
#include "types/timestamp.hpp"
#include "types/uuid_v7.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ExpressionType;
using storage::ColumnPredicate;

/// Of longer arrays the scan is not told: they are nearly everywhere, and looking through them costs as well.
constexpr std::size_t kMostListedValues = 16'384;

/// The values that a comparison leaves, as a range over the column's own type.
struct Range {
  std::optional<ColumnPredicate::Bound> lower;
  std::optional<ColumnPredicate::Bound> upper;
};

bool wants_lower(ExpressionType comparison) {
  return comparison == ExpressionType::COMPARE_EQUAL || comparison == ExpressionType::COMPARE_GREATERTHAN ||
         comparison == ExpressionType::COMPARE_GREATERTHANOREQUALTO;
}
bool wants_upper(ExpressionType comparison) {
  return comparison == ExpressionType::COMPARE_EQUAL || comparison == ExpressionType::COMPARE_LESSTHAN ||
         comparison == ExpressionType::COMPARE_LESSTHANOREQUALTO;
}
bool is_strict(ExpressionType comparison) {
  return comparison == ExpressionType::COMPARE_GREATERTHAN || comparison == ExpressionType::COMPARE_LESSTHAN;
}

Int128 floor_divide(Int128 value, Int128 by) {
  const Int128 quotient = value / by;
  return value % by != 0 && (value < 0) != (by < 0) ? quotient - 1 : quotient;
}

Value column_value(const SourceColumn& column, Int128 integer) {
  Value value{column.type, false};
  value.integer = integer;
  if (column.type.id == TypeId::Numeric) value.scale = column.layout.scale;
  return value;
}

/// Bounds around `low` and `high`, which enclose the operand in units of the column (equal when it is exact).
Range integer_range(const SourceColumn& column, ExpressionType comparison, Int128 low, Int128 high) {
  Range range;
  const bool is_exact = low == high;
  const bool inclusive = !is_strict(comparison) || !is_exact;
  // Inexact: `x > 1.5` is `x >= 2`, `x < 1.5` is `x <= 1`, and `x = 1.5` is the empty `2 <= x <= 1`.
  if (wants_lower(comparison)) range.lower = {column_value(column, high), inclusive};
  if (wants_upper(comparison)) range.upper = {column_value(column, low), inclusive};
  return range;
}

std::optional<Range> exact_numeric_range(const SourceColumn& column, ExpressionType comparison,
                                         const Value& operand) {
  const int column_scale = column.type.id == TypeId::Numeric ? column.layout.scale : 0;
  if (operand.scale <= column_scale) {
    const auto scaled = rescale(operand.integer, operand.scale, column_scale);
    // Past 38 digits in the column's scale: no bound rather than a wrong one.
    if (!scaled) return std::nullopt;
    return integer_range(column, comparison, *scaled, *scaled);
  }
  const Int128 divisor = power_of_ten(operand.scale - column_scale);
  const Int128 low = floor_divide(operand.integer, divisor);
  const Int128 high = low * divisor == operand.integer ? low : low + 1;
  return integer_range(column, comparison, low, high);
}

std::optional<Range> float_against_exact_range(const SourceColumn& column, ExpressionType comparison,
                                               double operand) {
  if (!std::isfinite(operand)) return std::nullopt;
  const int column_scale = column.type.id == TypeId::Numeric ? column.layout.scale : 0;
  const long double scaled = static_cast<long double>(operand) * std::pow(10.0L, column_scale);
  if (std::fabs(scaled) > 1e30L) return std::nullopt;
  // The column is compared as a double, so values near the operand may round to it: leave room.
  const long double room = std::fabs(scaled) * 1e-14L + 1;
  const auto low = static_cast<Int128>(std::floor(scaled - room));
  const auto high = static_cast<Int128>(std::ceil(scaled + room));
  Range range;
  if (wants_lower(comparison)) range.lower = {column_value(column, low), true};
  if (wants_upper(comparison)) range.upper = {column_value(column, high), true};
  return range;
}

bool is_infinite_time(TypeId id, Int128 value) {
  if (id == TypeId::Date) return value == kDateInfinity || value == kDateNegInfinity;
  return value == kTimestampInfinity || value == kTimestampNegInfinity;
}

/// A time of one kind against a column of another: `margin` units of the column on both sides cover what the
/// session's zone may shift.
std::optional<Range> time_range(const SourceColumn& column, ExpressionType comparison, const Value& operand) {
  const TypeId from = operand.type.id;
  const TypeId to = column.type.id;
  if (from == to) return integer_range(column, comparison, operand.integer, operand.integer);
  if (is_infinite_time(from, operand.integer)) return std::nullopt;
  constexpr Int128 kDay = kMicrosPerDay;
  // In microseconds, as wide as the operand is in the column's terms.
  Int128 low_us;
  Int128 high_us;
  if (from == TypeId::Date) {
    low_us = operand.integer * kDay;
    // A timestamp cast to date falls on it for a whole day.
    high_us = low_us + kDay;
  } else if (from == TypeId::Timestamp || from == TypeId::TimestampTz) {
    low_us = high_us = operand.integer;
  } else if (from == TypeId::TimestampNs) {
    low_us = floor_divide(operand.integer, 1000);
    high_us = low_us + 1;
  } else {
    return std::nullopt;
  }
  const bool zone_matters = from == TypeId::TimestampTz || to == TypeId::TimestampTz;
  if (zone_matters) {
    low_us -= kDay;
    high_us += kDay;
  }
  Int128 low;
  Int128 high;
  switch (to) {
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      low = low_us;
      high = high_us;
      break;
    case TypeId::TimestampNs:
      low = low_us * 1000;
      high = high_us * 1000 + 999;
      break;
    case TypeId::Date:
      low = floor_divide(low_us, kDay);
      high = floor_divide(high_us, kDay) + 1;
      break;
    default:
      return std::nullopt;
  }
  const auto clamp = [&](Int128 value) {
    const Int128 limit = to == TypeId::Date ? Int128{kDateInfinity} - 1 : Int128{kTimestampInfinity} - 1;
    return std::clamp(value, -limit, limit);
  };
  Range range;
  if (wants_lower(comparison)) range.lower = {column_value(column, clamp(low)), true};
  if (wants_upper(comparison)) range.upper = {column_value(column, clamp(high)), true};
  return range;
}

/// `uuid_timestamp(column)` against a time, as bounds of the column: UUIDs rise with the time in them.
Range uuid_time_range(const SourceColumn& column, ExpressionType comparison, std::int64_t us) {
  const auto floor_after = [](std::int64_t time) {
    return time == kTimestampInfinity ? std::nullopt : uuid_floor(time + 1);
  };
  Range range;
  if (wants_lower(comparison)) {
    const auto floor = comparison == ExpressionType::COMPARE_GREATERTHAN ? floor_after(us) : uuid_floor(us);
    range.lower = {column_value(column, floor.value_or(~Int128{0})), true};
  }
  if (wants_upper(comparison)) {
    const auto floor = comparison == ExpressionType::COMPARE_LESSTHAN ? uuid_floor(us) : floor_after(us);
    if (floor) range.upper = {column_value(column, *floor), false};
  }
  return range;
}

bool is_time(TypeId id) {
  return id == TypeId::Date || id == TypeId::Timestamp || id == TypeId::TimestampTz ||
         id == TypeId::TimestampNs;
}
bool is_exact_number(TypeId id) { return is_integer(id) || id == TypeId::Numeric; }
bool is_float(TypeId id) { return id == TypeId::Real || id == TypeId::Double; }

std::optional<Range> range_of(const SourceColumn& column, ExpressionType comparison, const Value& operand) {
  if (column.type.is_array || operand.type.is_array) return std::nullopt;
  const TypeId to = column.type.id;
  const TypeId from = operand.type.id;
  if (is_exact_number(to) && is_exact_number(from)) return exact_numeric_range(column, comparison, operand);
  if (is_exact_number(to) && is_float(from))
    return float_against_exact_range(column, comparison, operand.number);
  if (is_float(to) && (is_float(from) || is_exact_number(from))) {
    double number = is_float(from) ? operand.number : to_double(Decimal{operand.integer, operand.scale});
    if (std::isnan(number)) return std::nullopt;
    Value value{column.type, false};
    value.number = number;
    Range range;
    // Compared as doubles on both sides; a Real column may have been rounded from the operand's neighbours.
    if (wants_lower(comparison)) range.lower = {value, true};
    if (wants_upper(comparison)) range.upper = {value, true};
    return range;
  }
  if (is_time(to) && is_time(from)) return time_range(column, comparison, operand);
  const bool is_plain_text = to == TypeId::Text || to == TypeId::Varchar || to == TypeId::Name;
  if (is_plain_text && from == TypeId::Text) {
    Value value{column.type, false};
    value.text = operand.text;
    Range range;
    if (wants_lower(comparison)) range.lower = {value, !is_strict(comparison)};
    if (wants_upper(comparison)) range.upper = {value, !is_strict(comparison)};
    return range;
  }
  if (to == TypeId::Enum) {
    // Numbers are in the order of the labels.
    const auto* label = from == TypeId::Text && column.labels ? column.labels->find(operand.text) : nullptr;
    if (label == nullptr) return std::nullopt;
    return integer_range(column, comparison, label->number, label->number);
  }
  if (to == TypeId::Uuid && from == TypeId::Uuid)
    return integer_range(column, comparison, operand.integer, operand.integer);
  if (to == TypeId::Uuid && from == TypeId::TimestampTz)
    return uuid_time_range(column, comparison, static_cast<std::int64_t>(operand.integer));
  const bool is_same_plain = to == from && (to == TypeId::Boolean || to == TypeId::Time);
  if (is_same_plain && comparison == ExpressionType::COMPARE_EQUAL) {
    Value value{column.type, false};
    value.integer = operand.integer;
    return Range{ColumnPredicate::Bound{value, true}, ColumnPredicate::Bound{value, true}};
  }
  return std::nullopt;
}

/// The operand's value of now; most are constants or parameters, which need no executor.
duckdb::Value value_of(duckdb::ClientContext& context, const duckdb::Expression& operand) {
  switch (operand.GetExpressionClass()) {
    case duckdb::ExpressionClass::BOUND_CONSTANT:
      return operand.Cast<duckdb::BoundConstantExpression>().value;
    case duckdb::ExpressionClass::BOUND_PARAMETER:
      return operand.Cast<duckdb::BoundParameterExpression>().parameter_data->GetValue();
    default:
      return duckdb::ExpressionExecutor::EvaluateScalar(context, operand, true);
  }
}

}  // namespace

std::optional<ColumnPredicate> predicate_of(const SourceColumn& column, ExpressionType comparison,
                                            const duckdb::vector<duckdb::Value>& values) {
  ColumnPredicate predicate;
  predicate.column = column.id;
  if (comparison == ExpressionType::COMPARE_IN) {
    for (const auto& value : values) {
      if (value.IsNull()) continue;  // matches nothing
      const auto range = range_of(column, ExpressionType::COMPARE_EQUAL, from_duck(value));
      if (!range || !range->lower || !range->upper) return std::nullopt;
      const bool is_point = compare_values(range->lower->value, range->upper->value) == 0;
      if (!is_point) {
        if (compare_values(range->lower->value, range->upper->value) > 0) continue;  // empty
        return std::nullopt;
      }
      predicate.in.push_back(range->lower->value);
    }
    if (predicate.in.empty()) return std::nullopt;
    const auto [least, greatest] =
        std::minmax_element(predicate.in.begin(), predicate.in.end(),
                            [](const Value& a, const Value& b) { return compare_values(a, b) < 0; });
    predicate.lower = {*least, true};
    predicate.upper = {*greatest, true};
    return predicate;
  }
  if (comparison == ExpressionType::OPERATOR_IS_NULL) {
    predicate.null_test = ColumnPredicate::NullTest::IsNull;
    return predicate;
  }
  if (comparison == ExpressionType::OPERATOR_IS_NOT_NULL) {
    predicate.null_test = ColumnPredicate::NullTest::IsNotNull;
    return predicate;
  }
  if (values.size() != 1 || values[0].IsNull()) return std::nullopt;
  auto range = range_of(column, comparison, from_duck(values[0]));
  if (!range) return std::nullopt;
  if (comparison == ExpressionType::COMPARE_EQUAL && range->lower && range->upper &&
      compare_values(range->lower->value, range->upper->value) == 0) {
    predicate.in.push_back(range->lower->value);
  }
  predicate.lower = std::move(range->lower);
  predicate.upper = std::move(range->upper);
  if (!predicate.lower && !predicate.upper) return std::nullopt;
  return predicate;
}

std::vector<ColumnPredicate> evaluate_comparisons(duckdb::ClientContext& context, const ScanBindData& bind) {
  std::vector<ColumnPredicate> predicates;
  for (const auto& comparison : bind.comparisons) {
    duckdb::vector<duckdb::Value> values;
    bool is_known = true;
    for (const auto& operand : comparison.operands) {
      duckdb::Value value;
      // An operand that fails here fails again in DuckDB's filter, if any row gets that far.
      try {
        value = value_of(context, *operand);
      } catch (const std::exception&) {
        is_known = false;
        break;
      }
      values.push_back(std::move(value));
    }
    if (!is_known) continue;
    if (comparison.is_list) {
      if (values.size() != 1 || values[0].IsNull()) continue;
      const duckdb::Value list = std::move(values[0]);
      values = duckdb::ListValue::GetChildren(list);
      if (values.size() > kMostListedValues) continue;
    }
    auto predicate = predicate_of(bind.relation.columns[comparison.column], comparison.comparison, values);
    if (predicate) predicates.push_back(std::move(*predicate));
  }
  return predicates;
}

}  // namespace tickstone::duck
