// SPDX-License-Identifier: Apache-2.0
// FOR UPDATE and its kin: which rows a query locks.
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

/// A relation in FROM as a locking clause names it.
struct Source {
  const Node* node = nullptr;
  std::string name;  // its alias, or the table's
  bool is_nullable = false;
};

const PgQuery__Alias* alias_of(const Node* node) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return node->range_var->alias;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
      return node->range_subselect->alias;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
      return node->range_function->alias;
    default:
      return nullptr;
  }
}

void collect(const Node* node, bool is_nullable, std::vector<Source>& sources) {
  if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
    const PgQuery__JoinExpr& join = *node->join_expr;
    const bool left =
        join.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT || join.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    const bool right =
        join.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT || join.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    collect(join.larg, is_nullable || left, sources);
    collect(join.rarg, is_nullable || right, sources);
    return;
  }
  Source source;
  source.node = node;
  source.is_nullable = is_nullable;
  if (const PgQuery__Alias* alias = alias_of(node); alias != nullptr) {
    source.name = alias->aliasname;
  } else if (node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
    source.name = node->range_var->relname;
  }
  sources.push_back(std::move(source));
}

bool has_call(std::size_t count, Node* const* targets, bool wants_window) {
  bool found = false;
  for (std::size_t i = 0; i < count && !found; ++i) {
    walk(&targets[i]->base, [&](const ProtobufCMessage* message) {
      if (as_message<PgQuery__SubLink>(message, pg_query__sub_link__descriptor) != nullptr) return false;
      const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
      if (call == nullptr || call->n_funcname == 0) return true;
      const bool is_window = call->over != nullptr;
      const bool aggregates = !is_window && (call->agg_star != 0 ||
                                             is_aggregate(string_of(call->funcname[call->n_funcname - 1])));
      found = found || (wants_window ? is_window : aggregates);
      return true;
    });
  }
  return found;
}

}  // namespace

void Translator::refuse_locking(const PgQuery__SelectStmt& select, const RowLocking& locking) const {
  const auto fail = [&](const char* what) {
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("{} is not allowed with {}", locking.name(), what));
  };
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE) fail("UNION/INTERSECT/EXCEPT");
  if (select.n_values_lists > 0)
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("{} cannot be applied to VALUES", locking.name()));
  if (select.n_distinct_clause > 0) fail("DISTINCT clause");
  if (select.n_group_clause > 0) fail("GROUP BY clause");
  if (select.having_clause != nullptr) fail("HAVING clause");
  if (has_call(select.n_target_list, select.target_list, false)) fail("aggregate functions");
  if (has_call(select.n_target_list, select.target_list, true)) fail("window functions");
}

/// The identity of each locked relation's rows, to be appended to the select list.
std::string Translator::locked_columns(const PgQuery__SelectStmt& select,
                                       const std::vector<RowLocking>& locking, ColumnList& out) {
  std::vector<Source> sources;
  for (std::size_t i = 0; i < select.n_from_clause; ++i) collect(select.from_clause[i], false, sources);
  // Of several clauses for one relation the strongest counts, and the least patient.
  std::vector<std::optional<RowLocking>> wanted(sources.size());
  const auto want = [&](std::size_t source, const RowLocking& clause) {
    auto& present = wanted[source];
    if (!present) {
      present = clause;
      return;
    }
    present->strength = std::max(present->strength, clause.strength);
    if (clause.wait == RowLocking::Wait::Fail || present->wait == RowLocking::Wait::Block)
      present->wait = clause.wait;
  };
  for (const RowLocking& clause : locking) {
    for (const QualifiedName& table : clause.tables) {
      const auto found = std::find_if(sources.begin(), sources.end(),
                                      [&](const Source& source) { return source.name == table.name; });
      if (found == sources.end()) {
        Error error(
            ErrorCode::UndefinedTable,
            fmt::format("relation \"{}\" in {} clause not found in FROM clause", table.name, clause.name()));
        if (table.position > 0) error.at(table.position);
        throw error;
      }
      want(static_cast<std::size_t>(found - sources.begin()), clause);
    }
    if (!clause.tables.empty()) continue;
    for (std::size_t i = 0; i < sources.size(); ++i) want(i, clause);
  }

  std::string text;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!wanted[i]) continue;
    const Source& source = sources[i];
    const std::string name = wanted[i]->name();
    if (source.is_nullable) {
      throw Error(ErrorCode::FeatureNotSupported,
                  fmt::format("{} cannot be applied to the nullable side of an outer join", name));
    }
    if (source.node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT) refuse(name + " of a subquery");
    if (source.node->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) continue;  // a function's rows are nobody's
    const PgQuery__RangeVar& table = *source.node->range_var;
    if (*table.schemaname == '\0' && ctes_ != nullptr && ctes_->find(table.relname) != nullptr) {
      if (wanted[i]->tables.empty()) continue;
      throw Error(ErrorCode::FeatureNotSupported, fmt::format("{} cannot be applied to a WITH query", name));
    }
    const auto info = lookup_.find_relation(table.schemaname, table.relname);
    if (!info) continue;  // translating FROM has said so
    const auto identity = lookup_.row_identity(*info);
    if (identity.empty()) refuse(fmt::format("{} of \"{}\"", name, info->name));
    DuckQuery::LockedRange range;
    range.schema = info->schema;
    range.name = info->name;
    range.first_column = out.columns.size();
    range.column_count = identity.size();
    range.locking = *wanted[i];
    for (const std::string& column : identity) {
      text += fmt::format(", {}.{}", duck_identifier(source.name), duck_identifier(column));
      const auto found = std::find_if(info->columns.begin(), info->columns.end(),
                                      [&](const auto& c) { return c.name == column; });
      out.columns.push_back(
          {column, found == info->columns.end() ? std::nullopt : std::optional(found->type), true});
    }
    locked.push_back(std::move(range));
  }
  return text;
}

}  // namespace tickstone::sql
