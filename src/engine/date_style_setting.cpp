// SPDX-License-Identifier: Apache-2.0
#include "engine/date_style_setting.hpp"

#include <cctype>
#include <optional>

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

using Format = DateStyle::Format;
using Order = DateStyle::Order;

[[noreturn]] void fail(std::string_view words, const std::string& detail) {
  throw Error(ErrorCode::InvalidParameterValue,
              "invalid value for parameter \"DateStyle\": \"" + std::string(words) + "\"", detail);
}

template <typename T>
void choose(std::optional<T>& chosen, T value, std::string_view words) {
  if (chosen && *chosen != value) fail(words, "Conflicting \"datestyle\" specifications.");
  chosen = value;
}

}  // namespace

DateStyle read_date_style(std::string_view words, const DateStyle& present) {
  std::optional<Format> format;
  std::optional<Order> order;
  const auto take = [&](const std::string& word) {
    if (word == "iso") return choose(format, Format::Iso, words);
    if (word == "sql") return choose(format, Format::Sql, words);
    if (word.starts_with("postgres")) return choose(format, Format::Postgres, words);
    if (word == "german") {
      choose(format, Format::German, words);
      if (!order) order = Order::DayMonthYear;
      return;
    }
    if (word == "ymd") return choose(order, Order::YearMonthDay, words);
    if (word == "dmy" || word.starts_with("euro")) return choose(order, Order::DayMonthYear, words);
    if (word == "mdy" || word == "us" || word.starts_with("noneuro"))
      return choose(order, Order::MonthDayYear, words);
    if (word == "default") {
      if (!format) format = Format::Iso;
      if (!order) order = Order::MonthDayYear;
      return;
    }
    fail(words, "Unrecognized key word: \"" + word + "\".");
  };
  std::string word;
  for (const char c : std::string(words) + ",") {
    if (c == ',' || std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!word.empty()) take(word);
      word.clear();
    } else {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return {format.value_or(present.format), order.value_or(present.order)};
}

std::string date_style_text(const DateStyle& style) {
  std::string text = style.format == Format::Iso        ? "ISO"
                     : style.format == Format::Sql      ? "SQL"
                     : style.format == Format::Postgres ? "Postgres"
                                                        : "German";
  text += style.order == Order::MonthDayYear   ? ", MDY"
          : style.order == Order::DayMonthYear ? ", DMY"
                                               : ", YMD";
  return text;
}

IntervalStyle interval_style_of(std::string_view name) {
  if (name == "postgres_verbose") return IntervalStyle::PostgresVerbose;
  if (name == "sql_standard") return IntervalStyle::SqlStandard;
  if (name == "iso_8601") return IntervalStyle::Iso8601;
  return IntervalStyle::Postgres;
}

}  // namespace tickstone::engine
