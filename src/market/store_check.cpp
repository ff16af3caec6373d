// SPDX-License-Identifier: Apache-2.0
#include "market/store_check.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "market/check_context.hpp"
#include "market/table_facts.hpp"

namespace tickstone::market {
namespace {

using std::chrono::microseconds;

struct NamedCheck {
  std::string_view name;
  CheckResult (*run)(CheckContext&);
};

constexpr std::array kChecks = {
    NamedCheck{"connection", check_connection},
    NamedCheck{"server", check_server},
    NamedCheck{"schema", check_schema},
    NamedCheck{"tables", check_tables},
    NamedCheck{"probe", check_probe},
    NamedCheck{"freshness", check_freshness},
    NamedCheck{"gaps", check_gaps},
    NamedCheck{"duplicates", check_duplicates},
    NamedCheck{"jobs", check_jobs},
    NamedCheck{"aggregates", check_aggregates},
    NamedCheck{"retention", check_retention},
    NamedCheck{"upkeep", check_upkeep},
    NamedCheck{"disk", check_disk},
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

CheckResult failed(CheckStatus status, const Error& error) {
  CheckResult result;
  result.status = status;
  result.found = fmt::format("{}: {}", sqlstate(error.code()), error.message());
  result.remedy = error.hint();
  return result;
}

/// Leaves the connection as the next check needs it.
void end_transaction(Connection& connection) {
  try {
    if (connection.is_open() && connection.in_transaction()) rows_of(connection, "ROLLBACK");
  } catch (const Error&) {
    // The next check finds the connection as it is, and tells.
  }
}

CheckResult run_one(const NamedCheck& check, CheckContext& context, bool& is_lost) {
  CheckResult result;
  // Boundary: what a check cannot find out is its result.
  try {
    result = check.run(context);
  } catch (const Error& error) {
    end_transaction(context.connection);
    is_lost = !context.connection.is_open();
    result = failed(is_lost ? CheckStatus::Critical : CheckStatus::Unknown, error);
    if (error.code() == ErrorCode::QueryCanceled)
      result.remedy = "Give it more time (--timeout), or less to look at (--since, --symbols).";
    if (error.code() == ErrorCode::InsufficientPrivilege)
      result.remedy =
          "Grant the role of the check SELECT on what it looks at, or leave the check out (--skip).";
    if (is_lost) result.remedy = "See the server's log for why it ended the connection.";
  }
  result.name = check.name;
  sort_items(result);
  return result;
}

}  // namespace

std::string_view to_string(CheckStatus status) {
  switch (status) {
    case CheckStatus::Ok:
      return "OK";
    case CheckStatus::Skipped:
      return "SKIPPED";
    case CheckStatus::Unknown:
      return "UNKNOWN";
    case CheckStatus::Warning:
      return "WARNING";
    case CheckStatus::Critical:
      return "CRITICAL";
  }
  return {};
}

const std::vector<std::string_view>& check_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const auto& check : kChecks) all.push_back(check.name);
    return all;
  }();
  return names;
}

std::vector<CheckResult> check_store(Connection& connection, Home home, const CheckOptions& options,
                                     const std::function<void(const CheckResult&)>& on_result) {
  CheckContext context{connection, home, options, TradingCalendar(options.hours)};
  rows_of(connection, "SET TimeZone = 'UTC'");
  context.now = options.at ? *options.at
                           : Timestamp(microseconds(std::strtoll(
                                 context.text("SELECT " + micros_sql("now()")).c_str(), nullptr, 10)));
  std::vector<CheckResult> results;
  bool is_lost = false;
  for (const auto& check : kChecks) {
    if (!options.only.empty() && !contains(options.only, check.name)) continue;
    if (contains(options.skip, check.name)) continue;
    if (is_lost) {
      results.push_back(
          {std::string(check.name), CheckStatus::Unknown, "the connection was lost before", {}, {}});
    } else {
      results.push_back(run_one(check, context, is_lost));
    }
    if (on_result) on_result(results.back());
  }
  return results;
}

CheckStatus worst_of(const std::vector<CheckResult>& results) {
  CheckStatus worst = CheckStatus::Ok;
  for (const auto& result : results) {
    if (result.status != CheckStatus::Skipped) worsen(worst, result.status);
  }
  return worst;
}

}  // namespace tickstone::market
