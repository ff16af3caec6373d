// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/session_state.hpp"
#include "types/letter_case.hpp"
#include "types/utf8.hpp"
#include "types/value.hpp"

// PostgreSQL's functions of texts that DuckDB lacks or means otherwise.

namespace tickstone::duck {

namespace {

using duckdb::Expression;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;

const std::string& text_of(const duckdb::Value& value) { return duckdb::StringValue::Get(value); }
duckdb::Value text_value(std::string text) { return duckdb::Value(std::move(text)); }
LogicalType text_list() { return LogicalType::LIST(LogicalType::VARCHAR); }

/// UTF-8 of a character's number.
std::string character_of(std::int32_t number) {
  if (number < 0) throw Error(ErrorCode::InvalidParameterValue, "character number must be positive");
  if (number == 0) throw Error(ErrorCode::ProgramLimitExceeded, "null character not permitted");
  if (number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) {
    throw Error(ErrorCode::ProgramLimitExceeded,
                fmt::format("requested character not valid for encoding: {}", number));
  }
  std::string out;
  append_utf8(out, static_cast<std::uint32_t>(number));
  return out;
}

/// Words that cannot stand as a name without quotes.
bool is_reserved(const std::string& word) {
  static const std::set<std::string, std::less<>> kWords = {"all",
                                                            "analyse",
                                                            "analyze",
                                                            "and",
                                                            "any",
                                                            "array",
                                                            "as",
                                                            "asc",
                                                            "asymmetric",
                                                            "both",
                                                            "case",
                                                            "cast",
                                                            "check",
                                                            "collate",
                                                            "column",
                                                            "constraint",
                                                            "create",
                                                            "current_date",
                                                            "current_role",
                                                            "current_time",
                                                            "current_timestamp",
                                                            "current_user",
                                                            "default",
                                                            "deferrable",
                                                            "desc",
                                                            "distinct",
                                                            "do",
                                                            "else",
                                                            "end",
                                                            "except",
                                                            "false",
                                                            "fetch",
                                                            "for",
                                                            "foreign",
                                                            "from",
                                                            "grant",
                                                            "group",
                                                            "having",
                                                            "in",
                                                            "initially",
                                                            "intersect",
                                                            "into",
                                                            "lateral",
                                                            "leading",
                                                            "limit",
                                                            "localtime",
                                                            "localtimestamp",
                                                            "not",
                                                            "null",
                                                            "offset",
                                                            "on",
                                                            "only",
                                                            "or",
                                                            "order",
                                                            "placing",
                                                            "primary",
                                                            "references",
                                                            "returning",
                                                            "select",
                                                            "session_user",
                                                            "some",
                                                            "symmetric",
                                                            "table",
                                                            "then",
                                                            "to",
                                                            "trailing",
                                                            "true",
                                                            "union",
                                                            "unique",
                                                            "user",
                                                            "using",
                                                            "variadic",
                                                            "when",
                                                            "where",
                                                            "window",
                                                            "with",
                                                            "between",
                                                            "bigint",
                                                            "bit",
                                                            "boolean",
                                                            "char",
                                                            "character",
                                                            "coalesce",
                                                            "dec",
                                                            "decimal",
                                                            "exists",
                                                            "extract",
                                                            "float",
                                                            "greatest",
                                                            "grouping",
                                                            "inout",
                                                            "int",
                                                            "integer",
                                                            "interval",
                                                            "least",
                                                            "national",
                                                            "nchar",
                                                            "none",
                                                            "normalize",
                                                            "nullif",
                                                            "numeric",
                                                            "out",
                                                            "overlay",
                                                            "position",
                                                            "precision",
                                                            "real",
                                                            "row",
                                                            "setof",
                                                            "smallint",
                                                            "substring",
                                                            "time",
                                                            "timestamp",
                                                            "treat",
                                                            "trim",
                                                            "values",
                                                            "varchar",
                                                            "authorization",
                                                            "binary",
                                                            "collation",
                                                            "concurrently",
                                                            "cross",
                                                            "current_schema",
                                                            "freeze",
                                                            "full",
                                                            "ilike",
                                                            "inner",
                                                            "is",
                                                            "isnull",
                                                            "join",
                                                            "left",
                                                            "like",
                                                            "natural",
                                                            "notnull",
                                                            "outer",
                                                            "overlaps",
                                                            "right",
                                                            "similar",
                                                            "tablesample",
                                                            "verbose"};
  return kWords.contains(word);
}

std::string quoted_identifier(const std::string& name) {
  bool is_plain = !name.empty() && (name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z'));
  for (const char c : name) {
    is_plain = is_plain && (c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
  }
  if (is_plain && !is_reserved(name)) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string quoted_literal(const std::string& text) {
  const bool has_backslash = text.find('\\') != std::string::npos;
  std::string out = has_backslash ? " E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  if (has_backslash) out.erase(0, 1);
  return out + '\'';
}

std::string plain_text(const duckdb::Value& value, duckdb::ExpressionState& state) {
  return value.IsNull() ? std::string()
                        : to_text(from_duck(value), SessionState::of(state.GetContext()).format());
}

/// PostgreSQL's format(): %s, %I, %L and %%, positions and widths.
std::string formatted(const std::vector<duckdb::Value>& values, duckdb::ExpressionState& state) {
  const std::string& pattern = text_of(values[0]);
  std::string out;
  std::size_t next = 1;
  const auto argument = [&](std::size_t position) -> const duckdb::Value& {
    if (position >= values.size())
      throw Error(ErrorCode::InvalidParameterValue, "too few arguments for format()");
    return values[position];
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      out += pattern[i];
      continue;
    }
    const auto peek = [&] {
      if (i >= pattern.size()) {
        throw Error(ErrorCode::InvalidParameterValue, "unterminated format() type specifier", {},
                    "For a single \"%\" use \"%%\".");
      }
      return pattern[i];
    };
    const auto read_number = [&] {
      std::int64_t number = 0;
      while (std::isdigit(static_cast<unsigned char>(peek())) != 0 && number < INT32_MAX) {
        number = number * 10 + (pattern[i++] - '0');
      }
      return number;
    };
    ++i;
    if (peek() == '%') {
      out += '%';
      continue;
    }
    std::size_t position = 0;
    std::int64_t width = 0;
    bool is_left = false;
    if (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      const auto number = read_number();
      if (peek() == '$') {
        ++i;
        if (number == 0) {
          throw Error(ErrorCode::InvalidParameterValue,
                      "format specifies argument 0, but arguments are numbered from 1");
        }
        position = static_cast<std::size_t>(number);
      } else {
        width = number;
      }
    }
    while (peek() == '-') {
      is_left = true;
      ++i;
    }
    if (peek() == '*') {
      ++i;
      const auto& given = argument(next++);
      width = given.IsNull() ? 0 : given.GetValue<std::int64_t>();
      if (width < 0) {
        is_left = true;
        width = -width;
      }
    } else if (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      width = read_number();
    }
    const char kind = peek();
    if (position == 0) {
      position = next++;
    } else {
      next = position + 1;
    }
    std::string part;
    const duckdb::Value& value = argument(position);
    switch (kind) {
      case 's':
        part = plain_text(value, state);
        break;
      case 'I':
        if (value.IsNull()) {
          throw Error(ErrorCode::NullValueNotAllowed, "null values cannot be formatted as an SQL identifier");
        }
        part = quoted_identifier(plain_text(value, state));
        break;
      case 'L':
        part = value.IsNull() ? "NULL" : quoted_literal(plain_text(value, state));
        break;
      default:
        throw Error(ErrorCode::InvalidParameterValue,
                    std::string("unrecognized format() type specifier \"") + kind + "\"", {},
                    "For a single \"%\" use \"%%\".");
    }
    if (width > 10'000'000) throw Error(ErrorCode::ProgramLimitExceeded, "requested length too large");
    const auto fill = std::max<std::int64_t>(0, width - static_cast<std::int64_t>(part.size()));
    if (!is_left) out.append(static_cast<std::size_t>(fill), ' ');
    out += part;
    if (is_left) out.append(static_cast<std::size_t>(fill), ' ');
  }
  return out;
}

std::size_t character_start(std::string_view text, std::int64_t character) {
  std::size_t at = 0;
  std::int64_t seen = -1;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && ++seen == character) break;
  }
  return at;
}

/// substring(text, start, length): positions before 1 count, and use up the length.
std::string substring(const std::string& text, std::int64_t start, std::optional<std::int64_t> length) {
  std::int64_t end = INT64_MAX;
  if (length) {
    if (*length < 0) throw Error(ErrorCode::SubstringError, "negative substring length not allowed");
    end = start + *length;
  }
  start = std::max<std::int64_t>(start, 1);
  if (end <= start) return {};
  const std::size_t from = character_start(text, start - 1);
  const std::size_t to = end == INT64_MAX ? text.size() : character_start(text, end - 1);
  return text.substr(from, to - from);
}

constexpr std::size_t kMostTextBytes = 1'073'741'823;

/// lpad and rpad, in characters.
std::string padded(const std::string& text, std::int64_t length, const std::string& fill, bool is_left) {
  length = std::max<std::int64_t>(0, length);
  if (length > static_cast<std::int64_t>(kMostTextBytes))
    throw Error(ErrorCode::ProgramLimitExceeded, "requested length too large");
  const auto characters = [](const std::string& of) {
    return std::count_if(of.begin(), of.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  };
  const std::int64_t have = characters(text);
  if (have >= length) return text.substr(0, character_start(text, length));
  const std::int64_t each = characters(fill);
  if (each == 0) return text;
  const std::int64_t missing = length - have;
  std::string filling;
  for (std::int64_t i = 0; i < missing / each; ++i) filling += fill;
  filling += fill.substr(0, character_start(fill, missing % each));
  return is_left ? filling + text : text + filling;
}

std::string size_pretty(Decimal bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  Int128 size = bytes.unscaled / power_of_ten(bytes.scale);
  std::size_t unit = 0;
  // As PostgreSQL: up to 10,240 of a unit, then half rounded up in the next.
  bool is_doubled = false;
  while (unit + 1 < kUnits.size()) {
    const Int128 limit = is_doubled ? 20 * 1024 - 1 : 10 * 1024;
    if ((size < 0 ? -size : size) < limit) break;
    size = size / (is_doubled ? 1024 : 512);
    is_doubled = true;
    ++unit;
  }
  if (is_doubled) size = size < 0 ? (size - 1) / 2 : (size + 1) / 2;
  std::string text;
  append_decimal(text, size, 0);
  return text + " " + kUnits[unit];
}

/// split_part: the part between separators, counted from either end.
std::string part_of(const std::string& text, const std::string& separator, std::int64_t wanted) {
  if (wanted == 0) throw Error(ErrorCode::InvalidParameterValue, "field position must not be zero");
  if (separator.empty()) return wanted == 1 || wanted == -1 ? text : std::string();
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (auto end = text.find(separator); end != std::string::npos; end = text.find(separator, start)) {
    parts.push_back(text.substr(start, end - start));
    start = end + separator.size();
  }
  parts.push_back(text.substr(start));
  const auto count = static_cast<std::int64_t>(parts.size());
  const std::int64_t index = wanted > 0 ? wanted - 1 : count + wanted;
  return index >= 0 && index < count ? parts[static_cast<std::size_t>(index)] : std::string();
}

void register_quoting(FunctionCatalog& catalog) {
  const LogicalType text = LogicalType::VARCHAR;
  const auto simple = [&](const char* name, std::string (*body)(const std::string&)) {
    ScalarBuilder(name)
        .text(text, text,
              [body](std::string_view value, std::string& out) {
                out = body(std::string(value));
                return true;
              })
        .replace_in(catalog);
  };
  simple("quote_ident", quoted_identifier);
  simple("quote_literal", quoted_literal);
  simple("initcap", [](const std::string& value) { return with_initials(value); });
  simple("upper", [](const std::string& value) { return in_upper_case(value); });
  simple("lower", [](const std::string& value) { return in_lower_case(value); });
  ScalarBuilder("pg_chr")
      .boxed({LogicalType::INTEGER}, text,
             [](const auto& values, auto&) {
               return text_value(character_of(values[0].template GetValue<std::int32_t>()));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_quote_literal")
      .boxed({LogicalType::ANY}, text,
             [](const auto& values, auto& state) {
               return text_value(quoted_literal(plain_text(values[0], state)));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_to_hex")
      .boxed({LogicalType::INTEGER}, text,
             [](const auto& values, auto&) {
               return text_value(fmt::format(
                   "{:x}", static_cast<std::uint32_t>(values[0].template GetValue<std::int32_t>())));
             })
      .boxed({LogicalType::BIGINT}, text,
             [](const auto& values, auto&) {
               return text_value(fmt::format(
                   "{:x}", static_cast<std::uint64_t>(values[0].template GetValue<std::int64_t>())));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_split_part")
      .boxed({text, text, LogicalType::INTEGER}, text,
             [](const auto& values, auto&) {
               return text_value(part_of(text_of(values[0]), text_of(values[1]),
                                         values[2].template GetValue<std::int64_t>()));
             })
      .replace_in(catalog);
  ScalarBuilder("quote_nullable")
      .boxed_with_nulls(
          {LogicalType::ANY}, text,
          [](const auto& values, auto& state) {
            return text_value(values[0].IsNull() ? "NULL" : quoted_literal(plain_text(values[0], state)));
          })
      .replace_in(catalog);
  ScalarBuilder("pg_format")
      .boxed_with_nulls(
          {text}, text,
          [](const auto& values, auto& state) {
            return values[0].IsNull() ? duckdb::Value() : text_value(formatted(values, state));
          },
          LogicalType::ANY)
      .replace_in(catalog);
}

/// The names of a qualified identifier: `a."B c".d`.
duckdb::Value identifier_parts(const std::string& text, bool is_strict) {
  duckdb::vector<duckdb::Value> parts;
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  };
  const auto fail = [&](std::string detail) {
    throw Error(ErrorCode::InvalidParameterValue, "string is not a valid identifier: \"" + text + "\"",
                std::move(detail));
  };
  while (true) {
    skip_space();
    std::string part;
    if (at < text.size() && text[at] == '"') {
      for (++at;; ++at) {
        if (at >= text.size()) fail("String has unclosed double quotes.");
        if (text[at] == '"') {
          const bool is_doubled = at + 1 < text.size() && text[at + 1] == '"';
          ++at;
          if (!is_doubled) break;
        }
        part += text[at];
      }
      if (part.empty()) fail("Quoted identifier must not be empty.");
    } else {
      const auto is_start = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_' || c >= 0x80; };
      if (at < text.size() && is_start(static_cast<unsigned char>(text[at]))) {
        while (at < text.size()) {
          const auto c = static_cast<unsigned char>(text[at]);
          if (!is_start(c) && std::isdigit(c) == 0 && c != '$') break;
          part += static_cast<char>(c < 0x80 ? std::tolower(c) : c);
          ++at;
        }
      } else if (at < text.size() && text[at] == '.') {
        fail("No valid identifier before \".\".");
      } else if (!parts.empty()) {
        fail("No valid identifier after \".\".");
      } else {
        fail("");
      }
    }
    parts.push_back(text_value(std::move(part)));
    skip_space();
    if (at < text.size() && text[at] == '.') {
      ++at;
      continue;
    }
    if (at < text.size() && is_strict) fail("");
    return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(parts));
  }
}

}  // namespace

void register_text_functions(FunctionCatalog& catalog) {
  register_quoting(catalog);
  const LogicalType text = LogicalType::VARCHAR;
  ScalarBuilder("pg_parse_ident")
      .boxed({text}, text_list(),
             [](const auto& values, auto&) { return identifier_parts(text_of(values[0]), true); })
      .boxed({text, LogicalType::BOOLEAN}, text_list(),
             [](const auto& values, auto&) {
               return identifier_parts(text_of(values[0]), values[1].template GetValue<bool>());
             })
      .replace_in(catalog);
  // One value holds no more than PostgreSQL's.
  ScalarBuilder("repeat")
      .boxed({text, LogicalType::INTEGER}, text,
             [](const auto& values, auto&) {
               const std::string& one = text_of(values[0]);
               const auto count = std::max<std::int64_t>(0, values[1].template GetValue<std::int64_t>());
               if (!one.empty() && count > static_cast<std::int64_t>(kMostTextBytes / one.size()))
                 throw Error(ErrorCode::ProgramLimitExceeded, "requested length too large");
               std::string out;
               out.reserve(one.size() * static_cast<std::size_t>(count));
               for (std::int64_t i = 0; i < count && !one.empty(); ++i) out += one;
               return text_value(std::move(out));
             })
      .replace_in(catalog);
  for (const bool is_left : {true, false}) {
    ScalarBuilder(is_left ? "lpad" : "rpad")
        .boxed({text, LogicalType::INTEGER, text}, text,
               [is_left](const auto& values, auto&) {
                 return text_value(padded(text_of(values[0]), values[1].template GetValue<std::int64_t>(),
                                          text_of(values[2]), is_left));
               })
        .replace_in(catalog);
  }
  ScalarBuilder substring_builder("substring");
  substring_builder
      .boxed({text, LogicalType::BIGINT}, text,
             [](const auto& values, auto&) {
               return text_value(
                   substring(text_of(values[0]), values[1].template GetValue<std::int64_t>(), std::nullopt));
             })
      .boxed({text, LogicalType::BIGINT, LogicalType::BIGINT}, text, [](const auto& values, auto&) {
        return text_value(substring(text_of(values[0]), values[1].template GetValue<std::int64_t>(),
                                    values[2].template GetValue<std::int64_t>()));
      });
  substring_builder.replace_in(catalog);
  catalog.alias("substr", "substring");

  ScalarBuilder("pg_size_pretty")
      .boxed({LogicalType::BIGINT}, text,
             [](const auto& values, auto&) {
               return text_value(size_pretty({values[0].template GetValue<std::int64_t>(), 0}));
             })
      .boxed({LogicalType::DECIMAL(38, 0)}, text,
             [](const auto& values, auto&) {
               const Value value = from_duck(values[0]);
               return text_value(size_pretty({value.integer, value.scale}));
             })
      .replace_in(catalog);

  // RE2 behind DuckDB's functions: a dot matches a line break too, as in PostgreSQL.
  catalog.add_macro("pg_regex_match(value, pattern) AS regexp_matches(value, pattern, 's')");
  catalog.add_macro("pg_regex_match_ci(value, pattern) AS regexp_matches(value, pattern, 'si')");
  ScalarBuilder("string_to_array")
      .boxed_with_nulls(
          {text, text}, text_list(),
          [](const auto& values, auto&) -> duckdb::Value {
            if (values[0].IsNull()) return duckdb::Value();
            const std::string& value = text_of(values[0]);
            const bool has_null_text = values.size() > 2 && !values[2].IsNull();
            duckdb::vector<duckdb::Value> parts;
            const auto push = [&](std::string part) {
              if (has_null_text && part == text_of(values[2])) {
                parts.emplace_back(LogicalType::VARCHAR);
              } else {
                parts.emplace_back(std::move(part));
              }
            };
            if (values[1].IsNull()) {
              std::size_t start = 0;
              while (start < value.size()) {
                const std::size_t end = start + character_start(std::string_view(value).substr(start), 1);
                push(value.substr(start, end - start));
                start = end;
              }
            } else if (!value.empty()) {
              const std::string& separator = text_of(values[1]);
              std::size_t start = 0;
              while (!separator.empty()) {
                const auto end = value.find(separator, start);
                if (end == std::string::npos) break;
                push(value.substr(start, end - start));
                start = end + separator.size();
              }
              push(value.substr(start));
            }
            return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(parts));
          },
          text)
      .replace_in(catalog);
  ScalarBuilder("pg_array_to_string")
      .boxed_with_nulls({LogicalType::ANY, text, text}, text,
                        [](const auto& values, auto& state) -> duckdb::Value {
                          if (values[0].IsNull() || values[1].IsNull()) return duckdb::Value();
                          std::string out;
                          bool first = true;
                          for (const auto& part : duckdb::ListValue::GetChildren(values[0])) {
                            if (part.IsNull() && values[2].IsNull()) continue;
                            if (!first) out += text_of(values[1]);
                            first = false;
                            out += part.IsNull() ? text_of(values[2]) : plain_text(part, state);
                          }
                          return text_value(std::move(out));
                        })
      .replace_in(catalog);
  for (const bool counts_nulls : {true, false}) {
    ScalarBuilder(counts_nulls ? "num_nulls" : "num_nonnulls")
        .boxed_with_nulls(
            {}, LogicalType::INTEGER,
            [counts_nulls](const auto& values, auto&) {
              std::int32_t count = 0;
              for (const auto& value : values) count += value.IsNull() == counts_nulls ? 1 : 0;
              return duckdb::Value::INTEGER(count);
            },
            LogicalType::ANY)
        .replace_in(catalog);
  }
}

}  // namespace tickstone::duck
