// SPDX-License-Identifier: Apache-2.0
// The ends of what a block may hold: sizes, nulls, scales, bit patterns of floats, texts.
#include <bit>
#include <functional>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/codec/block_codec.hpp"
#include "storage/codec/integer_stream.hpp"
#include "storage/test/column_samples.hpp"

namespace tickstone::storage {
namespace {

std::vector<std::byte> encoded(const Column& column) {
  ByteWriter out;
  encode_block(column.view(), out);
  return out.take();
}

void expect_round_trip(const Column& column, const std::string& what) {
  const auto bytes = encoded(column);
  const auto block = decode_block(bytes, column.type(), column.layout(), column.size(), 3);
  const auto view = block->view();
  ASSERT_EQ(view.size, column.size()) << what;
  for (std::size_t row = 0; row < column.size(); ++row) {
    ASSERT_TRUE(is_same_cell(view, row, column.view(), row)) << what << ", row " << row;
  }
}

/// No form may need more than the values as they are, but for the block's header and null map.
void expect_bounded(const Column& column, const std::string& what) {
  const std::size_t width = width_bytes(column.layout().physical);
  EXPECT_LE(encoded(column).size(), 8 + (column.size() + 7) / 8 + column.size() * width) << what;
}

enum class Nulls { None, All, First, Last, Odd, AllButOne };

bool is_null_at(Nulls nulls, std::size_t row, std::size_t count) {
  switch (nulls) {
    case Nulls::None:
      return false;
    case Nulls::All:
      return true;
    case Nulls::First:
      return row == 0;
    case Nulls::Last:
      return row + 1 == count;
    case Nulls::Odd:
      return row % 2 == 1;
    case Nulls::AllButOne:
      return row != count / 2;
  }
  return false;
}

TEST(CodecEdges, EveryTypeFromOneRowToAWholeBlockWithNullsAnywhere) {
  ColumnSampler sampler(11);
  for (const TypeId id :
       {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer, TypeId::BigInt, TypeId::Real, TypeId::Double,
        TypeId::Numeric, TypeId::Text, TypeId::Json, TypeId::Uuid, TypeId::TimestampTz}) {
    const auto type = SqlType::of(id);
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{1025}, kMaxBlockRows - 1, kMaxBlockRows}) {
      const bool is_large = count > 2000;
      for (const Nulls nulls :
           {Nulls::None, Nulls::All, Nulls::First, Nulls::Last, Nulls::Odd, Nulls::AllButOne}) {
        if (is_large && (nulls == Nulls::First || nulls == Nulls::Last)) continue;
        // Long texts at 65,536 rows would be gigabytes: short ones there.
        Column values(type);
        if (is_large && values.layout().physical == Physical::Bytes) {
          for (std::size_t row = 0; row < count; ++row)
            values.append_bytes(std::to_string(sampler.below(50'000)));
        } else {
          values = sampler.column(type, initial_layout(type), count, 0);
        }
        Column column(type, values.layout());
        for (std::size_t row = 0; row < count; ++row) {
          if (is_null_at(nulls, row, count)) {
            column.append_null();
          } else {
            column.append_from(values.view(), row);
          }
        }
        expect_round_trip(column, to_sql(type) + ", " + std::to_string(count) + " rows, nulls " +
                                      std::to_string(static_cast<int>(nulls)));
        if (column.layout().physical != Physical::Bytes) expect_bounded(column, to_sql(type));
      }
    }
  }
}

TEST(CodecEdges, DecimalsOfEveryScale) {
  const auto type = SqlType::of(TypeId::Numeric);
  ColumnSampler sampler(5);
  for (std::uint8_t scale = 0; scale <= kMaxNumericDigits; ++scale) {
    for (const Physical physical : {Physical::Int64, Physical::Int128}) {
      if (physical == Physical::Int64 && scale > kMaxInt64Digits) continue;
      const Int128 most = power_of_ten(physical == Physical::Int64 ? kMaxInt64Digits : kMaxNumericDigits) - 1;
      Column column(type, {physical, scale});
      const auto add = [&](Int128 value) {
        if (physical == Physical::Int64) {
          column.append_fixed(static_cast<std::int64_t>(value));
        } else {
          column.append_fixed(value);
        }
      };
      for (const Int128 value : {Int128{0}, Int128{1}, Int128{-1}, most, -most, most / 7, -most / 3})
        add(value);
      for (int i = 0; i < 300; ++i) {
        add(power_of_ten(static_cast<int>(sampler.below(scale + 1U)) % 18) *
            static_cast<Int128>(sampler.below(99)));
      }
      expect_round_trip(column, "scale " + std::to_string(scale));
      expect_bounded(column, "scale " + std::to_string(scale));
    }
  }
}

TEST(CodecEdges, DecimalsPastTheirLayoutAreDamage) {
  const auto type = SqlType::of(TypeId::Numeric);
  Column column(type, {Physical::Int64, 2});
  column.append_fixed<std::int64_t>(999'999'999'999'999'999);
  column.append_fixed<std::int64_t>(-5);
  const auto bytes = encoded(column);
  EXPECT_NO_THROW(decode_block(bytes, type, {Physical::Int128, 20}, 2, 0));
  EXPECT_THROW(decode_block(bytes, type, {Physical::Int64, 4}, 2, 0), Error);  // overflows
  EXPECT_THROW(decode_block(bytes, type, {Physical::Int64, 1}, 2, 0), Error);  // would round
  EXPECT_THROW(decode_block(bytes, type, {Physical::Int128, 39}, 2, 0), Error);
  EXPECT_THROW(decode_block(bytes, SqlType::of(TypeId::BigInt), {Physical::Int64, 0}, 2, 0), Error);
  EXPECT_THROW(decode_block(bytes, type, {Physical::Int64, 2}, 3, 0), Error);
}

template <typename Float, typename Bits>
void expect_every_pattern(TypeId id) {
  constexpr int kMantissa = std::numeric_limits<Float>::digits - 1;
  constexpr int kExponents = 1 << (sizeof(Float) * 8 - 1 - kMantissa);
  const auto type = SqlType::of(id);
  // Each sign and exponent with mantissas of all kinds: zeros, subnormals, infinities, quiet and signalling
  // NaN.
  Column column(type);
  for (int exponent = 0; exponent < kExponents; ++exponent) {
    for (const Bits sign : {Bits{0}, Bits{1}}) {
      for (const Bits mantissa : {Bits{0}, Bits{1}, Bits{1} << (kMantissa - 1), (Bits{1} << kMantissa) - 1,
                                  static_cast<Bits>((Bits{1} << kMantissa) / 3)}) {
        column.append_fixed(static_cast<Bits>(sign << (sizeof(Float) * 8 - 1) |
                                              static_cast<Bits>(exponent) << kMantissa | mantissa));
      }
    }
  }
  expect_round_trip(column, to_sql(type));
  // The same as a few among prices, which take another form.
  constexpr std::size_t kPrices = 15;
  const std::size_t step = column.size() * (kPrices + 1) / kMaxBlockRows + 1;
  Column prices(type);
  for (std::size_t row = 0; row < column.size(); row += step) {
    for (std::size_t i = 0; i < kPrices; ++i) {
      prices.append_fixed(static_cast<Float>(static_cast<double>((row + i * 37) % 977) / 100));
    }
    prices.append_fixed(column.view().fixed<Bits>(row));
  }
  const auto bytes = encoded(prices);
  EXPECT_EQ(static_cast<Codec>(bytes[0]), Codec::DecimalFloats);
  expect_round_trip(prices, to_sql(type) + " among prices");
}

TEST(CodecEdges, EveryKindOfDouble) { expect_every_pattern<double, std::uint64_t>(TypeId::Double); }
TEST(CodecEdges, EveryKindOfReal) { expect_every_pattern<float, std::uint32_t>(TypeId::Real); }

TEST(CodecEdges, HugeAndEmptyTexts) {
  for (const TypeId id : {TypeId::Text, TypeId::Bytea, TypeId::Jsonb}) {
    Column column(SqlType::of(id));
    ColumnSampler sampler(9);
    std::string noise;
    while (noise.size() < 8 << 20) noise += static_cast<char>(sampler.below(256));
    column.append_bytes("");
    column.append_bytes(noise);
    column.append_bytes(std::string(20 << 20, '\0'));
    column.append_bytes("");
    column.append_bytes(noise.substr(1));
    expect_round_trip(column, "huge");
    Column empty(SqlType::of(id));
    for (int i = 0; i < 5000; ++i) empty.append_bytes("");
    EXPECT_LE(encoded(empty).size(), 24U);
    expect_round_trip(empty, "empty");
  }
}

TEST(CodecEdges, IntegersOfEveryWidthAndStep) {
  ColumnSampler sampler(3);
  for (unsigned width = 0; width <= 64; ++width) {
    const std::uint64_t mask = width == 64 ? UINT64_MAX : (std::uint64_t{1} << width) - 1;
    for (const bool adds_up : {false, true}) {
      std::vector<std::int64_t> values(kMaxBlockRows);
      std::uint64_t last = 0x8000'0000'0000'0000ULL - mask / 2;
      for (auto& value : values) {
        const std::uint64_t step = sampler.below(UINT64_MAX) & mask;
        value = static_cast<std::int64_t>(adds_up ? last += step : last + step);
      }
      ByteWriter out;
      write_integers(values, out);
      EXPECT_LE(out.size(), values.size() * 8 + 10);
      ByteReader in(out.bytes());
      std::vector<std::int64_t> decoded(values.size());
      IntegerDecoder(in, values.size()).read_all(decoded.data());
      ASSERT_TRUE(in.at_end());
      ASSERT_EQ(decoded, values) << width;
    }
  }
}

TEST(CodecEdges, TextsAreReadWhileAThreadEnds) {
  Column texts(SqlType::of(TypeId::Text));
  for (int i = 0; i < 500; ++i)
    texts.append_bytes("a long text that repeats itself, and a number: " + std::to_string(i));
  const auto bytes = encoded(texts);
  ASSERT_LT(bytes.size(), 5'000U) << "not compressed";
  const auto is_right = [&] {
    const auto block = decode_block(bytes, texts.type(), texts.layout(), texts.size(), 3);
    return is_same_cell(block->view(), 499, texts.view(), 499);
  };
  bool was_right = false;
  std::thread([&] {
    struct ReadsLast {
      std::function<void()> read;
      ~ReadsLast() { read(); }
    };
    // Made before what reading keeps for the thread, so it goes after that.
    thread_local const ReadsLast last{[&] { was_right = is_right(); }};
    EXPECT_TRUE(last.read != nullptr && is_right());
  }).join();
  EXPECT_TRUE(was_right);
}

}  // namespace
}  // namespace tickstone::storage
