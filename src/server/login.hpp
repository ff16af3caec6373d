// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "engine/database.hpp"
#include "pgwire/startup_packet.hpp"
#include "server/client_channel.hpp"
#include "server/connection_registry.hpp"
#include "server/failed_logins.hpp"
#include "server/hba_rules.hpp"
#include "server/scram.hpp"
#include "server/server_options.hpp"
#include "server/tls_context.hpp"

namespace tickstone::server {

/// What every login needs. Lifetime: the server's.
struct LoginContext {
  engine::Database& database;
  ConnectionRegistry& registry;
  const ServerOptions& options;
  FailedLogins& failed_logins;
  // Shared with the server, which may take others meanwhile.
  std::shared_ptr<const TlsContext> tls;  // nullptr: none
  std::shared_ptr<const HbaRules> rules;  // nullptr: the built-in ones
  ScramKey mock_secret;
};

/// From the first byte to AuthenticationOk: TLS, cancel requests, startup packet, admission, password.
///
/// Returns nothing where there is no session to begin: a cancel request, a client that went away.
/// Errors, all damaging the session and to be sent as FATAL: ProtocolViolation, InvalidPassword,
/// TooManyConnections, ...
std::optional<pgwire::StartupMessage> log_in(ClientChannel& channel, Connection& connection,
                                             const LoginContext& context);

}  // namespace tickstone::server
