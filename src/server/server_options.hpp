// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/tls_context.hpp"

namespace tickstone::server {

enum class SocketTrust : std::uint8_t {
  Password,  // as over TCP
  Owner,     // a client that runs as the server's own user, or as root, needs none
};

struct ServerOptions {
  std::vector<std::string> listen_addresses = {"127.0.0.1"};  // names or numbers; "*": all; none: no TCP
  std::uint16_t port = 5433;                                  // 0: any free one, told by Server::port()
  std::vector<std::filesystem::path> socket_directories;      // of .s.PGSQL.<port>
  SocketTrust socket_trust = SocketTrust::Owner;
  std::size_t max_connections = 100;
  std::chrono::milliseconds login_timeout{60'000};
  /// How long a statement whose client has gone may go on before it is cancelled.
  std::chrono::milliseconds orphan_grace{1'000};
  TlsFiles tls;
  /// Rules of who may log in how; empty: by password, and on the Unix socket as `socket_trust` says.
  std::filesystem::path hba_file;
};

}  // namespace tickstone::server
