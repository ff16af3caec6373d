// SPDX-License-Identifier: Apache-2.0
#include "http/monitoring_server.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "base/thread_name.hpp"
#include "http/metrics.hpp"

namespace tickstone::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using Request = beast::http::request<beast::http::string_body>;
using Response = beast::http::response<beast::http::string_body>;
using Status = beast::http::status;

constexpr std::chrono::seconds kIdleTimeout{30};
constexpr std::size_t kMostRequestBytes = 16 << 10;
constexpr int kMostConnections = 32;

struct Answer {
  Status status = Status::ok;
  std::string body;
  const char* content_type = "text/plain; charset=utf-8";
};

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kIndex =
    "Tickstone\n/metrics  for Prometheus\n/health   200, or 503 when writes are refused\n"
    "/ready    200, or 503 until the database is open\n";

}  // namespace

struct MonitoringServer::Impl {
  std::uint16_t port;
  std::string version;
  asio::io_context io{1};
  Tcp::acceptor acceptor{io};
  std::thread thread;
  std::mutex database_mutex;  // held while an answer looks at the database
  engine::Database* database = nullptr;
  int connections = 0;  // the io thread's

  class Connection;
  void accept();
  Answer answer(std::string_view target);
};

Answer MonitoringServer::Impl::answer(std::string_view target) {
  target = target.substr(0, target.find('?'));
  const std::lock_guard lock(database_mutex);
  if (target == "/") return {Status::ok, kIndex};
  if (target == "/health") {
    if (database == nullptr) return {Status::ok, "starting or ending\n"};
    if (!database->accepts_writes())
      return {Status::service_unavailable,
              "writes are refused after an error of the log; see the server's log\n"};
    return {Status::ok, "ok\n"};
  }
  if (target == "/ready") {
    if (database == nullptr) return {Status::service_unavailable, "starting or ending\n"};
    return {Status::ok, "ready\n"};
  }
  if (target == "/metrics") {
    if (database == nullptr) return {Status::service_unavailable, "starting or ending\n"};
    return {Status::ok, metrics_text(database->status(), read_process_facts(), version), kMetricsType};
  }
  return {Status::not_found, "not found\n"};
}

/// One client, request after request. Keeps itself alive while something is under way.
class MonitoringServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Impl& server, Tcp::socket socket) : server_(server), stream_(std::move(socket)) {
    ++server_.connections;
  }
  ~Connection() { --server_.connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(kMostRequestBytes);
    parser_->body_limit(kMostRequestBytes);
    stream_.expires_after(kIdleTimeout);
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = shared_from_this()](const error_code& problem, std::size_t) {
                              if (!problem) self->respond();
                            });
  }

 private:
  void respond() {
    const Request& request = parser_->get();
    const auto method = request.method();
    const bool is_head = method == beast::http::verb::head;
    Answer answer{Status::method_not_allowed, "only GET and HEAD\n"};
    // Boundary: what goes wrong with one answer is told in it.
    if (is_head || method == beast::http::verb::get) {
      const auto target = request.target();
      try {
        answer = server_.answer({target.data(), target.size()});
      } catch (const std::exception& error) {
        log_error("no answer to HTTP request {}: {}", std::string(target), error.what());
        answer = {Status::internal_server_error, std::string(error.what()) + "\n"};
      }
    }
    response_ = {answer.status, request.version()};
    response_.set(beast::http::field::content_type, answer.content_type);
    response_.set(beast::http::field::cache_control, "no-store");
    if (answer.status == Status::method_not_allowed) response_.set(beast::http::field::allow, "GET, HEAD");
    response_.keep_alive(request.keep_alive());
    response_.content_length(answer.body.size());
    if (!is_head) response_.body() = std::move(answer.body);
    stream_.expires_after(kIdleTimeout);
    beast::http::async_write(stream_, response_,
                             [self = shared_from_this()](const error_code& problem, std::size_t) {
                               if (!problem) self->written();
                             });
  }

  void written() {
    if (response_.keep_alive()) return read();
    error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  Impl& server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  Response response_;
};

void MonitoringServer::Impl::accept() {
  acceptor.async_accept([this](const error_code& problem, Tcp::socket socket) {
    if (problem == asio::error::operation_aborted) return;
    if (!problem && connections < kMostConnections)
      std::make_shared<Connection>(*this, std::move(socket))->read();
    // Out of files, say: not at once again.
    if (problem) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    accept();
  });
}

MonitoringServer::MonitoringServer(std::uint16_t port, std::string version)
    : impl_(std::make_unique<Impl>()) {
  impl_->port = port;
  impl_->version = std::move(version);
}

MonitoringServer::~MonitoringServer() { stop(); }

void MonitoringServer::start() {
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), impl_->port);
  error_code problem;
  auto& acceptor = impl_->acceptor;
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(Tcp::acceptor::reuse_address(true), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(Tcp::acceptor::max_listen_connections, problem);
  if (problem) {
    throw Error(
        ErrorCode::IoError,
        "could not bind HTTP port 127.0.0.1:" + std::to_string(impl_->port) + ": " + problem.message(), {},
        "Choose another port with --http-port, or 0 for a free one.");
  }
  impl_->port = acceptor.local_endpoint().port();
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    set_thread_name("http");
    // Boundary: what a handler throws ends no process.
    while (!impl->io.stopped()) {
      try {
        impl->io.run();
      } catch (const std::exception& error) {
        log_error("http: {}", error.what());
      }
    }
  });
}

void MonitoringServer::set_database(engine::Database* database) {
  const std::lock_guard lock(impl_->database_mutex);
  impl_->database = database;
}

void MonitoringServer::stop() {
  set_database(nullptr);
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::uint16_t MonitoringServer::port() const { return impl_->port; }

}  // namespace tickstone::http
