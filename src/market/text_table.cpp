// SPDX-License-Identifier: Apache-2.0
#include "market/text_table.hpp"

#include <algorithm>

namespace tickstone::market {
namespace {

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::size_t taken = display_width(text);
  const std::string space(width > taken ? width - taken : 0, ' ');
  return to_the_right ? space + text : text + space;
}

/// Line breaks and tabs would break the table's lines.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out;
}

}  // namespace

bool is_number(const SqlType& type) {
  return !type.is_array && (is_integer(type.id) || type.id == TypeId::Numeric || type.id == TypeId::Real ||
                            type.id == TypeId::Double || type.id == TypeId::Oid);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = length == 1 ? lead : lead & (0x7F >> length);
    for (std::size_t i = 1; i < length && at + i < text.size(); ++i)
      code = (code << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
    at += length;
    if ((code >= 0x300 && code <= 0x36F) || code == 0x200B || code == 0x200D ||
        (code >= 0xFE00 && code <= 0xFE0F))
      continue;  // combining
    const bool is_wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                         (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                         (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
                         (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
    width += is_wide ? 2 : 1;
  }
  return width;
}

std::string text_table(const TextResult& result) {
  std::string out;
  const std::size_t count = result.columns.size();
  std::vector<std::size_t> widths(count);
  std::vector<std::vector<std::string>> cells(result.rows.size());
  for (std::size_t c = 0; c < count; ++c) widths[c] = display_width(result.columns[c].name);
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    for (std::size_t c = 0; c < count; ++c) {
      cells[r].push_back(one_line(result.rows[r][c].value_or("")));
      widths[c] = std::max(widths[c], display_width(cells[r][c]));
    }
  }
  std::string line, rule;
  for (std::size_t c = 0; c < count; ++c) {
    const auto& name = result.columns[c].name;
    const std::size_t left = (widths[c] - display_width(name)) / 2;
    line += (c == 0 ? " " : " | ") + padded(std::string(left, ' ') + name, widths[c], false);
    rule += (c == 0 ? "" : "+") + std::string(widths[c] + 2, '-');
  }
  out += line + '\n' + rule + '\n';
  for (const auto& row : cells) {
    line.clear();
    for (std::size_t c = 0; c < count; ++c)
      line += (c == 0 ? " " : " | ") + padded(row[c], widths[c], is_number(result.columns[c].type));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + '\n';
  }
  return out;
}

}  // namespace tickstone::market
