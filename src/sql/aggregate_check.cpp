// SPDX-License-Identifier: Apache-2.0
// What the query of a continuous aggregate may not have: what would make a bucket's rows depend on more than
// the bucket's raw rows.
#include <tickstone/error.hpp>

#include "sql/aggregate_bucket.hpp"
#include "sql/asof_text.hpp"
#include "sql/parse_tree.hpp"

namespace tickstone::sql {
namespace {

[[noreturn]] void fail_query(std::string detail, std::string hint = {}) {
  throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate query", std::move(detail),
              std::move(hint));
}

[[noreturn]] void fail_view(std::string detail) {
  throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate view", std::move(detail));
}

template <typename Matches>
bool contains(const Node* node, Matches&& matches) {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    found = found || matches(message);
    return !found;
  });
  return found;
}

bool is_windowed(const ProtobufCMessage* message) {
  const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
  return call != nullptr && call->over != nullptr;
}

bool is_sublink(const ProtobufCMessage* message) {
  return message->descriptor == &pg_query__sub_link__descriptor;
}

AggregateRelation relation_of(const Expr& query, const PgQuery__RangeVar& item) {
  AggregateRelation relation;
  relation.name = {item.schemaname, item.relname, query.tree->position(item.location)};
  relation.alias = item.alias != nullptr ? item.alias->aliasname : item.relname;
  relation.is_only = item.inh == 0;
  return relation;
}

void add_relations(const Expr& query, const Node* item, bool is_optional,
                   std::vector<AggregateRelation>& relations) {
  switch (item->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      relations.push_back(relation_of(query, *item->range_var));
      relations.back().is_optional = is_optional;
      return;
    case PG_QUERY__NODE__NODE_JOIN_EXPR: {
      const auto& join = *item->join_expr;
      const bool is_left = join.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT;
      if (join.jointype != PG_QUERY__JOIN_TYPE__JOIN_INNER && !is_left)
        fail_view("only INNER or LEFT joins are supported in continuous aggregates");
      add_relations(query, join.larg, is_optional, relations);
      add_relations(query, join.rarg, is_optional || is_left, relations);
      return;
    }
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      fail_view("TABLESAMPLE is not supported in continuous aggregate.");
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
      if (item->range_subselect->lateral == 0) fail_view("Sub-queries are not supported in FROM clause.");
      walk(&item->base, [&](const ProtobufCMessage* message) {
        if (const auto* inner = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor)) {
          relations.push_back(relation_of(query, *inner));
          relations.back().is_in_subquery = true;
        }
        return true;
      });
      return;
    default:  // functions
      return;
  }
}

}  // namespace

void check_aggregate_query(const Expr& query) {
  const PgQuery__SelectStmt& select = *node_of(query)->select_stmt;
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE)
    fail_query("UNION, EXCEPT & INTERSECT are not supported by continuous aggregates");
  if (select.n_from_clause == 0) fail_query({}, "FROM clause missing in the query");
  if (contains(node_of(query), is_windowed)) {
    fail_query("Window functions are not supported by continuous aggregates.",
               "Use them where the continuous aggregate is read.");
  }
  if (select.n_distinct_clause > 0)
    fail_query("DISTINCT / DISTINCT ON queries are not supported by continuous aggregates.");
  if (select.limit_count != nullptr || select.limit_offset != nullptr) {
    fail_query("LIMIT and LIMIT OFFSET are not supported in queries defining continuous aggregates.",
               "Use LIMIT and LIMIT OFFSET in SELECTS from the continuous aggregate view instead.");
  }
  if (select.with_clause != nullptr || contains(node_of(query), is_sublink))
    fail_query("CTEs and subqueries are not supported by continuous aggregates.");
  if (has_asof_join(node_of(query))) fail_view("ASOF JOIN is not supported in continuous aggregates");
  if (select.n_locking_clause > 0)
    fail_query("Data modification is not allowed in continuous aggregate view definitions.");
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    if (select.group_clause[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
      fail_query("GROUP BY GROUPING SETS, ROLLUP and CUBE are not supported by continuous aggregates",
                 "Define multiple continuous aggregates with different grouping levels.");
    }
  }
  if (select.n_group_clause == 0)
    fail_query({}, "Include at least one aggregate function and a GROUP BY clause with time bucket.");
}

std::vector<AggregateRelation> aggregate_relations_of(const Expr& query) {
  const PgQuery__SelectStmt& select = *node_of(query)->select_stmt;
  std::vector<AggregateRelation> relations;
  for (std::size_t i = 0; i < select.n_from_clause; ++i)
    add_relations(query, select.from_clause[i], false, relations);
  return relations;
}

std::string with_target(const Expr& query, const Expr& expression, const std::string& name) {
  PgQuery__ResTarget target = PG_QUERY__RES_TARGET__INIT;
  std::string label = name;
  target.name = label.data();
  target.val = const_cast<Node*>(node_of(expression));
  Node target_node = PG_QUERY__NODE__INIT;
  target_node.node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  target_node.res_target = &target;
  PgQuery__SelectStmt select = *node_of(query)->select_stmt;
  std::vector<Node*> targets(select.target_list, select.target_list + select.n_target_list);
  targets.push_back(&target_node);
  select.n_target_list = targets.size();
  select.target_list = targets.data();
  Node select_node = PG_QUERY__NODE__INIT;
  select_node.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  select_node.select_stmt = &select;
  return deparse_statement(&select_node);
}

}  // namespace tickstone::sql
