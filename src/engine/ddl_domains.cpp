// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "catalog/sql_tokens.hpp"
#include "engine/internal_sql.hpp"
#include "engine/user_types.hpp"
#include "sql/rewrite.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

using Action = sql::TypeStatement::Action;
using Check = catalog::TypeObject::Check;

std::string default_check_name(const catalog::TypeObject& domain) {
  const std::string base = catalog::make_object_name(domain.name, {}, "check");
  std::string name = base;
  const auto is_taken = [&](const Check& check) { return check.name == name; };
  for (int pass = 1; std::any_of(domain.checks.begin(), domain.checks.end(), is_taken); ++pass)
    name = base + std::to_string(pass);
  return name;
}

/// The condition as PostgreSQL prints it, with VALUE as it is written there.
std::string condition_text(const sql::Expr& condition) {
  const std::string text = sql::to_postgres_text(condition);
  std::string out;
  for (const auto& token : catalog::sql_tokens(text)) {
    if (token.after_space) out += ' ';
    out += token.text == "value" ? std::string_view("VALUE") : token.text;
  }
  return out;
}

void add_check(SessionContext& context, catalog::TypeObject& domain,
               const sql::ConstraintDefinition& definition) {
  const auto is_same = [&](const Check& check) { return check.name == definition.name; };
  if (std::any_of(domain.checks.begin(), domain.checks.end(), is_same)) {
    throw Error(ErrorCode::DuplicateObject,
                "constraint \"" + definition.name + "\" for domain \"" + domain.name + "\" already exists");
  }
  // What it names and compares is looked at now, not at the first value.
  const sql::RelationInfo value{"", "#domain", {{"value", domain.base, false}}};
  (void)sql::Rewriter(context).expressions({definition.check}, &value, "#domain");
  domain.checks.push_back({context.database().store().next_table_id(),
                           definition.name.empty() ? default_check_name(domain) : definition.name,
                           condition_text(definition.check), definition.is_not_valid});
}

void set_default(SessionContext& context, catalog::TypeObject& domain, const sql::Expr& value) {
  domain.default_text.clear();
  if (!value) return;
  const auto constant = sql::constant_of(value);
  if (constant && !constant->is_null && !constant->type)
    (void)parse_value(domain.base, constant->text, context.settings().format_context());
  domain.default_text = sql::to_postgres_text(value);
}

/// The condition of the domain as one of a column.
std::string condition_of_column(const std::string& text, const std::string& column) {
  return sql::to_postgres_text(sql::with_value_named(sql::parse_expression(text), column));
}

/// Rows that are there obey what is new. `condition`: of VALUE.
void check_columns(Execution& execution, const catalog::TypeObject& domain, const std::string& condition,
                   ErrorCode code, const std::string& what) {
  auto& context = execution.context;
  for (const auto& one : columns_of_domain(*context.catalog(), domain.oid)) {
    const auto failing = run_sql(context, "SELECT 1 FROM " + one.table + " WHERE NOT (" +
                                              condition_of_column(condition, one.column) + ") LIMIT 1");
    if (!failing.empty())
      throw Error(code, "column \"" + one.column + "\" of table \"" + one.name + "\" contains " + what)
          .about(one.name, one.column);
  }
}

/// Nobody writes rows past a constraint that is being added.
void lock_columns(SessionContext& context, const catalog::TypeObject& domain) {
  const auto catalog = context.catalog();
  for (const auto& one : columns_of_domain(*catalog, domain.oid)) {
    const auto* relation = catalog->find_relation(one.relation);
    context.lock_for_change({catalog->find_schema(relation->schema)->name, relation->name, 0},
                            "ALTER DOMAIN");
  }
}

void drop_check(SessionContext& context, catalog::TypeObject& domain, const sql::TypeStatement& drop) {
  const auto count =
      std::erase_if(domain.checks, [&](const Check& check) { return check.name == drop.label; });
  if (count > 0) return;
  const std::string message =
      "constraint \"" + drop.label + "\" of domain \"" + domain.name + "\" does not exist";
  if (!drop.if_exists) throw Error(ErrorCode::UndefinedObject, message);
  context.notice(message + ", skipping");
}

Check& named_check(catalog::TypeObject& domain, const std::string& name) {
  for (auto& check : domain.checks) {
    if (check.name == name) return check;
  }
  throw Error(ErrorCode::UndefinedObject,
              "constraint \"" + name + "\" of domain \"" + domain.name + "\" does not exist");
}

constexpr const char* kViolating = "values that violate the new constraint";

}  // namespace

std::vector<DomainColumn> columns_of_domain(const catalog::Catalog& catalog, catalog::Oid domain) {
  std::vector<DomainColumn> found;
  for (const auto* relation : catalog.relations()) {
    if (relation->kind != catalog::RelationKind::Table) continue;
    for (const auto& column : relation->columns) {
      if (column.domain == domain)
        found.push_back({relation->oid, qualified_name(catalog, *relation), relation->name, column.name});
    }
  }
  return found;
}

catalog::TypeObject make_domain(SessionContext& context, const sql::TypeStatement& create) {
  const ResolvedType base = resolve_type(context, create.base, create.base_name);
  if (base.domain != 0)
    throw Error(ErrorCode::FeatureNotSupported, "a domain over a domain is not supported");
  catalog::TypeObject domain;
  domain.kind = catalog::TypeObject::Kind::Domain;
  domain.name = create.names.front().name;
  domain.base = base.type;
  domain.not_null = create.not_null;
  set_default(context, domain, create.default_value);
  for (const auto& check : create.checks) add_check(context, domain, check);
  return domain;
}

void alter_domain(Execution& execution, catalog::CatalogEdit& /*edit*/, catalog::TypeObject& domain,
                  const sql::TypeStatement& statement) {
  auto& context = execution.context;
  switch (statement.action) {
    case Action::SetDefault:
      return set_default(context, domain, statement.default_value);
    case Action::DropNotNull:
      domain.not_null = false;
      return;
    case Action::SetNotNull:
      if (domain.not_null) return;
      lock_columns(context, domain);
      check_columns(execution, domain, "value IS NOT NULL", ErrorCode::NotNullViolation, "null values");
      domain.not_null = true;
      return;
    case Action::AddConstraint: {
      lock_columns(context, domain);
      add_check(context, domain, statement.checks.front());
      const Check added = domain.checks.back();
      if (!added.is_not_valid)
        check_columns(execution, domain, added.text, ErrorCode::CheckViolation, kViolating);
      return;
    }
    case Action::DropConstraint:
      return drop_check(context, domain, statement);
    case Action::ValidateConstraint: {
      Check& check = named_check(domain, statement.label);
      if (!check.is_not_valid) return;
      lock_columns(context, domain);
      check_columns(execution, domain, check.text, ErrorCode::CheckViolation, kViolating);
      check.is_not_valid = false;
      return;
    }
    case Action::RenameConstraint: {
      Check& check = named_check(domain, statement.label);
      for (const auto& other : domain.checks) {
        if (other.name == statement.new_name)
          throw Error(ErrorCode::DuplicateObject,
                      "constraint \"" + other.name + "\" for domain " + domain.name + " already exists");
      }
      check.name = statement.new_name;
      return;
    }
    default:
      throw Error(ErrorCode::FeatureNotSupported, "this form of ALTER TYPE is not supported");
  }
}

}  // namespace tickstone::engine
