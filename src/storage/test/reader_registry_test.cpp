// SPDX-License-Identifier: Apache-2.0
#include "storage/reader_registry.hpp"

#include <gtest/gtest.h>

namespace tickstone::storage {
namespace {

class SetClock final : public Clock {
 public:
  std::int64_t monotonic_ns() const override { return now_ns; }
  std::int64_t now_ns = 0;
};

TEST(ReaderRegistry, ALongReaderIsReportedOnce) {
  SetClock clock;
  ReaderRegistry readers(clock);
  const auto first = readers.enter(5);
  clock.now_ns = 99;
  EXPECT_FALSE(readers.take_long_reader(100, 6));  // not for long
  clock.now_ns = 100;
  EXPECT_FALSE(readers.take_long_reader(100, 5));  // holds nothing back
  const auto second = readers.enter(6);
  EXPECT_EQ(readers.take_long_reader(100, 6)->seq, 5U);
  EXPECT_FALSE(readers.take_long_reader(100, 6));
  readers.leave(first);
  EXPECT_FALSE(readers.take_long_reader(100, 7));  // the second came later
  clock.now_ns = 200;
  EXPECT_EQ(readers.take_long_reader(100, 7)->seq, 6U);
  readers.leave(second);
  EXPECT_FALSE(readers.take_long_reader(100, 7));
}

}  // namespace
}  // namespace tickstone::storage
