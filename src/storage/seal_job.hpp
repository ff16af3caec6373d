// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/own_rows.hpp"
#include "storage/replaced_layers.hpp"

namespace tickstone::storage {

/// Writes rows of a running transaction to segments, on a thread of its own.
///
/// Threads: the transaction's, which may end rows meanwhile, and appends none to the parts that are given.
class SealJob {
 public:
  struct Piece {
    std::shared_ptr<const TableState> table;  // as the transaction sees it
    OwnPart part;
    ReplacedLayers replaced;  // filled
  };

  /// Rows are written as they are at `position`: what ends later is told of them when the job is done.
  SealJob(StoreCore& core, std::uint64_t position, std::vector<Piece> pieces);
  /// Gives up what is not done; segments that nobody took go.
  ~SealJob();
  SealJob(const SealJob&) = delete;
  SealJob& operator=(const SealJob&) = delete;

  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  std::uint64_t position() const { return position_; }
  std::vector<Piece>& pieces() { return pieces_; }
  /// Waits for the end. Errors: what the job failed with; QueryCanceled once `cancelled` says so.
  void wait(const std::function<bool()>& cancelled);

 private:
  void run();

  StoreCore& core_;
  const std::uint64_t position_;
  std::vector<Piece> pieces_;
  std::atomic<bool> is_abandoned_{false};
  std::atomic<bool> is_done_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace tickstone::storage
