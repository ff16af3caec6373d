// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

namespace tickstone {

/// A row of `options_flow`. `symbol` is the underlying; `option_type` is call or put (or c, p), in any case.
struct OptionFlow {
  std::string symbol;
  Timestamp timestamp;
  Date expiration_date;
  Decimal strike_price;
  std::string option_type;
  std::string contract_symbol;
  std::optional<Decimal> premium;
  std::optional<Decimal> volume;
  std::optional<Decimal> open_interest;
  std::optional<Decimal> implied_volatility;
  std::optional<Decimal> delta;
  std::optional<Decimal> gamma;
  std::optional<Decimal> theta;
  std::optional<Decimal> vega;
  std::optional<Decimal> underlying_price;
  std::optional<Decimal> sentiment_score;
  std::optional<std::string> sentiment_source;
  std::string source = "polygon_api";
  std::optional<std::string> batch_id;
  bool processed_by_feature_store = false;  // read; storing leaves it as it is
  friend bool operator==(const OptionFlow&, const OptionFlow&) = default;
};

/// Stores flow in place of what is stored under (contract_symbol, timestamp); counts as all batches do. A row
/// that is marked as processed stays so.
///
/// Rejected: no symbol or contract, an infinite time, a type that is neither call nor put, a negative volume,
/// open interest, premium or implied volatility, a time more than a day after the expiration. Kept: greeks of
/// any size (vendors scale them as they like) and scores of any scale. Errors: of one row, CheckViolation
/// (23514) with the reason.
BatchResult store_options_flow(Executor& executor, std::span<const OptionFlow> flow);
BatchResult store_options_flow(Executor& executor, const OptionFlow& flow);

/// Of an underlying's contracts, in `[start, end)`, oldest first.
std::vector<OptionFlow> get_options_flow(Executor& executor, std::string_view symbol, Timestamp start,
                                         Timestamp end);
/// Of one contract.
std::vector<OptionFlow> get_contract_flow(Executor& executor, std::string_view contract_symbol,
                                          Timestamp start, Timestamp end);
/// Marks flow as read by the feature store, by contract and time. Returns how many rows were not so marked
/// before.
std::size_t mark_options_flow_processed(Executor& executor, std::span<const OptionFlow> flow);

}  // namespace tickstone
