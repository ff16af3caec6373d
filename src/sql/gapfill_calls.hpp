// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/function_table.hpp"
#include "sql/parse_tree.hpp"

/// How calls of time_bucket_gapfill, locf and interpolate are found in a tree, and their arguments.
namespace tickstone::sql::gapfill {

inline constexpr std::string_view kBoundsHint =
    "Specify start and finish as arguments or in the WHERE clause.";

[[noreturn]] inline void fail(ErrorCode code, const std::string& message, std::string_view hint = {}) {
  throw Error(code, message, {}, std::string(hint));
}

inline std::string_view name_of(const PgQuery__FuncCall& call) {
  return string_of(call.funcname[call.n_funcname - 1]);
}
/// A function of that name in a schema of the user's is another one.
inline bool is_ours(const PgQuery__FuncCall& call) {
  return call.n_funcname < 2 || string_of(call.funcname[call.n_funcname - 2]) == std::string_view("public");
}
inline bool is_gapfill(const PgQuery__FuncCall& call) {
  return name_of(call) == "time_bucket_gapfill" && is_ours(call);
}
inline bool is_marker(const PgQuery__FuncCall& call) {
  return (name_of(call) == "locf" || name_of(call) == "interpolate") && is_ours(call);
}
inline bool is_aggregate_call(const PgQuery__FuncCall& call) {
  return call.agg_star != 0 || call.agg_within_group != 0 || call.agg_filter != nullptr ||
         call.agg_distinct != 0 || call.n_agg_order > 0 || is_aggregate(name_of(call));
}

/// Calls of functions in the node that belong to its own query; `visit` says whether to look at the
/// arguments.
inline void for_each_call(const Node* node, const std::function<bool(const PgQuery__FuncCall&)>& visit) {
  walk(&node->base, [&](const ProtobufCMessage* message) {
    if (const auto* link = as_message<PgQuery__SubLink>(message, pg_query__sub_link__descriptor)) {
      if (link->testexpr != nullptr) for_each_call(link->testexpr, visit);
      return false;
    }
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    return call == nullptr || visit(*call);
  });
}

inline std::size_t count_calls(const Node* node, bool (*matches)(const PgQuery__FuncCall&)) {
  std::size_t count = 0;
  for_each_call(node, [&](const PgQuery__FuncCall& call) {
    if (matches(call)) ++count;
    return true;
  });
  return count;
}

inline bool has_subquery(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    found = found || message->descriptor == &pg_query__sub_link__descriptor;
    return !found;
  });
  return found;
}

inline bool is_null_constant(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull != 0;
}

/// The arguments of a call by the names of its parameters; those left out are null.
template <std::size_t N>
std::array<const Node*, N> by_name(const PgQuery__FuncCall& call,
                                   const std::array<std::string_view, N>& parameters) {
  std::array<const Node*, N> found{};
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* node = call.args[i];
    std::size_t at = i;
    if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      const auto known = std::find(parameters.begin(), parameters.end(), node->named_arg_expr->name);
      at = static_cast<std::size_t>(known - parameters.begin());
      node = node->named_arg_expr->arg;
    }
    if (at >= N || found[at] != nullptr) {
      fail(ErrorCode::UndefinedFunction,
           fmt::format("function {} does not exist with these arguments", name_of(call)),
           "No function matches the given name and argument types. You might need to add explicit type "
           "casts.");
    }
    found[at] = node;
  }
  return found;
}

[[noreturn]] inline void fail_no_function(const std::string& signature) {
  fail(ErrorCode::UndefinedFunction, fmt::format("function {} does not exist", signature),
       "No function matches the given name and argument types. You might need to add explicit type casts.");
}

}  // namespace tickstone::sql::gapfill
