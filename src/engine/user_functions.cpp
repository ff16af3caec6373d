// SPDX-License-Identifier: Apache-2.0
#include "engine/user_functions.hpp"

#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

#include "catalog/function_facts.hpp"
#include "catalog/object_names.hpp"
#include "engine/ddl_table.hpp"
#include "engine/internal_sql.hpp"
#include "engine/job_procedures.hpp"
#include "engine/rights.hpp"
#include "engine/tracking_sink.hpp"
#include "sql/function_places.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

using catalog::FunctionObject;

constexpr std::size_t kDeepestCall = 64;

std::string type_text(const SqlType& type) { return type.id == TypeId::Unknown ? "unknown" : to_sql(type); }

std::string listed(const std::string& name, const std::vector<SqlType>& types, const char* between) {
  std::string text = name + "(";
  for (std::size_t i = 0; i < types.size(); ++i) text += (i > 0 ? between : "") + type_text(types[i]);
  return text + ")";
}

std::string signature_text(const std::string& name, const std::vector<SqlType>& types) {
  return listed(name, types, ", ");
}

std::vector<SqlType> argument_types(const FunctionObject& function) {
  std::vector<SqlType> types;
  for (const auto& argument : function.arguments) types.push_back(argument.type);
  return types;
}

std::string described(const catalog::Catalog&, const FunctionObject& function) {
  return signature_text(function.name, argument_types(function));
}

std::vector<const FunctionObject*> candidates(const SessionContext& context, const catalog::Catalog& catalog,
                                              const std::string& schema, const std::string& name) {
  for (const auto& searched : context.schemas_to_search(schema)) {
    auto found = catalog.find_functions(searched, name);
    if (!found.empty()) return found;
  }
  return {};
}

/// The rows of a function's last statement.
class ResultRows final : public NullSink {
 public:
  void row_description(const std::vector<ResultColumn>& described) override { columns = described; }
  void rows(const Batch& batch) override { batches.push_back(batch); }
  std::vector<ResultColumn> columns;
  std::vector<Batch> batches;
};

bool can_pass(const SqlType& from, const SqlType& to) {
  return from == to || from.id == TypeId::Unknown || can_cast(from, to, CastStrength::Implicit);
}

/// As the call gives its arguments; nothing where they do not fit.
std::optional<std::vector<std::size_t>> places_of(
    const FunctionObject& function, const std::vector<sql::ActionStatement::Argument>& arguments) {
  std::vector<std::string> names;
  for (const auto& argument : arguments) names.push_back(argument.name);
  return sql::places_of(function.arguments, names);
}

struct Chosen {
  FunctionObject function;
  std::vector<Value> values;  // one for each of its arguments
};

[[noreturn]] void fail_not_found(const sql::ActionStatement& call, const std::vector<SqlType>& types) {
  const std::string kind = call.is_call ? "procedure" : "function";
  throw Error(
      ErrorCode::UndefinedFunction,
      kind + " " + signature_text((call.schema.empty() ? "" : call.schema + ".") + call.function, types) +
          " does not exist",
      {},
      "No " + kind + " matches the given name and argument types. You might need to add explicit type casts.")
      .at(std::max(call.position, std::uint32_t{1}));
}

Chosen choose(Execution& execution, const sql::ActionStatement& call) {
  auto& context = execution.context;
  std::vector<Value> given;
  std::vector<SqlType> types;
  for (const auto& argument : call.arguments) {
    given.push_back(context.evaluate(argument.value, execution.parameters));
    types.push_back(given.back().type);
  }
  const auto catalog = context.catalog();
  const FunctionObject* best = nullptr;
  std::size_t most_exact = 0;
  for (const auto* candidate : candidates(context, *catalog, call.schema, call.function)) {
    const auto places = places_of(*candidate, call.arguments);
    if (!places) continue;
    std::size_t exact = 0;
    bool fits = true;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto& wanted = candidate->arguments[(*places)[i]].type;
      fits = fits && can_pass(types[i], wanted);
      const bool is_literal = types[i].id == TypeId::Unknown && !given[i].is_null;
      exact += types[i] == wanted || (is_literal && wanted == SqlType::of(TypeId::Text)) ? 1 : 0;
    }
    if (!fits) continue;
    if (best != nullptr && exact == most_exact) {
      throw Error(ErrorCode::AmbiguousFunction,
                  (candidate->is_procedure ? "procedure " : "function ") +
                      signature_text(call.function, types) + " is not unique",
                  {},
                  "Could not choose a best candidate function. You might need to add explicit type casts.")
          .at(std::max(call.position, std::uint32_t{1}));
    }
    if (best == nullptr || exact > most_exact) {
      best = candidate;
      most_exact = exact;
    }
  }
  if (best == nullptr) fail_not_found(call, types);
  if (call.is_call && !best->is_procedure) {
    throw Error(ErrorCode::WrongObjectType, described(*catalog, *best) + " is not a procedure", {},
                "To call a function, use SELECT.")
        .at(std::max(call.position, std::uint32_t{1}));
  }
  if (!call.is_call && best->is_procedure) {
    throw Error(ErrorCode::WrongObjectType, described(*catalog, *best) + " is a procedure", {},
                "To call a procedure, use CALL.")
        .at(std::max(call.position, std::uint32_t{1}));
  }
  Chosen chosen{*best, {}};
  chosen.values.resize(best->arguments.size());
  std::vector<bool> is_given(best->arguments.size());
  const auto places = *places_of(*best, call.arguments);
  const auto& format = context.settings().format_context();
  const auto passed = [&](const Value& value, const SqlType& type) {
    if (value.is_null) return Value::null_of(type);
    if (value.type.id == TypeId::Unknown) return parse_value(type, value.text, format);
    return value.type == type ? value : cast_value(value, type, CastStrength::Assignment, format);
  };
  for (std::size_t i = 0; i < given.size(); ++i) {
    chosen.values[places[i]] = passed(given[i], chosen.function.arguments[places[i]].type);
    is_given[places[i]] = true;
  }
  for (std::size_t i = 0; i < is_given.size(); ++i) {
    const auto& argument = chosen.function.arguments[i];
    if (!is_given[i])
      chosen.values[i] =
          passed(context.evaluate(sql::parse_expression(argument.default_text)), argument.type);
  }
  return chosen;
}

void refuse_in_body(const sql::Statement& statement) {
  const auto is_one_of = [&]<typename... Bodies>(std::variant<Bodies...>*) {
    return (std::holds_alternative<Bodies>(statement.body) || ...);
  };
  using Refused = std::variant<sql::TransactionStatement, sql::PrepareStatement, sql::ExecuteStatement,
                               sql::DeallocateStatement, sql::CursorStatement, sql::LockTableStatement,
                               sql::SetConstraintsStatement, sql::CopyStatement>;
  if (is_one_of(static_cast<Refused*>(nullptr))) {
    throw Error(ErrorCode::FeatureNotSupported, statement.tag + " is not allowed in an SQL function");
  }
}

/// Runs the body; the rows of its last statement go to `rows`.
void run_body(Execution& execution, const FunctionObject& function, const std::vector<Value>& values,
              ResultRows& rows) {
  auto& context = execution.context;
  SessionContext::Frame frame;
  frame.function = function.name;
  for (const auto& argument : function.arguments) frame.parameters.emplace_back(argument.name, argument.type);
  if (context.frame_count() >= kDeepestCall) {
    throw Error(ErrorCode::ProgramLimitExceeded, "stack depth limit exceeded", {},
                "Functions call each other more than " + std::to_string(kDeepestCall) + " deep.");
  }
  const SessionContext::InFrame in_frame(context, std::move(frame));
  auto statements = sql::parse(function.body);
  NullSink nothing;
  for (auto& statement : statements) {
    const bool is_last = &statement == &statements.back();
    refuse_in_body(statement);
    context.check_cancelled();
    context.begin_statement();
    resolve_call(context, statement);
    Execution inner{context, is_last ? static_cast<ResultSink&>(rows) : nothing, values, true};
    try {
      const auto started_ns = context.recorder().now_ns();
      const auto tag = execute_statement(inner, statement);
      if (!tag)
        throw Error(ErrorCode::FeatureNotSupported, statement.tag + " is not allowed in an SQL function");
      if (context.recorder().tracks_nested())
        context.recorder().ended_within(statement.text, *tag, context.recorder().now_ns() - started_ns);
    } catch (Error& error) {
      if (error.context().empty())
        error.in_context("SQL function \"" + function.name + "\" statement " +
                         std::to_string(&statement - statements.data() + 1));
      throw;
    }
    context.clear_rows();
  }
}

std::vector<ResultColumn> columns_of(const FunctionObject& function, const sql::ActionStatement& call) {
  const std::string name = call.output_name.empty() ? function.name : call.output_name;
  if (call.as_table && function.columns.size() > 1) {
    std::vector<ResultColumn> columns;
    for (const auto& column : function.columns) columns.push_back({column.name, column.type});
    return columns;
  }
  const bool is_named = call.as_table && function.columns.size() == 1 && call.output_name.empty();
  return {{is_named ? function.columns.front().name : name, function.result}};
}

}  // namespace

sql::QualifiedName parse_qualified_name(std::string_view text) {
  std::vector<std::string> parts(1);
  bool is_quoted = false;
  for (const char c : text) {
    if (c == '"')
      is_quoted = !is_quoted;
    else if (c == '.' && !is_quoted)
      parts.emplace_back();
    else if (c == '(' && !is_quoted)
      break;  // regprocedure: the arguments follow
    else
      parts.back() += is_quoted ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return {parts.size() > 1 ? parts[parts.size() - 2] : "", parts.back(), 0};
}

FoundProcedure find_procedure(SessionContext& context, const std::string& text) {
  const auto catalog = context.catalog();
  if (!text.empty() &&
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); })) {
    if (const auto* function = catalog->find_function(static_cast<catalog::Oid>(std::stoul(text))))
      return {catalog->find_schema(function->schema)->name, function->name, function};
    throw Error(ErrorCode::UndefinedObject, "function or procedure with OID " + text + " does not exist");
  }
  const auto name = parse_qualified_name(text);
  const auto found = candidates(context, *catalog, name.schema, name.name);
  if (found.size() > 1) {
    throw Error(ErrorCode::AmbiguousFunction, "more than one function named \"" + text + "\"");
  }
  if (!found.empty())
    return {catalog->find_schema(found.front()->schema)->name, found.front()->name, found.front()};
  if ((is_policy_procedure(name.name) || is_policy_check(name.name)) &&
      (name.schema.empty() || name.schema == "_timescaledb_functions" ||
       name.schema == "_timescaledb_internal"))
    return {"_timescaledb_functions", name.name, nullptr};
  throw Error(ErrorCode::UndefinedFunction, "function \"" + text + "\" does not exist");
}

bool accepts(const FunctionObject& function, const std::vector<SqlType>& types) {
  if (types.size() > function.arguments.size()) return false;
  for (std::size_t i = 0; i < function.arguments.size(); ++i) {
    if (i >= types.size() ? function.arguments[i].default_text.empty()
                          : !can_pass(types[i], function.arguments[i].type))
      return false;
  }
  return true;
}

void call_by_name(SessionContext& context, const std::string& schema, const std::string& name,
                  const std::vector<std::string>& arguments) {
  const auto functions = context.catalog()->find_functions(schema, name);
  const bool is_function = !functions.empty() && !functions.front()->is_procedure;
  std::string text = std::string(is_function ? "SELECT " : "CALL ") + catalog::quote_identifier(schema) +
                     "." + catalog::quote_identifier(name) + "(";
  for (std::size_t i = 0; i < arguments.size(); ++i) text += (i > 0 ? ", " : "") + arguments[i];
  run_sql(context, text + ")");
}

std::vector<sql::NameLookup::UserFunction> user_functions_of(const catalog::Catalog& catalog,
                                                             const std::vector<std::string>& schemas,
                                                             bool is_searched, const std::string& name) {
  std::vector<sql::NameLookup::UserFunction> functions;
  if (catalog.functions().empty()) return functions;
  if (is_searched && catalog::find_function(name) != nullptr) return functions;
  for (const auto& schema : schemas) {
    for (const auto* found : catalog.find_functions(schema, name)) {
      auto& function = functions.emplace_back();
      function.oid = found->oid;
      function.name = found->name;
      for (const auto& argument : found->arguments)
        function.arguments.push_back({argument.name, argument.type, argument.default_text});
      function.result = found->result;
      for (const auto& column : found->columns) function.columns.push_back({column.name, column.type, false});
      function.body = found->body;
      function.is_procedure = found->is_procedure;
      function.returns_set = found->returns_set;
      function.is_strict = found->is_strict;
    }
    if (!functions.empty()) break;
  }
  return functions;
}

std::string described_function(const catalog::Catalog& catalog, const FunctionObject& function) {
  const auto* schema = catalog.find_schema(function.schema);
  const std::string in = schema == nullptr || schema->name == "public" ? "" : schema->name + ".";
  return std::string(function.is_procedure ? "procedure " : "function ") +
         listed(in + function.name, argument_types(function), ",");
}

namespace {

/// What calls the function, as PostgreSQL describes it.
struct Caller {
  catalog::Oid view = 0;  // else a part of the table
  catalog::Oid table = 0;
  storage::ColumnId column = 0;  // whose default or generated value it is
  catalog::Oid constraint = 0;
  catalog::Oid index = 0;
  std::string description;
};

std::vector<Caller> callers_of(const catalog::Catalog& catalog, const FunctionObject& function) {
  const std::string schema = catalog.find_schema(function.schema)->name;
  const auto calls = [&](const std::string& text, bool is_query) {
    if (text.find(function.name) == std::string::npos) return false;
    return sql::calls_function(is_query ? sql::parse_query(text) : sql::parse_expression(text), schema,
                               function.name);
  };
  std::vector<Caller> callers;
  for (const auto* relation : catalog.relations()) {
    if (calls(relation->view_text, true) ||
        (relation->aggregate && calls(relation->aggregate->definition_text, true))) {
      const bool is_materialized = relation->kind == catalog::RelationKind::MaterializedView;
      callers.push_back(
          {relation->oid, 0, 0, 0, 0, (is_materialized ? "materialized view " : "view ") + relation->name});
      continue;
    }
    for (const auto& column : relation->columns) {
      if (calls(column.default_text, false) || calls(column.generated_text, false))
        callers.push_back({0, relation->oid, column.id, 0, 0,
                           "default value for column " + column.name + " of table " + relation->name});
    }
    for (const auto& constraint : relation->constraints) {
      if (calls(constraint.check_text, false))
        callers.push_back({0, relation->oid, 0, constraint.oid, 0,
                           "constraint " + constraint.name + " on table " + relation->name});
    }
    for (const auto& index : relation->indexes) {
      const bool is_by_it = calls(index.where_text, false) ||
                            std::any_of(index.keys.begin(), index.keys.end(),
                                        [&](const auto& key) { return calls(key.expression_text, false); });
      if (is_by_it) callers.push_back({0, relation->oid, 0, 0, index.oid, "index " + index.name});
    }
  }
  return callers;
}

/// Errors: DependentObjectsStillExist.
void drop_callers(SessionContext& context, catalog::CatalogEdit& edit, const FunctionObject& function,
                  bool cascade) {
  const auto callers = callers_of(edit.catalog(), function);
  if (callers.empty()) return;
  const std::string what = described_function(edit.catalog(), function);
  if (!cascade) {
    std::string detail;
    for (const auto& caller : callers)
      detail += (detail.empty() ? "" : "\n") + caller.description + " depends on " + what;
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop " + what + " because other objects depend on it", detail,
                "Use DROP ... CASCADE to drop the dependent objects too.");
  }
  for (const auto& caller : callers) {
    if (caller.view != 0) {
      if (edit.catalog().find_relation(caller.view) == nullptr) continue;
      context.notice("drop cascades to " + caller.description);
      drop_relation(context, edit, caller.view, true, {});
      continue;
    }
    const auto* found = edit.catalog().find_relation(caller.table);
    if (found == nullptr) continue;
    auto changed = *found;
    for (auto& column : changed.columns) {
      if (caller.column == 0 || column.id != caller.column) continue;
      if (!column.generated_text.empty()) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "DROP FUNCTION ... CASCADE is not supported where a generated column calls it", {},
                    "Drop column " + column.name + " of table " + changed.name + " first.");
      }
      column.default_text.clear();
    }
    std::erase_if(changed.constraints, [&](const auto& one) { return one.oid == caller.constraint; });
    std::erase_if(changed.indexes, [&](const auto& one) { return one.oid == caller.index; });
    context.notice("drop cascades to " + caller.description);
    edit.put_relation(changed);
  }
}

}  // namespace

std::string first_caller(const catalog::Catalog& catalog, const FunctionObject& function) {
  const auto callers = callers_of(catalog, function);
  return callers.empty() ? std::string() : callers.front().description;
}

const FunctionObject& named_function(const SessionContext& context, const catalog::Catalog& catalog,
                                     const sql::QualifiedName& name,
                                     const std::optional<std::vector<SqlType>>& wanted,
                                     const std::string& kind) {
  std::vector<const FunctionObject*> found;
  for (const auto* function : candidates(context, catalog, name.schema, name.name)) {
    if (!wanted || argument_types(*function) == *wanted) found.push_back(function);
  }
  if (found.size() > 1) {
    throw Error(ErrorCode::AmbiguousFunction, kind + " name \"" + name.name + "\" is not unique", {},
                "Specify the argument list to select the " + kind + " unambiguously.");
  }
  if (found.empty()) {
    throw Error(ErrorCode::UndefinedFunction,
                wanted ? kind + " " + signature_text(name.name, *wanted) + " does not exist"
                       : "could not find a " + kind + " named \"" + name.name + "\"");
  }
  const bool is_procedure = found.front()->is_procedure;
  if ((kind == "procedure" && !is_procedure) || (kind == "function" && is_procedure)) {
    throw Error(
        ErrorCode::WrongObjectType,
        described(catalog, *found.front()) + (is_procedure ? " is not a function" : " is not a procedure"));
  }
  return *found.front();
}

void resolve_call(const SessionContext& context, sql::Statement& statement) {
  const auto* query = std::get_if<sql::QueryStatement>(&statement.body);
  if (query == nullptr) return;
  const auto catalog = context.catalog();
  if (catalog->functions().empty()) return;
  auto call = sql::bare_call_of(query->query);
  if (!call) return;
  // PostgreSQL's own come first.
  if (call->schema.empty() && catalog::find_function(call->function) != nullptr) return;
  if (candidates(context, *catalog, call->schema, call->function).empty()) return;
  statement.body = std::move(*call);
}

std::optional<std::vector<ResultColumn>> user_function_columns(const SessionContext& context,
                                                               const sql::ActionStatement& call) {
  const auto catalog = context.catalog();
  const auto found = candidates(context, *catalog, call.schema, call.function);
  for (const auto* function : found) {
    if (places_of(*function, call.arguments)) return columns_of(*function, call);
  }
  return std::nullopt;
}

std::string execute_user_function(Execution& execution, const sql::ActionStatement& call) {
  auto& context = execution.context;
  const Chosen chosen = choose(execution, call);
  const auto& function = chosen.function;
  require_execute(context, function);
  const bool is_skipped = function.is_strict && std::any_of(chosen.values.begin(), chosen.values.end(),
                                                            [](const Value& value) { return value.is_null; });
  ResultRows found;
  if (!is_skipped) run_body(execution, function, chosen.values, found);
  if (call.is_call) return "CALL";
  const auto columns = columns_of(function, call);
  Batch rows;
  for (const auto& column : columns) rows.columns.emplace_back(column.type);
  const bool is_void = function.result.id == TypeId::Void;
  if (is_void) {
    rows.columns[0].append_bytes("");
  } else {
    const auto& format = context.settings().format_context();
    if (!is_skipped && found.columns.size() != std::max<std::size_t>(function.columns.size(), 1)) {
      throw Error(ErrorCode::InvalidFunctionDefinition,
                  "return type mismatch in function declared to return " + type_text(function.result),
                  found.columns.empty() ? "Function's final statement must be SELECT or INSERT/UPDATE/DELETE "
                                          "RETURNING."
                                        : "Final statement returns a different number of columns.");
    }
    const bool is_record = columns.size() == 1 && function.columns.size() > 1;
    for (const auto& batch : found.batches) {
      for (std::size_t row = 0; row < batch.row_count(); ++row) {
        if (!function.returns_set && rows.row_count() > 0) break;
        if (is_record) {
          rows.columns[0].append_bytes(record_text(batch, row, format));
          continue;
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
          const Value value = value_at(batch.columns[i].view(), row);
          append_value(rows.columns[i],
                       value.is_null ? Value::null_of(columns[i].type)
                                     : cast_value(value, columns[i].type, CastStrength::Assignment, format));
        }
      }
    }
    if (!function.returns_set && rows.row_count() == 0)
      append_value(rows.columns[0], Value::null_of(columns[0].type));
  }
  send_result(execution, columns, rows);
  return "SELECT " + std::to_string(rows.row_count());
}

std::string execute_create_function(Execution& execution, const sql::CreateFunctionStatement& create) {
  auto& context = execution.context;
  const std::string tag = create.is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
  const auto schema = context.creation_schema(create.name.schema);
  auto& edit = context.edit_catalog(tag);
  FunctionObject function;
  function.schema = schema.oid;
  function.name = create.name.name;
  function.owner = context.user();
  function.is_procedure = create.is_procedure;
  for (const auto& p : create.parameters) {
    const auto text = p.default_value ? sql::to_postgres_text(p.default_value) : std::string();
    if (text.empty() && !function.arguments.empty() && !function.arguments.back().default_text.empty()) {
      throw Error(ErrorCode::InvalidFunctionDefinition,
                  "input parameters after one with a default value must also have defaults");
    }
    for (const auto& other : function.arguments) {
      if (!p.name.empty() && other.name == p.name)
        throw Error(ErrorCode::InvalidFunctionDefinition,
                    "parameter name \"" + p.name + "\" used more than once");
    }
    function.arguments.push_back({p.name, p.type, text});
  }
  for (const auto& c : create.columns) function.columns.push_back({c.name, c.type, {}});
  function.result = create.result;
  function.returns_set = create.returns_set;
  function.body = create.body;
  function.volatility = create.volatility;
  function.is_strict = create.is_strict;
  // What cannot run is told now rather than by a job at night.
  for (const auto& statement : sql::parse(function.body)) refuse_in_body(statement);
  const auto types = argument_types(function);
  for (const auto* other : edit.catalog().find_functions(schema.name, function.name)) {
    if (argument_types(*other) != types) continue;
    if (!create.or_replace) {
      throw Error(ErrorCode::DuplicateFunction,
                  "function \"" + function.name + "\" already exists with same argument types");
    }
    if (other->is_procedure != function.is_procedure) {
      throw Error(ErrorCode::WrongObjectType, "cannot change routine kind",
                  "\"" + function.name + "\" is a " + (other->is_procedure ? "procedure" : "function") + ".");
    }
    if (!(other->result == function.result) || other->returns_set != function.returns_set) {
      throw Error(ErrorCode::InvalidFunctionDefinition, "cannot change return type of existing function", {},
                  "Use DROP FUNCTION " + described(edit.catalog(), *other) + " first.");
    }
    require_owner(context, "function", other->name, other->owner);
    function.oid = other->oid;
    function.owner = other->owner;
    function.has_grants = other->has_grants;
    function.grants = other->grants;
    function.comment = other->comment;
  }
  if (function.oid == 0) {
    function.oid = context.database().store().next_table_id();
    give_first_rights(context, function);
  }
  edit.put_function(function);
  return tag;
}

std::string execute_drop_function(Execution& execution, const sql::DropFunctionStatement& drop) {
  auto& context = execution.context;
  using Kind = sql::DropFunctionStatement::Kind;
  const std::string kind = drop.kind == Kind::Procedure  ? "procedure"
                           : drop.kind == Kind::Function ? "function"
                                                         : "routine";
  const std::string tag = drop.kind == Kind::Procedure  ? "DROP PROCEDURE"
                          : drop.kind == Kind::Function ? "DROP FUNCTION"
                                                        : "DROP ROUTINE";
  auto& edit = context.edit_catalog(tag);
  for (const auto& target : drop.targets) {
    const FunctionObject* found = nullptr;
    try {
      found = &named_function(context, edit.catalog(), target.name, target.argument_types, kind);
    } catch (const Error& error) {
      if (!drop.if_exists || error.code() != ErrorCode::UndefinedFunction) throw;
      context.notice(kind + " " +
                     (target.argument_types ? signature_text(target.name.name, *target.argument_types)
                                            : target.name.name + "()") +
                     " does not exist, skipping");
      continue;
    }
    const FunctionObject dropped = *found;
    require_owner(context, dropped.is_procedure ? "procedure" : "function", dropped.name, dropped.owner);
    drop_callers(context, edit, dropped, drop.cascade);
    edit.remove_function(dropped.oid);
  }
  return tag;
}

}  // namespace tickstone::engine
