// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/server_options.hpp"

namespace tickstone::server {

/// The sockets that a server listens on. Accepts on a thread of its own.
class Listener {
 public:
  /// Gets the descriptor of each new connection and owns it. Called from the listener's thread.
  using OnAccept = std::function<void(int descriptor)>;

  /// Binds everything at once. Errors: IoError naming the address or path, with PostgreSQL's hint.
  Listener(const ServerOptions& options, OnAccept on_accept);
  /// Stops, and takes the Unix sockets out of the file system.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  /// No connection is accepted after it returns.
  void stop();

  std::uint16_t port() const;
  /// What clients may connect to: `127.0.0.1:5433`, `/run/tickstone/.s.PGSQL.5433`.
  const std::vector<std::string>& endpoints() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone::server
