// SPDX-License-Identifier: Apache-2.0
#include "types/binary_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "types/array_value.hpp"
#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone {
namespace {

constexpr std::uint16_t kNumericPositive = 0x0000;
constexpr std::uint16_t kNumericNegative = 0x4000;
constexpr std::uint16_t kNumericNan = 0xC000;
constexpr std::uint16_t kNumericInfinity = 0xD000;
constexpr std::uint16_t kNumericNegativeInfinity = 0xF000;
constexpr int kMaxDisplayScale = 16383;
// PostgreSQL's range of timestamps, in its own epoch.
constexpr std::int64_t kMinTimestampUs = -211'813'488'000'000'000;
constexpr std::int64_t kEndTimestampUs = 9'223'371'331'200'000'000;
constexpr std::int32_t kMinDateDays = -2'451'545;
constexpr std::int32_t kEndDateDays = 2'145'031'949;
constexpr std::int32_t kMaxArrayElements = 134'217'727;

template <typename T>
void append_fixed_field(std::string& out, T value) {
  char bytes[4 + sizeof(T)];
  store_big_endian(bytes, static_cast<std::int32_t>(sizeof(T)));
  store_big_endian(bytes + 4, value);
  out.append(bytes, sizeof(bytes));
}

void append_bytes_field(std::string& out, std::string_view bytes) {
  append_big_endian(out, static_cast<std::int32_t>(bytes.size()));
  out.append(bytes);
}

std::int64_t to_wire_timestamp(std::int64_t us) {
  if (us == kTimestampInfinity) return INT64_MAX;
  if (us == kTimestampNegInfinity) return INT64_MIN;
  return us - kPostgresEpochUs;
}

std::int32_t to_wire_date(std::int32_t days) {
  if (days == kDateInfinity) return INT32_MAX;
  if (days == kDateNegInfinity) return INT32_MIN;
  return days - kPostgresEpochDays;
}

/// Base-10000 digits, most significant first, without zeros at the ends.
template <typename Unsigned>
void append_numeric_digits(std::string& out, Unsigned magnitude, int scale, bool is_negative) {
  while (scale > 0 && magnitude % 10 == 0) {  // the display scale is that of the text form
    magnitude /= 10;
    --scale;
  }
  constexpr std::size_t kMostGroups = 12;
  std::array<std::uint16_t, kMostGroups> groups;  // least significant first
  std::size_t count = 0;
  const int odd = scale % 4;
  int fraction_groups = (scale + 3) / 4;
  if (odd != 0) {
    static constexpr std::uint16_t kPowers[] = {1, 10, 100, 1000};
    groups[count++] =
        static_cast<std::uint16_t>(static_cast<std::uint16_t>(magnitude % kPowers[odd]) * kPowers[4 - odd]);
    magnitude /= kPowers[odd];
  }
  while (magnitude != 0) {
    groups[count++] = static_cast<std::uint16_t>(magnitude % 10000);
    magnitude /= 10000;
  }
  std::size_t first = 0;
  while (first < count && groups[first] == 0) ++first;
  while (count > first && groups[count - 1] == 0) --count;
  const auto digits = static_cast<std::int16_t>(count - first);
  const auto weight = digits == 0 ? 0 : static_cast<int>(count) - fraction_groups - 1;
  char field[12 + 2 * kMostGroups];
  store_big_endian(field, static_cast<std::int32_t>(8 + 2 * digits));
  store_big_endian(field + 4, digits);
  store_big_endian(field + 6, static_cast<std::int16_t>(weight));
  store_big_endian(field + 8, is_negative && digits != 0 ? kNumericNegative : kNumericPositive);
  store_big_endian(field + 10, static_cast<std::uint16_t>(scale));
  char* end = field + 12;
  for (std::size_t i = count; i > first; --i, end += 2) store_big_endian(end, groups[i - 1]);
  out.append(field, end);
}

void append_numeric_field(std::string& out, Int128 unscaled, int scale) {
  const bool is_negative = unscaled < 0;
  const UInt128 magnitude = is_negative ? -static_cast<UInt128>(unscaled) : static_cast<UInt128>(unscaled);
  if (magnitude <= UINT64_MAX) {
    append_numeric_digits(out, static_cast<std::uint64_t>(magnitude), scale, is_negative);
  } else {
    append_numeric_digits(out, magnitude, scale, is_negative);
  }
}

/// A number past 38 digits, which travels as its text: `-123.45`, without trailing zeros.
void append_numeric_field(std::string& out, std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::size_t scale = point < text.size() ? text.size() - point - 1 : 0;
  digits.insert(0, (4 - point % 4) % 4, '0');
  const auto weight = static_cast<int>(digits.size() / 4) - 1;
  if (scale > 0) digits.append(text.substr(point + 1));
  digits.append((4 - digits.size() % 4) % 4, '0');
  std::size_t first = 0;
  std::size_t last = digits.size();
  while (first < last && digits.compare(first, 4, "0000") == 0) first += 4;
  while (last > first && digits.compare(last - 4, 4, "0000") == 0) last -= 4;
  const auto count = static_cast<std::int16_t>((last - first) / 4);
  append_big_endian(out, static_cast<std::int32_t>(8 + 2 * count));
  append_big_endian(out, count);
  append_big_endian(out, static_cast<std::int16_t>(count == 0 ? 0 : weight - static_cast<int>(first / 4)));
  append_big_endian(out, is_negative ? kNumericNegative : kNumericPositive);
  append_big_endian(out, static_cast<std::uint16_t>(scale));
  for (std::size_t at = first; at < last; at += 4) {
    std::uint16_t group = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      group = static_cast<std::uint16_t>(group * 10 + (digits[i] - '0'));
    append_big_endian(out, group);
  }
}

void append_interval_field(std::string& out, Int128 packed) {
  const auto interval = unpack_interval(packed);
  append_big_endian(out, std::int32_t{16});
  append_big_endian(out, interval.micros);
  append_big_endian(out, interval.days);
  append_big_endian(out, interval.months);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// From the text form, so that only the type's own input and output know how a column holds it.
void append_uuid_field(std::string& out, std::string_view text) {
  append_big_endian(out, std::int32_t{16});
  int high = -1;
  for (const char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
}

void append_array_start(std::string& out, std::size_t count, bool has_nulls, std::uint32_t element_oid,
                        std::int32_t lower_bound) {
  append_big_endian(out, std::int32_t{1});
  append_big_endian(out, std::int32_t{has_nulls ? 1 : 0});
  append_big_endian(out, element_oid);
  append_big_endian(out, static_cast<std::int32_t>(count));
  append_big_endian(out, lower_bound);
}

void append_array_field(std::string& out, std::string_view encoded, const SqlType& element) {
  const auto elements = decode_array(encoded);
  const auto length_at = out.size();
  append_big_endian(out, std::int32_t{0});
  const bool has_nulls =
      std::any_of(elements.begin(), elements.end(), [](const auto& e) { return !e.has_value(); });
  if (elements.empty()) {
    append_big_endian(out, std::int32_t{0});
    append_big_endian(out, std::int32_t{0});
    append_big_endian(out, oid_of(element));
  } else {
    append_array_start(out, elements.size(), has_nulls, oid_of(element), 1);
    for (const auto& part : elements) {
      append_binary_field(out, part ? array_element_value(*part, element) : Value::null_of(element));
    }
  }
  store_big_endian(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
}

/// int2vector and oidvector: "1 2 3" as an array whose lower bound is 0.
template <typename T>
void append_vector_field(std::string& out, std::string_view text, TypeId element) {
  std::vector<T> items;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    T item{};
    const auto [next, problem] = std::from_chars(at, end, item);
    if (problem != std::errc{}) {
      ++at;
      continue;
    }
    items.push_back(item);
    at = next;
  }
  const auto length_at = out.size();
  append_big_endian(out, std::int32_t{0});
  append_array_start(out, items.size(), false, oid_of(SqlType::of(element)), 0);
  for (const auto item : items) append_fixed_field(out, item);
  store_big_endian(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
}

void append_texts(std::string& out, const SqlType& type, std::string_view text) {
  switch (type.id) {
    case TypeId::Jsonb:
      append_big_endian(out, static_cast<std::int32_t>(text.size() + 1));
      out.push_back('\x01');
      out.append(text);
      return;
    case TypeId::InternalChar:
      append_big_endian(out, std::int32_t{1});
      out.push_back(text.empty() ? '\0' : text.front());
      return;
    case TypeId::Int2Vector:
      append_vector_field<std::int16_t>(out, text, TypeId::SmallInt);
      return;
    case TypeId::OidVector:
      append_vector_field<std::uint32_t>(out, text, TypeId::Oid);
      return;
    case TypeId::Void:
      append_big_endian(out, std::int32_t{0});
      return;
    case TypeId::Record:
    case TypeId::AclItem:
    case TypeId::Enum:  // its labels are the catalog's to find: `parse_value`
      throw Error(ErrorCode::UndefinedFunction,
                  "no binary output function available for type " + to_sql(type));
    default:
      append_bytes_field(out, text);
      return;
  }
}

[[noreturn]] void fail_format(const char* message = "incorrect binary data format") {
  throw Error(ErrorCode::InvalidBinaryRepresentation, message);
}

template <typename T>
T receive_fixed(std::string_view bytes) {
  if (bytes.size() < sizeof(T))
    throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
  if (bytes.size() > sizeof(T)) fail_format();
  return load_big_endian<T>(bytes.data());
}

/// Reads the fields of a composite binary value in order.
class Receiver {
 public:
  explicit Receiver(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T take() {
    return receive_fixed<T>(take_bytes(sizeof(T)));
  }
  std::string_view take_bytes(std::size_t size) {
    if (size > bytes_.size()) throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
    const auto part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  std::size_t remaining() const { return bytes_.size(); }
  void expect_end() const {
    if (!bytes_.empty()) fail_format();
  }

 private:
  std::string_view bytes_;
};

/// A number of few groups of digits, `whole_groups` of them before the point, of whose fraction
/// `display_scale` digits count; in least form, as its text would be read.
template <typename Unsigned>
Decimal decimal_of(std::span<const std::uint16_t> groups, int fraction_groups, int display_scale,
                   bool is_negative) {
  Unsigned magnitude = 0;
  for (const auto group : groups) magnitude = magnitude * 10000 + group;
  int scale = 4 * fraction_groups;
  for (; scale > display_scale; --scale) magnitude /= 10;
  if (magnitude == 0) return {};
  for (; scale > 0 && magnitude % 10 == 0; --scale) magnitude /= 10;
  const auto unscaled = static_cast<Int128>(magnitude);
  return {is_negative ? -unscaled : unscaled, static_cast<std::uint8_t>(scale)};
}

Decimal receive_decimal(std::string_view bytes) {
  Receiver in(bytes);
  const int digit_count = in.take<std::uint16_t>();
  const int weight = in.take<std::int16_t>();
  const auto sign = in.take<std::uint16_t>();
  const int display_scale = in.take<std::uint16_t>();
  if (sign == kNumericNan) return *parse_decimal("NaN");  // throws what the text form throws
  if (sign == kNumericInfinity) return *parse_decimal("Infinity");
  if (sign == kNumericNegativeInfinity) return *parse_decimal("-Infinity");
  if (sign != kNumericPositive && sign != kNumericNegative)
    fail_format("invalid sign in external \"numeric\" value");
  if (display_scale > kMaxDisplayScale) fail_format("invalid scale in external \"numeric\" value");
  if (static_cast<std::size_t>(digit_count) * 2 != in.remaining()) fail_format();

  const int lowest = weight - digit_count + 1;
  const int last = std::max(lowest, -(display_scale + 3) / 4);
  // 16 digits before the point and as many behind it, or fewer, need no text.
  constexpr int kFewGroups = 4;
  if (weight < kFewGroups && last >= -kFewGroups) {
    std::array<std::uint16_t, 2 * kFewGroups> few{};
    const int first = std::max(weight, 0);
    const int fraction_groups = std::max(-last, 0);
    for (int i = 0; i < digit_count; ++i) {
      const auto group = in.take<std::uint16_t>();
      if (group >= 10000) fail_format("invalid digit in external \"numeric\" value");
      const int at = first - (weight - i);
      if (at <= first + fraction_groups) few[static_cast<std::size_t>(at)] = group;
    }
    const std::span used(few.data(), static_cast<std::size_t>(first + 1 + fraction_groups));
    const bool is_negative = sign == kNumericNegative;
    return used.size() <= kFewGroups
               ? decimal_of<std::uint64_t>(used, fraction_groups, display_scale, is_negative)
               : decimal_of<UInt128>(used, fraction_groups, display_scale, is_negative);
  }

  // As text: numbers of any length are cut and checked where text is.
  std::string text = sign == kNumericNegative ? "-" : "";
  const auto append_group = [&](int group) {
    char digits[4];
    for (int i = 3; i >= 0; --i, group /= 10) digits[i] = static_cast<char>('0' + group % 10);
    text.append(digits, 4);
  };
  std::vector<std::uint16_t> groups(static_cast<std::size_t>(digit_count));
  for (auto& group : groups) {
    group = in.take<std::uint16_t>();
    if (group >= 10000) fail_format("invalid digit in external \"numeric\" value");
  }
  const auto group_at = [&](int exponent) -> int {  // of 10000^exponent
    const int index = weight - exponent;
    return index >= 0 && index < digit_count ? groups[static_cast<std::size_t>(index)] : 0;
  };
  if (digit_count > 0 && weight > 16) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  }
  text += '0';
  for (int exponent = std::max(weight, 0); exponent >= 0; --exponent) append_group(group_at(exponent));
  text += '.';
  const auto fraction_at = text.size();
  for (int exponent = -1; exponent >= last; --exponent) append_group(group_at(exponent));
  text.resize(std::min(text.size(), fraction_at + static_cast<std::size_t>(display_scale)));
  const auto decimal = parse_decimal(text);
  if (!decimal) fail_format();
  return *decimal;
}

std::int64_t receive_timestamp(std::string_view bytes) {
  const auto us = receive_fixed<std::int64_t>(bytes);
  if (us == INT64_MAX) return kTimestampInfinity;
  if (us == INT64_MIN) return kTimestampNegInfinity;
  if (us < kMinTimestampUs || us >= kEndTimestampUs) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  std::int64_t since_1970;
  if (__builtin_add_overflow(us, kPostgresEpochUs, &since_1970)) {
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  return since_1970;
}

std::int32_t receive_date(std::string_view bytes) {
  const auto days = receive_fixed<std::int32_t>(bytes);
  if (days == INT32_MAX) return kDateInfinity;
  if (days == INT32_MIN) return kDateNegInfinity;
  if (days < kMinDateDays || days >= kEndDateDays)
    throw Error(ErrorCode::DatetimeFieldOverflow, "date out of range");
  return days + kPostgresEpochDays;
}

Int128 receive_interval(std::string_view bytes) {
  Receiver in(bytes);
  IntervalValue interval;
  interval.micros = in.take<std::int64_t>();
  interval.days = in.take<std::int32_t>();
  interval.months = in.take<std::int32_t>();
  in.expect_end();
  return pack_interval(interval);
}

std::string uuid_text(std::string_view bytes) {
  if (bytes.size() != 16) fail_format();
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

/// The elements of a received array. Shape: `lower_bound` is any, as in PostgreSQL's vectors.
std::vector<Value> receive_elements(std::string_view bytes, const SqlType& element) {
  Receiver in(bytes);
  const auto dimensions = in.take<std::int32_t>();
  const auto flags = in.take<std::int32_t>();
  const auto element_oid = in.take<std::uint32_t>();
  if (dimensions < 0 || dimensions > 6) fail_format("invalid number of dimensions");
  if (flags != 0 && flags != 1) fail_format("invalid array flags");
  if (element_oid != oid_of(element)) {
    throw Error(ErrorCode::DatatypeMismatch, "binary data has array element type " +
                                                 std::to_string(element_oid) + " instead of expected " +
                                                 std::to_string(oid_of(element)));
  }
  if (dimensions > 1)
    throw Error(ErrorCode::FeatureNotSupported, "arrays of several dimensions are not supported");
  std::vector<Value> values;
  if (dimensions == 0) {
    in.expect_end();
    return values;
  }
  const auto count = in.take<std::int32_t>();
  in.take<std::int32_t>();  // the lower bound is not kept
  if (count < 0 || count > kMaxArrayElements) {
    throw Error(ErrorCode::ProgramLimitExceeded, "array size exceeds the maximum allowed");
  }
  // Every element takes its four bytes of length: a false count cannot make room for more than there is.
  if (static_cast<std::size_t>(count) > in.remaining() / 4) {
    throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
  }
  values.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    const auto size = in.take<std::int32_t>();
    if (size < -1) fail_format();
    values.push_back(size < 0 ? Value::null_of(element)
                              : receive_value(element, in.take_bytes(static_cast<std::size_t>(size))));
  }
  in.expect_end();
  return values;
}

Value receive_array(const SqlType& type, std::string_view bytes) {
  ArrayBuilder builder;
  for (const auto& value : receive_elements(bytes, type.element())) {
    if (value.is_null) {
      builder.add_null();
    } else {
      builder.add(array_element_bytes(value));
    }
  }
  return Value{type, false, 0, 0, 0, builder.finish()};
}

Value receive_vector(const SqlType& type, std::string_view bytes, TypeId element) {
  std::string text;
  for (const auto& value : receive_elements(bytes, SqlType::of(element))) {
    if (value.is_null) fail_format();
    if (!text.empty()) text += ' ';
    text += std::to_string(static_cast<std::int64_t>(value.integer));
  }
  return Value{type, false, 0, 0, 0, std::move(text)};
}

Value of_integer_as(const SqlType& type, Int128 value) { return Value{type, false, 0, value}; }

}  // namespace

void append_binary_field(std::string& out, const ColumnView& column, std::size_t row) {
  if (column.is_null(row)) {
    append_big_endian(out, std::int32_t{-1});
    return;
  }
  if (column.type.is_array) {
    append_array_field(out, column.bytes(row), column.type.element());
    return;
  }
  switch (column.type.id) {
    case TypeId::Numeric:
      if (column.layout.physical == Physical::Bytes) return append_numeric_field(out, column.bytes(row));
      append_numeric_field(out, column.integer(row), column.layout.scale);
      return;
    case TypeId::Date:
      append_fixed_field(out, to_wire_date(column.fixed<std::int32_t>(row)));
      return;
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      append_fixed_field(out, to_wire_timestamp(column.fixed<std::int64_t>(row)));
      return;
    case TypeId::Interval:
      append_interval_field(out, column.fixed<Int128>(row));
      return;
    case TypeId::Uuid: {
      std::string text;
      append_text(text, column, row, FormatContext{});
      append_uuid_field(out, text);
      return;
    }
    default:
      break;
  }
  switch (column.layout.physical) {
    case Physical::Bool:
      append_fixed_field(out, static_cast<std::uint8_t>(column.fixed<std::uint8_t>(row) != 0));
      return;
    case Physical::Int16:
      append_fixed_field(out, column.fixed<std::int16_t>(row));
      return;
    case Physical::Int32:
      append_fixed_field(out, column.fixed<std::int32_t>(row));
      return;
    case Physical::Int64:
      append_fixed_field(out, column.fixed<std::int64_t>(row));
      return;
    case Physical::Float32:
      append_fixed_field(out, column.fixed<std::uint32_t>(row));
      return;
    case Physical::Float64:
      append_fixed_field(out, column.fixed<std::uint64_t>(row));
      return;
    case Physical::Int128:
      fail_format();
    case Physical::Bytes:
      append_texts(out, column.type, column.bytes(row));
      return;
  }
}

void append_binary_field(std::string& out, const Value& value) {
  Column column(value.type);
  append_value(column, value);
  append_binary_field(out, column.view(), 0);
}

Value receive_value(const SqlType& type, std::string_view bytes) {
  if (type.is_array) return receive_array(type, bytes);
  switch (type.id) {
    case TypeId::Boolean:
      return of_integer_as(type, receive_fixed<std::uint8_t>(bytes) != 0 ? 1 : 0);
    case TypeId::SmallInt:
      return of_integer_as(type, receive_fixed<std::int16_t>(bytes));
    case TypeId::Integer:
      return of_integer_as(type, receive_fixed<std::int32_t>(bytes));
    case TypeId::Oid:
      return of_integer_as(type, receive_fixed<std::uint32_t>(bytes));
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
      return of_integer_as(type, static_cast<std::int32_t>(receive_fixed<std::uint32_t>(bytes)));
    case TypeId::BigInt:
    case TypeId::TimestampNs:
      return of_integer_as(type, receive_fixed<std::int64_t>(bytes));
    case TypeId::Time: {
      const auto us = receive_fixed<std::int64_t>(bytes);
      if (us < 0 || us > kMicrosPerDay) throw Error(ErrorCode::DatetimeFieldOverflow, "time out of range");
      return of_integer_as(type, us);
    }
    case TypeId::Real:
      return Value{type, false, 0, 0, std::bit_cast<float>(receive_fixed<std::uint32_t>(bytes))};
    case TypeId::Double:
      return Value{type, false, 0, 0, std::bit_cast<double>(receive_fixed<std::uint64_t>(bytes))};
    case TypeId::Numeric: {
      const auto decimal = receive_decimal(bytes);
      if (type.precision < 0) return Value{type, false, decimal.scale, decimal.unscaled};
      Column column(type);  // rounds to the declared scale and checks the precision
      column.append_decimal(decimal);
      return value_at(column.view(), 0);
    }
    case TypeId::Date:
      return of_integer_as(type, receive_date(bytes));
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return of_integer_as(type, receive_timestamp(bytes));
    case TypeId::Interval:
      return of_integer_as(type, receive_interval(bytes));
    case TypeId::Uuid:
      return parse_value(type, uuid_text(bytes));
    case TypeId::Bytea:
      return Value{type, false, 0, 0, 0, std::string(bytes)};
    case TypeId::Jsonb:
      if (bytes.empty() || bytes.front() != '\x01') fail_format("unsupported jsonb version number");
      return parse_value(type, bytes.substr(1));
    case TypeId::InternalChar:
      if (bytes.size() != 1) fail_format();
      return Value{type, false, 0, 0, 0, std::string(bytes.front() == '\0' ? "" : bytes)};
    case TypeId::Int2Vector:
      return receive_vector(type, bytes, TypeId::SmallInt);
    case TypeId::OidVector:
      return receive_vector(type, bytes, TypeId::Oid);
    case TypeId::Void:
      return Value{type, false};
    case TypeId::Record:
    case TypeId::AclItem:
    case TypeId::Enum:  // its labels are the catalog's to find: `parse_value`
      throw Error(ErrorCode::UndefinedFunction,
                  "no binary input function available for type " + to_sql(type));
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::Json:
    case TypeId::Candlestick:
      return parse_value(type, bytes);
  }
  fail_format();
}

void append_received(Column& column, std::string_view bytes) {
  const SqlType& type = column.type();
  if (!type.is_array) {
    switch (type.id) {
      case TypeId::BigInt:
        return column.append_fixed(receive_fixed<std::int64_t>(bytes));
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
        return column.append_fixed(receive_timestamp(bytes));
      case TypeId::Numeric:
        return column.append_decimal(receive_decimal(bytes));
      case TypeId::Text:
      case TypeId::Varchar:
        return append_parsed(column, bytes);
      default:
        break;
    }
  }
  append_value(column, receive_value(type, bytes));
}

}  // namespace tickstone
