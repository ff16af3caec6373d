// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickstone {

/// What the toolkit's candlestick_agg gathers: four prices with their times, and the volume.
struct Candlestick {
  struct Point {
    std::int64_t us = 0;  // since 1970, UTC
    double value = 0;
  };
  struct Volume {
    double volume = 0;
    double price_volume = 0;  // sum of price times volume
  };
  Point open, high, low, close;
  std::optional<Volume> volume;  // nothing where one of the trades had none

  static Candlestick of_trade(std::int64_t us, double price, std::optional<double> volume);
  /// Of a bar: all prices at one time; its volume counts at the mean of high, low and close.
  static Candlestick of_bar(std::int64_t us, double open, double high, double low, double close,
                            std::optional<double> volume);
  /// On equal times or prices the one that came first stays.
  void add(const Candlestick& other);
  /// Volume-weighted average price; nothing without volume.
  std::optional<double> vwap() const;
};

/// `(version:1,open:(ts:"2026-01-05
/// 10:00:00+00",val:1.5),high:(...),low:(...),close:(...),volume:Transaction(` `vol:10.0,vwap:15.0))`, or
/// `volume:Missing()`; times are in UTC.
void append_candlestick(std::string& out, const Candlestick& value);
/// Errors: InvalidTextRepresentation.
Candlestick parse_candlestick(std::string_view text);
/// As `append_candlestick` prints it.
std::string normalize_candlestick(std::string_view text);

}  // namespace tickstone
