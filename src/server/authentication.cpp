// SPDX-License-Identifier: Apache-2.0
#include "server/authentication.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "pgwire/frontend_message.hpp"

namespace tickstone::server {
namespace {

constexpr std::string_view kMechanism = "SCRAM-SHA-256";
constexpr std::string_view kBoundMechanism = "SCRAM-SHA-256-PLUS";

Error refused(ErrorCode code, const std::string& message) {
  return Error(code, message).damaging(Damage::Session);
}

Error wrong_password(const std::string& user) {
  return refused(ErrorCode::InvalidPassword, "password authentication failed for user \"" + user + "\"");
}

/// `host "10.0.0.1", user "ann", database "inavvi", no encryption`
std::string shown(const HbaConnection& who) {
  return "host \"" + (who.is_local ? "[local]" : who.address) + "\", user \"" + who.user + "\", database \"" +
         who.database + "\", " + (who.is_tls ? "SSL encryption" : "no encryption");
}

/// Who runs the client at the other end of a Unix socket.
std::optional<uid_t> peer_user(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

bool is_peer_of_name(int descriptor, const std::string& name) {
  const auto uid = peer_user(descriptor);
  if (!uid) return false;
  std::vector<char> memory(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(*uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr) return false;
  return name == found->pw_name;
}

/// A client of the Unix socket that runs as we do, or as root, could open the data directory itself.
bool is_trusted_peer(const ClientChannel& channel, const HbaConnection& who, const LoginContext& context) {
  if (!who.is_local || context.options.socket_trust != SocketTrust::Owner) return false;
  const auto uid = peer_user(channel.stream().descriptor());
  return uid && (*uid == ::geteuid() || *uid == 0) && context.database.find_verifier(who.user).has_value();
}

/// The body of the client's next password message; nothing when it went away.
std::optional<std::string_view> read_response(ClientChannel& channel, const char* expected) {
  const auto frame = channel.read_frame();
  if (!frame || frame->type == 'X') return std::nullopt;
  if (frame->type != 'p') {
    throw refused(ErrorCode::ProtocolViolation, "expected " + std::string(expected) +
                                                    " response, got message type " +
                                                    std::to_string(static_cast<unsigned char>(frame->type)));
  }
  return frame->body;
}

bool check_scram(ClientChannel& channel, const std::string& user, const LoginContext& context) {
  const auto stored = context.database.find_verifier(user);
  const auto verifier = stored ? parse_scram_verifier(*stored) : std::nullopt;
  ScramChannel below{channel.stream().end_point_binding()};

  std::vector<std::string_view> mechanisms = {kMechanism};
  if (!below.binding.empty()) mechanisms.insert(mechanisms.begin(), kBoundMechanism);
  channel.writer().authentication_sasl(mechanisms);
  channel.flush();
  auto body = read_response(channel, "SASL");
  if (!body) return false;
  const auto initial = pgwire::read_sasl_initial(*body);
  if (std::find(mechanisms.begin(), mechanisms.end(), initial.mechanism) == mechanisms.end())
    throw refused(ErrorCode::ProtocolViolation, "client selected an invalid SASL authentication mechanism");
  below.is_bound = initial.mechanism == kBoundMechanism;
  ScramExchange exchange(verifier ? *verifier : make_mock_verifier(user, context.mock_secret),
                         std::move(below));
  std::string client_first;
  if (initial.response) {
    client_first = *initial.response;
  } else {
    channel.writer().authentication_sasl_continue("");
    channel.flush();
    body = read_response(channel, "SASL");
    if (!body) return false;
    client_first = *body;
  }
  channel.writer().authentication_sasl_continue(exchange.first(client_first));
  channel.flush();
  body = read_response(channel, "SASL");
  if (!body) return false;
  const auto last = exchange.last(*body);
  if (!last || !verifier) throw wrong_password(user);
  channel.writer().authentication_sasl_final(*last);
  return true;
}

bool check_plain_password(ClientChannel& channel, const std::string& user, const LoginContext& context) {
  channel.writer().authentication_cleartext();
  channel.flush();
  const auto body = read_response(channel, "password");
  if (!body) return false;
  const auto password = body->substr(0, body->find('\0'));
  if (password.empty()) throw refused(ErrorCode::InvalidPassword, "empty password returned by client");
  const auto stored = context.database.find_verifier(user);
  const auto verifier = stored ? parse_scram_verifier(*stored) : std::nullopt;
  // As much work for a user that does not exist.
  const bool is_right =
      is_password_of(verifier ? *verifier : make_mock_verifier(user, context.mock_secret), password);
  if (!is_right || !verifier) throw wrong_password(user);
  return true;
}

void require_login_right(const std::string& user, const LoginContext& context) {
  if (context.database.find_verifier(user)) return;
  throw refused(ErrorCode::InvalidAuthorization, "role \"" + user + "\" is not permitted to log in");
}

void check_certificate(const ClientChannel& channel, const HbaRule& rule, const std::string& user) {
  using ClientCertificate = HbaRule::ClientCertificate;
  if (rule.client_certificate == ClientCertificate::NotAsked) return;
  if (!channel.stream().has_certificate())
    throw refused(ErrorCode::InvalidAuthorization, "connection requires a valid client certificate");
  if (rule.client_certificate != ClientCertificate::VerifyFull) return;
  if (channel.stream().certificate_name() != user)
    throw refused(ErrorCode::InvalidAuthorization,
                  "certificate authentication failed for user \"" + user + "\"");
}

bool check_by_rule(ClientChannel& channel, const HbaRule& rule, const HbaConnection& who,
                   const LoginContext& context) {
  check_certificate(channel, rule, who.user);
  using Method = HbaRule::Method;
  switch (rule.method) {
    case Method::Reject:
      throw refused(ErrorCode::InvalidAuthorization, "pg_hba.conf rejects connection for " + shown(who));
    case Method::ScramSha256:
      return check_scram(channel, who.user, context);
    case Method::Password:
      return check_plain_password(channel, who.user, context);
    case Method::Peer:
      if (!is_peer_of_name(channel.stream().descriptor(), who.user)) {
        throw refused(ErrorCode::InvalidAuthorization,
                      "Peer authentication failed for user \"" + who.user + "\"");
      }
      break;
    case Method::Trust:
    case Method::Cert:
      break;
  }
  require_login_right(who.user, context);
  return true;
}

}  // namespace

bool authenticate(ClientChannel& channel, const HbaConnection& who, const LoginContext& context) {
  if (context.rules == nullptr)
    return is_trusted_peer(channel, who, context) || check_scram(channel, who.user, context);
  const HbaRule* rule = context.rules->find(who, [&](const std::string& role, const std::string& other) {
    return context.database.is_member(role, other);
  });
  if (rule == nullptr)
    throw refused(ErrorCode::InvalidAuthorization, "no pg_hba.conf entry for " + shown(who));
  try {
    return check_by_rule(channel, *rule, who, context);
  } catch (const Error& error) {
    // The client is not told which rule it was.
    spdlog::info("login refused: {} ({}, line {} of {})", error.message(), shown(who), rule->line,
                 context.rules->file().string());
    throw;
  }
}

}  // namespace tickstone::server
