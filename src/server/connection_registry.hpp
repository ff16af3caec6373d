// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "engine/session.hpp"

namespace tickstone::server {

/// One client connection as other threads see it: what can be cancelled, woken and counted.
class Connection {
 public:
  Connection(int descriptor, std::int32_t pid, std::int32_t secret)
      : descriptor_(descriptor), pid_(pid), secret_(secret) {}

  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::int32_t pid() const { return pid_; }
  std::int32_t secret() const { return secret_; }

  /// The engine's session, while there is one; `nullptr` before it is destroyed.
  void set_session(engine::Session* session);
  void cancel();
  /// Has the connection end: its read ends, what it runs is cancelled. `reason` is what the client is told.
  void end(engine::SessionEnd reason);
  std::optional<engine::SessionEnd> end_reason() const {
    const int reason = end_reason_.load(std::memory_order_acquire);
    return reason < 0 ? std::nullopt : std::optional(static_cast<engine::SessionEnd>(reason));
  }
  /// An eventfd that `wake` writes to, made at the first call, which is the connection's own thread's.
  /// Errors: SystemError.
  int wake_descriptor();
  /// Wakes the connection's thread where it waits for its client; from any thread.
  void wake();
  /// From here to the destruction of the result a statement runs.
  class Busy {
   public:
    explicit Busy(Connection& connection);
    ~Busy();
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Connection& connection_;
  };

 private:
  friend class ConnectionRegistry;
  const int descriptor_;
  const std::int32_t pid_;
  const std::int32_t secret_;
  std::atomic<std::int64_t> busy_since_ns_{0};  // 0: no
  bool is_gone_ = false;                        // the registry's lock
  bool is_admitted_ = false;                    // the registry's lock
  std::atomic<int> end_reason_{-1};             // a SessionEnd
  std::atomic<int> wake_descriptor_{-1};
  std::mutex session_mutex_;
  engine::Session* session_ = nullptr;
};

/// All connections of a server: counts them against the limit, finds the one a cancel request means, notices
/// clients that vanish while their statement runs, and wakes everyone at shutdown. Threads: any.
class ConnectionRegistry {
 public:
  ConnectionRegistry(std::size_t max_connections, std::chrono::milliseconds orphan_grace);
  ~ConnectionRegistry();
  ConnectionRegistry(const ConnectionRegistry&) = delete;
  ConnectionRegistry& operator=(const ConnectionRegistry&) = delete;

  /// A new connection, not yet admitted; nothing when even strangers are too many or the server stops.
  /// `descriptor` must stay open until `remove`.
  std::shared_ptr<Connection> add(int descriptor);
  void remove(Connection& connection);
  /// Counts the connection against max_connections. Errors: TooManyConnections, CannotConnectNow.
  void admit(Connection& connection);

  /// Takes that back, where the login fails.
  void dismiss(Connection& connection);
  /// Waits so long, or until the server stops.
  void wait_for_stop(std::chrono::milliseconds duration);

  /// Cancels what the connection with that key runs; silent where there is none.
  void cancel(std::int32_t pid, std::int32_t secret);

  /// From now on connections end: idle ones are woken (their reads end), statements are cancelled.
  void begin_stop();
  bool is_stopping() const { return is_stopping_.load(std::memory_order_acquire); }
  /// Waits until all are gone, cutting their sockets after `grace`. False when some are left `grace` after
  /// that.
  bool wait_until_empty(std::chrono::milliseconds grace);
  std::size_t connection_count() const;

 private:
  void watch();
  void cancel_orphans();

  const std::size_t max_connections_;
  const std::chrono::milliseconds orphan_grace_;
  mutable std::mutex mutex_;
  std::condition_variable removed_;
  std::condition_variable stopping_;
  std::unordered_map<std::int32_t, std::shared_ptr<Connection>>
      by_pid_;  // shared with each connection's thread
  std::int32_t last_pid_ = 0;
  std::size_t admitted_count_ = 0;
  std::size_t gone_count_ = 0;
  std::atomic<bool> is_stopping_{false};
  int epoll_ = -1;
  int wake_ = -1;
  bool is_closing_ = false;
  std::thread watcher_;
};

}  // namespace tickstone::server
