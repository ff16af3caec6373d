// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "market/batch_store.hpp"

namespace tickstone {

/// A table with a column of each kind that stores have.
inline const market::BatchStore& tick_store() {
  using market::ColumnKind;
  static const market::BatchStore store{{.name = "api_ticks",
                                         .columns = {{"symbol", ColumnKind::Text, true},
                                                     {"time", ColumnKind::Time, true},
                                                     {"id", ColumnKind::BigInt, true},
                                                     {"price", ColumnKind::Numeric, true},
                                                     {"size", ColumnKind::Integer},
                                                     {"tags", ColumnKind::Texts},
                                                     {"extra", ColumnKind::Json},
                                                     {"seen", ColumnKind::Time, false, false}},
                                         .key = {0, 1, 2},
                                         .series = {0},
                                         .time = 1}};
  return store;
}

/// `seen` is not compared; `note` is not written by the store; prices of 1000 and more are refused.
inline void create_ticks(Executor& executor) {
  executor.execute("DROP TABLE IF EXISTS api_ticks");
  executor.execute(
      "CREATE TABLE api_ticks (symbol text NOT NULL, time timestamptz NOT NULL, id bigint NOT NULL, price "
      "numeric NOT "
      "NULL CHECK (price < 1000), size integer, tags text[], extra jsonb, seen timestamptz, note text "
      "DEFAULT 'none', "
      "PRIMARY KEY (symbol, time, id))");
  if (executor.home() != Home::PostgreSql)
    executor.get_dataframe("SELECT create_hypertable('api_ticks', 'time')");
}

}  // namespace tickstone
