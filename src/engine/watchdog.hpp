// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace tickstone::engine {

/// Calls something at a deadline unless it is disarmed first: statement_timeout. One thread, started with the
/// first deadline.
class Watchdog {
 public:
  Watchdog() = default;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  using Ticket = std::uint64_t;
  Ticket arm(std::chrono::milliseconds after, std::function<void()> action);
  /// After it returns the action is not running and will not run.
  void disarm(Ticket ticket);

 private:
  void run();

  using Time = std::chrono::steady_clock::time_point;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<Time, Ticket>, std::function<void()>> deadlines_;
  std::map<Ticket, Time> times_;
  Ticket last_ticket_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tickstone::engine
