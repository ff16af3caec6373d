// SPDX-License-Identifier: Apache-2.0
#include "market/retry.hpp"

#include <algorithm>
#include <thread>

namespace tickstone::market {

bool is_connection_loss(const Error& error) {
  switch (error.code()) {
    case ErrorCode::ConnectionFailure:
    case ErrorCode::AdminShutdown:
    case ErrorCode::CrashShutdown:
    case ErrorCode::CannotConnectNow:
      return true;
    default:
      return false;
  }
}

bool is_conflict(const Error& error) {
  return error.code() == ErrorCode::SerializationFailure || error.code() == ErrorCode::DeadlockDetected;
}

Backoff::Backoff(const RetryPolicy& policy)
    : policy_(policy),
      delay_(policy.first_delay),
      end_(std::chrono::steady_clock::now() + policy.for_at_most),
      random_(std::random_device{}()) {}

bool Backoff::wait() {
  const auto left = end_ - std::chrono::steady_clock::now();
  if (left <= std::chrono::steady_clock::duration::zero()) return false;
  const auto base = delay_.count();
  const std::chrono::milliseconds varied{base +
                                         std::uniform_int_distribution<long>(-base / 2, base / 2)(random_)};
  std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(varied, left));
  delay_ = std::min(delay_ * 2, policy_.max_delay);
  return true;
}

}  // namespace tickstone::market
