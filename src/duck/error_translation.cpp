// SPDX-License-Identifier: Apache-2.0
#include "duck/error_translation.hpp"

#include <charconv>
#include <optional>

#include "duck/logical_types.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ExceptionType;

constexpr char kMark = '\x1f';

/// What stands between `before` and `after` in `text`.
std::optional<std::string> between(const std::string& text, std::string_view before, std::string_view after) {
  const auto start = text.find(before);
  if (start == std::string::npos) return std::nullopt;
  const auto from = start + before.size();
  const auto end = after.empty() ? text.size() : text.find(after, from);
  if (end == std::string::npos) return std::nullopt;
  return text.substr(from, end - from);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
bool starts_with(const std::string& text, std::string_view part) { return text.rfind(part, 0) == 0; }

std::string without_quotes(std::string name) {
  std::erase(name, '"');
  return name;
}

/// `"public.ohlcv".symbol` and the like: the relation names are ours, the client knows the last part.
std::string column_name(std::string name) { return without_quotes(std::move(name)); }

std::string first_line(const std::string& text) {
  const auto end = text.find('\n');
  std::string line = end == std::string::npos ? text : text.substr(0, end);
  if (!line.empty() && line[0] >= 'A' && line[0] <= 'Z' && line.size() > 1 &&
      !(line[1] >= 'A' && line[1] <= 'Z')) {
    line[0] = static_cast<char>(line[0] - 'A' + 'a');
  }
  while (!line.empty() && (line.back() == '.' || line.back() == ' ' || line.back() == '!')) line.pop_back();
  return line;
}

/// DuckDB's name of a type, as it stands in its messages, in PostgreSQL's words.
std::string postgres_type_name(std::string name) {
  static const std::map<std::string, std::string, std::less<>> kNames = {
      {"BOOLEAN", "boolean"},
      {"TINYINT", "smallint"},
      {"SMALLINT", "smallint"},
      {"INTEGER", "integer"},
      {"INTEGER_LITERAL", "integer"},
      {"BIGINT", "bigint"},
      {"HUGEINT", "numeric"},
      {"UBIGINT", "numeric"},
      {"FLOAT", "real"},
      {"DOUBLE", "double precision"},
      {"VARCHAR", "text"},
      {"STRING_LITERAL", "unknown"},
      {"\"NULL\"", "unknown"},
      {"NULL", "unknown"},
      {"UNKNOWN", "unknown"},
      {"BLOB", "bytea"},
      {"DATE", "date"},
      {"TIME", "time without time zone"},
      {"TIMESTAMP", "timestamp without time zone"},
      {"TIMESTAMP WITH TIME ZONE", "timestamp with time zone"},
      {"TIMESTAMP_NS", "timestamp_ns"},
      {"INTERVAL", "interval"},
      {"UUID", "uuid"},
      {"JSON", "json"},
      {"JSONB", "jsonb"},
      {"CANDLESTICK", "candlestick"},
  };
  while (!name.empty() && name.front() == ' ') name.erase(0, 1);
  while (!name.empty() && name.back() == ' ') name.pop_back();
  if (name.size() > 2 && name.ends_with("[]"))
    return postgres_type_name(name.substr(0, name.size() - 2)) + "[]";
  if (starts_with(name, "DECIMAL")) return "numeric";
  if (starts_with(name, "STRUCT")) return "record";
  const auto found = kNames.find(name);
  if (found != kNames.end()) return found->second;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

/// `foo(INTEGER, DECIMAL(18,6))` as `foo(integer, numeric)`.
std::string postgres_call(const std::string& call) {
  const auto open = call.find('(');
  if (open == std::string::npos || call.back() != ')') return call;
  std::string result = call.substr(0, open);
  // DuckDB may qualify a function: main.foo, system.main.foo.
  if (const auto dot = result.rfind('.'); dot != std::string::npos && dot + 1 < result.size()) {
    result = result.substr(dot + 1);
  }
  result = without_quotes(result) + "(";
  int depth = 0;
  std::string part;
  bool first = true;
  const auto flush = [&] {
    if (part.empty()) return;
    // Named arguments come as `name : TYPE`; keep the type.
    if (const auto colon = part.find(" : "); colon != std::string::npos) part = part.substr(colon + 3);
    if (!first) result += ", ";
    result += postgres_type_name(part);
    first = false;
    part.clear();
  };
  for (std::size_t i = open + 1; i + 1 < call.size(); ++i) {
    const char c = call[i];
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      flush();
    } else {
      part += c;
    }
  }
  flush();
  return result + ")";
}

bool is_operator_name(const std::string& name) {
  return !name.empty() && name.find_first_not_of("+-*/<>=~!@#%^&|`?") == std::string::npos;
}

constexpr const char* kCastHint =
    "No function matches the given name and argument types. You might need to add explicit type casts.";
constexpr const char* kOperatorHint =
    "No operator matches the given name and argument types. You might need to add explicit type casts.";

/// `+(text, integer)` as `operator does not exist: text + integer`, anything else as a function.
Error no_such_function(const std::string& call) {
  std::string shown = postgres_call(call);
  if (shown.starts_with("pg_chr(")) shown.erase(0, 3);  // ours in place of DuckDB's
  const auto open = shown.find('(');
  const std::string name = shown.substr(0, open);
  if (open != std::string::npos && is_operator_name(name)) {
    const std::string arguments = shown.substr(open + 1, shown.size() - open - 2);
    const auto comma = arguments.find(", ");
    const std::string text = comma == std::string::npos ? name + " " + arguments
                                                        : arguments.substr(0, comma) + " " + name + " " +
                                                              arguments.substr(comma + 2);
    return Error(ErrorCode::UndefinedFunction, "operator does not exist: " + text, {}, kOperatorHint);
  }
  return Error(ErrorCode::UndefinedFunction, "function " + shown + " does not exist", {}, kCastHint);
}

Error translate_binder(const std::string& raw) {
  if (auto name = between(raw, "Referenced column \"", "\" not found")) {
    return Error(ErrorCode::UndefinedColumn, "column \"" + column_name(*name) + "\" does not exist");
  }
  if (auto name = between(raw, "Referenced table \"", "\" not found")) {
    return Error(ErrorCode::UndefinedTable, "missing FROM-clause entry for table \"" + *name + "\"");
  }
  if (contains(raw, "does not have a column named")) {
    const auto table = between(raw, "Table \"", "\"").value_or("");
    const auto column = between(raw, "does not have a column named \"", "\"").value_or("");
    return Error(ErrorCode::UndefinedColumn, "column " + table + "." + column + " does not exist");
  }
  if (auto name = between(raw, "Ambiguous reference to column name \"", "\"")) {
    return Error(ErrorCode::AmbiguousColumn, "column reference \"" + *name + "\" is ambiguous");
  }
  if (contains(raw, "must appear in the GROUP BY clause or must be part of an aggregate function") ||
      contains(raw, "must appear in the GROUP BY clause or be used in an aggregate function")) {
    const auto name =
        between(raw, "column \"", "\" must appear").value_or(between(raw, "\"", "\"").value_or("?"));
    return Error(ErrorCode::GroupingError,
                 "column \"" + column_name(name) +
                     "\" must appear in the GROUP BY clause or be used in an aggregate function");
  }
  if (contains(raw, "aggregate function calls cannot contain window function calls")) {
    return Error(ErrorCode::GroupingError, "aggregate function calls cannot contain window function calls");
  }
  if (contains(raw, "PERCENTILEs can only take parameters in the range")) {
    return Error(ErrorCode::NumericValueOutOfRange, "percentile value is not between 0 and 1");
  }
  if (contains(raw, "cannot have preceding rows") || contains(raw, "cannot end with") ||
      contains(raw, "RANGE frames must have only one ORDER BY expression")) {
    return Error(ErrorCode::WindowingError, first_line(raw));
  }
  if (contains(raw, "HAVING clause cannot contain window functions") ||
      contains(raw, "WHERE clause cannot contain window functions") ||
      contains(raw, "cannot contain window functions")) {
    const std::string where = contains(raw, "WHERE")    ? "WHERE"
                              : contains(raw, "HAVING") ? "HAVING"
                                                        : "GROUP BY";
    return Error(ErrorCode::WindowingError, "window functions are not allowed in " + where);
  }
  if (contains(raw, "WHERE clause cannot contain aggregates")) {
    return Error(ErrorCode::GroupingError, "aggregate functions are not allowed in WHERE");
  }
  if (contains(raw, "GROUP BY clause cannot contain aggregates")) {
    return Error(ErrorCode::GroupingError, "aggregate functions are not allowed in GROUP BY");
  }
  if (contains(raw, "aggregate function calls cannot be nested")) {
    return Error(ErrorCode::GroupingError, "aggregate function calls cannot be nested");
  }
  if (auto call = between(raw, "No function matches the given name and argument types '", "'")) {
    return no_such_function(*call);
  }
  if (auto call = between(raw, "for the function call \"", "\"")) {
    const std::string shown = postgres_call(*call);
    return Error(ErrorCode::AmbiguousFunction, "function " + shown + " is not unique", {},
                 "Could not choose a best candidate function. You might need to add explicit type casts.");
  }
  if (starts_with(raw, "Cannot compare values of type")) {
    // Cannot compare values of type VARCHAR and type INTEGER_LITERAL - an explicit cast is required
    const auto left = between(raw, "of type ", " and ");
    auto right = between(raw, " and type ", " - ");
    if (!right) right = between(raw, " and ", " - ");
    if (left && right) {
      return Error(
          ErrorCode::UndefinedFunction,
          "operator does not exist: " + postgres_type_name(*left) + " = " + postgres_type_name(*right), {},
          kOperatorHint);
    }
  }
  if (starts_with(raw, "Cannot mix values of type")) {
    const auto left = between(raw, "of type ", " and ");
    auto right = between(raw, " and ", " in ");
    if (left && right) {
      return Error(ErrorCode::DatatypeMismatch, "types " + postgres_type_name(*left) + " and " +
                                                    postgres_type_name(*right) + " cannot be matched");
    }
  }
  if (contains(raw, "Set operations can only apply to expressions with the same number of result columns")) {
    return Error(ErrorCode::SyntaxError, "each UNION query must have the same number of columns");
  }
  if (contains(raw, "Subquery returns") && contains(raw, "columns - expected 1")) {
    return Error(ErrorCode::SyntaxError, "subquery must return only one column");
  }
  if (contains(raw, "ORDER term out of range")) {
    return Error(ErrorCode::InvalidColumnReference, "ORDER BY position is not in select list");
  }
  if (contains(raw, "GROUP BY term out of range")) {
    return Error(ErrorCode::InvalidColumnReference, "GROUP BY position is not in select list");
  }
  if (auto alias = between(raw, "Duplicate alias \"", "\"")) {
    return Error(ErrorCode::DuplicateAlias, "table name \"" + *alias + "\" specified more than once");
  }
  if (contains(raw, "Duplicate CTE name")) {
    return Error(ErrorCode::DuplicateAlias, first_line(raw));
  }
  if (contains(raw, "SELECT * requires a FROM clause") || contains(raw, "SELECT * expression without FROM")) {
    return Error(ErrorCode::SyntaxError, "SELECT * with no tables specified is not valid");
  }
  if (contains(raw, "UNNEST requires a single list")) {
    return Error(ErrorCode::UndefinedFunction, "function unnest of what is no array does not exist", {},
                 kCastHint);
  }
  if (contains(raw, "UNNEST")) return Error(ErrorCode::FeatureNotSupported, first_line(raw));
  if (contains(raw, "window functions are not allowed")) {
    return Error(ErrorCode::WindowingError, first_line(raw));
  }
  if (contains(raw, "Unimplemented type for cast") || contains(raw, "Unimplemented cast")) {
    return Error(ErrorCode::CannotCoerce, first_line(raw));
  }
  return Error(ErrorCode::SyntaxError, first_line(raw));
}

Error translate_catalog(const std::string& raw) {
  if (auto name = between(raw, "Table with name ", " does not exist")) {
    return Error(ErrorCode::UndefinedTable, "relation \"" + without_quotes(*name) + "\" does not exist");
  }
  for (const char* kind : {"Scalar Function with name ", "Table Function with name ", "Function with name ",
                           "Aggregate Function with name "}) {
    if (auto name = between(raw, kind, " does not exist")) {
      const std::string shown = without_quotes(*name);
      if (is_operator_name(shown)) {
        return Error(ErrorCode::UndefinedFunction, "operator does not exist: " + shown, {}, kOperatorHint);
      }
      return Error(ErrorCode::UndefinedFunction, "function " + shown + "() does not exist", {}, kCastHint);
    }
  }
  if (auto name = between(raw, "Type with name ", " does not exist")) {
    return Error(ErrorCode::UndefinedObject, "type \"" + without_quotes(*name) + "\" does not exist");
  }
  if (contains(raw, "is not an aggregate function") || contains(raw, "is not an window")) {
    return Error(ErrorCode::WrongObjectType, first_line(raw));
  }
  return Error(ErrorCode::UndefinedObject, first_line(raw));
}

Error translate_conversion(const std::string& raw) {
  // Could not convert string 'abc' to INT32
  if (auto text = between(raw, "Could not convert string '", "' to ")) {
    const auto target = between(raw, "' to ", "").value_or("");
    static const std::map<std::string, std::string, std::less<>> kPhysical = {
        {"INT8", "smallint"}, {"INT16", "smallint"},          {"INT32", "integer"}, {"INT64", "bigint"},
        {"FLOAT", "real"},    {"DOUBLE", "double precision"}, {"BOOL", "boolean"},  {"INT128", "numeric"},
    };
    std::string type = first_line(target);
    for (const auto& [physical, name] : kPhysical) {
      if (starts_with(target, physical)) type = name;
    }
    if (starts_with(target, "DECIMAL")) type = "numeric";
    return Error(ErrorCode::InvalidTextRepresentation,
                 "invalid input syntax for type " + postgres_type_name(type) + ": \"" + *text + "\"");
  }
  if (contains(raw, "Failed to cast decimal value")) {
    const char* type = contains(raw, "to type INT64")   ? "bigint"
                       : contains(raw, "to type INT32") ? "integer"
                       : contains(raw, "to type INT16") ? "smallint"
                                                        : nullptr;
    if (type != nullptr) return Error(ErrorCode::NumericValueOutOfRange, std::string(type) + " out of range");
  }
  const bool is_decimal = contains(raw, "to type DECIMAL") || contains(raw, "to DECIMAL");
  if (contains(raw, "Could not cast value") || (is_decimal && contains(raw, "out of range"))) {
    return Error(ErrorCode::NumericValueOutOfRange, "numeric field overflow");
  }
  if (auto text = between(raw, "invalid timestamp field format: \"", "\"")) {
    return Error(ErrorCode::InvalidDatetimeFormat,
                 "invalid input syntax for type timestamp: \"" + *text + "\"");
  }
  if (auto text = between(raw, "invalid date field format: \"", "\"")) {
    return Error(ErrorCode::InvalidDatetimeFormat, "invalid input syntax for type date: \"" + *text + "\"");
  }
  if (auto text = between(raw, "Could not convert string \"", "\" to INTERVAL")) {
    return Error(ErrorCode::InvalidDatetimeFormat,
                 "invalid input syntax for type interval: \"" + *text + "\"");
  }
  if (contains(raw, "can't be cast because the value is out of range") || contains(raw, "out of range")) {
    if (contains(raw, "destination type INT32")) {
      return Error(ErrorCode::NumericValueOutOfRange, "integer out of range");
    }
    if (contains(raw, "destination type INT16")) {
      return Error(ErrorCode::NumericValueOutOfRange, "smallint out of range");
    }
    if (contains(raw, "destination type INT64")) {
      return Error(ErrorCode::NumericValueOutOfRange, "bigint out of range");
    }
    return Error(ErrorCode::NumericValueOutOfRange, first_line(raw));
  }
  if (contains(raw, "Unimplemented type for cast")) {
    const auto from = between(raw, "cast (", " -> ");
    const auto to = between(raw, " -> ", ")");
    if (from && to) {
      std::string target = *to;
      if (starts_with(target, "DECIMAL")) target = "DECIMAL";
      return Error(ErrorCode::CannotCoerce,
                   "cannot cast type " + postgres_type_name(*from) + " to " + postgres_type_name(target));
    }
  }
  return Error(ErrorCode::InvalidTextRepresentation, first_line(raw));
}

Error translate_out_of_range(const std::string& raw) {
  if (contains(raw, "INT32")) return Error(ErrorCode::NumericValueOutOfRange, "integer out of range");
  if (contains(raw, "INT16")) return Error(ErrorCode::NumericValueOutOfRange, "smallint out of range");
  if (contains(raw, "INT64")) return Error(ErrorCode::NumericValueOutOfRange, "bigint out of range");
  if (contains(raw, "timestamp") || contains(raw, "TIMESTAMP")) {
    return Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  }
  if (contains(raw, "date") || contains(raw, "DATE")) {
    return Error(ErrorCode::DatetimeFieldOverflow, "date out of range");
  }
  return Error(ErrorCode::NumericValueOutOfRange, first_line(raw));
}

Error translate_invalid_input(const std::string& raw) {
  // RE2 says what is wrong with a pattern.
  for (const char* problem :
       {"missing ", "unexpected ", "invalid escape sequence", "invalid character class",
        "no argument for repetition operator", "invalid repetition size", "bad repetition operator",
        "invalid perl operator", "invalid UTF-8", "invalid named capture group", "trailing \\"}) {
    if (starts_with(raw, problem))
      return Error(ErrorCode::InvalidRegularExpression, "invalid regular expression: " + first_line(raw));
  }
  if (contains(raw, "More than one row returned by a subquery used as an expression")) {
    return Error(ErrorCode::CardinalityViolation,
                 "more than one row returned by a subquery used as an expression");
  }
  if (contains(raw, "Values were not provided for the following prepared statement parameters") ||
      contains(raw, "Parameter argument/count mismatch")) {
    return Error(ErrorCode::ProtocolViolation, first_line(raw));
  }
  if (contains(raw, "Invalid unicode") || contains(raw, "UTF-8")) {
    return Error(ErrorCode::CharacterNotInRepertoire, first_line(raw));
  }
  return Error(ErrorCode::InvalidParameterValue, first_line(raw));
}

std::optional<Error> unpack(const std::string& raw) {
  const auto start = raw.find(kMark);
  if (start == std::string::npos) return std::nullopt;
  std::array<std::string, 5> parts;
  std::size_t at = start + 1;
  for (auto& part : parts) {
    const auto end = raw.find(kMark, at);
    if (end == std::string::npos) return std::nullopt;
    part = raw.substr(at, end - at);
    at = end + 1;
  }
  int code = 0;
  int damage = 0;
  std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), code);
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), damage);
  return Error(static_cast<ErrorCode>(code), parts[2], parts[3], parts[4])
      .damaging(static_cast<Damage>(damage));
}

}  // namespace

void throw_through_duckdb(const Error& error) {
  std::string packed(1, kMark);
  packed += std::to_string(static_cast<int>(error.code()));
  packed += kMark;
  packed += std::to_string(static_cast<int>(error.damage()));
  for (const std::string& part : {error.message(), error.detail(), error.hint()}) {
    packed += kMark;
    packed += part;
  }
  packed += kMark;
  throw duckdb::InvalidInputException(packed);
}

void throw_through_duckdb(ErrorCode code, const std::string& message, const std::string& detail,
                          const std::string& hint) {
  throw_through_duckdb(Error(code, message, detail, hint));
}

/// What DuckDB says in the same words and PostgreSQL has a code for.
std::optional<ErrorCode> code_of(const std::string& raw) {
  static constexpr std::pair<std::string_view, ErrorCode> kCodes[] = {
      {"LIMIT/OFFSET cannot be negative", ErrorCode::InvalidRowCountInLimit},
      {"egative substring length", ErrorCode::SubstringError},
      {"rgument for ntile must be greater", ErrorCode::InvalidArgumentForNtile},
      {"nterval cannot be 0", ErrorCode::InvalidParameterValue},
      {"uplicate CTE name", ErrorCode::DuplicateAlias},
      {"annot copy BoundSubqueryExpression", ErrorCode::FeatureNotSupported},
  };
  for (const auto& [text, code] : kCodes) {
    if (contains(raw, text)) return code;
  }
  if (starts_with(raw, "window \"") && contains(raw, "does not exist")) return ErrorCode::UndefinedObject;
  return std::nullopt;
}

Error translate(const duckdb::ErrorData& error) {
  const std::string& raw = error.RawMessage();
  if (auto ours = unpack(raw)) return *ours;
  if (const auto code = code_of(raw)) return {*code, first_line(raw)};
  switch (error.Type()) {
    case ExceptionType::INTERRUPT:
      return Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
    case ExceptionType::OUT_OF_MEMORY:
      if (raw.find("max_temp_directory_size") != std::string::npos) {
        return Error(ErrorCode::ConfigurationLimitExceeded, "temporary file size exceeds temp_file_limit",
                     "The query needs more memory than its limit, and more temporary files than theirs.");
      }
      return Error(ErrorCode::OutOfMemory, "out of memory", "The query needs more memory than its limit.");
    case ExceptionType::FATAL:
    case ExceptionType::INTERNAL:
      return Error(ErrorCode::InternalError, "internal error of the query engine: " + first_line(raw))
          .damaging(Damage::Database);
    case ExceptionType::PARSER:
    case ExceptionType::SYNTAX: {
      if (auto token = between(raw, "syntax error at or near \"", "\"")) {
        return Error(ErrorCode::SyntaxError, "syntax error at or near \"" + *token + "\"");
      }
      return Error(ErrorCode::SyntaxError, first_line(raw));
    }
    case ExceptionType::BINDER:
    case ExceptionType::EXPRESSION:
      return translate_binder(raw);
    case ExceptionType::CATALOG:
      return translate_catalog(raw);
    case ExceptionType::CONVERSION:
    case ExceptionType::DECIMAL:
      return translate_conversion(raw);
    case ExceptionType::MISMATCH_TYPE:
    case ExceptionType::INVALID_TYPE:
      return Error(ErrorCode::DatatypeMismatch, first_line(raw));
    case ExceptionType::OUT_OF_RANGE:
      return translate_out_of_range(raw);
    case ExceptionType::DIVIDE_BY_ZERO:
      return Error(ErrorCode::DivisionByZero, "division by zero");
    case ExceptionType::NOT_IMPLEMENTED:
      return Error(ErrorCode::FeatureNotSupported, first_line(raw));
    case ExceptionType::PERMISSION:
      return Error(ErrorCode::InsufficientPrivilege, "permission denied", first_line(raw));
    case ExceptionType::IO:
      return Error(ErrorCode::IoError, first_line(raw));
    case ExceptionType::PARAMETER_NOT_RESOLVED:
      return Error(ErrorCode::IndeterminateDatatype, "could not determine data type of a parameter");
    case ExceptionType::INVALID_INPUT:
      return translate_invalid_input(raw);
    default:
      if (raw == "Allocation failure") return Error(ErrorCode::OutOfMemory, "out of memory");
      return Error(ErrorCode::InternalError, first_line(raw));
  }
}

}  // namespace tickstone::duck
