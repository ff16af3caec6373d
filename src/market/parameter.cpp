// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/parameter.hpp>

#include "market/parameter_value.hpp"
#include "types/array_value.hpp"
#include "types/timestamp.hpp"

namespace tickstone {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string array_text(const Parameter::Array& elements) {
  std::string text = "{";
  for (const auto& element : elements) {
    if (text.size() > 1) text += ',';
    const auto value = element.to_text();
    if (!value) {
      text += "NULL";
    } else if (std::holds_alternative<Parameter::Array>(element.content())) {
      text += *value;
    } else {
      text += '"';
      for (const char c : *value) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
      }
      text += '"';
    }
  }
  return text + "}";
}

}  // namespace

std::optional<std::string> Parameter::to_text() const {
  return std::visit(
      Overloaded{[](Null) -> std::optional<std::string> { return std::nullopt; },
                 [](bool value) -> std::optional<std::string> { return value ? "true" : "false"; },
                 [](std::int64_t value) -> std::optional<std::string> { return std::to_string(value); },
                 [](double value) -> std::optional<std::string> {
                   std::string text;
                   Column column{SqlType::of(TypeId::Double)};
                   column.append_fixed(value);
                   append_text(text, column.view(), 0, FormatContext{});
                   return text;
                 },
                 [](const Decimal& value) -> std::optional<std::string> { return format_decimal(value); },
                 [](const std::string& value) -> std::optional<std::string> { return value; },
                 [](Timestamp value) -> std::optional<std::string> { return format_timestamp(value); },
                 [](Date value) -> std::optional<std::string> { return format_date(value); },
                 [](const Json& value) -> std::optional<std::string> { return value.text; },
                 [](const Array& value) -> std::optional<std::string> { return array_text(value); }},
      content_);
}

Timestamp current_timestamp() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Timestamp timestamp_from(std::string_view text) {
  const auto us = parse_timestamptz(text, utc_zone(), current_timestamp().time_since_epoch().count());
  if (!us)
    throw Error(ErrorCode::InvalidDatetimeFormat,
                "invalid input syntax for type timestamp with time zone: \"" + std::string(text) + "\"");
  return Timestamp{std::chrono::microseconds{*us}};
}

Date date_from(std::string_view text) {
  const auto days = parse_date(text, current_timestamp().time_since_epoch().count());
  if (!days)
    throw Error(ErrorCode::InvalidDatetimeFormat,
                "invalid input syntax for type date: \"" + std::string(text) + "\"");
  return Date{std::chrono::days{*days}};
}

std::string format_timestamp(Timestamp time) {
  std::string text;
  append_timestamptz(text, time.time_since_epoch().count(), utc_zone());
  return text;
}

std::string format_date(Date day) {
  std::string text;
  append_date(text, static_cast<std::int32_t>(day.time_since_epoch().count()));
  return text;
}

namespace market {

Value value_of(const Parameter& parameter, const SqlType& type, const FormatContext& format) {
  if (parameter.is_null()) return Value::null_of(type);
  const auto& content = parameter.content();
  if (!type.is_array) {
    if (const auto* text = std::get_if<std::string>(&content); text != nullptr && type.id == TypeId::Text)
      return Value::of_text(*text);
    if (const auto* time = std::get_if<Timestamp>(&content);
        time != nullptr && type.id == TypeId::TimestampTz)
      return Value::of_timestamptz(time->time_since_epoch().count());
    if (const auto* number = std::get_if<std::int64_t>(&content);
        number != nullptr && type.id == TypeId::BigInt)
      return Value::of_bigint(*number);
    if (const auto* number = std::get_if<double>(&content); number != nullptr && type.id == TypeId::Double)
      return Value::of_double(*number);
    if (const auto* number = std::get_if<Decimal>(&content); number != nullptr && type.is_bare_numeric())
      return Value::of_numeric(trimmed(*number));
  }
  return parse_value(type, *parameter.to_text(), format);
}

}  // namespace market
}  // namespace tickstone
