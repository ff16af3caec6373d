// SPDX-License-Identifier: Apache-2.0
#include "types/column.hpp"

#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "types/value.hpp"

namespace tickstone {
namespace {

std::string numbers(const Column& column) {
  std::string out;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (row > 0) out += ' ';
    if (column.is_null(row)) {
      out += "null";
    } else {
      append_decimal(out, column.view().integer(row), column.layout().scale);
    }
  }
  return out;
}

TEST(Column, TracksNullsAcrossWords) {
  Column column(SqlType::of(TypeId::BigInt));
  for (std::int64_t i = 0; i < 200; ++i) {
    if (i % 63 == 5) {
      column.append_null();
    } else {
      column.append_fixed(i);
    }
  }
  ASSERT_EQ(column.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(column.is_null(i), i % 63 == 5) << i;
    if (!column.is_null(i)) {
      EXPECT_EQ(column.fixed<std::int64_t>(i), static_cast<std::int64_t>(i));
    }
  }
  column.truncate(64);
  column.append_fixed(std::int64_t{7});
  EXPECT_FALSE(column.is_null(64));
  EXPECT_TRUE(column.is_null(5));
}

TEST(Column, ConcatenatesTexts) {
  Column a(SqlType::of(TypeId::Text));
  a.append_bytes("AAPL");
  a.append_null();
  Column b(SqlType::of(TypeId::Text));
  b.append_bytes("");
  b.append_all(a.view());
  b.append_all(a.view());
  const std::uint32_t rows[] = {4, 0, 1};
  Column c(SqlType::of(TypeId::Text));
  c.append_rows(b.view(), rows, 3);
  ASSERT_EQ(b.size(), 5U);
  EXPECT_EQ(b.bytes(0), "");
  EXPECT_EQ(b.bytes(1), "AAPL");
  EXPECT_TRUE(b.is_null(2));
  EXPECT_EQ(b.bytes(3), "AAPL");
  EXPECT_TRUE(c.is_null(0));
  EXPECT_EQ(c.bytes(1), "");
  EXPECT_EQ(c.bytes(2), "AAPL");
}

TEST(Column, ReadsConstantsAndDictionaries) {
  Column words(SqlType::of(TypeId::Text));
  words.append_bytes("a");
  words.append_bytes("b");
  const auto dictionary = words.view();
  const std::uint32_t codes[] = {1, 0, 1};
  const std::uint64_t validity[] = {0b101};
  ColumnView coded;
  coded.type = words.type();
  coded.layout = words.layout();
  coded.form = ColumnView::Form::Dictionary;
  coded.size = 3;
  coded.codes = codes;
  coded.dictionary = &dictionary;
  coded.validity = validity;
  auto constant = words.view();
  constant.form = ColumnView::Form::Constant;
  constant.size = 2;
  Column all(SqlType::of(TypeId::Text));
  all.append_all(coded);
  all.append_all(constant);
  EXPECT_EQ(all.bytes(0), "b");
  EXPECT_TRUE(all.is_null(1));
  EXPECT_EQ(all.bytes(2), "b");
  EXPECT_EQ(all.bytes(3), "a");
  EXPECT_EQ(all.bytes(4), "a");
}

TEST(Column, BareNumericWidensWithoutLoss) {
  Column column(SqlType::of(TypeId::Numeric));
  column.append_decimal(*parse_decimal("187.15"));
  column.append_null();
  column.append_decimal(*parse_decimal("0.00001234"));
  EXPECT_EQ(column.layout(), (ColumnLayout{Physical::Int64, 8}));
  column.append_decimal(*parse_decimal("123456789012345.5"));
  EXPECT_EQ(column.layout(), (ColumnLayout{Physical::Int128, 8}));
  EXPECT_EQ(numbers(column), "187.15 null 0.00001234 123456789012345.5");
  EXPECT_THROW(column.append_decimal(*parse_decimal("99999999999999999999999999999999999999")), Error);
  EXPECT_EQ(numbers(column), "187.15 null 0.00001234 123456789012345.5");
}

TEST(Column, GivesScaleUpForWholeDigits) {
  Column column(SqlType::of(TypeId::Numeric));
  column.append_decimal(*parse_decimal("2.5"));
  column.append_decimal(*parse_decimal("9999999999999999999999999999999999999"));
  EXPECT_EQ(column.layout(), (ColumnLayout{Physical::Int128, 1}));
  EXPECT_EQ(numbers(column), "2.5 9999999999999999999999999999999999999");
}

TEST(Column, KeepsTheNarrowFormWhenTheScaleGrowsOverLargeRows) {
  Column column(SqlType::of(TypeId::Numeric));
  column.append_decimal(*parse_decimal("999999999999.999999"));
  column.append_decimal(*parse_decimal("0.0000001"));
  EXPECT_EQ(column.layout(), (ColumnLayout{Physical::Int128, 7}));
  EXPECT_EQ(numbers(column), "999999999999.999999 0.0000001");
}

TEST(Column, DeclaredNumericRoundsAndChecks) {
  Column column(SqlType::numeric(5, 2));
  column.append_decimal(*parse_decimal("1.005"));
  column.append_decimal(*parse_decimal("-999.994"));
  try {
    column.append_decimal(*parse_decimal("999.995"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "numeric field overflow");
    EXPECT_EQ(error.detail(),
              "A field with precision 5, scale 2 must round to an absolute value less than 10^3.");
  }
  EXPECT_EQ(numbers(column), "1.01 -999.99");
  Column hundreds(SqlType::numeric(3, -2));
  hundreds.append_decimal(*parse_decimal("12345"));
  EXPECT_EQ(numbers(hundreds), "12300");
}

TEST(Value, GoesInAndOut) {
  Column column(SqlType::of(TypeId::Numeric));
  append_value(column, Value::of_integer(42));
  append_value(column, Value::of_numeric({-15, 1}));
  append_value(column, Value::null_of(column.type()));
  EXPECT_EQ(numbers(column), "42 -1.5 null");
  EXPECT_EQ(compare_values(value_at(column.view(), 0), Value::of_bigint(42)), std::strong_ordering::equal);
  Column narrow(SqlType::of(TypeId::SmallInt));
  EXPECT_THROW(append_value(narrow, Value::of_bigint(40000)), Error);
}

TEST(Value, ComparesAsPostgres) {
  const auto nan = Value::of_double(__builtin_nan(""));
  EXPECT_EQ(compare_values(nan, Value::of_double(1e300)), std::strong_ordering::greater);
  EXPECT_EQ(compare_values(nan, nan), std::strong_ordering::equal);
  EXPECT_EQ(compare_values(Value::of_double(-0.0), Value::of_double(0.0)), std::strong_ordering::equal);
  Value month{SqlType::of(TypeId::Interval), false, 0, pack_interval({1, 0, 0})};
  Value days{SqlType::of(TypeId::Interval), false, 0, pack_interval({0, 30, 0})};
  EXPECT_EQ(compare_values(month, days), std::strong_ordering::equal);
  EXPECT_EQ(compare_values(Value::of_text("b"), Value::of_text("ab")), std::strong_ordering::greater);
}

/// Appending parts at once gives what appending their rows one by one gives, wherever parts and nulls lie.
TEST(Column, PartsAreAppendedAsTheirRowsAre) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    const bool is_text = random() % 2 == 0;
    const auto type = SqlType::of(is_text ? TypeId::Text : TypeId::BigInt);
    Column texts(type);  // of a dictionary
    for (int i = 0; i < 5; ++i)
      is_text ? texts.append_bytes(std::string(random() % 20, 'x'))
              : texts.append_fixed(std::int64_t(random()));
    const ColumnView dictionary = texts.view();
    Column whole(type);
    Column by_row(type);
    for (int part = 0; part < 6; ++part) {
      const std::size_t size = random() % 150;
      const std::size_t shift = random() % 70;
      std::vector<std::uint64_t> validity(4);
      for (auto& word : validity) word = random() | (part % 2 == 0 ? ~std::uint64_t{0} : 0);
      std::vector<std::uint32_t> codes(size);
      for (auto& code : codes) code = random() % 5;
      Column flat(type);
      for (std::size_t row = 0; row < size; ++row) flat.append_from(dictionary, codes[row]);
      ColumnView view = flat.view();
      if (random() % 2 == 0) {
        view = ColumnView{};
        view.type = type;
        view.layout = initial_layout(type);
        view.form = ColumnView::Form::Dictionary;
        view.size = size;
        view.codes = codes.data();
        view.dictionary = &dictionary;
      }
      if (random() % 2 == 0) {
        view.validity = validity.data();
        view.bit_offset = shift;
      }
      whole.append_all(view);
      for (std::size_t row = 0; row < size; ++row) by_row.append_from(view, row);
    }
    whole.append_null();
    by_row.append_null();
    ASSERT_EQ(whole.size(), by_row.size());
    for (std::size_t row = 0; row < whole.size(); ++row) {
      ASSERT_EQ(whole.is_null(row), by_row.is_null(row)) << round << " " << row;
      if (whole.is_null(row)) continue;
      if (is_text) {
        ASSERT_EQ(whole.bytes(row), by_row.bytes(row));
      } else {
        ASSERT_EQ(whole.fixed<std::int64_t>(row), by_row.fixed<std::int64_t>(row));
      }
    }
  }
}

}  // namespace
}  // namespace tickstone
