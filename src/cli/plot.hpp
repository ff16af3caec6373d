// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "market/connection.hpp"

namespace tickstone::cli {

struct PlotOptions {
  std::size_t width = 80, height = 20;  // of everything, in terminal cells
  bool is_colored = false;
  bool is_ascii = false;
};

/// A picture of a result for a terminal: candles where it has columns open, high, low and close, else a line
/// for each column of numbers, over its first column of times (else over its rows).
///
/// Errors: InvalidParameterValue where there is nothing to draw: no rows, or no column of numbers.
std::string plot(const market::TextResult& result, const PlotOptions& options);

}  // namespace tickstone::cli
