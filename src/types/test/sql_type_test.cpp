// SPDX-License-Identifier: Apache-2.0
#include "types/sql_type.hpp"

#include <gtest/gtest.h>

#include "types/value.hpp"

namespace tickstone {
namespace {

TEST(SqlType, PrintsAsFormatType) {
  EXPECT_EQ(to_sql(SqlType::numeric(10, 2)), "numeric(10,2)");
  EXPECT_EQ(to_sql(SqlType::numeric(5, -2)), "numeric(5,-2)");
  EXPECT_EQ(to_sql(SqlType::of(TypeId::Numeric)), "numeric");
  EXPECT_EQ(to_sql(SqlType::of(TypeId::TimestampTz)), "timestamp with time zone");
  EXPECT_EQ(to_sql(SqlType{TypeId::Timestamp, false, 3}), "timestamp(3) without time zone");
  EXPECT_EQ(to_sql(SqlType{TypeId::Varchar, true, 3}), "character varying(3)[]");
  EXPECT_EQ(to_sql(SqlType::of(TypeId::Char)), "bpchar");
  EXPECT_EQ(to_sql(SqlType{TypeId::Char, false, 1}), "character(1)");
  EXPECT_EQ(to_sql(SqlType::array_of(TypeId::Text)), "text[]");
  EXPECT_EQ(to_sql(SqlType::of(TypeId::InternalChar)), "\"char\"");
}

TEST(SqlType, KnowsPostgresOidsAndTypmods) {
  EXPECT_EQ(oid_of(SqlType::of(TypeId::BigInt)), 20U);
  EXPECT_EQ(oid_of(SqlType::array_of(TypeId::Text)), 1009U);
  EXPECT_EQ(typmod_of(SqlType::numeric(10, 2)), 655366);
  EXPECT_EQ(typmod_of(SqlType::numeric(5, -2)), (5 << 16 | 2046) + 4);
  EXPECT_EQ(typmod_of(SqlType{TypeId::Varchar, false, 3}), 7);
  EXPECT_EQ(typmod_of(SqlType{TypeId::Timestamp, false, 3}), 3);
  EXPECT_EQ(typmod_of(SqlType::of(TypeId::Text)), -1);
  EXPECT_EQ(typlen_of(SqlType::of(TypeId::Uuid)), 16);
  EXPECT_EQ(typlen_of(SqlType::array_of(TypeId::Integer)), -1);
}

TEST(SqlType, OfAUserHasItsOidInItsModifiers) {
  for (const std::uint32_t oid : {16384U, 65535U, 65536U, 131071U, 0x3fff'fffeU}) {
    SqlType type = SqlType::enum_of(oid);
    EXPECT_EQ(type.user_oid(), oid);
    EXPECT_LT(type.precision, 0);
    EXPECT_EQ(oid_of(type), oid);
    EXPECT_EQ(typmod_of(type), -1);
    EXPECT_TRUE(type.is_enum());
    type.is_array = true;
    EXPECT_EQ(oid_of(type), oid + 1);
    EXPECT_FALSE(type.is_enum());
  }
  EXPECT_FALSE(can_cast(SqlType::enum_of(16384), SqlType::enum_of(16386), CastStrength::Explicit));
  EXPECT_TRUE(can_cast(SqlType::enum_of(16384), SqlType::of(TypeId::Text), CastStrength::Assignment));
  EXPECT_FALSE(can_cast(SqlType::of(TypeId::Text), SqlType::enum_of(16384), CastStrength::Assignment));
}

TEST(SqlType, OidAndTypmodLeadBack) {
  for (int id = 0; id < static_cast<int>(TypeId::Enum); ++id) {
    for (const bool is_array : {false, true}) {
      const SqlType type{static_cast<TypeId>(id), is_array};
      if (oid_of(type) == 0) continue;
      EXPECT_EQ(type_from_oid(oid_of(type)), type) << to_sql(type);
    }
  }
  for (const auto& type : {SqlType::numeric(10, 2), SqlType::numeric(5, -2), SqlType::numeric(3, 5),
                           SqlType{TypeId::Varchar, false, 255}, SqlType{TypeId::Char, true, 4},
                           SqlType{TypeId::TimestampTz, false, 0}, SqlType{TypeId::Interval, false, 3}}) {
    EXPECT_EQ(type_from_oid(oid_of(type), typmod_of(type)), type) << to_sql(type);
  }
  EXPECT_EQ(type_from_oid(0), std::nullopt);
  EXPECT_EQ(type_from_oid(600), std::nullopt);
}

TEST(SqlType, FindsNamesOfTheGrammar) {
  EXPECT_EQ(type_id_from_name("int4"), TypeId::Integer);
  EXPECT_EQ(type_id_from_name("double precision"), TypeId::Double);
  EXPECT_EQ(type_id_from_name("char"), TypeId::InternalChar);
  EXPECT_EQ(type_id_from_name("bpchar"), TypeId::Char);
  EXPECT_EQ(type_id_from_name("point"), std::nullopt);
}

TEST(SqlType, LayoutFollowsTheDeclaredDigits) {
  EXPECT_EQ(initial_layout(SqlType::of(TypeId::Numeric)), (ColumnLayout{Physical::Int64, 6}));
  EXPECT_EQ(initial_layout(SqlType::numeric(18, 4)), (ColumnLayout{Physical::Int64, 4}));
  EXPECT_EQ(initial_layout(SqlType::numeric(19, 4)), (ColumnLayout{Physical::Int128, 4}));
  EXPECT_EQ(initial_layout(SqlType::numeric(17, -2)), (ColumnLayout{Physical::Int128, 0}));
  EXPECT_EQ(initial_layout(SqlType::numeric(2, 20)), (ColumnLayout{Physical::Int128, 20}));
  EXPECT_EQ(initial_layout(SqlType::array_of(TypeId::Numeric)), (ColumnLayout{Physical::Bytes, 0}));
}

}  // namespace
}  // namespace tickstone
