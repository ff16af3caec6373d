// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "types/json_text.hpp"
#include "types/utf8.hpp"
#include "types/value.hpp"

namespace tickstone {
namespace {

Column texts(std::initializer_list<const char*> values) {
  Column column(SqlType::of(TypeId::Text));
  for (const auto* value : values) {
    if (value == nullptr) {
      column.append_null();
    } else {
      column.append_bytes(value);
    }
  }
  return column;
}

ErrorCode code_of(const SqlType& from, const SqlType& to, CastStrength strength, const char* text) {
  try {
    cast_value(parse_value(from, text), to, strength);
    return ErrorCode::SuccessfulCompletion;
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(Cast, MovesWholeColumns) {
  const auto source = texts({"1.5", nullptr, "-0.00001234"});
  const auto numbers = cast_column(source.view(), SqlType::of(TypeId::Numeric), CastStrength::Explicit);
  ASSERT_EQ(numbers.size(), 3U);
  EXPECT_TRUE(numbers.is_null(1));
  const auto back = cast_column(numbers.view(), SqlType::of(TypeId::Text), CastStrength::Assignment);
  EXPECT_EQ(back.bytes(0), "1.5");
  EXPECT_EQ(back.bytes(2), "-0.00001234");
}

TEST(Cast, ReadsConstantAndDictionaryColumns) {
  Column one(SqlType::of(TypeId::Integer));
  one.append_fixed(std::int32_t{7});
  auto constant = one.view();
  constant.form = ColumnView::Form::Constant;
  constant.size = 3;
  const auto wide = cast_column(constant, SqlType::of(TypeId::BigInt), CastStrength::Implicit);
  ASSERT_EQ(wide.size(), 3U);
  EXPECT_EQ(wide.fixed<std::int64_t>(2), 7);
}

TEST(Cast, LengthsAreRefusedOrCut) {
  const SqlType three{TypeId::Varchar, false, 3};
  EXPECT_EQ(code_of(SqlType::of(TypeId::Text), three, CastStrength::Assignment, "abcd"),
            ErrorCode::StringDataRightTruncation);
  EXPECT_EQ(code_of(SqlType::of(TypeId::Text), three, CastStrength::Assignment, "abc  "),
            ErrorCode::SuccessfulCompletion);
  EXPECT_EQ(code_of(SqlType::of(TypeId::Text), three, CastStrength::Explicit, "abcd"),
            ErrorCode::SuccessfulCompletion);
  const SqlType padded{TypeId::Char, false, 3};
  EXPECT_EQ(to_text(parse_value(padded, "a")), "a  ");
  EXPECT_EQ(compare_values(parse_value(padded, "a"), parse_value(SqlType{TypeId::Char, false, 5}, "a")),
            std::strong_ordering::equal);
}

TEST(Cast, SaysWhatIsMissing) {
  EXPECT_EQ(code_of(SqlType::of(TypeId::Integer), SqlType::of(TypeId::Date), CastStrength::Explicit, "1"),
            ErrorCode::CannotCoerce);
  EXPECT_EQ(code_of(SqlType::of(TypeId::Text), SqlType::of(TypeId::Integer), CastStrength::Assignment, "1"),
            ErrorCode::DatatypeMismatch);
  EXPECT_FALSE(
      can_cast(SqlType::of(TypeId::Text), SqlType::array_of(TypeId::Text), CastStrength::Assignment));
  EXPECT_TRUE(
      can_cast(SqlType::of(TypeId::Unknown), SqlType::array_of(TypeId::Text), CastStrength::Implicit));
}

TEST(Cast, NanosecondsMeetMicroseconds) {
  const auto ns = parse_value(SqlType::of(TypeId::TimestampNs), "1969-12-31 23:59:59.999999999+00");
  const auto us = cast_value(ns, SqlType::of(TypeId::TimestampTz), CastStrength::Assignment);
  EXPECT_EQ(to_text(us), "1969-12-31 23:59:59.999999+00");
  const auto again = cast_value(us, SqlType::of(TypeId::TimestampNs), CastStrength::Implicit);
  EXPECT_EQ(to_text(again), "1969-12-31 23:59:59.999999+00");
  EXPECT_EQ(code_of(SqlType::of(TypeId::TimestampTz), SqlType::of(TypeId::TimestampNs),
                    CastStrength::Implicit, "2300-01-01"),
            ErrorCode::DatetimeFieldOverflow);
}

TEST(Value, ColumnIsUnchangedAfterAnError) {
  Column column(SqlType::numeric(5, 2));
  append_parsed(column, "1.25");
  for (const auto* text : {"x", "1000", "NaN", "\xff"})
    EXPECT_THROW(append_parsed(column, text), Error) << text;
  EXPECT_EQ(column.size(), 1U);
  Column words(SqlType{TypeId::Varchar, false, 2});
  EXPECT_THROW(append_parsed(words, "abc"), Error);
  EXPECT_THROW(append_parsed(words, "a\xc3"), Error);
  EXPECT_EQ(words.size(), 0U);
}

TEST(Utf8, RefusesWhatIsNone) {
  check_utf8("plain ascii, and more than eight bytes");
  check_utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const std::string& text :
       {std::string("\x80"), std::string("abcdefgh\xff"), std::string("\xc0\x80"),
        std::string("\xed\xa0\x80"), std::string("\xf5\x80\x80\x80"), std::string("\xe2\x82"),
        std::string("a\0b", 3), std::string("12345678\0", 9)}) {
    EXPECT_THROW(check_utf8(text), Error);
  }
  try {
    check_utf8("ok \xe2\x28\xa1");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "invalid byte sequence for encoding \"UTF8\": 0xe2 0x28 0xa1");
    EXPECT_EQ(error.code(), ErrorCode::CharacterNotInRepertoire);
  }
}

TEST(Json, OrdersAsPostgres) {
  const char* const ascending[] = {"null",
                                   "\"a\"",
                                   "\"b\"",
                                   "-10",
                                   "-9.5",
                                   "0",
                                   "0.10",
                                   "9",
                                   "10",
                                   "false",
                                   "true",
                                   "[1]",
                                   "[2]",
                                   "[1, 2]",
                                   "{}",
                                   "{\"a\": 1}",
                                   "{\"a\": 2}",
                                   "{\"b\": 0}",
                                   "{\"a\": 1, \"b\": 1}"};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_TRUE(compare_jsonb(ascending[i], ascending[i + 1]) < 0)
        << ascending[i] << " < " << ascending[i + 1];
  }
  EXPECT_TRUE(compare_jsonb("1.0", "1.00") == 0);
}

TEST(Json, RefusesDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_THROW(check_json(deep), Error);
  EXPECT_THROW(normalize_jsonb(deep), Error);
}

}  // namespace
}  // namespace tickstone
