// SPDX-License-Identifier: Apache-2.0
// training_bench ADDRESS FEATURES SYMBOLS VALUES LABELS: loads what is not there yet, then prints the
// milliseconds of one training set, a sum over it, which is the same on every home, and the MiB that this
// process had at most (an embedded store's included) beyond what it had with the labels before.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <tickstone/error.hpp>
#include <tickstone/training.hpp>

using namespace tickstone;

namespace {

constexpr std::int64_t kStartSeconds = 1'767'225'600;

/// A value a minute for each series, as bench/training_compare.py gives PostgreSQL's SQL.
void load(DatabaseManager& manager, int features, int symbols, int values) {
  manager.execute(
      "CREATE TABLE IF NOT EXISTS feature_timeseries (feature_name TEXT NOT NULL, symbol TEXT NOT NULL, "
      "timestamp "
      "TIMESTAMPTZ NOT NULL, value NUMERIC NOT NULL, tags JSONB, PRIMARY KEY (feature_name, symbol, "
      "timestamp))");
  if (manager.home() != Home::PostgreSql)
    manager.execute("SELECT create_hypertable('feature_timeseries', 'timestamp', if_not_exists => true)");
  if (manager.get_dataframe("SELECT 1 FROM feature_timeseries LIMIT 1").row_count() > 0) return;
  for (int f = 0; f < features; ++f) {
    int s = 0;
    manager.copy_in(
        "COPY feature_timeseries (feature_name, symbol, timestamp, value) FROM STDIN (FORMAT csv)",
        [&](std::string& chunk) {
          chunk.clear();
          if (s == symbols) return false;
          for (int v = 0; v < values; ++v) {
            chunk += "f" + std::to_string(f) + ",S" + std::to_string(s) + "," +
                     format_timestamp(Timestamp{std::chrono::seconds{kStartSeconds + v * 60LL}}) + "," +
                     std::to_string((f * 31 + s * 7 + v) % 1000) + ".25\n";
          }
          ++s;
          return true;
        });
  }
  if (manager.home() != Home::PostgreSql) manager.execute("CHECKPOINT");
}

/// `VmRSS` or `VmHWM`, in MiB.
double memory_mib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == name + ":" && status >> kib) return kib / 1024;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s ADDRESS FEATURES SYMBOLS VALUES LABELS\n", argv[0]);
    return 2;
  }
  const int features = std::atoi(argv[2]), symbols = std::atoi(argv[3]), values = std::atoi(argv[4]);
  DatabaseManager manager(argv[1]);
  load(manager, features, symbols, values);
  TrainingRequest request;
  for (int f = 0; f < features; ++f) request.features.push_back("f" + std::to_string(f));
  for (int i = 0; i < std::atoi(argv[5]); ++i) {
    const std::int64_t second = (i * 7919LL) % (values * 60LL);
    request.labels.push_back(
        {"S" + std::to_string(i % symbols), Timestamp{std::chrono::seconds{kStartSeconds + second}}, 0});
  }
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts anew
  const double before_mib = memory_mib("VmRSS");
  const auto began = std::chrono::steady_clock::now();
  const TrainingSet set = fetch_training_data(manager, request);
  const auto taken = std::chrono::steady_clock::now() - began;
  const double most_mib = memory_mib("VmHWM") - before_mib;
  double sum = 0;
  for (const auto& column : set.values) {
    for (const double value : column) sum += std::isnan(value) ? 0 : value;
  }
  std::printf("%.1f %.2f %.1f\n", std::chrono::duration<double, std::milli>(taken).count(), sum, most_mib);
}
