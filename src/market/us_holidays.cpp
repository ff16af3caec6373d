// SPDX-License-Identifier: Apache-2.0
#include "market/us_holidays.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tickstone::market {
namespace {

using std::chrono::days;
using std::chrono::Friday;
using std::chrono::last;
using std::chrono::Monday;
using std::chrono::month_day;
using std::chrono::Saturday;
using std::chrono::Sunday;
using std::chrono::Thursday;
using std::chrono::Wednesday;
using std::chrono::weekday;
using std::chrono::weekday_indexed;
using std::chrono::weekday_last;
using std::chrono::year;
using std::chrono::year_month_day;
using namespace std::chrono_literals;

Date date(year y, month_day at) { return y / at; }

Date nth(year y, std::chrono::month m, weekday_indexed which) { return y / m / which; }

/// The Gregorian Easter Sunday, by the algorithm of Meeus, Jones and Butcher.
Date easter(year y) {
  const int number = static_cast<int>(y);
  const int golden = number % 19, century = number / 100, rest = number % 100;
  const int moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
  const int to_sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
  const int late = (golden + 11 * moon + 22 * to_sunday) / 451;
  const int from_march = moon + to_sunday - 7 * late + 114;
  return y / std::chrono::month(static_cast<unsigned>(from_march / 31)) /
         std::chrono::day(static_cast<unsigned>(from_march % 31 + 1));
}

/// On a Saturday the Friday before, on a Sunday the Monday after.
Date observed(Date day) {
  const weekday at(day);
  return at == Saturday ? day - days(1) : at == Sunday ? day + days(1) : day;
}

struct SingleClosure {
  year_month_day day;
  std::string_view reason;
};

constexpr std::array kSingleClosures = {
    SingleClosure{2001y / 9 / 11, "attacks of September 11"},
    SingleClosure{2001y / 9 / 12, "attacks of September 11"},
    SingleClosure{2001y / 9 / 13, "attacks of September 11"},
    SingleClosure{2001y / 9 / 14, "attacks of September 11"},
    SingleClosure{2004y / 6 / 11, "mourning of Ronald Reagan"},
    SingleClosure{2007y / 1 / 2, "mourning of Gerald Ford"},
    SingleClosure{2012y / 10 / 29, "hurricane Sandy"},
    SingleClosure{2012y / 10 / 30, "hurricane Sandy"},
    SingleClosure{2018y / 12 / 5, "mourning of George H. W. Bush"},
    SingleClosure{2025y / 1 / 9, "mourning of Jimmy Carter"},
};

/// Early closes that no rule gives.
constexpr std::array kSingleEarlyCloses = {year_month_day{1999y / 12 / 31}, year_month_day{2003y / 12 / 26}};

}  // namespace

std::string_view us_market_closure(Date day) {
  const weekday at(day);
  if (at == Saturday || at == Sunday) return {};
  const year_month_day parts(day);
  const year y = parts.year();
  // A New Year's Day on a Saturday is not made up for: the Friday before closes the books.
  const Date new_year = date(y, std::chrono::January / 1);
  if (day == (weekday(new_year) == Sunday ? new_year + days(1) : new_year)) return "New Year's Day";
  if (day == nth(y, std::chrono::January, Monday[3]) && y >= 1998y) return "Martin Luther King Jr. Day";
  if (day == nth(y, std::chrono::February, Monday[3])) return "Presidents' Day";
  if (day == easter(y) - days(2)) return "Good Friday";
  if (day == Date(y / std::chrono::May / Monday[last])) return "Memorial Day";
  if (day == observed(date(y, std::chrono::June / 19)) && y >= 2022y) return "Juneteenth";
  if (day == observed(date(y, std::chrono::July / 4))) return "Independence Day";
  if (day == nth(y, std::chrono::September, Monday[1])) return "Labor Day";
  if (day == nth(y, std::chrono::November, Thursday[4])) return "Thanksgiving";
  if (day == observed(date(y, std::chrono::December / 25))) return "Christmas";
  const auto single = std::ranges::find(kSingleClosures, parts, &SingleClosure::day);
  return single == kSingleClosures.end() ? std::string_view() : single->reason;
}

bool is_us_early_close(Date day) {
  const weekday at(day);
  const year_month_day parts(day);
  const year y = parts.year();
  const month_day in_year(parts.month(), parts.day());
  if (day == nth(y, std::chrono::November, Thursday[4]) + days(1)) return true;
  if (in_year == std::chrono::December / 24) return true;
  // Of a Thursday's Independence Day it was the Friday after until 2012, and is the Wednesday before since.
  if (in_year == std::chrono::July / 3) return at != Wednesday || y >= 2013y;
  if (in_year == std::chrono::July / 5) return at == Friday && y < 2013y;
  return std::ranges::find(kSingleEarlyCloses, parts) != kSingleEarlyCloses.end();
}

}  // namespace tickstone::market
