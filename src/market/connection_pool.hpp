// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::market {

/// Connections that are opened when needed and used again.
///
/// Threads: any. Lifetime: longer than its leases.
class ConnectionPool {
 public:
  using Open = std::function<std::unique_ptr<Connection>()>;

  ConnectionPool(Open open, std::size_t size, std::chrono::milliseconds acquire_timeout);

  /// A connection for one holder. Given back when destroyed: closed where it is broken or where a transaction
  /// that cannot be rolled back is left on it.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Errors: TooManyConnections (53300) when none came free in time, ConnectionFailure after `close`, and
  /// those of opening one.
  Lease acquire();
  void cancel_all();
  /// Idle ones at once, the others when they are given back.
  void close();

 private:
  void give_back(std::unique_ptr<Connection> connection);

  const Open open_;
  const std::size_t size_;
  const std::chrono::milliseconds acquire_timeout_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Connection>> idle_;  // last used at the end
  std::set<Connection*> leased_;
  std::size_t opening_ = 0;
  bool is_closed_ = false;
};

}  // namespace tickstone::market
