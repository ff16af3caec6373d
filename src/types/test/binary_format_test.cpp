// SPDX-License-Identifier: Apache-2.0
#include "types/binary_format.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "types/binary_numeric.hpp"

namespace tickstone {
namespace {

using namespace std::string_view_literals;

/// The send form of a value given as text, without its length.
std::string sent(const SqlType& type, std::string_view text) {
  std::string out;
  append_binary_field(out, parse_value(type, text));
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(out.at(3)));
  EXPECT_EQ(out.size(), size + 4);
  return out.substr(4);
}
std::string sent(TypeId id, std::string_view text) { return sent(SqlType::of(id), text); }

std::string error_of(const SqlType& type, std::string_view bytes) {
  try {
    receive_value(type, bytes);
  } catch (const Error& error) {
    return std::string(sqlstate(error.code())) + " " + error.what();
  }
  return "none";
}

// What PostgreSQL 15 sends for the same values.
TEST(BinaryFormat, SendsPostgresqlsBytes) {
  EXPECT_EQ(sent(TypeId::Boolean, "true"), "\1"sv);
  EXPECT_EQ(sent(TypeId::SmallInt, "-2"), "\xFF\xFE"sv);
  EXPECT_EQ(sent(TypeId::Integer, "258"), "\0\0\1\2"sv);
  EXPECT_EQ(sent(TypeId::BigInt, "-1"), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(sent(TypeId::Real, "1.5"), "\x3F\xC0\0\0"sv);
  EXPECT_EQ(sent(TypeId::Double, "-2"), "\xC0\0\0\0\0\0\0\0"sv);
  EXPECT_EQ(sent(TypeId::Text, "h\xC3\xA9"), "h\xC3\xA9"sv);
  EXPECT_EQ(sent(TypeId::Bytea, "\\x00ff"), "\0\xFF"sv);
  EXPECT_EQ(sent(TypeId::Date, "2000-01-02"), "\0\0\0\1"sv);
  EXPECT_EQ(sent(TypeId::Date, "infinity"), "\x7F\xFF\xFF\xFF"sv);
  EXPECT_EQ(sent(TypeId::Date, "-infinity"), "\x80\0\0\0"sv);
  EXPECT_EQ(sent(TypeId::Timestamp, "2000-01-01 00:00:01"), "\0\0\0\0\0\x0F\x42\x40"sv);
  EXPECT_EQ(sent(TypeId::TimestampTz, "1999-12-31 23:59:59.999999+00"), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(sent(TypeId::TimestampTz, "infinity"), "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(sent(TypeId::TimestampTz, "-infinity"), "\x80\0\0\0\0\0\0\0"sv);
  EXPECT_EQ(sent(TypeId::Time, "00:00:01"), "\0\0\0\0\0\x0F\x42\x40"sv);
  EXPECT_EQ(sent(TypeId::Interval, "1 mon 2 days 00:00:00.000003"), "\0\0\0\0\0\0\0\3\0\0\0\2\0\0\0\1"sv);
  EXPECT_EQ(sent(TypeId::Uuid, "00112233-4455-6677-8899-aabbccddeeff"),
            "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF"sv);
  EXPECT_EQ(sent(TypeId::Jsonb, "{\"a\": 1}"), "\1{\"a\": 1}"sv);
  EXPECT_EQ(sent(TypeId::Json, "{\"a\":1}"), "{\"a\":1}"sv);
  EXPECT_EQ(sent(SqlType::array_of(TypeId::Integer), "{1,NULL}"),
            "\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\2\0\0\0\1\0\0\0\4\0\0\0\1\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(sent(SqlType::array_of(TypeId::Text), "{}"), "\0\0\0\0\0\0\0\0\0\0\0\x19"sv);
}

TEST(BinaryFormat, SendsNumericInGroupsOfFour) {
  const auto numeric = [](std::string_view text) { return sent(TypeId::Numeric, text); };
  EXPECT_EQ(numeric("0"), "\0\0\0\0\0\0\0\0"sv);
  EXPECT_EQ(numeric("1"), "\0\1\0\0\0\0\0\0\0\1"sv);
  EXPECT_EQ(numeric("-187.15"), "\0\2\0\0\x40\0\0\2\0\xBB\x05\xDC"sv);
  EXPECT_EQ(numeric("10000"), "\0\1\0\1\0\0\0\0\0\1"sv);
  EXPECT_EQ(numeric("0.0001"), "\0\1\xFF\xFF\0\0\0\4\0\1"sv);
  EXPECT_EQ(numeric("0.00001234"), "\0\1\xFF\xFE\0\0\0\x08\x04\xD2"sv);
  EXPECT_EQ(numeric("12345678901234567890.5"),
            "\0\6\0\4\0\0\0\1\x04\xD2\x16\x2E\x23\x34\x0D\x80\x1E\xD2\x13\x88"sv);
}

TEST(BinaryFormat, ReceivesWhatItSends) {
  const std::pair<SqlType, std::vector<std::string_view>> cases[] = {
      {SqlType::of(TypeId::Boolean), {"t", "f"}},
      {SqlType::of(TypeId::SmallInt), {"-32768", "32767"}},
      {SqlType::of(TypeId::Integer), {"-2147483648", "0"}},
      {SqlType::of(TypeId::BigInt), {"-9223372036854775808", "9223372036854775807"}},
      {SqlType::of(TypeId::Oid), {"0", "4294967295"}},
      {SqlType::of(TypeId::Real), {"1.5", "NaN", "-Infinity"}},
      {SqlType::of(TypeId::Double), {"0.1", "NaN", "Infinity"}},
      {SqlType::of(TypeId::Numeric),
       {"0", "-1", "0.5", "9999.9999", "10000.0001", "-0.00000001", "12345678901234567890.123456789",
        "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "100000000",
        "0.12345"}},
      {SqlType::numeric(10, 2), {"12345678.99", "-0.01"}},
      {SqlType::of(TypeId::Text), {"", "h\xC3\xA9llo"}},
      {SqlType::of(TypeId::Bytea), {"\\x", "\\xdeadbeef"}},
      {SqlType::of(TypeId::Date), {"2024-02-29", "0001-01-01", "infinity", "-infinity"}},
      {SqlType::of(TypeId::Time), {"00:00:00", "23:59:59.999999"}},
      {SqlType::of(TypeId::Timestamp),
       {"2024-02-29 12:34:56.789012", "infinity", "-infinity", "1900-01-01 00:00:00"}},
      {SqlType::of(TypeId::TimestampTz), {"2024-02-29 12:34:56.789012+00", "infinity", "-infinity"}},
      {SqlType::of(TypeId::Interval), {"1 mon", "-1 days +02:03:04.5", "00:00:00"}},
      {SqlType::of(TypeId::Uuid),
       {"00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
      {SqlType::of(TypeId::Json), {"{\"b\":1, \"a\": [ ]}"}},
      {SqlType::of(TypeId::Jsonb), {"{\"a\": [], \"b\": 1}"}},
      {SqlType::array_of(TypeId::Text), {"{}", "{a,NULL,\"b c\"}"}},
      {SqlType::array_of(TypeId::Numeric), {"{1.5,NULL}"}},
      {SqlType::array_of(TypeId::TimestampTz), {"{\"2024-01-01 00:00:00+00\"}"}},
  };
  for (const auto& [type, texts] : cases) {
    for (const auto text : texts) {
      std::string field;
      append_binary_field(field, parse_value(type, text));
      EXPECT_EQ(to_text(receive_value(type, std::string_view(field).substr(4))), text) << to_sql(type);
    }
  }
}

TEST(BinaryFormat, SendsNullAsALength) {
  std::string out;
  append_binary_field(out, Value::null_of(SqlType::of(TypeId::Text)));
  EXPECT_EQ(out, "\xFF\xFF\xFF\xFF"sv);
}

TEST(BinaryFormat, RefusesBytesOfAnotherForm) {
  EXPECT_EQ(error_of(SqlType::of(TypeId::Integer), "abcde"), "22P03 incorrect binary data format");
  EXPECT_EQ(error_of(SqlType::of(TypeId::BigInt), ""), "08P01 insufficient data left in message");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Uuid), "short"), "22P03 incorrect binary data format");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Jsonb), "\2{}"), "22P03 unsupported jsonb version number");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Text), "\xFF").substr(0, 5), "22021");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Timestamp), "\x80\0\0\0\0\0\0\1"sv), "22008 timestamp out of range");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Date), "\x80\0\0\1"sv), "22008 date out of range");
  EXPECT_EQ(error_of(SqlType::of(TypeId::Record), ""),
            "42883 no binary input function available for type record");
}

TEST(BinaryFormat, ReceivesNumericAsItsTextIsRead) {
  std::mt19937 random(20261128);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  for (int round = 0; round < 20'000; ++round) {
    const int count = below(6);
    const int weight = below(10) - 5;
    const int scale = below(22);
    std::string bytes;
    for (const int part : {count, weight, below(2) == 0 ? 0 : 0x4000, scale})
      append_big_endian(bytes, static_cast<std::uint16_t>(part));
    std::vector<int> groups;
    for (int i = 0; i < count; ++i) {
      groups.push_back(below(3) == 0 ? 0 : below(3) == 0 ? below(100) * 100 : below(10000));
      append_big_endian(bytes, static_cast<std::uint16_t>(groups.back()));
    }
    std::string text = bytes[4] == 0 ? "" : "-";
    std::string fraction;
    for (int exponent = std::max(weight, 0); exponent >= std::min(weight - count + 1, 0); --exponent) {
      const int at = weight - exponent;
      const int group = at >= 0 && at < count ? groups[static_cast<std::size_t>(at)] : 0;
      (exponent >= 0 ? text : fraction) += std::to_string(10000 + group).substr(1);
    }
    text += "." + fraction.substr(0, static_cast<std::size_t>(scale));
    const auto expected = parse_decimal(text);
    ASSERT_TRUE(expected) << text;
    const auto value = receive_value(SqlType::of(TypeId::Numeric), bytes);
    EXPECT_TRUE(value.integer == expected->unscaled && value.scale == expected->scale) << text;
    Column column(SqlType::of(TypeId::Numeric));
    append_received(column, bytes);
    EXPECT_EQ(parse_decimal(to_text(value_at(column.view(), 0))), expected) << text;
  }
}

/// Whatever the bytes, a column's own way to read them gives what they are as a decimal.
TEST(BinaryFormat, ReceivesEverydayNumericsAsOthers) {
  std::mt19937_64 random(5);
  constexpr std::uint16_t kSigns[] = {0x0000, 0x4000, 0x0000, 0x4000, 0xC000, 0x1234};
  std::size_t read_count = 0;
  for (int round = 0; round < 50'000; ++round) {
    const int scale = static_cast<int>(random() % 18);
    const auto count = static_cast<std::uint16_t>(random() % 6);
    std::string bytes;
    append_big_endian(bytes, count);
    append_big_endian(bytes, static_cast<std::int16_t>(random() % 9 - 5));
    append_big_endian(bytes, kSigns[random() % 6 % (round % 3 == 0 ? 6 : 4)]);
    append_big_endian(bytes, static_cast<std::uint16_t>(random() % 20));
    for (int i = 0; i < count; ++i)
      append_big_endian(bytes,
                        static_cast<std::uint16_t>(random() % 5 == 0 ? random() % 10'050 : random() % 200));
    if (random() % 20 == 0) bytes.resize(bytes.size() - 1);
    const auto fast = receive_short_decimal(bytes, scale);
    if (!fast) continue;
    ++read_count;
    const Decimal slow = receive_decimal(bytes);
    ASSERT_LE(slow.scale, scale);
    ASSERT_TRUE(rescale(slow.unscaled, slow.scale, scale) == Int128{*fast}) << round;
  }
  EXPECT_GT(read_count, 5000U);
}

TEST(BinaryFormat, RefusesFalseNumerics) {
  const auto type = SqlType::of(TypeId::Numeric);
  EXPECT_EQ(error_of(type, "\0\1\0\0\0\0\0\0"sv), "22P03 incorrect binary data format");
  EXPECT_EQ(error_of(type, "\0\1\0\0\0\0\0\0\x27\x10"sv),
            "22P03 invalid digit in external \"numeric\" value");
  EXPECT_EQ(error_of(type, "\0\0\0\0\x12\x34\0\0"sv), "22P03 invalid sign in external \"numeric\" value");
  EXPECT_EQ(error_of(type, "\0\0\0\0\0\0\x40\0"sv), "22P03 invalid scale in external \"numeric\" value");
  EXPECT_EQ(error_of(type, "\0\1\x7F\xFF\0\0\0\0\0\1"sv).substr(0, 5), "22003");
  EXPECT_EQ(error_of(type, "\0\0\0\0\xC0\0\0\0"sv).substr(0, 5), "22023");
}

TEST(BinaryFormat, RefusesFalseArrays) {
  const auto type = SqlType::array_of(TypeId::Integer);
  EXPECT_EQ(error_of(type, "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\0\0\0\0\1"sv),
            "42804 binary data has array element type 25 instead of expected 23");
  EXPECT_EQ(error_of(type, "\0\0\0\2\0\0\0\0\0\0\0\x17"sv),
            "0A000 arrays of several dimensions are not supported");
  EXPECT_EQ(error_of(type, "\0\0\0\1\0\0\0\0\0\0\0\x17\x07\xFF\xFF\xFF\0\0\0\1"sv),
            "08P01 insufficient data left in message");
  EXPECT_EQ(error_of(type, "\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\x17"sv), "22P03 invalid number of dimensions");
  EXPECT_EQ(error_of(type, ""), "08P01 insufficient data left in message");
}

TEST(BinaryFormat, ReceivesIntoColumnsOrLeavesThemAlone) {
  Column column(SqlType::numeric(6, 2));
  append_received(column, "\0\2\0\0\0\0\0\3\0\1\x03\xE8"sv);  // 1.1
  EXPECT_THROW(append_received(column, "x"), Error);
  ASSERT_EQ(column.size(), 1U);
  EXPECT_EQ(to_text(value_at(column.view(), 0)).substr(0, 3), "1.1");
}

}  // namespace
}  // namespace tickstone
