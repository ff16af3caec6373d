// SPDX-License-Identifier: Apache-2.0
#include "market/import_mapping.hpp"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

using nlohmann::json;

constexpr int kMaxDigits = 38;

[[noreturn]] void bad_mapping(const std::string& message, const std::string& hint = {}) {
  throw Error(ErrorCode::InvalidParameterValue, "mapping file: " + message, {}, hint);
}

std::string text_of(const json& value, const std::string& where) {
  if (!value.is_string()) bad_mapping(where + " must be a text");
  return value.get<std::string>();
}

char character_of(const json& value, const std::string& where) {
  const std::string text = text_of(value, where);
  if (text.size() != 1) bad_mapping(where + " must be one character");
  return text[0];
}

EpochUnit unit_of(const std::string& name, const std::string& where) {
  if (name == "auto") return EpochUnit::Auto;
  if (name == "s") return EpochUnit::Seconds;
  if (name == "ms") return EpochUnit::Milliseconds;
  if (name == "us") return EpochUnit::Microseconds;
  if (name == "ns") return EpochUnit::Nanoseconds;
  bad_mapping(where + ": \"" + name + "\" is no unit", "Units are s, ms, us, ns and auto.");
}

void set_transform(MappedColumn& mapped, MappedColumn::Transform transform, const std::string& where) {
  if (mapped.transform != MappedColumn::Transform::None) bad_mapping(where + " has two transforms");
  mapped.transform = transform;
}

MappedColumn read_column(const std::string& name, const json& value) {
  using Transform = MappedColumn::Transform;
  const std::string where = "column \"" + name + "\"";
  MappedColumn mapped;
  mapped.column = name;
  if (value.is_string()) {
    mapped.text = value.get<std::string>();
    return mapped;
  }
  if (!value.is_object()) bad_mapping(where + " must be the name of a field, or an object");
  bool has_source = false;
  for (const auto& [key, option] : value.items()) {
    const std::string here = where + ", \"" + key + "\"";
    if (key == "from" || key == "constant" || key == "line") {
      if (has_source) bad_mapping(where + " has two sources");
      has_source = true;
      if (key == "line") {
        if (option != true) bad_mapping(here + " must be true");
        mapped.source = MappedColumn::Source::Line;
      } else {
        mapped.source = key == "from" ? MappedColumn::Source::Field : MappedColumn::Source::Constant;
        mapped.text = text_of(option, here);
      }
    } else if (key == "unit") {
      set_transform(mapped, Transform::Epoch, where);
      mapped.unit = unit_of(text_of(option, here), where);
    } else if (key == "zone") {
      set_transform(mapped, Transform::LocalTime, where);
      mapped.zone = find_time_zone(text_of(option, here));
      if (mapped.zone == nullptr) bad_mapping("time zone \"" + text_of(option, here) + "\" not recognized");
    } else if (key == "multiply") {
      set_transform(mapped, Transform::Multiply, where);
      mapped.factor = Decimal::parse(text_of(option, here));
    } else if (key == "list") {
      set_transform(mapped, Transform::List, where);
      mapped.separator = character_of(option, here);
    } else if (key == "upper") {
      if (option != true) bad_mapping(here + " must be true");
      set_transform(mapped, Transform::Upper, where);
    } else {
      bad_mapping(where + ": unknown option \"" + key + "\"",
                  "Options are from, constant, line, unit, zone, multiply, list and upper.");
    }
  }
  if (!has_source) bad_mapping(where + " has no source", "Give it \"from\", \"constant\" or \"line\".");
  return mapped;
}

/// `value * 10^places`, down to a whole number.
Int128 shifted(const Decimal& value, int places) {
  Int128 result = value.unscaled;
  for (int at = value.scale; at < places; ++at) {
    if (__builtin_mul_overflow(result, static_cast<Int128>(10), &result))
      throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  Int128 divisor = 1;
  for (int at = places; at < value.scale; ++at) divisor *= 10;
  const Int128 quotient = result / divisor;
  return result < 0 && result % divisor != 0 ? quotient - 1 : quotient;
}

EpochUnit told_unit(const Decimal& value) {
  const Decimal size{value.unscaled < 0 ? -value.unscaled : value.unscaled, value.scale};
  const auto below = [&](std::int64_t limit) { return size < Decimal{limit, 0}; };
  if (below(100'000'000'000)) return EpochUnit::Seconds;
  if (below(100'000'000'000'000)) return EpochUnit::Milliseconds;
  if (below(100'000'000'000'000'000)) return EpochUnit::Microseconds;
  return EpochUnit::Nanoseconds;
}

std::string epoch_text(EpochUnit unit, std::string_view text, bool keeps_nanoseconds) {
  const Decimal value = Decimal::parse(text);
  if (unit == EpochUnit::Auto) unit = told_unit(value);
  const int places = unit == EpochUnit::Seconds        ? 9
                     : unit == EpochUnit::Milliseconds ? 6
                     : unit == EpochUnit::Microseconds ? 3
                                                       : 0;
  const Int128 ns = shifted(value, places);
  constexpr auto kMax = static_cast<Int128>(std::numeric_limits<std::int64_t>::max());
  std::string out;
  if (keeps_nanoseconds) {
    if (ns >= kMax || ns <= -kMax)
      throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range: \"" + std::string(text) + "\"");
    append_timestamp_ns(out, static_cast<std::int64_t>(ns), utc_zone());
    return out;
  }
  const Int128 us = shifted(Decimal{ns, 3}, 0);
  // PostgreSQL's last year is 294276.
  constexpr Int128 kEndUs = static_cast<Int128>(9'224'318'015'999) * 1'000'000;
  constexpr Int128 kStartUs = static_cast<Int128>(-210'866'803'200) * 1'000'000;
  if (us >= kMax || us > kEndUs || us < kStartUs)
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range: \"" + std::string(text) + "\"");
  append_timestamptz(out, static_cast<std::int64_t>(us), utc_zone());
  return out;
}

std::string local_time_text(const TimeZone& zone, std::string_view text) {
  const auto us = parse_timestamptz(text, zone);
  if (!us) {
    throw Error(ErrorCode::InvalidDatetimeFormat,
                "invalid input syntax for type timestamp with time zone: \"" + std::string(text) + "\"");
  }
  std::string out;
  append_timestamptz(out, *us, utc_zone());
  return out;
}

std::string product_text(const Decimal& factor, std::string_view text) {
  const Decimal value = Decimal::parse(text);
  Decimal product;
  const int scale = value.scale + factor.scale;
  if (scale > kMaxDigits || __builtin_mul_overflow(value.unscaled, factor.unscaled, &product.unscaled))
    throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  product.scale = static_cast<std::uint8_t>(scale);
  return product.to_string();
}

/// `12,37` as an array: `{"12","37"}`.
std::string list_text(char separator, std::string_view text) {
  std::string out = "{";
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (item.empty()) continue;
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + '}';
}

}  // namespace

const MappedColumn* ImportMapping::find(std::string_view column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.column == column; });
  return found == columns.end() ? nullptr : &*found;
}

void ImportMapping::set(MappedColumn mapped) {
  std::erase_if(columns, [&](const auto& one) { return one.column == mapped.column; });
  columns.push_back(std::move(mapped));
}

ImportMapping parse_import_mapping(std::string_view text) {
  json root;
  // Boundary: nlohmann's errors end here.
  try {
    root = json::parse(text);
  } catch (const json::exception& error) {
    bad_mapping(std::string("no JSON: ") + error.what());
  }
  if (!root.is_object()) bad_mapping("must be an object");
  ImportMapping mapping;
  for (const auto& [key, value] : root.items()) {
    const std::string where = "\"" + key + "\"";
    if (key == "columns") {
      if (!value.is_object()) bad_mapping(where + " must be an object");
      for (const auto& [name, column] : value.items()) mapping.set(read_column(name, column));
    } else if (key == "delimiter") {
      mapping.delimiter = character_of(value, where);
    } else if (key == "null") {
      mapping.null_text = text_of(value, where);
    } else if (key == "header") {
      if (!value.is_boolean()) bad_mapping(where + " must be true or false");
      mapping.has_header = value.get<bool>();
    } else if (key == "fields") {
      if (!value.is_array()) bad_mapping(where + " must be a list of names");
      for (const auto& name : value) mapping.fields.push_back(text_of(name, where));
    } else {
      bad_mapping("unknown key " + where, "Keys are columns, delimiter, null, header and fields.");
    }
  }
  return mapping;
}

std::string transform_text(const MappedColumn& mapped, std::string_view text, bool keeps_nanoseconds) {
  switch (mapped.transform) {
    case MappedColumn::Transform::None:
      return std::string(text);
    case MappedColumn::Transform::Epoch:
      return epoch_text(mapped.unit, text, keeps_nanoseconds);
    case MappedColumn::Transform::LocalTime:
      return local_time_text(*mapped.zone, text);
    case MappedColumn::Transform::Multiply:
      return product_text(mapped.factor, text);
    case MappedColumn::Transform::List:
      return list_text(mapped.separator, text);
    case MappedColumn::Transform::Upper: {
      std::string upper(text);
      for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      }
      return upper;
    }
  }
  return std::string(text);
}

}  // namespace tickstone::market
