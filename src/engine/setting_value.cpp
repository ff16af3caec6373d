// SPDX-License-Identifier: Apache-2.0
#include "engine/setting_value.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "engine/date_style_setting.hpp"
#include "types/value.hpp"

namespace tickstone::engine {
namespace {

using Kind = SettingDefinition::Kind;

struct Unit {
  std::string_view name;
  double size;  // in bytes, or milliseconds
};

// The largest first: a value is shown in the first that divides it.
constexpr Unit kMemoryUnits[] = {
    {"TB", 1099511627776.0}, {"GB", 1073741824.0}, {"MB", 1048576.0}, {"kB", 1024.0}, {"B", 1.0}};
constexpr Unit kTimeUnits[] = {{"d", 86'400'000.0}, {"h", 3'600'000.0}, {"min", 60'000.0},
                               {"s", 1000.0},       {"ms", 1.0},        {"us", 0.001}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view unit_of(const SettingDefinition& definition) {
  return definition.kind == Kind::Milliseconds ? "ms" : definition.unit;
}

std::span<const Unit> units_for(std::string_view unit) {
  const bool is_memory = unit == "B" || unit == "kB" || unit == "8kB" || unit == "MB";
  return is_memory ? std::span<const Unit>(kMemoryUnits) : std::span<const Unit>(kTimeUnits);
}

/// In bytes or milliseconds; nothing where there is no such unit.
std::optional<double> unit_size(std::string_view unit) {
  if (unit == "8kB") return 8192.0;
  for (const auto& known : units_for(unit)) {
    if (known.name == unit) return known.size;
  }
  return std::nullopt;
}

std::string quoted_name(const SettingDefinition& definition) {
  return "\"" + std::string(definition.shown_name) + "\"";
}

[[noreturn]] void invalid_value(const SettingDefinition& definition, const std::string& value,
                                std::string hint = {}) {
  throw Error(ErrorCode::InvalidParameterValue,
              "invalid value for parameter " + quoted_name(definition) + ": \"" + value + "\"", {},
              std::move(hint));
}

std::optional<bool> parse_boolean(const std::string& text) {
  const std::string word = lower(text);
  if (word == "1") return true;
  if (word == "0") return false;
  // Any beginning that only one of them has, as PostgreSQL takes it.
  const auto begins = [&](std::string_view whole) { return !word.empty() && whole.starts_with(word); };
  if (begins("true") || begins("yes") || word == "on") return true;
  if (begins("false") || begins("no") || (begins("off") && word.size() >= 2)) return false;
  return std::nullopt;
}

/// The number, in the setting's own unit.
double parse_number(const SettingDefinition& definition, const std::string& text) {
  const char* begin = text.c_str();
  char* end = nullptr;
  errno = 0;
  double number = 0;
  const long long whole = std::strtoll(begin, &end, definition.kind == Kind::Real ? 10 : 0);
  if (definition.kind == Kind::Real || *end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE) {
    number = std::strtod(begin, &end);
  } else {
    number = static_cast<double>(whole);
  }
  if (end == begin || std::isnan(number)) invalid_value(definition, text);
  while (std::isspace(static_cast<unsigned char>(*end)) != 0) ++end;
  std::string unit = end;
  while (!unit.empty() && std::isspace(static_cast<unsigned char>(unit.back())) != 0) unit.pop_back();
  const std::string_view own_unit = unit_of(definition);
  if (unit.empty()) return number;
  if (own_unit.empty()) invalid_value(definition, text);
  for (const auto& known : units_for(own_unit)) {
    if (known.name == unit) return number * known.size / *unit_size(own_unit);
  }
  invalid_value(definition, text,
                units_for(own_unit).data() == kMemoryUnits
                    ? R"(Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".)"
                    : R"(Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".)");
}

/// With the largest unit that leaves a whole number.
std::string show_number(const SettingDefinition& definition, double number) {
  const std::string_view own_unit = unit_of(definition);
  if (own_unit.empty() || number <= 0) return fmt::format("{}", number);
  const double base = number * *unit_size(own_unit);
  for (const auto& unit : units_for(own_unit)) {
    const double count = base / unit.size;
    if (count >= 1 && std::fabs(std::rint(count) / count - 1.0) <= 1e-8)
      return fmt::format("{}{}", std::rint(count), unit.name);
  }
  return fmt::format("{}{}", number, own_unit);
}

std::string checked_number(const SettingDefinition& definition, const std::string& text) {
  double number = parse_number(definition, text);
  const bool is_whole = definition.kind != Kind::Real;
  if (is_whole) number = std::rint(number);
  const bool is_time = definition.kind == Kind::Milliseconds && definition.minimum.empty();
  const auto bound = [&](std::string_view given, double without) {
    return given.empty() ? without : std::strtod(std::string(given).c_str(), nullptr);
  };
  const double least = is_time ? 0 : bound(definition.minimum, is_whole ? -2147483648.0 : -1e300);
  const double most = bound(definition.maximum, is_whole ? 2147483647.0 : 1e300);
  if (number < least || number > most) {
    const auto unit = unit_of(definition);
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("{}{}{} is outside the valid range for parameter {} ({} .. {})", number,
                            unit.empty() ? "" : " ", unit, quoted_name(definition), least, most));
  }
  return show_number(definition, number);
}

std::string checked_choice(const SettingDefinition& definition, const std::string& text) {
  const std::string wanted = lower(text);
  for (std::string_view rest = definition.choices; !rest.empty();) {
    const auto bar = rest.find('|');
    if (rest.substr(0, bar) == wanted) return wanted;
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  // Other words for a Boolean are understood and not told.
  std::string choices(definition.choices.substr(0, definition.choices.find("|true|")));
  for (std::size_t at = 0; (at = choices.find('|', at)) != std::string::npos;) choices.replace(at, 1, ", ");
  invalid_value(definition, text, "Available values: " + choices + ".");
}

/// Hours east of Greenwich, as SET TIME ZONE takes them, in the words of POSIX, which counts to the west.
std::string zone_of_hours(const std::string& text) {
  char* end = nullptr;
  const double hours = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size() || !(std::abs(hours) < 168)) return text;
  const auto seconds = static_cast<int>(std::lround(std::abs(hours) * 3600));
  std::string offset = fmt::format("{:02d}", seconds / 3600);
  if (seconds % 3600 != 0) offset += fmt::format(":{:02d}", seconds / 60 % 60);
  return hours < 0 ? fmt::format("<-{0}>+{0}", offset) : fmt::format("<+{0}>-{0}", offset);
}

std::string checked_text(const SettingDefinition& definition, const std::string& text,
                         const std::vector<std::string>& values) {
  if (definition.name == "timezone") {
    const TimeZone* zone = find_time_zone(zone_of_hours(text));
    if (zone == nullptr) invalid_value(definition, text);
    return zone->name();
  }
  if (definition.name == "client_encoding") {
    std::string plain = lower(text);
    std::erase_if(plain, [](unsigned char c) { return std::isalnum(c) == 0; });
    static const std::map<std::string_view, const char*> kNames = {
        {"utf8", "UTF8"},        {"unicode", "UTF8"},    {"sqlascii", "SQL_ASCII"},
        {"latin1", "LATIN1"},    {"iso88591", "LATIN1"}, {"latin9", "LATIN9"},
        {"iso885915", "LATIN9"}, {"win1252", "WIN1252"}, {"windows1252", "WIN1252"}};
    if (const auto found = kNames.find(plain); found != kNames.end()) return found->second;
    invalid_value(definition, text, "Tickstone speaks UTF8, SQL_ASCII, LATIN1, LATIN9 and WIN1252.");
  }
  if (definition.name == "datestyle") return date_style_text(read_date_style(text, {}));
  if (definition.name == "search_path") {
    // Kept as it was written, each name quoted where it must be.
    std::string out;
    for (const auto& value : values) {
      const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return std::islower(c) || std::isdigit(c) || c == '_' || c >= 0x80;
      });
      out += (out.empty() ? "" : ", ") + (plain ? value : "\"" + value + "\"");
    }
    return out.empty() ? "\"\"" : out;
  }
  return text;
}

}  // namespace

std::string checked_value(const SettingDefinition& definition, const std::vector<std::string>& values) {
  std::string joined;
  for (const auto& value : values) joined += (joined.empty() ? "" : ", ") + value;
  switch (definition.kind) {
    case Kind::Boolean: {
      const auto value = parse_boolean(joined);
      if (!value) {
        throw Error(ErrorCode::InvalidParameterValue,
                    "parameter " + quoted_name(definition) + " requires a Boolean value");
      }
      return *value ? "on" : "off";
    }
    case Kind::Integer:
    case Kind::Real:
    case Kind::Milliseconds:
      return checked_number(definition, joined);
    case Kind::Enumeration:
      return checked_choice(definition, joined);
    case Kind::Text:
      break;
  }
  return checked_text(definition, joined, values);
}

std::string plain_value(const SettingDefinition& definition, const std::string& shown) {
  const bool has_unit = !unit_of(definition).empty();
  if (!has_unit || shown.empty()) return shown;
  if (definition.kind == Kind::Real) return fmt::format("{}", parse_number(definition, shown));
  return std::to_string(number_of(definition, shown));
}

std::int64_t number_of(const SettingDefinition& definition, const std::string& shown) {
  return static_cast<std::int64_t>(std::llrint(parse_number(definition, shown)));
}

std::int64_t bytes_of(const SettingDefinition& definition, const std::string& shown) {
  return static_cast<std::int64_t>(
      std::llrint(parse_number(definition, shown) * *unit_size(definition.unit)));
}

std::string shown_bytes(const SettingDefinition& definition, std::int64_t bytes) {
  return show_number(definition, std::rint(static_cast<double>(bytes) / *unit_size(definition.unit)));
}

}  // namespace tickstone::engine
