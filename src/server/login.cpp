// SPDX-License-Identifier: Apache-2.0
#include "server/login.hpp"

#include <array>
#include <string>
#include <variant>

#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "pgwire/frontend_message.hpp"

namespace tickstone::server {
namespace {

constexpr std::string_view kMechanism = "SCRAM-SHA-256";

/// A client of the Unix socket that runs as we do, or as root, could open the data directory itself.
bool is_trusted_peer(int descriptor, const ServerOptions& options) {
  if (options.socket_trust != SocketTrust::Owner) return false;
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family != AF_UNIX) return false;
  ucred peer{};
  size = sizeof(peer);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

Error wrong_password(const std::string& user) {
  return Error(ErrorCode::InvalidPassword, "password authentication failed for user \"" + user + "\"")
      .damaging(Damage::Session);
}

/// The body of the client's next SASL message; nothing when it went away.
std::optional<std::string_view> read_response(ClientChannel& channel) {
  const auto frame = channel.read_frame();
  if (!frame || frame->type == 'X') return std::nullopt;
  if (frame->type != 'p') {
    throw Error(ErrorCode::ProtocolViolation, "expected SASL response, got message type " +
                                                  std::to_string(static_cast<unsigned char>(frame->type)))
        .damaging(Damage::Session);
  }
  return frame->body;
}

/// False when the client went away in the middle. Errors: InvalidPassword.
bool check_password(ClientChannel& channel, const std::string& user, const LoginContext& context) {
  const auto stored = context.database.find_verifier(user);
  const auto verifier = stored ? parse_scram_verifier(*stored) : std::nullopt;
  ScramExchange exchange(verifier ? *verifier : make_mock_verifier(user, context.mock_secret));

  const std::array mechanisms = {kMechanism};
  channel.writer().authentication_sasl(mechanisms);
  channel.flush();
  auto body = read_response(channel);
  if (!body) return false;
  const auto initial = pgwire::read_sasl_initial(*body);
  if (initial.mechanism != kMechanism) {
    throw Error(ErrorCode::ProtocolViolation, "client selected an invalid SASL authentication mechanism")
        .damaging(Damage::Session);
  }
  std::string client_first;
  if (initial.response) {
    client_first = *initial.response;
  } else {
    channel.writer().authentication_sasl_continue("");
    channel.flush();
    body = read_response(channel);
    if (!body) return false;
    client_first = *body;
  }
  channel.writer().authentication_sasl_continue(exchange.first(client_first));
  channel.flush();
  body = read_response(channel);
  if (!body) return false;
  const auto last = exchange.last(*body);
  if (!last || !verifier) throw wrong_password(user);
  channel.writer().authentication_sasl_final(*last);
  return true;
}

void answer_ssl_request(ClientChannel& channel, const LoginContext& context) {
  const bool is_possible = context.tls != nullptr && !channel.stream().is_tls();
  // What follows the request in the clear could have been put there by someone in between.
  if (is_possible && channel.frames().buffered_bytes() > 0) {
    throw Error(
        ErrorCode::ProtocolViolation, "received unencrypted data after SSL request",
        "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.")
        .damaging(Damage::Session);
  }
  channel.out().push_back(is_possible ? 'S' : 'N');
  channel.flush();
  if (is_possible) channel.stream().start_tls(*context.tls);
}

}  // namespace

std::optional<pgwire::StartupMessage> log_in(ClientChannel& channel, Connection& connection,
                                             const LoginContext& context) {
  bool ssl_done = false;
  bool gss_done = false;
  for (;;) {
    const auto body = channel.read_startup();
    if (!body) return std::nullopt;
    auto packet = pgwire::read_startup_packet(*body);
    if (std::holds_alternative<pgwire::SslRequest>(packet) && !ssl_done) {
      ssl_done = true;
      answer_ssl_request(channel, context);
    } else if (std::holds_alternative<pgwire::GssEncryptionRequest>(packet) && !gss_done) {
      gss_done = true;
      channel.out().push_back('N');
      channel.flush();
    } else if (const auto* cancel = std::get_if<pgwire::CancelRequest>(&packet)) {
      context.registry.cancel(cancel->pid, cancel->secret);
      return std::nullopt;
    } else if (auto* startup = std::get_if<pgwire::StartupMessage>(&packet)) {
      if (startup->minor_version > 0 || !startup->unknown_protocol_options.empty()) {
        channel.writer().negotiate_protocol_version(0, startup->unknown_protocol_options);
      }
      context.registry.admit(connection);
      const bool is_trusted = is_trusted_peer(channel.stream().descriptor(), context.options) &&
                              context.database.find_verifier(startup->user).has_value();
      if (!is_trusted && !check_password(channel, startup->user, context)) return std::nullopt;
      channel.writer().authentication_ok();
      channel.frames().set_logged_in();
      return std::move(*startup);
    } else {
      throw Error(ErrorCode::ProtocolViolation, "unsupported startup request").damaging(Damage::Session);
    }
  }
}

}  // namespace tickstone::server
