// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/json_scan.hpp"

#include <charconv>
#include <cstdint>

namespace tickstone::duck {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Walks over one JSON text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  /// The next value, and past it.
  std::string_view value() {
    skip_space();
    const std::size_t start = at_;
    if (peek() == '"') {
      skip_string();
    } else if (peek() == '{' || peek() == '[') {
      int depth = 0;
      while (!at_end()) {
        const char c = text_[at_];
        if (c == '"') {
          skip_string();
          continue;
        }
        ++at_;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') {
          if (--depth == 0) break;
        }
      }
    } else {
      while (!at_end() && !is_space(peek()) && peek() != ',' && peek() != ']' && peek() != '}' &&
             peek() != ':')
        ++at_;
    }
    return text_.substr(start, at_ - start);
  }

 private:
  void skip_string() {
    ++at_;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '\\') {
        ++at_;
      } else if (c == '"') {
        return;
      }
    }
    at_ = std::min(at_, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Calls `visit(raw name, value)` for each member until it returns false.
template <typename Visit>
void for_each_member(std::string_view object, Visit visit) {
  Cursor cursor(object);
  if (!cursor.take('{') || cursor.take('}')) return;
  while (true) {
    const auto name = cursor.value();
    if (name.empty() || !cursor.take(':')) return;
    const auto value = cursor.value();
    if (value.empty() || !visit(name, value)) return;
    if (!cursor.take(',')) return;
  }
}

template <typename Visit>
void for_each_element(std::string_view array, Visit visit) {
  Cursor cursor(array);
  if (!cursor.take('[') || cursor.take(']')) return;
  while (true) {
    const auto value = cursor.value();
    if (value.empty() || !visit(value)) return;
    if (!cursor.take(',')) return;
  }
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t code = 0;
  if (at + 4 <= text.size()) std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  return code;
}

bool name_equals(std::string_view raw, std::string_view name) {
  if (raw.size() < 2 || raw.front() != '"') return false;
  const auto inner = raw.substr(1, raw.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner == name;
  return json_string(raw) == name;
}

}  // namespace

std::string_view json_trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

JsonKind json_kind(std::string_view text) {
  text = json_trimmed(text);
  switch (text.empty() ? 'n' : text.front()) {
    case '{':
      return JsonKind::Object;
    case '[':
      return JsonKind::Array;
    case '"':
      return JsonKind::String;
    case 't':
    case 'f':
      return JsonKind::Boolean;
    case 'n':
      return JsonKind::Null;
    default:
      return JsonKind::Number;
  }
}

std::optional<std::string_view> json_member(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_member(object, [&](std::string_view raw, std::string_view value) {
    if (name_equals(raw, name)) found = value;
    return true;
  });
  return found;
}

std::optional<std::string_view> json_element(std::string_view array, std::int64_t index) {
  if (json_kind(array) != JsonKind::Array) return std::nullopt;
  if (index < 0) index += static_cast<std::int64_t>(json_elements(array).size());
  if (index < 0) return std::nullopt;
  std::optional<std::string_view> found;
  for_each_element(array, [&](std::string_view value) {
    if (index-- == 0) found = value;
    return !found.has_value();
  });
  return found;
}

std::vector<std::string_view> json_elements(std::string_view array) {
  std::vector<std::string_view> elements;
  for_each_element(array, [&](std::string_view value) {
    elements.push_back(value);
    return true;
  });
  return elements;
}

std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view object) {
  std::vector<std::pair<std::string, std::string_view>> members;
  for_each_member(object, [&](std::string_view raw, std::string_view value) {
    members.emplace_back(json_string(raw), value);
    return true;
  });
  return members;
}

std::string json_string(std::string_view text) {
  std::string out;
  if (text.size() < 2) return out;
  text = text.substr(1, text.size() - 2);
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        std::uint32_t code = hex4(text, i + 1);
        i += 4;
        const bool is_high = code >= 0xD800 && code < 0xDC00;
        if (is_high && i + 6 < text.size() + 1 && text.substr(i + 1, 2) == "\\u") {
          const std::uint32_t low = hex4(text, i + 3);
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += c;
    }
  }
  return out;
}

std::optional<std::string> json_text_value(std::string_view text) {
  switch (json_kind(text)) {
    case JsonKind::Null:
      return std::nullopt;
    case JsonKind::String:
      return json_string(json_trimmed(text));
    default:
      return std::string(text);
  }
}

std::optional<std::string_view> json_at_path(std::string_view text, const std::vector<std::string>& path) {
  std::optional<std::string_view> at = text;
  for (const auto& step : path) {
    switch (json_kind(*at)) {
      case JsonKind::Object:
        at = json_member(*at, step);
        break;
      case JsonKind::Array: {
        std::int64_t index = 0;
        const auto parsed = std::from_chars(step.data(), step.data() + step.size(), index);
        if (parsed.ec != std::errc() || parsed.ptr != step.data() + step.size()) return std::nullopt;
        at = json_element(*at, index);
        break;
      }
      default:
        return std::nullopt;
    }
    if (!at) return std::nullopt;
  }
  return at;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace tickstone::duck
