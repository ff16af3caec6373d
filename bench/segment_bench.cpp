// SPDX-License-Identifier: Apache-2.0
// Writing, scanning and looking up a segment of minute bars: 500 symbols, one week.
#include <filesystem>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "storage/segment.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;

constexpr int kSymbols = 500;
constexpr int kDays = 5;
constexpr int kMinutes = 390;
constexpr std::int64_t kStartUs = 1'767'623'400'000'000;
constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kDayUs = 24 * 60 * kMinuteUs;

TableSchema bars_schema() {
  TableSchema schema;
  schema.id = 20000;
  schema.name = "ohlcv";
  schema.columns = {{1, "symbol", SqlType::of(TypeId::Text), true},
                    {2, "timestamp", SqlType::of(TypeId::TimestampTz), true},
                    {3, "timeframe", SqlType::of(TypeId::Text), true},
                    {4, "open", SqlType::of(TypeId::Numeric), true},
                    {5, "high", SqlType::of(TypeId::Numeric), true},
                    {6, "low", SqlType::of(TypeId::Numeric), true},
                    {7, "close", SqlType::of(TypeId::Numeric), true},
                    {8, "volume", SqlType::of(TypeId::BigInt), true},
                    {9, "vwap", SqlType::of(TypeId::Double), true}};
  schema.primary_key = {1, 2, 3};
  schema.series_key = {1, 3};
  schema.time_column = 2;
  return schema;
}

std::string symbol_name(int symbol) { return "SYM" + std::to_string(1000 + symbol); }

Batch make_bars(int symbol) {
  std::mt19937_64 random(static_cast<std::uint64_t>(symbol));
  Batch bars;
  for (const auto& column : bars_schema().columns) bars.columns.emplace_back(column.type);
  std::int64_t close = 5'000 + static_cast<std::int64_t>(random() % 40'000);
  for (int day = 0; day < kDays; ++day) {
    for (int minute = 0; minute < kMinutes; ++minute) {
      const std::int64_t open = close;
      close += static_cast<std::int64_t>(random() % 41) - 20;
      const std::int64_t high = std::max(open, close) + static_cast<std::int64_t>(random() % 10);
      const std::int64_t low = std::min(open, close) - static_cast<std::int64_t>(random() % 10);
      bars.columns[0].append_bytes(symbol_name(symbol));
      bars.columns[1].append_fixed(kStartUs + day * kDayUs + minute * kMinuteUs);
      bars.columns[2].append_bytes("1m");
      for (const auto& [column, cents] : {std::pair{3, open}, {4, high}, {5, low}, {6, close}}) {
        bars.columns[static_cast<std::size_t>(column)].append_fixed(cents * 10'000);
      }
      bars.columns[7].append_fixed(static_cast<std::int64_t>(100 * (random() % 5000)));
      bars.columns[8].append_fixed(static_cast<double>((high + low + close) / 3) / 100);
    }
  }
  return bars;
}

std::filesystem::path segment_path() {
  return std::filesystem::temp_directory_path() / "tickstone_segment_bench.seg";
}

std::uint64_t write_segment(const std::vector<Batch>& batches) {
  std::filesystem::remove(segment_path());
  auto writer = SegmentWriter::create(posix_file_system(), segment_path(), bars_schema(), 8192);
  for (const auto& batch : batches) writer->append(batch);
  return writer->finish();
}

std::vector<Batch> all_bars() {
  std::vector<Batch> batches;
  for (int symbol = 0; symbol < kSymbols; ++symbol) batches.push_back(make_bars(symbol));
  return batches;
}

std::shared_ptr<const Segment> bars_segment(std::size_t cache_bytes) {
  if (!std::filesystem::exists(segment_path())) write_segment(all_bars());
  return Segment::open(posix_file_system(), segment_path(), make_block_cache(cache_bytes));
}

constexpr std::int64_t kRows = std::int64_t{kSymbols} * kDays * kMinutes;

void write(benchmark::State& state) {
  const auto batches = all_bars();
  std::uint64_t size_bytes = 0;
  for (auto _ : state) size_bytes = write_segment(batches);
  state.SetItemsProcessed(state.iterations() * kRows);
  state.counters["bytes_per_row"] = static_cast<double>(size_bytes) / static_cast<double>(kRows);
}

void open(benchmark::State& state) {
  bars_segment(0);
  for (auto _ : state) benchmark::DoNotOptimize(bars_segment(0));
}

/// All row groups of one column, from disk or from the cache.
void scan(benchmark::State& state, ColumnId column, std::size_t cache_bytes) {
  const auto segment = bars_segment(cache_bytes);
  for (auto _ : state) {
    for (std::size_t group = 0; group < segment->row_groups().size(); ++group) {
      benchmark::DoNotOptimize(segment->read(group, column)->view().data);
    }
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

void find_rows(benchmark::State& state, int key_count) {
  const auto segment = bars_segment(512 << 20);
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::Text));
  keys.columns.emplace_back(SqlType::of(TypeId::Text));
  keys.columns.emplace_back(SqlType::of(TypeId::TimestampTz));
  for (int i = 0; i < key_count; ++i) {
    keys.columns[0].append_bytes(symbol_name(i * kSymbols / key_count));
    keys.columns[1].append_bytes("1m");
    keys.columns[2].append_fixed(kStartUs + 2 * kDayUs + (i % kMinutes) * kMinuteUs);
  }
  for (auto _ : state) benchmark::DoNotOptimize(segment->find(keys));
  state.SetItemsProcessed(state.iterations() * key_count);
}

BENCHMARK(write)->Unit(benchmark::kMillisecond);
BENCHMARK(open)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, close_from_disk, 7, std::size_t{0})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, time_from_disk, 2, std::size_t{0})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, symbol_from_disk, 1, std::size_t{0})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scan, close_from_cache, 7, std::size_t{512} << 20)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find_rows, one, 1);
BENCHMARK_CAPTURE(find_rows, five_hundred, 500)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  std::filesystem::remove(segment_path());
  return 0;
}
