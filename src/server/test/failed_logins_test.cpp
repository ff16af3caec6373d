// SPDX-License-Identifier: Apache-2.0
#include "server/failed_logins.hpp"

#include <gtest/gtest.h>

namespace tickstone::server {
namespace {

using namespace std::chrono_literals;

TEST(FailedLogins, GrowSlowerWithEachFailureOfAnAddress) {
  FailedLogins logins;
  const FailedLogins::Clock::time_point now{};
  for (int i = 0; i < FailedLogins::kFree; ++i) EXPECT_EQ(logins.failed("10.0.0.1", now), 0ms);
  EXPECT_EQ(logins.failed("10.0.0.1", now), 100ms);
  EXPECT_EQ(logins.failed("10.0.0.1", now), 200ms);
  EXPECT_EQ(logins.failed("10.0.0.2", now), 0ms);  // another address has done nothing
  for (int i = 0; i < 100; ++i) EXPECT_LE(logins.failed("10.0.0.1", now), FailedLogins::kLongest);
  EXPECT_EQ(logins.failed("10.0.0.1", now), FailedLogins::kLongest);
}

TEST(FailedLogins, AreForgottenAfterASuccessOrAWhile) {
  FailedLogins logins;
  FailedLogins::Clock::time_point now{};
  for (int i = 0; i < 10; ++i) logins.failed("10.0.0.1", now);
  logins.succeeded("10.0.0.1");
  EXPECT_EQ(logins.failed("10.0.0.1", now), 0ms);
  for (int i = 0; i < 10; ++i) logins.failed("10.0.0.1", now);
  now += FailedLogins::kForgotten + 1s;
  EXPECT_EQ(logins.failed("10.0.0.1", now), 0ms);
}

TEST(FailedLogins, ManyAddressesCostNoMoreMemoryAndWaitLongest) {
  FailedLogins logins;
  FailedLogins::Clock::time_point now{};
  for (std::size_t i = 0; i < FailedLogins::kAddresses; ++i) logins.failed(std::to_string(i), now);
  EXPECT_EQ(logins.failed("one more", now), FailedLogins::kLongest);
  now += FailedLogins::kForgotten + 1s;
  EXPECT_EQ(logins.failed("one more", now), 0ms);
}

}  // namespace
}  // namespace tickstone::server
