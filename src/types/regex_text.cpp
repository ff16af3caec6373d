// SPDX-License-Identifier: Apache-2.0
#include "types/regex_text.hpp"

#include <utility>
#include <vector>

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

/// RE2's classes are of ASCII, PostgreSQL's of all letters.
std::string_view unicode_class(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kClasses[] = {
      {"alpha", "\\p{L}"},  {"alnum", "\\p{L}\\p{N}"}, {"upper", "\\p{Lu}"},
      {"lower", "\\p{Ll}"}, {"word", "\\p{L}\\p{N}_"},
  };
  for (const auto& [known, text] : kClasses) {
    if (known == name) return text;
  }
  return {};
}

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
      } else if (next == 'w') {
        out += in_brackets ? "\\p{L}\\p{N}_" : "[\\p{L}\\p{N}_]";
      } else if (next == 'W' && !in_brackets) {
        out += "[^\\p{L}\\p{N}_]";
      } else {
        out += c;
        out += next;
      }
    } else if (in_brackets) {
      // A class, [:alpha:], keeps its own bracket.
      if (c == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
        const auto end = pattern.find(":]", i + 2);
        if (end != std::string_view::npos) {
          const std::string_view of_all = unicode_class(pattern.substr(i + 2, end - i - 2));
          out += of_all.empty() ? pattern.substr(i, end + 2 - i) : of_all;
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

std::string similar_regex(std::string_view pattern, char escape) {
  std::vector<std::string> parts(1);
  std::string lazy;  // the first part, with as few repetitions as can be
  const auto add = [&](std::string_view text, bool repeats = false) {
    parts.back() += text;
    if (parts.size() == 1) lazy.append(text).append(repeats ? "?" : "");
  };
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const std::string_view one = pattern.substr(i, 1);
    if (c == escape && escape != '\0' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == '"' && !in_class) {
        if (parts.size() == 3) {
          throw Error(ErrorCode::InvalidRegularExpression,
                      "SQL regular expression may not contain more than two escape-double-quote separators");
        }
        parts.emplace_back();
        continue;
      }
      add("\\");
      add(pattern.substr(i, 1));
    } else if (in_class) {
      if (c == '\\') add("\\");
      add(one);
      in_class = c != ']';
    } else if (c == '[') {
      add(one);
      in_class = true;
    } else if (c == '%') {
      add(".*", true);
    } else if (c == '_') {
      add(".");
    } else if (c == '(') {
      add("(?:");
    } else if (c == '\\' || c == '.' || c == '^' || c == '$') {
      add("\\");
      add(one);
    } else {
      add(one, c == '*' || c == '+' || c == '?' || c == '}');
    }
  }
  if (parts.size() == 1) return "^(?:" + parts[0] + ")$";
  std::string out = "^(?:" + lazy + ")(" + parts[1] + ")";
  if (parts.size() > 2) out += "(?:" + parts[2] + ")";
  return out + "$";
}

}  // namespace tickstone
