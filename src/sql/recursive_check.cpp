// SPDX-License-Identifier: Apache-2.0
#include "sql/recursive_check.hpp"

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/gapfill_calls.hpp"

namespace tickstone::sql {

namespace {

bool reads(const ProtobufCMessage* within, std::string_view name) {
  bool found = false;
  walk(within, [&](const ProtobufCMessage* message) {
    const auto* range = as_message<PgQuery__RangeVar>(message, pg_query__range_var__descriptor);
    found = found || (range != nullptr && *range->schemaname == '\0' && name == range->relname);
    return !found;
  });
  return found;
}

void check_term(const PgQuery__SelectStmt& select, std::string_view name) {
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
    check_term(*select.larg, name);
    check_term(*select.rarg, name);
    return;
  }
  walk(&select.base, [&](const ProtobufCMessage* message) {
    const auto* link = as_message<PgQuery__SubLink>(message, pg_query__sub_link__descriptor);
    if (link == nullptr) return true;
    if (reads(&link->base, name)) {
      throw Error(ErrorCode::SyntaxError,
                  fmt::format("recursive reference to query \"{}\" must not appear within a subquery", name));
    }
    return false;
  });
  bool is_read = false;
  for (std::size_t i = 0; i < select.n_from_clause; ++i)
    is_read = is_read || reads(&select.from_clause[i]->base, name);
  if (!is_read) return;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    gapfill::for_each_call(select.target_list[i], [](const PgQuery__FuncCall& call) {
      if (call.over == nullptr && gapfill::is_aggregate_call(call)) {
        throw Error(ErrorCode::SyntaxError,
                    "aggregate functions are not allowed in a recursive query's recursive term");
      }
      return true;
    });
  }
}

}  // namespace

void check_recursion(const PgQuery__CommonTableExpr& cte) {
  const PgQuery__SelectStmt& query = *cte.ctequery->select_stmt;
  if (query.op != PG_QUERY__SET_OPERATION__SETOP_NONE) check_term(*query.rarg, cte.ctename);
}

bool is_recursive_query(const PgQuery__CommonTableExpr& cte) {
  const PgQuery__SelectStmt& query = *cte.ctequery->select_stmt;
  if (query.op == PG_QUERY__SET_OPERATION__SETOP_NONE || !reads(&query.base, cte.ctename)) return false;
  const char* what = query.n_sort_clause > 0         ? "ORDER BY"
                     : query.limit_offset != nullptr ? "OFFSET"
                     : query.limit_count != nullptr  ? "LIMIT"
                                                     : nullptr;
  if (what != nullptr) {
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("{} in a recursive query is not implemented", what));
  }
  return true;
}

}  // namespace tickstone::sql
