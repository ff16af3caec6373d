// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "market/check_context.hpp"

namespace tickstone::market {

/// A table of rows by symbol and time, with names as SQL writes them.
struct CheckedTable {
  std::string name;
  std::string shown_name;
  std::string symbol, time;
  bool has_timeframe = false;  // of bars
  std::vector<std::string>
      key;                     // what a row is known by: symbol, time, and timeframe or id where there is one
  bool is_key_unique = false;  // the table forbids two rows of one key
};

/// The tables that `context` asks for, else those of ohlcv, trades and quotes that have rows. One that cannot
/// be looked at makes `result` Critical and is an item of it.
std::vector<CheckedTable> checked_tables(CheckContext& context, CheckResult& result);

/// The length of a bar by its timeframe: `1m`, `5min`, `hour`, `1d`. Nothing for other words, and for weeks
/// and longer, whose bars are not of one length or do not begin at a multiple of it.
std::optional<std::chrono::microseconds> width_of_timeframe(std::string_view timeframe);

}  // namespace tickstone::market
