// SPDX-License-Identifier: Apache-2.0
#include "server/listener.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <tickstone/error.hpp>

#include "server/socket_lock.hpp"

namespace tickstone::server {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::milliseconds kRetryAccept{100};

Error could_not_bind(const std::string& what, std::uint16_t port, const error_code& problem) {
  return Error(ErrorCode::IoError, "could not bind " + what + ": " + problem.message(), {},
               problem == asio::error::address_in_use
                   ? "Is another server already running on port " + std::to_string(port) +
                         "? If not, wait a few seconds and retry."
                   : "");
}

std::string shown(const Tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace

struct Listener::Impl {
  OnAccept on_accept;
  asio::io_context io{1};
  std::vector<Tcp::acceptor> tcp;
  std::vector<std::unique_ptr<SocketLock>> locks;
  std::vector<Local::acceptor> local;
  std::vector<std::string> endpoints;
  std::uint16_t port = 0;
  std::thread thread;

  void bind_address(const std::string& name, std::optional<Error>& last_problem);
  bool bind_endpoint(Tcp::endpoint endpoint, std::optional<Error>& last_problem);
  void bind_socket(const std::filesystem::path& directory);
  template <typename Acceptor>
  void accept_on(Acceptor& acceptor);
};

void Listener::Impl::bind_address(const std::string& name, std::optional<Error>& last_problem) {
  if (name == "*") {
    const bool has_v6 = bind_endpoint({Tcp::v6(), port}, last_problem);
    const bool has_v4 = bind_endpoint({Tcp::v4(), port}, last_problem);
    if (!has_v4 && !has_v6) throw Error(*last_problem);
    return;
  }
  Tcp::resolver resolver(io);
  error_code problem;
  const auto found = resolver.resolve(name, "", Tcp::resolver::passive, problem);
  if (problem) {
    throw Error(ErrorCode::InvalidParameterValue,
                "could not translate host name \"" + name + "\" to address: " + problem.message());
  }
  bool has_any = false;
  for (const auto& entry : found) {
    has_any = bind_endpoint({entry.endpoint().address(), port}, last_problem) || has_any;
  }
  if (!has_any && last_problem) throw Error(*last_problem);
}

/// False where the machine lacks the address (a name may have several); an address in use is always an error.
bool Listener::Impl::bind_endpoint(Tcp::endpoint endpoint, std::optional<Error>& last_problem) {
  const std::string what = (endpoint.address().is_v6() ? "IPv6 address \"" : "IPv4 address \"") +
                           endpoint.address().to_string() + "\"";
  error_code problem;
  Tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(Tcp::acceptor::reuse_address(true), problem);
  if (!problem && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
  if (problem) {
    last_problem = could_not_bind(what, endpoint.port(), problem);
    if (problem == asio::error::address_in_use) throw Error(*last_problem);
    return false;
  }
  port = acceptor.local_endpoint().port();  // one port for all, also where it was left to the system
  endpoints.push_back(shown(acceptor.local_endpoint()));
  tcp.push_back(std::move(acceptor));
  return true;
}

void Listener::Impl::bind_socket(const std::filesystem::path& directory) {
  const auto file = directory / (".s.PGSQL." + std::to_string(port));
  if (file.string().size() >= sizeof(sockaddr_un::sun_path)) {
    throw Error(ErrorCode::InvalidParameterValue,
                "Unix-domain socket path \"" + file.string() + "\" is too long (maximum " +
                    std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes)");
  }
  locks.push_back(std::make_unique<SocketLock>(file));
  Local::acceptor acceptor(io);
  error_code problem;
  acceptor.open(Local(), problem);
  if (!problem) acceptor.bind(Local::endpoint(file.string()), problem);
  if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
  if (problem) throw could_not_bind("Unix address \"" + file.string() + "\"", port, problem);
  ::chmod(file.c_str(), 0777);  // the password decides, not the file's mode
  endpoints.push_back(file.string());
  local.push_back(std::move(acceptor));
}

template <typename Acceptor>
void Listener::Impl::accept_on(Acceptor& acceptor) {
  acceptor.async_accept(
      [this, &acceptor](error_code problem, typename Acceptor::protocol_type::socket socket) {
        if (problem == asio::error::operation_aborted || !acceptor.is_open()) return;
        if (problem) {
          // Out of descriptors, most likely: better late than in a busy loop.
          spdlog::warn("could not accept new connection: {}", problem.message());
          auto timer = std::make_shared<asio::steady_timer>(io, kRetryAccept);  // shared with its own handler
          timer->async_wait([this, &acceptor, timer](error_code) {
            if (acceptor.is_open()) accept_on(acceptor);
          });
          return;
        }
        error_code ignored;
        socket.native_non_blocking(false, ignored);
        on_accept(socket.release());
        accept_on(acceptor);
      });
}

Listener::Listener(const ServerOptions& options, OnAccept on_accept) : impl_(std::make_unique<Impl>()) {
  impl_->on_accept = std::move(on_accept);
  impl_->port = options.port;
  std::optional<Error> last_problem;
  for (const auto& address : options.listen_addresses) impl_->bind_address(address, last_problem);
  for (const auto& directory : options.socket_directories) impl_->bind_socket(directory);
  if (impl_->endpoints.empty()) throw Error(ErrorCode::InvalidParameterValue, "no address to listen on");
}

Listener::~Listener() { stop(); }

void Listener::start() {
  for (auto& acceptor : impl_->tcp) impl_->accept_on(acceptor);
  for (auto& acceptor : impl_->local) impl_->accept_on(acceptor);
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
}

void Listener::stop() {
  if (impl_->thread.joinable()) {
    asio::post(impl_->io, [impl = impl_.get()] {
      error_code ignored;
      for (auto& acceptor : impl->tcp) acceptor.close(ignored);
      for (auto& acceptor : impl->local) acceptor.close(ignored);
      impl->io.stop();
    });
    impl_->thread.join();
  }
  impl_->locks.clear();
}

std::uint16_t Listener::port() const { return impl_->port; }
const std::vector<std::string>& Listener::endpoints() const { return impl_->endpoints; }

}  // namespace tickstone::server
