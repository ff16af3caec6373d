// SPDX-License-Identifier: Apache-2.0
// How fast a row group's blocks decode and encode: bytes a second of values in memory, and how many bytes a
// value takes.
#include <cmath>
#include <functional>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "storage/codec/block_codec.hpp"
#include "types/column.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;

constexpr std::size_t kRows = 8192;

using Fill = std::function<void(Column& column, std::size_t row, std::mt19937_64& random)>;

Column make_column(const SqlType& type, const Fill& fill) {
  std::mt19937_64 random(1);
  Column column(type);
  for (std::size_t row = 0; row < kRows; ++row) fill(column, row, random);
  return column;
}

std::size_t value_bytes(const ColumnView& column) {
  if (column.layout.physical != Physical::Bytes) return column.size * width_bytes(column.layout.physical);
  // A dictionary's rows are its codes, others their offsets and bytes.
  if (column.form == ColumnView::Form::Dictionary) return column.size * sizeof(std::uint32_t);
  return column.size * sizeof(std::uint32_t) + column.offsets[column.size];
}

void decode(benchmark::State& state, const SqlType& type, const Fill& fill) {
  const Column column = make_column(type, fill);
  ByteWriter out;
  encode_block(column.view(), out);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto block = decode_block(out.bytes(), type, column.layout(), kRows, 1);
    benchmark::DoNotOptimize(block->view().data);
    bytes += value_bytes(block->view());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.counters["bytes_per_value"] = static_cast<double>(out.size()) / kRows;
}

void encode(benchmark::State& state, const SqlType& type, const Fill& fill) {
  const Column column = make_column(type, fill);
  for (auto _ : state) {
    ByteWriter out;
    encode_block(column.view(), out);
    benchmark::DoNotOptimize(out.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * value_bytes(column.view())));
}

void add(const std::string& name, const SqlType& type, Fill fill) {
  benchmark::RegisterBenchmark(("decode/" + name).c_str(), decode, type, fill);
  benchmark::RegisterBenchmark(("encode/" + name).c_str(), encode, type, fill);
}

void add_all() {
  const auto big = SqlType::of(TypeId::BigInt);
  for (const int width : {1, 4, 7, 12, 20, 33, 48}) {
    add("bigint_" + std::to_string(width) + "_bits", big, [width](Column& column, std::size_t, auto& random) {
      column.append_fixed(static_cast<std::int64_t>(random() >> (64 - width)));
    });
  }
  add("bigint_any", big, [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<std::int64_t>(random()));
  });
  add("bigint_outliers", big, [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<std::int64_t>(random() % 200 == 0 ? random() : random() % 1000));
  });
  add("integer_12_bits", SqlType::of(TypeId::Integer), [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<std::int32_t>(random() >> 52));
  });
  add("boolean", SqlType::of(TypeId::Boolean), [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<std::uint8_t>(random() & 1));
  });
  const auto time = SqlType::of(TypeId::TimestampTz);
  add("time_regular", time, [](Column& column, std::size_t row, auto&) {
    column.append_fixed(1'767'623'400'000'000 + static_cast<std::int64_t>(row) * 60'000'000);
  });
  add("time_four_series", time, [](Column& column, std::size_t row, auto&) {
    column.append_fixed(1'767'623'400'000'000 + static_cast<std::int64_t>(row % 2048) * 60'000'000);
  });
  add("time_ticks", time,
      [last = std::int64_t{1'767'623'400'000'000}](Column& column, std::size_t, auto& random) mutable {
        column.append_fixed(last += static_cast<std::int64_t>(random() % 250'000));
      });
  add("numeric_price", SqlType::of(TypeId::Numeric), [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<std::int64_t>(18'000 + random() % 2000) * 10'000);
  });
  add("numeric_walk", SqlType::of(TypeId::Numeric),
      [last = std::int64_t{18'000}](Column& column, std::size_t, auto& random) mutable {
        last += static_cast<std::int64_t>(random() % 21) - 10;
        column.append_fixed(last * 10'000);
      });
  const auto number = SqlType::of(TypeId::Double);
  add("double_price", number, [](Column& column, std::size_t, auto& random) {
    column.append_fixed(static_cast<double>(18'000 + random() % 2000) / 100);
  });
  add("double_any", number, [](Column& column, std::size_t, auto& random) {
    column.append_fixed(std::sqrt(static_cast<double>(random())));
  });
  const auto text = SqlType::of(TypeId::Text);
  add("text_sorted_symbols", text, [](Column& column, std::size_t row, auto&) {
    column.append_bytes("SYM" + std::to_string(1000 + row / 1950));
  });
  add("text_few", text, [](Column& column, std::size_t, auto& random) {
    column.append_bytes("exchange " + std::to_string(random() % 12));
  });
  add("text_unique", text, [](Column& column, std::size_t, auto& random) {
    column.append_bytes("order-" + std::to_string(random()));
  });
  add("json", SqlType::of(TypeId::Jsonb), [](Column& column, std::size_t row, auto& random) {
    column.append_bytes("{\"id\": " + std::to_string(row) + ", \"side\": \"buy\", \"price\": " +
                        std::to_string(random() % 100'000) + ", \"reason\": \"signal above threshold\"}");
  });
}

}  // namespace

int main(int argc, char** argv) {
  add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
