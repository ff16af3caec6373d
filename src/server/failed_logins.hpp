// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace tickstone::server {

/// Slows down who guesses passwords: the more logins of one address have failed in a row, the later it hears
/// of the next failure. A login that succeeds, or a quiet while, forgets them. Threads: any.
class FailedLogins {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kFree = 3;  // mistakes of people
  static constexpr std::chrono::milliseconds kFirst{100}, kLongest{3'000};
  static constexpr std::chrono::seconds kForgotten{60};
  static constexpr std::size_t kAddresses = 4096;

  /// Counts a failure; how long to wait before it is told.
  std::chrono::milliseconds failed(const std::string& address, Clock::time_point now);
  void succeeded(const std::string& address);

 private:
  struct Failures {
    int count = 0;
    Clock::time_point last;
  };
  std::mutex mutex_;
  std::map<std::string, Failures> by_address_;
};

}  // namespace tickstone::server
