// SPDX-License-Identifier: Apache-2.0
#include "types/uuid_v7.hpp"

#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

TEST(UuidV7, HoldsItsTimeAndOrdersByIt) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto us = static_cast<std::int64_t>(random() % 8'000'000'000'000'000U);
    const Int128 uuid = uuid_v7_of(us, random());
    ASSERT_EQ(uuid_version(uuid), 7);
    ASSERT_EQ(uuid_v7_time(uuid, UuidTime::Microseconds), us);
    ASSERT_EQ(uuid_v7_time(uuid, UuidTime::Milliseconds), us / 1000 * 1000);
    ASSERT_LE(static_cast<UInt128>(uuid_v7_of(us, 0)), static_cast<UInt128>(uuid));
    ASSERT_LT(static_cast<UInt128>(uuid), static_cast<UInt128>(uuid_v7_of(us + 1, 0)));
  }
}

TEST(UuidV7, KnowsOthers) {
  const Int128 seven = uuid_v7_of(1'000'000, 0);
  const Int128 four = seven ^ (Int128{3} << 76);
  EXPECT_EQ(uuid_version(four), 4);
  EXPECT_FALSE(uuid_v7_time(four, UuidTime::Milliseconds));
  const Int128 other_variant = seven ^ (Int128{1} << 63);
  EXPECT_FALSE(uuid_version(other_variant));
  EXPECT_FALSE(uuid_v7_time(other_variant, UuidTime::Milliseconds));
}

TEST(UuidV7, FloorsDivideUuidsByTheirTimes) {
  std::mt19937_64 random(12);
  for (int i = 0; i < 20'000; ++i) {
    const Int128 uuid = static_cast<Int128>(UInt128{random()} << 64 | random());
    const std::int64_t us = uuid_leading_time(uuid);
    const auto is_below = [&](std::int64_t bound) {
      const auto floor = uuid_floor(bound);
      return !floor || static_cast<UInt128>(uuid) < static_cast<UInt128>(*floor);
    };
    ASSERT_FALSE(is_below(us));
    ASSERT_FALSE(is_below(us - static_cast<std::int64_t>(random() % 5000)));
    ASSERT_TRUE(is_below(us + 1 + static_cast<std::int64_t>(random() % 5000)));
  }
  EXPECT_EQ(uuid_floor(-1), Int128{0});
  EXPECT_EQ(uuid_floor(INT64_MIN), Int128{0});
  EXPECT_FALSE(uuid_floor(INT64_MAX));
  EXPECT_EQ(uuid_leading_time(~Int128{0}), ((std::int64_t{1} << 48) - 1) * 1000);
}

TEST(UuidV7, RefusesTimesThatItCannotHold) {
  EXPECT_THROW(uuid_v7_of(-1, 0), Error);
  EXPECT_THROW(uuid_v7_of(INT64_MAX, 0), Error);
  EXPECT_NO_THROW(uuid_v7_of(((std::int64_t{1} << 48) - 1) * 1000, 0));
}

}  // namespace
}  // namespace tickstone
