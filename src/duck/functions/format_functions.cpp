// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/number_format.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/functions/time_format.hpp"
#include "duck/functions/wide_functions.hpp"
#include "duck/logical_types.hpp"
#include "duck/session_state.hpp"

// to_char, to_number, to_date and to_timestamp.

namespace tickstone::duck {

namespace {

using duckdb::ExpressionState;
using duckdb::LogicalType;
using Arguments = std::vector<duckdb::Value>;

const std::string& text_of(const duckdb::Value& value) { return duckdb::StringValue::Get(value); }
duckdb::Value text_value(std::string text) { return duckdb::Value(std::move(text)); }
const TimeZone& zone_of(ExpressionState& state) { return SessionState::of(state.GetContext()).zone(); }
bool is_infinite(std::int64_t us) { return us == kTimestampInfinity || us == kTimestampNegInfinity; }

/// The number as `digits` after the point, without its sign.
duckdb::Value print_decimal(const NumberFormat& format, Decimal number) {
  if (format.is_exponential()) {
    const bool is_negative = number.unscaled < 0;
    const Int128 absolute = is_negative ? -number.unscaled : number.unscaled;
    std::string digits;
    append_decimal(digits, absolute, 0);
    int exponent = absolute == 0 ? 0 : static_cast<int>(digits.size()) - 1 - number.scale;
    // Rounded to the digits wanted; a carry makes the number one digit longer.
    const auto rounded = numeric_round({absolute, static_cast<std::uint8_t>(number.scale)},
                                       format.fraction_digits() - exponent);
    std::string kept;
    if (rounded) append_decimal(kept, trimmed(*rounded).unscaled, 0);
    if (absolute != 0 && rounded) {
      const Decimal at = *rounded;
      std::string all;
      append_decimal(all, at.unscaled, 0);
      exponent = static_cast<int>(all.size()) - 1 - at.scale;
      kept = all;
    }
    kept.resize(static_cast<std::size_t>(format.fraction_digits()) + 1, '0');
    std::string text = kept.substr(0, 1);
    if (format.fraction_digits() > 0) text += "." + kept.substr(1);
    text += fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    return text_value(format.print(std::move(text), is_negative));
  }
  for (int i = 0; i < format.shift(); ++i) {
    if (number.scale > 0) {
      --number.scale;
    } else if (__builtin_mul_overflow(number.unscaled, Int128{10}, &number.unscaled)) {
      throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
    }
  }
  const auto rounded = numeric_round(number, format.is_roman() ? 0 : format.fraction_digits());
  if (!rounded) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  const bool is_negative = rounded->unscaled < 0;
  std::string text;
  append_decimal(text, rounded->unscaled < 0 ? -rounded->unscaled : rounded->unscaled, rounded->scale);
  return text_value(format.print(std::move(text), is_negative));
}

/// A float has no more than 15 digits to show.
duckdb::Value print_double(const NumberFormat& format, double number, int most_digits) {
  if (!std::isfinite(number))
    return text_value(std::isnan(number) ? " NaN" : number > 0 ? " Infinity" : "-Infinity");
  const bool is_negative = std::signbit(number) && number != 0;
  if (format.is_exponential())
    return text_value(
        format.print(fmt::format("{:.{}e}", std::fabs(number), format.fraction_digits()), is_negative));
  number = std::fabs(number) * std::pow(10.0, format.shift());
  if (format.is_roman())
    return text_value(format.print(fmt::format("{:.0f}", std::rint(number)), is_negative));
  const int whole_digits = static_cast<int>(fmt::format("{:.0f}", number).size());
  const int places = std::max(0, std::min(format.fraction_digits(), most_digits - whole_digits));
  return text_value(format.print(fmt::format("{:.{}f}", number, places), is_negative));
}

duckdb::Value print_wide(const Arguments& values, ExpressionState&) {
  const auto number = to_decimal(decode_wide(text_of(values[0])));
  if (!number) throw Error(ErrorCode::NumericValueOutOfRange, "to_char of a number of more than 38 digits");
  return print_decimal(NumberFormat(text_of(values[1])), *number);
}

duckdb::Value print_number(const Arguments& values, ExpressionState&) {
  const NumberFormat format(text_of(values[1]));
  switch (values[0].type().id()) {
    case duckdb::LogicalTypeId::FLOAT:
      return print_double(format, values[0].GetValueUnsafe<float>(), 6);
    case duckdb::LogicalTypeId::DOUBLE:
      return print_double(format, values[0].GetValueUnsafe<double>(), 15);
    default: {
      const Value number = from_duck(values[0]);
      return print_decimal(format, {number.integer, number.scale});
    }
  }
}

duckdb::Value print_local(const Arguments& values, ExpressionState&) {
  const auto us = values[0].GetValueUnsafe<std::int64_t>();
  if (is_infinite(us) || text_of(values[1]).empty()) return duckdb::Value();
  return text_value(print_time(parse_time_template(text_of(values[1])), parts_of_local(us)));
}

duckdb::Value print_instant(const Arguments& values, ExpressionState& state) {
  const auto us = values[0].GetValueUnsafe<std::int64_t>();
  if (is_infinite(us) || text_of(values[1]).empty()) return duckdb::Value();
  const TimeZone& zone = zone_of(state);
  const std::int32_t offset = zone.offset_seconds_at_utc(us);
  TimeParts parts = parts_of_local(us + offset * kMicrosPerSecond);
  parts.has_zone = true;
  parts.offset_seconds = offset;
  parts.zone_name = zone.abbreviation_at_utc(us);
  return text_value(print_time(parse_time_template(text_of(values[1])), parts));
}

duckdb::Value print_interval(const Arguments& values, ExpressionState&) {
  if (text_of(values[1]).empty()) return duckdb::Value();
  const IntervalValue interval = from_duck_interval(values[0].GetValueUnsafe<duckdb::interval_t>());
  return text_value(print_time(parse_time_template(text_of(values[1])), parts_of_interval(interval)));
}

/// A function of any DECIMAL, whatever its digits.
duckdb::ScalarFunction of_decimal(const char* name, duckdb::vector<LogicalType> arguments,
                                  const LogicalType& result,
                                  duckdb::Value (*body)(const Arguments&, ExpressionState&)) {
  duckdb::ScalarFunction function(
      name, std::move(arguments), result,
      [body](duckdb::DataChunk& chunk, ExpressionState& state, duckdb::Vector& out) {
        run_boxed(chunk, state, out, body, false);
      },
      [](duckdb::ClientContext&, duckdb::ScalarFunction& bound,
         duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given)
          -> duckdb::unique_ptr<duckdb::FunctionData> {
        if (given[0]->return_type.id() == duckdb::LogicalTypeId::DECIMAL)
          bound.arguments[0] = given[0]->return_type;
        return nullptr;
      });
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  return function;
}

duckdb::Value scale_of_number(const Arguments& values, ExpressionState&) {
  const Value number = from_duck(values[0]);
  return duckdb::Value::INTEGER(trimmed({number.integer, number.scale}).scale);
}

void register_to_char(FunctionCatalog& catalog) {
  const LogicalType text = LogicalType::VARCHAR;
  ScalarBuilder builder("pg_to_char");
  builder.boxed({LogicalType::TIMESTAMP, text}, text, print_local)
      .boxed({LogicalType::TIMESTAMP_TZ, text}, text, print_instant)
      .boxed(
          {LogicalType::DATE, text}, text,
          [](const Arguments& values, ExpressionState& state) -> duckdb::Value {
            // A date is an instant at its midnight.
            const auto days = values[0].GetValueUnsafe<duckdb::date_t>().days;
            if (days == kDateInfinity || days == kDateNegInfinity) return duckdb::Value();
            const std::int64_t us = zone_of(state).to_utc_us(days * kMicrosPerDay);
            return print_instant({duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(us)), values[1]}, state);
          })
      .boxed({LogicalType::INTERVAL, text}, text, print_interval)
      .boxed({LogicalType::TIME, text}, text, [](const Arguments& values, ExpressionState&) {
        IntervalValue interval;
        interval.micros = values[0].GetValueUnsafe<duckdb::dtime_t>().micros;
        return text_value(print_time(parse_time_template(text_of(values[1])), parts_of_interval(interval)));
      });
  for (const auto& type :
       duckdb::vector<LogicalType>{LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT,
                                   LogicalType::HUGEINT, LogicalType::FLOAT, LogicalType::DOUBLE})
    builder.boxed({type, text}, text, print_number);
  builder.boxed({wide_type(), text}, text, print_wide);
  duckdb::ScalarFunctionSet set = builder.take();
  set.AddFunction(
      of_decimal("pg_to_char", {LogicalType(duckdb::LogicalTypeId::DECIMAL), text}, text, print_number));
  catalog.replace(std::move(set));
  catalog.replace(of_decimal("pg_scale", {LogicalType(duckdb::LogicalTypeId::DECIMAL)}, LogicalType::INTEGER,
                             scale_of_number));
}

}  // namespace

void register_format_functions(FunctionCatalog& catalog) {
  register_to_char(catalog);
  const LogicalType text = LogicalType::VARCHAR;
  ScalarBuilder("pg_number_text")
      .boxed({text, text}, text,
             [](const Arguments& values, ExpressionState&) {
               return text_value(NumberFormat(text_of(values[1])).read(text_of(values[0])));
             })
      .replace_in(catalog);
  ScalarBuilder("to_date")
      .boxed({text, text}, LogicalType::DATE,
             [](const Arguments& values, ExpressionState&) {
               return duckdb::Value::DATE(
                   duckdb::date_t(read_time(text_of(values[0]), text_of(values[1])).days));
             })
      .replace_in(catalog);
  ScalarBuilder("to_timestamp")
      .boxed({text, text}, LogicalType::TIMESTAMP_TZ,
             [](const Arguments& values, ExpressionState& state) {
               const ReadTime time = read_time(text_of(values[0]), text_of(values[1]));
               const std::int64_t local_us = time.days * kMicrosPerDay + time.time_us;
               const std::int64_t us = time.offset_seconds
                                           ? local_us - *time.offset_seconds * kMicrosPerSecond
                                           : zone_of(state).to_utc_us(local_us);
               return duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(us));
             })
      .add_to(catalog);
}

}  // namespace tickstone::duck
