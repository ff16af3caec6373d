// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tickstone::pgwire {

struct SslRequest {};
struct GssEncryptionRequest {};

struct CancelRequest {
  std::int32_t pid;
  std::int32_t secret;
};

struct StartupMessage {
  std::uint16_t minor_version = 0;
  std::string user;
  std::string database;  // the user's name where none was given
  /// Everything else that was asked for: parameters of their own, then those of `options` (-c name=value,
  /// --name=value).
  std::vector<std::pair<std::string, std::string>> settings;
  /// Protocol options (_pq_.*) that we do not know, to be named in NegotiateProtocolVersion.
  std::vector<std::string> unknown_protocol_options;
};

using StartupPacket = std::variant<SslRequest, GssEncryptionRequest, CancelRequest, StartupMessage>;

/// Reads a startup packet's body, which begins with the version or request code.
///
/// Errors, all damaging the session: ProtocolViolation for malformed packets, FeatureNotSupported for
/// protocol versions other than 3 and for replication connections, InvalidAuthorization where no user is
/// named.
StartupPacket read_startup_packet(std::string_view body);

}  // namespace tickstone::pgwire
