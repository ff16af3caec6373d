// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/trading_calendar.hpp>

#include "market/connection.hpp"

namespace tickstone::market {

/// `Skipped`: does not apply here, and why is said; it counts for nothing.
enum class CheckStatus : std::uint8_t { Ok, Skipped, Unknown, Warning, Critical };
/// `OK`, `SKIPPED`, `UNKNOWN`, `WARNING`, `CRITICAL`.
std::string_view to_string(CheckStatus status);

/// What was found of one symbol, job or table.
struct CheckItem {
  CheckStatus status = CheckStatus::Warning;
  std::string subject;
  std::string found;
};

struct CheckResult {
  std::string name;
  CheckStatus status = CheckStatus::Ok;
  std::string found;
  std::string remedy;            // empty: nothing is to be done
  std::vector<CheckItem> items;  // only what is not OK, worst first
};

struct CheckOptions {
  TradingHours hours = TradingHours::UsEquities;
  std::vector<std::string> tables;   // of rows by symbol and time; empty: ohlcv, trades and quotes
  std::vector<std::string> symbols;  // empty: the active ones of `symbols`, and those that have rows
  std::optional<Timestamp> at;       // judged as of then; none: now, by the database's clock
  std::chrono::microseconds since = std::chrono::days(5);  // how far back gaps and duplicates are looked for

  // Time in which the market was open: since the newest row, or the end of the newest bar.
  std::chrono::microseconds warn_age = std::chrono::minutes(15);
  std::chrono::microseconds critical_age = std::chrono::minutes(60);
  // Of a symbol's expected bars, in percent; more is a warning, or critical.
  double warn_missing = 0;
  double critical_missing = 5;
  std::size_t round_trips = 20;
  std::chrono::microseconds warn_latency = std::chrono::milliseconds(100);  // the median
  std::chrono::microseconds critical_latency = std::chrono::seconds(1);
  std::chrono::microseconds job_delay = std::chrono::hours(1);  // a job that is due longer is late
  // Free, in percent; less is a warning, or critical.
  double warn_free = 10;
  double critical_free = 2;
  bool may_write = true;

  std::vector<std::string> only, skip;  // names of checks
};

/// In the order in which they run.
const std::vector<std::string_view>& check_names();

/// Looks at a store, and says of each thing whether it is well; `on_result` hears of each as it is known. A
/// check that fails by an error is Unknown and says which; one whose connection is lost is Critical, and
/// those after it Unknown.
///
/// The connection gets UTC as its time zone. All queries are of sets of rows, and read `since` at most; the
/// probe writes one row and rolls it back.
std::vector<CheckResult> check_store(Connection& connection, Home home, const CheckOptions& options,
                                     const std::function<void(const CheckResult&)>& on_result = {});

/// The worst of all, in the order of CheckStatus; Ok where there are none.
CheckStatus worst_of(const std::vector<CheckResult>& results);

}  // namespace tickstone::market
