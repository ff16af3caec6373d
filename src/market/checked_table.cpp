// SPDX-License-Identifier: Apache-2.0
#include "market/checked_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

constexpr std::array<std::string_view, 3> kUsualTables = {"ohlcv", "trades", "quotes"};

std::string first_of(const std::set<std::string>& columns, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (columns.contains(std::string(name))) return std::string(name);
  }
  return {};
}

/// Whether some key of the table is made of columns of `key` alone.
bool is_unique(CheckContext& context, const std::string& table, const std::vector<std::string>& key) {
  std::map<std::string, std::vector<std::string>> columns_by_index;
  for (const auto& row : context.rows("SELECT i.indexrelid::bigint, a.attname FROM pg_index i JOIN "
                                      "pg_attribute a ON a.attrelid = i.indrelid AND "
                                      "a.attnum = ANY(i.indkey) WHERE i.indrelid = to_regclass(" +
                                      quote_literal(table) +
                                      ") AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"))
    columns_by_index[text_of(row[0])].push_back(text_of(row[1]));
  return std::ranges::any_of(columns_by_index, [&](const auto& index) {
    return std::ranges::all_of(index.second, [&](const std::string& column) {
      return std::ranges::find(key, quote_name(column)) != key.end();
    });
  });
}

/// Nothing, and why in `result`, where the table is not there or has no symbol or time.
std::optional<CheckedTable> describe(CheckContext& context, const std::string& given, CheckResult& result) {
  const auto refuse = [&](std::string why) {
    result.items.push_back({CheckStatus::Critical, given, std::move(why)});
    worsen(result.status, CheckStatus::Critical);
    return std::nullopt;
  };
  std::set<std::string> columns;
  for (const auto& row : context.rows("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(" +
                                      quote_literal(given) + ") AND attnum > 0 AND NOT attisdropped"))
    columns.insert(text_of(row[0]));
  if (columns.empty()) return refuse("there is no such table");
  const std::string symbol = first_of(columns, {"symbol", "ticker"});
  const std::string time = first_of(columns, {"timestamp", "time", "ts"});
  if (symbol.empty()) return refuse("it has no column symbol or ticker");
  if (time.empty()) return refuse("it has no column timestamp, time or ts");
  CheckedTable table;
  table.name = table.shown_name = given;
  table.symbol = quote_name(symbol);
  table.time = quote_name(time);
  table.has_timeframe = columns.contains("timeframe");
  table.key = {table.symbol, table.time};
  for (const auto* name : {"contract_symbol", "timeframe", "id", "feature_name", "feature_set"}) {
    if (columns.contains(name)) table.key.push_back(quote_name(name));
  }
  table.is_key_unique = is_unique(context, given, table.key);
  return table;
}

}  // namespace

std::vector<CheckedTable> checked_tables(CheckContext& context, CheckResult& result) {
  std::vector<CheckedTable> tables;
  if (!context.options.tables.empty()) {
    for (const auto& name : context.options.tables) {
      if (auto table = describe(context, name, result)) tables.push_back(std::move(*table));
    }
    return tables;
  }
  for (const auto name : kUsualTables) {
    if (!context.has_relation(std::string(name))) continue;
    if (context.rows("SELECT 1 FROM " + std::string(name) + " LIMIT 1").empty()) continue;
    if (auto table = describe(context, std::string(name), result)) tables.push_back(std::move(*table));
  }
  return tables;
}

std::optional<std::chrono::microseconds> width_of_timeframe(std::string_view timeframe) {
  struct Unit {
    std::string_view name;
    std::chrono::microseconds width;
  };
  using namespace std::chrono_literals;
  static constexpr std::array kUnits = {
      Unit{"s", 1s},
      Unit{"sec", 1s},
      Unit{"second", 1s},
      Unit{"m", 1min},
      Unit{"min", 1min},
      Unit{"minute", 1min},
      Unit{"h", 1h},
      Unit{"hour", 1h},
      Unit{"d", std::chrono::days(1)},
      Unit{"day", std::chrono::days(1)},
  };
  int count = 1;
  const auto [rest, error] = std::from_chars(timeframe.data(), timeframe.data() + timeframe.size(), count);
  if (error == std::errc()) timeframe.remove_prefix(static_cast<std::size_t>(rest - timeframe.data()));
  while (timeframe.starts_with(' ') || timeframe.starts_with('_')) timeframe.remove_prefix(1);
  if (timeframe == "M") return std::nullopt;  // a month, where m is a minute
  std::string name;
  for (const char c : timeframe) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.size() > 2 && name.ends_with('s')) name.pop_back();
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end() || count <= 0) return std::nullopt;
  const auto width = unit->width * count;
  if (width > std::chrono::days(1) || std::chrono::microseconds(std::chrono::days(1)) % width != 0us)
    return std::nullopt;
  return width;
}

}  // namespace tickstone::market
