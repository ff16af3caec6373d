// SPDX-License-Identifier: Apache-2.0
#include "engine/watchdog.hpp"

namespace tickstone::engine {

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Watchdog::Ticket Watchdog::arm(std::chrono::milliseconds after, std::function<void()> action) {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  const Time time = std::chrono::steady_clock::now() + after;
  const Ticket ticket = ++last_ticket_;
  deadlines_.emplace(std::pair(time, ticket), std::move(action));
  times_.emplace(ticket, time);
  changed_.notify_all();
  return ticket;
}

void Watchdog::disarm(Ticket ticket) {
  std::lock_guard lock(mutex_);
  const auto found = times_.find(ticket);
  if (found == times_.end()) return;
  deadlines_.erase({found->second, ticket});
  times_.erase(found);
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (deadlines_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = deadlines_.begin();
    if (first->first.first > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, Time(first->first.first));
      continue;
    }
    const auto action = std::move(first->second);
    times_.erase(first->first.second);
    deadlines_.erase(first);
    action();  // under the lock, so that disarm is a barrier; actions only raise flags
  }
}

}  // namespace tickstone::engine
