// SPDX-License-Identifier: Apache-2.0
// Aggregates WITHIN GROUP that DuckDB has not: hypothetical sets, and percentiles of intervals.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

constexpr std::array<std::string_view, 4> kHypothetical = {"rank", "dense_rank", "percent_rank", "cume_dist"};

bool is_descending(const PgQuery__SortBy& sort) {
  if (sort.sortby_dir != PG_QUERY__SORT_BY_DIR__SORTBY_USING)
    return sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
  return sort.n_use_op > 0 && std::string_view(string_of(sort.use_op[sort.n_use_op - 1])) == ">";
}

bool has_nulls_first(const PgQuery__SortBy& sort) {
  switch (sort.sortby_nulls) {
    case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST:
      return true;
    case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST:
      return false;
    default:
      return is_descending(sort);
  }
}

}  // namespace

bool Translator::is_hypothetical(std::string_view name) {
  return std::find(kHypothetical.begin(), kHypothetical.end(), name) != kHypothetical.end();
}

/// What rank and its kin would say of a row with the given values, if the group had it.
Typed Translator::hypothetical(const PgQuery__FuncCall& call, std::vector<Typed> values, const Scope& scope) {
  const std::string_view name = string_of(call.funcname[call.n_funcname - 1]);
  if (call.over != nullptr)
    throw located(Error(ErrorCode::FeatureNotSupported,
                        fmt::format("OVER is not supported for ordered-set aggregate {}", name)),
                  call.location);
  if (values.size() != call.n_agg_order) {
    std::string types;
    for (const Typed& value : values)
      types += (types.empty() ? "" : ", ") + (value.type ? to_sql(*value.type) : "unknown");
    for (std::size_t i = 0; i < call.n_agg_order; ++i) {
      const Typed key = expression(call.agg_order[i]->sort_by->node, scope);
      types += ", " + (key.type ? to_sql(*key.type) : "unknown");
    }
    throw located(
        Error(ErrorCode::UndefinedFunction, fmt::format("function {}({}) does not exist", name, types), {},
              fmt::format(
                  "To use the hypothetical-set aggregate {}, the number of hypothetical direct arguments "
                  "(here {}) must match the number of ordering columns (here {}).",
                  name, values.size(), call.n_agg_order)),
        call.location);
  }
  // Before the row: less by the first key that differs. `peer`: equal in all of them.
  std::string before;
  std::string peer;
  std::string keys;
  for (std::size_t i = values.size(); i-- > 0;) {
    const PgQuery__SortBy& sort = *call.agg_order[i]->sort_by;
    std::array<Typed, 2> pair = {expression(sort.node, scope), std::move(values[i])};
    if (!unify(pair) && pair[0].type && pair[1].type && pair[0].type != pair[1].type) {
      throw located(
          Error(ErrorCode::DatatypeMismatch, fmt::format("WITHIN GROUP types {} and {} cannot be matched",
                                                         to_sql(*pair[0].type), to_sql(*pair[1].type))),
          call.location);
    }
    const std::string key = operand(pair[0]);
    const std::string value = operand(pair[1]);
    const std::string less = fmt::format(
        "CASE WHEN {0} IS NULL THEN {2} AND {1} IS NOT NULL WHEN {1} IS NULL THEN NOT {2} ELSE {0} {3} {1} "
        "END",
        key, value, has_nulls_first(sort) ? "true" : "false", is_descending(sort) ? ">" : "<");
    const std::string equal = fmt::format("{} IS NOT DISTINCT FROM {}", key, value);
    before = before.empty() ? less : fmt::format("{} OR ({} AND ({}))", less, equal, before);
    peer = peer.empty() ? equal : fmt::format("{} AND {}", equal, peer);
    keys = pair[0].text + (keys.empty() ? "" : ", ") + keys;
  }
  const std::string filter =
      call.agg_filter != nullptr ? fmt::format("({}) AND ", condition(call.agg_filter, scope, "FILTER")) : "";
  const auto count = [&filter](const std::string& what, const std::string& rows) {
    return fmt::format("count({}) FILTER (WHERE {}({}))", what, filter, rows);
  };
  if (name == "rank") return plain(count("*", before) + " + 1", SqlType::of(TypeId::BigInt), false);
  if (name == "dense_rank") {
    return plain(count(fmt::format("DISTINCT row({})", keys), before) + " + 1", SqlType::of(TypeId::BigInt),
                 false);
  }
  const SqlType real = SqlType::of(TypeId::Double);
  const std::string all = count("*", "true");
  if (name == "percent_rank") {
    return plain(
        fmt::format("(CASE WHEN {1} = 0 THEN CAST(0 AS DOUBLE) ELSE CAST({0} AS DOUBLE) / CAST({1} AS "
                    "DOUBLE) END)",
                    count("*", before), all),
        real);
  }
  return plain(fmt::format("(CAST({} + 1 AS DOUBLE) / CAST({} + 1 AS DOUBLE))",
                           count("*", fmt::format("({}) OR ({})", before, peer)), all),
               real);
}

/// percentile_cont over intervals.
Typed Translator::interval_percentile(const PgQuery__FuncCall& call, const Typed& fraction, const Typed& key,
                                      const Scope& scope) {
  const SqlType interval = SqlType::of(TypeId::Interval);
  const std::string filter =
      call.agg_filter != nullptr ? " AND (" + condition(call.agg_filter, scope, "FILTER") + ")" : "";
  return plain(fmt::format("pg_interval_percentile(list({}{}) FILTER (WHERE {} IS NOT NULL{}), {})", key.text,
                           order_clause(call.n_agg_order, call.agg_order, scope, nullptr), operand(key),
                           filter, fraction.text),
               fraction.is_array() ? SqlType::array_of(TypeId::Interval) : interval);
}

/// generate_series of NUMERIC, as a list.
std::string Translator::numeric_series(std::vector<Typed> bounds) {
  const SqlType numeric = SqlType::of(TypeId::Numeric);
  for (Typed& bound : bounds) {
    bound = coerced(std::move(bound), numeric);
    if (bound.type && is_integer(bound.type->id)) bound = cast_to(std::move(bound), numeric, nullptr);
  }
  if (bounds.size() < 3) bounds.push_back(plain("CAST(1 AS DECIMAL(18,0))", numeric));
  // The bounds are computed once, beside the functions over the elements, which cannot have queries.
  const Typed start = plain("pg_series.a", numeric);
  const Typed stop = plain("pg_series.b", numeric);
  const Typed step = plain("pg_series.s", numeric);
  const std::string steps = arithmetic("/", arithmetic("-", bounds[1], bounds[0]), bounds[2]).text;
  const std::string each =
      arithmetic("+", start, arithmetic("*", plain("pg_n", SqlType::of(TypeId::BigInt)), step)).text;
  // The count may be rounded up by one.
  return fmt::format(
      "list_transform([{{'a': {0}, 'b': {1}, 's': {2}, 'n': CASE WHEN pg_series_step(CAST({2} AS DOUBLE)) IS "
      "NOT "
      "NULL THEN pg_series_count(CAST({3} AS DOUBLE)) END}}], lambda pg_series: "
      "list_filter(list_transform(range(pg_series.n), lambda pg_n: {4}), lambda pg_each: CASE WHEN "
      "pg_series_step(CAST(pg_series.s AS DOUBLE)) THEN pg_each <= pg_series.b ELSE pg_each >= pg_series.b "
      "END))[1]",
      bounds[0].text, bounds[1].text, bounds[2].text, steps, each);
}

}  // namespace tickstone::sql
