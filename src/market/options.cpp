// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>
#include <tickstone/options.hpp>

#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;
using market::is_negative;

const BatchStore& flow_store() {
  static const BatchStore store({.name = "options_flow",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"expiration_date", ColumnKind::Date, true},
                                             {"strike_price", ColumnKind::Numeric, true},
                                             {"option_type", ColumnKind::Text, true},
                                             {"contract_symbol", ColumnKind::Text, true},
                                             {"premium", ColumnKind::Numeric},
                                             {"volume", ColumnKind::Numeric},
                                             {"open_interest", ColumnKind::Numeric},
                                             {"implied_volatility", ColumnKind::Numeric},
                                             {"delta", ColumnKind::Numeric},
                                             {"gamma", ColumnKind::Numeric},
                                             {"theta", ColumnKind::Numeric},
                                             {"vega", ColumnKind::Numeric},
                                             {"underlying_price", ColumnKind::Numeric},
                                             {"sentiment_score", ColumnKind::Numeric},
                                             {"sentiment_source", ColumnKind::Text},
                                             {"source", ColumnKind::Text, true},
                                             {"batch_id", ColumnKind::Text}},
                                 .key = {5, 1},
                                 .series = {5},
                                 .time = 1});
  return store;
}

bool is_option_type(std::string_view type) {
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "call" || lower == "put" || lower == "c" || lower == "p";
}

std::string reason_against(const OptionFlow& flow) {
  if (flow.symbol.empty()) return "it has no symbol";
  if (flow.contract_symbol.empty()) return "it has no contract symbol";
  if (!is_option_type(flow.option_type))
    return "its option type is \"" + flow.option_type + "\", neither call nor put";
  if (is_negative(flow.premium)) return "its premium is negative";
  if (is_negative(flow.volume)) return "its volume is negative";
  if (is_negative(flow.open_interest)) return "its open interest is negative";
  if (is_negative(flow.implied_volatility)) return "its implied volatility is negative";
  // A day of grace: a session may end on the next day in UTC.
  if (!market::is_infinite(flow.timestamp) &&
      std::chrono::floor<std::chrono::days>(flow.timestamp) > flow.expiration_date + std::chrono::days{1})
    return "it is of " + format_timestamp(flow.timestamp) + ", after the expiration on " +
           format_date(flow.expiration_date);
  return {};
}

Parameters cells_of(const OptionFlow& flow) {
  return {flow.symbol,
          flow.timestamp,
          flow.expiration_date,
          flow.strike_price,
          flow.option_type,
          flow.contract_symbol,
          flow.premium,
          flow.volume,
          flow.open_interest,
          flow.implied_volatility,
          flow.delta,
          flow.gamma,
          flow.theta,
          flow.vega,
          flow.underlying_price,
          flow.sentiment_score,
          flow.sentiment_source,
          flow.source,
          flow.batch_id};
}

OptionFlow flow_from(const DataFrame& frame, std::size_t row) {
  const auto number = [&](std::size_t column) { return frame.get<std::optional<Decimal>>(row, column); };
  const auto text = [&](std::size_t column) { return frame.get<std::optional<std::string>>(row, column); };
  return {.symbol = frame.get<std::string>(row, 0),
          .timestamp = frame.get<Timestamp>(row, 1),
          .expiration_date = frame.get<Date>(row, 2),
          .strike_price = frame.get<Decimal>(row, 3),
          .option_type = frame.get<std::string>(row, 4),
          .contract_symbol = frame.get<std::string>(row, 5),
          .premium = number(6),
          .volume = number(7),
          .open_interest = number(8),
          .implied_volatility = number(9),
          .delta = number(10),
          .gamma = number(11),
          .theta = number(12),
          .vega = number(13),
          .underlying_price = number(14),
          .sentiment_score = number(15),
          .sentiment_source = text(16),
          .source = frame.get<std::string>(row, 17),
          .batch_id = text(18),
          .processed_by_feature_store = frame.get<std::optional<bool>>(row, 19).value_or(false)};
}

std::string select_flow() {
  std::string sql = market::select_from(flow_store().table());
  sql.insert(sql.rfind(" FROM "), ", processed_by_feature_store");
  return sql;
}

}  // namespace

BatchResult store_options_flow(Executor& executor, std::span<const OptionFlow> flow) {
  return market::store_rows(flow_store(), executor, flow, reason_against, cells_of);
}
BatchResult store_options_flow(Executor& executor, const OptionFlow& flow) {
  return market::store_row(flow_store(), executor, flow, reason_against, cells_of);
}

std::vector<OptionFlow> get_options_flow(Executor& executor, std::string_view symbol, Timestamp start,
                                         Timestamp end) {
  static const std::string sql =
      select_flow() +
      "WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp, "
      "contract_symbol";
  return market::read_rows(executor, sql, {symbol, start, end}, flow_from);
}

std::vector<OptionFlow> get_contract_flow(Executor& executor, std::string_view contract_symbol,
                                          Timestamp start, Timestamp end) {
  static const std::string sql =
      select_flow() + "WHERE contract_symbol = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp";
  return market::read_rows(executor, sql, {contract_symbol, start, end}, flow_from);
}

std::size_t mark_options_flow_processed(Executor& executor, std::span<const OptionFlow> flow) {
  std::size_t marked = 0;
  executor.in_transaction(
      [&](Executor& transaction) {
        marked = 0;
        for (const auto& row : flow) {
          marked += transaction.execute(
              "UPDATE options_flow SET processed_by_feature_store = TRUE WHERE contract_symbol = $1 AND "
              "timestamp = $2 AND processed_by_feature_store IS NOT TRUE",
              {row.contract_symbol, row.timestamp});
        }
      },
      true);
  return marked;
}

}  // namespace tickstone
