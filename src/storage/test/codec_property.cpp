// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "storage/codec/bit_packing.hpp"
#include "storage/codec/block_codec.hpp"
#include "storage/codec/integer_stream.hpp"
#include "storage/test/column_samples.hpp"

namespace tickstone::storage {
namespace {

struct TypeCase {
  SqlType type;
  ColumnLayout layout;
};

std::vector<TypeCase> type_cases() {
  std::vector<TypeCase> cases;
  for (const TypeId id : {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer, TypeId::Oid, TypeId::BigInt,
                          TypeId::Real, TypeId::Double, TypeId::Text, TypeId::Jsonb, TypeId::Uuid,
                          TypeId::Interval, TypeId::TimestampTz, TypeId::Date, TypeId::Bytea}) {
    cases.push_back({SqlType::of(id), initial_layout(SqlType::of(id))});
  }
  for (const std::uint8_t scale : {0, 2, 6, 18}) {
    cases.push_back({SqlType::of(TypeId::Numeric), {Physical::Int64, scale}});
    cases.push_back({SqlType::of(TypeId::Numeric), {Physical::Int128, scale}});
  }
  cases.push_back({SqlType::of(TypeId::Numeric), {Physical::Int128, 38}});
  return cases;
}

RC_GTEST_PROP(BitPacking, GivesBackTheLowBits, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const auto width = *rc::gen::inRange(0U, 65U);
  const std::size_t count = sampler.row_count(5000);
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) value = sampler.below(UINT64_MAX);
  ByteWriter out;
  pack_bits(values, width, out);
  RC_ASSERT(out.size() == packed_bytes(count, width));
  std::vector<std::uint64_t> unpacked(count);
  unpack_bits(out.bytes(), count, width, unpacked.data());
  const std::uint64_t mask = width == 64 ? UINT64_MAX : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < count; ++i) RC_ASSERT(unpacked[i] == (values[i] & mask));
}

RC_GTEST_PROP(IntegerStream, RoundTrips, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const auto values = sampler.integers(sampler.row_count(9000));
  const auto plan = plan_integers(values);
  ByteWriter out;
  write_integers(plan, values, out);
  RC_ASSERT(out.size() == plan.size_bytes);
  RC_ASSERT(plan.size_bytes <= values.size() * 8 + 10);
  ByteReader in(out.bytes());
  std::vector<std::int64_t> decoded(values.size());
  IntegerDecoder(in, values.size()).read_all(decoded.data());
  RC_ASSERT(in.at_end());
  RC_ASSERT(decoded == values);
}

RC_GTEST_PROP(BlockCodec, RoundTripsEveryType, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  for (const auto& [type, layout] : type_cases()) {
    const std::size_t rows = sampler.row_count(3000);
    const std::uint64_t null_periods[] = {0, 0, 1, 2, 50};
    const Column column = sampler.column(type, layout, rows, null_periods[sampler.below(5)]);
    ByteWriter out;
    encode_block(column.view(), out);
    const auto block = decode_block(out.bytes(), type, layout, rows, 7);
    const auto view = block->view();
    RC_ASSERT(view.size == rows);
    RC_ASSERT(view.layout == layout);
    RC_ASSERT(view.type == type);
    const auto source = column.view();
    for (std::size_t row = 0; row < rows; ++row) {
      if (!is_same_cell(view, row, source, row)) RC_FAIL(to_sql(type) + ", row " + std::to_string(row));
    }
    if (view.form == ColumnView::Form::Dictionary) {
      RC_ASSERT(view.dictionary_id == 7U);
      RC_ASSERT(view.dictionary->size <= rows);
    }
  }
}

RC_GTEST_PROP(BlockCodec, WidensDecimals, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const auto type = SqlType::of(TypeId::Numeric);
  const auto scale = static_cast<std::uint8_t>(sampler.below(10));
  const auto wider = static_cast<std::uint8_t>(scale + sampler.below(8));
  const std::size_t rows = sampler.row_count(3000);
  Column column(type, {Physical::Int64, scale});
  for (std::size_t row = 0; row < rows; ++row) {
    if (sampler.one_in(9)) {
      column.append_null();
    } else {
      column.append_fixed(static_cast<std::int64_t>(sampler.below(2'000'000'000)) - 1'000'000'000);
    }
  }
  ByteWriter out;
  encode_block(column.view(), out);
  for (const Physical physical : {Physical::Int64, Physical::Int128}) {
    const auto block = decode_block(out.bytes(), type, {physical, wider}, rows, 0);
    for (std::size_t row = 0; row < rows; ++row)
      RC_ASSERT(is_same_cell(block->view(), row, column.view(), row));
  }
}

RC_GTEST_PROP(BlockCodec, DamagedBytesNeverDoMoreThanThrow, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const auto cases = type_cases();
  const auto& [type, layout] = cases[sampler.below(cases.size())];
  const std::size_t rows = sampler.row_count(1500);
  const Column column = sampler.column(type, layout, rows, sampler.below(4));
  ByteWriter out;
  encode_block(column.view(), out);
  auto bytes = out.take();
  for (int i = 0; i < 50; ++i) {
    auto damaged = bytes;
    for (std::uint64_t flips = 1 + sampler.below(4); flips > 0; --flips) {
      // Most of what is decided stands in the first bytes.
      const std::size_t at =
          sampler.below(sampler.one_in(2) ? std::min<std::size_t>(bytes.size(), 40) : bytes.size());
      damaged[at] ^= static_cast<std::byte>(1U << sampler.below(8));
    }
    if (sampler.one_in(5)) damaged.resize(sampler.below(damaged.size() + 1));
    try {
      const auto block = decode_block(damaged, type, layout, rows, 0);
      const auto view = block->view();
      for (std::size_t row = 0; row < rows; ++row) is_same_cell(view, row, view, row);
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::DataCorrupted);
    }
  }
}

TEST(BlockCodec, PicksTheCodecThatFits) {
  const auto codec_of = [](const Column& column) {
    ByteWriter out;
    encode_block(column.view(), out);
    return std::pair(static_cast<Codec>(out.bytes()[0]), out.size());
  };
  constexpr std::size_t kRows = 8192;
  Column times(SqlType::of(TypeId::TimestampTz));
  Column constant(SqlType::of(TypeId::BigInt));
  Column prices(SqlType::of(TypeId::Double));
  Column decimals(SqlType::of(TypeId::Numeric));
  Column nulls(SqlType::of(TypeId::Text));
  Column symbols(SqlType::of(TypeId::Text));
  Column json(SqlType::of(TypeId::Json));
  for (std::size_t i = 0; i < kRows; ++i) {
    times.append_fixed<std::int64_t>(1'700'000'000'000'000 + static_cast<std::int64_t>(i) * 60'000'000);
    constant.append_fixed<std::int64_t>(7);
    prices.append_fixed<double>(static_cast<double>(10000 + i * 37 % 900) / 100);
    decimals.append_fixed<std::int64_t>(static_cast<std::int64_t>(10000 + i * 37 % 900) * 10000);
    nulls.append_null();
    symbols.append_bytes(i < 5000 ? "AAPL" : "MSFT");
    json.append_bytes("{\"id\": " + std::to_string(i * 7919) + ", \"side\": \"buy\"}");
  }
  EXPECT_EQ(codec_of(times).first, Codec::Integers);
  EXPECT_LT(codec_of(times).second, 64U);
  EXPECT_EQ(codec_of(constant), (std::pair{Codec::Constant, std::size_t{16}}));
  EXPECT_EQ(codec_of(prices).first, Codec::DecimalFloats);
  EXPECT_LE(codec_of(prices).second, kRows * 10 / 8 + 64);
  EXPECT_EQ(codec_of(decimals).first, Codec::Integers);
  EXPECT_LE(codec_of(decimals).second, kRows * 10 / 8 + 64);  // trailing zeros cost nothing
  EXPECT_EQ(codec_of(nulls), (std::pair{Codec::AllNull, std::size_t{8}}));
  EXPECT_EQ(codec_of(symbols).first, Codec::Dictionary);
  EXPECT_LT(codec_of(symbols).second, 128U);
  EXPECT_EQ(codec_of(json).first, Codec::Texts);
  EXPECT_LT(codec_of(json).second, kRows * 12);
}

TEST(BlockCodec, FewOutliersDoNotWidenTheRest) {
  Column volumes(SqlType::of(TypeId::BigInt));
  for (int i = 0; i < 8192; ++i) {
    volumes.append_fixed<std::int64_t>(i % 500 == 77 ? (i % 1000 == 77 ? 900'000'000'000 : -900'000'000'000)
                                                     : i % 128);
  }
  ByteWriter out;
  encode_block(volumes.view(), out);
  EXPECT_LT(out.size(), 8192U * 7 / 8 + 400);
}

}  // namespace
}  // namespace tickstone::storage
