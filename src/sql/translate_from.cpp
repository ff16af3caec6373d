// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/asof_text.hpp"
#include "sql/duck_text.hpp"
#include "sql/translator.hpp"
#include "sql/type_name.hpp"

namespace tickstone::sql {

namespace {

const ScopeColumn* find_column(const ColumnList& list, const std::string& name) {
  for (const ScopeColumn& column : list.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

void make_nullable(Scope& scope, std::size_t from, std::size_t to, ColumnList& star) {
  for (std::size_t i = from; i < to; ++i) {
    for (ScopeColumn& column : scope.ranges[i].list.columns) column.is_not_null = false;
    scope.ranges[i].may_be_missing = true;
  }
  for (ScopeColumn& column : star.columns) column.is_not_null = false;
}

bool is_unnest_of_many(const PgQuery__FuncCall& call) {
  return call.n_args > 1 && std::string_view("unnest") == string_of(call.funcname[call.n_funcname - 1]);
}

bool has_name(const Range& range, const PgQuery__ColumnRef& ref) {
  if (ref.fields[0]->node_case != PG_QUERY__NODE__NODE_STRING) return false;
  const std::string first = string_of(ref.fields[0]);
  return ref.n_fields > 1 ? range.alias == first : find_column(range.list, first) != nullptr;
}

/// Whether a query in the condition reads columns of the relations.
bool has_query_of(const Node* condition, std::span<const Range> ranges) {
  bool found = false;
  walk(&condition->base, [&](const ProtobufCMessage* message) {
    if (message->descriptor != &pg_query__sub_link__descriptor) return !found;
    walk(message, [&](const ProtobufCMessage* inner) {
      const auto* ref = as_message<PgQuery__ColumnRef>(inner, pg_query__column_ref__descriptor);
      found = found || (ref != nullptr && ref->n_fields > 0 &&
                        std::any_of(ranges.begin(), ranges.end(),
                                    [&](const Range& range) { return has_name(range, *ref); }));
      return !found;
    });
    return false;
  });
  return found;
}

void append(ColumnList& to, const ColumnList& from) {
  to.columns.insert(to.columns.end(), from.columns.begin(), from.columns.end());
  to.is_complete = to.is_complete && from.is_complete;
}

}  // namespace

std::string Translator::from_clause(std::size_t count, Node* const* items, Scope& scope) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    ColumnList star;
    text += (i > 0 ? ", " : " FROM ") + from_item(items[i], scope, star);
    append(scope.star, star);
  }
  std::set<std::string> aliases;
  for (const Range& range : scope.ranges) {
    if (!aliases.insert(range.alias).second && !range.alias.empty()) {
      throw Error(ErrorCode::DuplicateAlias,
                  fmt::format("table name \"{}\" specified more than once", range.alias));
    }
  }
  return text;
}

std::string Translator::from_item(const Node* node, Scope& scope, ColumnList& star) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return table(*node->range_var, scope, star);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
      return join(*node->join_expr, scope, star);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
      return subselect(*node->range_subselect, scope, star);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
      return range_function(*node->range_function, scope, star);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE: {
      const PgQuery__RangeTableSample& sample = *node->range_table_sample;
      const std::string_view method = string_of(sample.method[sample.n_method - 1]);
      if ((method != "bernoulli" && method != "system") || sample.n_args != 1)
        refuse(fmt::format("TABLESAMPLE {}", method), sample.location);
      std::string text = from_item(sample.relation, scope, star);
      text += fmt::format(" TABLESAMPLE {}({} PERCENT)", method, expression(sample.args[0], Scope{}).text);
      if (sample.repeatable != nullptr)
        text += fmt::format(" REPEATABLE ({})", expression(sample.repeatable, Scope{}).text);
      return text;
    }
    default:
      refuse("this form of FROM");
  }
}

std::string Translator::alias_text(const PgQuery__Alias* alias, Range& range) {
  std::string text = " AS " + duck_identifier(range.alias);
  if (alias == nullptr || alias->n_colnames == 0) return text;
  if (range.list.is_complete && alias->n_colnames > range.list.columns.size()) {
    throw Error(ErrorCode::InvalidColumnReference,
                fmt::format("table \"{}\" has {} columns available but {} columns specified", range.alias,
                            range.list.columns.size(), alias->n_colnames));
  }
  text += '(';
  for (std::size_t i = 0; i < alias->n_colnames; ++i) {
    const char* name = string_of(alias->colnames[i]);
    text += (i > 0 ? ", " : "") + duck_identifier(name);
    if (i < range.list.columns.size()) {
      range.list.columns[i].name = name;
    } else {
      range.list.columns.push_back({name, std::nullopt, false});
    }
  }
  return text + ')';
}

std::string scan_text(const Range& range, bool with_row_id, DeniedColumns denied) {
  if (!range.scan_query.empty()) return range.scan_query;
  const std::string name = duck_quoted_identifier(range.scan_name);
  const bool is_partly_denied = std::any_of(range.list.columns.begin(), range.list.columns.end(),
                                            [](const ScopeColumn& column) { return column.is_denied; });
  if (is_partly_denied && denied == DeniedColumns::LeftOut) {
    // Whatever else the query says, the others are not there to be read.
    std::string columns;
    for (const ScopeColumn& column : range.list.columns) {
      if (!column.is_denied) columns += (columns.empty() ? "" : ", ") + duck_identifier(column.name);
    }
    return fmt::format("(SELECT {} FROM {}{}{})", columns, name,
                       range.scan_condition.empty() ? "" : " WHERE ", range.scan_condition);
  }
  if (range.scan_condition.empty()) return name;
  return fmt::format("(SELECT *{} FROM {} WHERE {})", with_row_id && range.scan_has_row_id ? ", rowid" : "",
                     name, range.scan_condition);
}

Range Translator::table_range(const RelationInfo& info, const std::string& alias) {
  Range range;
  range.alias = alias.empty() ? info.name : alias;
  if (alias.empty()) range.schema = info.schema;
  range.scan_name = info.scan_words + info.schema + "." + info.name;
  if (info.part) {
    range.scan_name = info.part->scan_name;
    range.scan_condition = info.part->condition;
    range.scan_has_row_id = info.part->has_row_id;
    range.scan_query = info.part->query;
  }
  range.primary_key = info.primary_key;
  std::int16_t number = 0;
  const auto add = [&](const RelationInfo::Column& column) {
    ++number;
    range.list.columns.push_back({column.name, column.type, column.not_null,
                                  info.oid != 0 ? ColumnSource{info.oid, number} : ColumnSource{},
                                  column.is_denied});
  };
  if (info.shown) {
    for (const std::size_t i : *info.shown) add(info.columns[i]);
  } else {
    for (const RelationInfo::Column& column : info.columns) add(column);
  }
  return range;
}

std::string Translator::table(const PgQuery__RangeVar& item, Scope& scope, ColumnList& star) {
  const std::string name = item.relname;
  const std::string schema = item.schemaname;
  const std::string alias = item.alias != nullptr ? item.alias->aliasname : "";
  Range range;
  std::string text;
  const Cte* cte = schema.empty() && ctes_ != nullptr ? ctes_->find(name) : nullptr;
  if (cte != nullptr) {
    if (!cte->has_rows) {
      throw located(Error(ErrorCode::FeatureNotSupported,
                          fmt::format("WITH query \"{}\" does not have a RETURNING clause", name)),
                    item.location);
    }
    uses_->insert(cte);
    range.alias = alias.empty() ? name : alias;
    range.list = cte->list;
    text = duck_identifier(name);
    if (!alias.empty()) text += alias_text(item.alias, range);
  } else {
    const std::string shown = schema.empty() ? name : schema + "." + name;
    if (*item.catalogname != '\0' && item.catalogname != lookup_.current_database()) {
      throw located(Error(ErrorCode::FeatureNotSupported,
                          fmt::format("cross-database references are not implemented: \"{}.{}\"",
                                      item.catalogname, shown)),
                    item.location);
    }
    std::optional<RelationInfo> info = lookup_.find_relation(schema, name);
    if (!info)
      throw located(Error(ErrorCode::UndefinedTable, fmt::format("relation \"{}\" does not exist", shown)),
                    item.location);
    lookup_.require_select(*info);
    range = table_range(*info, alias);
    if (item.inh == 0 && info->has_chunks) range.scan_condition = "false";
    add_relation(range.scan_name);
    const auto pushed = pushed_locks_.find(&item);
    // Names by position are of all columns, and rows are locked by keys that nobody sees.
    const auto denied = locking_ != nullptr || (item.alias != nullptr && item.alias->n_colnames > 0)
                            ? DeniedColumns::Kept
                            : DeniedColumns::LeftOut;
    text = (pushed == pushed_locks_.end() ? scan_text(range, false, denied)
                                          : locked_view(*info, pushed->second, range)) +
           alias_text(item.alias, range);
    // Under other names the key is not what it is called.
    if (item.alias != nullptr && item.alias->n_colnames > 0) range.primary_key.clear();
  }
  star = range.list;
  scope.ranges.push_back(std::move(range));
  return text;
}

std::string Translator::subselect(const PgQuery__RangeSubselect& item, Scope& scope, ColumnList& star) {
  if (item.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) refuse("this form of subquery in FROM");
  Range range;
  {
    const Holding<bool> nested(is_top_level_, false);
    const PgQuery__SelectStmt& query = *item.subquery->select_stmt;
    const Scope* const outer = item.lateral != 0 ? &scope : scope.around();
    const auto pushed = pushed_locks_.find(&item);
    const std::string body = pushed == pushed_locks_.end()
                                 ? select(query, outer, range.list)
                                 : pushed_select(query, pushed->second, outer, range.list, range.exported);
    range.alias = item.alias != nullptr ? item.alias->aliasname : "";
    std::string text =
        fmt::format("{}({}){}", item.lateral != 0 ? "LATERAL " : "", body, alias_text(item.alias, range));
    star = range.list;
    scope.ranges.push_back(std::move(range));
    return text;
  }
}

std::string Translator::join(const PgQuery__JoinExpr& item, Scope& scope, ColumnList& star) {
  Scope inner;
  inner.outer = &scope;
  inner.is_join = true;
  ColumnList left_star;
  ColumnList right_star;
  std::string left = from_item(item.larg, inner, left_star);
  const std::size_t left_count = inner.ranges.size();
  AsofMark mark;
  const bool is_marked = find_asof_mark(item, mark);
  const auto lateral = asof_lateral(item, inner, right_star);
  std::string right = lateral ? lateral->text : from_item(item.rarg, inner, right_star);
  if (item.rarg->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR && item.rarg->join_expr->alias == nullptr)
    right = "(" + right + ")";
  if (item.join_using_alias != nullptr && !is_marked) refuse("an alias of JOIN USING");

  const char* word = "JOIN";
  const bool has_condition = item.quals != nullptr || item.n_using_clause > 0 || item.is_natural != 0;
  bool keeps_left = false;  // rows of the left without a partner stay
  bool keeps_right = false;
  switch (item.jointype) {
    case PG_QUERY__JOIN_TYPE__JOIN_LEFT:
      word = "LEFT JOIN";
      keeps_left = true;
      break;
    case PG_QUERY__JOIN_TYPE__JOIN_RIGHT:
      word = "RIGHT JOIN";
      keeps_right = true;
      break;
    case PG_QUERY__JOIN_TYPE__JOIN_FULL:
      word = "FULL JOIN";
      keeps_left = keeps_right = true;
      break;
    default:
      word = has_condition || lateral ? "JOIN" : "CROSS JOIN";
  }
  if (is_marked || (lateral && lateral->is_asof))
    word = item.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT ? "ASOF LEFT JOIN" : "ASOF JOIN";

  std::vector<std::string> merged;
  std::string tail;
  if (item.is_natural != 0) {
    for (const ScopeColumn& column : left_star.columns) {
      if (find_column(right_star, column.name) != nullptr) merged.push_back(column.name);
    }
  }
  for (std::size_t i = 0; i < item.n_using_clause; ++i) merged.emplace_back(string_of(item.using_clause[i]));
  for (const std::string& name : merged) {
    for (const auto& [side, list] : {std::pair{"left", &left_star}, std::pair{"right", &right_star}}) {
      if (list->is_complete && find_column(*list, name) == nullptr) {
        throw Error(
            ErrorCode::UndefinedColumn,
            fmt::format("column \"{}\" specified in USING clause does not exist in {} table", name, side));
      }
    }
  }
  if (item.n_using_clause > 0 && is_marked) {
    if (inner.ranges.size() != left_count + 1) refuse("ASOF JOIN ... USING of a join");
    // To DuckDB's as-of join NULL equals NULL, and has a place in the order.
    const auto without_nulls = [&](std::string& side, const Range& range, std::size_t from) {
      const std::string alias = duck_identifier(range.alias);
      std::string present;
      for (std::size_t i = from; i < merged.size(); ++i)
        present +=
            fmt::format("{}{}.{} IS NOT NULL", i > from ? " AND " : "", alias, duck_identifier(merged[i]));
      side = fmt::format("(SELECT * FROM {} WHERE {}) AS {}", side, present, alias);
    };
    without_nulls(right, inner.ranges.back(), 0);
    const ScopeColumn* order = find_column(left_star, merged.back());
    if (order == nullptr || !order->is_not_null) {
      if (item.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT || left_count != 1) {
        throw Error(ErrorCode::FeatureNotSupported,
                    fmt::format("ASOF JOIN ... USING of a column that may be NULL, \"{}\", is not supported",
                                merged.back()),
                    {}, "Write ON, or make the column NOT NULL.");
      }
      without_nulls(left, inner.ranges.front(), merged.size() - 1);
    }
  }
  if (item.n_using_clause > 0) {
    tail = " USING (";
    for (std::size_t i = 0; i < merged.size(); ++i) tail += (i > 0 ? ", " : "") + duck_identifier(merged[i]);
    tail += ')';
  } else if (lateral) {
    tail = " ON " + lateral->condition;
  } else if (is_marked) {
    tail = " ON " + asof_condition(mark.condition, inner, left_count);
  } else if (item.quals != nullptr) {
    const Holding<const char*> clause(without_aggregates_, "JOIN conditions");
    std::string on = condition(item.quals, inner, "JOIN/ON");
    const Range* joined = inner.ranges.size() == left_count + 1 ? &inner.ranges.back() : nullptr;
    const bool is_bare =
        joined != nullptr && !joined->alias.empty() && joined->unlisted.empty() && joined->exported.empty();
    if (keeps_left && !keeps_right && is_bare &&
        has_query_of(item.quals, std::span(inner.ranges).first(left_count))) {
      // DuckDB's outer joins have no such queries in their conditions.
      right =
          fmt::format("LATERAL (SELECT * FROM {} WHERE {}) AS {}", right, on, duck_identifier(joined->alias));
      on = "true";
    }
    tail = " ON " + on;
  }
  for (const std::string& name : merged) {
    const ScopeColumn* column = find_column(left_star, name);
    if (column != nullptr) check_readable(*column);
    if (const ScopeColumn* right_column = find_column(right_star, name)) check_readable(*right_column);
    // DuckDB would compare their texts.
    if (column != nullptr && column->type == SqlType::of(TypeId::Jsonb)) refuse("USING of a jsonb");
    ScopeColumn of_both = column != nullptr ? *column : ScopeColumn{name, std::nullopt, false};
    if (keeps_right) of_both.is_not_null = false;
    inner.merged[name] = of_both;
    star.columns.push_back(std::move(of_both));
  }
  if (keeps_right) make_nullable(inner, 0, left_count, left_star);
  if (keeps_left) make_nullable(inner, left_count, inner.ranges.size(), right_star);
  for (const ColumnList* list : {&left_star, &right_star}) {
    for (const ScopeColumn& column : list->columns) {
      if (std::find(merged.begin(), merged.end(), column.name) == merged.end())
        star.columns.push_back(column);
    }
    star.is_complete = star.is_complete && list->is_complete;
  }
  const bool has_none = item.is_natural != 0 && merged.empty();  // all with all
  if (has_none) tail = " ON true";
  std::string text = fmt::format("{} {}{} {}{}", left, item.is_natural != 0 && !has_none ? "NATURAL " : "",
                                 word, right, tail);

  if (item.alias != nullptr) {  // the join under one name: nothing inside is seen from outside
    Range range;
    range.alias = item.alias->aliasname;
    range.list = star;
    std::string unlisted;
    for (const Range& hidden : inner.ranges) {
      for (const std::string& column : hidden.unlisted) unlisted += (unlisted.empty() ? "" : ", ") + column;
    }
    if (!unlisted.empty()) unlisted = fmt::format(" EXCLUDE ({})", unlisted);
    text = fmt::format("(SELECT *{} FROM {}){}", unlisted, text, alias_text(item.alias, range));
    star = range.list;
    scope.ranges.push_back(std::move(range));
    return text;
  }
  for (Range& range : inner.ranges) scope.ranges.push_back(std::move(range));
  scope.merged.merge(inner.merged);
  return text;
}

/// json_to_record and json_to_recordset: members by the names of a column definition list.
std::string Translator::json_records(const PgQuery__RangeFunction& item, const std::string& kind,
                                     const Typed& value, Range& range) {
  if (kind != "to_record" && kind != "to_recordset") refuse("a column definition list");
  const bool is_set = kind == "to_recordset";
  const bool is_b = value.has_type(TypeId::Jsonb);
  std::string columns;
  for (std::size_t i = 0; i < item.n_coldeflist; ++i) {
    const PgQuery__ColumnDef& definition = *item.coldeflist[i]->column_def;
    const SqlType type = sql_type_of(*tree_, *definition.type_name, lookup_);
    const bool as_json = type.id == TypeId::Jsonb || type.id == TypeId::Json;
    const Typed member = plain(fmt::format("{}(pg_record, {})", as_json ? "jsonb_get" : "jsonb_get_text",
                                           duck_string(definition.colname)),
                               as_json ? *value.type : SqlType::of(TypeId::Text));
    columns += fmt::format("{}{} AS {}", i > 0 ? ", " : "", cast_to(member, type, definition.type_name).text,
                           duck_identifier(definition.colname));
    range.list.columns.push_back({definition.colname, type, false});
  }
  const std::string record =
      is_set ? fmt::format("unnest(pg_{}_array_elements({}))", is_b ? "jsonb" : "json", value.text)
             : value.text;
  return fmt::format("(SELECT {} FROM (SELECT {} AS pg_record))", columns, record);
}

std::string Translator::table_function_call(const PgQuery__FuncCall& call, const Scope& scope) {
  const Holding<bool> bound_once(is_bound_once_, true);
  return function(call, scope, true).text;
}

/// ROWS FROM of several functions, and unnest of several arrays: their rows side by side, NULL where one has
/// no more.
std::string Translator::functions_side_by_side(const PgQuery__RangeFunction& item, Scope& scope,
                                               ColumnList& star) {
  Range range;
  std::string values;
  const auto add = [&](const PgQuery__FuncCall& call, const Node* node) {
    const std::string name = output_name_of(node);
    if (lookup_.is_host_table_function(name))
      refuse(fmt::format("{} beside other functions in FROM", name), call.location);
    const Typed value = function(call, scope, false);
    values +=
        fmt::format("{}{} AS c{}", values.empty() ? "" : ", ", value.text, range.list.columns.size() + 1);
    range.list.columns.push_back({name, value.type, false});
  };
  for (std::size_t i = 0; i < item.n_functions; ++i) {
    const PgQuery__List& part = *item.functions[i]->list;
    const Node* node = part.items[0];
    if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || item.n_coldeflist > 0)
      refuse("this function beside others in FROM");
    const PgQuery__FuncCall& call = *node->func_call;
    if (!is_unnest_of_many(call)) {
      add(call, node);
      continue;
    }
    for (std::size_t a = 0; a < call.n_args; ++a) {
      PgQuery__FuncCall one = call;
      one.n_args = 1;
      one.args = &call.args[a];
      add(one, node);
    }
  }
  std::string text = fmt::format("SELECT {}", values);
  if (item.ordinality != 0) {
    text = fmt::format("SELECT *, row_number() OVER () AS pg_ordinality FROM ({})", text);
    range.list.columns.push_back({"ordinality", SqlType::of(TypeId::BigInt), true});
  }
  range.alias = item.alias != nullptr ? item.alias->aliasname : range.list.columns.front().name;
  std::string names;
  for (std::size_t i = 0; i < range.list.columns.size(); ++i) {
    ScopeColumn& column = range.list.columns[i];
    if (item.alias != nullptr && i < item.alias->n_colnames) column.name = string_of(item.alias->colnames[i]);
    names += (i > 0 ? ", " : "") + duck_identifier(column.name);
  }
  text = fmt::format("({}) AS {}({})", text, duck_identifier(range.alias), names);
  if (!scope.ranges.empty() || scope.is_join) text = "LATERAL " + text;
  star = range.list;
  scope.ranges.push_back(std::move(range));
  return text;
}

std::string Translator::range_function(const PgQuery__RangeFunction& item, Scope& scope, ColumnList& star) {
  const Node* first = item.functions[0]->list->items[0];
  if (item.n_functions != 1 ||
      (first->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && is_unnest_of_many(*first->func_call)))
    return functions_side_by_side(item, scope, star);
  const Node* node = item.functions[0]->list->items[0];
  Range range;
  std::string text;
  std::string name = output_name_of(node);
  const std::string alias = item.alias != nullptr ? item.alias->aliasname : "";
  bool is_table_function = false;
  bool has_named_columns = false;
  bool has_ordinality = item.ordinality != 0;
  if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    const PgQuery__FuncCall& call = *node->func_call;
    const auto argument = [&](std::size_t i) { return expression(call.args[i], scope); };
    const bool is_json = name.starts_with("json_") || name.starts_with("jsonb_");
    const std::string kind = is_json ? name.substr(name.find('_') + 1) : name;
    if (auto rows = user_table_function(call, scope, range)) {
      text = std::move(*rows);
      has_named_columns = range.list.columns.size() != 1;
    } else if (name == "pg_partition_ancestors" && call.n_args == 1) {
      // Nothing is partitioned. Of a column of the query around, too.
      text = fmt::format("(SELECT CAST(NULL AS BIGINT) AS relid{} WHERE false)",
                         has_ordinality ? ", CAST(NULL AS BIGINT) AS ordinality" : "");
      range.list.columns = {{"relid", SqlType::of(TypeId::Regclass), false}};
      if (has_ordinality) range.list.columns.push_back({"ordinality", SqlType::of(TypeId::BigInt), true});
      has_ordinality = false;
    } else if (name == "pg_options_to_table" && call.n_args == 1) {
      // Of a column of the query around, which DuckDB's table functions cannot read.
      text = fmt::format(
          "(SELECT split_part(pg_option, '=', 1) AS option_name, CASE WHEN contains(pg_option, '=') THEN "
          "substr(pg_option, instr(pg_option, '=') + 1) END AS option_value FROM (SELECT unnest({}) AS "
          "pg_option))",
          coerced(argument(0), SqlType::array_of(TypeId::Text)).text);
      range.list.columns = {{"option_name", SqlType::of(TypeId::Text), false},
                            {"option_value", SqlType::of(TypeId::Text), false}};
      has_named_columns = true;
    } else if (lookup_.is_host_table_function(name)) {
      text = table_function_call(call, scope);
      is_table_function = true;
      if (const auto columns = lookup_.table_function_columns(name)) {
        for (const RelationInfo::Column& column : *columns)
          range.list.columns.push_back({column.name, column.type, column.not_null});
        has_named_columns = columns->size() != 1;
      } else {
        range.list.is_complete = false;
        has_named_columns = true;
      }
    } else if (is_json && (kind == "each" || kind == "each_text") && call.n_args == 1) {
      const TypeId json = name.starts_with("jsonb") ? TypeId::Jsonb : TypeId::Json;
      text = fmt::format("(SELECT unnest(pg_{}({}), recursive := true))", name,
                         coerced(argument(0), SqlType::of(json)).text);
      range.list.columns = {{"key", SqlType::of(TypeId::Text), true},
                            {"value", SqlType::of(kind == "each" ? json : TypeId::Text), false}};
      has_named_columns = true;
    } else if (item.n_coldeflist > 0) {
      text = json_records(
          item, kind,
          coerced(argument(0), SqlType::of(name.starts_with("jsonb") ? TypeId::Jsonb : TypeId::Json)), range);
      has_named_columns = true;
    } else if (name == "generate_series" && call.n_args >= 2) {
      const Holding<bool> bound_once(is_bound_once_, true);
      const Typed series = function(call, scope, true);
      text = series.text;
      range.list.columns = {{name, series.type, true}};
      // One of NUMERIC is a list.
      const bool is_list = text.starts_with("unnest(");
      is_table_function = is_list ? item.ordinality != 0 || !reads_columns(node)
                                  : item.ordinality != 0 || !series.has_type(TypeId::Integer);
      if (is_list && !is_table_function) text = fmt::format("(SELECT {} AS {})", text, duck_identifier(name));
      // DuckDB's is of BIGINT.
      if (!is_list && !is_table_function)
        text = fmt::format("(SELECT CAST(pg_n AS INTEGER) AS {} FROM {} AS pg_series(pg_n))",
                           duck_identifier(name), text);
    } else {
      // A function that gives one value or, by unnest, one column.
      Typed value = function(call, scope, true);
      constexpr std::string_view kUnnest = "unnest(";
      const bool is_unnest = value.text.starts_with(kUnnest) && value.is_atomic;
      if (is_json && (kind == "array_elements" || kind == "array_elements_text")) name = "value";
      // Of a row's own array, the elements come in order only from a select list.
      const bool keeps_order = item.ordinality != 0 || !reads_columns(node);
      text = is_unnest && keeps_order ? value.text
                                      : fmt::format("(SELECT {} AS {})", value.text, duck_identifier(name));
      is_table_function = is_unnest && keeps_order;
      range.list.columns = {{name, value.type, false}};
      if (name == "_pg_expandarray") {
        text = fmt::format("(SELECT unnest({}, recursive := true))",
                           value.text.substr(kUnnest.size(), value.text.size() - kUnnest.size() - 1));
        range.list.columns = {{"x", std::nullopt, false}, {"n", SqlType::of(TypeId::Integer), true}};
        is_table_function = false;
        has_named_columns = true;
      }
    }
  } else {
    const Typed value = expression(node, scope);
    text = fmt::format("(SELECT {} AS {})", value.text, duck_identifier(name));
    range.list.columns = {{name, value.type, false}};
  }
  range.alias = alias.empty() ? output_name_of(node) : alias;
  if (has_ordinality) {
    if (!is_table_function) refuse(fmt::format("WITH ORDINALITY of {}", name));
    text += " WITH ORDINALITY";
    range.list.columns.push_back({"ordinality", SqlType::of(TypeId::BigInt), true});
  }
  // The alias of a function of one column is the name of its column too.
  if (!has_named_columns) {
    if (!alias.empty() && name != "value") range.list.columns[0].name = alias;
    std::string names;
    for (std::size_t i = 0; i < range.list.columns.size(); ++i) {
      ScopeColumn& column = range.list.columns[i];
      if (item.alias != nullptr && i < item.alias->n_colnames)
        column.name = string_of(item.alias->colnames[i]);
      names += (i > 0 ? ", " : "") + duck_identifier(column.name);
    }
    text += fmt::format(" AS {}({})", duck_identifier(range.alias), names);
    range.is_value = range.list.columns.size() == 1;
  } else {
    text += alias_text(item.alias, range);
  }
  // A function sees the relations before it.
  if (!is_table_function && (!scope.ranges.empty() || scope.is_join)) text = "LATERAL " + text;
  star = range.list;
  scope.ranges.push_back(std::move(range));
  return text;
}

}  // namespace tickstone::sql
