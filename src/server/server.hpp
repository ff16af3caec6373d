// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/database.hpp"
#include "server/server_options.hpp"

namespace tickstone::server {

/// Serves a database over PostgreSQL's protocol: listeners, logins, one thread for each session.
///
/// Lifetime: the database outlives the server. Threads: `start` and `stop` from one; the rest from any.
class Server {
 public:
  /// Also gives the database its maker of password verifiers.
  Server(engine::Database& database, const ServerOptions& options);
  ~Server();  // as stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and begins to accept. Errors: IoError, InvalidParameterValue (addresses, certificate).
  void start();
  /// Refuses new clients, ends sessions with 57P01 and cancels what they run; cuts off those that take longer
  /// than `grace`. False when some session still ran after twice that: the database must not be destroyed
  /// then.
  bool stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

  /// Reads certificates and rules again, for clients that come from now on; the files are those of `options`.
  /// Errors: as `start`; what was there stays then.
  void reload(const ServerOptions& options);

  std::uint16_t port() const;
  const std::vector<std::string>& endpoints() const;
  std::size_t connection_count() const;
  /// Whether the log says of each connection that it came, as whom it logged in, and that it ended. Threads:
  /// any.
  void set_log_connections(bool beginnings, bool ends);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Waits for SIGINT, SIGTERM (end) or SIGHUP (read the configuration again) and returns its number. They must
/// have been blocked before the first thread began: one that takes them would end the process.
int wait_for_server_signal();
/// Leaves those signals to `wait_for_server_signal`, however early they come. Threads: before any
/// other is started.
void block_server_signals();

}  // namespace tickstone::server
