// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <fast_float/fast_float.h>

#include <tickstone/error.hpp>

#include "types/datetime_lexer.hpp"
#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

namespace {

enum class Unit : std::uint8_t {
  Microsecond,
  Millisecond,
  Second,
  Minute,
  Hour,
  Day,
  Week,
  Month,
  Year,
  Decade,
  Century,
  Millennium,
};

struct UnitName {
  std::string_view name;
  Unit unit;
};

constexpr UnitName kUnits[] = {
    {"us", Unit::Microsecond},
    {"usec", Unit::Microsecond},
    {"usecs", Unit::Microsecond},
    {"usecond", Unit::Microsecond},
    {"useconds", Unit::Microsecond},
    {"microsecond", Unit::Microsecond},
    {"microseconds", Unit::Microsecond},
    {"ms", Unit::Millisecond},
    {"msec", Unit::Millisecond},
    {"msecs", Unit::Millisecond},
    {"msecond", Unit::Millisecond},
    {"mseconds", Unit::Millisecond},
    {"millisecond", Unit::Millisecond},
    {"milliseconds", Unit::Millisecond},
    {"s", Unit::Second},
    {"sec", Unit::Second},
    {"secs", Unit::Second},
    {"second", Unit::Second},
    {"seconds", Unit::Second},
    {"m", Unit::Minute},
    {"min", Unit::Minute},
    {"mins", Unit::Minute},
    {"minute", Unit::Minute},
    {"minutes", Unit::Minute},
    {"h", Unit::Hour},
    {"hr", Unit::Hour},
    {"hrs", Unit::Hour},
    {"hour", Unit::Hour},
    {"hours", Unit::Hour},
    {"d", Unit::Day},
    {"day", Unit::Day},
    {"days", Unit::Day},
    {"w", Unit::Week},
    {"week", Unit::Week},
    {"weeks", Unit::Week},
    {"mon", Unit::Month},
    {"mons", Unit::Month},
    {"month", Unit::Month},
    {"months", Unit::Month},
    {"y", Unit::Year},
    {"yr", Unit::Year},
    {"yrs", Unit::Year},
    {"year", Unit::Year},
    {"years", Unit::Year},
    {"dec", Unit::Decade},
    {"decs", Unit::Decade},
    {"decade", Unit::Decade},
    {"decades", Unit::Decade},
    {"c", Unit::Century},
    {"cent", Unit::Century},
    {"century", Unit::Century},
    {"centuries", Unit::Century},
    {"mil", Unit::Millennium},
    {"mils", Unit::Millennium},
    {"millennium", Unit::Millennium},
    {"millennia", Unit::Millennium},
};

std::optional<Unit> unit_of(std::string_view name) {
  constexpr std::size_t kSignificant = 10;  // `microsecon` suffices
  for (const auto& row : kUnits) {
    if (row.name.substr(0, kSignificant) == name.substr(0, kSignificant)) return row.unit;
  }
  return std::nullopt;
}

[[noreturn]] void throw_field_overflow(std::string_view text) {
  throw Error(ErrorCode::IntervalFieldOverflow,
              "interval field value out of range: \"" + std::string(text) + "\"");
}

/// Sums of the three parts, wide enough that no single addition can wrap.
struct IntervalSum {
  Int128 months = 0;
  Int128 days = 0;
  Int128 micros = 0;

  /// `whole` and `fraction` (of the same sign) of a unit; a fraction spills into the smaller parts.
  void add(Unit unit, std::int64_t whole, double fraction) {
    switch (unit) {
      case Unit::Microsecond:
        add_time(whole, fraction, 1);
        break;
      case Unit::Millisecond:
        add_time(whole, fraction, 1000);
        break;
      case Unit::Second:
        add_time(whole, fraction, kMicrosPerSecond);
        break;
      case Unit::Minute:
        add_time(whole, fraction, 60 * kMicrosPerSecond);
        break;
      case Unit::Hour:
        add_time(whole, fraction, 3600 * kMicrosPerSecond);
        break;
      case Unit::Day:
        days += whole;
        add_time(0, fraction, kMicrosPerDay);
        break;
      case Unit::Week:
        days += Int128{whole} * 7;
        add_day_fraction(fraction * 7);
        break;
      case Unit::Month:
        months += whole;
        add_day_fraction(fraction * 30);
        break;
      case Unit::Year:
        add_years(whole, fraction, 1);
        break;
      case Unit::Decade:
        add_years(whole, fraction, 10);
        break;
      case Unit::Century:
        add_years(whole, fraction, 100);
        break;
      case Unit::Millennium:
        add_years(whole, fraction, 1000);
        break;
    }
  }

  bool fits_fields() const {
    return days >= INT32_MIN && days <= INT32_MAX && micros >= INT64_MIN && micros <= INT64_MAX;
  }

  IntervalValue result() const {
    const auto fits = [](Int128 value, Int128 least, Int128 most) { return value >= least && value <= most; };
    if (!fits(months, INT32_MIN, INT32_MAX) || !fits(days, INT32_MIN, INT32_MAX) ||
        !fits(micros, INT64_MIN, INT64_MAX)) {
      throw Error(ErrorCode::DatetimeFieldOverflow, "interval out of range");
    }
    return {static_cast<std::int32_t>(months), static_cast<std::int32_t>(days),
            static_cast<std::int64_t>(micros)};
  }

 private:
  /// A half of a microsecond is dropped, as PostgreSQL does here and only here.
  void add_time(std::int64_t whole, double fraction, std::int64_t unit_us) {
    const double us = fraction * static_cast<double>(unit_us);
    const auto whole_us = static_cast<std::int64_t>(us);
    const double rest = us - static_cast<double>(whole_us);
    micros += Int128{whole} * unit_us + whole_us + (rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0);
  }
  void add_day_fraction(double value) {
    const auto whole_days = static_cast<std::int64_t>(value);
    days += whole_days;
    add_time(0, value - static_cast<double>(whole_days), kMicrosPerDay);
  }
  void add_years(std::int64_t whole, double fraction, std::int64_t years) {
    months += Int128{whole} * years * 12 +
              static_cast<std::int64_t>(std::rint(fraction * static_cast<double>(years) * 12));
  }
};

/// A number with sign and fraction: false where `text` is none.
struct Quantity {
  std::int64_t whole = 0;
  double fraction = 0;
  std::string_view rest;
};

bool read_quantity(std::string_view text, std::string_view all, Quantity& quantity) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool is_negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  Int128 whole = 0;
  const char* const digits = at;
  for (; at < end && *at >= '0' && *at <= '9'; ++at) {
    whole = whole * 10 + (*at - '0');
    if (whole > std::numeric_limits<std::int64_t>::max()) throw_field_overflow(all);
  }
  bool has_digits = at > digits;
  quantity.whole = static_cast<std::int64_t>(is_negative ? -whole : whole);
  quantity.fraction = 0;
  if (at < end && *at == '.') {
    const char* const point = at++;
    while (at < end && *at >= '0' && *at <= '9') ++at;
    has_digits = has_digits || at > point + 1;
    if (at > point + 1) {
      const std::string fraction = "0" + std::string(point, at);
      fast_float::from_chars(fraction.data(), fraction.data() + fraction.size(), quantity.fraction);
      if (is_negative) quantity.fraction = -quantity.fraction;
    }
  }
  quantity.rest = {at, static_cast<std::size_t>(end - at)};
  return has_digits;
}

/// The traditional forms. Nothing where the text has another one.
class IntervalReader {
 public:
  IntervalReader(std::string_view text, IntervalStyle style) : text_(text), style_(style) {}

  std::optional<IntervalValue> run() {
    auto tokens = lex_datetime(text_);
    if (!tokens || tokens->empty()) return std::nullopt;
    // From the end: a unit is known before its number.
    for (std::size_t i = tokens->size(); i-- > 0;) {
      if (!token((*tokens)[i])) return std::nullopt;
    }
    if (!has_part_) return std::nullopt;
    if (style_ == IntervalStyle::SqlStandard && is_negative_as_a_whole(*tokens)) {
      for (Int128* part : {&sum_.months, &sum_.days, &sum_.micros}) {
        if (*part > 0) *part = -*part;
      }
    }
    if (is_ago_) {
      sum_.months = -sum_.months;
      sum_.days = -sum_.days;
      sum_.micros = -sum_.micros;
    }
    return sum_.result();
  }

 private:
  /// The sign that stands first is that of all parts, unless there are others.
  static bool is_negative_as_a_whole(const std::vector<DatetimeToken>& tokens) {
    if (tokens.front().text.front() != '-') return false;
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      if (tokens[i].text.front() == '-' || tokens[i].text.front() == '+') return false;
    }
    return true;
  }

  bool token(const DatetimeToken& token) {
    using Kind = DatetimeToken::Kind;
    switch (token.kind) {
      case Kind::Time:
        return clock(token.text, false);
      case Kind::Signed:
        if (token.text.find(':') != std::string::npos) {
          return clock(std::string_view(token.text).substr(1), token.text.front() == '-');
        }
        return number(token.text);
      case Kind::Number:
      case Kind::Date:
        return number(token.text);
      case Kind::Word:
        if (token.text == "ago") {
          is_ago_ = true;
          needs_unit_ = true;
          return !has_part_ && !unit_;
        }
        unit_ = unit_of(token.text);
        return unit_.has_value();
      case Kind::SignedWord:
        return false;
    }
    return false;
  }

  bool clock(std::string_view text, bool is_negative) {
    ClockFields fields;
    switch (read_clock(text, fields)) {
      case DatetimeProblem::None:
        break;
      case DatetimeProblem::FieldOverflow:
        throw_field_overflow(text_);
      default:
        return false;
    }
    for (const auto part : {Unit::Hour, Unit::Minute, Unit::Second}) {
      if (!claim(part)) return false;
    }
    const Int128 micros =
        ((Int128{fields.hour} * 60 + fields.minute) * 60 + fields.second) * kMicrosPerSecond + fields.micros;
    sum_.micros += is_negative ? -micros : micros;
    if (!sum_.fits_fields()) throw_field_overflow(text_);
    unit_ = Unit::Day;  // a bare number before it is days
    return true;
  }

  bool number(std::string_view text) {
    Quantity quantity;
    if (!read_quantity(text, text_, quantity) || (needs_unit_ && !unit_)) return false;
    const auto unit = unit_.value_or(Unit::Second);
    if (!quantity.rest.empty()) {
      // Years and months, `1-2`.
      if (quantity.rest.front() != '-' || quantity.fraction != 0) return false;
      const auto months = read_int(quantity.rest.substr(1));
      if (!months) return false;
      if (*months >= 12) throw_field_overflow(text_);
      const bool is_negative = text.front() == '-';
      if (!claim(Unit::Year) || !claim(Unit::Month)) return false;
      sum_.months += Int128{quantity.whole} * 12 + (is_negative ? -*months : *months);
      unit_ = Unit::Month;
      return true;
    }
    if (!claim(unit)) return false;
    if (unit == Unit::Second && quantity.fraction != 0) {
      // What a fraction of a second says cannot be said again in smaller units.
      if (!claim(Unit::Millisecond) || !claim(Unit::Microsecond)) return false;
    }
    sum_.add(unit, quantity.whole, quantity.fraction);
    if (!sum_.fits_fields() ||
        (unit >= Unit::Day && (quantity.whole > INT32_MAX || quantity.whole < INT32_MIN))) {
      throw_field_overflow(text_);
    }
    if (unit == Unit::Hour) unit_ = Unit::Day;  // `3 4 hours`
    return true;
  }

  /// Each unit once.
  bool claim(Unit unit) {
    const auto bit = 1U << static_cast<unsigned>(unit);
    if ((claimed_ & bit) != 0) return false;
    claimed_ |= bit;
    has_part_ = true;
    return true;
  }

  std::string_view text_;
  IntervalStyle style_;
  IntervalSum sum_;
  std::optional<Unit> unit_;
  bool is_ago_ = false;
  bool needs_unit_ = false;
  bool has_part_ = false;
  unsigned claimed_ = 0;
};

std::optional<Unit> iso_unit(char letter, bool is_time) {
  switch (letter) {
    case 'Y':
      return is_time ? std::nullopt : std::optional(Unit::Year);
    case 'M':
      return is_time ? Unit::Minute : Unit::Month;
    case 'W':
      return is_time ? std::nullopt : std::optional(Unit::Week);
    case 'D':
      return is_time ? std::nullopt : std::optional(Unit::Day);
    case 'H':
      return is_time ? std::optional(Unit::Hour) : std::nullopt;
    case 'S':
      return is_time ? std::optional(Unit::Second) : std::nullopt;
    default:
      return std::nullopt;
  }
}

/// `P1Y2M3DT4H5M6.7S`, and the alternative `P0001-02-03T04:05:06`.
std::optional<IntervalValue> parse_iso_interval(std::string_view text) {
  const std::string_view all = text;
  if (text.size() < 2 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  IntervalSum sum;
  bool is_time = false;
  bool has_unit = false;
  while (!text.empty()) {
    if (text.front() == 'T') {
      if (is_time) return std::nullopt;
      is_time = true;
      has_unit = false;
      text.remove_prefix(1);
      continue;
    }
    Quantity quantity;
    if (!read_quantity(text, all, quantity)) return std::nullopt;
    const std::string_view rest = quantity.rest;
    if (const auto unit = rest.empty() ? std::nullopt : iso_unit(rest.front(), is_time)) {
      sum.add(*unit, quantity.whole, quantity.fraction);
      has_unit = true;
      text = rest.substr(1);
      continue;
    }
    // The alternative form: parts in their order, joined by - or :
    static constexpr Unit kDateUnits[] = {Unit::Year, Unit::Month, Unit::Day};
    static constexpr Unit kTimeUnits[] = {Unit::Hour, Unit::Minute, Unit::Second};
    if (has_unit) return std::nullopt;
    const char joint = is_time ? ':' : '-';
    for (std::size_t i = 0;; ++i) {
      if (i == 3) return std::nullopt;
      sum.add(is_time ? kTimeUnits[i] : kDateUnits[i], quantity.whole, quantity.fraction);
      text = quantity.rest;
      if (text.empty() || text.front() != joint) break;
      text.remove_prefix(1);
      if (!read_quantity(text, all, quantity)) return std::nullopt;
    }
    if (!text.empty() && (is_time || text.front() != 'T')) return std::nullopt;
  }
  return sum.result();
}

}  // namespace

std::optional<IntervalValue> parse_interval(std::string_view text, IntervalStyle style) {
  if (auto value = IntervalReader(text, style).run()) return value;
  return parse_iso_interval(text);
}

}  // namespace tickstone
