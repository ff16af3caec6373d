// SPDX-License-Identifier: Apache-2.0
#include "engine/stored_texts.hpp"

#include "catalog/function_facts.hpp"
#include "catalog/object_names.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/ddl_table.hpp"
#include "engine/user_functions.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

std::string qualified_text(const sql::QualifiedName& name) {
  return catalog::quote_identifier(name.schema) + "." + catalog::quote_identifier(name.name);
}

/// The functions that say what is now, which are texts of names. A name without schema means whatever
/// search_path finds, but where the function itself is renamed.
template <typename Change>
bool change_integer_now(catalog::RelationObject& relation, const Change& change) {
  if (!relation.hypertable) return false;
  bool is_changed = false;
  for (auto& dimension : relation.hypertable->dimensions) {
    if (dimension.integer_now_function.empty()) continue;
    auto name = parse_qualified_name(dimension.integer_now_function);
    if (!change(name)) continue;
    dimension.integer_now_function = qualified_text(name);
    is_changed = true;
  }
  return is_changed;
}

template <typename Change>
void change_relations(catalog::CatalogEdit& edit, const Change& change) {
  std::vector<catalog::RelationObject> changed;
  for (const auto* relation : edit.catalog().relations()) {
    auto copy = *relation;
    if (change(copy)) changed.push_back(std::move(copy));
  }
  for (const auto& relation : changed) edit.put_relation(relation);
}

template <typename Change>
void change_jobs(catalog::CatalogEdit& edit, const Change& change) {
  std::vector<catalog::JobObject> changed;
  for (const auto* job : edit.catalog().jobs()) {
    auto copy = *job;
    if (change(copy)) changed.push_back(std::move(copy));
  }
  for (const auto& job : changed) edit.put_job(job);
}

/// The schemas that a view was made with, one a line.
bool change_search_path(catalog::RelationObject& relation, const std::string& schema,
                        const std::string& renamed) {
  bool is_changed = false;
  for (auto& [option, path] : relation.options) {
    if (option != kSearchPathOption) continue;
    std::string changed;
    for (std::string_view rest = path; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto name = rest.substr(0, end);
      changed += (changed.empty() ? "" : "\n") + (name == schema ? renamed : std::string(name));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    is_changed = is_changed || changed != path;
    path = changed;
  }
  return is_changed;
}

}  // namespace

std::string text_in_full(const SessionContext& context, const sql::Expr& expr) {
  if (!expr) return {};
  const auto catalog = context.catalog();
  sql::SchemasOfNames schemas;
  schemas.of_relation = [&](const std::string& name) -> std::string {
    for (const auto& schema : context.search_path()) {
      if (catalog::system_relation_columns(schema, name) != nullptr) return {};
      if (catalog->find_relation(schema, name) != nullptr) return schema;
    }
    return {};
  };
  schemas.of_function = [&](const std::string& name) -> std::string {
    // As calls are resolved: PostgreSQL's own of that name come first.
    if (catalog->functions().empty() || catalog::find_function(name) != nullptr) return {};
    for (const auto& schema : context.search_path()) {
      if (!catalog->find_functions(schema, name).empty()) return schema;
    }
    return {};
  };
  return sql::names_in_full(expr, schemas);
}

bool change_stored_texts(catalog::RelationObject& relation, const std::string& part,
                         const ChangeText& change) {
  bool is_changed = false;
  const auto apply = [&](std::string& text, bool is_query) {
    if (text.find(part) == std::string::npos) return;
    auto changed = change(is_query ? sql::parse_query(text) : sql::parse_expression(text));
    if (!changed) return;
    text = std::move(*changed);
    is_changed = true;
  };
  apply(relation.view_text, true);
  if (relation.aggregate) {
    apply(relation.aggregate->definition_text, true);
    apply(relation.aggregate->bucket_function_text, false);
  }
  for (auto& column : relation.columns) {
    apply(column.default_text, false);
    apply(column.generated_text, false);
  }
  for (auto& constraint : relation.constraints) apply(constraint.check_text, false);
  for (auto& index : relation.indexes) {
    apply(index.where_text, false);
    for (auto& key : index.keys) apply(key.expression_text, false);
  }
  return is_changed;
}

void follow_renamed_function(catalog::CatalogEdit& edit, const sql::QualifiedName& function,
                             const sql::QualifiedName& renamed) {
  change_relations(edit, [&](catalog::RelationObject& relation) {
    const bool has_texts = change_stored_texts(relation, function.name, [&](const sql::Expr& expr) {
      return sql::with_function_renamed(expr, function, renamed);
    });
    const bool has_now = change_integer_now(relation, [&](sql::QualifiedName& name) {
      if (name.name != function.name || (!name.schema.empty() && name.schema != function.schema))
        return false;
      name = renamed;
      return true;
    });
    return has_texts || has_now;
  });
  change_jobs(edit, [&](catalog::JobObject& job) {
    const bool is_it = job.proc_schema == function.schema && job.proc_name == function.name;
    const bool is_check = job.check_schema == function.schema && job.check_name == function.name;
    if (is_it) job.proc_schema = renamed.schema, job.proc_name = renamed.name;
    if (is_check) job.check_schema = renamed.schema, job.check_name = renamed.name;
    return is_it || is_check;
  });
}

void follow_renamed_type(catalog::CatalogEdit& edit, const sql::QualifiedName& type,
                         const sql::QualifiedName& renamed) {
  change_relations(edit, [&](catalog::RelationObject& relation) {
    return change_stored_texts(relation, type.name, [&](const sql::Expr& expr) {
      return sql::with_type_renamed(expr, type, renamed);
    });
  });
  std::vector<catalog::TypeObject> domains;
  for (const auto* other : edit.catalog().types()) {
    auto domain = *other;
    bool is_changed = false;
    const auto apply = [&](std::string& text) {
      if (text.find(type.name) == std::string::npos) return;
      auto changed = sql::with_type_renamed(sql::parse_expression(text), type, renamed);
      if (!changed) return;
      text = std::move(*changed);
      is_changed = true;
    };
    apply(domain.default_text);
    for (auto& check : domain.checks) apply(check.text);
    if (is_changed) domains.push_back(std::move(domain));
  }
  for (const auto& domain : domains) edit.put_type(domain);
}

void follow_renamed_schema(catalog::CatalogEdit& edit, const std::string& schema,
                           const std::string& renamed) {
  change_relations(edit, [&](catalog::RelationObject& relation) {
    bool is_changed = change_stored_texts(relation, schema, [&](const sql::Expr& expr) {
      return sql::with_schema_renamed(expr, schema, renamed);
    });
    is_changed = change_search_path(relation, schema, renamed) || is_changed;
    if (relation.hypertable && relation.hypertable->chunk_schema == schema) {
      relation.hypertable->chunk_schema = renamed;
      is_changed = true;
    }
    const bool has_now = change_integer_now(relation, [&](sql::QualifiedName& name) {
      if (name.schema != schema) return false;
      name.schema = renamed;
      return true;
    });
    return is_changed || has_now;
  });
  change_jobs(edit, [&](catalog::JobObject& job) {
    const bool is_it = job.proc_schema == schema, is_check = job.check_schema == schema;
    if (is_it) job.proc_schema = renamed;
    if (is_check) job.check_schema = renamed;
    return is_it || is_check;
  });
}

}  // namespace tickstone::engine
