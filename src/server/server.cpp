// SPDX-License-Identifier: Apache-2.0
#include "server/server.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "server/client_channel.hpp"
#include "server/connection_registry.hpp"
#include "server/listener.hpp"
#include "server/login.hpp"
#include "server/scram.hpp"
#include "server/session_loop.hpp"
#include "server/tls_context.hpp"

namespace tickstone::server {
namespace {

constexpr std::chrono::milliseconds kFarewell{
    1'000};  // to hand a last error to a client, and for it to close

void set_socket_options(int descriptor) {
  const int on = 1;
  // Both fail on a Unix socket, which needs neither.
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void name_peer(int descriptor, engine::SessionOptions& options) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return;
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof(host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  options.client_address = host;
  options.client_port = std::atoi(service);
}

engine::SessionOptions session_options(pgwire::StartupMessage&& startup, Connection& connection,
                                       int descriptor) {
  engine::SessionOptions options;
  options.user = std::move(startup.user);
  options.database = std::move(startup.database);
  options.pid = connection.pid();
  options.end_session = [&connection](engine::SessionEnd reason) { connection.end(reason); };
  options.notified = [&connection] { connection.wake(); };
  options.settings = std::move(startup.settings);
  for (const auto& [name, value] : options.settings) {
    if (name == "application_name") options.application_name = value;
  }
  name_peer(descriptor, options);
  return options;
}

std::string place_of(const engine::SessionOptions& who) {
  return who.client_address.empty() ? "host=[local]"
                                    : fmt::format("host={} port={}", who.client_address, who.client_port);
}

/// Says in the log that a session began, and that it ended.
class SessionLog {
 public:
  SessionLog(const engine::SessionOptions& who, const std::atomic<bool>& begins,
             const std::atomic<bool>& ends)
      : who_(who), ends_(ends) {
    if (!begins) return;
    spdlog::info("connection authorized: user={} database={}{}{} {}", who.user, who.database,
                 who.application_name.empty() ? "" : " application_name=", who.application_name,
                 place_of(who));
  }
  ~SessionLog() {
    if (!ends_) return;
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
    spdlog::info("disconnection: session time: {}:{:02}:{:02}.{:03} user={} database={} {}",
                 ms.count() / 3'600'000, ms.count() / 60'000 % 60, ms.count() / 1000 % 60, ms.count() % 1000,
                 who_.user, who_.database, place_of(who_));
  }
  SessionLog(const SessionLog&) = delete;
  SessionLog& operator=(const SessionLog&) = delete;

 private:
  const engine::SessionOptions& who_;
  const std::atomic<bool>& ends_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A last error, then waits a little for the client to close: closing on unread input would take the error
/// back.
void say_farewell(ClientChannel& channel, const Error& error) noexcept try {
  auto& stream = channel.stream();
  stream.set_deadline(std::chrono::steady_clock::now() + kFarewell);
  channel.writer().error_response(error, "FATAL");
  channel.flush();
  ::shutdown(stream.descriptor(), SHUT_WR);
  char dropped[4096];
  std::size_t dropped_bytes = 0;
  while (dropped_bytes < 1'000'000 && !stream.is_tls()) {
    const auto got = stream.read_some(dropped);
    if (got == 0) break;
    dropped_bytes += got;
  }
} catch (const std::exception&) {
  // The client did not wait for it.
}

}  // namespace

struct Server::Impl {
  engine::Database& database;
  ServerOptions options;
  ConnectionRegistry registry;
  ScramKey mock_secret;
  FailedLogins failed_logins;
  std::mutex access_mutex;                // guards what a reload replaces
  std::shared_ptr<const TlsContext> tls;  // shared with logins under way
  std::shared_ptr<const HbaRules> rules;
  std::optional<Listener> listener;
  std::atomic<bool> logs_beginnings = false, logs_ends = false;

  Impl(engine::Database& served, const ServerOptions& given)
      : database(served), options(given), registry(given.max_connections, given.orphan_grace) {
    fill_random(mock_secret.data(), mock_secret.size());
  }

  void read_access(const ServerOptions& given);
  LoginContext login_context() {
    const std::lock_guard lock(access_mutex);
    return {database, registry, options, failed_logins, tls, rules, mock_secret};
  }
  void accept(int descriptor);
  void serve(ClientChannel& channel, Connection& connection);
};

void Server::Impl::read_access(const ServerOptions& given) {
  auto new_tls = given.tls.certificate.empty() ? nullptr : std::make_shared<const TlsContext>(given.tls);
  auto new_rules =
      given.hba_file.empty() ? nullptr : std::make_shared<const HbaRules>(HbaRules::read(given.hba_file));
  if (new_rules != nullptr && new_rules->asks_for_certificates() &&
      (new_tls == nullptr || !new_tls->verifies_clients())) {
    throw Error(ErrorCode::InvalidParameterValue,
                "\"" + given.hba_file.string() + "\" asks for client certificates, which cannot be verified",
                {}, "Make sure that ssl is on and ssl_ca_file names a file of root certificates.");
  }
  const std::lock_guard lock(access_mutex);
  tls = std::move(new_tls);
  rules = std::move(new_rules);
}

void Server::Impl::accept(int descriptor) {
  set_socket_options(descriptor);
  auto connection = registry.add(descriptor);
  if (connection == nullptr) {
    ::close(descriptor);
    return;
  }
  try {
    std::thread([this, descriptor, connection] {
      ClientChannel channel(descriptor);
      serve(channel, *connection);
      registry.remove(*connection);  // before the descriptor is closed; the server may be gone after it
    }).detach();
  } catch (const std::system_error& problem) {
    spdlog::warn("could not start a thread for a new connection: {}", problem.what());
    registry.remove(*connection);
    ::close(descriptor);
  }
}

// Boundary: what ends a session ends here, told to the client as FATAL where it still listens.
void Server::Impl::serve(ClientChannel& channel, Connection& connection) {
  try {
    channel.stream().set_deadline(std::chrono::steady_clock::now() + options.login_timeout);
    if (logs_beginnings) {
      engine::SessionOptions who;
      name_peer(channel.stream().descriptor(), who);
      spdlog::info("connection received: {}", place_of(who));
    }
    auto startup = log_in(channel, connection, login_context());
    if (!startup) return;
    channel.stream().set_deadline(std::nullopt);
    auto who = session_options(std::move(*startup), connection, channel.stream().descriptor());
    who.tls = channel.stream().tls_use();
    const auto session = database.connect(who);
    const SessionLog log(who, logs_beginnings, logs_ends);
    struct Attached {
      Connection& connection;
      ~Attached() { connection.set_session(nullptr); }
    };
    connection.set_session(session.get());
    const Attached attached{connection};
    SessionLoop(channel, *session, connection, registry).run();
    return;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::ConnectionFailure) {
      spdlog::debug("connection {}: {}", connection.pid(), error.what());
      return;
    }
    spdlog::debug("connection {} ends: {}", connection.pid(), error.what());
    say_farewell(channel, error);
  } catch (const std::bad_alloc&) {
    say_farewell(channel, Error(ErrorCode::OutOfMemory, "out of memory"));
  } catch (const std::exception& error) {
    spdlog::error("connection {} ends: {}", connection.pid(), error.what());
    say_farewell(channel, Error(ErrorCode::InternalError, error.what()));
  }
}

Server::Server(engine::Database& database, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(database, options)) {
  database.set_verifier_maker([](std::string_view password) { return make_scram_verifier(password); });
}

Server::~Server() { stop(); }

void Server::start() {
  // OpenSSL writes without MSG_NOSIGNAL: a client that vanishes must not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  impl_->read_access(impl_->options);
  impl_->listener.emplace(impl_->options, [impl = impl_.get()](int descriptor) { impl->accept(descriptor); });
  impl_->listener->start();
}

void Server::reload(const ServerOptions& options) { impl_->read_access(options); }

bool Server::stop(std::chrono::milliseconds grace) {
  if (impl_->listener) impl_->listener->stop();
  impl_->registry.begin_stop();
  return impl_->registry.wait_until_empty(grace);
}

std::uint16_t Server::port() const { return impl_->listener ? impl_->listener->port() : impl_->options.port; }

const std::vector<std::string>& Server::endpoints() const {
  static const std::vector<std::string> kNone;
  return impl_->listener ? impl_->listener->endpoints() : kNone;
}

void Server::set_log_connections(bool beginnings, bool ends) {
  impl_->logs_beginnings = beginnings;
  impl_->logs_ends = ends;
}

std::size_t Server::connection_count() const { return impl_->registry.connection_count(); }

namespace {

sigset_t server_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

void block_server_signals() {
  const sigset_t signals = server_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int wait_for_server_signal() {
  block_server_signals();
  const sigset_t signals = server_signals();
  int caught = 0;
  while (sigwait(&signals, &caught) != 0) {
  }
  return caught;
}

}  // namespace tickstone::server
