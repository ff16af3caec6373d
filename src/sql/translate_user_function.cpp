// SPDX-License-Identifier: Apache-2.0
// Functions in SQL within larger queries: their calls are written out, as PostgreSQL does where the body is
// one SELECT.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/function_places.hpp"
#include "sql/function_table.hpp"
#include "sql/translator.hpp"
#include "types/value.hpp"

namespace tickstone::sql {
namespace {

constexpr std::size_t kMostCalls = 10'000;  // written out in one statement

bool is_set_function(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "unnest",     "generate_series",     "jsonb_array_elements",  "jsonb_array_elements_text",
      "jsonb_each", "json_array_elements", "regexp_split_to_table", "jsonb_object_keys"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool has_call(const Node* node, bool (*is_meant)(const PgQuery__FuncCall&)) {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    if (message->descriptor == &pg_query__sub_link__descriptor) return false;
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    found = found || (call != nullptr && is_meant(*call));
    return !found;
  });
  return found;
}

bool aggregates(const Node* node) {
  return has_call(node, [](const PgQuery__FuncCall& call) {
    return call.over != nullptr || call.agg_star != 0 || call.agg_within_group != 0 ||
           is_aggregate(string_of(call.funcname[call.n_funcname - 1]));
  });
}

bool gives_rows(const Node* node) {
  return has_call(node, [](const PgQuery__FuncCall& call) {
    return is_set_function(string_of(call.funcname[call.n_funcname - 1]));
  });
}

/// The value of a SELECT that is nothing but that: `SELECT a + b`.
const Node* bare_target(const PgQuery__SelectStmt& select) {
  const bool is_bare =
      select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.n_from_clause == 0 &&
      select.where_clause == nullptr && select.n_group_clause == 0 && select.having_clause == nullptr &&
      select.n_window_clause == 0 && select.n_values_lists == 0 && select.n_sort_clause == 0 &&
      select.limit_count == nullptr && select.limit_offset == nullptr && select.n_distinct_clause == 0 &&
      select.with_clause == nullptr && select.n_locking_clause == 0 && select.n_target_list == 1;
  if (!is_bare) return nullptr;
  const Node* value = select.target_list[0]->res_target->val;
  return value == nullptr || aggregates(value) || gives_rows(value) ? nullptr : value;
}

/// Whether the query gives one row at the most by itself.
bool gives_one_row(const PgQuery__SelectStmt& select) {
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE || select.n_group_clause > 0 ||
      select.n_values_lists > 0 || select.n_target_list == 0)
    return false;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const Node* value = select.target_list[i]->res_target->val;
    const bool is_total =
        value != nullptr && has_call(value, [](const PgQuery__FuncCall& call) {
          return call.over == nullptr &&
                 (call.agg_star != 0 || is_aggregate(string_of(call.funcname[call.n_funcname - 1])));
        });
    if (is_total && !gives_rows(value)) return true;
  }
  return false;
}

std::string name_of(const PgQuery__FuncCall& call) {
  return std::string(string_of(call.funcname[call.n_funcname - 1]));
}

std::string schema_of(const PgQuery__FuncCall& call) {
  return call.n_funcname < 2 ? std::string() : std::string(string_of(call.funcname[call.n_funcname - 2]));
}

std::string shown_type(const std::optional<SqlType>& type) {
  return !type || type->id == TypeId::Unknown ? "unknown" : to_sql(*type);
}

bool can_pass(const Typed& value, const SqlType& to) {
  return !value.type || value.form != Typed::Form::Plain || *value.type == to ||
         can_cast(*value.type, to, CastStrength::Implicit);
}

}  // namespace

/// A call on its way to text: what its parameters are.
struct Translator::InlinedCall {
  NameLookup::UserFunction function;
  std::vector<Typed> arguments;
  std::vector<bool> is_volatile;
  std::vector<bool> reads_rows;  // of the queries around
  std::vector<bool> aggregates;
  std::vector<std::size_t> uses;
  std::string relation;  // of those that depend on rows, where the body is a query of its own
  Expr body;
  int location = -1;
  const InlinedCall* outer = nullptr;  // in whose body it stands

  [[noreturn]] void refuse(const std::string& detail) const {
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("function {} cannot be called within a larger query", function.name), detail,
                fmt::format("Call it alone: SELECT {}(...).", function.name));
  }
  const PgQuery__SelectStmt& select() const {
    const Node* node = node_of(body);
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
      refuse("Its body is not one SELECT.");
    return *node->select_stmt;
  }
};

Typed Translator::inlined_parameter(std::size_t index) {
  InlinedCall& call = *inlined_;
  if (index >= call.arguments.size())
    throw Error(ErrorCode::UndefinedParameter, fmt::format("there is no parameter ${}", index + 1));
  ++call.uses[index];
  if (call.relation.empty() || !call.reads_rows[index]) return call.arguments[index];
  Typed value = plain(fmt::format("{}.a{}", call.relation, index + 1), call.arguments[index].type);
  value.is_not_null = call.arguments[index].is_not_null;
  return value;
}

std::optional<Typed> Translator::named_parameter(const std::string& function, const std::string& name,
                                                 int location) {
  if (inlined_ != nullptr) {
    if (!function.empty() && function != inlined_->function.name) return std::nullopt;
    const auto& arguments = inlined_->function.arguments;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].name == name) return inlined_parameter(i);
    }
    return std::nullopt;
  }
  if (const auto parameter = lookup_.find_parameter(function, name))
    return numbered_parameter(parameter->number, location);
  return std::nullopt;
}

/// Whether the value depends on rows of the queries around it.
bool Translator::reads_rows(const Node* node) const {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    const auto* parameter = as_message<PgQuery__ParamRef>(message, pg_query__param_ref__descriptor);
    std::optional<std::size_t> index;
    if (inlined_ != nullptr && parameter != nullptr && parameter->number > 0)
      index = static_cast<std::size_t>(parameter->number) - 1;
    if (ref != nullptr && inlined_ != nullptr && ref->n_fields == 1 &&
        ref->fields[0]->node_case == PG_QUERY__NODE__NODE_STRING) {
      const auto& arguments = inlined_->function.arguments;
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].name == string_of(ref->fields[0])) index = i;
      }
    }
    found = found ||
            (index ? *index < inlined_->reads_rows.size() && inlined_->reads_rows[*index] : ref != nullptr);
    return !found;
  });
  return found;
}

Translator::InlinedCall Translator::inlined_call(const PgQuery__FuncCall& call, const Scope& scope,
                                                 const std::vector<NameLookup::UserFunction>& functions) {
  if (call.over != nullptr) {
    throw Error(ErrorCode::WrongObjectType,
                fmt::format("OVER specified, but {} is not a window function nor an aggregate function",
                            name_of(call)));
  }
  if (call.agg_star != 0 || call.agg_distinct != 0 || call.agg_filter != nullptr || call.n_agg_order > 0) {
    throw Error(ErrorCode::WrongObjectType, fmt::format("{} specified, but {} is not an aggregate function",
                                                        call.agg_star != 0           ? name_of(call) + "(*)"
                                                        : call.agg_distinct != 0     ? "DISTINCT"
                                                        : call.agg_filter != nullptr ? "FILTER"
                                                                                     : "ORDER BY",
                                                        name_of(call)));
  }
  std::vector<Typed> given;
  std::vector<std::string> names;
  std::vector<bool> is_volatile, reads, has_aggregates;
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* node = call.args[i];
    names.emplace_back();
    if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      names.back() = node->named_arg_expr->name;
      node = node->named_arg_expr->arg;
    }
    const std::size_t before = volatile_calls_;
    given.push_back(expression(node, scope));
    is_volatile.push_back(volatile_calls_ > before);
    reads.push_back(reads_rows(node));
    has_aggregates.push_back(aggregates(node));
  }
  const NameLookup::UserFunction* best = nullptr;
  std::size_t most_exact = 0;
  bool is_ambiguous = false;
  for (const auto& candidate : functions) {
    const auto places = places_of(candidate.arguments, names);
    if (!places) continue;
    std::size_t exact = 0;
    bool fits = true;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const SqlType& wanted = candidate.arguments[(*places)[i]].type;
      fits = fits && can_pass(given[i], wanted);
      // A literal is a text rather than anything else.
      const bool is_literal = given[i].form == Typed::Form::UnknownLiteral;
      exact += given[i].type == wanted || (is_literal && wanted == SqlType::of(TypeId::Text)) ? 1 : 0;
    }
    if (!fits) continue;
    is_ambiguous = best != nullptr && exact == most_exact;
    if (best == nullptr || exact > most_exact) {
      best = &candidate;
      most_exact = exact;
    }
  }
  std::string signature = name_of(call) + "(";
  for (std::size_t i = 0; i < given.size(); ++i)
    signature += (i > 0 ? ", " : "") +
                 (given[i].form == Typed::Form::Plain ? shown_type(given[i].type) : std::string("unknown"));
  signature += ')';
  if (best == nullptr) {
    throw Error(ErrorCode::UndefinedFunction, fmt::format("function {} does not exist", signature), {},
                "No function matches the given name and argument types. You might need to add explicit type "
                "casts.");
  }
  if (is_ambiguous) {
    throw Error(ErrorCode::AmbiguousFunction, fmt::format("function {} is not unique", signature), {},
                "Could not choose a best candidate function. You might need to add explicit type casts.");
  }
  if (best->is_procedure) {
    throw Error(ErrorCode::WrongObjectType, fmt::format("{} is a procedure", signature), {},
                "To call a procedure, use CALL.");
  }
  InlinedCall inlined;
  inlined.function = *best;
  inlined.location = call.location;
  inlined.outer = inlined_;
  for (const InlinedCall* outer = inlined_; outer != nullptr; outer = outer->outer) {
    if (outer->function.name == best->name && outer->function.body == best->body)
      inlined.refuse("It calls itself.");
  }
  if (++inlined_calls_ > kMostCalls)
    throw Error(ErrorCode::ProgramLimitExceeded, "the statement calls too many functions");
  const std::size_t count = best->arguments.size();
  inlined.arguments.resize(count);
  inlined.is_volatile.resize(count);
  inlined.reads_rows.resize(count);
  inlined.aggregates.resize(count);
  inlined.uses.resize(count);
  const auto places = *places_of(best->arguments, names);
  std::vector<bool> is_given(count);
  const auto passed = [&](Typed value, const SqlType& type) {
    const bool is_number = value.is_number;
    Typed cast = cast_to(std::move(value), type, nullptr);
    if (is_number && cast.is_number) {
      cast = plain(type.id == TypeId::Numeric ? operand(cast)
                                              : fmt::format("CAST({} AS {})", cast.text, duck_type(type)),
                   type);
    }
    cast.is_column = false;
    return cast;
  };
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::size_t place = places[i];
    inlined.arguments[place] = passed(std::move(given[i]), best->arguments[place].type);
    inlined.is_volatile[place] = is_volatile[i];
    inlined.reads_rows[place] = reads[i];
    inlined.aggregates[place] = has_aggregates[i];
    is_given[place] = true;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (is_given[i]) continue;
    const Expr value = parse_expression(best->arguments[i].default_text);
    const TreeSwitch own_tree(*this, value.tree);
    const Holding<InlinedCall*> outside(inlined_, nullptr);
    const std::size_t before = volatile_calls_;
    inlined.arguments[i] = passed(expression(node_of(value), Scope{}), best->arguments[i].type);
    inlined.is_volatile[i] = volatile_calls_ > before;
  }
  const auto statements = parse(best->body);
  const auto* query = statements.size() == 1 ? std::get_if<QueryStatement>(&statements[0].body) : nullptr;
  if (query == nullptr)
    inlined.refuse(statements.size() == 1 ? "Its body is not one SELECT."
                                          : "Its body has several statements.");
  inlined.body = query->query;
  return inlined;
}

Typed Translator::inlined_expression(InlinedCall& call, const Node* target) {
  const TreeSwitch own_tree(*this, call.body.tree);
  const Holding<InlinedCall*> inside(inlined_, &call);
  const Holding<const CteScope*> no_ctes(ctes_, nullptr);
  const Holding<bool> nested(is_top_level_, false);
  const Holding<bool> not_streamed(streams_rows_, false);
  return cast_to(expression(target, Scope{}), call.function.result, nullptr);
}

std::string Translator::inlined_query(InlinedCall& call, const PgQuery__SelectStmt& body, ColumnList& out) {
  call.relation = fmt::format("pg_call_{}", ++inlined_count_);
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (call.aggregates[i] && call.reads_rows[i])
      call.refuse("An argument is an aggregate of the query around.");
  }
  const TreeSwitch own_tree(*this, call.body.tree);
  const Holding<InlinedCall*> inside(inlined_, &call);
  const Holding<const CteScope*> no_ctes(ctes_, nullptr);
  const Holding<bool> nested(is_top_level_, false);
  const Holding<bool> not_streamed(streams_rows_, false);
  const Holding<bool> not_sent(sends_rows_, false);
  std::string text = select(body, nullptr, out);
  if (!call.function.returns_set && !gives_one_row(body)) {
    const bool is_plain = body.op == PG_QUERY__SET_OPERATION__SETOP_NONE && body.n_values_lists == 0 &&
                          body.limit_count == nullptr && body.limit_offset == nullptr;
    text = is_plain ? text + " LIMIT 1" : fmt::format("SELECT * FROM ({}) AS pg_first LIMIT 1", text);
  }
  return text;
}

namespace {

/// Those arguments that depend on rows, as a relation that the body's query refers to; empty where none is.
template <typename Call>
std::string arguments_relation(const Call& call) {
  std::string columns;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (!call.reads_rows[i]) continue;
    columns += fmt::format("{}{} AS a{}", columns.empty() ? "" : ", ", call.arguments[i].text, i + 1);
  }
  return columns.empty() ? columns : fmt::format("(SELECT {}) AS {}", columns, call.relation);
}

template <typename Call>
std::string any_null(const Call& call, bool as_columns) {
  std::string text;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (call.arguments[i].is_not_null) continue;
    const std::string value = as_columns && call.reads_rows[i] ? fmt::format("{}.a{}", call.relation, i + 1)
                                                               : Translator::operand(call.arguments[i]);
    text += fmt::format("{}{} IS NULL", text.empty() ? "" : " OR ", value);
  }
  return text;
}

template <typename Call>
void refuse_repeated(const Call& call, bool is_strict, bool in_query) {
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    if (!call.is_volatile[i] || (in_query && call.reads_rows[i])) continue;
    if (call.uses[i] + (is_strict ? 1 : 0) > 1)
      call.refuse("An argument is volatile, and the body uses it more than once.");
  }
}

}  // namespace

std::optional<Typed> Translator::user_function(const PgQuery__FuncCall& call, const Scope& scope,
                                               bool is_in_from) {
  const auto functions = lookup_.user_functions(schema_of(call), name_of(call));
  if (functions.empty()) return std::nullopt;
  try {
    InlinedCall inlined = inlined_call(call, scope, functions);
    const auto& function = inlined.function;
    lookup_.require_execute(function);
    if (function.result.id == TypeId::Void) inlined.refuse("It returns nothing.");
    if (function.columns.size() > 1) inlined.refuse("It returns rows of several columns.");
    if (function.returns_set && !is_in_from)
      inlined.refuse("It returns a set of rows: it can stand in FROM.");
    const PgQuery__SelectStmt& body = inlined.select();
    if (const Node* target = bare_target(body)) {
      Typed value;
      try {
        value = inlined_expression(inlined, target);
      } catch (const Error& error) {
        throw Error(error.code(), error.message(), error.detail(), error.hint())
            .in_context(fmt::format("SQL function \"{}\" during inlining", function.name));
      }
      refuse_repeated(inlined, function.is_strict, false);
      const std::string nulls = function.is_strict ? any_null(inlined, false) : std::string();
      value = plain(nulls.empty() ? operand(value)
                                  : fmt::format("CASE WHEN {} THEN NULL ELSE {} END", nulls, value.text),
                    function.result, nulls.empty());
      value.location = call.location;
      return value;
    }
    ColumnList columns;
    std::string text;
    try {
      text = inlined_query(inlined, body, columns);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), error.detail(), error.hint())
          .in_context(fmt::format("SQL function \"{}\" during inlining", function.name));
    }
    if (columns.columns.size() != 1) {
      throw Error(
          ErrorCode::InvalidFunctionDefinition,
          fmt::format("return type mismatch in function declared to return {}", to_sql(function.result)),
          "Final statement must return exactly one column.");
    }
    refuse_repeated(inlined, function.is_strict, true);
    Typed value = cast_to(plain("(" + text + ")", columns.columns[0].type), function.result, nullptr);
    const std::string nulls = function.is_strict ? any_null(inlined, true) : std::string();
    if (!nulls.empty()) value.text = fmt::format("CASE WHEN {} THEN NULL ELSE {} END", nulls, value.text);
    const std::string arguments = arguments_relation(inlined);
    value.text = arguments.empty() ? fmt::format("({})", value.text)
                                   : fmt::format("(SELECT {} FROM {})", value.text, arguments);
    value = plain(std::move(value.text), function.result);
    value.location = call.location;
    return value;
  } catch (Error& error) {
    if (!error.position()) error = located(error, call.location);
    throw;
  }
}

std::optional<std::string> Translator::user_table_function(const PgQuery__FuncCall& call, const Scope& scope,
                                                           Range& range) {
  const auto functions = lookup_.user_functions(schema_of(call), name_of(call));
  const bool returns_set = std::any_of(functions.begin(), functions.end(),
                                       [](const auto& function) { return function.returns_set; });
  if (!returns_set) return std::nullopt;
  InlinedCall inlined = inlined_call(call, scope, functions);
  const auto& function = inlined.function;
  lookup_.require_execute(function);
  if (function.result.id == TypeId::Void) inlined.refuse("It returns nothing.");
  ColumnList columns;
  std::string text;
  try {
    text = inlined_query(inlined, inlined.select(), columns);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), error.detail(), error.hint())
        .in_context(fmt::format("SQL function \"{}\" during inlining", function.name));
  }
  std::vector<RelationInfo::Column> results = function.columns;
  if (results.empty()) results.push_back({function.name, function.result, false});
  if (columns.columns.size() != results.size()) {
    throw Error(
        ErrorCode::InvalidFunctionDefinition,
        fmt::format("return type mismatch in function declared to return {}", to_sql(function.result)),
        "Final statement returns a different number of columns.");
  }
  refuse_repeated(inlined, function.is_strict, true);
  std::string names, targets;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string name = fmt::format("c{}", i + 1);
    names += (i > 0 ? ", " : "") + name;
    const Typed value = cast_to(plain("pg_body." + name, columns.columns[i].type), results[i].type, nullptr);
    targets += fmt::format("{}{} AS {}", i > 0 ? ", " : "", value.text, duck_identifier(results[i].name));
    range.list.columns.push_back({results[i].name, results[i].type, false});
  }
  const std::string arguments = arguments_relation(inlined);
  const std::string nulls = function.is_strict ? any_null(inlined, true) : std::string();
  return fmt::format("(SELECT {} FROM {}{}({}) AS pg_body({}){})", targets, arguments,
                     arguments.empty() ? "" : ", LATERAL ", text, names,
                     nulls.empty() ? "" : fmt::format(" WHERE NOT ({})", nulls));
}

}  // namespace tickstone::sql
