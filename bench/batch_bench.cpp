// SPDX-License-Identifier: Apache-2.0
// batch_bench ADDRESS SYMBOLS ROUNDS: a bar for each of the symbols a minute. Prints the median milliseconds
// of a round: the plain upsert of a minute, the store's batch of the next one, that batch once more, and the
// newest bars of all symbols by a list of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>

#include <tickstone/market_data.hpp>

using namespace tickstone;

namespace {

constexpr std::int64_t kStartSeconds = 1'767'225'600;
constexpr int kHistoryMinutes = 400;

std::string symbol_of(int number) { return "S" + std::to_string(number); }

OhlcvBar bar(int symbol, int minute) {
  const Decimal price{100'00 + (symbol * 7 + minute) % 5'000, 2};
  return {.symbol = symbol_of(symbol),
          .timestamp = Timestamp{std::chrono::seconds{kStartSeconds + minute * 60LL}},
          .open = price,
          .high = price,
          .low = price,
          .close = price,
          .volume = Decimal{1'000 + minute, 0},
          .timeframe = "1m",
          .source = "bench"};
}

std::vector<OhlcvBar> bars_of_minute(int symbols, int minute) {
  std::vector<OhlcvBar> bars;
  for (int s = 0; s < symbols; ++s) bars.push_back(bar(s, minute));
  return bars;
}

void load(DatabaseManager& manager, int symbols) {
  manager.execute(
      "CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high "
      "NUMERIC NOT NULL, low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT "
      "NOT "
      "NULL, timeframe TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, timeframe))");
  if (manager.home() != Home::PostgreSql) manager.execute("SELECT create_hypertable('ohlcv', 'timestamp')");
  manager.execute("CREATE INDEX ON ohlcv (timestamp DESC)");
  manager.execute("CREATE INDEX ON ohlcv (symbol, timeframe)");
  int minute = 0;
  manager.copy_in("COPY ohlcv FROM STDIN (FORMAT csv)", [&](std::string& chunk) {
    chunk.clear();
    if (minute == kHistoryMinutes) return false;
    for (const auto& one : bars_of_minute(symbols, minute)) {
      chunk += one.symbol + "," + format_timestamp(one.timestamp);
      for (int i = 0; i < 4; ++i) chunk += "," + one.open.to_string();
      chunk += "," + one.volume.to_string() + ",bench,1m\n";
    }
    ++minute;
    return true;
  });
  manager.execute("CHECKPOINT");
  if (manager.home() == Home::PostgreSql) manager.execute("ANALYZE ohlcv");
}

void upsert(DatabaseManager& manager, const std::vector<OhlcvBar>& bars) {
  static std::map<std::size_t, std::string> texts;
  std::string& sql = texts[bars.size()];
  if (sql.empty()) {
    sql = "INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES ";
    for (std::size_t row = 0; row < bars.size(); ++row) {
      for (std::size_t c = 0; c < 9; ++c)
        sql += (c == 0 ? (row == 0 ? "($" : ", ($") : ", $") + std::to_string(row * 9 + c + 1);
      sql += ')';
    }
    sql +=
        " ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = "
        "EXCLUDED.high, "
        "low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source";
  }
  Parameters parameters;
  for (const auto& one : bars)
    parameters.insert(parameters.end(), {one.symbol, one.timestamp, one.open, one.high, one.low, one.close,
                                         one.volume, one.source, one.timeframe});
  manager.execute(sql, parameters);
}

double milliseconds(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s ADDRESS SYMBOLS ROUNDS\n", argv[0]);
    return 2;
  }
  const int symbols = std::atoi(argv[2]), rounds = std::atoi(argv[3]);
  DatabaseManager manager(argv[1]);
  load(manager, symbols);
  std::vector<std::string> names;
  for (int s = 0; s < symbols; ++s) names.push_back(symbol_of(s));
  std::vector<double> plain, stored, again, newest;
  int minute = kHistoryMinutes;
  const auto fail = [](const char* what) {
    std::fprintf(stderr, "batch_bench: %s\n", what);
    std::exit(1);
  };
  for (int round = -1; round < rounds; ++round) {  // the first one prepares
    const auto first = bars_of_minute(symbols, minute++), second = bars_of_minute(symbols, minute++);
    BatchResult result, repeated;
    std::size_t found = 0;
    const double times[] = {
        milliseconds([&] { upsert(manager, first); }),
        milliseconds([&] { result = batch_store_ohlcv_data(manager, second); }),
        milliseconds([&] { repeated = batch_store_ohlcv_data(manager, second); }), milliseconds([&] {
          found = manager
                      .get_dataframe(
                          "SELECT DISTINCT ON (symbol) symbol, timestamp, close FROM ohlcv WHERE "
                          "symbol = ANY($1) AND timeframe = '1m' AND timestamp >= $2 ORDER BY symbol, "
                          "timestamp DESC",
                          {names, first.front().timestamp})
                      .row_count();
        })};
    if (result.new_rows != first.size() || repeated.unchanged != first.size()) fail("a batch went wrong");
    if (found != first.size()) fail("a symbol has no newest bar");
    if (round < 0) continue;
    plain.push_back(times[0]);
    stored.push_back(times[1]);
    again.push_back(times[2]);
    newest.push_back(times[3]);
  }
  std::printf("%.3f %.3f %.3f %.3f\n", median(plain), median(stored), median(again), median(newest));
}
