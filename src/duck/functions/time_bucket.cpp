// SPDX-License-Identifier: Apache-2.0
#include "types/time_bucket.hpp"

#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/logical_types.hpp"
#include "duck/session_state.hpp"
#include "types/uuid_v7.hpp"

// TimescaleDB's time_bucket. Widths without months in UTC are integer arithmetic, and rows in order of time
// mostly fall into the bucket of the row before.

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::idx_t;
using duckdb::interval_t;
using duckdb::LogicalType;
using duckdb::ScalarFunction;
using duckdb::UnaryExecutor;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

/// The buckets of one width: remembers the last.
class Buckets {
 public:
  explicit Buckets(const TimeBucket& bucket) : bucket_(bucket) {}
  std::int64_t start_of(std::int64_t us) {
    if (us >= start_ && us < end_) return start_;
    if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
    if (bucket_.is_fixed()) {
      start_ = bucket_start(us, bucket_.width_us(), bucket_.origin_us());
      end_ = start_ + bucket_.width_us();
      return start_;
    }
    if (us < steady_.from || us >= steady_.until) steady_ = bucket_.steady_around(us);
    if (us >= steady_.from && us < steady_.until) {
      start_ =
          bucket_start(us + steady_.offset_us, bucket_.width_us(), bucket_.origin_us()) - steady_.offset_us;
      end_ = std::min(start_ + bucket_.width_us(), steady_.until);
      if (start_ >= steady_.from) return start_;
    }
    start_ = bucket_.start_of(us);
    end_ = bucket_.known_end(start_);
    return start_;
  }
  /// The bucket that was found last: where it holds a time, its start is that time's.
  std::int64_t start() const { return start_; }
  std::int64_t end() const { return end_; }

 private:
  const TimeBucket& bucket_;
  std::int64_t start_ = 0;
  std::int64_t end_ = 0;
  TimeBucket::Steady steady_;
};

/// The arguments after width and time, in the order of the signature.
enum class Extra : std::uint8_t { Zone, Origin, Offset };

/// How a time type counts in microseconds.
template <typename T>
struct Times;
template <>
struct Times<std::int64_t> {
  static std::int64_t to_us(std::int64_t value) { return value; }
  static std::int64_t from_us(std::int64_t us) { return us; }
};
template <>
struct Times<std::int32_t> {
  static std::int64_t to_us(std::int32_t days) {
    if (days == kDateInfinity) return kTimestampInfinity;
    if (days == kDateNegInfinity) return kTimestampNegInfinity;
    return days * kMicrosPerDay;
  }
  static std::int32_t from_us(std::int64_t us) {
    if (us == kTimestampInfinity) return kDateInfinity;
    if (us == kTimestampNegInfinity) return kDateNegInfinity;
    return static_cast<std::int32_t>((us < 0 ? us - kMicrosPerDay + 1 : us) / kMicrosPerDay);
  }
};

template <>
struct Times<duckdb::timestamp_ns_t> {
  static std::int64_t to_us(duckdb::timestamp_ns_t value) {
    if (value.value == kTimestampInfinity || value.value == kTimestampNegInfinity) return value.value;
    return bucket_start(value.value, 1000, 0) / 1000;
  }
  static duckdb::timestamp_ns_t from_us(std::int64_t us) {
    duckdb::timestamp_ns_t result;
    const bool is_infinite = us == kTimestampInfinity || us == kTimestampNegInfinity;
    if (__builtin_mul_overflow(us, is_infinite ? 1 : 1000, &result.value))
      throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "timestamp out of range");
    return result;
  }
};
/// The time of a UUID of version 7, to the millisecond.
template <>
struct Times<duckdb::hugeint_t> {
  static std::int64_t to_us(duckdb::hugeint_t value) {
    const auto us = uuid_v7_time(flip_uuid(to_int128(value)), UuidTime::Milliseconds);
    if (!us) {
      throw_through_duckdb(ErrorCode::InvalidParameterValue,
                           "not a version 7 UUID: " + duckdb::UUID::ToString(value));
    }
    return *us;
  }
};

struct BucketArguments {
  std::optional<IntervalValue> width;
  const TimeZone* zone = nullptr;
  std::optional<std::int64_t> origin_us;
  std::optional<IntervalValue> offset;
};

const TimeZone* zone_named(std::string_view name) {
  const TimeZone* zone = find_time_zone(name);
  if (zone == nullptr) {
    throw_through_duckdb(ErrorCode::InvalidParameterValue,
                         "time zone \"" + std::string(name) + "\" not recognized");
  }
  return zone;
}

/// Dates are in buckets of whole days.
void check_days(const IntervalValue& value, bool is_offset) {
  if (is_offset && value.months != 0) {
    throw_through_duckdb(ErrorCode::FeatureNotSupported,
                         "interval defined in terms of month, year, century etc. not supported");
  }
  if (value.months != 0) return;
  const Int128 us = Int128{value.days} * kMicrosPerDay + value.micros;
  if (us < kMicrosPerDay)
    throw_through_duckdb(ErrorCode::FeatureNotSupported, "interval must not have sub-day precision");
  if (us % kMicrosPerDay != 0)
    throw_through_duckdb(ErrorCode::FeatureNotSupported, "interval must be a multiple of a day");
}

/// Row `row` of the arguments but the time; `OUT` is the type of the origin. No width: the result is NULL.
template <typename OUT>
BucketArguments arguments_at(const std::vector<UnifiedVectorFormat>& formats,
                             const std::vector<Extra>& extras, idx_t row) {
  constexpr bool kIsDate = std::is_same_v<OUT, std::int32_t>;
  BucketArguments result;
  const auto at = formats[0].sel->get_index(row);
  if (!formats[0].validity.RowIsValid(at)) return result;
  const IntervalValue width = from_duck_interval(reinterpret_cast<const interval_t*>(formats[0].data)[at]);
  if (kIsDate) check_days(width, false);
  const bool has_zone = !extras.empty() && extras[0] == Extra::Zone;
  for (std::size_t i = 0; i < extras.size(); ++i) {
    const auto& format = formats[i + 2];
    const auto index = format.sel->get_index(row);
    if (!format.validity.RowIsValid(index)) {
      // After a zone, as if it were left out.
      if (!has_zone || extras[i] == Extra::Zone) return result;
      continue;
    }
    switch (extras[i]) {
      case Extra::Zone: {
        const auto& name = reinterpret_cast<const duckdb::string_t*>(format.data)[index];
        result.zone = zone_named({name.GetData(), name.GetSize()});
        break;
      }
      case Extra::Origin:
        result.origin_us = Times<OUT>::to_us(reinterpret_cast<const OUT*>(format.data)[index]);
        break;
      case Extra::Offset:
        result.offset = from_duck_interval(reinterpret_cast<const interval_t*>(format.data)[index]);
        if (kIsDate) check_days(*result.offset, true);
        break;
    }
  }
  result.width = width;
  return result;
}

/// Of rows that follow each other in time most are in the bucket of the one before.
template <typename IN, typename OUT>
void bucket_flat(Buckets& buckets, const IN* in, OUT* out, idx_t rows) {
  std::int64_t start = 0, end = 0;
  OUT given{};
  for (idx_t row = 0; row < rows; ++row) {
    const std::int64_t us = Times<IN>::to_us(in[row]);
    if (us < start || us >= end) {
      given = Times<OUT>::from_us(buckets.start_of(us));
      const bool is_held = us >= buckets.start() && us < buckets.end();
      start = is_held ? buckets.start() : 0;
      end = is_held ? buckets.end() : 0;
    }
    out[row] = given;
  }
}

template <typename IN, typename OUT>
void bucket_loop(DataChunk& arguments, Vector& result, const std::vector<Extra>& extras) {
  through_duckdb([&] {
    const idx_t rows = arguments.size();
    bool is_constant = true;
    std::vector<UnifiedVectorFormat> formats(arguments.ColumnCount());
    for (idx_t i = 0; i < arguments.ColumnCount(); ++i) {
      arguments.data[i].ToUnifiedFormat(rows, formats[i]);
      if (i != 1) is_constant &= arguments.data[i].GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
    }
    if (is_constant) {
      const auto given = arguments_at<OUT>(formats, extras, 0);
      if (!given.width) {
        result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
        duckdb::ConstantVector::SetNull(result, true);
        return;
      }
      const TimeBucket bucket(*given.width, given.origin_us, given.offset, given.zone);
      Buckets buckets(bucket);
      if (arguments.data[1].GetVectorType() == duckdb::VectorType::FLAT_VECTOR &&
          duckdb::FlatVector::Validity(arguments.data[1]).AllValid()) {
        result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
        bucket_flat(buckets, duckdb::FlatVector::GetData<IN>(arguments.data[1]),
                    duckdb::FlatVector::GetData<OUT>(result), rows);
        return;
      }
      UnaryExecutor::Execute<IN, OUT>(arguments.data[1], result, rows, [&](IN value) {
        return Times<OUT>::from_us(buckets.start_of(Times<IN>::to_us(value)));
      });
      return;
    }
    result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
    auto* out = duckdb::FlatVector::GetData<OUT>(result);
    for (idx_t row = 0; row < rows; ++row) {
      const auto given = arguments_at<OUT>(formats, extras, row);
      const auto at = formats[1].sel->get_index(row);
      if (!given.width || !formats[1].validity.RowIsValid(at)) {
        duckdb::FlatVector::SetNull(result, row, true);
        continue;
      }
      const TimeBucket bucket(*given.width, given.origin_us, given.offset, given.zone);
      out[row] = Times<OUT>::from_us(
          bucket.start_of(Times<IN>::to_us(reinterpret_cast<const IN*>(formats[1].data)[at])));
    }
  });
}

template <typename T>
T integer_bucket(T width, T value, T offset) {
  if (width <= 0) throw_through_duckdb(ErrorCode::InvalidParameterValue, "period must be greater than 0");
  Int128 rest = (Int128{value} - offset % width) % width;
  if (rest < 0) rest += width;
  const Int128 start = Int128{value} - rest;
  if (start < std::numeric_limits<T>::min())
    throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "timestamp out of range");
  return static_cast<T>(start);
}

template <typename T>
void integer_bucket_loop(DataChunk& arguments, ExpressionState&, Vector& result) {
  if (arguments.ColumnCount() == 2) {
    duckdb::BinaryExecutor::Execute<T, T, T>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [](T width, T value) { return integer_bucket<T>(width, value, 0); });
    return;
  }
  duckdb::TernaryExecutor::Execute<T, T, T, T>(arguments.data[0], arguments.data[1], arguments.data[2],
                                               result, arguments.size(), integer_bucket<T>);
}

template <typename IN, typename OUT>
void add_overload(duckdb::ScalarFunctionSet& set, const LogicalType& in, const LogicalType& out,
                  const std::vector<Extra>& extras) {
  duckdb::vector<LogicalType> arguments = {LogicalType::INTERVAL, in};
  for (const Extra extra : extras) {
    arguments.push_back(extra == Extra::Zone     ? LogicalType::VARCHAR
                        : extra == Extra::Origin ? out
                                                 : LogicalType::INTERVAL);
  }
  ScalarFunction function(set.name, std::move(arguments), out,
                          [extras](DataChunk& chunk, ExpressionState&, Vector& result) {
                            bucket_loop<IN, OUT>(chunk, result, extras);
                          });
  // After a zone, a NULL origin or offset is one left out.
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  set.AddFunction(std::move(function));
}

}  // namespace

void register_time_bucket(FunctionCatalog& catalog) {
  duckdb::ScalarFunctionSet set("time_bucket");
  const LogicalType instant = LogicalType::TIMESTAMP_TZ;
  const std::vector<std::vector<Extra>> plain = {{}, {Extra::Origin}, {Extra::Offset}};
  for (const auto& extras : plain) {
    add_overload<std::int64_t, std::int64_t>(set, LogicalType::TIMESTAMP, LogicalType::TIMESTAMP, extras);
    add_overload<std::int64_t, std::int64_t>(set, instant, instant, extras);
    add_overload<std::int32_t, std::int32_t>(set, LogicalType::DATE, LogicalType::DATE, extras);
    add_overload<duckdb::hugeint_t, std::int64_t>(set, LogicalType::UUID, instant, extras);
    add_overload<duckdb::timestamp_ns_t, duckdb::timestamp_ns_t>(set, LogicalType::TIMESTAMP_NS,
                                                                 LogicalType::TIMESTAMP_NS, extras);
  }
  for (const auto& extras : std::vector<std::vector<Extra>>{
           {Extra::Zone}, {Extra::Zone, Extra::Origin}, {Extra::Zone, Extra::Origin, Extra::Offset}}) {
    add_overload<std::int64_t, std::int64_t>(set, instant, instant, extras);
    add_overload<duckdb::hugeint_t, std::int64_t>(set, LogicalType::UUID, instant, extras);
  }
  const auto add_integer = [&](const LogicalType& type, duckdb::scalar_function_t loop) {
    for (int count = 2; count <= 3; ++count) {
      ScalarFunction function(set.name, duckdb::vector<LogicalType>(count, type), type, loop);
      function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
      set.AddFunction(std::move(function));
    }
  };
  add_integer(LogicalType::SMALLINT, integer_bucket_loop<std::int16_t>);
  add_integer(LogicalType::INTEGER, integer_bucket_loop<std::int32_t>);
  add_integer(LogicalType::BIGINT, integer_bucket_loop<std::int64_t>);
  catalog.replace(std::move(set));
}

}  // namespace tickstone::duck
