// SPDX-License-Identifier: Apache-2.0
#include "market/check_context.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "market/table_facts.hpp"

namespace tickstone::market {

using std::chrono::microseconds;

std::vector<CheckContext::Row> CheckContext::rows(const std::string& sql) { return rows_of(connection, sql); }

std::string CheckContext::text(const std::string& sql) {
  const auto found = rows(sql);
  return found.empty() ? std::string() : text_of(found[0].at(0));
}

bool CheckContext::has_relation(const std::string& name) {
  return !text("SELECT to_regclass(" + quote_literal(name) + ")").empty();
}

std::string text_of(const std::optional<std::string>& cell) { return cell.value_or(""); }
std::int64_t number_of(const std::optional<std::string>& cell) {
  return cell ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}
double real_of(const std::optional<std::string>& cell) {
  return cell ? std::strtod(cell->c_str(), nullptr) : 0;
}
bool truth_of(const std::optional<std::string>& cell) { return cell == "t" || cell == "true"; }

std::optional<Timestamp> time_of(const std::optional<std::string>& cell) {
  if (!cell) return std::nullopt;
  return Timestamp(microseconds(number_of(cell)));
}

std::string span_sql(const std::string& interval) {
  return "floor(extract(epoch FROM " + interval + ") * 1000000)::bigint";
}

std::string micros_sql(const std::string& time) {
  return "CASE WHEN isfinite(" + time + ") THEN " + span_sql(time) + " END";
}

std::string time_sql(Timestamp time) { return "TIMESTAMPTZ '" + format_timestamp(time) + "'"; }

std::string list_sql(const std::vector<std::string>& texts) {
  std::string list = "(";
  for (const auto& one : texts) list += (list.size() > 1 ? ", " : "") + quote_literal(one);
  return list + ")";
}

std::string duration_text(microseconds duration) {
  constexpr std::int64_t kMilli = 1000, kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                         kDay = 24 * kHour;
  const std::int64_t us = duration.count();
  if (us < 0) return "-" + duration_text(-duration);
  if (us < 100 * kMilli) return fmt::format("{:.2f} ms", static_cast<double>(us) / kMilli);
  if (us < kSecond) return fmt::format("{} ms", us / kMilli);
  const auto two = [&](std::int64_t large, const char* large_name, std::int64_t small,
                       const char* small_name) {
    const std::int64_t rest = us % large / small;
    std::string text = fmt::format("{} {}", us / large, large_name);
    return rest == 0 ? text : text + fmt::format(" {} {}", rest, small_name);
  };
  if (us < kMinute) return fmt::format("{} s", us / kSecond);
  if (us < kHour) return two(kMinute, "min", kSecond, "s");
  if (us < kDay) return two(kHour, "h", kMinute, "min");
  return two(kDay, us < 2 * kDay ? "day" : "days", kHour, "h");
}

std::string moment_text(Timestamp time) {
  std::string text = format_timestamp(std::chrono::floor<std::chrono::seconds>(time));
  if (text.ends_with("+00")) text.resize(text.size() - 3);
  if (text.ends_with(":00")) text.resize(text.size() - 3);
  return text;
}

std::string counted_text(std::uint64_t count, std::string_view noun) {
  std::string number = std::to_string(count);
  for (std::size_t at = number.size(); at > 3; at -= 3) number.insert(at - 3, ",");
  return fmt::format("{} {}{}", number, noun, count == 1 ? "" : "s");
}

void worsen(CheckStatus& status, CheckStatus other) { status = std::max(status, other); }

void sort_items(CheckResult& result) {
  std::ranges::stable_sort(result.items,
                           [](const CheckItem& a, const CheckItem& b) { return a.status > b.status; });
}

}  // namespace tickstone::market
