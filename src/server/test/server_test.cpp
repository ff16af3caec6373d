// SPDX-License-Identifier: Apache-2.0
#include "server/server.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <tickstone/error.hpp>

#include "server/test/fake_engine.hpp"
#include "server/test/wire_client.hpp"

namespace tickstone::server {
namespace {

using namespace std::string_view_literals;
using namespace std::chrono_literals;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options.port = 0;
    options.orphan_grace = 0ms;
  }
  void TearDown() override {
    if (server) {
      EXPECT_TRUE(server->stop());
    }
    server.reset();
    EXPECT_EQ(database.state().live_sessions, 0);
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }
  void start() {
    server = std::make_unique<Server>(database, options);
    server->start();
  }
  const std::filesystem::path& make_directory() {
    char name[] = "/tmp/tickstone_server_XXXXXX";
    directory = ::mkdtemp(name);
    return directory;
  }
  WireClient connect() const { return WireClient::tcp(server->port()); }
  WireClient logged_in() const {
    auto client = connect();
    EXPECT_EQ(client.log_in("ann", "secret"), "RSSKZI");
    return client;
  }

  FakeDatabase database;
  ServerOptions options;
  std::unique_ptr<Server> server;
  std::filesystem::path directory;
};

TEST_F(ServerTest, LogsInByPassword) {
  start();
  auto client = connect();
  EXPECT_EQ(client.log_in("ann", "secret"), "RSSKZI");
  EXPECT_TRUE(client.server_is_proven);
  EXPECT_NE(client.pid, 0);
}

TEST_F(ServerTest, RefusesWrongPasswordsAndStrangersAlike) {
  start();
  for (const auto& [user, password] : {std::pair{"ann", "wrong"}, std::pair{"nobody", "secret"},
                                       std::pair{"bob", ""}, std::pair{"bob", "x"}}) {
    auto client = connect();
    EXPECT_EQ(client.log_in(user, password), "E(28P01)");
    EXPECT_EQ(WireClient::error_field(client.last_message.body, 'M'),
              std::string("password authentication failed for user \"") + user + "\"");
    EXPECT_EQ(WireClient::error_field(client.last_message.body, 'S'), "FATAL");
    EXPECT_EQ(client.receive_until('Z'), ".");
  }
}

TEST_F(ServerTest, RefusesUnknownDatabases) {
  start();
  auto client = connect();
  EXPECT_EQ(client.log_in("ann", "secret", "nowhere"), "RE(3D000).");
}

TEST_F(ServerTest, TellsTheEngineWhoConnects) {
  start();
  auto client = logged_in();
  const auto& seen = database.state().last_options;
  EXPECT_EQ(seen.user, "ann");
  EXPECT_EQ(seen.client_address, "127.0.0.1");
  EXPECT_GT(seen.client_port, 0);
  EXPECT_EQ(seen.pid, client.pid);
}

TEST_F(ServerTest, AnswersSimpleQueries) {
  start();
  auto client = logged_in();
  client.query("rows 3");
  EXPECT_EQ(client.receive_message().type, 'T');
  EXPECT_EQ(client.receive_message().body,
            "\0\2\0\0\0\1"
            "0\0\0\0\5row 0"sv);
  EXPECT_EQ(client.receive_message().type, 'D');
  EXPECT_EQ(client.receive_message().body,
            "\0\2\0\0\0\1"
            "2\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(client.receive_until('Z'), "CZI");
  client.query("");
  EXPECT_EQ(client.receive_until('Z'), "IZI");
  client.query("notice");
  EXPECT_EQ(client.receive_until('Z'), "NCZI");
  client.query("begin");
  EXPECT_EQ(client.receive_until('Z'), "CZT");
}

TEST_F(ServerTest, SendsResultsLargerThanItsBuffer) {
  start();
  auto client = logged_in();
  client.query("rows 50000");
  const auto seen = client.receive_until('Z');
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 'D'), 50'000);
  EXPECT_TRUE(seen.ends_with("DCZI"));
}

TEST_F(ServerTest, SendsErrorsAndGoesOn) {
  start();
  auto client = logged_in();
  client.query("error");
  EXPECT_EQ(client.receive_until('Z'), "E(22012)ZI");
  client.query("crash");
  EXPECT_EQ(client.receive_until('Z'), "E(XX000)ZI");
  client.send_message('Q', "no end");
  EXPECT_EQ(client.receive_until('Z'), "E(08P01)ZI");
  client.send_message('F', "\0\0\0\1\0\0\0\0\0\0"sv);
  EXPECT_EQ(client.receive_until('Z'), "E(0A000)ZI");
  client.query("rows 1");
  EXPECT_EQ(client.receive_until('Z'), "TDCZI");
}

TEST_F(ServerTest, EndsTheSessionOnAFatalError) {
  start();
  auto client = logged_in();
  client.query("fatal");
  EXPECT_EQ(client.receive_until('Z'), "E(XX000).");
  EXPECT_EQ(WireClient::error_field(client.last_message.body, 'S'), "FATAL");
}

TEST_F(ServerTest, ReportsSettingsThatChanged) {
  start();
  auto client = logged_in();
  client.query("set TimeZone America/New_York");
  EXPECT_EQ(client.receive_message().type, 'C');
  EXPECT_EQ(client.receive_message().body, "TimeZone\0America/New_York\0"sv);
  EXPECT_EQ(client.receive_until('Z'), "ZI");
}

TEST_F(ServerTest, SpeaksTheExtendedProtocol) {
  start();
  auto client = logged_in();
  client.send(WireClient::message('P', "s\0rows 2\0\0\0"sv) + WireClient::message('D', "Ss\0"sv) +
              WireClient::message('B', "p\0s\0\0\0\0\0\0\0"sv) + WireClient::message('D', "Pp\0"sv) +
              WireClient::message('E', "p\0\0\0\0\0"sv) + WireClient::message('C', "Pp\0"sv) +
              WireClient::message('C', "Ss\0"sv) + WireClient::message('S', ""));
  EXPECT_EQ(client.receive_until('Z'), "1tT2TDDC33ZI");
}

TEST_F(ServerTest, SendsBinaryRowsWhereAsked) {
  start();
  auto client = logged_in();
  client.send(WireClient::message('P', "\0rows 1\0\0\0"sv) +
              WireClient::message('B', "\0\0\0\0\0\0\0\2\0\1\0\0"sv) + WireClient::message('D', "P\0"sv) +
              WireClient::message('E', "\0\0\0\0\0"sv) + WireClient::message('S', ""));
  EXPECT_EQ(client.receive_until('T'), "12T");
  EXPECT_TRUE(client.last_message.body.ends_with("\0\0\0\x19\xFF\xFF\xFF\xFF\xFF\xFF\0\0"sv));
  EXPECT_EQ(client.receive_message().body, "\0\2\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\5row 0"sv);
  EXPECT_EQ(client.receive_until('Z'), "CZI");
}

TEST_F(ServerTest, ReadsParametersOfBothFormats) {
  start();
  auto client = logged_in();
  client.send(WireClient::message('P', "\0parameters\0\0\2\0\0\0\x14\0\0\0\x19"sv) +
              WireClient::message('B', "\0\0\0\2\0\1\0\0\0\2\0\0\0\x08\0\0\0\0\0\0\0\x2A\0\0\0\2hi\0\0"sv) +
              WireClient::message('E', "\0\0\0\0\0"sv) + WireClient::message('S', ""));
  EXPECT_EQ(client.receive_until('D'), "12D");
  EXPECT_EQ(client.last_message.body,
            "\0\2\0\0\0\2"
            "42\0\0\0\2hi"sv);
  EXPECT_EQ(client.receive_until('Z'), "CZI");
}

TEST_F(ServerTest, RefusesBindsThatDoNotFit) {
  start();
  auto client = logged_in();
  const auto parse = WireClient::message('P', "\0rows 1\0\0\1\0\0\0\x14"sv);
  const auto sync = WireClient::message('S', "");
  client.send(parse + WireClient::message('B', "\0\0\0\0\0\0\0\0"sv) + sync);
  EXPECT_EQ(client.receive_until('Z'), "1E(08P01)ZI");
  client.send(parse + WireClient::message('B', "\0\0\0\1\0\1\0\1\0\0\0\x09nine byte\0\0"sv) + sync);
  EXPECT_EQ(client.receive_until('E'), "1E(22P03)");
  EXPECT_EQ(WireClient::error_field(client.last_message.body, 'M'),
            "incorrect binary data format in bind parameter 1");
  EXPECT_EQ(client.receive_until('Z'), "ZI");
  client.send(parse +
              WireClient::message('B',
                                  "\0\0\0\0\0\1\0\0\0\1"
                                  "5\0\3\0\0\0\0\0\0"sv) +
              sync);
  EXPECT_EQ(client.receive_until('Z'), "1E(08P01)ZI");
}

TEST_F(ServerTest, SkipsToSyncAfterAnError) {
  start();
  auto client = logged_in();
  client.send(WireClient::message('P', "\0syntax\0\0\0"sv) + WireClient::message('B', "\0\0\0\0\0\0\0\0"sv) +
              WireClient::message('E', "\0\0\0\0\0"sv) + WireClient::message('Q', "rows 1\0"sv) +
              WireClient::message('S', "") + WireClient::message('E', "gone\0\0\0\0\0"sv) +
              WireClient::message('S', ""));
  EXPECT_EQ(client.receive_until('Z'), "E(42601)ZI");
  EXPECT_EQ(client.receive_until('Z'), "E(34000)ZI");
}

TEST_F(ServerTest, SuspendsPortals) {
  start();
  auto client = logged_in();
  client.send(WireClient::message('P', "\0rows 5\0\0\0"sv) + WireClient::message('B', "c\0\0\0\0\0\0\0\0"sv) +
              WireClient::message('E', "c\0\0\0\0\2"sv) + WireClient::message('H', ""));
  EXPECT_EQ(client.receive_until('s'), "12DDs");
  client.send(WireClient::message('E', "c\0\0\0\0\2"sv) + WireClient::message('E', "c\0\0\0\0\2"sv) +
              WireClient::message('S', ""));
  EXPECT_EQ(client.receive_until('Z'), "DDsDCZI");
}

TEST_F(ServerTest, TakesCopyData) {
  start();
  auto client = logged_in();
  client.query("copy in");
  EXPECT_EQ(client.receive_until('G'), "G");
  client.send(WireClient::message('d', "1\tone\n") + WireClient::message('d', "2\tt") +
              WireClient::message('H', ""));
  client.send(WireClient::message('d', "wo\n") + WireClient::message('c', ""));
  EXPECT_EQ(client.receive_until('Z'), "CZI");
  EXPECT_EQ(database.state().copied, "1\tone\n2\ttwo\n");
}

TEST_F(ServerTest, EndsCopyThatFailsOnEitherSide) {
  start();
  auto client = logged_in();
  client.query("copy in");
  EXPECT_EQ(client.receive_until('G'), "G");
  client.send_message('f', "no more\0"sv);
  EXPECT_EQ(client.receive_until('E'), "E(57014)");
  EXPECT_EQ(WireClient::error_field(client.last_message.body, 'M'), "COPY from stdin failed: no more");
  EXPECT_EQ(client.receive_until('Z'), "ZI");

  client.query("copy in fail");
  EXPECT_EQ(client.receive_until('G'), "G");
  client.send(WireClient::message('d', "1\t2\t3\n"));
  EXPECT_EQ(client.receive_until('Z'), "E(22P04)ZI");
  client.send(WireClient::message('d', "late\n") + WireClient::message('c', ""));
  client.query("rows 1");
  EXPECT_EQ(client.receive_until('Z'), "TDCZI");
}

TEST_F(ServerTest, EndsTheSessionOnOtherMessagesDuringCopy) {
  start();
  auto client = logged_in();
  client.query("copy in");
  EXPECT_EQ(client.receive_until('G'), "G");
  client.query("rows 1");
  EXPECT_EQ(client.receive_until('Z'), "E(08P01).");
}

TEST_F(ServerTest, SendsCopyData) {
  start();
  auto client = logged_in();
  client.query("copy out");
  EXPECT_EQ(client.receive_until('d'), "Hd");
  EXPECT_EQ(client.last_message.body, "1\tone\n");
  EXPECT_EQ(client.receive_until('Z'), "dcCZI");
}

std::string cancel_packet(std::int32_t pid, std::int32_t secret) {
  std::string out;
  append_big_endian(out, std::int32_t{16});
  append_big_endian(out, (1234 << 16) | 5678);
  append_big_endian(out, pid);
  append_big_endian(out, secret);
  return out;
}

TEST_F(ServerTest, CancelsByKeyOnly) {
  start();
  auto client = logged_in();
  client.query("wait");
  database.state().wait_until([](const FakeState& state) { return state.waiting_statements == 1; });
  for (const auto& wrong :
       {cancel_packet(client.pid, client.secret + 1), cancel_packet(client.pid + 1, client.secret)}) {
    auto other = connect();
    other.send(wrong);
    EXPECT_EQ(other.receive(1), "");
    EXPECT_EQ(database.state().waiting_statements, 1);
  }
  auto other = connect();
  other.send(cancel_packet(client.pid, client.secret));
  EXPECT_EQ(other.receive(1), "");
  EXPECT_EQ(client.receive_until('Z'), "E(57014)ZI");
}

TEST_F(ServerTest, RefusesTooManyClients) {
  options.max_connections = 2;
  start();
  auto a = logged_in();
  {
    auto b = logged_in();
    auto c = connect();
    c.send(WireClient::startup_packet("ann", "inavvi"));
    EXPECT_EQ(c.receive_until('Z'), "E(53300).");
    b.send_message('X', "");
    EXPECT_EQ(b.receive_until('Z'), ".");
  }
  auto d = logged_in();
}

TEST_F(ServerTest, SurvivesMalformedBytes) {
  start();
  const std::string before_login[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string(20'000, '\xFF'),
      std::string("\0\0\0\4", 4),
      WireClient::request(0x20000),
      WireClient::startup_packet("", "inavvi"),
      WireClient::startup_packet("ann", "inavvi") + WireClient::message('Q', "\0"sv)};
  for (const auto& bytes : before_login) {
    auto client = connect();
    client.send(bytes);
    EXPECT_THAT(client.receive_until('Z'), testing::ContainsRegex("E\\((08P01|0A000|28000)\\)\\.$")) << bytes;
  }
  for (const auto& bytes : {std::string("\x01\0\0\0\4", 5), std::string("Q\0\0\0\0", 5),
                            std::string("P\x7F\xFF\xFF\xFF", 5), std::string("S\0\0\xFF\xFF", 5)}) {
    auto client = logged_in();
    client.send(bytes);
    EXPECT_EQ(client.receive_until('Z'), "E(08P01).");
  }
  auto client = logged_in();
  client.send_message('B', "\0\0\0\1\0\7"sv);
  client.send_message('D', "Q\0"sv);
  client.send_message('S', "");
  EXPECT_EQ(client.receive_until('Z'), "E(08P01)ZI");
}

TEST_F(ServerTest, RefusesOtherProtocolVersionsAndNegotiatesOptions) {
  start();
  auto old = connect();
  old.send(WireClient::startup_packet("ann", "inavvi", 0x20000));
  EXPECT_EQ(old.receive_until('Z'), "E(0A000).");
  auto newer = connect();
  newer.send(WireClient::startup_packet("ann", "inavvi", 0x30002));
  EXPECT_EQ(newer.receive_until('R'), "vR");
}

TEST_F(ServerTest, FreesTheSessionOfAClientThatVanishes) {
  start();
  {
    auto idle = logged_in();
    auto waiting = logged_in();
    waiting.query("wait");
    auto copying = logged_in();
    copying.query("copy in");
    EXPECT_EQ(copying.receive_until('G'), "G");
    database.state().wait_until([](const FakeState& state) { return state.waiting_statements == 1; });
    EXPECT_EQ(database.state().live_sessions, 3);
  }
  database.state().wait_until([](const FakeState& state) { return state.live_sessions == 0; });
}

TEST_F(ServerTest, EndsSessionsWhenItStops) {
  start();
  auto idle = logged_in();
  auto waiting = logged_in();
  waiting.query("wait");
  auto copying = logged_in();
  copying.query("copy in");
  EXPECT_EQ(copying.receive_until('G'), "G");
  database.state().wait_until([](const FakeState& state) { return state.waiting_statements == 1; });
  auto stopped = std::async(std::launch::async, [&] { return server->stop(); });
  EXPECT_EQ(idle.receive_until('Z'), "E(57P01).");
  EXPECT_EQ(waiting.receive_until('Z'), "E(57P01).");
  EXPECT_EQ(copying.receive_until('Z'), "E(57P01).");
  for (auto* client : {&idle, &waiting, &copying}) client->close();
  EXPECT_TRUE(stopped.get());
  EXPECT_THROW(connect(), std::runtime_error);
}

TEST_F(ServerTest, EndsSlowLogins) {
  options.login_timeout = 50ms;
  start();
  auto silent = connect();
  EXPECT_EQ(silent.receive_until('Z'), ".");
  auto half = connect();
  half.send(WireClient::startup_packet("ann", "inavvi"));
  EXPECT_EQ(half.receive_until('Z'), "R.");
}

TEST_F(ServerTest, ListensOnAUnixSocket) {
  options.socket_directories = {make_directory()};
  start();
  const auto path = directory / (".s.PGSQL." + std::to_string(server->port()));
  EXPECT_THAT(server->endpoints(), testing::Contains(path.string()));
  {
    auto client = WireClient::local(path);
    client.send(WireClient::startup_packet("ann", "inavvi"));
    EXPECT_EQ(client.receive_until('Z'), "RSSKZI");  // we are the owner
    EXPECT_EQ(database.state().last_options.client_address, "");
    auto stranger = WireClient::local(path);
    EXPECT_EQ(stranger.log_in("nobody", "x"), "E(28P01)");
  }
  options.port = server->port();
  options.listen_addresses = {};
  Server second(database, options);
  EXPECT_THROW(second.start(), Error);
  EXPECT_TRUE(server->stop());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_NO_THROW(second.start());
}

TEST_F(ServerTest, AsksForThePasswordOnTheUnixSocketWhenTold) {
  options.socket_directories = {make_directory()};
  options.socket_trust = SocketTrust::Password;
  start();
  const auto path = directory / (".s.PGSQL." + std::to_string(server->port()));
  auto client = WireClient::local(path);
  EXPECT_EQ(client.log_in("ann", "wrong"), "E(28P01)");
}

TEST_F(ServerTest, SaysWhichAddressIsInUse) {
  start();
  options.port = server->port();
  Server second(database, options);
  try {
    second.start();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::StartsWith("could not bind IPv4 address \"127.0.0.1\""));
  }
}

TEST_F(ServerTest, DeclinesEncryptionItDoesNotHave) {
  start();
  auto client = connect();
  client.send(WireClient::request((1234U << 16) | 5680U));
  EXPECT_EQ(client.receive(1), "N");
  client.send(WireClient::request((1234U << 16) | 5679U));
  EXPECT_EQ(client.receive(1), "N");
  EXPECT_EQ(client.log_in("ann", "secret"), "RSSKZI");
}

void write_certificate(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file) {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  FILE* file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  std::filesystem::permissions(key_file,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST_F(ServerTest, SpeaksTls) {
  make_directory();
  options.tls.certificate = directory / "server.crt";
  options.tls.key = directory / "server.key";
  write_certificate(options.tls.certificate, options.tls.key);
  start();
  auto client = connect();
  client.send(WireClient::request((1234U << 16) | 5679U));
  ASSERT_EQ(client.receive(1), "S");
  client.start_tls();
  EXPECT_EQ(client.log_in("ann", "secret"), "RSSKZI");
  client.query("rows 20000");
  EXPECT_TRUE(client.receive_until('Z').ends_with("DCZI"));

  auto smuggler = connect();
  smuggler.send(WireClient::request((1234U << 16) | 5679U) + WireClient::startup_packet("ann", "inavvi"));
  EXPECT_EQ(smuggler.receive_until('Z'), "E(08P01).");
}

TEST_F(ServerTest, NamesACertificateThatIsNotThere) {
  options.tls.certificate = "/nonexistent/server.crt";
  server = std::make_unique<Server>(database, options);
  EXPECT_THROW(server->start(), Error);
}

}  // namespace
}  // namespace tickstone::server
