// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <tickstone/timestamp.hpp>

namespace tickstone::market {

/// Why the New York Stock Exchange does not trade on a weekday; empty where it does, and on weekends.
std::string_view us_market_closure(Date day);

/// Whether it closes at 13:00. Only of days on which it trades.
bool is_us_early_close(Date day);

}  // namespace tickstone::market
