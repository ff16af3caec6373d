// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <random>

#include <tickstone/database_manager.hpp>
#include <tickstone/error.hpp>

namespace tickstone::market {

/// The server has gone, is about to, or is not there yet.
bool is_connection_loss(const Error& error);
/// Rolled back by no fault of its own: 40001, 40P01.
bool is_conflict(const Error& error);

/// The waits between tries of one piece of work.
class Backoff {
 public:
  explicit Backoff(const RetryPolicy& policy);
  /// Sleeps and returns true; false where the time is over.
  bool wait();

 private:
  const RetryPolicy policy_;
  std::chrono::milliseconds delay_;
  const std::chrono::steady_clock::time_point end_;
  std::minstd_rand random_;
};

}  // namespace tickstone::market
