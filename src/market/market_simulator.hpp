// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::market {

struct SimulationOptions {
  std::uint64_t seed = 1;
  int symbol_count = 10;
  int day_count = 2;
  int trades_per_symbol_day = 5'000;     // on average; the first symbols trade more than the last
  std::string first_day = "2026-01-05";  // weekends are left out
};

/// What the simulator writes, table by table.
enum class SimulatedTable : std::uint8_t {
  Symbols,
  Trades,
  Quotes,
  Ohlcv,
  OptionsFlow,
  FeatureMetadata,
  FeatureTimeseries
};
inline constexpr int kSimulatedTableCount = 7;

std::string_view table_name(SimulatedTable table);
/// The columns of its rows, as a list for COPY.
std::string_view column_list(SimulatedTable table);

/// A made-up market that hangs together: every trade lies within the quote before it, bars are what the
/// trades of their minute make them, options follow their underlying, features follow the bars. The same
/// options give the same bytes on every machine.
class MarketSimulator {
 public:
  /// CSV lines without a header, in time order within a table.
  using OnRows = std::function<void(SimulatedTable table, std::string_view csv)>;

  explicit MarketSimulator(const SimulationOptions& options) : options_(options) {}
  /// Cost: memory of half an hour of all symbols. Calls `on_rows` many times; `on_progress` with the part
  /// done in [0, 1].
  void run(const OnRows& on_rows, const std::function<void(double)>& on_progress) const;

 private:
  SimulationOptions options_;
};

}  // namespace tickstone::market
