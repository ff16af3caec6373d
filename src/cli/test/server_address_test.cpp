// SPDX-License-Identifier: Apache-2.0
#include "cli/server_address.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

class ServerAddress : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"PGPASSWORD", "PGPASSFILE", "TICKSTONE_URL"}) unsetenv(name);
  }
};

TEST_F(ServerAddress, ReadsTheShortForm) {
  EXPECT_EQ(server_address_of("localhost:5433/inavvi?user=inavvi_user&password=postgres"),
            "postgresql://localhost:5433/inavvi?user=inavvi_user&password=postgres");
  EXPECT_EQ(server_address_of("localhost/inavvi"),
            "postgresql://localhost:5433/inavvi?user=inavvi_user&password=postgres");
  EXPECT_EQ(server_address_of("[::1]/inavvi?user=me"), "postgresql://[::1]:5433/inavvi?user=me");
}

TEST_F(ServerAddress, GivesTheUsualPasswordToThisMachineAlone) {
  EXPECT_EQ(server_address_of("db.example.com:5432/inavvi?user=me"),
            "postgresql://db.example.com:5432/inavvi?user=me");
  setenv("PGPASSWORD", "secret", 1);
  EXPECT_EQ(server_address_of("localhost:5433/inavvi"),
            "postgresql://localhost:5433/inavvi?user=inavvi_user");
}

TEST_F(ServerAddress, LeavesWhatLibpqKnows) {
  EXPECT_EQ(server_address_of("postgresql://a/b"), "postgresql://a/b");
  EXPECT_EQ(server_address_of("host=/tmp dbname=inavvi"), "host=/tmp dbname=inavvi");
}

TEST_F(ServerAddress, RefusesWhatIsNone) {
  EXPECT_THROW(server_address_of("localhost"), Error);
  EXPECT_THROW(server_address_of("/inavvi"), Error);
}

TEST_F(ServerAddress, DefaultsToTheEnvironment) {
  EXPECT_EQ(default_server_address(),
            "postgresql://localhost:5433/inavvi?user=inavvi_user&password=postgres");
  setenv("TICKSTONE_URL", "postgresql://elsewhere/x", 1);
  EXPECT_EQ(default_server_address(), "postgresql://elsewhere/x");
}

}  // namespace
}  // namespace tickstone::cli
