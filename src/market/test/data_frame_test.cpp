// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "market/data_frame_content.hpp"
#include "types/value.hpp"

namespace tickstone::market {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// One column of `type` from PostgreSQL's texts.
DataFrame frame_of(const SqlType& type, const std::vector<std::optional<std::string>>& cells) {
  Batch batch;
  batch.columns.emplace_back(type);
  for (const auto& cell : cells) {
    if (cell)
      append_parsed(batch.columns[0], *cell);
    else
      batch.columns[0].append_null();
  }
  return make_data_frame({{"c", type}}, std::move(batch));
}

ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

TEST(DataFrame, ConvertsNumbersWhereNothingIsLost) {
  const auto numeric = frame_of(SqlType::of(TypeId::Numeric), {"42", "187.15", std::nullopt});
  EXPECT_EQ(numeric.get<std::int64_t>(0, 0), 42);
  EXPECT_EQ(numeric.get<std::int32_t>(0, "c"), 42);
  EXPECT_EQ(numeric.get<double>(1, 0), 187.15);
  EXPECT_EQ(numeric.get<Decimal>(1, 0), Decimal::parse("187.15"));
  EXPECT_EQ(numeric.get<std::string>(1, 0), "187.15");
  EXPECT_EQ(code_of([&] { numeric.get<std::int64_t>(1, 0); }), ErrorCode::DatatypeMismatch);
  EXPECT_EQ(code_of([&] { numeric.get<std::int64_t>(2, 0); }), ErrorCode::NullValueNotAllowed);
  EXPECT_EQ(code_of([&] { numeric.get<std::int64_t>(3, 0); }), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code_of([&] { numeric.get<Timestamp>(0, 0); }), ErrorCode::DatatypeMismatch);
  const auto large = frame_of(SqlType::of(TypeId::BigInt), {"3000000000"});
  EXPECT_EQ(code_of([&] { large.get<std::int32_t>(0, 0); }), ErrorCode::NumericValueOutOfRange);
  EXPECT_THAT(numeric.values<std::optional<double>>(0), ElementsAre(42.0, 187.15, std::nullopt));
}

TEST(DataFrame, PrintsATableThatSaysWhatItLeavesOut) {
  const auto frame = frame_of(SqlType::of(TypeId::Integer), {"1", "200", "3"});
  EXPECT_EQ(frame.to_string(2), "  c \n-----\n   1\n 200\n(3 rows, the first 2 shown)\n");
}

/// Reads the structures as an Arrow library would, and releases them.
struct Arrow {
  explicit Arrow(const DataFrame& frame) { frame.export_to_arrow(&array, &schema); }
  ~Arrow() {
    array.release(&array);
    schema.release(&schema);
    EXPECT_EQ(array.release, nullptr);
    EXPECT_EQ(schema.release, nullptr);
  }
  const ArrowArray& column(std::size_t i = 0) const { return *array.children[i]; }
  std::string format(std::size_t i = 0) const { return schema.children[i]->format; }
  template <typename T>
  T value(std::size_t row) const {
    T value;
    std::memcpy(&value, static_cast<const char*>(column().buffers[1]) + row * sizeof(T), sizeof(T));
    return value;
  }
  bool is_valid(std::size_t row) const {
    const auto* bits = static_cast<const std::uint8_t*>(column().buffers[0]);
    return bits == nullptr || ((bits[row / 8] >> (row % 8)) & 1) != 0;
  }
  std::string text(const ArrowArray& texts, std::size_t row) const {
    const auto* offsets = static_cast<const std::int32_t*>(texts.buffers[1]);
    return {static_cast<const char*>(texts.buffers[2]) + offsets[row],
            static_cast<std::size_t>(offsets[row + 1] - offsets[row])};
  }
  ArrowArray array{};
  ArrowSchema schema{};
};

TEST(ArrowExport, IsAStructOfTheColumns) {
  Batch batch =
      empty_batch({{"time", SqlType::of(TypeId::TimestampTz)}, {"close", SqlType::of(TypeId::Numeric)}});
  append_parsed(batch.columns[0], "2026-01-05 00:00:00+00");
  append_parsed(batch.columns[1], "1.25");
  const auto frame =
      make_data_frame({{"time", SqlType::of(TypeId::TimestampTz)}, {"close", SqlType::of(TypeId::Numeric)}},
                      std::move(batch));
  const Arrow arrow(frame);
  EXPECT_STREQ(arrow.schema.format, "+s");
  ASSERT_EQ(arrow.array.n_children, 2);
  EXPECT_EQ(arrow.array.length, 1);
  EXPECT_STREQ(arrow.schema.children[0]->name, "time");
  EXPECT_EQ(arrow.format(0), "tsu:UTC");
  EXPECT_THAT(arrow.format(1), HasSubstr("d:38,"));
}

TEST(ArrowExport, KeepsDecimalsExact) {
  const auto frame =
      frame_of(SqlType::of(TypeId::Numeric), {"-0.00000000000000000001", std::nullopt, "187.15"});
  const Arrow arrow(frame);
  EXPECT_EQ(arrow.format(), "d:38,20");
  EXPECT_EQ(arrow.value<Int128>(0), Int128{-1});
  EXPECT_FALSE(arrow.is_valid(1));
  EXPECT_TRUE(arrow.is_valid(2));
  EXPECT_EQ((Decimal{arrow.value<Int128>(2), 20}), Decimal::parse("187.15"));
}

TEST(ArrowExport, WidensNarrowDecimals) {
  const auto frame = frame_of(SqlType::of(TypeId::Numeric), {"1.5"});
  const Arrow arrow(frame);
  EXPECT_EQ((Decimal{arrow.value<Int128>(0), static_cast<std::uint8_t>(std::stoi(arrow.format().substr(5)))}),
            Decimal::parse("1.5"));
}

TEST(ArrowExport, PacksBooleansIntoBits) {
  const auto frame =
      frame_of(SqlType::of(TypeId::Boolean), {"t", "f", std::nullopt, "t", "f", "f", "f", "f", "t"});
  const Arrow arrow(frame);
  EXPECT_EQ(arrow.format(), "b");
  EXPECT_EQ(arrow.value<std::uint8_t>(0), 0b1001);
  EXPECT_EQ(arrow.value<std::uint8_t>(1), 1);
}

TEST(ArrowExport, GivesTextsAndListsOfTexts) {
  const auto texts = frame_of(SqlType::of(TypeId::Text), {"AAPL", "", std::nullopt, "äö"});
  const Arrow arrow(texts);
  EXPECT_EQ(arrow.format(), "u");
  EXPECT_EQ(arrow.text(arrow.column(), 0), "AAPL");
  EXPECT_EQ(arrow.text(arrow.column(), 1), "");
  EXPECT_FALSE(arrow.is_valid(2));
  EXPECT_EQ(arrow.text(arrow.column(), 3), "äö");

  const auto lists = frame_of(SqlType::array_of(TypeId::Text), {"{a,b}", std::nullopt, "{}", "{c,NULL}"});
  const Arrow list(lists);
  EXPECT_EQ(list.format(), "+l");
  ASSERT_EQ(list.column().n_children, 1);
  const ArrowArray& items = *list.column().children[0];
  EXPECT_EQ(items.length, 4);
  EXPECT_EQ(list.text(items, 2), "c");
  EXPECT_EQ(list.value<std::int32_t>(4), 4);
  EXPECT_EQ(list.value<std::int32_t>(2), 2);
}

TEST(ArrowExport, TakesWhatArrowDoesNotHaveAsText) {
  const auto frame =
      frame_of(SqlType::of(TypeId::Uuid), {"018c2f3e-1234-7abc-8def-0123456789ab", std::nullopt});
  const Arrow arrow(frame);
  EXPECT_EQ(arrow.format(), "u");
  EXPECT_EQ(arrow.text(arrow.column(), 0), "018c2f3e-1234-7abc-8def-0123456789ab");
}

TEST(ArrowExport, OutlivesTheFrame) {
  auto frame = std::make_unique<DataFrame>(frame_of(SqlType::of(TypeId::BigInt), {"7"}));
  const Arrow arrow(*frame);
  frame.reset();
  EXPECT_EQ(arrow.value<std::int64_t>(0), 7);
}

TEST(ArrowExport, HasPlacesForNoRows) {
  const Arrow arrow(frame_of(SqlType::of(TypeId::Text), {}));
  EXPECT_EQ(arrow.array.length, 0);
  EXPECT_NE(arrow.column().buffers[1], nullptr);
  EXPECT_NE(arrow.column().buffers[2], nullptr);
}

TEST(ArrowExport, ReadsMonthsDaysAndNanosecondsOfIntervals) {
  const Arrow arrow(frame_of(SqlType::of(TypeId::Interval), {"1 year 2 days 00:00:03"}));
  EXPECT_EQ(arrow.format(), "tin");
  EXPECT_EQ(arrow.value<std::int32_t>(0), 12);
  EXPECT_EQ(arrow.value<std::int32_t>(1), 2);
  EXPECT_EQ(arrow.value<std::int64_t>(1), 3'000'000'000);
}

}  // namespace
}  // namespace tickstone::market
