// SPDX-License-Identifier: Apache-2.0
#include "cli/error_report.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace tickstone::cli {
namespace {

/// Of a longer line only what is near the place is shown.
constexpr std::size_t kShownBefore = 60;
constexpr std::size_t kShownAfter = 40;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Moves `at` by up to `count` characters to the left.
std::size_t back_by(std::string_view text, std::size_t at, std::size_t count) {
  for (; count > 0 && at > 0; --count) {
    --at;
    while (at > 0 && is_continuation(text[at])) --at;
  }
  return at;
}

std::size_t forward_by(std::string_view text, std::size_t at, std::size_t count) {
  for (; count > 0 && at < text.size(); --count) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
  }
  return at;
}

/// `LINE 2: SELECT x` and a caret below the character at `position`, counted from 1.
void show_position(std::string_view sql, std::uint32_t position) {
  const std::size_t at = forward_by(sql, 0, position - 1);
  const std::string_view before = sql.substr(0, at);
  const auto line_number = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::string_view line = sql.substr(line_start, sql.find('\n', line_start) - line_start);
  const std::size_t place = at - line_start;
  const std::size_t from = back_by(line, place, kShownBefore);
  const std::size_t to = forward_by(line, place, kShownAfter);
  const std::string prefix = "LINE " + std::to_string(line_number) + ": " + (from > 0 ? "..." : "");
  const std::string_view shown = line.substr(from, to - from);
  const auto column = static_cast<std::size_t>(
      std::count_if(shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(place - from),
                    [](char byte) { return !is_continuation(byte); }));
  std::fprintf(stderr, "%s%.*s%s\n%s^\n", prefix.c_str(), static_cast<int>(shown.size()), shown.data(),
               to < line.size() ? "..." : "", std::string(prefix.size() + column, ' ').c_str());
}

}  // namespace

void report(const Error& error, std::string_view sql) {
  const auto code = sqlstate(error.code());
  std::fprintf(stderr, "ERROR:  %.*s: %s\n", static_cast<int>(code.size()), code.data(), error.what());
  if (error.position() && !sql.empty()) show_position(sql, *error.position());
  if (!error.detail().empty()) std::fprintf(stderr, "DETAIL:  %s\n", error.detail().c_str());
  if (!error.hint().empty()) std::fprintf(stderr, "HINT:  %s\n", error.hint().c_str());
  if (!error.context().empty()) std::fprintf(stderr, "CONTEXT:  %s\n", error.context().c_str());
}

}  // namespace tickstone::cli
