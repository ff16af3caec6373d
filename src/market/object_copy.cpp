// SPDX-License-Identifier: Apache-2.0
#include "market/object_copy.hpp"

#include <algorithm>
#include <utility>

#include <tickstone/error.hpp>

#include "market/table_facts.hpp"

namespace tickstone::market {

void in_transaction(Connection& connection, const std::function<void()>& work) {
  rows_of(connection, "BEGIN");
  try {
    work();
    rows_of(connection, "COMMIT");
  } catch (...) {
    // The connection may be the reason; what it says then is of no use.
    try {
      if (connection.is_open() && connection.in_transaction()) rows_of(connection, "ROLLBACK");
    } catch (const Error&) {
    }
    throw;
  }
}

void ObjectCopy::run(const ObjectPlan& plan, ObjectStep::Phase phase) {
  for (auto& one : run_steps(plan, phase, [](const auto&) { return true; }))
    left_out_.push_back(std::move(one));
}

void ObjectCopy::try_all(const ObjectPlan& plan, ObjectStep::Phase phase,
                         const std::function<bool(const ObjectStep&)>& is_wanted) {
  run_steps(plan, phase, is_wanted);
}

std::vector<LeftOut> ObjectCopy::run_steps(const ObjectPlan& plan, ObjectStep::Phase phase,
                                           const std::function<bool(const ObjectStep&)>& is_wanted) {
  struct Pending {
    const ObjectStep* step;
    LeftOut failure;
  };
  std::vector<Pending> pending;
  for (const auto& step : plan.steps) {
    const bool is_done = std::find(made_.begin(), made_.end(), step.what) != made_.end();
    if (step.phase == phase && !is_done && is_wanted(step)) pending.push_back({&step, {}});
  }
  for (bool has_progress = true; has_progress && !pending.empty();) {
    has_progress = false;
    std::vector<Pending> failed;
    for (auto& one : pending) {
      on_step_(one.step->what);
      try {
        apply(*one.step);
        made_.push_back(one.step->what);
        has_progress = true;
      } catch (const Error& error) {
        // Boundary: what the target does not take stays behind, and is told.
        if (!target_.is_open()) throw;
        one.failure = {one.step->what,
                       "the target says " + std::string(sqlstate(error.code())) + ": " + error.message(),
                       error.hint()};
        failed.push_back(std::move(one));
      }
    }
    pending = std::move(failed);
  }
  std::vector<LeftOut> failures;
  for (auto& one : pending) failures.push_back(std::move(one.failure));
  return failures;
}

void ObjectCopy::apply(const ObjectStep& step) {
  if (!step.unless.empty() && !rows_of(target_, step.unless).empty()) return;
  in_transaction(target_, [&] {
    std::string value;
    for (std::string statement : step.statements) {
      constexpr std::string_view kPlace = "{job}";
      if (const auto at = statement.find(kPlace); at != std::string::npos)
        statement.replace(at, kPlace.size(), value);
      const auto rows = rows_of(target_, statement);
      if (!rows.empty() && !rows.front().empty()) value = rows.front().front().value_or("");
    }
    if (step.checksum.empty()) return;
    const std::string key = quote_literal(step.what);
    rows_of(target_, "DELETE FROM tickstone_copies WHERE range_start = 'object' AND table_name = " + key);
    rows_of(
        target_,
        "INSERT INTO tickstone_copies (table_name, range_start, range_end, row_count, checksum) VALUES (" +
            key + ", 'object', '', 0, " + quote_literal(step.checksum) + ")");
  });
  if (!step.refreshes.empty()) refresh(step.refreshes, {});
}

void ObjectCopy::refresh_view(const ObjectFacts& view) {
  on_step_("refreshing " + view.full_name);
  try {
    rows_of(target_, "REFRESH MATERIALIZED VIEW " + view.full_name);
    refreshed_.push_back(view.full_name);
  } catch (const Error& error) {
    // Boundary: a view that cannot be computed is no end of the copy.
    if (!target_.is_open()) throw;
    left_out_.push_back({"what materialized view " + view.short_name + " has",
                         "the target says " + std::string(sqlstate(error.code())) + ": " + error.message(),
                         error.hint()});
  }
}

void ObjectCopy::refresh(const std::string& aggregate, const std::string& since) {
  if (std::find(refreshed_.begin(), refreshed_.end(), aggregate) != refreshed_.end()) return;
  on_step_("refreshing " + aggregate);
  // On PostgreSQL arguments without a type would have none; elsewhere time may be an integer.
  const bool is_typed = home_ == Home::PostgreSql || !since.empty();
  const std::string type = is_typed ? "::timestamptz" : "";
  rows_of(target_, "CALL refresh_continuous_aggregate(" + quote_literal(aggregate) + ", " +
                       (since.empty() ? "NULL" : quote_literal(since)) + type + ", NULL" + type + ")");
  refreshed_.push_back(aggregate);
}

}  // namespace tickstone::market
