// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/json_scan.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/wide_functions.hpp"
#include "duck/result_reader.hpp"
#include "duck/scan_vectors.hpp"
#include "duck/session_state.hpp"
#include "types/candlestick.hpp"
#include "types/json_text.hpp"

// Casts with PostgreSQL's input and output functions. DuckDB asks its list of cast functions from the back,
// so ours stands there and leaves to DuckDB what it does not know.

namespace tickstone::duck {

namespace {

using duckdb::BindCastInput;
using duckdb::BoundCastInfo;
using duckdb::CastFunctionSet;
using duckdb::CastParameters;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::string_t;
using duckdb::unique_ptr;
using duckdb::Vector;

// DuckDB registers casts first come, first served, and its extensions came first; the list itself is private.
template <typename Tag, typename Tag::Member member>
struct Opener {
  friend typename Tag::Member open_member(Tag) { return member; }
};
struct CastFunctionsTag {
  using Member = duckdb::vector<duckdb::BindCastFunction> CastFunctionSet::*;
  friend Member open_member(CastFunctionsTag);
};
template struct Opener<CastFunctionsTag, &CastFunctionSet::bind_functions>;

/// What a cast of ours needs while it runs. The session outlives the plans of its connection.
struct CastData : duckdb::BoundCastData {
  CastData(SessionState* session_in, SqlType type_in) : session(session_in), type(type_in) {}
  SessionState* session;
  SqlType type;  // target of casts from text
  unique_ptr<duckdb::BoundCastData> Copy() const override { return make_uniq<CastData>(session, type); }

  FormatContext context() const { return session != nullptr ? session->format() : FormatContext(); }
};

const CastData& data_of(const CastParameters& parameters) { return parameters.cast_data->Cast<CastData>(); }

/// A row that cannot be cast: an error, or NULL where the cast is only tried.
void fail_row(const Error& error, CastParameters& parameters, Vector& result, idx_t row,
              bool& all_converted) {
  if (parameters.error_message == nullptr) throw_through_duckdb(error);
  if (parameters.error_message->empty()) *parameters.error_message = error.message();
  all_converted = false;
  duckdb::FlatVector::SetNull(result, row, true);
}

/// Runs `convert(source row, result row)` for every row that is not null; the result is flat, or constant
/// where the source is.
template <typename Convert>
bool convert_rows(Vector& source, Vector& result, idx_t count, CastParameters& parameters, Convert convert) {
  const bool is_constant = source.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  const idx_t rows = is_constant ? std::min<idx_t>(count, 1) : count;
  duckdb::UnifiedVectorFormat format;
  source.ToUnifiedFormat(count, format);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  bool all_converted = true;
  for (idx_t row = 0; row < rows; ++row) {
    const auto at = format.sel->get_index(row);
    if (!format.validity.RowIsValid(at)) {
      duckdb::FlatVector::SetNull(result, row, true);
      continue;
    }
    try {
      convert(format, at, row);
    } catch (const Error& error) {
      fail_row(error, parameters, result, row, all_converted);
    }
  }
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  return all_converted;
}

template <typename T>
T* flat(Vector& vector) {
  return reinterpret_cast<T*>(duckdb::FlatVector::GetData(vector));
}

std::string_view text_at(const duckdb::UnifiedVectorFormat& format, idx_t at) {
  const auto& text = reinterpret_cast<const string_t*>(format.data)[at];
  return {text.GetData(), text.GetSize()};
}

// From text.

bool text_to_value(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const CastData& data = data_of(parameters);
  const FormatContext context = data.context();
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    result.SetValue(row, to_duck(parse_value(data.type, text_at(format, at), context)));
  });
}

template <typename T>
bool text_to_fixed(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const CastData& data = data_of(parameters);
  const FormatContext context = data.context();
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const Value value = parse_value(data.type, text_at(format, at), context);
    if constexpr (std::is_floating_point_v<T>) {
      flat<T>(result)[row] = static_cast<T>(value.number);
    } else {
      flat<T>(result)[row] = static_cast<T>(value.integer);
    }
  });
}

[[noreturn]] void throw_field_overflow(int width, int scale) {
  const int whole = width - scale;
  throw Error(ErrorCode::NumericValueOutOfRange, "numeric field overflow",
              fmt::format("A field with precision {}, scale {} must round to an absolute value less than {}.",
                          width, scale, whole == 0 ? "1" : fmt::format("10^{}", whole)));
}

/// Stores a decimal in a DECIMAL vector of any width, rounded to its scale.
void put_decimal(Vector& result, idx_t row, Decimal value) {
  const LogicalType& type = result.GetType();
  const int width = duckdb::DecimalType::GetWidth(type);
  const int scale = duckdb::DecimalType::GetScale(type);
  const auto scaled = rescale(value.unscaled, value.scale, scale);
  if (!scaled || digit_count(*scaled) > width) throw_field_overflow(width, scale);
  switch (type.InternalType()) {
    case duckdb::PhysicalType::INT16:
      flat<std::int16_t>(result)[row] = static_cast<std::int16_t>(*scaled);
      return;
    case duckdb::PhysicalType::INT32:
      flat<std::int32_t>(result)[row] = static_cast<std::int32_t>(*scaled);
      return;
    case duckdb::PhysicalType::INT64:
      flat<std::int64_t>(result)[row] = static_cast<std::int64_t>(*scaled);
      return;
    default:
      flat<duckdb::hugeint_t>(result)[row] = to_hugeint(*scaled);
  }
}

Decimal decimal_of(std::string_view text) {
  const auto value = parse_decimal(text);
  if (!value) {
    throw Error(ErrorCode::InvalidTextRepresentation,
                "invalid input syntax for type numeric: \"" + std::string(text) + "\"");
  }
  return *value;
}

bool text_to_decimal(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    put_decimal(result, row, decimal_of(text_at(format, at)));
  });
}

template <typename T>
bool float_to_decimal(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const T number = reinterpret_cast<const T*>(format.data)[at];
    if (!std::isfinite(number)) {
      throw Error(ErrorCode::NumericValueOutOfRange,
                  std::string("cannot convert ") + (std::isnan(number) ? "NaN" : "infinity") + " to numeric");
    }
    // PostgreSQL's digits: 15 of a double precision, 6 of a real.
    const auto value =
        sizeof(T) == 8 ? decimal_from_double(number) : parse_decimal(fmt::format("{:.6g}", number));
    if (!value) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
    const auto scaled = rescale_exactly(value->unscaled, value->scale, scale_of(result.GetType()));
    if (!scaled || digit_count(*scaled) > duckdb::DecimalType::GetWidth(result.GetType()))
      throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
    put_decimal(result, row, *value);
  });
}

bool text_to_jsonb(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    flat<string_t>(result)[row] =
        duckdb::StringVector::AddString(result, normalize_jsonb(text_at(format, at)));
  });
}

bool text_to_json(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const auto text = text_at(format, at);
    check_json(text);
    flat<string_t>(result)[row] = duckdb::StringVector::AddString(result, text.data(), text.size());
  });
}

bool text_to_candlestick(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    flat<string_t>(result)[row] =
        duckdb::StringVector::AddString(result, normalize_candlestick(text_at(format, at)));
  });
}

/// jsonb's own casts: a number to numbers, a boolean to boolean.
bool jsonb_to_value(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const CastData& data = data_of(parameters);
  const JsonKind wanted = data.type.id == TypeId::Boolean ? JsonKind::Boolean : JsonKind::Number;
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const auto text = text_at(format, at);
    const JsonKind kind = json_kind(text);
    if (kind != wanted) {
      static constexpr const char* kNames[] = {"null", "boolean", "numeric", "string", "array", "object"};
      throw Error(
          ErrorCode::InvalidParameterValue,
          fmt::format("cannot cast jsonb {} to type {}", kNames[static_cast<int>(kind)], to_sql(data.type)));
    }
    if (wanted == JsonKind::Boolean) {
      flat<bool>(result)[row] = json_trimmed(text) == "true";
      return;
    }
    const Decimal number = decimal_of(text);
    if (result.GetType().id() == LogicalTypeId::DECIMAL) {
      if (!rescale_exactly(number.unscaled, number.scale, scale_of(result.GetType())))
        throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
      put_decimal(result, row, number);
    } else if (data.type.id == TypeId::Double || data.type.id == TypeId::Real) {
      result.SetValue(row, duckdb::Value::DOUBLE(to_double(number)).DefaultCastAs(result.GetType()));
    } else {
      const auto whole = rescale(number.unscaled, number.scale, 0);
      const int bits = data.type.id == TypeId::SmallInt ? 15 : data.type.id == TypeId::Integer ? 31 : 63;
      if (!whole || *whole >= Int128{1} << bits || *whole < -(Int128{1} << bits)) {
        throw Error(ErrorCode::NumericValueOutOfRange, to_sql(data.type) + " out of range");
      }
      result.SetValue(
          row, duckdb::Value::BIGINT(static_cast<std::int64_t>(*whole)).DefaultCastAs(result.GetType()));
    }
  });
}

// To text.

bool value_to_text(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return through_duckdb([&] {
    const FormatContext context = data_of(parameters).context();
    const bool is_constant = source.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
    const idx_t rows = is_constant ? std::min<idx_t>(count, 1) : count;
    const Column column = column_from_vector(source, rows, LongNumbers::AsText);
    const ColumnView view = column.view();
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    std::string text;
    for (idx_t row = 0; row < rows; ++row) {
      if (view.is_null(row)) {
        duckdb::FlatVector::SetNull(result, row, true);
        continue;
      }
      text.clear();
      append_text(text, view, row, context);
      flat<string_t>(result)[row] = duckdb::StringVector::AddString(result, text);
    }
    if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    return true;
  });
}

// Between times, in the session's zone.

std::int64_t floor_days(std::int64_t us) { return (us >= 0 ? us : us - (kMicrosPerDay - 1)) / kMicrosPerDay; }
bool is_infinite(std::int64_t us) { return us == kTimestampInfinity || us == kTimestampNegInfinity; }

std::int64_t local_us(std::int64_t utc_us, const TimeZone& zone) {
  if (is_infinite(utc_us) || zone.is_utc()) return utc_us;
  return utc_us + zone.offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
}

std::int32_t date_of(std::int64_t us) {
  if (us == kTimestampInfinity) return kDateInfinity;
  if (us == kTimestampNegInfinity) return kDateNegInfinity;
  return static_cast<std::int32_t>(floor_days(us));
}

std::int64_t midnight_of(std::int32_t days) {
  if (days == kDateInfinity) return kTimestampInfinity;
  if (days == kDateNegInfinity) return kTimestampNegInfinity;
  return days * kMicrosPerDay;
}

const TimeZone& zone_of(const CastParameters& parameters) { return *data_of(parameters).context().zone; }

template <typename From, typename To, typename Convert>
bool convert_times(Vector& source, Vector& result, idx_t count, Convert convert) {
  duckdb::UnaryExecutor::Execute<From, To>(source, result, count, convert);
  return true;
}

bool timestamptz_to_timestamp(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const TimeZone& zone = zone_of(parameters);
  return convert_times<std::int64_t, std::int64_t>(source, result, count,
                                                   [&](std::int64_t us) { return local_us(us, zone); });
}
bool timestamptz_to_date(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const TimeZone& zone = zone_of(parameters);
  return convert_times<std::int64_t, std::int32_t>(
      source, result, count, [&](std::int64_t us) { return date_of(local_us(us, zone)); });
}
bool timestamptz_to_time(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const TimeZone& zone = zone_of(parameters);
  return convert_times<std::int64_t, std::int64_t>(source, result, count, [&](std::int64_t us) {
    const std::int64_t local = local_us(us, zone);
    return local - floor_days(local) * kMicrosPerDay;
  });
}
bool timestamp_to_timestamptz(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const TimeZone& zone = zone_of(parameters);
  return convert_times<std::int64_t, std::int64_t>(source, result, count, [&](std::int64_t us) {
    return is_infinite(us) || zone.is_utc() ? us : zone.to_utc_us(us);
  });
}
bool date_to_timestamptz(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const TimeZone& zone = zone_of(parameters);
  return convert_times<std::int32_t, std::int64_t>(source, result, count, [&](std::int32_t days) {
    const std::int64_t us = midnight_of(days);
    return is_infinite(us) || zone.is_utc() ? us : zone.to_utc_us(us);
  });
}

duckdb::cast_function_t time_cast(LogicalTypeId source, LogicalTypeId target) {
  if (source == LogicalTypeId::TIMESTAMP_TZ) {
    if (target == LogicalTypeId::TIMESTAMP) return timestamptz_to_timestamp;
    if (target == LogicalTypeId::DATE) return timestamptz_to_date;
    if (target == LogicalTypeId::TIME) return timestamptz_to_time;
  }
  if (target == LogicalTypeId::TIMESTAMP_TZ) {
    if (source == LogicalTypeId::TIMESTAMP) return timestamp_to_timestamptz;
    if (source == LogicalTypeId::DATE) return date_to_timestamptz;
  }
  return nullptr;
}

duckdb::cast_function_t cast_from_text(const LogicalType& target) {
  switch (target.id()) {
    case LogicalTypeId::BOOLEAN:
      return text_to_fixed<std::uint8_t>;
    case LogicalTypeId::SMALLINT:
      return text_to_fixed<std::int16_t>;
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::DATE:
      return text_to_fixed<std::int32_t>;
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIMESTAMP_NS:
      return text_to_fixed<std::int64_t>;
    case LogicalTypeId::FLOAT:
      return text_to_fixed<float>;
    case LogicalTypeId::DOUBLE:
      return text_to_fixed<double>;
    case LogicalTypeId::DECIMAL:
      return text_to_decimal;
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::UUID:
    case LogicalTypeId::BLOB:
      return text_to_value;
    case LogicalTypeId::LIST: {
      const auto& child = duckdb::ListType::GetChildType(target);
      const bool is_simple = !child.IsNested() && child.id() != LogicalTypeId::SQLNULL &&
                             child.id() != LogicalTypeId::ANY && child.id() != LogicalTypeId::UNKNOWN;
      return is_simple ? text_to_value : nullptr;
    }
    default:
      return nullptr;
  }
}

bool has_own_text(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::LIST:
    case LogicalTypeId::STRUCT:
      return true;
    default:
      return false;
  }
}

// Numbers of any digits.

template <typename T>
bool number_to_wide(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const LogicalType type = source.GetType();
  const auto scale = static_cast<std::uint8_t>(scale_of(type));
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const T value = reinterpret_cast<const T*>(format.data)[at];
    std::string bytes;
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) {
        throw Error(
            ErrorCode::NumericValueOutOfRange,
            std::string("cannot convert ") + (std::isnan(value) ? "NaN" : "infinity") + " to numeric");
      }
      bytes = encode_wide(parse_wide(fmt::format("{:.{}g}", value, sizeof(T) == 8 ? 15 : 6)));
    } else if constexpr (std::is_same_v<T, duckdb::hugeint_t>) {
      bytes = encode_wide(Decimal{to_int128(value), scale});
    } else {
      bytes = encode_wide(Decimal{value, scale});
    }
    flat<string_t>(result)[row] = duckdb::StringVector::AddStringOrBlob(result, bytes);
  });
}

bool text_to_wide(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    flat<string_t>(result)[row] =
        duckdb::StringVector::AddStringOrBlob(result, encode_wide(parse_wide(text_at(format, at))));
  });
}

bool jsonb_to_wide(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const auto text = text_at(format, at);
    const JsonKind kind = json_kind(text);
    if (kind != JsonKind::Number) {
      static constexpr const char* kNames[] = {"null", "boolean", "numeric", "string", "array", "object"};
      throw Error(ErrorCode::InvalidParameterValue,
                  fmt::format("cannot cast jsonb {} to type numeric", kNames[static_cast<int>(kind)]));
    }
    flat<string_t>(result)[row] =
        duckdb::StringVector::AddStringOrBlob(result, encode_wide(parse_wide(json_trimmed(text))));
  });
}

bool wide_to_number(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const LogicalType type = result.GetType();
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    const WideNumeric number = decode_wide(text_at(format, at));
    switch (type.id()) {
      case LogicalTypeId::DOUBLE:
      case LogicalTypeId::FLOAT: {
        const double value = to_double(number);
        const bool is_double = type.id() == LogicalTypeId::DOUBLE;
        if (std::isinf(is_double ? value : static_cast<float>(value))) {
          throw Error(ErrorCode::NumericValueOutOfRange,
                      fmt::format("\"{}\" is out of range for type {}", to_text(number),
                                  is_double ? "double precision" : "real"));
        }
        if (is_double) {
          flat<double>(result)[row] = value;
        } else {
          flat<float>(result)[row] = static_cast<float>(value);
        }
        return;
      }
      case LogicalTypeId::DECIMAL: {
        const auto decimal = to_decimal(number);
        if (!decimal) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
        put_decimal(result, row, *decimal);
        return;
      }
      default: {
        const auto whole = to_decimal(wide_round(number, 0));
        const int bits = type.id() == LogicalTypeId::SMALLINT  ? 15
                         : type.id() == LogicalTypeId::INTEGER ? 31
                                                               : 63;
        if (!whole || whole->unscaled >= Int128{1} << bits || whole->unscaled < -(Int128{1} << bits))
          throw Error(ErrorCode::NumericValueOutOfRange, to_sql(sql_type_of(type)) + " out of range");
        result.SetValue(
            row, duckdb::Value::BIGINT(static_cast<std::int64_t>(whole->unscaled)).DefaultCastAs(type));
      }
    }
  });
}

duckdb::cast_function_t cast_to_wide(const LogicalType& source) {
  switch (source.id()) {
    case LogicalTypeId::SMALLINT:
      return number_to_wide<std::int16_t>;
    case LogicalTypeId::INTEGER:
      return number_to_wide<std::int32_t>;
    case LogicalTypeId::BIGINT:
      return number_to_wide<std::int64_t>;
    case LogicalTypeId::HUGEINT:
      return number_to_wide<duckdb::hugeint_t>;
    case LogicalTypeId::FLOAT:
      return number_to_wide<float>;
    case LogicalTypeId::DOUBLE:
      return number_to_wide<double>;
    case LogicalTypeId::DECIMAL:
      switch (source.InternalType()) {
        case duckdb::PhysicalType::INT16:
          return number_to_wide<std::int16_t>;
        case duckdb::PhysicalType::INT32:
          return number_to_wide<std::int32_t>;
        case duckdb::PhysicalType::INT64:
          return number_to_wide<std::int64_t>;
        default:
          return number_to_wide<duckdb::hugeint_t>;
      }
    case LogicalTypeId::VARCHAR:
      return is_json(source) ? jsonb_to_wide : text_to_wide;
    default:
      return nullptr;
  }
}

/// Between DECIMALs, where DuckDB brings values to a common type: nothing may be rounded away. (A cast that
/// the statement asks for is pg_numeric_typmod.)
template <typename T>
bool decimal_to_decimal(Vector& source, Vector& result, idx_t count, CastParameters& parameters) {
  const int from = scale_of(source.GetType());
  const int to = scale_of(result.GetType());
  return convert_rows(source, result, count, parameters, [&](const auto& format, idx_t at, idx_t row) {
    Int128 value;
    if constexpr (std::is_same_v<T, duckdb::hugeint_t>) {
      value = to_int128(reinterpret_cast<const T*>(format.data)[at]);
    } else {
      value = reinterpret_cast<const T*>(format.data)[at];
    }
    const auto scaled = rescale_exactly(value, from, to);
    if (!scaled || digit_count(*scaled) > duckdb::DecimalType::GetWidth(result.GetType()))
      throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
    put_decimal(result, row, {*scaled, static_cast<std::uint8_t>(to)});
  });
}

duckdb::cast_function_t lossy_decimal_cast(const LogicalType& source, const LogicalType& target) {
  const int scale = scale_of(source);
  const int whole = duckdb::DecimalType::GetWidth(source) - scale;
  const bool is_lossy =
      scale_of(target) < scale || duckdb::DecimalType::GetWidth(target) - scale_of(target) < whole;
  if (!is_lossy) return nullptr;
  switch (source.InternalType()) {
    case duckdb::PhysicalType::INT16:
      return decimal_to_decimal<std::int16_t>;
    case duckdb::PhysicalType::INT32:
      return decimal_to_decimal<std::int32_t>;
    case duckdb::PhysicalType::INT64:
      return decimal_to_decimal<std::int64_t>;
    default:
      return decimal_to_decimal<duckdb::hugeint_t>;
  }
}

BoundCastInfo bind_cast(BindCastInput& input, const LogicalType& source, const LogicalType& target) {
  SessionState* session = nullptr;
  if (input.context) {
    if (auto state = input.context->registered_state->Get<SessionState>(SessionState::kKey))
      session = state.get();
  }
  const auto bound = [&](duckdb::cast_function_t function, const SqlType& type) {
    return BoundCastInfo(function, make_uniq<CastData>(session, type));
  };
  if (auto function = time_cast(source.id(), target.id())) return bound(function, {});
  if (is_wide_numeric(target)) {
    if (is_wide_numeric(source) || source.id() == LogicalTypeId::BLOB)
      return BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast);
    if (auto function = cast_to_wide(source)) return bound(function, {});
    return BoundCastInfo(nullptr);
  }
  if (is_wide_numeric(source)) {
    if (target.id() == LogicalTypeId::BLOB) return BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast);
    if (target.id() == LogicalTypeId::VARCHAR && !target.HasAlias()) return bound(value_to_text, {});
    if (number_kind(target) != NumberKind::None) return bound(wide_to_number, {});
    return BoundCastInfo(nullptr);
  }
  if (source.id() == LogicalTypeId::DECIMAL && target.id() == LogicalTypeId::DECIMAL) {
    if (auto function = lossy_decimal_cast(source, target)) return bound(function, {});
    return BoundCastInfo(nullptr);
  }
  if (is_jsonb(target)) {
    if (source.id() == LogicalTypeId::VARCHAR && (!source.HasAlias() || source.IsJSONType())) {
      return bound(text_to_jsonb, {});
    }
    return BoundCastInfo(nullptr);
  }
  if (is_jsonb(source)) {
    if (target.id() == LogicalTypeId::VARCHAR) return BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast);
    if (number_kind(target) != NumberKind::None || target.id() == LogicalTypeId::BOOLEAN) {
      return bound(jsonb_to_value, sql_type_of(target));
    }
    return BoundCastInfo(nullptr);
  }
  if (is_candlestick(target)) {
    const bool is_text = source.id() == LogicalTypeId::VARCHAR && !source.HasAlias();
    return is_text ? bound(text_to_candlestick, {}) : BoundCastInfo(nullptr);
  }
  if (is_candlestick(source)) {
    const bool is_text = target.id() == LogicalTypeId::VARCHAR && !target.HasAlias();
    return BoundCastInfo(is_text ? duckdb::DefaultCasts::ReinterpretCast : nullptr);
  }
  if (source.id() == LogicalTypeId::VARCHAR && !source.HasAlias()) {
    if (target.IsJSONType()) return bound(text_to_json, {});
    if (auto function = cast_from_text(target)) {
      SqlType type = sql_type_of(target);
      return bound(function, type);
    }
    return BoundCastInfo(nullptr);
  }
  if (target.id() == LogicalTypeId::VARCHAR && !target.HasAlias() && has_own_text(source)) {
    return bound(value_to_text, {});
  }
  if (target.id() == LogicalTypeId::DECIMAL) {
    if (source.id() == LogicalTypeId::DOUBLE) return bound(float_to_decimal<double>, {});
    if (source.id() == LogicalTypeId::FLOAT) return bound(float_to_decimal<float>, {});
  }
  return BoundCastInfo(nullptr);
}

}  // namespace

void register_casts(duckdb::DatabaseInstance& db) {
  auto& casts = duckdb::DBConfig::GetConfig(db).GetCastFunctions();
  // DuckDB's functions of JSON take jsonb too. What the cast does is bind_cast's to say.
  casts.RegisterCastFunction(jsonb_type(), LogicalType::JSON(),
                             BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast), 1);
  casts.RegisterCastFunction(LogicalType::JSON(), jsonb_type(),
                             BoundCastInfo(duckdb::DefaultCasts::ReinterpretCast), 200);
  (casts.*open_member(CastFunctionsTag{})).emplace_back(bind_cast);
}

}  // namespace tickstone::duck
