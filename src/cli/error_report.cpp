// SPDX-License-Identifier: Apache-2.0
#include "cli/error_report.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace tickstone::cli {
namespace {

/// `LINE 2: SELECT x` and a caret below the character at `position`, counted from 1.
void show_position(std::string_view sql, std::uint32_t position) {
  std::size_t at = 0;
  for (std::uint32_t left = position; left > 1 && at < sql.size(); ++at) {
    if ((static_cast<unsigned char>(sql[at]) & 0xC0) != 0x80) --left;
  }
  while (at < sql.size() && (static_cast<unsigned char>(sql[at]) & 0xC0) == 0x80) ++at;
  const std::string_view before = sql.substr(0, at);
  const auto line_number = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::string_view line = sql.substr(line_start, sql.find('\n', line_start) - line_start);
  const std::string prefix = "LINE " + std::to_string(line_number) + ": ";
  std::size_t column = 0;
  for (const char c : before.substr(line_start)) column += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  std::fprintf(stderr, "%s%.*s\n%s^\n", prefix.c_str(), static_cast<int>(line.size()), line.data(),
               std::string(prefix.size() + column, ' ').c_str());
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
