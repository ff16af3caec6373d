// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <limits>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "types/array_value.hpp"
#include "types/json_node.hpp"
#include "types/json_text.hpp"
#include "types/type_modifier.hpp"
#include "types/value.hpp"

namespace tickstone {

namespace {

constexpr std::int64_t kNanosPerMicro = 1000;

[[noreturn]] void throw_out_of_range(const SqlType& type) {
  throw Error(ErrorCode::NumericValueOutOfRange, to_sql(SqlType::of(type.id)) + " out of range");
}

bool is_string(TypeId id) { return is_text_like(id) && id != TypeId::InternalChar; }
bool is_float(TypeId id) { return id == TypeId::Real || id == TypeId::Double; }
bool is_oid(TypeId id) { return id == TypeId::Oid || is_object_name(id); }
bool is_infinite(std::int64_t us) { return us == kTimestampInfinity || us == kTimestampNegInfinity; }

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value % by < 0 ? value / by - 1 : value / by;
}

/// Moves rows of one column into another of another type, row by row.
class Caster {
 public:
  Caster(const ColumnView& source, Column& target, CastStrength strength, const FormatContext& context)
      : source_(source),
        target_(target),
        from_(source.type),
        to_(target.type()),
        length_rule_(strength == CastStrength::Explicit ? LengthRule::Cut : LengthRule::Refuse),
        strength_(strength),
        context_(context) {}

  void run() {
    for (std::size_t row = 0; row < source_.size; ++row) {
      if (source_.is_null(row)) {
        target_.append_null();
      } else {
        cast_row(row);
      }
    }
  }

 private:
  void cast_row(std::size_t row) {
    if (from_.is_array && to_.is_array) {
      target_.append_bytes(cast_array(source_.bytes(row)));
    } else if (!to_.is_array && (is_string(to_.id) || to_.id == TypeId::InternalChar)) {
      to_string(row);
    } else if (!from_.is_array && is_text_like(from_.id)) {
      from_string(row);
    } else if (from_.id == to_.id) {
      same_type(row);
    } else {
      convert(row);
    }
  }

  std::string cast_array(std::string_view encoded) const {
    ArrayBuilder builder;
    for (const auto& bytes : decode_array(encoded)) {
      if (!bytes) {
        builder.add_null();
        continue;
      }
      const auto element = array_element_value(*bytes, from_.element());
      builder.add(array_element_bytes(cast_value(element, to_.element(), strength_, context_)));
    }
    return builder.finish();
  }

  void to_string(std::size_t row) {
    std::string text;
    if (!from_.is_array && from_.id == TypeId::Boolean) {
      text = source_.fixed<std::uint8_t>(row) != 0 ? "true" : "false";
    } else if (!from_.is_array && from_.id == TypeId::Integer && to_.id == TypeId::InternalChar) {
      const auto code = source_.fixed<std::int32_t>(row);
      if (code < -128 || code > 127) throw Error(ErrorCode::NumericValueOutOfRange, "\"char\" out of range");
      if (code != 0) text.push_back(static_cast<char>(code));
    } else {
      append_text(text, source_, row, context_);
      // Padding is no part of a Char's value.
      if (!from_.is_array && from_.id == TypeId::Char && to_.id != TypeId::Char) {
        text.resize(text.find_last_not_of(' ') + 1);
      }
    }
    if (to_.id == TypeId::Varchar || to_.id == TypeId::Char) {
      std::string buffer;
      target_.append_bytes(fit_length(to_, text, length_rule_, buffer));
    } else {
      append_parsed(target_, text, context_);
    }
  }

  void from_string(std::size_t row) {
    std::string_view text = source_.bytes(row);
    if (from_.id == TypeId::InternalChar && to_.id == TypeId::Integer) {
      target_.append_fixed(std::int32_t{text.empty() ? '\0' : static_cast<signed char>(text.front())});
      return;
    }
    append_parsed(target_, text, context_);
  }

  /// The modifiers differ.
  void same_type(std::size_t row) {
    switch (to_.id) {
      case TypeId::Numeric:
        target_.append_decimal({source_.integer(row), source_.layout.scale});
        return;
      case TypeId::Time:
        target_.append_fixed(round_fraction(to_, source_.fixed<std::int64_t>(row), 0));
        return;
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
        target_.append_fixed(round_fraction(to_, source_.fixed<std::int64_t>(row), kPostgresEpochUs));
        return;
      case TypeId::Interval: {
        auto value = unpack_interval(source_.fixed<Int128>(row));
        value.micros = round_fraction(to_, value.micros, 0);
        target_.append_fixed(pack_interval(value));
        return;
      }
      default:
        target_.append_from(source_, row);
        return;
    }
  }

  void convert(std::size_t row) {
    switch (from_.id) {
      case TypeId::Boolean:
        target_.append_fixed(static_cast<std::int32_t>(source_.fixed<std::uint8_t>(row) != 0 ? 1 : 0));
        return;
      case TypeId::SmallInt:
      case TypeId::Integer:
      case TypeId::BigInt:
      case TypeId::Numeric:
        from_exact({source_.integer(row), source_.layout.scale});
        return;
      case TypeId::Oid:
      case TypeId::Regclass:
      case TypeId::Regtype:
      case TypeId::Regproc:
      case TypeId::Regnamespace:
      case TypeId::Regrole:
        from_oid(source_.fixed<std::uint32_t>(row));
        return;
      case TypeId::Real:
      case TypeId::Double:
        from_float(source_.number(row));
        return;
      case TypeId::Date:
        from_date(source_.fixed<std::int32_t>(row));
        return;
      case TypeId::Time:
        target_.append_fixed(pack_interval({0, 0, source_.fixed<std::int64_t>(row)}));
        return;
      case TypeId::Interval:
        append_clock(unpack_interval(source_.fixed<Int128>(row)).micros);
        return;
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
      case TypeId::TimestampNs:
        from_timestamp(source_.fixed<std::int64_t>(row));
        return;
      case TypeId::Json:
        target_.append_bytes(normalize_jsonb(source_.bytes(row)));
        return;
      case TypeId::Jsonb:
        from_jsonb(source_.bytes(row));
        return;
      default:
        append_parsed(target_, to_text(value_at(source_, row), context_), context_);
        return;
    }
  }

  void from_exact(Decimal value) {
    switch (to_.id) {
      case TypeId::Numeric:
        target_.append_decimal(value);
        return;
      case TypeId::Real:
        append_real_checked(to_double(value));
        return;
      case TypeId::Double:
        target_.append_fixed(to_double(value));
        return;
      case TypeId::Boolean:
        target_.append_fixed(static_cast<std::uint8_t>(value.unscaled != 0 ? 1 : 0));
        return;
      default: {
        const auto whole = rescale(value.unscaled, value.scale, 0);
        append_whole(whole.value_or(std::numeric_limits<Int128>::max()));
      }
    }
  }

  void append_whole(Int128 value) {
    const auto fits = [&]<typename T>(T) {
      return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
    };
    switch (to_.id) {
      case TypeId::SmallInt:
        if (!fits(std::int16_t{})) throw_out_of_range(to_);
        target_.append_fixed(static_cast<std::int16_t>(value));
        return;
      case TypeId::Integer:
        if (!fits(std::int32_t{})) throw_out_of_range(to_);
        target_.append_fixed(static_cast<std::int32_t>(value));
        return;
      case TypeId::BigInt:
        if (!fits(std::int64_t{})) throw_out_of_range(to_);
        target_.append_fixed(static_cast<std::int64_t>(value));
        return;
      default:  // an oid: an integer's bits, a bigint's value
        if (from_.id == TypeId::BigInt && !fits(std::uint32_t{})) {
          throw Error(ErrorCode::NumericValueOutOfRange, "OID out of range");
        }
        target_.append_fixed(static_cast<std::uint32_t>(value));
        return;
    }
  }

  void from_oid(std::uint32_t oid) {
    if (is_oid(to_.id)) {
      target_.append_fixed(oid);
    } else if (to_.id == TypeId::Integer) {
      target_.append_fixed(static_cast<std::int32_t>(oid));
    } else {
      target_.append_fixed(std::int64_t{oid});
    }
  }

  void from_float(double value) {
    switch (to_.id) {
      case TypeId::Real:
        append_real_checked(value);
        return;
      case TypeId::Double:
        target_.append_fixed(value);
        return;
      case TypeId::Numeric: {
        if (!std::isfinite(value)) {
          throw Error(ErrorCode::InvalidParameterValue, "NUMERIC cannot hold NaN or infinity", {},
                      "DOUBLE PRECISION holds them.");
        }
        std::optional<Decimal> decimal;
        if (from_.id == TypeId::Real) {
          char digits[32];
          std::snprintf(digits, sizeof(digits), "%.6g", value);
          decimal = parse_decimal(digits);
        } else {
          decimal = decimal_from_double(value);
        }
        if (!decimal) {
          throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
                      "NUMERIC holds at most 38 digits.");
        }
        target_.append_decimal(*decimal);
        return;
      }
      default: {
        const double rounded = std::rint(value);
        if (!(rounded >= -9.3e18 && rounded <= 9.3e18)) throw_out_of_range(to_);
        append_whole(static_cast<Int128>(rounded));
      }
    }
  }

  void append_real_checked(double value) {
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow) && !std::isinf(value)) {
      throw Error(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
    }
    if (narrow == 0 && value != 0)
      throw Error(ErrorCode::NumericValueOutOfRange, "value out of range: underflow");
    target_.append_fixed(narrow);
  }

  void from_date(std::int32_t days) {
    std::int64_t us = 0;
    if (days == kDateInfinity || days == kDateNegInfinity) {
      us = days == kDateInfinity ? kTimestampInfinity : kTimestampNegInfinity;
    } else {
      const Int128 midnight = Int128{days} * kMicrosPerDay;
      if (midnight >= kTimestampInfinity - kMicrosPerDay) {
        throw Error(ErrorCode::DatetimeFieldOverflow, "date out of range for timestamp");
      }
      us = static_cast<std::int64_t>(midnight);
      if (to_.id != TypeId::Timestamp) us = context_.zone->to_utc_us(us);
    }
    append_timestamp_value(us);
  }

  /// `us` in the scale and zone of the target, a Timestamp, TimestampTz or TimestampNs.
  void append_timestamp_value(std::int64_t us, std::int64_t sub_us_nanos = 0) {
    if (to_.id != TypeId::TimestampNs) {
      target_.append_fixed(round_fraction(to_, us, kPostgresEpochUs));
      return;
    }
    if (!is_infinite(us)) {
      const Int128 ns = Int128{us} * kNanosPerMicro + sub_us_nanos;
      if (ns >= kTimestampInfinity || ns <= kTimestampNegInfinity) {
        throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
      }
      us = static_cast<std::int64_t>(ns);
    }
    target_.append_fixed(us);
  }

  std::int64_t local_of(std::int64_t utc_us) const {
    std::int64_t local = 0;
    const std::int64_t shift = context_.zone->offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
    if (__builtin_add_overflow(utc_us, shift, &local)) {
      throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
    }
    return local;
  }

  void from_timestamp(std::int64_t value) {
    const bool has_zone = from_.id != TypeId::Timestamp;
    std::int64_t us = value;
    if (from_.id == TypeId::TimestampNs && !is_infinite(value)) us = floor_divide(value, kNanosPerMicro);
    if (is_infinite(us)) {
      if (to_.id == TypeId::Date) {
        target_.append_fixed(us == kTimestampInfinity ? kDateInfinity : kDateNegInfinity);
      } else if (to_.id == TypeId::Time) {
        throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
      } else {
        target_.append_fixed(us);
      }
      return;
    }
    switch (to_.id) {
      case TypeId::Date: {
        const std::int64_t local = has_zone ? local_of(us) : us;
        target_.append_fixed(static_cast<std::int32_t>(floor_divide(local, kMicrosPerDay)));
        return;
      }
      case TypeId::Time:
        append_clock(has_zone ? local_of(us) : us);
        return;
      case TypeId::Timestamp:
        append_timestamp_value(local_of(us));
        return;
      default:
        append_timestamp_value(has_zone ? us : context_.zone->to_utc_us(us));
        return;
    }
  }

  /// The time of day of microseconds since a midnight.
  void append_clock(std::int64_t us) {
    const std::int64_t clock = us - floor_divide(us, kMicrosPerDay) * kMicrosPerDay;
    target_.append_fixed(round_fraction(to_, clock, 0));
  }

  void from_jsonb(std::string_view text) {
    if (to_.id == TypeId::Json) {
      target_.append_bytes(text);
      return;
    }
    using Kind = JsonNode::Kind;
    const auto node = parse_json(text, JsonUse::Decode);
    const bool is_boolean = node.kind == Kind::True || node.kind == Kind::False;
    if (to_.id == TypeId::Boolean ? !is_boolean : node.kind != Kind::Number) {
      static constexpr std::string_view kNames[] = {"null",    "string", "numeric", "boolean",
                                                    "boolean", "array",  "object"};
      throw Error(ErrorCode::InvalidParameterValue,
                  fmt::format("cannot cast jsonb {} to type {}", kNames[static_cast<std::size_t>(node.kind)],
                              to_sql(SqlType::of(to_.id))));
    }
    if (is_boolean) {
      target_.append_fixed(static_cast<std::uint8_t>(node.kind == Kind::True ? 1 : 0));
    } else if (is_float(to_.id)) {
      append_parsed(target_, node.text, context_);
    } else {
      from_exact(parse_decimal(node.text).value_or(Decimal{}));
    }
  }

  const ColumnView& source_;
  Column& target_;
  const SqlType from_;
  const SqlType to_;
  const LengthRule length_rule_;
  const CastStrength strength_;
  const FormatContext& context_;
};

void require_cast(const SqlType& from, const SqlType& to, CastStrength strength) {
  if (can_cast(from, to, strength)) return;
  if (strength == CastStrength::Explicit) {
    throw Error(ErrorCode::CannotCoerce, fmt::format("cannot cast type {} to {}", to_sql(from), to_sql(to)));
  }
  throw Error(ErrorCode::DatatypeMismatch,
              fmt::format("column is of type {} but expression is of type {}", to_sql(to), to_sql(from)), {},
              "You will need to rewrite or cast the expression.");
}

}  // namespace

Column cast_column(const ColumnView& source, const SqlType& target, CastStrength strength,
                   const FormatContext& context) {
  require_cast(source.type, target, strength);
  Column column(target);
  if (source.type == target) {
    column.append_all(source);
    return column;
  }
  column.reserve(source.size);
  Caster(source, column, strength, context).run();
  return column;
}

Value cast_value(const Value& value, const SqlType& target, CastStrength strength,
                 const FormatContext& context) {
  if (value.type == target) return value;
  require_cast(value.type, target, strength);
  if (value.is_null) return Value::null_of(target);
  if (target.is_enum() && is_text_like(value.type.id)) return parse_value(target, value.text, context);
  Column source(value.type);
  append_value(source, value);
  Column column(target);
  const auto view = source.view();
  Caster(view, column, strength, context).run();
  return value_at(column.view(), 0);
}

}  // namespace tickstone
