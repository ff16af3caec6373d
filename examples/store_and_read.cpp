// SPDX-License-Identifier: Apache-2.0
// store_and_read ADDRESS: what the guide does in Python with psycopg2, on any home.
#include <iostream>

#include <tickstone/error.hpp>
#include <tickstone/market_data.hpp>

using namespace tickstone;

int main(int argc, char** argv) try {
  DatabaseManager db(argc > 1 ? argv[1] : "./market.store");
  std::cout << "On " << to_string(db.home()) << ", " << db.server_version() << "\n\n";

  // A morning of one-minute bars.
  std::vector<OhlcvBar> bars;
  const Timestamp open = timestamp_from("2026-01-05 14:30:00+00");
  for (int minute = 0; minute < 30; ++minute) {
    const Decimal price{18'700 + minute % 7, 2};  // 187.00 and up
    bars.push_back({.symbol = "AAPL",
                    .timestamp = open + std::chrono::minutes{minute},
                    .open = price,
                    .high = {price.unscaled + 5, 2},
                    .low = {price.unscaled - 5, 2},
                    .close = {price.unscaled + 1, 2},
                    .volume = {1'000 + minute, 0},
                    .timeframe = "1m",
                    .source = "example"});
  }
  const BatchResult stored = batch_store_ohlcv_data(db, bars);
  std::cout << stored.new_rows << " bars are new, " << stored.unchanged << " were there already\n";

  // A correction replaces the bar, and says so.
  bars.back().volume = Decimal::parse("4711");
  std::cout << store_ohlcv_data(db, bars.back()).changed << " bar was corrected\n\n";

  // Any query, typed.
  const DataFrame five_minutes = db.get_dataframe(
      "SELECT time_bucket('5 minutes', timestamp) AS bucket, first(open, timestamp) AS open, max(high) AS "
      "high, "
      "min(low) AS low, last(close, timestamp) AS close, sum(volume) AS volume "
      "FROM ohlcv WHERE symbol = $1 AND timeframe = $2 AND timestamp >= $3 GROUP BY bucket ORDER BY bucket",
      {"AAPL", "1m", open});
  std::cout << five_minutes.to_string() << '\n';

  Decimal volume;
  for (const Decimal& one : five_minutes.values<Decimal>("volume")) volume.unscaled += one.unscaled;
  std::cout << "Volume of the morning: " << volume.to_string() << '\n';
  if (const auto price = get_latest_price(db, "AAPL"))
    std::cout << "Latest price: " << price->price.to_string() << " of " << format_timestamp(price->timestamp)
              << '\n';

  // All or nothing, again by itself after a conflict.
  db.transaction([&](Executor& transaction) {
    store_ohlcv_data(transaction, bars.front());
    transaction.execute("UPDATE symbols SET last_updated = now() WHERE symbol = $1", {"AAPL"});
  });
  return 0;
} catch (const Error& error) {
  std::cerr << "ERROR:  " << sqlstate(error.code()) << ": " << error.what() << '\n';
  if (!error.hint().empty()) std::cerr << "HINT:  " << error.hint() << '\n';
  return 1;
}
