// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/database.hpp"

namespace tickstone::http {

/// Answers on loopback, over HTTP: `/metrics` for Prometheus, `/health` (503 when writes are refused for
/// good), `/ready` (503 until there is a database). Who can reach the port sees names of tables, no rows.
///
/// Threads: one of its own answers; the calls come from one other.
class MonitoringServer {
 public:
  /// `port`: 0 takes any free one.
  explicit MonitoringServer(std::uint16_t port, std::string version);
  ~MonitoringServer();  // as stop()
  MonitoringServer(const MonitoringServer&) = delete;
  MonitoringServer& operator=(const MonitoringServer&) = delete;

  /// Errors: IoError when the port is taken.
  void start();
  /// nullptr: there is none yet, or none any more. Waits for an answer that is being made. Lifetime: the
  /// database stays until it is taken away again.
  void set_database(engine::Database* database);
  void stop();
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone::http
