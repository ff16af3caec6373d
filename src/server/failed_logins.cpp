// SPDX-License-Identifier: Apache-2.0
#include "server/failed_logins.hpp"

#include <algorithm>

namespace tickstone::server {

std::chrono::milliseconds FailedLogins::failed(const std::string& address, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (by_address_.size() >= kAddresses)
    std::erase_if(by_address_, [&](const auto& entry) { return now - entry.second.last > kForgotten; });
  const auto found = by_address_.find(address);
  // Too many addresses at once: a new one waits longest, rather than the list growing or being emptied.
  if (found == by_address_.end() && by_address_.size() >= kAddresses) return kLongest;
  auto& failures = by_address_[address];
  if (failures.count > 0 && now - failures.last > kForgotten) failures.count = 0;
  failures.last = now;
  ++failures.count;
  if (failures.count <= kFree) return std::chrono::milliseconds{0};
  const int doublings = std::min(failures.count - kFree - 1, 16);
  return std::min(kLongest, kFirst * (1 << doublings));
}

void FailedLogins::succeeded(const std::string& address) {
  const std::lock_guard lock(mutex_);
  by_address_.erase(address);
}

}  // namespace tickstone::server
