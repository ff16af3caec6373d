// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <memory>

#include "duckdb/common/re2_regex.hpp"
#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "types/regex_text.hpp"

// PostgreSQL's functions of regular expressions, over the RE2 inside DuckDB.

namespace tickstone::duck {

namespace {

using duckdb::ExpressionState;
using duckdb::LogicalType;
using Arguments = std::vector<duckdb::Value>;
using Matches = duckdb::vector<duckdb_re2::Match>;

const std::string& text_of(const duckdb::Value& value) { return duckdb::StringValue::Get(value); }
duckdb::Value text_value(std::string text) { return duckdb::Value(std::move(text)); }
LogicalType text_list() { return LogicalType::LIST(LogicalType::VARCHAR); }

/// PostgreSQL's flags of one call.
struct RegexFlags {
  std::string of_re2 = "s";  // a dot matches a line break, too
  bool ignores_case = false;
  bool is_literal = false;
  bool is_global = false;
};

RegexFlags parse_flags(std::string_view text) {
  RegexFlags flags;
  for (const char c : text) {
    switch (c) {
      case 'i':
        flags.ignores_case = true;
        break;
      case 'c':
        flags.ignores_case = false;
        break;
      case 'g':
        flags.is_global = true;
        break;
      case 'n':
      case 'm':
        flags.of_re2 = "m";
        break;
      case 'p':
        flags.of_re2 = "";
        break;
      case 's':
        flags.of_re2 = "s";
        break;
      case 'w':
        flags.of_re2 = "sm";
        break;
      case 'q':
        flags.is_literal = true;
        break;
      case 'e':
      case 't':
        break;
      default:
        throw Error(ErrorCode::InvalidParameterValue,
                    fmt::format("invalid regular expression option: \"{}\"", std::string(1, c)));
    }
  }
  return flags;
}

/// RE2's class is not among DuckDB's headers, so DuckDB's own function says whether a pattern is one. Errors:
/// InvalidRegularExpression.
void check_pattern(const std::string& pattern, ExpressionState& state) {
  try {
    duckdb::FunctionBinder binder(state.GetContext());
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
    arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value("")));
    arguments.push_back(duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(pattern)));
    duckdb::ErrorData error;
    const auto call =
        binder.BindScalarFunction(DEFAULT_SCHEMA, "regexp_matches", std::move(arguments), error);
    if (!call) error.Throw();
    duckdb::ExpressionExecutor::EvaluateScalar(state.GetContext(), *call);
  } catch (const std::exception& error) {  // Boundary: DuckDB's errors.
    throw Error(ErrorCode::InvalidRegularExpression,
                fmt::format("invalid regular expression: {}", duckdb::ErrorData(error).RawMessage()));
  }
}

struct CompiledRegex {
  explicit CompiledRegex(const std::string& flags, const std::string& pattern)
      : regex(flags + pattern), of_nothing_at_end(flags + "\\z(?:" + pattern + ")") {}
  duckdb_re2::Regex regex;
  duckdb_re2::Regex of_nothing_at_end;
};

std::shared_ptr<const CompiledRegex> compile(const std::string& pattern, const RegexFlags& flags,
                                             ExpressionState& state) {
  std::string text = "(?";
  text += flags.of_re2;
  if (flags.ignores_case) text += 'i';
  if (flags.of_re2.find('s') == std::string::npos || !flags.ignores_case) {
    text += '-';
    if (flags.of_re2.find('s') == std::string::npos) text += 's';
    if (!flags.ignores_case) text += 'i';
  }
  text += ')';
  const std::string head = text;
  const std::string own = regex_for_re2(flags.is_literal ? "***=" + pattern : pattern);
  text += own;
  // A handful for each thread: calls come a chunk of rows at a time, with the same pattern.
  thread_local std::map<std::string, std::shared_ptr<const CompiledRegex>> compiled;
  const auto found = compiled.find(text);
  if (found != compiled.end()) return found->second;
  if (compiled.size() >= 32) compiled.clear();
  check_pattern(text, state);
  auto regex = std::make_shared<const CompiledRegex>(head, own);
  compiled.emplace(text, regex);
  return regex;
}

/// All matches from byte `from` on, or the first alone. Empty ones inside a character are none.
Matches matches_of(const CompiledRegex& compiled, const std::string& text, bool is_global) {
  Matches matches;
  if (!is_global) {
    duckdb_re2::Match match;
    if (duckdb_re2::RegexSearch(text, match, compiled.regex)) matches.push_back(std::move(match));
    return matches;
  }
  for (auto& match : duckdb_re2::RegexFindAll(text, compiled.regex)) {
    const std::size_t at = match.position(0);
    const bool is_inside = at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
    if (!is_inside) matches.push_back(std::move(match));
  }
  // DuckDB does not look behind the last character.
  duckdb_re2::Match last;
  if ((matches.empty() || matches.back().position(0) < text.size()) &&
      duckdb_re2::RegexSearch(text, last, compiled.of_nothing_at_end))
    matches.push_back(std::move(last));
  return matches;
}

/// The groups of a match, or all of it where there are none. A group that took no part is NULL.
duckdb::Value groups_of(duckdb_re2::Match& match) {
  duckdb::vector<duckdb::Value> groups;
  for (std::size_t i = match.groups.size() > 1 ? 1 : 0; i < match.groups.size(); ++i) {
    const bool is_missing = i > 0 && match.length(i) == 0 && match.position(i) < match.position(0);
    const bool is_unsure = i > 0 && match.length(i) == 0 && match.position(i) == 0 && match.position(0) == 0;
    groups.push_back(is_missing || is_unsure ? duckdb::Value(LogicalType::VARCHAR)
                                             : duckdb::Value(match.str(i)));
  }
  return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(groups));
}

/// `\1`, `\&` and `\\` of a replacement.
void append_replacement(std::string& out, const std::string& replacement, duckdb_re2::Match& match) {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '\\' || i + 1 == replacement.size()) {
      out += replacement[i];
      continue;
    }
    const char c = replacement[++i];
    if (c == '&') {
      out += match.str(0);
    } else if (c >= '1' && c <= '9') {
      const auto group = static_cast<std::size_t>(c - '0');
      if (group < match.groups.size()) out += match.str(group);
    } else if (c == '\\') {
      out += c;
    } else {
      out += '\\';
      out += c;
    }
  }
}

std::size_t byte_of_character(const std::string& text, std::int64_t start) {
  std::size_t at = 0;
  for (std::int64_t seen = 1; at < text.size() && seen < start; ++seen) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  }
  return at;
}

std::int64_t characters_before(const std::string& text, std::size_t byte) {
  return std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::int64_t checked_number(const duckdb::Value& value, const char* name, std::int64_t least) {
  const auto number = value.GetValue<std::int64_t>();
  if (number < least) {
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("invalid value for parameter \"{}\": {}", name, number));
  }
  return number;
}

/// Replaces the `nth` match from byte `from` on, or all where `nth` is 0.
std::string replaced(const std::string& text, const CompiledRegex& regex, const std::string& replacement,
                     std::size_t from, std::int64_t nth) {
  std::string out;
  std::size_t copied = 0;
  std::int64_t count = 0;
  for (auto& match : matches_of(regex, text, nth != 1 || from > 0)) {
    const std::size_t at = match.position(0);
    if (at < from || (nth != 0 && ++count != nth)) continue;
    out.append(text, copied, at - copied);
    append_replacement(out, replacement, match);
    copied = at + match.length(0);
    if (nth != 0) break;
  }
  return out.append(text, copied);
}

duckdb::Value replace_with_flags(const Arguments& values, duckdb::ExpressionState& state) {
  const std::string& last = values.size() > 3 ? text_of(values[3]) : std::string();
  if (!last.empty() && last[0] >= '0' && last[0] <= '9') {
    throw Error(
        ErrorCode::InvalidParameterValue,
        fmt::format("invalid regular expression option: \"{}\"", last.substr(0, 1)), {},
        "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer "
        "explicitly.");
  }
  const RegexFlags flags = parse_flags(last);
  return text_value(replaced(text_of(values[0]), *compile(text_of(values[1]), flags, state),
                             text_of(values[2]), 0, flags.is_global ? 0 : 1));
}

duckdb::Value replace_from(const Arguments& values, duckdb::ExpressionState& state) {
  const std::string& text = text_of(values[0]);
  const std::int64_t start = checked_number(values[3], "start", 1);
  const bool has_nth = values.size() > 4;
  const RegexFlags flags = parse_flags(values.size() > 5 ? text_of(values[5]) : std::string());
  const std::int64_t nth = has_nth ? checked_number(values[4], "n", 0) : flags.is_global ? 0 : 1;
  return text_value(replaced(text, *compile(text_of(values[1]), flags, state), text_of(values[2]),
                             byte_of_character(text, start), nth));
}

std::string flags_at(const Arguments& values, std::size_t index) {
  return values.size() > index ? text_of(values[index]) : std::string();
}

void refuse_global(const RegexFlags& flags, const char* function, const char* instead) {
  if (!flags.is_global) return;
  throw Error(ErrorCode::InvalidParameterValue,
              fmt::format("{}() does not support the \"global\" option", function), {},
              instead == nullptr ? "" : fmt::format("Use the {} function instead.", instead));
}

duckdb::Value first_match(const Arguments& values, duckdb::ExpressionState& state) {
  const RegexFlags flags = parse_flags(flags_at(values, 2));
  refuse_global(flags, "regexp_match", "regexp_matches");
  Matches matches = matches_of(*compile(text_of(values[1]), flags, state), text_of(values[0]), false);
  return matches.empty() ? duckdb::Value() : groups_of(matches[0]);
}

duckdb::Value all_matches(const Arguments& values, duckdb::ExpressionState& state) {
  const RegexFlags flags = parse_flags(flags_at(values, 2));
  duckdb::vector<duckdb::Value> rows;
  for (auto& match :
       matches_of(*compile(text_of(values[1]), flags, state), text_of(values[0]), flags.is_global))
    rows.push_back(groups_of(match));
  return duckdb::Value::LIST(text_list(), std::move(rows));
}

duckdb::Value split(const Arguments& values, duckdb::ExpressionState& state) {
  const RegexFlags flags = parse_flags(flags_at(values, 2));
  refuse_global(flags, "regexp_split_to_array", nullptr);
  const std::string& text = text_of(values[0]);
  duckdb::vector<duckdb::Value> parts;
  std::size_t start = 0;
  for (auto& match : matches_of(*compile(text_of(values[1]), flags, state), text, true)) {
    const std::size_t at = match.position(0);
    // Empty matches at the ends and right after another split nothing.
    if (match.length(0) == 0 && (at == start || at >= text.size())) continue;
    parts.push_back(text_value(text.substr(start, at - start)));
    start = at + match.length(0);
  }
  parts.push_back(text_value(text.substr(start)));
  return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(parts));
}

duckdb::Value like(const Arguments& values, duckdb::ExpressionState& state) {
  const RegexFlags flags = parse_flags(flags_at(values, 2));
  refuse_global(flags, "regexp_like", nullptr);
  return duckdb::Value::BOOLEAN(
      !matches_of(*compile(text_of(values[1]), flags, state), text_of(values[0]), false).empty());
}

/// Matches that begin at or after character `start`.
Matches matches_from(const Arguments& values, std::size_t start_index, std::size_t flags_index,
                     const char* function, ExpressionState& state) {
  const std::string& text = text_of(values[0]);
  const std::int64_t start =
      values.size() > start_index ? checked_number(values[start_index], "start", 1) : 1;
  const RegexFlags flags = parse_flags(flags_at(values, flags_index));
  refuse_global(flags, function, nullptr);
  const std::size_t from = byte_of_character(text, start);
  Matches found;
  for (auto& match : matches_of(*compile(text_of(values[1]), flags, state), text, true)) {
    if (match.position(0) >= from) found.push_back(std::move(match));
  }
  return found;
}

duckdb::Value count_matches(const Arguments& values, duckdb::ExpressionState& state) {
  return duckdb::Value::INTEGER(
      static_cast<std::int32_t>(matches_from(values, 2, 3, "regexp_count", state).size()));
}

/// regexp_instr(text, pattern, start, n, end, flags, group)
duckdb::Value position_of_match(const Arguments& values, duckdb::ExpressionState& state) {
  Matches matches = matches_from(values, 2, 5, "regexp_instr", state);
  const std::int64_t nth = values.size() > 3 ? checked_number(values[3], "n", 1) : 1;
  const std::int64_t at_end = values.size() > 4 ? checked_number(values[4], "endoption", 0) : 0;
  const std::int64_t group = values.size() > 6 ? checked_number(values[6], "subexpr", 0) : 0;
  if (nth > static_cast<std::int64_t>(matches.size())) return duckdb::Value::INTEGER(0);
  auto& match = matches[static_cast<std::size_t>(nth) - 1];
  if (group >= static_cast<std::int64_t>(match.groups.size())) return duckdb::Value::INTEGER(0);
  const auto index = static_cast<std::size_t>(group);
  const std::size_t byte = match.position(index) + (at_end != 0 ? match.length(index) : 0);
  return duckdb::Value::INTEGER(static_cast<std::int32_t>(characters_before(text_of(values[0]), byte)) + 1);
}

/// regexp_substr(text, pattern, start, n, flags, group)
duckdb::Value text_of_match(const Arguments& values, duckdb::ExpressionState& state) {
  Matches matches = matches_from(values, 2, 4, "regexp_substr", state);
  const std::int64_t nth = values.size() > 3 ? checked_number(values[3], "n", 1) : 1;
  const std::int64_t group = values.size() > 5 ? checked_number(values[5], "subexpr", 0) : 0;
  if (nth > static_cast<std::int64_t>(matches.size())) return duckdb::Value();
  auto& match = matches[static_cast<std::size_t>(nth) - 1];
  if (group >= static_cast<std::int64_t>(match.groups.size())) return duckdb::Value();
  return text_value(match.str(static_cast<std::size_t>(group)));
}

/// substring(text FROM pattern): the first group, or all of the match.
duckdb::Value substring_of_match(const Arguments& values, duckdb::ExpressionState& state) {
  Matches matches = matches_of(*compile(text_of(values[1]), RegexFlags{}, state), text_of(values[0]), false);
  if (matches.empty()) return duckdb::Value();
  return duckdb::ListValue::GetChildren(groups_of(matches[0]))[0];
}

}  // namespace

void register_regex_functions(FunctionCatalog& catalog) {
  const LogicalType text = LogicalType::VARCHAR;
  const LogicalType number = LogicalType::INTEGER;
  ScalarBuilder("pg_regexp_replace")
      .boxed({text, text, text}, text, replace_with_flags)
      .boxed({text, text, text, text}, text, replace_with_flags)
      .boxed({text, text, text, number}, text, replace_from)
      .boxed({text, text, text, number, number}, text, replace_from)
      .boxed({text, text, text, number, number, text}, text, replace_from)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_match")
      .boxed({text, text}, text_list(), first_match)
      .boxed({text, text, text}, text_list(), first_match)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_matches")
      .boxed({text, text}, LogicalType::LIST(text_list()), all_matches)
      .boxed({text, text, text}, LogicalType::LIST(text_list()), all_matches)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_split")
      .boxed({text, text}, text_list(), split)
      .boxed({text, text, text}, text_list(), split)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_like")
      .boxed({text, text}, LogicalType::BOOLEAN, like)
      .boxed({text, text, text}, LogicalType::BOOLEAN, like)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_count")
      .boxed({text, text}, number, count_matches)
      .boxed({text, text, number}, number, count_matches)
      .boxed({text, text, number, text}, number, count_matches)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_instr")
      .boxed({text, text}, number, position_of_match)
      .boxed({text, text, number}, number, position_of_match)
      .boxed({text, text, number, number}, number, position_of_match)
      .boxed({text, text, number, number, number}, number, position_of_match)
      .boxed({text, text, number, number, number, text}, number, position_of_match)
      .boxed({text, text, number, number, number, text, number}, number, position_of_match)
      .replace_in(catalog);
  ScalarBuilder("pg_regexp_substr")
      .boxed({text, text}, text, text_of_match)
      .boxed({text, text, number}, text, text_of_match)
      .boxed({text, text, number, number}, text, text_of_match)
      .boxed({text, text, number, number, text}, text, text_of_match)
      .boxed({text, text, number, number, text, number}, text, text_of_match)
      .replace_in(catalog);
  ScalarBuilder("pg_substring_regex").boxed({text, text}, text, substring_of_match).replace_in(catalog);
}

}  // namespace tickstone::duck
