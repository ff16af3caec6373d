// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/dependent_columns.hpp"
#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/gapfill_calls.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

bool names_objects(const std::optional<SqlType>& type) {
  return type && !type->is_array && is_object_name(type->id);
}

/// A bare name as an expression, or nothing.
const char* bare_name(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) return nullptr;
  const Node* field = node->column_ref->fields[0];
  return field->node_case == PG_QUERY__NODE__NODE_STRING ? field->string->sval : nullptr;
}

const PgQuery__AConst* integer_constant(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull != 0) return nullptr;
  return node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL ? node->a_const : nullptr;
}

bool is_null_constant(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull != 0;
}

bool is_star(const Node* value) {
  return value != nullptr && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
         value->column_ref->fields[value->column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

/// SELECTs that set operations combine, in order.
void collect_arms(const PgQuery__SelectStmt& select, std::vector<const PgQuery__SelectStmt*>& arms) {
  if (select.op == PG_QUERY__SET_OPERATION__SETOP_NONE || select.with_clause != nullptr) {
    arms.push_back(&select);
    return;
  }
  collect_arms(*select.larg, arms);
  collect_arms(*select.rarg, arms);
}

}  // namespace

void Translator::refuse(const std::string& construct, int location) const {
  throw located(Error(ErrorCode::FeatureNotSupported, fmt::format("{} is not supported", construct)),
                location);
}

Error Translator::located(Error error, int location) const {
  if (const std::uint32_t position = tree_->position(location); position > 0 && !error.position())
    error.at(position);
  return error;
}

void Translator::add_relation(const std::string& scan_name) {
  if (std::find(relations.begin(), relations.end(), scan_name) == relations.end())
    relations.push_back(scan_name);
}

std::string Translator::select(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                               const TypeHints* hints) {
  const Holding<const CteScope*> scope_of_ctes(ctes_, ctes_);
  const Holding<const char*> with_aggregates(without_aggregates_, nullptr);
  const Holding<std::vector<std::string>*> no_targets(target_texts_, nullptr);
  const Holding<bool> by_key(is_sorted_as_given_, false);
  const bool is_one_text = std::exchange(makes_distinct_, false);
  const LockRequest* const locking = std::exchange(locking_, nullptr);
  const HowMany how_many = std::exchange(how_many_, HowMany::All);
  if (locking != nullptr) {
    refuse_locking(stmt, locking->clauses.front());
  } else if (stmt.n_locking_clause > 0 && !leaves_locks_ && !is_probing_) {
    return locking_subquery(stmt, outer, out, hints, clauses_of(stmt), how_many);
  }
  std::string text;
  if (stmt.with_clause != nullptr) {
    push_ctes();
    text = with_clause(*stmt.with_clause, outer);
  }
  if (stmt.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
    if (locking != nullptr) refuse("WITH TIES with a locking clause");
    return text + with_ties(stmt, outer, out, hints);
  }
  makes_distinct_ = is_one_text;
  if (stmt.op != PG_QUERY__SET_OPERATION__SETOP_NONE) return text + set_operation(stmt, outer, out, hints);
  if (stmt.n_values_lists > 0) return text + values(stmt, outer, out, hints);
  std::string body = plain_select(stmt, outer, out, hints, locking);
  if (locking != nullptr && locking->query != nullptr) put_with_before_limits(text, *locking->query);
  return text + body;
}

void Translator::put_with_before_limits(const std::string& with, DuckQuery& query) {
  for (std::string* limit : {&query.limit, &query.offset}) {
    const bool is_number = limit->find_first_not_of("0123456789") == std::string::npos;
    if (!is_number && !with.empty()) *limit = fmt::format("({}SELECT {})", with, *limit);
  }
}

namespace {

/// Whether the relation has what the name's first part says: itself, or a column.
bool has_name(const Range& range, const PgQuery__ColumnRef& ref) {
  const std::string_view first = string_of(ref.fields[0]);
  if (ref.n_fields > 1) return range.alias == first;
  return std::any_of(range.list.columns.begin(), range.list.columns.end(),
                     [&](const ScopeColumn& column) { return column.name == first; });
}

bool has_name(const Scope& scope, const PgQuery__ColumnRef& ref) {
  return std::any_of(scope.ranges.begin(), scope.ranges.end(),
                     [&](const Range& range) { return has_name(range, ref); });
}

/// Whether a name in the query is one of the query around it.
bool reads_outer_rows(const PgQuery__SelectStmt& stmt, const Scope& scope) {
  if (scope.outer == nullptr) return false;
  bool found = false;
  walk(&stmt.base, [&](const ProtobufCMessage* message) {
    const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    found = found || (ref != nullptr && ref->n_fields > 0 &&
                      ref->fields[0]->node_case == PG_QUERY__NODE__NODE_STRING && !has_name(scope, *ref) &&
                      has_name(*scope.outer, *ref));
    return !found;
  });
  return found;
}

/// Whether the query is one group, of which there is a row where there are no rows.
bool is_one_group(const PgQuery__SelectStmt& stmt) {
  if (stmt.n_group_clause > 0) return false;
  bool found = stmt.having_clause != nullptr;
  for (std::size_t i = 0; i < stmt.n_target_list && !found; ++i) {
    gapfill::for_each_call(stmt.target_list[i], [&](const PgQuery__FuncCall& call) {
      found = found || (call.over == nullptr && gapfill::is_aggregate_call(call));
      return !found;
    });
  }
  return found;
}

}  // namespace

std::string Translator::plain_select(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                                     const TypeHints* hints, const LockRequest* locking) {
  const bool is_one_text = std::exchange(makes_distinct_, false) || stmt.n_distinct_clause > 0;
  Scope scope;
  scope.outer = outer;
  std::vector<LockedSource> locked;
  if (locking != nullptr) locked = locked_sources(stmt, locking->clauses);
  const std::string from = from_clause(stmt.n_from_clause, stmt.from_clause, scope);

  // A function of the host that returns rows can only stand in FROM.
  if (stmt.n_from_clause == 0 && stmt.n_target_list == 1) {
    const Node* value = stmt.target_list[0]->res_target->val;
    if (value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
      const PgQuery__FuncCall& call = *value->func_call;
      const char* name = string_of(call.funcname[call.n_funcname - 1]);
      if (lookup_.is_host_table_function(name)) {
        return rows_of_function(stmt, call, scope, out);
      }
    }
  }

  std::string text = "SELECT ";
  std::string where;
  if (stmt.where_clause != nullptr) {
    const Holding<const char*> clause(without_aggregates_, "WHERE");
    where = " WHERE " + condition(stmt.where_clause, scope, "WHERE");
  }
  if (locking == nullptr && gapfill_of(stmt) != nullptr)
    return gapfill_select(stmt, scope, from, where, out, hints);
  const Holding<bool> streams(streams_rows_, sends_rows_ && is_top_level_ && !is_wide_ && !is_first_pass_ &&
                                                 hints == nullptr && stmt.n_sort_clause == 0 &&
                                                 stmt.n_group_clause == 0 && stmt.n_distinct_clause == 0 &&
                                                 stmt.n_from_clause > 0);
  std::vector<std::string> target_texts;
  const Holding<std::vector<std::string>*> own_targets(target_texts_, &target_texts);
  const Holding<bool> jsonb_plain(is_jsonb_plain_, groups_jsonb(stmt, scope));
  const Holding<bool> distinct(makes_distinct_, is_one_text);
  const Holding<bool> keeps_group(keeps_group_, outer != nullptr && is_one_group(stmt));
  std::string target_list = targets(stmt.n_target_list, stmt.target_list, scope, out, hints);
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i) {
    if (stmt.group_clause[i]->node_case != PG_QUERY__NODE__NODE_GROUPING_SET) continue;
    // DuckDB loses the group of everything where nothing comes for a row of the query around it.
    if (reads_outer_rows(stmt, scope))
      refuse("grouping sets in a query that reads columns of the one around it");
    // A set without a column has NULL for it.
    for (ScopeColumn& column : out.columns) column.is_not_null = false;
    for (Range& range : scope.ranges) {
      for (ScopeColumn& column : range.list.columns) column.is_not_null = false;
    }
    break;
  }
  if (stmt.n_distinct_clause > 0) {
    text += "DISTINCT ";
    if (stmt.distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET) {
      text += "ON (";
      for (std::size_t i = 0; i < stmt.n_distinct_clause; ++i) {
        text += (i > 0 ? ", " : "") + group_item(stmt.distinct_clause[i], scope, out);
      }
      text += ") ";
    }
  }
  const ColumnList own_columns = out;
  if (locking != nullptr) target_list += locked_columns(locked, scope, *locking, out);
  text += target_list + from + where + group_clause(stmt, scope, out);
  if (stmt.having_clause != nullptr) text += " HAVING " + condition(stmt.having_clause, scope, "HAVING");
  for (std::size_t i = 0; i < stmt.n_window_clause; ++i) {
    const PgQuery__WindowDef& definition = *stmt.window_clause[i]->window_def;
    text += fmt::format("{}{} AS {}", i > 0 ? ", " : " WINDOW ", duck_identifier(definition.name),
                        window_body(definition, scope));
  }
  text += order_clause(stmt.n_sort_clause, stmt.sort_clause, scope, &own_columns);
  if (locking == nullptr || locking->query == nullptr) return text + limit_clause(stmt, scope);
  locking->query->limit = limit_of(stmt.limit_count, scope);
  locking->query->offset = limit_of(stmt.limit_offset, scope);
  return text;
}

/// `SELECT f(...)` of a function that returns rows.
std::string Translator::rows_of_function(const PgQuery__SelectStmt& stmt, const PgQuery__FuncCall& call,
                                         const Scope& scope, ColumnList& out) {
  if (stmt.where_clause != nullptr || stmt.n_group_clause > 0 || stmt.having_clause != nullptr ||
      stmt.n_distinct_clause > 0)
    refuse("a function that returns rows beside WHERE, GROUP BY or DISTINCT", call.location);
  const std::string name = string_of(call.funcname[call.n_funcname - 1]);
  const std::string rows = table_function_call(call, scope);
  const auto columns = lookup_.table_function_columns(name);
  if (!columns || columns->size() != 1) {
    out.is_complete = false;
    return fmt::format("SELECT * FROM {}", rows) + limit_clause(stmt, scope);
  }
  const std::string label = stmt.target_list[0]->res_target->name;
  out.columns.push_back({label.empty() ? name : label, columns->front().type, false});
  return fmt::format("SELECT c AS {} FROM {} AS pg_rows(c)", duck_identifier(out.columns[0].name), rows) +
         order_clause(stmt.n_sort_clause, stmt.sort_clause, scope, &out) + limit_clause(stmt, scope);
}

namespace {

/// `*` of a join with USING, column by column: PostgreSQL has those of USING first, DuckDB where the left
/// side has them. Nothing where that is the same.
std::optional<std::vector<std::string>> reordered_star(const Scope& scope) {
  const auto& star = scope.star.columns;
  if (scope.merged.empty() || !scope.star.is_complete || scope.ranges.empty()) return std::nullopt;
  const auto& left = scope.ranges.front().list.columns;
  bool is_same = left.size() >= scope.merged.size();
  for (std::size_t i = 0; is_same && i < scope.merged.size(); ++i)
    is_same = left[i].name == star[i].name && scope.merged.contains(star[i].name);
  if (is_same) return std::nullopt;
  std::vector<std::string> columns;
  std::map<std::string, std::size_t> next;  // range to look in, by name
  for (const ScopeColumn& column : star) {
    const std::string name = duck_identifier(column.name);
    std::size_t& at = next[column.name];
    if (scope.merged.contains(column.name)) {
      if (at++ > 0)
        throw Error(
            ErrorCode::FeatureNotSupported,
            "* of a join with USING where another relation has a column of that name is not supported");
      columns.push_back(name);
      continue;
    }
    const auto has_it = [&](const Range& range) {
      return std::any_of(range.list.columns.begin(), range.list.columns.end(),
                         [&](const ScopeColumn& candidate) { return candidate.name == column.name; });
    };
    while (at < scope.ranges.size() && !has_it(scope.ranges[at])) ++at;
    if (at == scope.ranges.size() || scope.ranges[at].alias.empty())
      throw Error(ErrorCode::FeatureNotSupported, "* of this join with USING is not supported");
    columns.push_back(duck_identifier(scope.ranges[at].alias) + "." + name);
    ++at;
  }
  return columns;
}

}  // namespace

std::optional<std::string> Translator::star_of_plain_jsonb(std::span<const Range> ranges,
                                                           const Scope& scope) {
  std::string text;
  bool has_some = false;
  for (const Range& range : ranges) {
    if (range.alias.empty() || !range.unlisted.empty() || !range.exported.empty() || !scope.merged.empty())
      return std::nullopt;
    const std::string relation = duck_identifier(range.alias);
    std::string replaced;
    for (const ScopeColumn& column : range.list.columns) {
      if (!column.type || column.type->is_array || column.type->id != TypeId::Jsonb) continue;
      const std::string name = duck_identifier(column.name);
      replaced +=
          fmt::format("{}pg_jsonb_plain({}.{}) AS {}", replaced.empty() ? "" : ", ", relation, name, name);
    }
    has_some = has_some || !replaced.empty();
    text += fmt::format("{}{}.*{}", text.empty() ? "" : ", ", relation,
                        replaced.empty() ? "" : fmt::format(" REPLACE ({})", replaced));
  }
  return has_some ? std::optional(std::move(text)) : std::nullopt;
}

std::string Translator::targets(std::size_t count, Node* const* nodes, const Scope& scope, ColumnList& out,
                                const TypeHints* hints) {
  // PostgreSQL allows a SELECT of no columns; only EXISTS has a use for it.
  if (count == 0) {
    out.columns.push_back({"?column?", SqlType::of(TypeId::Integer), true});
    return "1";
  }
  std::string text;
  std::vector<std::string>* const texts = target_texts_;
  // What is in a target is a query of its own.
  const bool is_one_text = std::exchange(makes_distinct_, false);
  bool keeps_group = std::exchange(keeps_group_, false);
  const auto add_star = [&](const ColumnList& list, const std::string& prefix,
                            std::span<const Range> ranges) {
    check_readable(list);
    out.columns.insert(out.columns.end(), list.columns.begin(), list.columns.end());
    out.is_complete = out.is_complete && list.is_complete;
    if (is_one_text || is_jsonb_plain_) {
      if (const auto star = star_of_plain_jsonb(ranges, scope)) {
        text += *star;
        return;
      }
    }
    text += prefix + "*";
    std::string hidden;
    for (const Range& range : ranges) {
      for (const std::string& column : range.unlisted) hidden += (hidden.empty() ? "" : ", ") + column;
      for (const DuckQuery::LockedRange& exported : range.exported) {
        for (const auto& column : exported.identity)
          hidden += (hidden.empty() ? "" : ", ") + duck_identifier(column.name);
      }
    }
    if (!hidden.empty()) text += fmt::format(" EXCLUDE ({})", hidden);
  };
  const auto add_columns = [&](const std::vector<std::string>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      ScopeColumn column = scope.star.columns[i];
      check_readable(column);
      text += (i > 0 ? ", " : "") + columns[i];
      out.columns.push_back(std::move(column));
    }
  };
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__ResTarget& target = *nodes[i]->res_target;
    if (texts != nullptr) texts->resize(out.columns.size());
    if (i > 0) text += ", ";
    if (is_star(target.val)) {
      const PgQuery__ColumnRef& ref = *target.val->column_ref;
      if (ref.n_fields == 1) {
        if (scope.ranges.empty())
          throw located(Error(ErrorCode::SyntaxError, "SELECT * with no tables specified is not valid"),
                        ref.location);
        if (scope.fill != nullptr)
          text += filled_star(scope.star, "", scope, ref.location, out);
        else if (const auto columns = reordered_star(scope))
          add_columns(*columns);
        else
          add_star(scope.star, "", scope.ranges);
        continue;
      }
      const std::string relation = string_of(ref.fields[ref.n_fields - 2]);
      const Range* found = nullptr;
      for (const Scope* level = &scope; level != nullptr && found == nullptr; level = level->outer) {
        for (const Range& range : level->ranges) {
          if (range.alias == relation) found = &range;
        }
      }
      if (found == nullptr) {
        throw located(Error(ErrorCode::UndefinedTable,
                            fmt::format("missing FROM-clause entry for table \"{}\"", relation)),
                      ref.location);
      }
      if (scope.fill != nullptr)
        text += filled_star(found->list, relation, scope, ref.location, out);
      else
        add_star(found->list, duck_identifier(relation) + ".", std::span(found, 1));
      continue;
    }
    Typed value = streams_rows_ ? streamed_target(target.val, scope) : expression(target.val, scope);
    const bool is_bare = target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && value.is_column;
    const std::string bare = value.text;
    const bool has_hint = hints != nullptr && out.is_complete && out.columns.size() < hints->size() &&
                          (*hints)[out.columns.size()];
    if (has_hint) {
      const SqlType& hint = *(*hints)[out.columns.size()];
      value = coerced(std::move(value), hint);
      if (hint.id == TypeId::Numeric && value.type && is_integer(value.type->id))
        value = widened(std::move(value));
      if (hint.id == TypeId::Double) value = as_double(std::move(value));
      if (hint.id == TypeId::Oid && names_objects(value.type)) value.type = hint;
    } else if (!is_first_pass_ && value.form != Typed::Form::Plain &&
               (is_top_level_ || value.form != Typed::Form::Null)) {
      value = coerced(std::move(value), SqlType::of(TypeId::Text));
    }
    if (is_one_text) value = jsonb_plain(std::move(value));
    // A text that is NULL as written, DuckDB would forget to be one.
    const bool is_computed = target.val->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ||
                             target.val->node_case == PG_QUERY__NODE__NODE_A_EXPR;
    if (!is_top_level_ && is_computed && value.has_type(TypeId::Text) &&
        value.text.find("unnest(") == std::string::npos)
      value = plain(fmt::format("CAST({} AS VARCHAR)", value.text), value.type);
    if (keeps_group && value.text.find("unnest(") == std::string::npos) {
      // Below ORDER BY, DISTINCT and UNION DuckDB loses the group of no rows of a query around, unless
      // something is computed of it that may be more than NULL.
      value = plain(fmt::format("coalesce({}, NULL)", value.text), value.type);
      keeps_group = false;
    }
    const std::string name = *target.name != '\0' ? target.name : output_name_of(target.val);
    text += value.text;
    if (texts != nullptr) texts->push_back(value.text);
    const bool has_name_already = value.is_column && output_name_of(target.val) == name;
    if (!has_name_already) text += " AS " + duck_identifier(name);
    out.columns.push_back(
        {name, value.type, value.is_not_null, is_bare && value.text == bare ? value.source : ColumnSource{}});
  }
  return text;
}

std::string Translator::values(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                               const TypeHints* hints) {
  const bool is_one_text = std::exchange(makes_distinct_, false);
  Scope scope;
  scope.outer = outer;
  std::vector<std::vector<Typed>> rows;
  for (std::size_t r = 0; r < stmt.n_values_lists; ++r) {
    const PgQuery__List& list = *stmt.values_lists[r]->list;
    std::vector<Typed>& row = rows.emplace_back();
    for (std::size_t c = 0; c < list.n_items; ++c) row.push_back(expression(list.items[c], scope));
    if (row.size() != rows.front().size())
      throw located(Error(ErrorCode::SyntaxError, "VALUES lists must all be the same length"),
                    location_of(stmt.values_lists[r]));
  }
  for (std::size_t c = 0; c < rows.front().size(); ++c) {
    std::vector<Typed> column;
    for (auto& row : rows) column.push_back(std::move(row[c]));
    std::optional<SqlType> type = hints != nullptr && c < hints->size() ? (*hints)[c] : std::nullopt;
    if (!type) {
      type = unify(column);
    } else {
      for (Typed& value : column) value = coerced(std::move(value), *type);
    }
    for (std::size_t r = 0; r < rows.size(); ++r)
      rows[r][c] = is_one_text ? jsonb_plain(std::move(column[r])) : std::move(column[r]);
    out.columns.push_back({fmt::format("column{}", c + 1), type, false});
  }
  std::string text = "SELECT * FROM (VALUES ";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    text += r > 0 ? ", (" : "(";
    for (std::size_t c = 0; c < rows[r].size(); ++c) text += (c > 0 ? ", " : "") + rows[r][c].text;
    text += ')';
  }
  text += ") AS \"*VALUES*\"(";
  for (std::size_t c = 0; c < out.columns.size(); ++c) text += (c > 0 ? ", " : "") + out.columns[c].name;
  text += ')';
  return text + order_clause(stmt.n_sort_clause, stmt.sort_clause, scope, &out) + limit_clause(stmt, scope);
}

std::string Translator::set_operation(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                                      const TypeHints* hints) {
  const bool is_one_text = std::exchange(makes_distinct_, false);
  for (const PgQuery__SelectStmt* arm : {stmt.larg, stmt.rarg}) {
    if (arm->n_locking_clause > 0 && !leaves_locks_) {
      throw Error(ErrorCode::FeatureNotSupported, fmt::format("{} is not allowed with UNION/INTERSECT/EXCEPT",
                                                              clauses_of(*arm).front().name()));
    }
  }
  TypeHints found;
  if (hints == nullptr && !is_first_pass_) {
    std::vector<const PgQuery__SelectStmt*> arms;
    collect_arms(stmt, arms);
    const Holding<bool> first_pass(is_first_pass_, true);
    for (const PgQuery__SelectStmt* arm : arms) {
      ColumnList of_arm;
      select(*arm, outer, of_arm);
      found.resize(std::max(found.size(), of_arm.columns.size()));
      for (std::size_t i = 0; i < of_arm.columns.size(); ++i) {
        if (!of_arm.is_complete || !of_arm.columns[i].type) continue;
        const SqlType own = *of_arm.columns[i].type;
        // An OID beside one that is shown by its name is a number, as in PostgreSQL.
        const bool is_number = found[i] && ((names_objects(found[i]) && own.id == TypeId::Oid) ||
                                            (names_objects(own) && found[i]->id == TypeId::Oid));
        found[i] = !found[i] ? own : is_number ? SqlType::of(TypeId::Oid) : common_type(*found[i], own);
      }
    }
    for (std::optional<SqlType>& type : found) {
      if (!type) type = SqlType::of(TypeId::Text);
    }
    hints = &found;
  }
  ColumnList right_columns;
  // Which rows are the same depends on the texts; in what those are combined of, too.
  const bool is_all = stmt.all != 0 && stmt.op == PG_QUERY__SET_OPERATION__SETOP_UNION;
  const auto rows_of = [&](const PgQuery__SelectStmt& one, ColumnList& columns) {
    const Holding<bool> distinct(makes_distinct_, is_one_text || !is_all);
    return select(one, outer, columns, hints);
  };
  const std::string left = rows_of(*stmt.larg, out);
  const std::string right = rows_of(*stmt.rarg, right_columns);
  const char* word = stmt.op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? "UNION"
                     : stmt.op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                                           : "EXCEPT";
  if (out.is_complete && right_columns.is_complete && out.columns.size() != right_columns.columns.size()) {
    const PgQuery__SelectStmt* arm = stmt.rarg;
    while (arm->larg != nullptr) arm = arm->larg;
    throw located(Error(ErrorCode::SyntaxError,
                        fmt::format("each {} query must have the same number of columns", word)),
                  arm->n_target_list > 0 ? location_of(arm->target_list[0]) : -1);
  }
  for (ScopeColumn& column : out.columns) column.source = {};
  for (std::size_t i = 0; i < out.columns.size() && i < right_columns.columns.size(); ++i) {
    const std::optional<SqlType>& other = right_columns.columns[i].type;
    if (!out.columns[i].type) {
      out.columns[i].type = other;
    } else if (other && *other != *out.columns[i].type) {
      const SqlType own = *out.columns[i].type;
      out.columns[i].type = common_type(own, *other);
      if (!out.columns[i].type && own.id != TypeId::Unknown && other->id != TypeId::Unknown &&
          own.id != TypeId::Record && other->id != TypeId::Record) {
        throw Error(ErrorCode::DatatypeMismatch,
                    fmt::format("{} types {} and {} cannot be matched", word, to_sql(own), to_sql(*other)));
      }
    }
    out.columns[i].is_not_null = out.columns[i].is_not_null && right_columns.columns[i].is_not_null;
  }
  Scope scope;
  scope.outer = outer;
  const std::string rows = fmt::format("({}) {}{} ({})", left, word, stmt.all != 0 ? " ALL" : "", right);
  const std::string order = order_clause(stmt.n_sort_clause, stmt.sort_clause, scope, &out);
  // DuckDB sorts them by columns alone.
  const bool has_key = order.find("pg_jsonb_key(") != std::string::npos;
  return (has_key ? fmt::format("SELECT * FROM ({}) AS pg_rows", rows) : rows) + order +
         limit_clause(stmt, scope);
}

const ScopeColumn* Translator::output_column(const Node* node, const Scope& scope, const ColumnList& out,
                                             bool prefers_input) const {
  const char* name = bare_name(node);
  if (name == nullptr) return nullptr;
  if (prefers_input) {
    if (scope.merged.count(name) > 0) return nullptr;
    for (const Range& range : scope.ranges) {
      for (const ScopeColumn& column : range.list.columns) {
        if (column.name == name) return nullptr;
      }
    }
  }
  for (const ScopeColumn& column : out.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

std::string Translator::group_item(const Node* node, const Scope& scope, const ColumnList& out) {
  if (const PgQuery__AConst* ordinal = integer_constant(node)) {
    const int position = ordinal->ival->ival;
    if (out.is_complete && (position < 1 || static_cast<std::size_t>(position) > out.columns.size())) {
      throw located(Error(ErrorCode::InvalidColumnReference,
                          fmt::format("GROUP BY position {} is not in select list", position)),
                    ordinal->location);
    }
    return std::to_string(position);
  }
  if (const ScopeColumn* column = output_column(node, scope, out, true)) return duck_identifier(column->name);
  if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
    const PgQuery__GroupingSet& set = *node->grouping_set;
    std::string items;
    for (std::size_t i = 0; i < set.n_content; ++i)
      items += (i > 0 ? ", " : "") + group_item(set.content[i], scope, out);
    switch (set.kind) {
      case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY:
        return "()";
      case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_ROLLUP:
        return "ROLLUP (" + items + ")";
      case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE:
        return "CUBE (" + items + ")";
      case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS:
        return "GROUPING SETS (" + items + ")";
      default:
        return items;
    }
  }
  if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    std::string items;
    for (std::size_t i = 0; i < node->row_expr->n_args; ++i)
      items += (i > 0 ? ", " : "") + group_item(node->row_expr->args[i], scope, out);
    return "(" + items + ")";
  }
  return expression(node, scope).text;
}

std::string Translator::group_clause(const PgQuery__SelectStmt& stmt, const Scope& scope,
                                     const ColumnList& out) {
  if (stmt.n_group_clause == 0) return {};
  if (stmt.group_distinct != 0) refuse("GROUP BY DISTINCT");
  const Holding<const char*> clause(without_aggregates_, "GROUP BY");
  std::string text = " GROUP BY ";
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i)
    text += (i > 0 ? ", " : "") + group_item(stmt.group_clause[i], scope, out);
  for (const std::string& column : dependent_columns(stmt, scope)) text += ", " + column;
  return text;
}

/// A column of the query as its rows are sorted by it.
std::string Translator::sorted_output(const ColumnList& out, std::size_t at, std::string name) const {
  const std::optional<SqlType>& type = out.columns[at].type;
  if (!type || type->is_array || type->id != TypeId::Jsonb) return name;
  const bool has_text =
      target_texts_ != nullptr && at < target_texts_->size() && !(*target_texts_)[at].empty();
  return fmt::format("pg_jsonb_key({})",
                     has_text ? (*target_texts_)[at] : duck_identifier(out.columns[at].name));
}

std::string Translator::sort_item(const PgQuery__SortBy& sort, const Scope& scope, const ColumnList* out) {
  bool is_not_null = false;
  std::string text;
  const PgQuery__AConst* ordinal = out != nullptr ? integer_constant(sort.node) : nullptr;
  if (ordinal != nullptr) {
    const int position = ordinal->ival->ival;
    if (out->is_complete && (position < 1 || static_cast<std::size_t>(position) > out->columns.size())) {
      throw located(Error(ErrorCode::InvalidColumnReference,
                          fmt::format("ORDER BY position {} is not in select list", position)),
                    ordinal->location);
    }
    if (out->is_complete) is_not_null = out->columns[static_cast<std::size_t>(position) - 1].is_not_null;
    text = std::to_string(position);
    if (out->is_complete) text = sorted_output(*out, static_cast<std::size_t>(position) - 1, std::move(text));
  } else if (const ScopeColumn* column =
                 out != nullptr ? output_column(sort.node, scope, *out, false) : nullptr) {
    is_not_null = column->is_not_null;
    text = sorted_output(*out, static_cast<std::size_t>(column - out->columns.data()),
                         duck_identifier(column->name));
  } else {
    const Typed value = expression(sort.node, scope);
    is_not_null = value.is_column && value.is_not_null;
    text = is_sorted_as_given_ ? jsonb_plain(value).text : jsonb_key(value).text;
  }
  bool is_descending = sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
  if (sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
    const std::string_view op = sort.n_use_op > 0 ? string_of(sort.use_op[sort.n_use_op - 1]) : "";
    if (op != "<" && op != ">") refuse(fmt::format("ORDER BY USING {}", op), sort.location);
    is_descending = op == ">";
  }
  if (is_descending) text += " DESC";
  switch (sort.sortby_nulls) {
    case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST:
      return text + " NULLS FIRST";
    case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST:
      return text + " NULLS LAST";
    default:
      break;
  }
  // Without nulls the order is the same, and NULLS LAST lets the scan stop early.
  return is_descending && is_not_null ? text + " NULLS LAST" : text;
}

std::string Translator::order_clause(std::size_t count, Node* const* items, const Scope& scope,
                                     const ColumnList* out) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += (i > 0 ? ", " : " ORDER BY ") + sort_item(*items[i]->sort_by, scope, out);
  return text;
}

/// A count of LIMIT or OFFSET; empty where there is none.
std::string Translator::limit_of(const Node* node, const Scope& scope) {
  if (node == nullptr || is_null_constant(node)) return {};
  Scope around;
  around.outer = scope.outer;
  return operand(coerced(expression(node, around), SqlType::of(TypeId::BigInt)));
}

std::string Translator::limit_clause(const PgQuery__SelectStmt& stmt, const Scope& scope) {
  const std::string limit = limit_of(stmt.limit_count, scope);
  const std::string offset = limit_of(stmt.limit_offset, scope);
  return (limit.empty() ? "" : " LIMIT " + limit) + (offset.empty() ? "" : " OFFSET " + offset);
}

}  // namespace tickstone::sql
