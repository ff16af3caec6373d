// SPDX-License-Identifier: Apache-2.0
#include "http/monitoring_server.hpp"

#include <filesystem>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <tickstone/error.hpp>

namespace tickstone::http {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Sends `text` and reads until the server closes.
std::string converse(std::uint16_t port, const std::string& text) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  std::string answer;
  boost::system::error_code end;
  asio::write(socket, asio::buffer(text), end);  // the server may have heard enough and closed
  asio::read(socket, asio::dynamic_buffer(answer), end);
  return answer;
}

std::string get(std::uint16_t port, const std::string& target) {
  return converse(port, "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

class MonitoringServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string scratch = (std::filesystem::temp_directory_path() / "tickstone-http-XXXXXX").string();
    ASSERT_NE(mkdtemp(scratch.data()), nullptr);
    directory_ = scratch;
    server_.start();
  }
  void TearDown() override {
    server_.stop();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void open() {
    engine::DatabaseOptions options;
    options.background_workers = 0;
    database_ = engine::Database::open(directory_ / "store", options);
    server_.set_database(database_.get());
  }

  MonitoringServer server_{0, "0.1"};
  std::filesystem::path directory_;
  std::unique_ptr<engine::Database> database_;
};

TEST_F(MonitoringServerTest, IsReadyWithADatabase) {
  EXPECT_THAT(get(server_.port(), "/ready"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(get(server_.port(), "/metrics"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(get(server_.port(), "/health"), StartsWith("HTTP/1.1 200"));
  open();
  EXPECT_THAT(get(server_.port(), "/ready"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get(server_.port(), "/health"), StartsWith("HTTP/1.1 200"));
  const auto metrics = get(server_.port(), "/metrics?x=1");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(metrics, HasSubstr("\ntickstone_accepts_writes 1\n"));
  server_.set_database(nullptr);
  EXPECT_THAT(get(server_.port(), "/ready"), StartsWith("HTTP/1.1 503"));
}

TEST_F(MonitoringServerTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(get(server_.port(), "/nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(converse(server_.port(),
                       "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Content-Length: 2\r\n\r\nab"),
              StartsWith("HTTP/1.1 405"));
  // No HTTP, and a header without end: closed, and the server goes on.
  converse(server_.port(), "\x16\x03\x01 nonsense\r\n\r\n");
  converse(server_.port(), "GET / HTTP/1.1\r\nX: " + std::string(64 << 10, 'x'));
  EXPECT_THAT(get(server_.port(), "/"), HasSubstr("/metrics"));
}

TEST_F(MonitoringServerTest, AnswersSeveralRequestsOfAConnection) {
  const std::string request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto answers = converse(
      server_.port(), request + request + "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::size_t count = 0;
  for (auto at = answers.find("HTTP/1.1 200"); at != std::string::npos;
       at = answers.find("HTTP/1.1 200", at + 1))
    ++count;
  EXPECT_EQ(count, 3U);
  // HEAD has no body.
  EXPECT_TRUE(answers.ends_with("\r\n\r\n"));
}

TEST_F(MonitoringServerTest, PortThatIsTaken) {
  MonitoringServer second(server_.port(), "0.1");
  try {
    second.start();
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::IoError);
    EXPECT_THAT(error.hint(), HasSubstr("--http-port"));
  }
}

}  // namespace
}  // namespace tickstone::http
