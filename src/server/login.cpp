// SPDX-License-Identifier: Apache-2.0
#include "server/login.hpp"

#include <string>
#include <variant>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "server/authentication.hpp"

namespace tickstone::server {
namespace {

/// The client as the rules see it.
HbaConnection connection_of(const ClientChannel& channel, const pgwire::StartupMessage& startup) {
  HbaConnection who;
  who.is_tls = channel.stream().is_tls();
  who.user = startup.user;
  who.database = startup.database;
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(channel.stream().descriptor(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return who;
  who.is_local = address.ss_family == AF_UNIX;
  char host[NI_MAXHOST];
  if (!who.is_local && ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof(host), nullptr,
                                     0, NI_NUMERICHOST) == 0) {
    who.address = host;
  }
  return who;
}

/// Errors: as `authenticate`, told the later the more logins from there have failed.
bool authenticate_slowed(ClientChannel& channel, Connection& connection, const HbaConnection& who,
                         const LoginContext& context) {
  try {
    if (!authenticate(channel, who, context)) return false;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::InvalidPassword && !who.is_local) {
      const auto delay = context.failed_logins.failed(who.address, FailedLogins::Clock::now());
      // It does not take the place of others while it waits.
      context.registry.dismiss(connection);
      if (delay.count() > 0) context.registry.wait_for_stop(delay);
    }
    throw;
  }
  if (!who.is_local) context.failed_logins.succeeded(who.address);
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
      const auto who = connection_of(channel, *startup);
      if (!authenticate_slowed(channel, connection, who, context)) return std::nullopt;
      channel.writer().authentication_ok();
      channel.frames().set_logged_in();
      return std::move(*startup);
    } else {
      throw Error(ErrorCode::ProtocolViolation, "unsupported startup request").damaging(Damage::Session);
    }
  }
}

}  // namespace tickstone::server
