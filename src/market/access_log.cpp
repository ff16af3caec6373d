// SPDX-License-Identifier: Apache-2.0
#include "market/access_log.hpp"

#include <tickstone/error.hpp>

#include "base/thread_name.hpp"

namespace tickstone::market {
namespace {

constexpr std::size_t kLongestBacklog = 100'000;
constexpr std::size_t kBatchEntries = 5'000;

std::string csv_field(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

AccessLog::AccessLog(DatabaseManager& manager, std::string accessed_by,
                     std::chrono::milliseconds flush_interval)
    : manager_(manager), accessed_by_(std::move(accessed_by)), flush_interval_(flush_interval) {}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void AccessLog::record(std::span<const std::string> features, std::string_view operation) {
  const Timestamp now = current_timestamp();
  const std::lock_guard lock(mutex_);
  for (const auto& feature : features) {
    if (waiting_.size() >= kLongestBacklog) {
      ++status_.dropped;
      continue;
    }
    waiting_.push_back({feature, std::string(operation), now});
  }
  if (!writer_.joinable() && !waiting_.empty()) writer_ = std::thread([this] { write_batches(); });
  changed_.notify_all();
}

void AccessLog::write_batches() {
  set_thread_name("access-log");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_ending_ || !waiting_.empty(); });
    changed_.wait_for(lock, flush_interval_, [&] { return is_ending_; });
    const bool was_ending = is_ending_;
    lock.unlock();
    try {
      flush();
    } catch (const std::exception& error) {
      // Tried again with the next batch; `status` tells.
    }
    lock.lock();
    if (was_ending) return;
  }
}

void AccessLog::flush() {
  while (write_some()) {
  }
}

bool AccessLog::write_some() {
  const std::lock_guard one_writer(writing_);
  std::string rows;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = std::min(waiting_.size(), kBatchEntries);
    for (std::size_t i = 0; i < count; ++i) {
      const Entry& entry = waiting_[i];
      rows += csv_field(entry.feature) + "," + format_timestamp(entry.time) + "," + csv_field(accessed_by_) +
              "," + csv_field(entry.operation) + "\n";
    }
  }
  if (count == 0) return false;
  bool is_sent = false;
  try {
    manager_.copy_in(
        "COPY feature_access_log (feature_name, accessed_at, accessed_by, operation) FROM STDIN (FORMAT csv)",
        [&](std::string& chunk) {
          if (is_sent) return false;
          chunk = rows;
          return is_sent = true;
        });
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    status_.last_error = error.what();
    throw;
  }
  // Only this writer takes entries away, so the first ones are still those.
  const std::lock_guard lock(mutex_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  status_.written += count;
  status_.last_error.clear();
  return true;
}

AccessLogStatus AccessLog::status() const {
  const std::lock_guard lock(mutex_);
  AccessLogStatus status = status_;
  status.waiting = waiting_.size();
  return status;
}

}  // namespace tickstone::market
