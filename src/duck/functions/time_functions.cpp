// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "duck/functions/date_fields.hpp"
#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"
#include "duck/session_state.hpp"
#include "types/time_bucket.hpp"

// date_trunc, date_part, age, timezone and their like, with PostgreSQL's calendar rules.

namespace tickstone::duck {

namespace {

using duckdb::BinaryExecutor;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::interval_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::Vector;

const TimeZone& zone_of(ExpressionState& state) { return SessionState::of(state.GetContext()).zone(); }

bool is_infinite(std::int64_t us) { return us == kTimestampInfinity || us == kTimestampNegInfinity; }

DateField field_named(std::string_view name, const char* type) {
  const auto field = find_date_field(name);
  if (!field) {
    throw Error(ErrorCode::InvalidParameterValue,
                "unit \"" + std::string(name) + "\" not recognized for type " + type);
  }
  return *field;
}

const TimeZone& zone_named(std::string_view name) {
  const TimeZone* zone = find_time_zone(name);
  if (zone == nullptr) {
    throw Error(ErrorCode::InvalidParameterValue, "time zone \"" + std::string(name) + "\" not recognized");
  }
  return *zone;
}

/// Calls `body(field, value)` per row; the field is looked up once where it is constant.
template <typename In, typename Out, typename Body>
void with_field(DataChunk& arguments, Vector& result, const char* type, Body body) {
  through_duckdb([&] {
    if (arguments.data[0].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR &&
        !duckdb::ConstantVector::IsNull(arguments.data[0])) {
      const DateField field =
          field_named(view_of(*duckdb::ConstantVector::GetData<string_t>(arguments.data[0])), type);
      duckdb::UnaryExecutor::Execute<In, Out>(arguments.data[1], result, arguments.size(),
                                              [&](const In& value) { return body(field, value); });
      return;
    }
    BinaryExecutor::Execute<string_t, In, Out>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](string_t name, const In& value) { return body(field_named(view_of(name), type), value); });
  });
}

constexpr const char* kTimestampName = "timestamp without time zone";
constexpr const char* kTimestampTzName = "timestamp with time zone";

void truncate_timestamp(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<std::int64_t, std::int64_t>(
      arguments, result, kTimestampName,
      [](DateField field, std::int64_t us) { return is_infinite(us) ? us : truncate_local(field, us); });
}

void truncate_timestamptz(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const TimeZone& zone = zone_of(state);
  with_field<std::int64_t, std::int64_t>(arguments, result, kTimestampTzName,
                                         [&](DateField field, std::int64_t us) {
                                           return is_infinite(us) ? us : truncate_in_zone(field, us, zone);
                                         });
}

void truncate_in_named_zone(DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::TernaryExecutor::Execute<string_t, std::int64_t, string_t, std::int64_t>(
        arguments.data[0], arguments.data[1], arguments.data[2], result, arguments.size(),
        [](string_t name, std::int64_t us, string_t zone) {
          return is_infinite(us) ? us
                                 : truncate_in_zone(field_named(view_of(name), kTimestampTzName), us,
                                                    zone_named(view_of(zone)));
        });
  });
}

void truncate_interval_rows(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<interval_t, interval_t>(
      arguments, result, "interval", [](DateField field, const interval_t& value) {
        return to_duck_interval(pack_interval(truncate_interval(field, from_duck_interval(value))));
      });
}

/// Of an infinite time: infinite for fields that grow without end.
double part_of_infinity(DateField field, bool is_negative) {
  switch (field) {
    case DateField::Year:
    case DateField::Decade:
    case DateField::Century:
    case DateField::Millennium:
    case DateField::Julian:
    case DateField::IsoYear:
    case DateField::Epoch:
      return is_negative ? -HUGE_VAL : HUGE_VAL;
    default:
      return std::nan("");
  }
}

void part_of_timestamp(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<std::int64_t, double>(arguments, result, kTimestampName, [](DateField field, std::int64_t us) {
    return is_infinite(us) ? part_of_infinity(field, us < 0) : date_part(field, us, 0, false);
  });
}

void part_of_timestamptz(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const TimeZone& zone = zone_of(state);
  const bool is_utc = zone.is_utc();
  with_field<std::int64_t, double>(arguments, result, kTimestampTzName,
                                   [&](DateField field, std::int64_t us) {
                                     if (is_infinite(us)) return part_of_infinity(field, us < 0);
                                     const std::int32_t offset = is_utc ? 0 : zone.offset_seconds_at_utc(us);
                                     return date_part(field, us + offset * kMicrosPerSecond, offset, true);
                                   });
}

void part_of_date(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<std::int32_t, double>(arguments, result, "date", [](DateField field, std::int32_t days) {
    if (days == kDateInfinity || days == kDateNegInfinity) return part_of_infinity(field, days < 0);
    return date_part(field, days * kMicrosPerDay, 0, false);
  });
}

void part_of_time(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<std::int64_t, double>(arguments, result, "time without time zone",
                                   [](DateField field, std::int64_t us) { return time_part(field, us); });
}

void part_of_interval(DataChunk& arguments, ExpressionState&, Vector& result) {
  with_field<interval_t, double>(arguments, result, "interval", [](DateField field, const interval_t& value) {
    return date_part(field, from_duck_interval(value));
  });
}

/// DuckDB's optimizer rewrites calls of date_part and date_trunc by name, to functions with other results.
duckdb::unique_ptr<duckdb::FunctionData> bind_under_other_name(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  if (!function.name.starts_with("pg_")) function.name = "pg_" + function.name;
  return nullptr;
}

/// A date is an instant at its midnight: the result has a zone.
duckdb::unique_ptr<duckdb::FunctionData> bind_date_as_instant(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  function.arguments[1] = LogicalType::TIMESTAMP_TZ;
  if (!function.name.starts_with("pg_")) function.name = "pg_" + function.name;
  return nullptr;
}

/// Under the other name, too: DuckDB looks it up when it copies a plan.
void register_fields(FunctionCatalog& catalog) {
  for (const char* name : {"date_trunc", "pg_date_trunc"})
    ScalarBuilder(name)
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::DATE},
                   LogicalType::TIMESTAMP_TZ,
                   truncate_timestamptz,
                   bind_date_as_instant})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIMESTAMP},
                   LogicalType::TIMESTAMP,
                   truncate_timestamp,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ},
                   LogicalType::TIMESTAMP_TZ,
                   truncate_timestamptz,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ, LogicalType::VARCHAR},
                   LogicalType::TIMESTAMP_TZ,
                   truncate_in_named_zone,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::INTERVAL},
                   LogicalType::INTERVAL,
                   truncate_interval_rows,
                   bind_under_other_name})
        .replace_in(catalog);
  for (const char* name : {"date_part", "pg_date_part"})
    ScalarBuilder(name)
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIMESTAMP},
                   LogicalType::DOUBLE,
                   part_of_timestamp,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ},
                   LogicalType::DOUBLE,
                   part_of_timestamptz,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::DATE},
                   LogicalType::DOUBLE,
                   part_of_date,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::TIME},
                   LogicalType::DOUBLE,
                   part_of_time,
                   bind_under_other_name})
        .overload({"",
                   {LogicalType::VARCHAR, LogicalType::INTERVAL},
                   LogicalType::DOUBLE,
                   part_of_interval,
                   bind_under_other_name})
        .replace_in(catalog);
}

/// AT TIME ZONE: an instant as a zone's wall time, and back.
void register_timezone(FunctionCatalog& catalog) {
  ScalarBuilder builder("timezone");
  builder.overload({"",
                    {LogicalType::VARCHAR, LogicalType::TIMESTAMP_TZ},
                    LogicalType::TIMESTAMP,
                    [](DataChunk& arguments, ExpressionState&, Vector& result) {
                      through_duckdb([&] {
                        BinaryExecutor::Execute<string_t, std::int64_t, std::int64_t>(
                            arguments.data[0], arguments.data[1], result, arguments.size(),
                            [](string_t name, std::int64_t us) {
                              if (is_infinite(us)) return us;
                              return us +
                                     zone_named(view_of(name)).offset_seconds_at_utc(us) * kMicrosPerSecond;
                            });
                      });
                    }});
  builder.overload({"",
                    {LogicalType::VARCHAR, LogicalType::TIMESTAMP},
                    LogicalType::TIMESTAMP_TZ,
                    [](DataChunk& arguments, ExpressionState&, Vector& result) {
                      through_duckdb([&] {
                        BinaryExecutor::Execute<string_t, std::int64_t, std::int64_t>(
                            arguments.data[0], arguments.data[1], result, arguments.size(),
                            [](string_t name, std::int64_t us) {
                              return is_infinite(us) ? us : zone_named(view_of(name)).to_utc_us(us);
                            });
                      });
                    }});
  // A zone given as an offset.
  builder.overload({"",
                    {LogicalType::INTERVAL, LogicalType::TIMESTAMP_TZ},
                    LogicalType::TIMESTAMP,
                    [](DataChunk& arguments, ExpressionState&, Vector& result) {
                      BinaryExecutor::Execute<interval_t, std::int64_t, std::int64_t>(
                          arguments.data[0], arguments.data[1], result, arguments.size(),
                          [](const interval_t& offset, std::int64_t us) {
                            return is_infinite(us) ? us : us + offset.micros;
                          });
                    }});
  builder.overload({"",
                    {LogicalType::INTERVAL, LogicalType::TIMESTAMP},
                    LogicalType::TIMESTAMP_TZ,
                    [](DataChunk& arguments, ExpressionState&, Vector& result) {
                      BinaryExecutor::Execute<interval_t, std::int64_t, std::int64_t>(
                          arguments.data[0], arguments.data[1], result, arguments.size(),
                          [](const interval_t& offset, std::int64_t us) {
                            return is_infinite(us) ? us : us - offset.micros;
                          });
                    }});
  builder.replace_in(catalog);
}

std::int64_t us_of(const duckdb::Value& value) { return value.GetValueUnsafe<std::int64_t>(); }

duckdb::Value interval_value(const IntervalValue& interval) {
  return duckdb::Value::INTERVAL(to_duck_interval(pack_interval(interval)));
}

IntervalValue interval_of(const duckdb::Value& value) {
  return from_duck_interval(value.GetValueUnsafe<interval_t>());
}

/// Days of 24 hours out of hours, or months of 30 days out of days, with one sign throughout.
IntervalValue justified_hours(IntervalValue value) {
  value.days += static_cast<std::int32_t>(value.micros / kMicrosPerDay);
  value.micros %= kMicrosPerDay;
  if (value.days > 0 && value.micros < 0) {
    value.micros += kMicrosPerDay;
    --value.days;
  } else if (value.days < 0 && value.micros > 0) {
    value.micros -= kMicrosPerDay;
    ++value.days;
  }
  return value;
}

IntervalValue justified_days(IntervalValue value) {
  value.months += value.days / 30;
  value.days %= 30;
  if (value.months > 0 && value.days < 0) {
    value.days += 30;
    --value.months;
  } else if (value.months < 0 && value.days > 0) {
    value.days -= 30;
    ++value.months;
  }
  return value;
}

/// Hours become days and days months, then all three get one sign.
IntervalValue justified(IntervalValue value) {
  value.days += static_cast<std::int32_t>(value.micros / kMicrosPerDay);
  value.micros %= kMicrosPerDay;
  value.months += value.days / 30;
  value.days %= 30;
  if (value.months > 0 && (value.days < 0 || (value.days == 0 && value.micros < 0))) {
    value.days += 30;
    --value.months;
  } else if (value.months < 0 && (value.days > 0 || (value.days == 0 && value.micros > 0))) {
    value.days -= 30;
    ++value.months;
  }
  if (value.days > 0 && value.micros < 0) {
    value.micros += kMicrosPerDay;
    --value.days;
  } else if (value.days < 0 && value.micros > 0) {
    value.micros -= kMicrosPerDay;
    ++value.days;
  }
  return value;
}

std::int64_t timestamp_from_epoch(double seconds) {
  if (std::isnan(seconds)) throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp cannot be NaN");
  if (std::isinf(seconds)) return seconds > 0 ? kTimestampInfinity : kTimestampNegInfinity;
  const double us = std::rint(seconds * 1e6);
  if (us < -2.108668032e17 || us >= 9.2233713312e18) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  return static_cast<std::int64_t>(us);
}

std::int64_t time_from_parts(std::int64_t hour, std::int64_t minute, double second) {
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second <= 60)) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "time field value out of range");
  }
  return (hour * 60 + minute) * 60 * kMicrosPerSecond + std::llrint(second * 1e6);
}

std::int32_t date_from_parts(std::int32_t year, std::int32_t month, std::int32_t day) {
  if (year < 0) ++year;  // -1 is 1 BC
  const bool is_possible =
      month >= 1 && month <= 12 && day >= 1 && day <= 31 && year >= -4713 && year < 294277;
  const std::int32_t days = is_possible ? days_from_civil({year, month, day}) : 0;
  const CivilDate back = civil_from_days(days);
  if (!is_possible || back.month != month || back.day != day) {
    throw Error(ErrorCode::DatetimeFieldOverflow,
                fmt::format("date field value out of range: {}-{:02}-{:02}", year, month, day));
  }
  return days;
}

std::int64_t timestamp_from_parts(const std::vector<duckdb::Value>& values) {
  const auto number = [&](std::size_t i) { return values[i].GetValue<std::int32_t>(); };
  return date_from_parts(number(0), number(1), number(2)) * kMicrosPerDay +
         time_from_parts(number(3), number(4), values[5].GetValue<double>());
}

void register_making(FunctionCatalog& catalog) {
  const LogicalType integer = LogicalType::INTEGER;
  const LogicalType number = LogicalType::DOUBLE;
  ScalarBuilder("make_date")
      .boxed({integer, integer, integer}, LogicalType::DATE,
             [](const auto& values, auto&) {
               return duckdb::Value::DATE(duckdb::date_t(date_from_parts(
                   values[0].template GetValue<std::int32_t>(), values[1].template GetValue<std::int32_t>(),
                   values[2].template GetValue<std::int32_t>())));
             })
      .replace_in(catalog);
  ScalarBuilder("make_time")
      .boxed({integer, integer, number}, LogicalType::TIME,
             [](const auto& values, auto&) {
               return duckdb::Value::TIME(duckdb::dtime_t(time_from_parts(
                   values[0].template GetValue<std::int32_t>(), values[1].template GetValue<std::int32_t>(),
                   values[2].template GetValue<double>())));
             })
      .replace_in(catalog);
  ScalarBuilder("make_timestamp")
      .boxed({integer, integer, integer, integer, integer, number}, LogicalType::TIMESTAMP,
             [](const auto& values, auto&) {
               return duckdb::Value::TIMESTAMP(duckdb::timestamp_t(timestamp_from_parts(values)));
             })
      .replace_in(catalog);
  ScalarBuilder("make_timestamptz")
      .boxed({integer, integer, integer, integer, integer, number}, LogicalType::TIMESTAMP_TZ,
             [](const auto& values, auto& state) {
               return duckdb::Value::TIMESTAMPTZ(
                   duckdb::timestamp_tz_t(zone_of(state).to_utc_us(timestamp_from_parts(values))));
             })
      .boxed({integer, integer, integer, integer, integer, number, LogicalType::VARCHAR},
             LogicalType::TIMESTAMP_TZ,
             [](const auto& values, auto&) {
               const TimeZone& zone = zone_named(duckdb::StringValue::Get(values[6]));
               return duckdb::Value::TIMESTAMPTZ(
                   duckdb::timestamp_tz_t(zone.to_utc_us(timestamp_from_parts(values))));
             })
      .replace_in(catalog);
  ScalarBuilder("make_interval")
      .boxed({integer, integer, integer, integer, integer, integer, number}, LogicalType::INTERVAL,
             [](const auto& values, auto&) {
               const auto part = [&](std::size_t i) { return values[i].template GetValue<std::int32_t>(); };
               IntervalValue interval;
               interval.months = part(0) * 12 + part(1);
               interval.days = part(2) * 7 + part(3);
               interval.micros = (part(4) * std::int64_t{60} + part(5)) * 60 * kMicrosPerSecond +
                                 std::llrint(values[6].template GetValue<double>() * 1e6);
               return interval_value(interval);
             })
      .replace_in(catalog);
  ScalarBuilder("to_timestamp")
      .boxed({number}, LogicalType::TIMESTAMP_TZ,
             [](const auto& values, auto&) {
               return duckdb::Value::TIMESTAMPTZ(
                   duckdb::timestamp_tz_t(timestamp_from_epoch(values[0].template GetValue<double>())));
             })
      .replace_in(catalog);
}

void register_age(FunctionCatalog& catalog) {
  const auto age = [](const auto& values, auto& state) {
    std::int64_t later = us_of(values[0]);
    std::int64_t earlier = us_of(values[1]);
    if (is_infinite(later) || is_infinite(earlier)) {
      throw Error(ErrorCode::DatetimeFieldOverflow, "interval out of range");
    }
    if (values[0].type().id() == duckdb::LogicalTypeId::TIMESTAMP_TZ) {
      const TimeZone& zone = zone_of(state);
      later += zone.offset_seconds_at_utc(later) * kMicrosPerSecond;
      earlier += zone.offset_seconds_at_utc(earlier) * kMicrosPerSecond;
    }
    return interval_value(age_between(later, earlier));
  };
  ScalarBuilder("age")
      .boxed({LogicalType::TIMESTAMP, LogicalType::TIMESTAMP}, LogicalType::INTERVAL, age)
      .boxed({LogicalType::TIMESTAMP_TZ, LogicalType::TIMESTAMP_TZ}, LogicalType::INTERVAL, age)
      .replace_in(catalog);
  ScalarBuilder("justify_hours")
      .boxed(
          {LogicalType::INTERVAL}, LogicalType::INTERVAL,
          [](const auto& values, auto&) { return interval_value(justified_hours(interval_of(values[0]))); })
      .replace_in(catalog);
  ScalarBuilder("justify_days")
      .boxed({LogicalType::INTERVAL}, LogicalType::INTERVAL,
             [](const auto& values, auto&) { return interval_value(justified_days(interval_of(values[0]))); })
      .replace_in(catalog);
  ScalarBuilder("justify_interval")
      .boxed({LogicalType::INTERVAL}, LogicalType::INTERVAL,
             [](const auto& values, auto&) { return interval_value(justified(interval_of(values[0]))); })
      .replace_in(catalog);
}

/// Microseconds that EXTRACT(epoch) gives an interval: a year has 365.25 days, a month 30.
void epoch_of_interval(DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<interval_t, std::int64_t>(
        arguments.data[0], result, arguments.size(), [](const interval_t& value) {
          const Int128 days =
              value.months / 12 * Int128{36525} + value.months % 12 * Int128{3000} + value.days * Int128{100};
          const Int128 us = days * (kMicrosPerDay / 100) + value.micros;
          if (us > INT64_MAX || us < INT64_MIN)
            throw Error(ErrorCode::DatetimeFieldOverflow, "interval out of range");
          return static_cast<std::int64_t>(us);
        });
  });
}

void register_isfinite(FunctionCatalog& catalog) {
  ScalarBuilder("pg_interval_span")
      .overload({"",
                 {LogicalType::INTERVAL},
                 LogicalType::HUGEINT,
                 [](DataChunk& arguments, ExpressionState&, Vector& result) {
                   duckdb::UnaryExecutor::Execute<interval_t, duckdb::hugeint_t>(
                       arguments.data[0], result, arguments.size(), [](const interval_t& value) {
                         const Int128 days = value.months * Int128{30} + value.days;
                         return to_hugeint(days * kMicrosPerDay + value.micros);
                       });
                 }})
      .replace_in(catalog);
  ScalarBuilder("pg_interval_us")
      .overload({"", {LogicalType::INTERVAL}, LogicalType::BIGINT, epoch_of_interval})
      .replace_in(catalog);
  const auto moment = [](const auto& values, auto&) {
    return duckdb::Value::BOOLEAN(!is_infinite(us_of(values[0])));
  };
  ScalarBuilder("pg_isfinite")
      .boxed({LogicalType::TIMESTAMP}, LogicalType::BOOLEAN, moment)
      .boxed({LogicalType::TIMESTAMP_TZ}, LogicalType::BOOLEAN, moment)
      .boxed({LogicalType::DATE}, LogicalType::BOOLEAN,
             [](const auto& values, auto&) {
               const auto days = values[0].template GetValueUnsafe<duckdb::date_t>().days;
               return duckdb::Value::BOOLEAN(days != kDateInfinity && days != kDateNegInfinity);
             })
      .boxed({LogicalType::INTERVAL}, LogicalType::BOOLEAN,
             [](const auto&, auto&) { return duckdb::Value::BOOLEAN(true); })
      .replace_in(catalog);
}

/// date_bin(stride, time, origin): a fixed stride only.
void register_date_bin(FunctionCatalog& catalog) {
  ScalarBuilder builder("date_bin");
  for (const LogicalType& type :
       duckdb::vector<LogicalType>{LogicalType::TIMESTAMP, LogicalType::TIMESTAMP_TZ}) {
    builder.boxed({LogicalType::INTERVAL, type, type}, type, [type](const auto& values, auto&) {
      const IntervalValue stride = interval_of(values[0]);
      if (stride.months != 0) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "timestamps cannot be binned into intervals containing months or years");
      }
      const std::int64_t width = stride.days * kMicrosPerDay + stride.micros;
      if (width <= 0) throw Error(ErrorCode::DatetimeFieldOverflow, "stride must be greater than zero");
      const std::int64_t us = us_of(values[1]);
      const std::int64_t start = is_infinite(us) ? us : bucket_start(us, width, us_of(values[2]));
      duckdb::Value value = duckdb::Value::TIMESTAMP(duckdb::timestamp_t(start));
      value.Reinterpret(type);
      return value;
    });
  }
  builder.replace_in(catalog);
}

}  // namespace

void register_time_functions(FunctionCatalog& catalog) {
  register_fields(catalog);
  register_timezone(catalog);
  register_making(catalog);
  register_age(catalog);
  register_date_bin(catalog);
  register_isfinite(catalog);
}

}  // namespace tickstone::duck
