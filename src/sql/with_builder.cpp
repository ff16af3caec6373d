// SPDX-License-Identifier: Apache-2.0
// Queries of WITH that write, and MERGE.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <tickstone/error.hpp>

#include "sql/statement_builder.hpp"

namespace tickstone::sql {

namespace {

bool writes(const Node* query) { return query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT; }

bool has_writing_query(const PgQuery__WithClause* with) {
  if (with == nullptr) return false;
  return std::any_of(with->ctes, with->ctes + with->n_ctes,
                     [](const Node* cte) { return writes(cte->common_table_expr->ctequery); });
}

PgQuery__WithClause** with_clause_of(Node* query) {
  switch (query->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return &query->select_stmt->with_clause;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return &query->insert_stmt->with_clause;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return &query->update_stmt->with_clause;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return &query->delete_stmt->with_clause;
    default:
      return nullptr;
  }
}

bool returns_rows(const Node* query) {
  switch (query->node_case) {
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return query->insert_stmt->n_returning_list > 0;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return query->update_stmt->n_returning_list > 0;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return query->delete_stmt->n_returning_list > 0;
    default:
      return true;
  }
}

/// Whether a relation of that name, without a schema, is read below; `without` is left out.
bool reads_relation(const Node* node, std::string_view name, const void* without) {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    if (message == without) return false;
    const auto* relation = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor);
    found = found || (relation != nullptr && *relation->schemaname == '\0' && name == relation->relname);
    return !found;
  });
  return found;
}

/// How many of the statement's queries read the one of WITH: another of WITH, or the statement itself.
std::size_t reader_count(const PgQuery__WithClause& with, std::size_t index, const Node* node) {
  const std::string_view name = with.ctes[index]->common_table_expr->ctename;
  std::size_t count = reads_relation(node, name, &with) ? 1 : 0;
  for (std::size_t i = index + 1; i < with.n_ctes; ++i)
    count += reads_relation(with.ctes[i]->common_table_expr->ctequery, name, nullptr) ? 1 : 0;
  return count;
}

}  // namespace

/// The query sees those of WITH that come before it.
void StatementBuilder::put_before(const PgQuery__WithClause& with, std::size_t count, Node* query) {
  if (count == 0) return;
  PgQuery__WithClause** place = with_clause_of(query);
  const PgQuery__WithClause* own = *place;
  const std::size_t own_count = own == nullptr ? 0 : own->n_ctes;
  auto* made = static_cast<PgQuery__WithClause*>(tree_->allocate(sizeof(PgQuery__WithClause)));
  pg_query__with_clause__init(made);
  made->ctes = static_cast<Node**>(tree_->allocate(sizeof(Node*) * (count + own_count)));
  made->recursive = with.recursive != 0 || (own != nullptr && own->recursive != 0);
  made->location = with.location;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = with.ctes[i]->common_table_expr->ctename;
    const bool is_hidden =
        own != nullptr && std::any_of(own->ctes, own->ctes + own_count, [&](const Node* cte) {
          return name == cte->common_table_expr->ctename;
        });
    if (!is_hidden) made->ctes[made->n_ctes++] = with.ctes[i];
  }
  for (std::size_t i = 0; i < own_count; ++i) made->ctes[made->n_ctes++] = own->ctes[i];
  *place = made;
}

void StatementBuilder::take_with_parts(const PgQuery__WithClause* with, const Node* node, Statement& out) {
  if (!has_writing_query(with)) return;
  for (std::size_t i = 0; i < with->n_ctes; ++i) {
    const PgQuery__CommonTableExpr& cte = *with->ctes[i]->common_table_expr;
    const bool is_materialized = cte.ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways &&
                                 reader_count(*with, i, node) > 0;
    // What is read once stays where it is, so that it is computed once, and with the statement's view.
    if (!writes(cte.ctequery) && !is_materialized && reader_count(*with, i, node) < 2) continue;
    PgQuery__WithClause** own = with_clause_of(cte.ctequery);
    if (own == nullptr) refuse("this statement in WITH", cte.location);
    if (!writes(cte.ctequery) && with->recursive != 0)
      refuse("a query that is read several times in WITH RECURSIVE with data-modifying statements",
             cte.location);
    if (has_writing_query(*own)) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "WITH clause containing a data-modifying statement must be at the top level")
          .at(std::max(tree_->position(cte.location), std::uint32_t{1}));
    }
    WithPart part;
    part.name = cte.ctename;
    part.node = &cte;
    part.has_rows = returns_rows(cte.ctequery);
    for (std::size_t c = 0; c < cte.n_aliascolnames; ++c)
      part.columns.emplace_back(string_of(cte.aliascolnames[c]));
    part.statement = std::make_shared<Statement>();
    part.statement->text = out.text;
    part.statement->parameter_count = out.parameter_count;
    build_body(cte.ctequery, *part.statement);
    put_before(*with, i, cte.ctequery);
    if (auto* insert = std::get_if<InsertStatement>(&part.statement->body))
      insert->has_with = insert->has_with || i > 0;
    if (writes(cte.ctequery) == std::holds_alternative<QueryStatement>(part.statement->body))
      refuse("this query in WITH beside a data-modifying statement", cte.location);
    out.with_parts.push_back(std::move(part));
  }
  if (auto* query = std::get_if<QueryStatement>(&out.body)) {
    query->has_locking = true;  // it writes: no plan is kept for it
  } else if (std::holds_alternative<ActionStatement>(out.body)) {
    refuse("a function that acts on the database beside a data-modifying statement in WITH");
  }
}

namespace {

/// The text of a SELECT with these parts, and nothing of its own but `SELECT 1`.
std::string text_around(PgQuery__WithClause* with, Node* from) {
  PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
  PgQuery__Integer one = PG_QUERY__INTEGER__INIT;
  one.ival = 1;
  PgQuery__AConst constant = PG_QUERY__A__CONST__INIT;
  constant.val_case = PG_QUERY__A__CONST__VAL_IVAL;
  constant.ival = &one;
  Node value = PG_QUERY__NODE__INIT;
  value.node_case = PG_QUERY__NODE__NODE_A_CONST;
  value.a_const = &constant;
  PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
  target.val = &value;
  Node target_node = PG_QUERY__NODE__INIT;
  target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  target_node.res_target = &target;
  Node* targets[] = {&target_node};
  select.target_list = targets;
  select.n_target_list = 1;
  Node* items[] = {from};
  if (from != nullptr) {
    select.from_clause = items;
    select.n_from_clause = 1;
  }
  select.with_clause = with;
  select.limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  select.op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  Node node = PG_QUERY__NODE__INIT;
  node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  node.select_stmt = &select;
  return deparse_statement(&node);
}

}  // namespace

void StatementBuilder::build_merge(const PgQuery__MergeStmt& merge, Statement& out) {
  using Action = MergeStatement::Clause::Action;
  if (has_writing_query(merge.with_clause)) refuse("a data-modifying statement in WITH of MERGE");
  MergeStatement body;
  out.tag = "MERGE";
  body.table = name_of(merge.relation);
  if (merge.relation->alias != nullptr) body.alias = merge.relation->alias->aliasname;
  constexpr std::string_view kNothing = " SELECT 1", kFrom = "SELECT 1 FROM ";
  if (merge.with_clause != nullptr) {
    body.with = text_around(merge.with_clause, nullptr);
    body.with.resize(body.with.rfind(kNothing));
  }
  body.source = text_around(nullptr, merge.source_relation).substr(kFrom.size());
  body.condition = to_postgres_text(expr(merge.join_condition));
  std::array<bool, 2> takes_all = {};  // a clause before, by whether it is of matched rows
  for (std::size_t i = 0; i < merge.n_merge_when_clauses; ++i) {
    const PgQuery__MergeWhenClause& when = *merge.merge_when_clauses[i]->merge_when_clause;
    MergeStatement::Clause& clause = body.clauses.emplace_back();
    clause.is_matched = when.matched != 0;
    bool& is_taken = takes_all[clause.is_matched ? 1 : 0];
    if (is_taken) {
      throw Error(ErrorCode::SyntaxError,
                  "unreachable WHEN clause specified after unconditional WHEN clause");
    }
    is_taken = when.condition == nullptr;
    if (when.condition != nullptr) clause.condition = to_postgres_text(expr(when.condition));
    switch (when.command_type) {
      case PG_QUERY__CMD_TYPE__CMD_UPDATE:
        clause.action = Action::Update;
        for (const Assignment& assignment : assignments_of(
                 when.n_target_list, when.target_list, body.alias.empty() ? body.table.name : body.alias)) {
          if (assignment.value &&
              node_of(assignment.value)->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF)
            refuse("assignment of a query to several columns in MERGE");
          clause.values.push_back({assignment.column, assignment.is_default
                                                          ? std::string()
                                                          : to_postgres_text(assignment.value)});
        }
        break;
      case PG_QUERY__CMD_TYPE__CMD_DELETE:
        clause.action = Action::Delete;
        break;
      case PG_QUERY__CMD_TYPE__CMD_INSERT: {
        clause.action = Action::Insert;
        clause.overriding_system = when.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
        clause.overriding_user = when.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE;
        clause.default_values = when.n_values == 0;
        if (when.n_target_list > 0 && when.n_target_list != when.n_values) {
          throw Error(ErrorCode::SyntaxError, when.n_values > when.n_target_list
                                                  ? "INSERT has more expressions than target columns"
                                                  : "INSERT has more target columns than expressions");
        }
        for (std::size_t v = 0; v < when.n_values; ++v) {
          const bool is_default = when.values[v]->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
          clause.values.push_back(
              {v < when.n_target_list ? std::string(when.target_list[v]->res_target->name) : std::string(),
               is_default ? std::string() : to_postgres_text(expr(when.values[v]))});
        }
        break;
      }
      default:
        break;
    }
  }
  out.body = std::move(body);
}

}  // namespace tickstone::sql
