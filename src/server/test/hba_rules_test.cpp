// SPDX-License-Identifier: Apache-2.0
#include "server/hba_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

bool is_member(const std::string& role, const std::string& other) {
  return role == other || (role == "ann" && other == "staff");
}

/// The line of the rule that decides; 0: none fits.
int line_for(std::string_view text, const HbaConnection& connection) {
  const auto rules = HbaRules::parse(text, "pg_hba.conf");
  const auto* rule = rules.find(connection, is_member);
  return rule == nullptr ? 0 : rule->line;
}

HbaConnection from(const std::string& address, const std::string& user = "ann",
                   const std::string& database = "inavvi", bool is_tls = false) {
  return {address.empty(), is_tls, address, user, database};
}

std::string problems_of(std::string_view text) {
  try {
    HbaRules::parse(text, "pg_hba.conf");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidParameterValue);
    return error.detail().empty() ? error.message() : error.detail();
  }
  return {};
}

TEST(HbaRules, TheFirstThatFitsDecides) {
  constexpr auto kText = R"(
# TYPE  DATABASE        USER            ADDRESS                 METHOD
local   all             all                                     peer
host    all             bob             10.0.0.0/8              reject
host    all             all             10.1.0.0/16             scram-sha-256
host    all             all             10.2.0.0 255.255.0.0    trust
hostssl inavvi          all             ::1/128                 md5
)";
  EXPECT_EQ(line_for(kText, from("")), 3);
  EXPECT_EQ(line_for(kText, from("10.1.2.3", "bob")), 4);
  EXPECT_EQ(line_for(kText, from("10.1.2.3")), 5);
  EXPECT_EQ(line_for(kText, from("10.2.255.255")), 6);
  EXPECT_EQ(line_for(kText, from("10.3.0.1")), 0);
  EXPECT_EQ(line_for(kText, from("::1")), 0) << "without TLS";
  EXPECT_EQ(line_for(kText, from("::1", "ann", "inavvi", true)), 7);
  EXPECT_EQ(line_for(kText, from("::2", "ann", "inavvi", true)), 0);
}

TEST(HbaRules, NamesGroupsAndQuotes) {
  EXPECT_EQ(line_for("host all +staff all trust", from("10.0.0.1", "ann")), 1);
  EXPECT_EQ(line_for("host all +staff all trust", from("10.0.0.1", "bob")), 0);
  EXPECT_EQ(line_for("host all \"+staff\" all trust", from("10.0.0.1", "ann")), 0);
  EXPECT_EQ(line_for("host \"all\" all all trust", from("10.0.0.1")), 0);
  EXPECT_EQ(line_for("host \"all\" all all trust", from("10.0.0.1", "ann", "all")), 1);
  EXPECT_EQ(line_for("host a,inavvi , c bob,ann all trust", from("10.0.0.1")), 1);
  EXPECT_EQ(line_for("host sameuser all all trust", from("10.0.0.1", "ann", "ann")), 1);
  EXPECT_EQ(line_for("host sameuser all all trust", from("10.0.0.1")), 0);
  EXPECT_EQ(line_for("host samerole all all trust", from("10.0.0.1", "ann", "staff")), 1);
  EXPECT_EQ(line_for("host samerole all all trust", from("10.0.0.1", "bob", "staff")), 0);
  EXPECT_EQ(line_for("host replication all all trust", from("10.0.0.1", "ann", "replication")), 0);
}

TEST(HbaRules, KindsOfConnections) {
  EXPECT_EQ(line_for("hostnossl all all all trust", from("10.0.0.1", "ann", "inavvi", true)), 0);
  EXPECT_EQ(line_for("hostnossl all all all trust", from("10.0.0.1")), 1);
  EXPECT_EQ(line_for("hostgssenc all all all trust", from("10.0.0.1")), 0) << "GSS is refused";
  EXPECT_EQ(line_for("hostnogssenc all all all trust", from("10.0.0.1")), 1);
  EXPECT_EQ(line_for("host all all all trust", from("")), 0) << "the Unix socket is local";
  EXPECT_EQ(line_for("local all all trust", from("127.0.0.1")), 0);
  EXPECT_EQ(line_for("host all all samehost trust", from("127.0.0.1")), 1);
  EXPECT_EQ(line_for("host all all samehost trust", from("203.0.113.9")), 0);
  EXPECT_EQ(line_for("host all all samenet trust", from("127.9.9.9")), 1);
  EXPECT_EQ(line_for("host all all 0.0.0.0/0 trust", from("203.0.113.9")), 1);
  EXPECT_EQ(line_for("host all all 0.0.0.0/0 trust", from("::1")), 0);
  EXPECT_EQ(line_for("host all all 10.0.0.128/25 trust", from("10.0.0.127")), 0);
  EXPECT_EQ(line_for("host all all 10.0.0.128/25 trust", from("10.0.0.129")), 1);
}

TEST(HbaRules, LinesGoOnAndCommentsEnd) {
  EXPECT_EQ(line_for("# nothing\nhost all \\\n all all trust # yes\n", from("10.0.0.1")), 2);
  EXPECT_EQ(line_for("host all all all trust\r\n", from("10.0.0.1")), 1);
}

TEST(HbaRules, SayEveryLineThatIsWrong) {
  EXPECT_EQ(problems_of("host all all all\nhosts all all all trust\nhost all all 10.0.0.1 trust"),
            "end-of-line before authentication method (line 1)\n"
            "invalid connection type \"hosts\" (line 2)\n"
            "invalid IP mask \"trust\" (line 3)");
  EXPECT_EQ(problems_of("host all all 10.0.0.0/33 trust"),
            "invalid CIDR mask in address \"10.0.0.0/33\" (line 1)");
  EXPECT_EQ(problems_of("host all all 10.0.0.0/8 ldap"),
            "authentication method \"ldap\" is not supported (line 1)");
  EXPECT_EQ(problems_of("host all all all nosuch"), "invalid authentication method \"nosuch\" (line 1)");
  EXPECT_EQ(problems_of("host all all all cert"),
            "cert authentication is only supported on hostssl connections (line 1)");
  EXPECT_EQ(problems_of("host all all all peer"),
            "peer authentication is only supported on local sockets (line 1)");
  EXPECT_EQ(problems_of("host all all all scram-sha-256 map=x"),
            "maps of user names are not supported (line 1)");
  EXPECT_EQ(problems_of("hostssl all all all trust clientcert=1"),
            "invalid value for clientcert: \"1\" (line 1)");
  EXPECT_EQ(problems_of("host @names all all trust"),
            "names from a file, \"@names\", are not supported (line 1)");
  EXPECT_EQ(problems_of("host \"all all all trust"), "unterminated quoted string (line 1)");
  EXPECT_THAT(problems_of("# nothing\n"), testing::HasSubstr("contains no entries"));
}

TEST(HbaRules, CertificatesOfClients) {
  using ClientCertificate = HbaRule::ClientCertificate;
  const auto rules = HbaRules::parse(
      "hostssl all ann all cert\nhostssl all bob all scram-sha-256 clientcert=verify-ca\nhost all all all "
      "md5",
      "x");
  EXPECT_EQ(rules.rules()[0].client_certificate, ClientCertificate::VerifyFull);
  EXPECT_EQ(rules.rules()[1].client_certificate, ClientCertificate::VerifyCa);
  EXPECT_EQ(rules.rules()[2].client_certificate, ClientCertificate::NotAsked);
  EXPECT_EQ(rules.rules()[2].method, HbaRule::Method::ScramSha256);
  EXPECT_TRUE(rules.asks_for_certificates());
}

}  // namespace
}  // namespace tickstone::server
