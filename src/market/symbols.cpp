// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>
#include <tickstone/symbols.hpp>

#include "market/store_rows.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;

const BatchStore& symbol_store() {
  static const BatchStore store({.name = "symbols",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"name", ColumnKind::Text},
                                             {"type", ColumnKind::Text},
                                             {"market", ColumnKind::Text},
                                             {"currency", ColumnKind::Text},
                                             {"active", ColumnKind::Boolean},
                                             {"metadata", ColumnKind::Json},
                                             {"last_updated", ColumnKind::Time, false, false}},
                                 .key = {0},
                                 .series = {},
                                 .time = std::nullopt});
  return store;
}

std::string reason_against_symbol(const Symbol& symbol) {
  if (symbol.symbol.empty()) return "it has no symbol";
  if (symbol.metadata && !market::is_json_object(symbol.metadata->text))
    return "its metadata is no JSON object";
  return {};
}

Parameters cells_of_symbol(const Symbol& symbol) {
  return {symbol.symbol,   symbol.name,   symbol.type,     symbol.market,
          symbol.currency, symbol.active, symbol.metadata, symbol.last_updated.value_or(current_timestamp())};
}

Symbol symbol_from(const DataFrame& frame, std::size_t row) {
  const auto text = [&](std::size_t column) { return frame.get<std::optional<std::string>>(row, column); };
  return {.symbol = frame.get<std::string>(row, 0),
          .name = text(1),
          .type = text(2),
          .market = text(3),
          .currency = text(4),
          .active = frame.get<std::optional<bool>>(row, 5).value_or(false),
          .metadata = market::json_at(frame, row, 6),
          .last_updated = frame.get<std::optional<Timestamp>>(row, 7)};
}

struct Membership {
  std::string group;
  std::string symbol;
};

const BatchStore& group_store() {
  static const BatchStore store(
      {.name = "symbol_groups",
       .columns = {{"group_name", ColumnKind::Text, true}, {"symbol", ColumnKind::Text, true}},
       .key = {0, 1},
       .series = {},
       .time = std::nullopt});
  return store;
}

std::string reason_against_membership(const Membership& membership) {
  if (membership.group.empty()) return "the group has no name";
  if (membership.symbol.empty()) return "it has no symbol";
  return {};
}

Parameters cells_of_membership(const Membership& membership) { return {membership.group, membership.symbol}; }

std::string text_from(const DataFrame& frame, std::size_t row) { return frame.get<std::string>(row, 0); }

}  // namespace

BatchResult store_symbols(Executor& executor, std::span<const Symbol> symbols) {
  return market::store_rows(symbol_store(), executor, symbols, reason_against_symbol, cells_of_symbol);
}
BatchResult store_symbols(Executor& executor, const Symbol& symbol) {
  return market::store_row(symbol_store(), executor, symbol, reason_against_symbol, cells_of_symbol);
}

std::optional<SymbolInfo> get_symbol_info(Executor& executor, std::string_view symbol) {
  static const std::string sql = market::select_from(symbol_store().table()) + "WHERE symbol = $1";
  auto found = market::read_row(executor, sql, {symbol}, symbol_from);
  if (!found) return std::nullopt;
  auto groups = market::read_rows(
      executor, "SELECT group_name FROM symbol_groups WHERE symbol = $1 ORDER BY group_name", {symbol},
      text_from);
  return SymbolInfo{std::move(*found), std::move(groups)};
}

std::vector<std::string> get_active_symbols(Executor& executor, std::optional<std::string_view> type) {
  if (!type)
    return market::read_rows(executor, "SELECT symbol FROM symbols WHERE active ORDER BY symbol", {},
                             text_from);
  return market::read_rows(executor, "SELECT symbol FROM symbols WHERE active AND type = $1 ORDER BY symbol",
                           {*type}, text_from);
}

BatchResult add_to_symbol_group(Executor& executor, std::string_view group,
                                std::span<const std::string> symbols) {
  std::vector<Membership> memberships;
  memberships.reserve(symbols.size());
  for (const auto& symbol : symbols) memberships.push_back({std::string(group), symbol});
  return market::store_rows(group_store(), executor, std::span<const Membership>(memberships),
                            reason_against_membership, cells_of_membership);
}

std::size_t remove_from_symbol_group(Executor& executor, std::string_view group,
                                     std::span<const std::string> symbols) {
  return executor.execute_idempotent(
      "DELETE FROM symbol_groups WHERE group_name = $1 AND symbol = ANY($2::text[])",
      {group, std::vector<std::string>(symbols.begin(), symbols.end())});
}

std::vector<std::string> get_symbol_group(Executor& executor, std::string_view group) {
  return market::read_rows(executor, "SELECT symbol FROM symbol_groups WHERE group_name = $1 ORDER BY symbol",
                           {group}, text_from);
}

std::vector<SymbolGroup> get_symbol_groups(Executor& executor) {
  return market::read_rows<SymbolGroup>(
      executor, "SELECT group_name, count(*) FROM symbol_groups GROUP BY group_name ORDER BY group_name", {},
      [](const DataFrame& frame, std::size_t row) {
        return SymbolGroup{frame.get<std::string>(row, 0),
                           static_cast<std::size_t>(frame.get<std::int64_t>(row, 1))};
      });
}

}  // namespace tickstone
