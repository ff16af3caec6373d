// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/time_arithmetic.hpp"

#include <cmath>

#include "duck/functions/numeric_types.hpp"
#include "duck/session_state.hpp"
#include "types/timestamp.hpp"

namespace tickstone::duck {

namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::interval_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::ScalarFunction;
using duckdb::Vector;

[[noreturn]] void timestamp_out_of_range() {
  throw_through_duckdb(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
}
[[noreturn]] void interval_out_of_range() {
  throw_through_duckdb(ErrorCode::DatetimeFieldOverflow, "interval out of range");
}

bool is_infinite(std::int64_t us) { return us == kTimestampInfinity || us == kTimestampNegInfinity; }
bool is_infinite_date(std::int32_t days) { return days == kDateInfinity || days == kDateNegInfinity; }

std::int64_t checked_timestamp(std::int64_t left, std::int64_t right) {
  std::int64_t result;
  // 4714-11-24 BC to 294276-12-31.
  constexpr std::int64_t kLeast = -210'866'803'200'000'000;
  constexpr std::int64_t kEnd = 9'223'371'331'200'000'000;
  if (__builtin_add_overflow(left, right, &result) || result < kLeast || result >= kEnd)
    timestamp_out_of_range();
  return result;
}

interval_t negated(const interval_t& value) {
  interval_t result;
  if (__builtin_sub_overflow(0, value.months, &result.months) ||
      __builtin_sub_overflow(0, value.days, &result.days) ||
      __builtin_sub_overflow(std::int64_t{0}, value.micros, &result.micros)) {
    interval_out_of_range();
  }
  return result;
}

std::int64_t plus_interval(std::int64_t us, const interval_t& interval, const TimeZone& zone) {
  if (is_infinite(us)) return us;
  if (interval.months == 0 && interval.days == 0) return checked_timestamp(us, interval.micros);
  return through_duckdb([&] { return add_interval(us, from_duck_interval(interval), zone); });
}

template <bool is_subtraction, bool has_zone, bool interval_first>
void timestamp_interval_loop(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const TimeZone& zone = has_zone ? SessionState::of(state.GetContext()).zone() : utc_zone();
  Vector& times = arguments.data[interval_first ? 1 : 0];
  Vector& intervals = arguments.data[interval_first ? 0 : 1];
  if (intervals.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR &&
      !duckdb::ConstantVector::IsNull(intervals)) {
    interval_t interval = *duckdb::ConstantVector::GetData<interval_t>(intervals);
    if (is_subtraction) interval = negated(interval);
    if (interval.months == 0 && (interval.days == 0 || zone.is_utc())) {
      const std::int64_t delta = interval.days * kMicrosPerDay + interval.micros;
      duckdb::UnaryExecutor::Execute<std::int64_t, std::int64_t>(
          times, result, arguments.size(),
          [&](std::int64_t us) { return is_infinite(us) ? us : checked_timestamp(us, delta); });
      return;
    }
  }
  BinaryExecutor::Execute<std::int64_t, interval_t, std::int64_t>(
      times, intervals, result, arguments.size(), [&](std::int64_t us, const interval_t& interval) {
        return plus_interval(us, is_subtraction ? negated(interval) : interval, zone);
      });
}

/// The difference of two instants: whole days and the rest, as PostgreSQL's timestamp_mi.
void timestamp_difference_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int64_t, std::int64_t, interval_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](std::int64_t left, std::int64_t right) {
        std::int64_t us;
        if (is_infinite(left) || is_infinite(right)) {
          throw_through_duckdb(ErrorCode::DatetimeFieldOverflow, "cannot subtract infinite timestamps");
        }
        if (__builtin_sub_overflow(left, right, &us)) interval_out_of_range();
        interval_t difference;
        difference.months = 0;
        difference.days = static_cast<std::int32_t>(us / kMicrosPerDay);
        difference.micros = us % kMicrosPerDay;
        return difference;
      });
}

template <bool is_subtraction>
void interval_sum_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<interval_t, interval_t, interval_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](const interval_t& left, const interval_t& right) {
        const interval_t other = is_subtraction ? negated(right) : right;
        interval_t sum;
        if (__builtin_add_overflow(left.months, other.months, &sum.months) ||
            __builtin_add_overflow(left.days, other.days, &sum.days) ||
            __builtin_add_overflow(left.micros, other.micros, &sum.micros)) {
          interval_out_of_range();
        }
        return sum;
      });
}

double rounded_to_micros(double value) { return std::rint(value * 1e6) / 1e6; }

}  // namespace

interval_t scaled_interval(const interval_t& value, double factor) {
  const double months = value.months * factor;
  const double days = value.days * factor;
  if (!(std::fabs(months) <= INT32_MAX) || !(std::fabs(days) <= INT32_MAX)) interval_out_of_range();
  interval_t result;
  result.months = static_cast<std::int32_t>(months);
  result.days = static_cast<std::int32_t>(days);
  // What is left of months becomes days of a month of 30, what is left of days becomes time.
  const double month_days = rounded_to_micros((months - result.months) * 30);
  double seconds =
      rounded_to_micros((days - result.days + month_days - static_cast<int>(month_days)) * 86400);
  if (std::fabs(seconds) >= 86400) {
    result.days += static_cast<int>(seconds / 86400);
    seconds -= static_cast<int>(seconds / 86400) * 86400;
  }
  result.days += static_cast<int>(month_days);
  const double micros = std::rint(static_cast<double>(value.micros) * factor + seconds * 1e6);
  if (!(std::fabs(micros) < 9.2e18)) interval_out_of_range();
  result.micros = static_cast<std::int64_t>(micros);
  return result;
}

namespace {

void interval_times_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<interval_t, double, interval_t>(arguments.data[0], arguments.data[1], result,
                                                          arguments.size(), scaled_interval);
}
void times_interval_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<double, interval_t, interval_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](double factor, const interval_t& value) { return scaled_interval(value, factor); });
}
void interval_divide_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<interval_t, double, interval_t>(arguments.data[0], arguments.data[1], result,
                                                          arguments.size(),
                                                          [](const interval_t& value, double divisor) {
                                                            if (divisor == 0) throw_division_by_zero();
                                                            return scaled_interval(value, 1 / divisor);
                                                          });
}

template <bool is_subtraction, bool number_first>
void date_days_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int32_t, std::int32_t, std::int32_t>(
      arguments.data[number_first ? 1 : 0], arguments.data[number_first ? 0 : 1], result, arguments.size(),
      [](std::int32_t date, std::int32_t days) {
        if (is_infinite_date(date)) return date;
        std::int32_t moved;
        const bool overflow = is_subtraction ? __builtin_sub_overflow(date, days, &moved)
                                             : __builtin_add_overflow(date, days, &moved);
        if (overflow || is_infinite_date(moved)) {
          throw_through_duckdb(ErrorCode::DatetimeFieldOverflow, "date out of range");
        }
        return moved;
      });
}

void date_difference_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int32_t, std::int32_t, std::int32_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](std::int32_t left, std::int32_t right) {
        if (is_infinite_date(left) || is_infinite_date(right)) {
          throw_through_duckdb(ErrorCode::DatetimeFieldOverflow, "cannot subtract infinite dates");
        }
        return left - right;
      });
}

template <bool time_first>
void date_time_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int32_t, std::int64_t, std::int64_t>(
      arguments.data[time_first ? 1 : 0], arguments.data[time_first ? 0 : 1], result, arguments.size(),
      [](std::int32_t date, std::int64_t time) { return date * kMicrosPerDay + time; });
}

template <bool is_subtraction>
void time_interval_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int64_t, interval_t, std::int64_t>(
      arguments.data[0], arguments.data[1], result, arguments.size(),
      [](std::int64_t time, const interval_t& interval) {
        const std::int64_t part = interval.micros % kMicrosPerDay;
        const std::int64_t moved = is_subtraction ? time - part : time + part;
        return ((moved % kMicrosPerDay) + kMicrosPerDay) % kMicrosPerDay;
      });
}

void time_difference_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  BinaryExecutor::Execute<std::int64_t, std::int64_t, interval_t>(arguments.data[0], arguments.data[1],
                                                                  result, arguments.size(),
                                                                  [](std::int64_t left, std::int64_t right) {
                                                                    interval_t difference;
                                                                    difference.months = 0;
                                                                    difference.days = 0;
                                                                    difference.micros = left - right;
                                                                    return difference;
                                                                  });
}

bool is_time_type(LogicalTypeId id) {
  return id == LogicalTypeId::DATE || id == LogicalTypeId::TIMESTAMP || id == LogicalTypeId::TIMESTAMP_TZ ||
         id == LogicalTypeId::TIME || id == LogicalTypeId::INTERVAL;
}

}  // namespace

std::optional<duckdb::unique_ptr<duckdb::FunctionData>> bind_time_operator(
    duckdb::ClientContext&, const std::string& name, ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<Expression>>& arguments) {
  LogicalTypeId left = arguments[0]->return_type.id();
  LogicalTypeId right = arguments[1]->return_type.id();
  if (!is_time_type(left) && !is_time_type(right)) return std::nullopt;
  const bool is_plus = name == "+";
  const bool is_minus = name == "-";
  // The type of an untyped side: what is added to a time is an interval, what is taken from one is its like.
  const auto untyped = [&](LogicalTypeId other) {
    if (name == "*" || name == "/") return LogicalTypeId::DOUBLE;
    if (other == LogicalTypeId::INTERVAL) return LogicalTypeId::INTERVAL;
    return is_plus ? LogicalTypeId::INTERVAL : other;
  };
  if (is_untyped(*arguments[0])) left = untyped(right);
  if (is_untyped(*arguments[1])) right = untyped(left);

  const auto use = [&](duckdb::scalar_function_t loop, const LogicalType& a, const LogicalType& b,
                       const LogicalType& result) {
    function.function = std::move(loop);
    set_types(function, {a, b}, result);
    return duckdb::unique_ptr<duckdb::FunctionData>();
  };
  using Id = LogicalTypeId;
  const LogicalType interval = LogicalType::INTERVAL;
  const bool left_number = number_kind(left) != NumberKind::None;
  const bool right_number = number_kind(right) != NumberKind::None;

  if (left == Id::INTERVAL && right == Id::INTERVAL) {
    if (is_plus) return use(interval_sum_loop<false>, interval, interval, interval);
    if (is_minus) return use(interval_sum_loop<true>, interval, interval, interval);
  }
  if (left == Id::INTERVAL && right_number) {
    if (name == "*") return use(interval_times_loop, interval, LogicalType::DOUBLE, interval);
    if (name == "/") return use(interval_divide_loop, interval, LogicalType::DOUBLE, interval);
  }
  if (left_number && right == Id::INTERVAL && name == "*") {
    return use(times_interval_loop, LogicalType::DOUBLE, interval, interval);
  }
  if (left == Id::DATE && right == Id::DATE && is_minus) {
    return use(date_difference_loop, LogicalType::DATE, LogicalType::DATE, LogicalType::INTEGER);
  }
  const auto is_day_count = [](Id id) {
    return id == Id::INTEGER || id == Id::SMALLINT || id == Id::TINYINT;
  };
  if (left == Id::DATE && is_day_count(right)) {
    if (is_plus)
      return use(date_days_loop<false, false>, LogicalType::DATE, LogicalType::INTEGER, LogicalType::DATE);
    if (is_minus)
      return use(date_days_loop<true, false>, LogicalType::DATE, LogicalType::INTEGER, LogicalType::DATE);
  }
  if (is_day_count(left) && right == Id::DATE && is_plus) {
    return use(date_days_loop<false, true>, LogicalType::INTEGER, LogicalType::DATE, LogicalType::DATE);
  }
  if (left == Id::DATE && right == Id::TIME && is_plus) {
    return use(date_time_loop<false>, LogicalType::DATE, LogicalType::TIME, LogicalType::TIMESTAMP);
  }
  if (left == Id::TIME && right == Id::DATE && is_plus) {
    return use(date_time_loop<true>, LogicalType::TIME, LogicalType::DATE, LogicalType::TIMESTAMP);
  }
  if (left == Id::TIME && right == Id::INTERVAL) {
    if (is_plus) return use(time_interval_loop<false>, LogicalType::TIME, interval, LogicalType::TIME);
    if (is_minus) return use(time_interval_loop<true>, LogicalType::TIME, interval, LogicalType::TIME);
  }
  if (left == Id::TIME && right == Id::TIME && is_minus) {
    return use(time_difference_loop, LogicalType::TIME, LogicalType::TIME, interval);
  }
  const bool left_instant = left == Id::DATE || left == Id::TIMESTAMP || left == Id::TIMESTAMP_TZ;
  const bool right_instant = right == Id::DATE || right == Id::TIMESTAMP || right == Id::TIMESTAMP_TZ;
  if (left_instant && right == Id::INTERVAL && (is_plus || is_minus)) {
    if (left == Id::TIMESTAMP_TZ) {
      const LogicalType type = LogicalType::TIMESTAMP_TZ;
      return is_plus ? use(timestamp_interval_loop<false, true, false>, type, interval, type)
                     : use(timestamp_interval_loop<true, true, false>, type, interval, type);
    }
    const LogicalType type = LogicalType::TIMESTAMP;
    return is_plus ? use(timestamp_interval_loop<false, false, false>, type, interval, type)
                   : use(timestamp_interval_loop<true, false, false>, type, interval, type);
  }
  if (left == Id::INTERVAL && right_instant && is_plus) {
    const bool has_zone = right == Id::TIMESTAMP_TZ;
    const LogicalType type = has_zone ? LogicalType::TIMESTAMP_TZ : LogicalType::TIMESTAMP;
    return has_zone ? use(timestamp_interval_loop<false, true, true>, interval, type, type)
                    : use(timestamp_interval_loop<false, false, true>, interval, type, type);
  }
  if (left_instant && right_instant && is_minus) {
    const bool has_zone = left == Id::TIMESTAMP_TZ || right == Id::TIMESTAMP_TZ;
    const LogicalType type = has_zone ? LogicalType::TIMESTAMP_TZ : LogicalType::TIMESTAMP;
    return use(timestamp_difference_loop, type, type, interval);
  }
  throw_no_operator(name, arguments[0]->return_type, arguments[1]->return_type);
}

}  // namespace tickstone::duck
