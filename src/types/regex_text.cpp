// SPDX-License-Identifier: Apache-2.0
#include "types/regex_text.hpp"

namespace tickstone {

namespace {

void append_literally(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

}  // namespace

std::string regex_for_re2(std::string_view pattern) {
  std::string out;
  if (pattern.starts_with("***=")) {
    append_literally(out, pattern.substr(4));
    return out;
  }
  if (pattern.starts_with("***:")) pattern.remove_prefix(4);
  bool in_brackets = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (!in_brackets &&
        (pattern.substr(i).starts_with("[[:<:]]") || pattern.substr(i).starts_with("[[:>:]]"))) {
      out += "\\b";
      i += 6;
    } else if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (!in_brackets && (next == 'm' || next == 'M' || next == 'y')) {
        out += "\\b";
      } else if (!in_brackets && next == 'Y') {
        out += "\\B";
      } else if (!in_brackets && next == 'Z') {
        out += "\\z";
      } else {
        out += c;
        out += next;
      }
    } else if (in_brackets) {
      // A class, [:alpha:], keeps its own bracket.
      if (c == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
        const auto end = pattern.find(":]", i + 2);
        if (end != std::string_view::npos) {
          out += pattern.substr(i, end + 2 - i);
          i = end + 1;
          continue;
        }
      }
      in_brackets = c != ']';
      if (c == '[') out += '\\';
      out += c;
    } else {
      out += c;
      if (c == '[') {
        in_brackets = true;
        // A bracket right after the start is one of the characters.
        if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
        if (i + 1 < pattern.size() && pattern[i + 1] == ']') {
          out += "\\]";
          ++i;
        }
      }
    }
  }
  return out;
}

}  // namespace tickstone
