// SPDX-License-Identifier: Apache-2.0
#include "engine/prepared_statements.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/explain_format.hpp"
#include "engine/with_parts.hpp"

namespace tickstone::engine {
namespace {

Value coerce(const SessionContext& context, const Value& value, const SqlType& type) {
  const auto& format = context.settings().format_context();
  if (value.is_null) return Value::null_of(type);
  if (value.type == type) return value;
  if (is_text_like(value.type.id) || value.type.id == TypeId::Unknown)
    return parse_value(type, value.text, format);
  Column column(value.type);
  append_value(column, value);
  return value_at(cast_column(column.view(), type, CastStrength::Assignment, format).view(), 0);
}

/// Parameters that only queries of WITH have, and those that the rest left open.
void add_types_of_parts(Prepared& prepared, const std::vector<SqlType>& told, int parameter_count) {
  auto& types = prepared.parameter_types;
  const std::size_t known = types.size();
  types.resize(std::max(known, static_cast<std::size_t>(parameter_count)));
  for (std::size_t i = 0; i < types.size(); ++i) {
    const bool is_declared =
        i < prepared.declared_types.size() && prepared.declared_types[i].id != TypeId::Unknown;
    if (is_declared) {
      types[i] = prepared.declared_types[i];
    } else if (i < told.size() && told[i].id != TypeId::Unknown &&
               (i >= known || types[i] == SqlType::of(TypeId::Text))) {
      types[i] = told[i];
    }
    if (types[i].id == TypeId::Unknown) types[i] = SqlType::of(TypeId::Text);
  }
}

}  // namespace

bool is_control(const sql::Statement& statement) {
  return std::holds_alternative<sql::TransactionStatement>(statement.body) ||
         std::holds_alternative<sql::DeallocateStatement>(statement.body);
}

namespace {

bool are_same_columns(const std::vector<ResultColumn>& a, const std::vector<ResultColumn>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ResultColumn& x, const ResultColumn& y) {
    return x.name == y.name && x.type.id == y.type.id && x.type.is_array == y.type.is_array;
  });
}

}  // namespace

std::shared_ptr<Prepared> PreparedStatements::find_if_any(const std::string& name) const {
  const auto found = statements_.find(name);
  return found == statements_.end() ? nullptr : found->second;
}

std::shared_ptr<Prepared> PreparedStatements::find(const std::string& name) const {
  const auto found = statements_.find(name);
  if (found == statements_.end()) {
    throw Error(ErrorCode::InvalidSqlStatementName,
                name.empty() ? "unnamed prepared statement does not exist"
                             : "prepared statement \"" + name + "\" does not exist");
  }
  return found->second;
}

void PreparedStatements::require_free(const std::string& name) const {
  if (statements_.contains(name)) {
    throw Error(ErrorCode::DuplicatePreparedStatement, "prepared statement \"" + name + "\" already exists");
  }
}

std::vector<catalog::RunningFacts::PreparedStatementInfo> PreparedStatements::all() const {
  std::vector<catalog::RunningFacts::PreparedStatementInfo> all;
  for (const auto& [name, prepared] : statements_) {
    if (name.empty()) continue;
    all.push_back({name, prepared->text, prepared->prepared_us, prepared->parameter_types,
                   prepared->is_from_sql, prepared->run_count});
  }
  return all;
}

std::vector<catalog::RunningFacts::PreparedStatementInfo> SessionContext::prepared_statements() const {
  return statements_ == nullptr ? std::vector<PreparedStatementInfo>{} : statements_->all();
}

void PreparedStatements::analyze(Prepared& prepared) {
  if (prepared.statement == nullptr) return;
  const auto& statement = *prepared.statement;
  if (const auto* query = std::get_if<sql::QueryStatement>(&statement.body)) {
    if (prepared.plan != nullptr && prepared.plan->is_valid(context_)) return;
    if (!context_.in_transaction()) context_.begin_transaction();
    context_.begin_statement();
    WithParts parts(context_);
    const auto told = parts.describe(statement);
    auto plan = plans_.plan_of(context_, statement.text, query->query, prepared.declared_types);
    // The client may have been told the columns already.
    if (prepared.columns && !are_same_columns(*prepared.columns, plan->columns()))
      throw Error(ErrorCode::FeatureNotSupported, "cached plan must not change result type");
    prepared.plan = std::move(plan);
    prepared.columns = prepared.plan->columns();
    prepared.parameter_types = prepared.plan->parameter_types();
    if (!statement.with_parts.empty()) add_types_of_parts(prepared, told, statement.parameter_count);
    return;
  }
  if (prepared.is_analyzed) return;
  prepared.is_analyzed = true;
  if (is_control(statement)) return;
  if (!context_.in_transaction()) context_.begin_transaction();
  context_.begin_statement();
  WithParts parts(context_);
  const auto told = parts.describe(statement);
  if (const auto* explain = std::get_if<sql::ExplainStatement>(&statement.body); explain != nullptr) {
    prepared.columns = {explain_column(*explain)};
  } else if (const auto* setting = std::get_if<sql::SettingStatement>(&statement.body); setting != nullptr) {
    if (setting->action == sql::SettingStatement::Action::Show)
      prepared.columns = {{setting->name, SqlType::of(TypeId::Text)}};
  } else if (const auto* action = std::get_if<sql::ActionStatement>(&statement.body); action != nullptr) {
    if (!action->is_call) prepared.columns = action_columns(context_, *action);
  } else if (const auto* execute = std::get_if<sql::ExecuteStatement>(&statement.body); execute != nullptr) {
    Prepared& target = *find(execute->name);
    analyze(target);
    prepared.columns = target.columns;
  } else {
    prepared.columns = describe_returning(context_, statement);
  }
  auto inferred = dml_parameter_types(context_, statement);
  const auto count = std::max<std::size_t>(
      {static_cast<std::size_t>(statement.parameter_count), inferred.size(), prepared.declared_types.size()});
  inferred.resize(count);
  for (std::size_t i = 0; i < told.size() && i < count; ++i) {
    if (inferred[i].id == TypeId::Unknown) inferred[i] = told[i];
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (i < prepared.declared_types.size() && prepared.declared_types[i].id != TypeId::Unknown)
      inferred[i] = prepared.declared_types[i];
    if (inferred[i].id == TypeId::Unknown) inferred[i] = SqlType::of(TypeId::Text);
  }
  prepared.parameter_types = std::move(inferred);
}

std::vector<Value> PreparedStatements::arguments_of(const sql::ExecuteStatement& execute,
                                                    const Prepared& prepared) {
  if (execute.arguments.size() != prepared.parameter_types.size()) {
    throw Error(ErrorCode::SyntaxError,
                "wrong number of parameters for prepared statement \"" + execute.name + "\"",
                "Expected " + std::to_string(prepared.parameter_types.size()) + " parameters but got " +
                    std::to_string(execute.arguments.size()) + ".");
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < execute.arguments.size(); ++i)
    values.push_back(coerce(context_, context_.evaluate(execute.arguments[i]), prepared.parameter_types[i]));
  return values;
}

}  // namespace tickstone::engine
