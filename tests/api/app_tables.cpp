// SPDX-License-Identifier: Apache-2.0
#include "app_tables.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tickstone {
namespace {

struct AppTable {
  std::string_view name;
  bool is_hypertable;
};

constexpr AppTable kTables[] = {{"ohlcv", true},
                                {"trades", true},
                                {"quotes", true},
                                {"options_flow", true},
                                {"symbols", false},
                                {"symbol_groups", false},
                                {"data_collection_status", false},
                                {"model_performance", true},
                                {"feature_importance", true},
                                {"system_metrics", true},
                                {"cache_metrics", true},
                                {"positions", false}};

std::string definitions() {
  std::ifstream file(TICKSTONE_TABLES_SQL);
  if (!file) throw std::runtime_error("cannot read " TICKSTONE_TABLES_SQL);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string definition_of(std::string_view table, const std::string& all) {
  const std::string start = "CREATE TABLE " + std::string(table) + " (";
  const auto at = all.find(start);
  if (at == std::string::npos) throw std::runtime_error("no definition of " + std::string(table));
  return all.substr(at, all.find(';', at) - at);
}

void create(Executor& executor) {
  const std::string all = definitions();
  for (const auto& [name, is_hypertable] : kTables) {
    executor.execute("DROP TABLE IF EXISTS " + std::string(name) + " CASCADE");
    executor.execute(definition_of(name, all));
    if (is_hypertable && executor.home() != Home::PostgreSql)
      executor.get_dataframe("SELECT create_hypertable('" + std::string(name) + "', 'timestamp')");
  }
}

}  // namespace

void empty_app_tables(Executor& executor) {
  static bool are_made = false;
  if (!are_made) create(executor);
  are_made = true;
  for (const auto& table : kTables) executor.execute("TRUNCATE " + std::string(table.name));
}

}  // namespace tickstone
