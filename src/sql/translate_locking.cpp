// SPDX-License-Identifier: Apache-2.0
// FOR UPDATE and its kin: which rows a query locks.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/statement_builder.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

/// A relation in FROM as a locking clause names it.
struct Source {
  const Node* node = nullptr;
  std::string name;  // its alias, or the table's
  bool is_nullable = false;
  bool is_hidden = false;  // within a join that has an alias
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

void collect(const Node* node, bool is_nullable, bool is_hidden, std::vector<Source>& sources) {
  if (node->node_case == PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE)
    return collect(node->range_table_sample->relation, is_nullable, is_hidden, sources);
  if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
    const PgQuery__JoinExpr& join = *node->join_expr;
    const bool left =
        join.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT || join.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    const bool right =
        join.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT || join.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    is_hidden = is_hidden || join.alias != nullptr;
    collect(join.larg, is_nullable || left, is_hidden, sources);
    collect(join.rarg, is_nullable || right, is_hidden, sources);
    return;
  }
  Source source;
  source.node = node;
  source.is_nullable = is_nullable;
  source.is_hidden = is_hidden;
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

std::vector<RowLocking> Translator::clauses_of(const PgQuery__SelectStmt& select) const {
  return StatementBuilder(tree_).locking_of(select);
}

/// The relations in FROM whose rows the clauses lock. Queries and views among them are told to
/// `pushed_locks_`.
std::vector<Translator::LockedSource> Translator::locked_sources(const PgQuery__SelectStmt& select,
                                                                 const std::vector<RowLocking>& clauses) {
  std::vector<Source> sources;
  for (std::size_t i = 0; i < select.n_from_clause; ++i)
    collect(select.from_clause[i], false, false, sources);
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
  for (const RowLocking& clause : clauses) {
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

  std::vector<LockedSource> locked;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!wanted[i]) continue;
    const Source& source = sources[i];
    const std::string name = wanted[i]->name();
    const bool is_named = !wanted[i]->tables.empty();
    if (source.node->node_case == PG_QUERY__NODE__NODE_RANGE_FUNCTION) {
      if (!is_named) continue;  // its rows are nobody's
      throw Error(ErrorCode::FeatureNotSupported, fmt::format("{} cannot be applied to a function", name));
    }
    if (source.is_nullable) {
      throw Error(ErrorCode::FeatureNotSupported,
                  fmt::format("{} cannot be applied to the nullable side of an outer join", name));
    }
    if (source.is_hidden) refuse(name + " of a join with an alias");
    if (source.node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT) {
      const Node* query = source.node->range_subselect->subquery;
      if (query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT && query->select_stmt->n_values_lists > 0)
        continue;
      pushed_locks_[source.node->range_subselect] = *wanted[i];
    } else if (source.node->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) {
      refuse(name + " of this form of FROM");
    } else {
      const PgQuery__RangeVar& table = *source.node->range_var;
      if (*table.schemaname == '\0' && ctes_ != nullptr && ctes_->find(table.relname) != nullptr) {
        if (!is_named) continue;
        throw Error(ErrorCode::FeatureNotSupported,
                    fmt::format("{} cannot be applied to a WITH query", name));
      }
      const auto info = lookup_.find_relation(table.schemaname, table.relname);
      if (!info) continue;  // translating FROM will say so
      if (lookup_.view_text(*info)) pushed_locks_[&table] = *wanted[i];
    }
    locked.push_back({source.node, source.name, *wanted[i]});
  }
  return locked;
}

/// The identity of each locked relation's rows, to be appended to the select list.
std::string Translator::locked_columns(const std::vector<LockedSource>& sources, const Scope& scope,
                                       const LockRequest& request, ColumnList& out) {
  if (!sources.empty() && !out.is_complete)
    refuse(request.clauses.front().name() + " of rows whose columns are not known");
  std::string text;
  const auto add = [&](DuckQuery::LockedRange range) {
    if (request.exports != nullptr) return request.exports->push_back(std::move(range));
    range.first_column = out.columns.size();
    for (const auto& column : range.identity) out.columns.push_back({column.name, column.type, true});
    request.query->locked.push_back(std::move(range));
  };
  for (const LockedSource& source : sources) {
    const bool is_table = source.node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR;
    if (!is_table || pushed_locks_.count(source.node->range_var) > 0) {
      const auto range = std::find_if(scope.ranges.begin(), scope.ranges.end(),
                                      [&](const Range& r) { return r.alias == source.name; });
      if (range == scope.ranges.end()) continue;
      for (const auto& exported : range->exported) {
        for (const auto& column : exported.identity)
          text += fmt::format(", {}.{}", duck_identifier(source.name), duck_identifier(column.name));
        add(exported);
      }
      continue;
    }
    const PgQuery__RangeVar& table = *source.node->range_var;
    const auto info = lookup_.find_relation(table.schemaname, table.relname);
    if (!info) continue;
    const auto identity = lookup_.row_identity(*info);
    if (identity.empty()) refuse(fmt::format("{} of \"{}\"", source.locking.name(), info->name));
    DuckQuery::LockedRange range;
    range.schema = info->schema;
    range.name = info->name;
    range.locking = source.locking;
    for (const std::string& column : identity) {
      const auto found = std::find_if(info->columns.begin(), info->columns.end(),
                                      [&](const auto& c) { return c.name == column; });
      text += fmt::format(", {}.{}", duck_identifier(source.name), duck_identifier(column));
      const std::string name = request.exports == nullptr ? column : fmt::format("#lock{}", export_count_++);
      if (request.exports != nullptr) text += " AS " + duck_identifier(name);
      range.identity.push_back(
          {name, found == info->columns.end() ? std::nullopt : std::optional(found->type)});
    }
    add(std::move(range));
  }
  return text;
}

/// A query in FROM whose rows the query around it locks.
std::string Translator::pushed_select(const PgQuery__SelectStmt& select, const RowLocking& locking,
                                      const Scope* outer, ColumnList& out,
                                      std::vector<DuckQuery::LockedRange>& exported) {
  std::vector<RowLocking> clauses = clauses_of(select);
  const bool stands_alone =
      !clauses.empty() || select.limit_count != nullptr || select.limit_offset != nullptr;
  clauses.insert(clauses.begin(), locking)->tables.clear();
  if (stands_alone)  // what it gives is settled before the query around chooses among it
    return locking_subquery(select, outer, out, nullptr, std::move(clauses), HowMany::All);
  const LockRequest request{std::move(clauses), nullptr, &exported};
  locking_ = &request;
  return this->select(select, outer, out);
}

/// A view whose rows are locked: its query in place.
std::string Translator::locked_view(const RelationInfo& info, const RowLocking& locking, Range& range) {
  Expr& view = views_[range.scan_name];
  if (!view) view = parse_query(*lookup_.view_text(info));
  const TreeSwitch own_tree(*this, view.tree);
  const Holding<bool> kept(is_kept_, true);
  const Holding<const CteScope*> no_ctes(ctes_, nullptr);
  const Holding<bool> nested(is_top_level_, false);
  ColumnList columns;
  const std::string body =
      pushed_select(*node_of(view)->select_stmt, locking, nullptr, columns, range.exported);
  std::string names;
  for (const ScopeColumn& column : range.list.columns)
    names += (names.empty() ? "" : ", ") + duck_identifier(column.name);
  for (const auto& exported : range.exported) {
    for (const auto& column : exported.identity) names += ", " + duck_identifier(column.name);
  }
  return fmt::format("(SELECT * FROM ({}) AS opened({}))", body, names);
}

/// All that the queries of WITH need of each other, in the order of the text.
std::vector<const Cte*> Translator::with_all_used(const std::set<const Cte*>& uses) const {
  std::vector<const Cte*> all(uses.begin(), uses.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const Cte* used : all[i]->uses) {
      if (std::find(all.begin(), all.end(), used) == all.end()) all.push_back(used);
    }
  }
  std::sort(all.begin(), all.end(), [](const Cte* a, const Cte* b) { return a->number < b->number; });
  return all;
}

/// A SELECT inside the statement that locks rows: it is run before the statement, by itself, and its rows are
/// read here.
std::string Translator::locking_subquery(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                                         const TypeHints* hints, std::vector<RowLocking> clauses,
                                         HowMany how_many) {
  const std::size_t count = subqueries_.size();
  const std::string clause = clauses.front().name();
  auto query = std::make_shared<DuckQuery>();
  const LockRequest request{std::move(clauses), query.get(), nullptr};
  std::set<const Cte*> uses;
  ColumnList columns;
  {
    const Holding<std::set<const Cte*>*> own_uses(uses_, &uses);
    const Holding<bool> sends(sends_rows_, false);
    const LockRequest* const around = std::exchange(locking_, &request);
    TICKSTONE_CHECK(around == nullptr);
    try {
      query->text = select(stmt, nullptr, columns, hints);
    } catch (const Error& error) {
      const bool may_be_outer =
          error.code() == ErrorCode::UndefinedColumn || error.code() == ErrorCode::UndefinedTable;
      if (outer == nullptr || !may_be_outer) throw;
      subqueries_.resize(std::min(subqueries_.size(), count));
      const Holding<bool> probing(is_probing_, true);
      locking_ = nullptr;
      ColumnList ignored;
      select(stmt, outer, ignored, hints);
      refuse(clause + " in a subquery that refers to the query around it");
    }
  }
  uses_->insert(uses.begin(), uses.end());

  // The queries of WITH around it that it needs come along.
  std::map<std::string, const Cte*> visible;
  std::string with;
  bool is_recursive = false;
  for (const Cte* cte : with_all_used(uses)) {
    const std::string* name = nullptr;
    for (const CteScope* scope = ctes_; scope != nullptr && name == nullptr; scope = scope->outer) {
      for (const auto& [key, entry] : scope->ctes) {
        if (entry == cte) name = &key;
      }
    }
    if (name == nullptr) continue;  // within one of the others
    if (cte->text.empty())
      throw Error(ErrorCode::FeatureNotSupported, "FOR UPDATE/SHARE in a recursive query is not implemented");
    if (!visible.emplace(*name, cte).second) refuse(clause + " that needs two WITH queries of one name");
    with += (with.empty() ? "" : ", ") + cte->text;
    is_recursive = is_recursive || cte->is_recursive;
  }
  if (!with.empty()) {
    if (stmt.with_clause != nullptr) query->text = "SELECT * FROM (" + query->text + ") AS query";
    with = (is_recursive ? "WITH RECURSIVE " : "WITH ") + with + " ";
    put_with_before_limits(with, *query);
    query->text = with + query->text;
  }
  if (how_many == HowMany::One && query->limit.empty()) query->limit = "1";
  for (const ScopeColumn& column : columns.columns) {
    query->output_names.push_back(column.name);
    query->output_types.push_back(column.type);
  }

  // A tree that is translated again (to find types) is the same query.
  auto slot = std::find_if(subqueries_.begin(), subqueries_.end(),
                           [&](const Subquery& subquery) { return subquery.node == &stmt; });
  if (slot == subqueries_.end()) slot = subqueries_.insert(slot, Subquery{});
  *slot = {&stmt, current_cte_, query};
  const std::string name = fmt::format("#locked{}", slot - subqueries_.begin());
  std::string list;
  out = columns;
  out.columns.resize(out.columns.size() - [&] {
    std::size_t identity = 0;
    for (const auto& range : query->locked) identity += range.identity.size();
    return identity;
  }());
  for (const ScopeColumn& column : out.columns) {
    Typed value = plain(duck_identifier(column.name), column.type);
    if (is_wide_) value = widened(std::move(value));
    list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", value.text, duck_identifier(column.name));
  }
  // Of two columns of one name, each by its place.
  std::set<std::string> names;
  for (const ScopeColumn& column : out.columns) names.insert(column.name);
  if (names.size() < out.columns.size() || list.empty()) list = "*";
  return fmt::format("SELECT {} FROM {}", list, duck_quoted_identifier(name));
}

/// WHERE CURRENT OF: the key of the row that the cursor is on. The grammar has it only as the whole condition
/// of an UPDATE or DELETE, whose table comes first.
Typed Translator::current_of(const PgQuery__CurrentOfExpr& current, const Scope& scope) {
  const SqlType boolean = SqlType::of(TypeId::Boolean);
  if (leaves_locks_) return plain("false", boolean);
  const Range& table = scope.ranges.front();
  const std::size_t dot = table.scan_name.find('.');
  const auto info = lookup_.find_relation(table.scan_name.substr(0, dot), table.scan_name.substr(dot + 1));
  TICKSTONE_CHECK(info);
  std::string text;
  for (const auto& key : lookup_.current_row(current.cursor_name, *info)) {
    Typed value;
    value.form = Typed::Form::UnknownLiteral;
    value.literal = key.text;
    value.text = duck_string(key.text);
    text += fmt::format("{}{}.{} = {}", text.empty() ? "" : " AND ", duck_identifier(table.alias),
                        duck_identifier(key.column), coerced(std::move(value), key.type).text);
  }
  return plain(std::move(text), boolean, false);
}

std::vector<DuckQuery::LockingSubquery> Translator::locking_subqueries() const {
  std::vector<DuckQuery::LockingSubquery> list;
  const auto used = with_all_used(used_);
  for (std::size_t i = 0; i < subqueries_.size(); ++i) {
    const Cte* owner = subqueries_[i].owner;
    const bool is_needed = owner == nullptr || std::find(used.begin(), used.end(), owner) != used.end();
    list.push_back({fmt::format("#locked{}", i), subqueries_[i].query, is_needed});
  }
  return list;
}

}  // namespace tickstone::sql
