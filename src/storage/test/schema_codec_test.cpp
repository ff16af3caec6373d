// SPDX-License-Identifier: Apache-2.0
#include "storage/schema_codec.hpp"

#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "storage/commit_record.hpp"

namespace tickstone::storage {
namespace {

TableSchema bars() {
  TableSchema schema;
  schema.id = 3;
  schema.name = "bars";
  schema.columns = {{1, "symbol", {TypeId::Text}, true}, {2, "timestamp", {TypeId::TimestampTz}, true}};
  schema.primary_key = {1, 2};
  schema.primary_key_name = "bars_pkey";
  schema.series_key = {1};
  schema.time_column = 2;
  schema.chunk_interval = 86'400'000'000;
  return schema;
}

TableSchema read_back(const TableSchema& schema) {
  ByteWriter out;
  put_schema(schema, out);
  ByteReader in(out.bytes(), "schema");
  return get_schema(in);
}

TEST(SchemaCodec, ReadsWhatWasWritten) {
  const TableSchema read = read_back(bars());
  EXPECT_EQ(read.name, "bars");
  EXPECT_EQ(read.columns.size(), 2U);
  EXPECT_EQ(read.time_column, ColumnId{2});
}

TEST(SchemaCodec, ATimeColumnWhoseTypeHasNoTimeIsDamage) {
  for (const TypeId type : {TypeId::Text, TypeId::Double, TypeId::Interval, TypeId::Jsonb}) {
    TableSchema schema = bars();
    schema.columns[1].type = {type};
    try {
      read_back(schema);
      ADD_FAILURE() << "type " << static_cast<int>(type) << " was taken for a time";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
    }
  }
}

TEST(SchemaCodec, AKeyOfAColumnThatIsNotThereIsDamage) {
  TableSchema schema = bars();
  schema.series_key = {7};
  EXPECT_THROW(read_back(schema), Error);
}

TEST(LoggedRowsCodec, RowIdsOfAnotherTypeAreDamage) {
  const auto read_back = [](Column ids) {
    LoggedRows rows;
    rows.table = 3;
    rows.columns = {kRowIdColumn};
    rows.rows.columns.push_back(std::move(ids));
    ByteWriter out;
    put_logged_rows(rows, out);
    ByteReader in(out.bytes(), "rows");
    return get_logged_rows(in);
  };
  Column right(SqlType::of(TypeId::BigInt)), last(SqlType::of(TypeId::BigInt)),
      none(SqlType::of(TypeId::BigInt));
  Column text(SqlType::of(TypeId::Text));
  right.append_fixed(std::int64_t{7});
  last.append_fixed(std::int64_t{INT64_MAX});  // has none after it
  none.append_null();
  text.append_bytes("7");
  EXPECT_EQ(read_back(right).rows.row_count(), 1U);
  EXPECT_THROW(read_back(last), Error);
  EXPECT_THROW(read_back(none), Error);
  EXPECT_THROW(read_back(text), Error);
}

}  // namespace
}  // namespace tickstone::storage
