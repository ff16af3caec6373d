// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <tickstone/feature_store.hpp>

namespace tickstone::market {

/// Entries of feature_access_log, written by a thread of its own `flush_interval` after the first of a batch.
///
/// Threads: any.
class AccessLog {
 public:
  AccessLog(DatabaseManager& manager, std::string accessed_by, std::chrono::milliseconds flush_interval);
  ~AccessLog();  // writes what waits, once

  void record(std::span<const std::string> features, std::string_view operation);
  void flush();
  AccessLogStatus status() const;

 private:
  struct Entry {
    std::string feature, operation;
    Timestamp time;
  };

  void write_batches();
  /// Writes the first entries that wait; false where there are none.
  bool write_some();

  DatabaseManager& manager_;
  const std::string accessed_by_;
  const std::chrono::milliseconds flush_interval_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::mutex writing_;  // one writer at a time; taken before mutex_
  std::vector<Entry> waiting_;
  AccessLogStatus status_;
  bool is_ending_ = false;
  std::thread writer_;  // from the first entry on
};

}  // namespace tickstone::market
