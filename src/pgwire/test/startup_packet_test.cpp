// SPDX-License-Identifier: Apache-2.0
#include "pgwire/startup_packet.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::pgwire {
namespace {

std::string packet(std::string_view code, std::string_view rest) { return std::string(code).append(rest); }

const std::string kVersion3("\0\3\0\0", 4);

std::string error_of(std::string_view body) {
  try {
    read_startup_packet(body);
  } catch (const Error& error) {
    EXPECT_EQ(error.damage(), Damage::Session);
    return std::string(sqlstate(error.code())) + " " + error.what();
  }
  return "none";
}

TEST(StartupPacket, ReadsParametersAndOptions) {
  using namespace std::string_view_literals;
  const auto body = packet(kVersion3,
                           "user\0ann\0database\0inavvi\0application_name\0psql\0"
                           "options\0-c search_path=a\\ b --time-zone=UTC -cgeqo=off\0_pq_.fancy\0on\0\0"sv);
  const auto message = std::get<StartupMessage>(read_startup_packet(body));
  EXPECT_EQ(message.user, "ann");
  EXPECT_EQ(message.database, "inavvi");
  EXPECT_EQ(message.unknown_protocol_options, std::vector<std::string>{"_pq_.fancy"});
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"application_name", "psql"}, {"search_path", "a b"}, {"time_zone", "UTC"}, {"geqo", "off"}};
  EXPECT_EQ(message.settings, settings);
}

TEST(StartupPacket, TakesTheUsersNameForTheDatabase) {
  using namespace std::string_view_literals;
  const auto message = std::get<StartupMessage>(read_startup_packet(packet(kVersion3, "user\0ann\0\0"sv)));
  EXPECT_EQ(message.database, "ann");
}

TEST(StartupPacket, ReadsRequests) {
  EXPECT_TRUE(std::holds_alternative<SslRequest>(read_startup_packet("\x04\xd2\x16\x2f")));
  EXPECT_TRUE(std::holds_alternative<GssEncryptionRequest>(read_startup_packet("\x04\xd2\x16\x30")));
  const auto cancel = std::get<CancelRequest>(
      read_startup_packet(std::string_view("\x04\xd2\x16\x2e\0\0\0\x2a\xff\xff\xff\xfe", 12)));
  EXPECT_EQ(cancel.pid, 42);
  EXPECT_EQ(cancel.secret, -2);
}

TEST(StartupPacket, RefusesWhatIsNotOne) {
  using namespace std::string_view_literals;
  EXPECT_EQ(error_of("\0\2\0\0"sv), "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.0");
  EXPECT_EQ(error_of(packet(kVersion3, "user\0ann\0"sv)),
            "08P01 invalid startup packet layout: expected terminator as last byte");
  EXPECT_EQ(error_of(packet(kVersion3, "user\0ann\0\0x"sv)),
            "08P01 invalid startup packet layout: expected terminator as last byte");
  EXPECT_EQ(error_of(packet(kVersion3, "user"sv)), "08P01 invalid string in message");
  EXPECT_EQ(error_of(packet(kVersion3, "\0"sv)), "28000 no PostgreSQL user name specified in startup packet");
  EXPECT_EQ(error_of(packet(kVersion3, "user\0a\0replication\0database\0\0"sv)),
            "0A000 replication connections are not supported");
  EXPECT_EQ(error_of("\x04\xd2\x16\x2e\0\0"sv), "08P01 insufficient data left in message");
  EXPECT_EQ(error_of(""sv), "08P01 insufficient data left in message");
}

}  // namespace
}  // namespace tickstone::pgwire
