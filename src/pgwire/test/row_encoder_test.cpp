// SPDX-License-Identifier: Apache-2.0
#include "pgwire/row_encoder.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

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
