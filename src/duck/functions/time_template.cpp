// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/time_template.hpp"

#include <algorithm>
#include <cctype>

namespace tickstone::duck {

namespace {

struct Word {
  std::string_view text;  // in upper case
  TimeField field;
  int digits = 0;
  bool any_case = false;  // Month, month and MONTH differ in what they give, and all are words
};

/// Longer words stand before those that they begin with.
constexpr Word kWords[] = {
    {"A.D.", TimeField::Era},
    {"A.M.", TimeField::Meridiem},
    {"AD", TimeField::Era},
    {"AM", TimeField::Meridiem},
    {"B.C.", TimeField::Era},
    {"BC", TimeField::Era},
    {"CC", TimeField::Century, 2},
    {"DAY", TimeField::DayName, 0, true},
    {"DDD", TimeField::DayOfYear, 3},
    {"DD", TimeField::Day, 2},
    {"DY", TimeField::DayAbbreviation, 0, true},
    {"D", TimeField::DayOfWeek, 1},
    {"FF1", TimeField::Fraction, 1},
    {"FF2", TimeField::Fraction, 2},
    {"FF3", TimeField::Fraction, 3},
    {"FF4", TimeField::Fraction, 4},
    {"FF5", TimeField::Fraction, 5},
    {"FF6", TimeField::Fraction, 6},
    {"HH24", TimeField::Hour24, 2},
    {"HH12", TimeField::Hour12, 2},
    {"HH", TimeField::Hour12, 2},
    {"IDDD", TimeField::IsoDayOfYear, 3},
    {"ID", TimeField::IsoDayOfWeek, 1},
    {"IW", TimeField::IsoWeek, 2},
    {"IYYY", TimeField::IsoYear, 4},
    {"IYY", TimeField::IsoYear, 3},
    {"IY", TimeField::IsoYear, 2},
    {"I", TimeField::IsoYear, 1},
    {"J", TimeField::Julian},
    {"MI", TimeField::Minute, 2},
    {"MM", TimeField::Month, 2},
    {"MONTH", TimeField::MonthName, 0, true},
    {"MON", TimeField::MonthAbbreviation, 0, true},
    {"MS", TimeField::Fraction, 3},
    {"OF", TimeField::ZoneOffset},
    {"P.M.", TimeField::Meridiem},
    {"PM", TimeField::Meridiem},
    {"Q", TimeField::Quarter, 1},
    {"RM", TimeField::MonthRoman},
    {"SSSSS", TimeField::SecondOfDay, 5},
    {"SSSS", TimeField::SecondOfDay, 5},
    {"SS", TimeField::Second, 2},
    {"TZH", TimeField::ZoneHours, 2},
    {"TZM", TimeField::ZoneMinutes, 2},
    {"TZ", TimeField::ZoneName},
    {"US", TimeField::Fraction, 6},
    {"WW", TimeField::WeekOfYear, 2},
    {"W", TimeField::WeekOfMonth, 1},
    {"Y,YYY", TimeField::YearComma, 4},
    {"YYYY", TimeField::Year, 4},
    {"YYY", TimeField::Year, 3},
    {"YY", TimeField::Year, 2},
    {"Y", TimeField::Year, 1},
};

bool matches(std::string_view rest, const Word& word) {
  if (rest.size() < word.text.size()) return false;
  bool is_upper = true;
  bool is_lower = true;
  for (std::size_t i = 0; i < word.text.size(); ++i) {
    const char c = rest[i];
    if (std::toupper(static_cast<unsigned char>(c)) != word.text[i]) return false;
    is_upper = is_upper && c == word.text[i];
    is_lower = is_lower && c == std::tolower(static_cast<unsigned char>(word.text[i]));
  }
  // Names may have one capital too; anything else mixed is text.
  return is_upper || is_lower || (word.any_case && std::isupper(static_cast<unsigned char>(rest[0])) != 0);
}

}  // namespace

bool is_numeric_field(TimeField field) {
  switch (field) {
    case TimeField::Text:
    case TimeField::Separator:
    case TimeField::Meridiem:
    case TimeField::Era:
    case TimeField::MonthName:
    case TimeField::MonthAbbreviation:
    case TimeField::MonthRoman:
    case TimeField::DayName:
    case TimeField::DayAbbreviation:
    case TimeField::ZoneName:
    case TimeField::ZoneHours:
    case TimeField::ZoneOffset:
      return false;
    default:
      return true;
  }
}

std::vector<TimePart> parse_time_template(std::string_view text) {
  std::vector<TimePart> parts;
  const auto add_text = [&](std::string piece) { parts.push_back({TimeField::Text, std::move(piece)}); };
  while (!text.empty()) {
    bool is_filled = false;
    // Prefixes of the next field; TM changes names only, FX is for fixed input.
    while (text.size() > 2 && (text.starts_with("FM") || text.starts_with("fm") || text.starts_with("TM") ||
                               text.starts_with("tm") || text.starts_with("FX") || text.starts_with("fx"))) {
      is_filled = is_filled || text.starts_with("FM") || text.starts_with("fm");
      text.remove_prefix(2);
    }
    const auto word = std::find_if(std::begin(kWords), std::end(kWords),
                                   [&](const Word& one) { return matches(text, one); });
    if (word != std::end(kWords)) {
      TimePart part{word->field, std::string(text.substr(0, word->text.size())), word->digits, is_filled};
      part.has_points = word->text.find('.') != std::string_view::npos;
      text.remove_prefix(word->text.size());
      if (text.starts_with("TH") || text.starts_with("th")) {
        part.has_ordinal = true;
        part.is_upper_ordinal = text[0] == 'T';
        text.remove_prefix(2);
      }
      if (text.starts_with("SP")) text.remove_prefix(2);
      parts.push_back(std::move(part));
      continue;
    }
    if (text[0] == '"') {
      std::size_t i = 1;
      for (; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        add_text(std::string(1, text[i]));
      }
      text.remove_prefix(std::min(i + 1, text.size()));
      continue;
    }
    if (text.starts_with("\\\"")) text.remove_prefix(1);
    const auto c = static_cast<unsigned char>(text[0]);
    parts.push_back({c > 0x20 && c < 0x7f && std::isalnum(c) == 0 ? TimeField::Separator
                     : std::isspace(c) != 0                       ? TimeField::Separator
                                                                  : TimeField::Text,
                     std::string(1, text[0])});
    text.remove_prefix(1);
  }
  return parts;
}

}  // namespace tickstone::duck
