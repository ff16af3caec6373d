// SPDX-License-Identifier: Apache-2.0
#include "app_tables.hpp"

#include <string>

namespace tickstone {

void empty_app_tables(Executor& executor) {
  for (const char* table :
       {"ohlcv", "trades", "quotes", "options_flow", "symbols", "symbol_groups", "data_collection_status",
        "model_performance", "feature_importance", "system_metrics", "cache_metrics", "positions",
        "feature_timeseries", "feature_data", "feature_metadata", "feature_relationships",
        "feature_access_log"})
    executor.execute("TRUNCATE " + std::string(table));
}

}  // namespace tickstone
