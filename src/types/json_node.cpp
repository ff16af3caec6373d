// SPDX-License-Identifier: Apache-2.0
#include "types/json_node.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tickstone {

namespace {

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
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
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

/// Two numbers without exponents, `-12.50`.
int compare_numbers(std::string_view a, std::string_view b) {
  const auto is_zero = [](std::string_view text) {
    return text.find_first_of("123456789") == std::string_view::npos;
  };
  const auto sign = [&](std::string_view text) { return is_zero(text) ? 0 : text.front() == '-' ? -1 : 1; };
  const int sign_a = sign(a);
  const int sign_b = sign(b);
  if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
  if (sign_a == 0) return 0;
  if (sign_a < 0) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  const auto whole = [](std::string_view text) { return text.substr(0, text.find('.')); };
  const auto fraction = [](std::string_view text) {
    const auto point = text.find('.');
    if (point == std::string_view::npos) return std::string_view{};
    text.remove_prefix(point + 1);
    while (!text.empty() && text.back() == '0') text.remove_suffix(1);
    return text;
  };
  int order = 0;
  if (whole(a).size() != whole(b).size()) {
    order = whole(a).size() < whole(b).size() ? -1 : 1;
  } else {
    order = whole(a).compare(whole(b));
    if (order == 0) order = fraction(a).compare(fraction(b));
  }
  return sign_a < 0 ? -order : order;
}

template <typename T>
int compare_sizes(const T& a, const T& b) {
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

}  // namespace

void append_json(std::string& out, const JsonNode& node) {
  using Kind = JsonNode::Kind;
  switch (node.kind) {
    case Kind::Null:
      out += "null";
      return;
    case Kind::False:
      out += "false";
      return;
    case Kind::True:
      out += "true";
      return;
    case Kind::Number:
      out += node.text;
      return;
    case Kind::String:
      append_json_string(out, node.text);
      return;
    case Kind::Array: {
      out.push_back('[');
      bool is_first = true;
      for (const auto& element : node.elements) {
        if (!is_first) out += ", ";
        is_first = false;
        append_json(out, element);
      }
      out.push_back(']');
      return;
    }
    case Kind::Object: {
      out.push_back('{');
      bool is_first = true;
      for (const auto& [key, value] : node.members) {
        if (!is_first) out += ", ";
        is_first = false;
        append_json_string(out, key);
        out += ": ";
        append_json(out, value);
      }
      out.push_back('}');
      return;
    }
  }
}

int compare_json(const JsonNode& a, const JsonNode& b) {
  using Kind = JsonNode::Kind;
  if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
  switch (a.kind) {
    case Kind::Null:
    case Kind::False:
    case Kind::True:
      return 0;
    case Kind::Number:
      return compare_numbers(a.text, b.text);
    case Kind::String:
      return a.text.compare(b.text);
    case Kind::Array:
      if (const int order = compare_sizes(a.elements, b.elements)) return order;
      for (std::size_t i = 0; i < a.elements.size(); ++i) {
        if (const int order = compare_json(a.elements[i], b.elements[i])) return order;
      }
      return 0;
    case Kind::Object:
      if (const int order = compare_sizes(a.members, b.members)) return order;
      for (std::size_t i = 0; i < a.members.size(); ++i) {
        if (const int order = a.members[i].key.compare(b.members[i].key)) return order;
        if (const int order = compare_json(a.members[i].value, b.members[i].value)) return order;
      }
      return 0;
  }
  return 0;
}

}  // namespace tickstone
