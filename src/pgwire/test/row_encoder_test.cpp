// SPDX-License-Identifier: Apache-2.0
#include "pgwire/row_encoder.hpp"

#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "types/binary_format.hpp"

namespace tickstone::pgwire {
namespace {

using namespace std::string_view_literals;

Batch one_row(const SqlType& type, std::string_view text) {
  Batch batch;
  batch.columns.emplace_back(type);
  append_parsed(batch.columns[0], text);
  return batch;
}

std::string encoded(const Batch& batch, std::vector<ValueFormat> formats) {
  std::string out;
  RowEncoder(std::move(formats), FormatContext{}).append_rows(out, batch, 0, batch.row_count());
  return out;
}

TEST(RowEncoder, WritesRowsOfText) {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Integer));
  batch.columns.emplace_back(SqlType::of(TypeId::Text));
  batch.columns.emplace_back(SqlType::of(TypeId::Boolean));
  for (const auto n : {-7, 12}) {
    batch.columns[0].append_fixed(static_cast<std::int32_t>(n));
    batch.columns[2].append_fixed(static_cast<std::uint8_t>(n > 0));
  }
  batch.columns[1].append_bytes("ab");
  batch.columns[1].append_null();
  const std::vector formats(3, ValueFormat::Text);
  const auto first = "D\0\0\0\x17\0\3\0\0\0\2-7\0\0\0\2ab\0\0\0\1f"sv;
  const auto second =
      "D\0\0\0\x15\0\3\0\0\0\2"
      "12\xFF\xFF\xFF\xFF\0\0\0\1t"sv;
  EXPECT_EQ(encoded(batch, formats), std::string(first) + std::string(second));
  std::string out;
  RowEncoder(formats, FormatContext{}).append_rows(out, batch, 1, 2);
  EXPECT_EQ(out, second);
}

TEST(RowEncoder, WritesEachColumnInItsFormat) {
  Batch batch;
  for (int i = 0; i < 2; ++i) {
    batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
    batch.columns.back().append_fixed(std::int64_t{5});
  }
  EXPECT_EQ(encoded(batch, {ValueFormat::Binary, ValueFormat::Text}),
            "D\0\0\0\x17\0\2\0\0\0\x08\0\0\0\0\0\0\0\5\0\0\0\1"
            "5"sv);
}

TEST(RowEncoder, WritesTheTextThatTypesWrite) {
  const std::pair<SqlType, std::string_view> cases[] = {
      {SqlType::of(TypeId::SmallInt), "-32768"},
      {SqlType::of(TypeId::BigInt), "-9223372036854775808"},
      {SqlType::of(TypeId::Oid), "4294967295"},
      {SqlType::of(TypeId::Double), "0.1"},
      {SqlType::of(TypeId::Numeric), "187.15"},
      {SqlType::of(TypeId::TimestampTz), "2024-01-02 09:30:00.5+00"},
      {SqlType::of(TypeId::Date), "2024-01-02"},
      {SqlType::of(TypeId::Interval), "1 day 02:00:00"},
      {SqlType::of(TypeId::Jsonb), "{\"a\": 1}"},
      {SqlType::array_of(TypeId::Text), "{a,\"b c\",NULL}"},
      {SqlType::of(TypeId::Bytea), "\\x00ff"},
  };
  for (const auto& [type, text] : cases) {
    EXPECT_EQ(encoded(one_row(type, text), {ValueFormat::Text}).substr(11), text) << to_sql(type);
  }
}

/// Digit by digit, without the zeros at the fraction's end.
std::string decimal_text(Int128 unscaled, int scale) {
  const bool is_negative = unscaled < 0;
  std::string digits;
  for (; unscaled != 0; unscaled /= 10)
    digits.insert(0, 1, static_cast<char>('0' + std::abs(static_cast<int>(unscaled % 10))));
  while (static_cast<int>(digits.size()) <= scale) digits.insert(0, 1, '0');
  std::string fraction = digits.substr(digits.size() - static_cast<std::size_t>(scale));
  digits.resize(digits.size() - fraction.size());
  while (fraction.ends_with('0')) fraction.pop_back();
  if (!fraction.empty()) fraction.insert(0, 1, '.');
  return (is_negative ? "-" : "") + digits + fraction;
}

std::int64_t any_integer(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0:
      return static_cast<std::int64_t>(random());
    case 1:
      return random() % 2 == 0 ? INT64_MIN : INT64_MAX;
    case 2:
      return static_cast<std::int64_t>(random() % 20'000) * 10'000 - 100'000'000;
    default:
      return static_cast<std::int64_t>(random() >> random() % 64) * (random() % 2 == 0 ? -1 : 1);
  }
}

TEST(RowEncoder, WritesDecimalsOfEveryScale) {
  std::mt19937_64 random(20261128);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t unscaled = any_integer(random);
    const auto scale = static_cast<std::uint8_t>(random() % 39);
    const Int128 times = i % 4 == 0 ? any_integer(random) : i % 4 == 1 ? 1'000'000'000 : 1;
    Batch batch;
    batch.columns.emplace_back(SqlType::of(TypeId::Numeric), ColumnLayout{Physical::Int64, scale});
    batch.columns[0].append_fixed(unscaled);
    batch.columns.emplace_back(SqlType::of(TypeId::Numeric), ColumnLayout{Physical::Int128, scale});
    batch.columns[1].append_fixed(unscaled * times);
    const std::string first = decimal_text(unscaled, scale);
    const std::string row = encoded(batch, {ValueFormat::Text, ValueFormat::Text});
    ASSERT_EQ(row.substr(11, first.size()), first);
    ASSERT_EQ(row.substr(11 + first.size() + 4), decimal_text(unscaled * times, scale));
  }
}

// Results of many rows are written by ways of their own; value by value there is one.
TEST(RowEncoder, WritesWhatTheFunctionsOfTheTypesWrite) {
  std::mt19937_64 random(7);
  const TypeId types[] = {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer,     TypeId::BigInt,
                          TypeId::Oid,     TypeId::Numeric,  TypeId::Timestamp,   TypeId::TimestampTz,
                          TypeId::Date,    TypeId::Double,   TypeId::Real,        TypeId::Text,
                          TypeId::Time,    TypeId::Interval, TypeId::TimestampNs, TypeId::Uuid};
  for (int round = 0; round < 300; ++round) {
    FormatContext context;
    const char* const zones[] = {"UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin"};
    context.zone = find_time_zone(zones[random() % 4]);
    ASSERT_NE(context.zone, nullptr);
    if (random() % 8 == 0) context.dates.format = DateStyle::Format::German;
    Batch batch;
    std::vector<ValueFormat> formats;
    const std::size_t columns = 1 + random() % 9, rows = random() % 200;
    for (std::size_t i = 0; i < columns; ++i) {
      Column column(SqlType::of(types[random() % std::size(types)]));
      const std::int64_t near = any_integer(random);
      for (std::size_t row = 0; row < rows; ++row) {
        if (random() % 10 == 0) {
          column.append_null();
          continue;
        }
        auto n = random() % 3 == 0 ? any_integer(random)
                                   : near / 2 + static_cast<std::int64_t>(random() % 100'000'000'000);
        if (column.type().id == TypeId::Time) n = std::abs(n % 86'400'000'000);
        switch (column.layout().physical) {
          case Physical::Bool:
            column.append_fixed(static_cast<std::uint8_t>(n & 1));
            break;
          case Physical::Int16:
            column.append_fixed(static_cast<std::int16_t>(n));
            break;
          case Physical::Int32:
            column.append_fixed(static_cast<std::int32_t>(n));
            break;
          case Physical::Int64:
            column.append_fixed(n);
            break;
          case Physical::Int128:
            column.append_fixed(Int128{n} * static_cast<std::int32_t>(random()));
            break;
          case Physical::Float32:
            column.append_fixed(static_cast<float>(n) / 1000);
            break;
          case Physical::Float64:
            column.append_fixed(static_cast<double>(n) / 1000);
            break;
          case Physical::Bytes:
            column.append_bytes(std::string(random() % 40, 'x'));
            break;
        }
      }
      batch.columns.push_back(std::move(column));
      formats.push_back(random() % 3 == 0 ? ValueFormat::Binary : ValueFormat::Text);
    }
    std::string expected = "before";
    for (std::size_t row = 0; row < rows; ++row) {
      std::string fields;
      for (std::size_t i = 0; i < columns; ++i) {
        const auto view = batch.columns[i].view();
        if (view.is_null(row) || formats[i] == ValueFormat::Binary) {
          append_binary_field(fields, view, row);
        } else {
          std::string text;
          append_text(text, view, row, context);
          append_big_endian(fields, static_cast<std::int32_t>(text.size()));
          fields += text;
        }
      }
      expected += 'D';
      append_big_endian(expected, static_cast<std::int32_t>(fields.size() + 6));
      append_big_endian(expected, static_cast<std::int16_t>(columns));
      expected += fields;
    }
    std::string out = "before";
    const std::size_t middle = rows / 3;
    const RowEncoder encoder(formats, context);
    encoder.append_rows(out, batch, 0, middle);
    encoder.append_rows(out, batch, middle, rows);
    ASSERT_EQ(out, expected) << round;
  }
}

TEST(RowEncoder, WritesTextsThatAreAllEmpty) {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Text));
  batch.columns[0].append_bytes("");  // the column has no memory for texts
  EXPECT_EQ(encoded(batch, {ValueFormat::Text}), "D\0\0\0\x0A\0\1\0\0\0\0"sv);
}

TEST(RowEncoder, WritesRowsWithoutColumns) {
  Batch batch;
  batch.zero_column_rows = 2;
  EXPECT_EQ(encoded(batch, {}), "D\0\0\0\6\0\0D\0\0\0\6\0\0"sv);
}

TEST(RowEncoder, LeavesNoHalfRowAfterAnError) {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Record));
  batch.columns[0].append_bytes("(1)");
  std::string out = "before";
  const RowEncoder encoder({ValueFormat::Binary}, FormatContext{});
  EXPECT_THROW(encoder.append_rows(out, batch, 0, 1), Error);
  EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace tickstone::pgwire
