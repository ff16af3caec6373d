// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/function_rules.hpp"
#include "sql/function_table.hpp"
#include "sql/translate_window.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

constexpr std::array<std::string_view, 12> kFunctionSchemas = {"pg_catalog",
                                                               "public",
                                                               "information_schema",
                                                               "timescaledb",
                                                               "timescaledb_information",
                                                               "timescaledb_experimental",
                                                               "toolkit_experimental",
                                                               "_timescaledb_internal",
                                                               "_timescaledb_functions",
                                                               "_timescaledb_catalog",
                                                               "tickstone",
                                                               "timescaledb_toolkit"};

}  // namespace

/// One call on its way to text.
class FunctionTranslator {
 public:
  FunctionTranslator(Translator& translator, const PgQuery__FuncCall& call, const Scope& scope,
                     bool is_in_from)
      : t_(translator),
        call_(call),
        scope_(scope),
        is_in_from_(is_in_from),
        name_(string_of(call.funcname[call.n_funcname - 1])) {}

  Typed run() {
    check_schema();
    check_clause();
    if (name_ == "time_bucket_gapfill" && call_.over == nullptr) return t_.gapfill_bucket(call_, scope_);
    read_arguments();
    if (std::optional<Typed> special = special_form()) return std::move(*special);
    // Rows keep no transaction's id, so none ages.
    if (name_ == "age" && arguments_.size() == 1 && arguments_[0].has_type(TypeId::Oid)) {
      return plain(fmt::format("CAST(CASE WHEN {} IS NOT NULL THEN 0 END AS INTEGER)", arguments_[0].text),
                   SqlType::of(TypeId::Integer));
    }
    const FunctionRow* row = find_function(name_, arguments_.size());
    if (row != nullptr) type_arguments(row->arguments);
    if ((name_ == "lag" || name_ == "lead") && call_.over != nullptr && arguments_.size() == 3)
      type_default();
    if (name_ == "width_bucket" && arguments_.size() == 4) {
      const auto is_of_digits = [](const Typed& value) { return value.has_type(TypeId::Numeric); };
      const auto is_real = [](const Typed& value) {
        return value.has_type(TypeId::Double) || value.has_type(TypeId::Real);
      };
      const auto end = arguments_.begin() + 3;
      const bool is_exact = std::any_of(arguments_.begin(), end, is_of_digits) &&
                            std::none_of(arguments_.begin(), end, is_real);
      for (auto one = arguments_.begin(); one != end; ++one)
        *one = is_exact ? t_.widened(std::move(*one)) : t_.as_double(std::move(*one));
    }
    const bool takes_doubles = name_ == "candlestick_agg" || name_ == "candlestick" || name_ == "histogram";
    if (row != nullptr && row->arguments == "c" && arguments_.size() == 1 && arguments_[0].type &&
        !arguments_[0].has_type(TypeId::Candlestick) && !arguments_[0].has_type(TypeId::Unknown)) {
      throw t_.located(
          Error(ErrorCode::UndefinedFunction,
                fmt::format("function {}({}) does not exist", name_, to_sql(*arguments_[0].type)), {},
                "No function matches the given name and argument types. You might need to add explicit type "
                "casts."),
          call_.location);
    }
    if (row != nullptr && row->arguments.starts_with("d") && !arguments_.empty() &&
        arguments_[0].form == Typed::Form::Plain && arguments_[0].type && !arguments_[0].is_array() &&
        is_text_like(arguments_[0].type->id)) {
      std::string types;
      for (const Typed& argument : arguments_)
        types += (types.empty() ? "" : ", ") + (argument.type ? to_sql(*argument.type) : "unknown");
      throw t_.located(
          Error(ErrorCode::UndefinedFunction, fmt::format("function {}({}) does not exist", name_, types), {},
                "No function matches the given name and argument types. You might need to add "
                "explicit type casts."),
          call_.location);
    }
    if (row != nullptr && (row->result == "double precision" || takes_doubles)) {
      for (Typed& argument : arguments_) argument = t_.as_double(std::move(argument));
    }
    const std::optional<SqlType> type = row != nullptr ? result_of(row->result, arguments_) : std::nullopt;
    std::string_view print = row != nullptr && !row->print.empty() ? row->print : std::string_view(name_);
    if ((name_ == "length" || name_ == "octet_length") && arguments_.size() == 1 &&
        arguments_[0].has_type(TypeId::Bytea))
      print = "octet_length";
    if (call_.over != nullptr && call_.n_args == 2) {
      // DuckDB's window form of these takes one argument.
      if (name_ == "first") print = "arg_min_null";
      if (name_ == "last") print = "arg_max_null";
    }
    if (name_ == "first_value" && arguments_.size() == 1 && call_.over != nullptr &&
        call_.over->n_order_clause == 0) {
      // DuckDB's own, without an order, looks at no frame.
      print = "nth_value";
      arguments_.push_back(plain("1", SqlType::of(TypeId::Integer)));
      names_.emplace_back();
    }
    if (print.find('$') != std::string_view::npos) {
      if (has_clauses()) t_.refuse(fmt::format("{} with OVER, FILTER or ORDER BY", name_), call_.location);
      const bool is_call = print.find('(') != std::string_view::npos && print.back() == ')' &&
                           print.find(' ') > print.find('(');
      std::string text = filled_in(print, arguments_);
      if (row->result == "integer") return plain(fmt::format("CAST({} AS INTEGER)", text), type);
      return plain(std::move(text), type, is_call && !print.starts_with("left($1"));
    }
    std::string text = counted_in_frame(call_text(print), call_);
    // DuckDB counts in BIGINT, which has no operators with dates and divides like no integer of PostgreSQL's.
    if (row != nullptr && row->result == "integer" && (call_.over == nullptr || name_ == "ntile"))
      text = fmt::format("CAST({} AS INTEGER)", text);
    return plain(std::move(text), type);
  }

 private:
  void check_schema() {
    if (call_.n_funcname < 2) return;
    const std::string_view schema = string_of(call_.funcname[call_.n_funcname - 2]);
    if (std::find(kFunctionSchemas.begin(), kFunctionSchemas.end(), schema) != kFunctionSchemas.end()) return;
    const ErrorCode code = t_.lookup_.schema_exists(std::string(schema)) ? ErrorCode::UndefinedFunction
                                                                         : ErrorCode::InvalidSchemaName;
    throw t_.located(Error(code, code == ErrorCode::InvalidSchemaName
                                     ? fmt::format("schema \"{}\" does not exist", schema)
                                     : fmt::format("function {}.{} does not exist", schema, name_)),
                     call_.location);
  }

  void check_clause() {
    static constexpr std::array<std::string_view, 11> kWindowFunctions = {
        "row_number", "rank", "dense_rank",  "percent_rank", "cume_dist", "ntile",
        "lag",        "lead", "first_value", "last_value",   "nth_value"};
    if (call_.over == nullptr && call_.agg_within_group == 0 &&
        std::find(kWindowFunctions.begin(), kWindowFunctions.end(), name_) != kWindowFunctions.end()) {
      throw t_.located(
          Error(ErrorCode::WrongObjectType, fmt::format("window function {} requires an OVER clause", name_)),
          call_.location);
    }
    if (t_.without_aggregates_ == nullptr) return;
    if (call_.over == nullptr && call_.agg_star == 0 && call_.agg_within_group == 0 && !is_aggregate(name_))
      return;
    throw t_.located(
        Error(call_.over != nullptr ? ErrorCode::WindowingError : ErrorCode::GroupingError,
              fmt::format("{} functions are not allowed in {}",
                          call_.over != nullptr ? "window" : "aggregate", t_.without_aggregates_)),
        call_.location);
  }

  void read_arguments() {
    for (std::size_t i = 0; i < call_.n_args; ++i) {
      const Node* node = call_.args[i];
      std::string argument_name;
      if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
        argument_name = node->named_arg_expr->name;
        node = node->named_arg_expr->arg;
      }
      nodes_.push_back(node);
      names_.push_back(std::move(argument_name));
      const bool is_row = node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR && name_ == "overlaps";
      arguments_.push_back(is_row ? Typed{} : t_.expression(node, scope_));
    }
  }

  void type_arguments(std::string_view codes) {
    if (codes.empty()) return;
    std::vector<std::size_t> alike;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const char code = codes[std::min(i, codes.size() - 1)];
      if (code == '=') {
        alike.push_back(i);
        if (codes.find('=') > 0 && alike.size() == 1)
          alike.insert(alike.begin(), 0);  // lag(x, 1, default): like x
        continue;
      }
      if (const auto type = type_of_code(code)) arguments_[i] = t_.coerced(std::move(arguments_[i]), *type);
      if (code == 't') arguments_[i] = Translator::unpadded(std::move(arguments_[i]));
    }
    if (alike.size() < 2) return;
    std::vector<Typed> values;
    for (const std::size_t i : alike) values.push_back(std::move(arguments_[i]));
    t_.unify(values);
    for (std::size_t i = 0; i < alike.size(); ++i) arguments_[alike[i]] = std::move(values[i]);
  }

  /// lag and lead give what their value and their default have in common.
  void type_default() {
    Typed& value = arguments_[0];
    Typed& missing = arguments_[2];
    if (!value.type || !missing.type) return;
    const std::optional<SqlType> type = common_type(*value.type, *missing.type);
    if (!type) return;
    for (Typed* one : {&value, &missing}) {
      if (*one->type != *type) *one = t_.cast_to(std::move(*one), *type, nullptr);
    }
    if (!value.has_type(TypeId::Numeric)) return;
    // DuckDB would round the default to the digits of the value.
    const std::array<std::string, 2> texts = {value.text, missing.text};
    value.text = fmt::format("CASE WHEN false THEN {} ELSE {} END", texts[1], texts[0]);
    missing.text = fmt::format("CASE WHEN false THEN {} ELSE {} END", texts[0], texts[1]);
  }

  bool has_clauses() const {
    return call_.over != nullptr || call_.agg_filter != nullptr || call_.n_agg_order > 0 ||
           call_.agg_distinct != 0 || call_.agg_within_group != 0;
  }

  std::string call_text(std::string_view print) {
    const bool is_word = std::all_of(print.begin(), print.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    std::string text = is_word ? std::string(print) : duck_quoted_identifier(print);
    text += '(';
    if (call_.agg_distinct != 0) text += "DISTINCT ";
    if (call_.agg_distinct != 0 && call_.n_agg_order > 0 && arguments_[0].has_type(TypeId::Jsonb))
      t_.refuse("ORDER BY in an aggregate of DISTINCT jsonb", call_.location);
    if (call_.agg_star != 0) text += '*';
    const bool is_table_function = t_.lookup_.is_host_table_function(name_);
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (i > 0) text += ", ";
      if (!names_[i].empty()) {
        if (!is_table_function)
          t_.refuse(fmt::format("argument {} of {} by name", names_[i], name_), call_.location);
        text += duck_identifier(names_[i]) + " := ";
      }
      // They take texts: names of relations, bounds of chunks.
      const bool is_given = arguments_[i].type && !arguments_[i].is_array();
      const bool is_number = is_given && is_integer(arguments_[i].type->id);
      const bool is_bound = is_given && i > 0 && !is_text_like(arguments_[i].type->id) &&
                            !arguments_[i].has_type(TypeId::Boolean);
      if (call_.agg_distinct != 0) arguments_[i] = Translator::jsonb_plain(std::move(arguments_[i]));
      text += is_table_function && is_number  ? fmt::format("CAST({} AS VARCHAR)", arguments_[i].text)
              : is_table_function && is_bound ? Translator::as_text(arguments_[i])
                                              : arguments_[i].text;
    }
    // The order of rows decides first and last only among equal times, where none is promised.
    const bool is_ordered = name_ != "first" && name_ != "last";
    if (call_.n_agg_order > 0 && call_.agg_within_group == 0 && is_ordered) {
      const Holding<bool> by_key(t_.is_sorted_as_given_, false);
      text += t_.order_clause(call_.n_agg_order, call_.agg_order, scope_, nullptr);
    }
    text += ')';
    if (call_.agg_within_group != 0) {
      const Holding<bool> as_given(t_.is_sorted_as_given_, true);
      const std::string order =
          within_order_.empty()
              ? t_.order_clause(call_.n_agg_order, call_.agg_order, scope_, nullptr).substr(1)
              : within_order_;
      text += fmt::format(" WITHIN GROUP ({})", order);
    }
    if (call_.agg_filter != nullptr)
      text += fmt::format(" FILTER (WHERE {})", t_.condition(call_.agg_filter, scope_, "FILTER"));
    if (call_.over != nullptr) text += " OVER " + t_.window(*call_.over, scope_);
    return text;
  }

  /// Functions that are more than another name.
  std::optional<Typed> special_form() {
    if (name_ == "extract" || name_ == "date_part") return date_part();
    if (name_ == "time_bucket") return time_bucket();
    if (name_ == "locf" || name_ == "interpolate") return marked_value();
    if (name_ == "date_trunc") return date_trunc();
    if (name_ == "overlaps") return overlaps();
    if (name_ == "unnest") return unnest();
    if (name_ == "generate_series") return generate_series();
    if (name_ == "_pg_expandarray") return expand_array();
    if (name_ == "concat" || name_ == "concat_ws") return concat();
    const bool is_of_bytes = !arguments_.empty() && arguments_[0].has_type(TypeId::Bytea);
    if (is_of_bytes && (name_ == "substring" || name_ == "substr")) return part_of_bytes();
    if (is_of_bytes && name_ == "string_agg") t_.refuse("string_agg of bytea", call_.location);
    if (name_ == "mod" && arguments_.size() == 2)
      return t_.binary("%", std::move(arguments_[0]), std::move(arguments_[1]), call_.location);
    if (name_ == "substring") return substring();
    if (name_ == "overlay" || name_ == "position" || name_ == "strpos") return of_bytes();
    if (name_ == "array_dims" || name_ == "array_ndims" || name_ == "trim_array" || name_ == "array_fill") {
      refuse_dimensions();
      return std::nullopt;
    }
    if (name_ == "make_interval") return make_interval();
    if (name_ == "pg_typeof") return type_name();
    if (name_ == "count") return count_of_rows();
    if (name_ == "string_agg" && arguments_.size() == 2 && call_.agg_distinct != 0 && call_.over == nullptr &&
        call_.n_agg_order == 1 && has_query(nodes_[0]))
      return distinct_texts();
    if (arguments_.size() == 2 &&
        (name_ == "corr" || name_ == "regr_slope" || name_ == "regr_intercept" || name_ == "regr_r2"))
      return correlation();
    if (name_.starts_with("enum_")) return t_.enum_function(name_, arguments_);
    if (name_ == "percentile_cont" || name_ == "percentile_disc" || name_ == "mode" ||
        (call_.agg_within_group != 0 && Translator::is_hypothetical(name_)))
      return within_group();
    if (name_ == "json_extract_path" || name_ == "jsonb_extract_path" || name_ == "json_extract_path_text" ||
        name_ == "jsonb_extract_path_text") {
      return extract_path();
    }
    if (name_ == "generate_subscripts" || name_ == "array_length" || name_ == "array_upper" ||
        name_ == "array_lower" || name_ == "cardinality") {
      refuse_dimensions();
      return over_vector();
    }
    return std::nullopt;
  }

  bool is_vector(const Typed& value) const {
    return value.has_type(TypeId::Int2Vector) || value.has_type(TypeId::OidVector);
  }

  /// What is there of one dimension alone would count only the outer one.
  void refuse_dimensions() const {
    const auto array_of = [](const Node* node) -> const PgQuery__AArrayExpr* {
      while (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) node = node->type_cast->arg;
      return node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR ? node->a_array_expr : nullptr;
    };
    if (name_ == "array_fill") {
      const auto* sizes = call_.n_args > 1 ? array_of(call_.args[1]) : nullptr;
      if (sizes != nullptr && sizes->n_elements > 1)
        t_.refuse("an array of several dimensions", call_.location);
      if (call_.n_args > 2) t_.refuse("an array with a lower bound", call_.location);
      return;
    }
    const auto* array = call_.n_args > 0 ? array_of(call_.args[0]) : nullptr;
    if (array != nullptr && array->n_elements > 0 && array_of(array->elements[0]) != nullptr)
      t_.refuse(fmt::format("{} of an array of several dimensions", name_), call_.location);
  }

  /// overlay and position of bytea; nothing of text.
  std::optional<Typed> of_bytes() {
    const SqlType bytea = SqlType::of(TypeId::Bytea);
    const bool is_of_bytes = std::any_of(
        arguments_.begin(),
        arguments_.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(arguments_.size())),
        [](const Typed& value) { return value.has_type(TypeId::Bytea); });
    if (!is_of_bytes) return std::nullopt;
    const bool is_overlay = name_ == "overlay";
    for (std::size_t i = 0; i < arguments_.size(); ++i)
      arguments_[i] = t_.coerced(std::move(arguments_[i]), i < 2 ? bytea : SqlType::of(TypeId::Integer));
    std::string text = is_overlay ? "pg_bytes_overlay(" : "pg_bytes_position(";
    for (std::size_t i = 0; i < arguments_.size(); ++i) text += (i > 0 ? ", " : "") + arguments_[i].text;
    return plain(text + ")", is_overlay ? bytea : SqlType::of(TypeId::Integer));
  }

  std::optional<Typed> date_part() {
    if (arguments_.size() != 2) return std::nullopt;
    const bool is_extract = name_ == "extract";
    const SqlType type = SqlType::of(is_extract ? TypeId::Numeric : TypeId::Double);
    if (arguments_[1].form != Typed::Form::Plain) {
      arguments_[1] = t_.coerced(std::move(arguments_[1]), SqlType::of(TypeId::TimestampTz));
    }
    if (arguments_[0].form != Typed::Form::UnknownLiteral) {
      return plain(fmt::format("CAST(date_part({}, {}) AS DOUBLE)",
                               t_.coerced(arguments_[0], SqlType::of(TypeId::Text)).text, arguments_[1].text),
                   type);
    }
    std::string field = arguments_[0].literal;
    std::transform(field.begin(), field.end(), field.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string& of = arguments_[1].text;
    const auto micros_part = [&](std::string_view scale, std::string_view double_scale) {
      return is_extract
                 ? plain(fmt::format("CAST(date_part('microseconds', {}) AS DECIMAL(18,0)) * {}", of, scale),
                         type, false)
                 : plain(fmt::format("date_part('microseconds', {}) / CAST({} AS DOUBLE)", of, double_scale),
                         type, false);
    };
    if (field == "second" || field == "seconds" || field == "sec" || field == "secs" || field == "s")
      return micros_part("0.000001", "1000000");
    if (field == "millisecond" || field == "milliseconds" || field == "ms" || field == "msec")
      return micros_part("0.001", "1000");
    if (field == "epoch") {
      const bool is_timed = arguments_[1].has_type(TypeId::TimestampTz) ||
                            arguments_[1].has_type(TypeId::Timestamp) ||
                            arguments_[1].has_type(TypeId::Interval);
      const char* us = arguments_[1].has_type(TypeId::Interval) ? "pg_interval_us" : "epoch_us";
      if (is_extract && is_timed)
        return plain(fmt::format("CAST({}({}) AS DECIMAL(19,0)) * 0.000001", us, of), type, false);
      // Of a date or a time DuckDB's is a double.
      if (is_extract)
        return plain(
            fmt::format("CAST(round(date_part('epoch', {}) * 1000000) AS DECIMAL(19,0)) * 0.000001", of),
            type, false);
      return plain(fmt::format("date_part('epoch', {})", of), type);
    }
    return plain(fmt::format("CAST(date_part({}, {}) AS {})", duck_string(field), of,
                             is_extract ? "DECIMAL(18,0)" : "DOUBLE"),
                 type);
  }

  std::optional<Typed> date_trunc() {
    if (arguments_.size() != 2) return std::nullopt;
    Typed& time = arguments_[1];
    if (time.form != Typed::Form::Plain) time = t_.coerced(std::move(time), SqlType::of(TypeId::TimestampTz));
    if (time.has_type(TypeId::Date))
      time = t_.cast_to(std::move(time), SqlType::of(TypeId::TimestampTz), nullptr);
    const std::string text = fmt::format(
        "date_trunc({}, {})", t_.coerced(arguments_[0], SqlType::of(TypeId::Text)).text, time.text);
    // DuckDB gives a DATE for whole days of a TIMESTAMP.
    return plain(time.has_type(TypeId::Timestamp) ? fmt::format("CAST({} AS TIMESTAMP)", text) : text,
                 time.type);
  }

  /// Where no gaps are filled, locf and interpolate are their value.
  std::optional<Typed> marked_value() {
    std::size_t at = 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == "value") at = i;
    }
    if (arguments_.empty()) return std::nullopt;
    return t_.coerced(std::move(arguments_[at]), SqlType::of(TypeId::Text));
  }

  std::optional<Typed> time_bucket() {
    // By position or by name: bucket_width, ts, timezone, origin, offset.
    static constexpr std::array<std::string_view, 5> kNames = {"bucket_width", "ts", "timezone", "origin",
                                                               "offset"};
    std::array<std::optional<Typed>, 5> given;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      std::size_t place = i;
      if (!names_[i].empty()) {
        const auto found = std::find(kNames.begin(), kNames.end(), names_[i]);
        if (found == kNames.end())
          t_.refuse(fmt::format("argument {} of time_bucket", names_[i]), call_.location);
        place = static_cast<std::size_t>(found - kNames.begin());
      }
      places.push_back(place);
    }
    if (arguments_.size() < 2 || arguments_.size() > 5) return std::nullopt;
    // The third by position is a zone, an origin or an offset, by its type.
    if (arguments_.size() == 3 && names_[2].empty()) places[2] = third_place();
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (given[places[i]])
        t_.refuse(fmt::format("argument {} of time_bucket twice", kNames[places[i]]), call_.location);
      given[places[i]] = arguments_[i];
    }
    if (!given[0] || !given[1]) return std::nullopt;
    auto [width, time] = t_.bucket_width_and_time(std::move(*given[0]), std::move(*given[1]));
    const bool is_integer_time = time.type && is_integer(time.type->id);
    SqlType time_type = time.type.value_or(SqlType::of(TypeId::TimestampTz));
    if (time_type.id == TypeId::Uuid) time_type = SqlType::of(TypeId::TimestampTz);
    std::string text = fmt::format("time_bucket({}, {}", width.text, time.text);
    const auto origin = [&] {
      Typed value = t_.coerced(std::move(*given[3]), time_type);
      if (value.type && *value.type != time_type) value = t_.cast_to(std::move(value), time_type, nullptr);
      return value.text;
    };
    const auto offset = [&] {
      Typed value =
          t_.coerced(std::move(*given[4]), is_integer_time ? time_type : SqlType::of(TypeId::Interval));
      if (is_integer_time && (value.is_number || value.type != time_type))
        return fmt::format("CAST({} AS {})", value.text, duck_type(time_type));
      return value.text;
    };
    if (given[2]) {
      text += ", " + t_.coerced(*given[2], SqlType::of(TypeId::Text)).text;
      if (given[3] || given[4]) text += given[3] ? ", " + origin() : ", NULL";
      if (given[4]) text += ", " + offset();
    } else if (given[3] && given[4]) {
      t_.refuse("origin and offset together in time_bucket without a timezone", call_.location);
    } else if (given[3]) {
      text += ", " + origin();
    } else if (given[4]) {
      text += ", " + offset();
    }
    return plain(text + ")", time.has_type(TypeId::Uuid) ? std::optional(time_type) : time.type);
  }

  std::size_t third_place() {
    constexpr std::size_t kZone = 2;
    constexpr std::size_t kOrigin = 3;
    constexpr std::size_t kOffset = 4;
    const Typed& third = arguments_[2];
    const bool is_integer_time = arguments_[1].type && is_integer(arguments_[1].type->id);
    if (is_integer_time || third.has_type(TypeId::Interval)) return kOffset;
    if (third.type) return is_text_like(third.type->id) ? kZone : kOrigin;
    // A parameter is a zone, as PostgreSQL prefers texts; of an untyped literal, a zone begins with a letter
    // and is no interval.
    const bool has_zone_form = !arguments_[1].type || arguments_[1].has_type(TypeId::TimestampTz) ||
                               arguments_[1].has_type(TypeId::Uuid);
    if (third.form == Typed::Form::Parameter && has_zone_form) return kZone;
    if (third.form != Typed::Form::UnknownLiteral) return kOrigin;
    if (parse_interval(third.literal)) return kOffset;
    return find_zone(third.literal) ? kZone : kOrigin;
  }

  static bool find_zone(const std::string& text) {
    return !text.empty() && std::isalpha(static_cast<unsigned char>(text[0])) != 0;
  }

  std::optional<Typed> overlaps() {
    if (arguments_.size() != 4) return std::nullopt;
    const SqlType moment = SqlType::of(TypeId::TimestampTz);
    std::array<std::string, 4> ends;
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
      Typed start =
          t_.coerced(arguments_[i], arguments_[i + 1].type && !arguments_[i + 1].has_type(TypeId::Interval)
                                        ? *arguments_[i + 1].type
                                        : moment);
      Typed end = t_.coerced(arguments_[i + 1], start.type.value_or(moment));
      if (end.has_type(TypeId::Interval))
        end = plain(fmt::format("{} + {}", Translator::operand(start), Translator::operand(end)), start.type,
                    false);
      ends[i] = fmt::format("least({}, {})", start.text, end.text);
      ends[i + 1] = fmt::format("greatest({}, {})", start.text, end.text);
    }
    return plain(fmt::format("({0} = {2} OR ({0} < {2} AND {1} > {2}) OR ({2} < {0} AND {3} > {0}))", ends[0],
                             ends[1], ends[2], ends[3]),
                 SqlType::of(TypeId::Boolean));
  }

  std::optional<Typed> unnest() {
    if (arguments_.size() != 1) t_.refuse("unnest of several arrays", call_.location);
    Typed& list = arguments_[0];
    if (list.form != Typed::Form::Plain) list = t_.coerced(std::move(list), SqlType::array_of(TypeId::Text));
    if (is_vector(list))
      list = plain(fmt::format("pg_vector_list({})", list.text),
                   SqlType::array_of(list.has_type(TypeId::Int2Vector) ? TypeId::SmallInt : TypeId::Oid));
    std::optional<SqlType> type = list.type;
    if (type) type->is_array = false;
    return plain(fmt::format("unnest({})", list.text), type);
  }

  std::optional<Typed> generate_series() {
    if (arguments_.size() < 2 || arguments_.size() > 3) return std::nullopt;
    if (arguments_.size() == 3 && arguments_[2].is_number && arguments_[2].literal == "0")
      throw t_.located(Error(ErrorCode::InvalidParameterValue, "step size cannot equal zero"),
                       call_.location);
    const bool has_moment = std::any_of(arguments_.begin(), arguments_.begin() + 2, [](const Typed& value) {
      return value.has_type(TypeId::Timestamp) || value.has_type(TypeId::TimestampTz) ||
             value.has_type(TypeId::Date);
    });
    std::optional<SqlType> type;
    if (has_moment || (arguments_.size() == 3 && arguments_[2].has_type(TypeId::Interval))) {
      if (arguments_.size() == 3)
        arguments_[2] = t_.coerced(std::move(arguments_[2]), SqlType::of(TypeId::Interval));
      type = SqlType::of(TypeId::TimestampTz);
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        if (arguments_[i].has_type(TypeId::Timestamp)) type = SqlType::of(TypeId::Timestamp);
      }
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        Typed& bound = arguments_[i];
        // Dates make a series of timestamptz, as PostgreSQL prefers.
        if (bound.has_type(TypeId::Date))
          bound = plain(fmt::format("CAST({} AS {})", bound.text, duck_type(*type)), type);
        bound = t_.coerced(std::move(bound), *type);
      }
    } else {
      std::vector<Typed> bounds = std::move(arguments_);
      type = t_.unify(bounds);
      arguments_ = std::move(bounds);
      if (type && type->id == TypeId::Numeric) {
        if (arguments_.size() == 3 && arguments_[2].is_number &&
            arguments_[2].literal.find_first_not_of("0.") == std::string::npos)
          throw t_.located(Error(ErrorCode::InvalidParameterValue, "step size cannot equal zero"),
                           call_.location);
        return plain(fmt::format("unnest({})", t_.numeric_series(std::move(arguments_))), type);
      }
    }
    const std::string text = fmt::format("generate_series({})", filled_in("$*", arguments_));
    if (is_in_from_) return plain(text, type);
    // In a select list DuckDB's gives a list, of BIGINT.
    const bool is_narrow = type && type->id == TypeId::Integer;
    return plain(
        is_narrow ? fmt::format("unnest(CAST({} AS INTEGER[]))", text) : fmt::format("unnest({})", text),
        type);
  }

  std::optional<Typed> expand_array() {
    if (arguments_.size() != 1) return std::nullopt;
    Typed& list = arguments_[0];
    const std::string text = is_vector(list) ? fmt::format("pg_vector_list({})", list.text) : list.text;
    return plain(
        fmt::format("unnest(list_transform({}, lambda pg_each, pg_at: {{'x': pg_each, 'n': pg_at}}))", text),
        SqlType::of(TypeId::Record));
  }

  std::optional<Typed> concat() {
    if (call_.func_variadic != 0) t_.refuse("VARIADIC", call_.location);
    for (Typed& value : arguments_) {
      value = t_.coerced(std::move(value), SqlType::of(TypeId::Text));
      if (value.has_type(TypeId::Boolean)) {
        value.text =
            fmt::format("CASE WHEN {0} THEN 't' WHEN NOT {0} THEN 'f' END", Translator::operand(value));
      } else if (value.type) {
        value.text = Translator::as_text(value);
      }
    }
    return plain(fmt::format("{}({})", name_, filled_in("$*", arguments_)), SqlType::of(TypeId::Text));
  }

  std::optional<Typed> part_of_bytes() {
    for (std::size_t i = 1; i < arguments_.size(); ++i)
      arguments_[i] = t_.coerced(std::move(arguments_[i]), SqlType::of(TypeId::Integer));
    return plain(fmt::format("pg_bytes_substring({})", filled_in("$*", arguments_)),
                 SqlType::of(TypeId::Bytea));
  }

  std::optional<Typed> substring() {
    const SqlType text = SqlType::of(TypeId::Text);
    if (arguments_.size() < 2) return std::nullopt;
    // SIMILAR with ESCAPE.
    const bool is_similar =
        arguments_.size() == 3 && (arguments_[1].form == Typed::Form::UnknownLiteral ||
                                   (arguments_[1].type && is_text_like(arguments_[1].type->id)));
    if (is_similar) {
      return plain(fmt::format("pg_substring_regex({}, {})", t_.coerced(std::move(arguments_[0]), text).text,
                               t_.similar_text(std::move(arguments_[1]), std::move(arguments_[2]),
                                               Translator::SimilarFor::Substring)),
                   text);
    }
    const bool is_regex =
        arguments_.size() == 2 && (arguments_[1].form == Typed::Form::UnknownLiteral ||
                                   (arguments_[1].type && is_text_like(arguments_[1].type->id)));
    arguments_[0] = t_.coerced(std::move(arguments_[0]), text);
    for (std::size_t i = 1; i < arguments_.size(); ++i) {
      arguments_[i] = t_.coerced(std::move(arguments_[i]), is_regex ? text : SqlType::of(TypeId::Integer));
    }
    return plain(
        fmt::format("{}({})", is_regex ? "pg_substring_regex" : "substring", filled_in("$*", arguments_)),
        text);
  }

  std::optional<Typed> make_interval() {
    static constexpr std::array<std::string_view, 7> kNames = {"years", "months", "weeks", "days",
                                                               "hours", "mins",   "secs"};
    static constexpr std::array<std::string_view, 7> kUnits = {
        "to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", ""};
    std::string text = "INTERVAL '0 seconds'";
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      std::size_t which = i;
      if (!names_[i].empty())
        which = static_cast<std::size_t>(std::find(kNames.begin(), kNames.end(), names_[i]) - kNames.begin());
      if (which >= kNames.size())
        t_.refuse(fmt::format("argument {} of make_interval", names_[i]), call_.location);
      const Typed value =
          t_.coerced(std::move(arguments_[i]), SqlType::of(which == 6 ? TypeId::Double : TypeId::Integer));
      text += which == 6 ? fmt::format(" + to_microseconds(CAST({} * 1000000 AS BIGINT))",
                                       Translator::operand(value))
                         : fmt::format(" + {}({})", kUnits[which], value.text);
    }
    return plain(std::move(text), SqlType::of(TypeId::Interval), false);
  }

  std::optional<Typed> type_name() {
    if (arguments_.size() != 1) return std::nullopt;
    const Typed& value = arguments_[0];
    const bool is_unknown = value.form == Typed::Form::UnknownLiteral || value.form == Typed::Form::Null;
    if (!is_unknown && !value.type) return std::nullopt;
    const SqlType type = is_unknown ? SqlType::of(TypeId::Unknown) : *value.type;
    const std::string oid = fmt::format("CAST({} AS BIGINT)", oid_of(type));
    // An aggregate in it is one of the query.
    const bool is_call = nodes_[0]->node_case == PG_QUERY__NODE__NODE_FUNC_CALL;
    return plain(is_call ? fmt::format("CASE WHEN {0} IS NULL THEN {1} ELSE {1} END", value.text, oid) : oid,
                 SqlType::of(TypeId::Regtype));
  }

  /// What has no answer is NULL, where DuckDB divides by zero.
  std::optional<Typed> correlation() {
    const SqlType type = SqlType::of(TypeId::Double);
    for (Typed& value : arguments_) value = t_.as_double(t_.coerced(std::move(value), type));
    return plain(fmt::format("nullif({}, CAST('NaN' AS DOUBLE))", call_text(name_)), type);
  }

  /// The rows of a relation: a row of NULLs that an outer join made is none.
  std::optional<Typed> count_of_rows() {
    if (call_.n_args != 1 || call_.agg_distinct != 0 || !arguments_[0].has_type(TypeId::Record) ||
        nodes_[0]->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
      return std::nullopt;
    const std::string_view alias = string_of(nodes_[0]->column_ref->fields[0]);
    for (const Scope* level = &scope_; level != nullptr; level = level->outer) {
      for (const Range& range : level->ranges) {
        if (range.alias != alias) continue;
        if (!range.may_be_missing || range.list.columns.empty()) return std::nullopt;
        std::string is_there;
        for (const ScopeColumn& column : range.list.columns)
          is_there += (is_there.empty() ? "" : " OR ") + duck_identifier(range.alias) + "." +
                      duck_identifier(column.name) + " IS NOT NULL";
        arguments_[0].text = fmt::format("CASE WHEN {} THEN 1 END", is_there);
        return plain(call_text(name_), SqlType::of(TypeId::BigInt));
      }
    }
    return std::nullopt;
  }

  /// string_agg(DISTINCT (SELECT ...), ... ORDER BY the same): DuckDB does not see that it is the same.
  std::optional<Typed> distinct_texts() {
    const SqlType text = SqlType::of(TypeId::Text);
    for (Typed& value : arguments_) value = t_.coerced(std::move(value), text);
    const PgQuery__SortBy& sort = *call_.agg_order[0]->sort_by;
    if (t_.expression(sort.node, scope_).text != arguments_[0].text) return std::nullopt;
    if (nodes_[1]->node_case != PG_QUERY__NODE__NODE_A_CONST)
      t_.refuse("string_agg of DISTINCT queries with this separator", call_.location);
    std::string filter = Translator::operand(arguments_[0]) + " IS NOT NULL";
    if (call_.agg_filter != nullptr)
      filter += fmt::format(" AND ({})", t_.condition(call_.agg_filter, scope_, "FILTER"));
    return plain(fmt::format("pg_array_to_string(list_sort(list(DISTINCT {}) FILTER (WHERE {}){}), {}, "
                             "CAST(NULL AS VARCHAR))",
                             arguments_[0].text, filter,
                             sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ? ", 'DESC'" : "",
                             arguments_[1].text),
                 text);
  }

  std::optional<Typed> within_group() {
    if (call_.agg_within_group == 0 || call_.n_agg_order == 0) return std::nullopt;
    std::optional<SqlType> type;
    if (Translator::is_hypothetical(name_)) return t_.hypothetical(call_, std::move(arguments_), scope_);
    for (Typed& value : arguments_) {
      value = t_.as_double(t_.coerced(std::move(value), SqlType::of(TypeId::Double)));
      if (value.is_array() && value.type->id == TypeId::Numeric)
        value = t_.cast_to(std::move(value), SqlType::array_of(TypeId::Double), nullptr);
    }
    if (name_ == "percentile_cont" && !arguments_.empty()) {
      const Typed key = t_.expression(call_.agg_order[0]->sort_by->node, scope_);
      if (key.has_type(TypeId::Interval)) return t_.interval_percentile(call_, arguments_[0], key, scope_);
      // Between two of NUMERIC DuckDB finds one of as many digits.
      const bool is_descending =
          call_.agg_order[0]->sort_by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
      if (key.has_type(TypeId::Numeric))
        within_order_ = fmt::format("ORDER BY CAST({} AS DOUBLE){}", key.text, is_descending ? " DESC" : "");
    }
    if (name_ == "percentile_cont") {
      type = SqlType::of(TypeId::Double);
    } else {
      type = t_.expression(call_.agg_order[0]->sort_by->node, scope_).type;
    }
    if (type && !arguments_.empty() && arguments_[0].is_array()) type = array_of(*type);
    return plain(call_text(name_), type);
  }

  std::optional<Typed> extract_path() {
    if (arguments_.size() < 2) return std::nullopt;
    const Typed json = t_.coerced(arguments_[0], SqlType::of(TypeId::Jsonb));
    std::string keys;
    if (call_.func_variadic != 0) {
      keys = t_.coerced(arguments_[1], SqlType::array_of(TypeId::Text)).text;
    } else {
      for (std::size_t i = 1; i < arguments_.size(); ++i)
        keys += (i > 1 ? ", " : "[") + t_.coerced(arguments_[i], SqlType::of(TypeId::Text)).text;
      keys += ']';
    }
    const bool as_text = name_.ends_with("_text");
    return plain(fmt::format("jsonb_extract_path{}({}, {})", as_text ? "_text" : "", json.text, keys),
                 as_text ? SqlType::of(TypeId::Text) : json.type);
  }

  /// Vectors count from 0, unlike arrays.
  std::optional<Typed> over_vector() {
    if (arguments_.empty() || !is_vector(arguments_[0])) return std::nullopt;
    const std::string list = fmt::format("pg_vector_list({})", arguments_[0].text);
    const SqlType integer = SqlType::of(TypeId::Integer);
    if (name_ == "generate_subscripts")
      return plain(fmt::format("generate_subscripts({}, 1) - 1", list), integer, false);
    if (name_ == "array_lower") return plain("0", integer);
    if (name_ == "array_upper") return plain(fmt::format("len({}) - 1", list), integer, false);
    return plain(fmt::format("len({})", list), integer);
  }

  Translator& t_;
  const PgQuery__FuncCall& call_;
  const Scope& scope_;
  bool is_in_from_;
  std::string name_;
  std::vector<const Node*> nodes_;
  std::vector<std::string> names_;
  std::vector<Typed> arguments_;
  std::string within_order_;  // of WITHIN GROUP, where it is not as written
};

Typed Translator::function(const PgQuery__FuncCall& call, const Scope& scope, bool is_in_from) {
  if (std::optional<Typed> inlined = user_function(call, scope, is_in_from)) return std::move(*inlined);
  const std::string name = string_of(call.funcname[call.n_funcname - 1]);
  if (is_bound_once_ && call.n_args == 0 && (name == "now" || name == "transaction_timestamp"))
    return plain(now_text(), SqlType::of(TypeId::TimestampTz));
  if (is_action_function(name) && !is_in_from) {
    throw located(Error(ErrorCode::FeatureNotSupported,
                        fmt::format("{}() cannot be called within a larger query", name), {},
                        fmt::format("Call it alone, or once a row: SELECT {}(...) FROM ...", name)),
                  call.location);
  }
  if (name == kArraySet) return array_with_part(call, scope);
  if (lookup_.is_volatile(name)) ++volatile_calls_;
  Typed value = FunctionTranslator(*this, call, scope, is_in_from).run();
  const bool gives_rows =
      is_in_from || value.text.starts_with("unnest(") || value.text.starts_with("generate_series(");
  return value.has_type(TypeId::Numeric) && !gives_rows ? widened(std::move(value)) : value;
}

}  // namespace tickstone::sql
