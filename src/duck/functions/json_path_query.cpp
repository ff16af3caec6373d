// SPDX-License-Identifier: Apache-2.0
// What a path finds. Lax paths take arrays apart and pass over what is not there; strict ones say what is
// wrong.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "duckdb/common/re2_regex.hpp"
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "duck/functions/json_path.hpp"
#include "duck/functions/wide_numeric.hpp"
#include "types/regex_text.hpp"

namespace tickstone::duck {
namespace {

using Kind = JsonPathNode::Kind;
using Items = std::vector<JsonNode>;
using Type = JsonNode::Kind;

constexpr std::size_t kMostItems = 1'000'000;

enum class Truth : std::uint8_t { False, True, Unknown };

Truth truth_of(bool value) { return value ? Truth::True : Truth::False; }

/// What a path cannot do with the value; in a predicate it makes the answer unknown.
[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::InvalidParameterValue, message); }

bool is_boolean(const JsonNode& node) { return node.kind == Type::True || node.kind == Type::False; }

JsonNode number_of(const WideNumeric& value) {
  JsonNode node;
  node.kind = Type::Number;
  node.text = to_text(value);
  return node;
}

JsonNode text_node(std::string text) {
  JsonNode node;
  node.kind = Type::String;
  node.text = std::move(text);
  return node;
}

JsonNode node_of(Truth truth) {
  JsonNode node;
  node.kind = truth == Truth::True ? Type::True : truth == Truth::False ? Type::False : Type::Null;
  return node;
}

const char* type_name(const JsonNode& node) {
  switch (node.kind) {
    case Type::Null:
      return "null";
    case Type::String:
      return "string";
    case Type::Number:
      return "number";
    case Type::False:
    case Type::True:
      return "boolean";
    case Type::Array:
      return "array";
    case Type::Object:
      break;
  }
  return "object";
}

class Query {
 public:
  Query(const JsonPath& path, const JsonNode& root, const JsonNode& variables)
      : is_strict_(path.is_strict), root_(root), variables_(variables) {}

  Items run(const JsonPathNode& node) { return find(node, root_); }

 private:
  /// The elements of arrays in their place, in lax paths.
  Items unwrapped(Items items) const {
    const bool has_arrays = std::any_of(items.begin(), items.end(),
                                        [](const JsonNode& item) { return item.kind == Type::Array; });
    if (is_strict_ || !has_arrays) return items;
    Items all;
    for (JsonNode& item : items) {
      if (item.kind != Type::Array) {
        all.push_back(std::move(item));
        continue;
      }
      for (JsonNode& element : item.elements) all.push_back(std::move(element));
    }
    return all;
  }

  Items find(const JsonPathNode& node, const JsonNode& current) {
    if (node.is_predicate()) return {node_of(holds(node, current))};
    switch (node.kind) {
      case Kind::Root:
        return {root_};
      case Kind::Current:
        return {current};
      case Kind::Literal:
        return {node.literal};
      case Kind::Last:
        return {number_of(parse_wide(std::to_string(static_cast<std::int64_t>(innermost_size_) - 1)))};
      case Kind::Variable:
        return {variable(node.text)};
      case Kind::Arithmetic:
        return arithmetic(node, current);
      default:
        break;
    }
    Items found;
    Items below = find(*node.children.front(), current);
    // Members, filters and most methods look into an array's elements.
    const bool takes_arrays = node.kind == Kind::AnyElement || node.kind == Kind::Elements ||
                              node.kind == Kind::Descendants ||
                              (node.kind == Kind::Method && (node.text == "type" || node.text == "size"));
    if (!takes_arrays) below = unwrapped(std::move(below));
    for (const JsonNode& item : below) {
      apply(node, item, current, found);
      // Each .** multiplies what it is applied to.
      if (found.size() > kMostItems)
        throw Error(ErrorCode::ProgramLimitExceeded,
                    fmt::format("jsonpath finds more than {} values in one document", kMostItems));
    }
    return found;
  }

  JsonNode variable(const std::string& name) const {
    for (const JsonMember& member : variables_.members) {
      if (member.key == name) return member.value;
    }
    throw Error(ErrorCode::UndefinedObject, "could not find jsonpath variable \"" + name + "\"");
  }

  void apply(const JsonPathNode& node, const JsonNode& item, const JsonNode& current, Items& found) {
    switch (node.kind) {
      case Kind::Member: {
        if (item.kind != Type::Object) {
          if (is_strict_) fail("jsonpath member accessor can only be applied to an object");
          return;
        }
        for (const JsonMember& member : item.members) {
          if (member.key == node.text) return found.push_back(member.value);
        }
        if (is_strict_) fail("JSON object does not contain key \"" + node.text + "\"");
        return;
      }
      case Kind::AnyMember:
        if (item.kind != Type::Object) {
          if (is_strict_) fail("jsonpath wildcard member accessor can only be applied to an object");
          return;
        }
        for (const JsonMember& member : item.members) found.push_back(member.value);
        return;
      case Kind::AnyElement:
        if (item.kind == Type::Array) {
          found.insert(found.end(), item.elements.begin(), item.elements.end());
        } else {
          if (is_strict_) fail("jsonpath wildcard array accessor can only be applied to an array");
          found.push_back(item);
        }
        return;
      case Kind::Elements:
        return elements(node, item, current, found);
      case Kind::Descendants:
        if (node.least == 0) found.push_back(item);
        return descend(node, item, 1, found);
      case Kind::Filter:
        if (holds(*node.children[1], item) == Truth::True) found.push_back(item);
        return;
      case Kind::Method:
        found.push_back(method(node.text, item));
        return;
      default:
        return;
    }
  }

  void descend(const JsonPathNode& node, const JsonNode& item, std::size_t level, Items& found) {
    if (level > node.most) return;
    const auto visit = [&](const JsonNode& child) {
      const bool is_leaf = child.kind != Type::Array && child.kind != Type::Object;
      // {last}: the leaves, however deep.
      if (node.least == std::numeric_limits<std::size_t>::max() ? is_leaf : level >= node.least)
        found.push_back(child);
      descend(node, child, level + 1, found);
    };
    for (const JsonNode& child : item.elements) visit(child);
    for (const JsonMember& member : item.members) visit(member.value);
  }

  std::int64_t index_of(const JsonPathNode& node, const JsonNode& current) {
    const Items items = find(node, current);
    if (items.size() != 1 || items[0].kind != Type::Number)
      fail("jsonpath array subscript is not a single numeric value");
    const auto whole = to_decimal(wide_truncate(parse_wide(items[0].text), 0));
    if (!whole || whole->unscaled > INT32_MAX || whole->unscaled < INT32_MIN)
      fail("jsonpath array subscript is out of integer range");
    return static_cast<std::int64_t>(whole->unscaled);
  }

  void elements(const JsonPathNode& node, const JsonNode& item, const JsonNode& current, Items& found) {
    const bool is_array = item.kind == Type::Array;
    if (!is_array && is_strict_) fail("jsonpath array accessor can only be applied to an array");
    const auto size = is_array ? static_cast<std::int64_t>(item.elements.size()) : 1;
    const auto outer_size = std::exchange(innermost_size_, static_cast<std::size_t>(size));
    for (const auto& [first, last] : node.ranges) {
      auto from = index_of(*node.children[first], current);
      auto to = last == 0 ? from : index_of(*node.children[last], current);
      if (is_strict_ && (from < 0 || from > to || to >= size))
        fail("jsonpath array subscript is out of bounds");
      from = std::max<std::int64_t>(from, 0);
      to = std::min(to, size - 1);
      for (; from <= to; ++from)
        found.push_back(is_array ? item.elements[static_cast<std::size_t>(from)] : item);
    }
    innermost_size_ = outer_size;
  }

  JsonNode method(const std::string& name, const JsonNode& item) const {
    if (name == "type") return text_node(type_name(item));
    if (name == "size") {
      if (item.kind != Type::Array && is_strict_)
        fail("jsonpath item method .size() can only be applied to an array");
      return number_of(parse_wide(std::to_string(item.kind == Type::Array ? item.elements.size() : 1)));
    }
    if (name == "double") {
      if (item.kind == Type::Number) return item;
      if (item.kind != Type::String)
        fail("jsonpath item method .double() can only be applied to a string or numeric value");
      try {
        return number_of(parse_wide(item.text));
      } catch (const Error&) {
        fail(
            "string argument of jsonpath item method .double() is not a valid representation of a double "
            "precision number");
      }
    }
    if (item.kind != Type::Number)
      fail("jsonpath item method ." + name + "() can only be applied to a numeric value");
    const auto value = parse_wide(item.text);
    if (name == "abs") return number_of(wide_sign(value) < 0 ? negated(value) : value);
    auto whole = wide_truncate(value, 0);
    const int beyond = wide_sign(wide_subtract(value, whole));
    const WideNumeric one = parse_wide("1");
    if (name == "ceiling" && beyond > 0) whole = wide_add(whole, one);
    if (name == "floor" && beyond < 0) whole = wide_subtract(whole, one);
    return number_of(whole);
  }

  static WideNumeric negated(const WideNumeric& value) { return wide_subtract(parse_wide("0"), value); }

  Items arithmetic(const JsonPathNode& node, const JsonNode& current) {
    if (node.children.size() == 1) {
      Items items = unwrapped(find(*node.children[0], current));
      for (JsonNode& item : items) {
        if (item.kind != Type::Number)
          fail("operand of unary jsonpath operator " + node.text + " is not a numeric value");
        if (node.text == "-") item = number_of(negated(parse_wide(item.text)));
      }
      return items;
    }
    const auto operand = [&](const JsonPathNode& part, const char* side) {
      const Items items = unwrapped(find(part, current));
      if (items.size() != 1 || items[0].kind != Type::Number) {
        fail(std::string(side) + " operand of jsonpath operator " + node.text +
             " is not a single numeric value");
      }
      return parse_wide(items[0].text);
    };
    const auto left = operand(*node.children[0], "left"), right = operand(*node.children[1], "right");
    switch (node.text[0]) {
      case '+':
        return {number_of(wide_add(left, right))};
      case '-':
        return {number_of(wide_subtract(left, right))};
      case '*':
        return {number_of(wide_multiply(left, right))};
      case '/':
        return {number_of(wide_divide(left, right))};
      default:
        return {number_of(wide_remainder(left, right))};
    }
  }

  // Predicates

  Truth holds(const JsonPathNode& node, const JsonNode& current) {
    switch (node.kind) {
      case Kind::And:
      case Kind::Or: {
        const Truth decides = node.kind == Kind::And ? Truth::False : Truth::True;
        const Truth left = holds(*node.children[0], current);
        if (left == decides) return left;
        const Truth right = holds(*node.children[1], current);
        return right == decides || left != Truth::Unknown ? right : left;
      }
      case Kind::Not: {
        const Truth inner = holds(*node.children[0], current);
        return inner == Truth::Unknown ? inner : truth_of(inner == Truth::False);
      }
      case Kind::IsUnknown:
        return truth_of(holds(*node.children[0], current) == Truth::Unknown);
      default:
        break;
    }
    try {
      if (node.kind == Kind::Exists) return truth_of(!find(*node.children[0], current).empty());
      const Items left = unwrapped(find(*node.children[0], current));
      const Items right = node.children.size() > 1 ? unwrapped(find(*node.children[1], current)) : Items(1);
      bool has_unknown = false, has_true = false;
      for (const JsonNode& a : left) {
        for (const JsonNode& b : right) {
          const Truth found = node.kind == Kind::Compare      ? compared(node.text, a, b)
                              : node.kind == Kind::StartsWith ? starts(a, b)
                                                              : matches(node, a);
          if (found == Truth::Unknown) {
            if (is_strict_) return found;
            has_unknown = true;
          }
          if (found == Truth::True) {
            if (!is_strict_) return found;
            has_true = true;
          }
        }
      }
      return has_true ? Truth::True : has_unknown ? Truth::Unknown : Truth::False;
    } catch (const Error& error) {
      // Of a value that the path cannot be applied to; a path that is wrong itself is an error everywhere.
      if (error.code() != ErrorCode::InvalidParameterValue && error.code() != ErrorCode::DivisionByZero)
        throw;
      return Truth::Unknown;
    }
  }

  static Truth compared(const std::string& op, const JsonNode& a, const JsonNode& b) {
    const bool same_kind = a.kind == b.kind || (is_boolean(a) && is_boolean(b));
    if (!same_kind) {
      // null is less than nothing and equal to nothing but itself.
      if (a.kind == Type::Null || b.kind == Type::Null) return truth_of(op == "!=");
      return Truth::Unknown;
    }
    if (a.kind == Type::Array || a.kind == Type::Object) return Truth::Unknown;
    const int order = a.kind == Type::String ? a.text.compare(b.text) : compare_json(a, b);
    if (op == "==") return truth_of(order == 0);
    if (op == "!=") return truth_of(order != 0);
    if (op == "<") return truth_of(order < 0);
    if (op == "<=") return truth_of(order <= 0);
    if (op == ">") return truth_of(order > 0);
    return truth_of(order >= 0);
  }

  static Truth starts(const JsonNode& text, const JsonNode& with) {
    if (text.kind != Type::String || with.kind != Type::String) return Truth::Unknown;
    return truth_of(text.text.starts_with(with.text));
  }

  static Truth matches(const JsonPathNode& node, const JsonNode& text) {
    if (text.kind != Type::String) return Truth::Unknown;
    std::string words;
    for (const char flag : node.flags) {
      if (flag == 'i' || flag == 's' || flag == 'm') {
        words += flag;
      } else if (flag == 'x') {
        throw Error(ErrorCode::FeatureNotSupported,
                    "XQuery \"x\" flag (expanded regular expressions) is not implemented");
      } else if (flag != 'q') {
        throw Error(ErrorCode::SyntaxError, "invalid input syntax for type jsonpath");
      }
    }
    std::string pattern = regex_for_re2(node.text);
    if (node.flags.find('q') != std::string::npos) pattern = "\\Q" + node.text + "\\E";
    // DuckDB's expressions ignore case unless told otherwise.
    if (words.find('i') == std::string::npos) words += "-i";
    const duckdb_re2::Regex regex("(?" + words + ")" + pattern);
    duckdb_re2::Match match;
    return truth_of(duckdb_re2::RegexSearch(text.text, match, regex));
  }

  const bool is_strict_;
  const JsonNode& root_;
  const JsonNode& variables_;
  std::size_t innermost_size_ = 0;
};

}  // namespace

std::vector<JsonNode> query_json_path(const JsonPath& path, const JsonNode& target,
                                      const JsonNode& variables) {
  return Query(path, target, variables).run(*path.top);
}

}  // namespace tickstone::duck
