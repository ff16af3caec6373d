// SPDX-License-Identifier: Apache-2.0
#include "pgwire/frontend_message.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::pgwire {
namespace {

using namespace std::string_view_literals;

template <typename Read>
std::string error_of(Read read, std::string_view body) {
  try {
    read(body);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ProtocolViolation);
    EXPECT_EQ(error.damage(), Damage::Statement);
    return error.what();
  }
  return "none";
}

TEST(FrontendMessage, ReadsQuery) {
  EXPECT_EQ(read_query("select 1\0"sv).sql, "select 1");
  EXPECT_EQ(error_of(read_query, "select 1"), "invalid string in message");
  EXPECT_EQ(error_of(read_query, "a\0b"sv), "invalid message format");
}

TEST(FrontendMessage, ReadsParse) {
  const auto message = read_parse("s1\0select $1\0\0\2\0\0\0\x17\0\0\0\0"sv);
  EXPECT_EQ(message.statement, "s1");
  EXPECT_EQ(message.sql, "select $1");
  EXPECT_EQ(message.parameter_oids, (std::vector<std::uint32_t>{23, 0}));
  EXPECT_EQ(error_of(read_parse, "\0\0\xFF\xFF\0\0"sv), "insufficient data left in message");
}

TEST(FrontendMessage, ReadsBind) {
  const auto message = read_bind(
      "p\0s\0"
      "\0\2\0\0\0\1"
      "\0\2\0\0\0\2ab\xFF\xFF\xFF\xFF"
      "\0\1\0\1"sv);
  EXPECT_EQ(message.portal, "p");
  EXPECT_EQ(message.statement, "s");
  ASSERT_EQ(message.parameters.size(), 2U);
  EXPECT_EQ(message.parameters[0], "ab");
  EXPECT_EQ(message.parameters[1], std::nullopt);
  EXPECT_EQ(message.parameter_format(0), ValueFormat::Text);
  EXPECT_EQ(message.parameter_format(1), ValueFormat::Binary);
  EXPECT_EQ(message.result_formats, std::vector{ValueFormat::Binary});
}

TEST(FrontendMessage, OneFormatStandsForAll) {
  const auto message = read_bind("\0\0\0\1\0\1\0\2\0\0\0\0\0\0\0\0\0\0"sv);
  EXPECT_EQ(message.parameter_format(1), ValueFormat::Binary);
}

TEST(FrontendMessage, RefusesMalformedBinds) {
  EXPECT_EQ(error_of(read_bind, "\0\0\0\2\0\0\0\0\0\1\0\0\0\0\0\0"sv),
            "bind message has 2 parameter formats but 1 parameters");
  EXPECT_EQ(error_of(read_bind, "\0\0\0\0\0\1\xFF\xFF\xFF\xFE\0\0"sv), "invalid message format");
  EXPECT_EQ(error_of(read_bind, "\0\0\0\0\0\1\0\0\0\x7F"sv), "insufficient data left in message");
  EXPECT_EQ(error_of(read_bind, "\0\0\0\1\0\2\0\0\0\0"sv), "unsupported format code: 2");
  EXPECT_EQ(error_of(read_bind, "\0\0\0\0\0\0\0\0\0"sv), "invalid message format");
}

TEST(FrontendMessage, ReadsTheRest) {
  const auto execute = read_execute("p\0\0\0\0\5"sv);
  EXPECT_EQ(execute.portal, "p");
  EXPECT_EQ(execute.max_rows, 5U);
  EXPECT_EQ(read_execute("\0\xFF\xFF\xFF\xFF"sv).max_rows, 0U);
  EXPECT_EQ(read_describe("Sx\0"sv).kind, TargetMessage::Kind::Statement);
  EXPECT_EQ(read_close("Px\0"sv).name, "x");
  EXPECT_EQ(error_of(read_describe, "Xx\0"sv), "invalid DESCRIBE message subtype 88");
  EXPECT_EQ(error_of(read_close, "Xx\0"sv), "invalid CLOSE message subtype 88");
  EXPECT_EQ(read_copy_fail("why\0"sv).reason, "why");
  const auto sasl = read_sasl_initial("SCRAM-SHA-256\0\0\0\0\3n,,"sv);
  EXPECT_EQ(sasl.mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(sasl.response, "n,,");
  EXPECT_EQ(read_sasl_initial("X\0\xFF\xFF\xFF\xFF"sv).response, std::nullopt);
  EXPECT_EQ(error_of(expect_empty, "x"), "invalid message format");
}

TEST(ValueFormat, ResolvesResultFormats) {
  const std::vector<ValueFormat> binary = {ValueFormat::Binary};
  EXPECT_EQ(resolve_result_formats({}, 2), (std::vector{ValueFormat::Text, ValueFormat::Text}));
  EXPECT_EQ(resolve_result_formats(binary, 2), (std::vector{ValueFormat::Binary, ValueFormat::Binary}));
  const std::vector<ValueFormat> two = {ValueFormat::Binary, ValueFormat::Text};
  EXPECT_EQ(resolve_result_formats(two, 2), two);
  EXPECT_THROW(resolve_result_formats(two, 3), Error);
}

}  // namespace
}  // namespace tickstone::pgwire
