// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/statement_builder.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

constexpr std::array<std::string_view, 64> kActions = {"get_telemetry_report",
                                                       "create_hypertable",
                                                       "create_distributed_hypertable",
                                                       "add_dimension",
                                                       "set_chunk_time_interval",
                                                       "set_integer_now_func",
                                                       "set_partitioning_interval",
                                                       "drop_chunks",
                                                       "compress_chunk",
                                                       "decompress_chunk",
                                                       "recompress_chunk",
                                                       "convert_to_columnstore",
                                                       "convert_to_rowstore",
                                                       "rebuild_columnstore",
                                                       "refresh_continuous_aggregate",
                                                       "add_job",
                                                       "alter_job",
                                                       "delete_job",
                                                       "run_job",
                                                       "add_policies",
                                                       "remove_policies",
                                                       "remove_all_policies",
                                                       "alter_policies",
                                                       "reorder_chunk",
                                                       "move_chunk",
                                                       "attach_tablespace",
                                                       "detach_tablespace",
                                                       "detach_tablespaces",
                                                       "set_number_partitions",
                                                       "enable_chunk_skipping",
                                                       "disable_chunk_skipping",
                                                       "merge_chunks",
                                                       "split_chunk",
                                                       "attach_chunk",
                                                       "detach_chunk",
                                                       "create_chunk",
                                                       "cagg_migrate",
                                                       "hypertable_set_owner",
                                                       "tickstone_backup",
                                                       "merge_chunks_concurrently",
                                                       "timescaledb_pre_restore",
                                                       "timescaledb_post_restore",
                                                       "show_tablespaces",
                                                       "add_data_node",
                                                       "attach_data_node",
                                                       "delete_data_node",
                                                       "detach_data_node",
                                                       "alter_data_node",
                                                       "distributed_exec",
                                                       "create_distributed_restore_point",
                                                       "set_replication_factor",
                                                       "copy_chunk",
                                                       "hypertable_relation_size",
                                                       "hypertable_relation_size_pretty",
                                                       "chunk_relation_size",
                                                       "chunk_relation_size_pretty",
                                                       "indexes_relation_size",
                                                       "indexes_relation_size_pretty",
                                                       "add_drop_chunks_policy",
                                                       "remove_drop_chunks_policy",
                                                       "add_compress_chunks_policy",
                                                       "remove_compress_chunks_policy",
                                                       "alter_job_schedule",
                                                       "hypertable_approximate_row_count"};

/// The left-most SELECT of set operations, which has the INTO clause.
const PgQuery__SelectStmt* leftmost(const PgQuery__SelectStmt* select) {
  while (select->larg != nullptr) select = select->larg;
  return select;
}

const char* last_name(const PgQuery__FuncCall& call) {
  return call.n_funcname > 0 ? string_of(call.funcname[call.n_funcname - 1]) : "";
}

bool is_plain_call(const PgQuery__FuncCall& call) {
  return call.over == nullptr && call.agg_filter == nullptr && call.n_agg_order == 0 && call.agg_star == 0 &&
         call.agg_distinct == 0 && is_action_function(last_name(call));
}

RowLocking::Strength strength_of(PgQuery__LockClauseStrength strength) {
  switch (strength) {
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORKEYSHARE:
      return RowLocking::Strength::KeyShare;
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORSHARE:
      return RowLocking::Strength::Share;
    case PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORNOKEYUPDATE:
      return RowLocking::Strength::NoKeyUpdate;
    default:
      return RowLocking::Strength::Update;
  }
}

}  // namespace

std::string RowLocking::name() const {
  switch (strength) {
    case Strength::KeyShare:
      return "FOR KEY SHARE";
    case Strength::Share:
      return "FOR SHARE";
    case Strength::NoKeyUpdate:
      return "FOR NO KEY UPDATE";
    case Strength::Update:
      break;
  }
  return "FOR UPDATE";
}

bool is_action_function(std::string_view name) {
  if (std::find(kActions.begin(), kActions.end(), name) != kActions.end()) return true;
  if ((name.starts_with("add_") || name.starts_with("remove_")) && name.ends_with("_policy")) return true;
  constexpr std::string_view kCheck = "_check";
  if (name.ends_with(kCheck)) name.remove_suffix(kCheck.size());
  return name == "policy_retention" || name == "policy_compression" || name == "policy_reorder" ||
         name == "policy_compaction" || name == "policy_refresh_continuous_aggregate" ||
         name == "policy_job_stat_history_retention";
}

ActionStatement StatementBuilder::action_from_call(const PgQuery__FuncCall& call) const {
  ActionStatement action;
  action.function = last_name(call);
  if (call.n_funcname > 1) action.schema = string_of(call.funcname[call.n_funcname - 2]);
  action.position = std::max(tree_->position(call.location), std::uint32_t{1});
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* argument = call.args[i];
    if (argument->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      action.arguments.push_back({argument->named_arg_expr->name, expr(argument->named_arg_expr->arg)});
    } else {
      action.arguments.push_back({{}, expr(argument)});
    }
  }
  return action;
}

namespace {

/// `SELECT f(show_chunks('t'), x)` as `SELECT f(c, x) FROM show_chunks('t') AS c`; nothing for other calls.
std::optional<std::string> action_on_rows(const ActionStatement& action) {
  if (action.arguments.empty() || !action.arguments[0].value || action.as_table) return std::nullopt;
  const Node* rows = node_of(action.arguments[0].value);
  if (rows->node_case != PG_QUERY__NODE__NODE_FUNC_CALL ||
      string_of(rows->func_call->funcname[rows->func_call->n_funcname - 1]) !=
          std::string_view("show_chunks"))
    return std::nullopt;
  std::string arguments;
  for (std::size_t i = 0; i < action.arguments.size(); ++i) {
    const auto& [name, value] = action.arguments[i];
    arguments += (i > 0 ? ", " : "") + (name.empty() ? "" : duck_quoted_identifier(name) + " => ") +
                 (i == 0 ? "pg_row" : to_postgres_text(value));
  }
  return fmt::format("SELECT {}{}({}){} FROM {} AS pg_row",
                     action.schema.empty() ? "" : duck_quoted_identifier(action.schema) + ".",
                     duck_quoted_identifier(action.function), arguments,
                     action.output_name.empty() ? "" : " AS " + duck_quoted_identifier(action.output_name),
                     to_postgres_text(action.arguments[0].value));
}

}  // namespace

std::optional<ActionStatement> StatementBuilder::action_of(const PgQuery__SelectStmt& select) const {
  const bool is_bare =
      select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.where_clause == nullptr &&
      select.n_group_clause == 0 && select.having_clause == nullptr && select.n_window_clause == 0 &&
      select.n_values_lists == 0 && select.n_sort_clause == 0 && select.limit_count == nullptr &&
      select.limit_offset == nullptr && select.n_distinct_clause == 0 && select.with_clause == nullptr &&
      select.into_clause == nullptr && select.n_locking_clause == 0;
  if (!is_bare || select.n_target_list == 0) return std::nullopt;

  if (select.n_from_clause == 0) {
    if (select.n_target_list != 1) return std::nullopt;
    const PgQuery__ResTarget* target = select.target_list[0]->res_target;
    if (target->val == nullptr || target->val->node_case != PG_QUERY__NODE__NODE_FUNC_CALL)
      return std::nullopt;
    const PgQuery__FuncCall& call = *target->val->func_call;
    if (!is_plain_call(call)) return std::nullopt;
    ActionStatement action = action_from_call(call);
    action.output_name = target->name;
    return action;
  }

  if (select.n_from_clause != 1 || select.from_clause[0]->node_case != PG_QUERY__NODE__NODE_RANGE_FUNCTION)
    return std::nullopt;
  const PgQuery__RangeFunction* function = select.from_clause[0]->range_function;
  if (function->is_rowsfrom != 0 || function->ordinality != 0 || function->n_functions != 1 ||
      function->functions[0]->node_case != PG_QUERY__NODE__NODE_LIST ||
      function->functions[0]->list->n_items == 0 ||
      function->functions[0]->list->items[0]->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
    return std::nullopt;
  }
  const PgQuery__FuncCall& call = *function->functions[0]->list->items[0]->func_call;
  if (!is_plain_call(call)) return std::nullopt;
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const PgQuery__ResTarget* target = select.target_list[i]->res_target;
    if (target->val == nullptr || target->val->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
      return std::nullopt;
    const PgQuery__ColumnRef* column = target->val->column_ref;
    const Node* field = column->fields[column->n_fields - 1];
    if (field->node_case == PG_QUERY__NODE__NODE_A_STAR) {
      if (select.n_target_list != 1) return std::nullopt;
    } else {
      columns.emplace_back(string_of(field));
    }
  }
  ActionStatement action = action_from_call(call);
  action.as_table = true;
  action.columns = std::move(columns);
  return action;
}

/// `SELECT f(c) FROM show_chunks('t') AS c` and the like: everything but the one call is an ordinary query.
std::optional<ActionStatement> StatementBuilder::action_by_row(const PgQuery__SelectStmt& select) const {
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE || select.n_values_lists > 0 ||
      select.into_clause != nullptr || select.n_locking_clause > 0 || select.n_distinct_clause > 0) {
    return std::nullopt;
  }
  const auto call_of = [&](std::size_t i) -> const PgQuery__FuncCall* {
    const Node* value = select.target_list[i]->res_target->val;
    const bool is_call = value != nullptr && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
                         is_plain_call(*value->func_call);
    return is_call ? value->func_call : nullptr;
  };
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    if (call_of(i) == nullptr) continue;
    if (at) return std::nullopt;
    at = i;
  }
  if (!at) return std::nullopt;
  const PgQuery__FuncCall& call = *call_of(*at);
  ActionStatement action = action_from_call(call);
  action.output_name = select.target_list[*at]->res_target->name;
  action.first_argument = *at;
  // A copy of the query's own node, with the arguments as targets.
  std::vector<PgQuery__ResTarget> targets(action.arguments.size());
  std::vector<Node> nodes(action.arguments.size());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < action.arguments.size(); ++i)
    names.push_back(fmt::format("argument_{}", i + 1));
  std::vector<Node*> list;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    if (i != *at) {
      list.push_back(select.target_list[i]);
      continue;
    }
    for (std::size_t k = 0; k < action.arguments.size(); ++k) {
      pg_query__res_target__init(&targets[k]);
      targets[k].name = names[k].data();
      targets[k].val = const_cast<Node*>(node_of(action.arguments[k].value));
      pg_query__node__init(&nodes[k]);
      nodes[k].node_case = PG_QUERY__NODE__NODE_RES_TARGET;
      nodes[k].res_target = &targets[k];
      list.push_back(&nodes[k]);
    }
  }
  if (list.empty()) return std::nullopt;
  PgQuery__SelectStmt copy = select;
  copy.target_list = list.data();
  copy.n_target_list = list.size();
  Node whole;
  pg_query__node__init(&whole);
  whole.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  whole.select_stmt = &copy;
  action.source = parse_query(deparse_statement(&whole));
  for (auto& argument : action.arguments) argument.value = {};
  return action;
}

std::optional<ActionStatement> StatementBuilder::action_within(const PgQuery__SelectStmt& select) const {
  if (select.n_group_clause > 0 || select.having_clause != nullptr || select.n_window_clause > 0 ||
      select.n_sort_clause > 0 || select.limit_count != nullptr || select.limit_offset != nullptr) {
    return std::nullopt;
  }
  const PgQuery__FuncCall* found = nullptr;
  bool is_alone = true;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const Node* value = select.target_list[i]->res_target->val;
    if (value == nullptr) return std::nullopt;
    walk(&value->base, [&](const ProtobufCMessage* message) {
      const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
      const bool is_action = call != nullptr && is_plain_call(*call);
      if (is_action) {
        is_alone = is_alone && found == nullptr;
        found = call;
      } else if (message->descriptor == &pg_query__sub_link__descriptor ||
                 message->descriptor == &pg_query__column_ref__descriptor) {
        is_alone = false;
      }
      return !is_action && is_alone;
    });
  }
  if (found == nullptr || !is_alone) return std::nullopt;
  // The call alone, once a row.
  Node call;
  pg_query__node__init(&call);
  call.node_case = PG_QUERY__NODE__NODE_FUNC_CALL;
  call.func_call = const_cast<PgQuery__FuncCall*>(found);
  PgQuery__ResTarget target;
  pg_query__res_target__init(&target);
  target.val = &call;
  Node list;
  pg_query__node__init(&list);
  list.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  list.res_target = &target;
  Node* first = &list;
  PgQuery__SelectStmt rows = select;
  rows.target_list = &first;
  rows.n_target_list = 1;
  auto action = action_by_row(rows);
  if (!action) return std::nullopt;
  const std::string call_text = to_postgres_text(expr(&call));
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const PgQuery__ResTarget& selected = *select.target_list[i]->res_target;
    std::string text = to_postgres_text(expr(selected.val));
    if (const auto at = text.find(call_text); at != std::string::npos)
      text.replace(at, call_text.size(), kActionResult);
    const Expr query = parse_query("SELECT " + text);
    action->targets.push_back(
        make_expr(query.tree, node_of(query)->select_stmt->target_list[0]->res_target->val));
    action->target_names.push_back(*selected.name == '\0' ? output_name_of(selected.val) : selected.name);
  }
  return action;
}

namespace {

bool calls_action(const PgQuery__SelectStmt& select) {
  bool found = false;
  walk(&select.base, [&](const ProtobufCMessage* message) {
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    found = found || (call != nullptr && is_plain_call(*call));
    return !found;
  });
  return found;
}

/// Whether all of what the query reads is read, and once.
bool reads_all(const PgQuery__SelectStmt& select) {
  return select.op == PG_QUERY__SET_OPERATION__SETOP_NONE && select.limit_count == nullptr &&
         select.limit_offset == nullptr && select.n_locking_clause == 0 && select.into_clause == nullptr &&
         select.n_values_lists == 0;
}

bool reads(const PgQuery__SelectStmt& select, std::string_view with_query) {
  for (std::size_t i = 0; i < select.n_from_clause; ++i) {
    const Node* item = select.from_clause[i];
    if (item->node_case == PG_QUERY__NODE__NODE_RANGE_VAR && *item->range_var->schemaname == '\0' &&
        with_query == item->range_var->relname)
      return true;
  }
  return false;
}

/// The SELECT further in that calls an action, if it runs just once: a query of WITH that FROM names, or the
/// only item of FROM. Else nullptr.
Node* select_with_action(const PgQuery__SelectStmt& select) {
  if (!reads_all(select)) return nullptr;
  for (std::size_t i = 0; select.with_clause != nullptr && i < select.with_clause->n_ctes; ++i) {
    const PgQuery__CommonTableExpr& with = *select.with_clause->ctes[i]->common_table_expr;
    if (with.ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT ||
        !calls_action(*with.ctequery->select_stmt))
      continue;
    return select.with_clause->recursive == 0 && reads(select, with.ctename) ? with.ctequery : nullptr;
  }
  if (select.n_from_clause != 1 || select.from_clause[0]->node_case != PG_QUERY__NODE__NODE_RANGE_SUBSELECT)
    return nullptr;
  const PgQuery__RangeSubselect& item = *select.from_clause[0]->range_subselect;
  if (item.lateral != 0 || item.subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  if (Node* further = select_with_action(*item.subquery->select_stmt)) return further;
  return calls_action(*item.subquery->select_stmt) ? item.subquery : nullptr;
}

std::size_t count_of(const ProtobufCMessage& within, bool (*is_meant)(const ProtobufCMessage*)) {
  std::size_t count = 0;
  walk(&within, [&](const ProtobufCMessage* message) {
    count += is_meant(message) ? 1 : 0;
    return true;
  });
  return count;
}

}  // namespace

std::optional<ActionStatement> StatementBuilder::action_below(const Node* node) const {
  const auto calls = count_of(node->base, [](const ProtobufCMessage* message) {
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    return call != nullptr && is_plain_call(*call);
  });
  if (calls != 1) return std::nullopt;
  const Expr whole = parse_query(to_postgres_text(expr(node)));
  Node* inner = select_with_action(*node_of(whole)->select_stmt);
  if (inner == nullptr) return std::nullopt;
  std::optional<ActionStatement> action = action_by_row(*inner->select_stmt);
  if (!action) return std::nullopt;
  const Expr answers = parse_query(fmt::format("SELECT * FROM \"{}\"", kActionAnswers));
  inner->select_stmt = node_of(answers)->select_stmt;
  const auto parameters = count_of(node_of(whole)->base, [](const ProtobufCMessage* message) {
    return message->descriptor == &pg_query__param_ref__descriptor;
  });
  if (parameters > 0) return std::nullopt;
  action->around = parse_query(to_postgres_text(whole));
  return action;
}

void StatementBuilder::build_select(const Node* node, Statement& out) {
  const PgQuery__SelectStmt& select = *node->select_stmt;
  if (const PgQuery__IntoClause* into = leftmost(&select)->into_clause; into != nullptr) {
    return build_select_into(node, *into, out);
  }
  out.tag = "SELECT";
  if (std::optional<ActionStatement> action = action_of(select)) {
    if (const auto text = action_on_rows(*action)) {
      out.body = std::move(parse(*text).at(0).body);
      return;
    }
    out.body = std::move(*action);
    return;
  }
  std::optional<ActionStatement> action = action_by_row(select);
  if (!action) action = action_within(select);
  if (!action) action = action_below(node);
  if (action) {
    out.body = std::move(*action);
    return;
  }
  QueryStatement query{expr(node)};
  query.locking = locking_of(select);
  query.has_locking = locks_rows(node);
  for (const RowLocking& clause : query.locking) {
    query.no_wait = query.no_wait || clause.wait == RowLocking::Wait::Fail;
    query.skip_locked = query.skip_locked || clause.wait == RowLocking::Wait::Skip;
  }
  out.body = std::move(query);
}

bool locks_rows(const Node* node) {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    const auto* select = as_message<PgQuery__SelectStmt>(message, pg_query__select_stmt__descriptor);
    found = found || (select != nullptr && select->n_locking_clause > 0);
    return !found;
  });
  return found;
}

bool locks_rows(const Expr& query) { return locks_rows(node_of(query)); }

std::vector<RowLocking> StatementBuilder::locking_of(const PgQuery__SelectStmt& select) const {
  std::vector<RowLocking> clauses;
  for (std::size_t i = 0; i < select.n_locking_clause; ++i) {
    const PgQuery__LockingClause* locking = select.locking_clause[i]->locking_clause;
    RowLocking& clause = clauses.emplace_back();
    clause.strength = strength_of(locking->strength);
    clause.wait = locking->wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitError ? RowLocking::Wait::Fail
                  : locking->wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitSkip
                      ? RowLocking::Wait::Skip
                      : RowLocking::Wait::Block;
    for (std::size_t k = 0; k < locking->n_locked_rels; ++k)
      clause.tables.push_back(name_of(locking->locked_rels[k]->range_var));
  }
  return clauses;
}

void StatementBuilder::build_call(const PgQuery__CallStmt& call, Statement& out) {
  out.tag = "CALL";
  ActionStatement action = action_from_call(*call.funccall);
  action.is_call = true;
  out.body = std::move(action);
}

std::vector<Expr> StatementBuilder::targets_of(std::size_t count, Node* const* targets) const {
  std::vector<Expr> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(expr(targets[i]));
  return out;
}

void StatementBuilder::build_insert(const Node* node, Statement& out) {
  const PgQuery__InsertStmt& insert = *node->insert_stmt;
  InsertStatement body;
  out.tag = "INSERT";
  body.whole = expr(node);
  body.table = name_of(insert.relation);
  if (insert.relation->alias != nullptr) body.alias = insert.relation->alias->aliasname;
  for (std::size_t i = 0; i < insert.n_cols; ++i) {
    const PgQuery__ResTarget* column = insert.cols[i]->res_target;
    if (column->n_indirection > 0) refuse("INSERT into a part of a column", column->location);
    if (std::find(body.columns.begin(), body.columns.end(), column->name) != body.columns.end()) {
      throw Error(ErrorCode::DuplicateColumn,
                  fmt::format("column \"{}\" specified more than once", column->name))
          .at(tree_->position(column->location));
    }
    body.columns.emplace_back(column->name);
    body.column_positions.push_back(tree_->position(column->location));
  }
  body.overriding_system = insert.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
  body.overriding_user = insert.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE;
  body.has_with = insert.with_clause != nullptr;
  if (insert.select_stmt == nullptr) {
    body.default_values = true;
  } else {
    const PgQuery__SelectStmt& select = *insert.select_stmt->select_stmt;
    const bool is_values = select.n_values_lists > 0 && select.n_sort_clause == 0 &&
                           select.limit_count == nullptr && select.limit_offset == nullptr &&
                           select.with_clause == nullptr;
    if (is_values) {
      body.values.reserve(select.n_values_lists);
      for (std::size_t r = 0; r < select.n_values_lists; ++r) {
        const PgQuery__List* row = select.values_lists[r]->list;
        std::vector<Expr>& values = body.values.emplace_back();
        values.reserve(row->n_items);
        for (std::size_t c = 0; c < row->n_items; ++c) {
          const bool is_default = row->items[c]->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
          values.push_back(is_default ? Expr{} : expr(row->items[c]));
        }
        if (values.size() != body.values.front().size()) {
          Error error(ErrorCode::SyntaxError, "VALUES lists must all be the same length");
          if (const std::uint32_t position = tree_->position(location_of(select.values_lists[r]));
              position > 0)
            error.at(position);
          throw error;
        }
      }
    } else {
      body.query = expr(insert.select_stmt);
    }
  }
  if (const PgQuery__OnConflictClause* conflict = insert.on_conflict_clause; conflict != nullptr) {
    const bool is_update = conflict->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE;
    body.on_conflict.action = is_update ? OnConflict::Action::Update : OnConflict::Action::Nothing;
    if (const PgQuery__InferClause* infer = conflict->infer; infer != nullptr) {
      body.on_conflict.constraint_name = infer->conname;
      for (std::size_t i = 0; i < infer->n_index_elems; ++i) {
        const PgQuery__IndexElem* element = infer->index_elems[i]->index_elem;
        if (element->expr != nullptr)
          body.on_conflict.target_expressions.push_back(expr(element->expr));
        else
          body.on_conflict.target_columns.emplace_back(element->name);
      }
      body.on_conflict.target_where = expr(infer->where_clause);
    } else if (is_update) {
      throw Error(ErrorCode::SyntaxError,
                  "ON CONFLICT DO UPDATE requires inference specification or constraint name", {},
                  "For example, ON CONFLICT (column_name).")
          .at(tree_->position(conflict->location));
    }
    body.on_conflict.assignments = assignments_of(conflict->n_target_list, conflict->target_list,
                                                  body.alias.empty() ? body.table.name : body.alias);
    body.on_conflict.where = expr(conflict->where_clause);
  }
  body.returning = targets_of(insert.n_returning_list, insert.returning_list);
  out.body = std::move(body);
}

void StatementBuilder::build_update(const Node* node, Statement& out) {
  const PgQuery__UpdateStmt& update = *node->update_stmt;
  UpdateStatement body;
  out.tag = "UPDATE";
  body.whole = expr(node);
  body.table = name_of(update.relation);
  if (update.relation->alias != nullptr) body.alias = update.relation->alias->aliasname;
  body.assignments = assignments_of(update.n_target_list, update.target_list,
                                    body.alias.empty() ? body.table.name : body.alias);
  body.returning = targets_of(update.n_returning_list, update.returning_list);
  out.body = std::move(body);
}

void StatementBuilder::build_delete(const Node* node, Statement& out) {
  const PgQuery__DeleteStmt& del = *node->delete_stmt;
  DeleteStatement body;
  out.tag = "DELETE";
  body.whole = expr(node);
  body.table = name_of(del.relation);
  if (del.relation->alias != nullptr) body.alias = del.relation->alias->aliasname;
  body.returning = targets_of(del.n_returning_list, del.returning_list);
  body.is_unconditional = del.where_clause == nullptr && del.n_using_clause == 0 && del.relation->inh != 0;
  out.body = std::move(body);
}

void StatementBuilder::build_copy(const PgQuery__CopyStmt& copy, Statement& out) {
  CopyStatement body;
  out.tag = "COPY";
  body.table = name_of(copy.relation);
  for (std::size_t i = 0; i < copy.n_attlist; ++i) body.columns.emplace_back(string_of(copy.attlist[i]));
  if (copy.query != nullptr && copy.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    body.changes = std::make_shared<Statement>();
    body.changes->text = out.text;
    build_body(copy.query, *body.changes);
    const bool returns_rows = std::visit(
        [](const auto& changes) {
          if constexpr (requires { changes.returning; }) return !changes.returning.empty();
          return false;
        },
        body.changes->body);
    if (!returns_rows) throw Error(ErrorCode::FeatureNotSupported, "COPY query must have a RETURNING clause");
  } else {
    body.query = expr(copy.query);
  }
  body.is_from = copy.is_from != 0;
  body.is_program = copy.is_program != 0;
  body.file = copy.filename;
  body.options = options_of(copy.n_options, copy.options);
  body.where = expr(copy.where_clause);
  out.body = std::move(body);
}

}  // namespace tickstone::sql
