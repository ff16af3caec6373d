// SPDX-License-Identifier: Apache-2.0
// MERGE: what each clause does to which rows is found first, all with one view, and then done.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/with_parts.hpp"
#include "sql/duck_text.hpp"

namespace tickstone::engine {
namespace {

using Clause = sql::MergeStatement::Clause;
using Action = Clause::Action;

constexpr const char* kCheck = "pg_merge_check";

std::string quoted(const std::string& name) { return sql::duck_quoted_identifier(name); }

/// Whether the text is a literal, NULL or a parameter, which take the column's type where they stand.
bool is_untyped(const std::string& text) {
  if (!text.empty() && text[0] == '$') return text.find_first_not_of("0123456789", 1) == std::string::npos;
  return sql::constant_of(sql::parse_expression(text)).has_value();
}

/// The statement as a data-modifying WITH: queries that find the rows of each clause, one that finds a row
/// twice, and statements that do it.
class MergeText {
 public:
  MergeText(SessionContext& context, const sql::MergeStatement& merge) : merge_(merge) {
    const auto& relation = context.relation(merge.table);
    const auto info = context.relation_info(relation);
    keys_ = info.primary_key.empty() ? context.row_identity(info) : info.primary_key;
    const bool is_keyed = !keys_.empty() && std::all_of(keys_.begin(), keys_.end(), [&](const auto& key) {
      return relation.find_column(key) != nullptr;
    });
    if (relation.is_stored() && !is_keyed) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "MERGE INTO \"" + relation.name + "\", which has no primary key, is not supported", {},
                  "Add a primary key, or use UPDATE ... FROM and INSERT ... SELECT.");
    }
    for (const auto& column : relation.columns) columns_.push_back(column.name);
    for (const auto& column : relation.columns) {
      if (!column.generated_text.empty() || column.identity != 0 || column.domain != 0) continue;
      first_default_ = {column.name, column.default_text.empty() ? "NULL" : column.default_text};
      break;
    }
    table_ = (merge.table.schema.empty() ? "" : quoted(merge.table.schema) + ".") + quoted(merge.table.name);
    name_ = quoted(merge.alias.empty() ? merge.table.name : merge.alias);
    if (!merge.alias.empty()) table_ += " AS " + name_;
  }

  std::string text() {
    std::string found, done, touched;
    std::string before_matched, before_unmatched;  // conditions of earlier clauses
    bool is_matched_over = false, is_unmatched_over = false;
    int number = 0;
    for (const Clause& clause : merge_.clauses) {
      bool& is_over = clause.is_matched ? is_matched_over : is_unmatched_over;
      std::string& before = clause.is_matched ? before_matched : before_unmatched;
      ++number;
      if (!is_over && clause.action != Action::Nothing) {
        const std::string rows = "pg_merge_" + std::to_string(number);
        found += found.empty() ? "" : ", ";
        found += rows + " AS MATERIALIZED (" + rows_of(clause, before) + ")";
        done += ", pg_merged_" + std::to_string(number) + " AS (" + statement_of(clause, rows) + ")";
        if (clause.is_matched)
          touched += (touched.empty() ? "" : " UNION ALL ") + ("SELECT " + keys_of(rows) + " FROM " + rows);
      }
      if (clause.condition.empty()) {
        is_over = true;
      } else {
        before += " AND NOT coalesce((" + clause.condition + "), false)";
      }
    }
    if (found.empty()) return {};
    std::string text = merge_.with.empty() ? "WITH " : merge_.with + ", ";
    text += found;
    if (!touched.empty()) {
      text += std::string(", ") + kCheck + " AS MATERIALIZED (SELECT " + keys_of("touched") + " FROM (" +
              touched + ") AS touched GROUP BY " + keys_of("touched") + " HAVING count(*) > 1)";
    }
    text += done + " SELECT 1";
    if (!touched.empty()) text += std::string(" FROM ") + kCheck;
    return text;
  }

 private:
  std::string keys_of(const std::string& rows) const {
    std::string text;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      text += (i > 0 ? ", " : "") + rows + ".pg_key_" + std::to_string(i + 1);
    return text;
  }

  /// The rows that the clause acts on: keys of the target's, values that are computed.
  std::string rows_of(const Clause& clause, const std::string& before) const {
    std::string list;
    const auto add = [&](const std::string& value, const std::string& name) {
      list += (list.empty() ? "" : ", ") + value + " AS " + name;
    };
    if (clause.is_matched) {
      for (std::size_t i = 0; i < keys_.size(); ++i)
        add(name_ + "." + quoted(keys_[i]), "pg_key_" + std::to_string(i + 1));
    }
    for (std::size_t i = 0; i < clause.values.size(); ++i) {
      const auto& text = clause.values[i].text;
      if (!text.empty() && !is_untyped(text)) add("(" + text + ")", "pg_value_" + std::to_string(i + 1));
    }
    if (list.empty()) add("1", "pg_row");
    std::string text = "SELECT " + list + " FROM " + merge_.source;
    if (clause.is_matched) {
      text += " JOIN " + table_ + " ON (" + merge_.condition + ") WHERE true";
    } else {
      text += " WHERE NOT EXISTS (SELECT 1 FROM " + table_ + " WHERE (" + merge_.condition + "))";
    }
    if (!clause.condition.empty()) text += " AND (" + clause.condition + ")";
    return text + before;
  }

  static std::string value_of(const Clause& clause, std::size_t i, const std::string& rows) {
    const auto& text = clause.values[i].text;
    if (text.empty()) return "DEFAULT";
    return is_untyped(text) ? text : rows + ".pg_value_" + std::to_string(i + 1);
  }

  std::string statement_of(const Clause& clause, const std::string& rows) const {
    std::string where;
    for (std::size_t i = 0; i < keys_.size() && clause.is_matched; ++i) {
      where += (i > 0 ? " AND " : " WHERE ") + name_ + "." + quoted(keys_[i]) + " = " + rows + ".pg_key_" +
               std::to_string(i + 1);
    }
    if (clause.action == Action::Delete) return "DELETE FROM " + table_ + " USING " + rows + where;
    if (clause.action == Action::Update) {
      std::string text = "UPDATE " + table_ + " SET ";
      for (std::size_t i = 0; i < clause.values.size(); ++i)
        text += (i > 0 ? ", " : "") + quoted(clause.values[i].column) + " = " + value_of(clause, i, rows);
      return text + " FROM " + rows + where;
    }
    // A column that gets its default is left out, which is the same.
    std::string columns, values;
    for (std::size_t i = 0; i < clause.values.size(); ++i) {
      if (clause.values[i].text.empty()) continue;
      const bool is_named = !clause.values[i].column.empty();
      if (!is_named && i >= columns_.size())
        throw Error(ErrorCode::SyntaxError, "INSERT has more expressions than target columns");
      columns += (columns.empty() ? "" : ", ") + quoted(is_named ? clause.values[i].column : columns_[i]);
      values += (values.empty() ? "" : ", ") + value_of(clause, i, rows);
    }
    if (columns.empty() && !first_default_.first.empty()) {
      columns = quoted(first_default_.first);
      values = first_default_.second;
    }
    if (columns.empty()) {
      throw Error(ErrorCode::FeatureNotSupported, "MERGE ... INSERT DEFAULT VALUES is not supported", {},
                  "Name a column and give its value.");
    }
    const std::string overriding = clause.overriding_system ? " OVERRIDING SYSTEM VALUE"
                                   : clause.overriding_user ? " OVERRIDING USER VALUE"
                                                            : "";
    return "INSERT INTO " + table_ + " (" + columns + ")" + overriding + " SELECT " + values + " FROM " +
           rows;
  }

  const sql::MergeStatement& merge_;
  std::vector<std::string> keys_, columns_;
  std::string table_, name_;
  std::pair<std::string, std::string> first_default_;  // a column, and what it has where none is given
};

/// Errors without the positions of a text that nobody wrote.
template <typename Work>
auto without_positions(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& error) {
    if (!error.position()) throw;
    Error same(error.code(), error.message(), error.detail(), error.hint());
    throw same.about(error.table_name(), error.column_name(), error.constraint_name(), error.schema_name());
  }
}

std::optional<sql::Statement> merge_as_with(SessionContext& context, const sql::MergeStatement& merge) {
  const std::string text = MergeText(context, merge).text();
  if (text.empty()) return std::nullopt;
  return std::move(sql::parse(text).at(0));
}

}  // namespace

std::vector<SqlType> merge_parameter_types(SessionContext& context, const sql::MergeStatement& merge) {
  return without_positions([&]() -> std::vector<SqlType> {
    const auto statement = merge_as_with(context, merge);
    if (!statement) return {};
    return WithParts(context).describe(*statement);
  });
}

std::string execute_merge(Execution& execution, const sql::MergeStatement& merge) {
  auto& context = execution.context;
  const auto& relation = context.relation(merge.table);
  if (relation.kind == catalog::RelationKind::View) {
    throw Error(ErrorCode::FeatureNotSupported, "cannot execute MERGE on relation \"" + relation.name + "\"",
                "This operation is not supported for views.");
  }
  for (const Clause& clause : merge.clauses) {  // before the lock, which holds up others
    if (clause.action == Action::Update) require_privilege(context, relation, catalog::Privilege::Update);
    if (clause.action == Action::Delete) require_privilege(context, relation, catalog::Privilege::Delete);
    if (clause.action == Action::Insert) require_privilege(context, relation, catalog::Privilege::Insert);
  }
  // Alone: what was found for a row still holds when the row is changed.
  context.lock_for_change(merge.table, "MERGE");
  context.refresh_view();  // what others committed while this waited for the lock
  return without_positions([&]() -> std::string {
    const auto statement = merge_as_with(context, merge);
    std::uint64_t count = 0;
    if (!statement) return "MERGE 0";
    WithParts(context).run(execution, *statement, [&](const sql::WithPart& part, std::uint64_t rows) {
      if (part.name == kCheck && rows > 0) {
        throw Error(ErrorCode::CardinalityViolation, "MERGE command cannot affect row a second time", {},
                    "Ensure that not more than one source row matches any one target row.");
      }
      if (!std::holds_alternative<sql::QueryStatement>(part.statement->body)) count += rows;
    });
    return "MERGE " + std::to_string(count);
  });
}

}  // namespace tickstone::engine
