// SPDX-License-Identifier: Apache-2.0
#include "market/connection_pool.hpp"

#include <tickstone/error.hpp>

namespace tickstone::market {

ConnectionPool::ConnectionPool(Open open, std::size_t size, std::chrono::milliseconds acquire_timeout)
    : open_(std::move(open)), size_(size), acquire_timeout_(acquire_timeout) {
  if (size == 0) throw Error(ErrorCode::InvalidParameterValue, "a pool needs at least one connection");
}

ConnectionPool::Lease ConnectionPool::acquire() {
  std::unique_lock lock(mutex_);
  const auto is_ready = [&] { return is_closed_ || !idle_.empty() || leased_.size() + opening_ < size_; };
  if (!freed_.wait_for(lock, acquire_timeout_, is_ready)) {
    throw Error(ErrorCode::TooManyConnections,
                "all " + std::to_string(size_) + " connections of the pool are in use", {},
                "Make pool_size larger, or hold connections for shorter.");
  }
  while (!is_closed_ && !idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->is_open()) continue;  // the server has gone, or come again, in the meantime
    leased_.insert(connection.get());
    return {*this, std::move(connection)};
  }
  if (is_closed_) throw Error(ErrorCode::ConnectionFailure, "the database manager is closed");
  ++opening_;
  lock.unlock();
  std::unique_ptr<Connection> connection;
  try {
    connection = open_();
  } catch (...) {
    lock.lock();
    --opening_;
    freed_.notify_one();
    throw;
  }
  lock.lock();
  --opening_;
  leased_.insert(connection.get());
  return {*this, std::move(connection)};
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
  bool is_usable = true;
  try {
    if (connection->is_open() && connection->in_transaction()) connection->query("ROLLBACK");
    is_usable = connection->is_open();
  } catch (const std::exception&) {
    is_usable = false;  // closed instead, which rolls back as well
  }
  const std::lock_guard lock(mutex_);
  leased_.erase(connection.get());
  if (is_usable && !is_closed_) idle_.push_back(std::move(connection));
  freed_.notify_one();
}

void ConnectionPool::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (auto* connection : leased_) connection->cancel();
}

void ConnectionPool::close() {
  std::vector<std::unique_ptr<Connection>> idle;
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  idle.swap(idle_);
  freed_.notify_all();
}

}  // namespace tickstone::market
