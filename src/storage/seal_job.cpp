// SPDX-License-Identifier: Apache-2.0
#include "storage/seal_job.hpp"

#include <chrono>

#include <tickstone/error.hpp>

#include "base/thread_name.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

namespace {

/// How often one who waits asks whether it is still wanted.
constexpr std::chrono::milliseconds kPatience{20};

[[noreturn]] void throw_cancelled() {
  throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
}

}  // namespace

SealJob::SealJob(StoreCore& core, std::uint64_t position, std::vector<Piece> pieces)
    : core_(core), position_(position), pieces_(std::move(pieces)), thread_([this] { run(); }) {}

SealJob::~SealJob() {
  is_abandoned_.store(true, std::memory_order_relaxed);
  thread_.join();
}

void SealJob::run() {
  set_thread_name("seal");
  try {
    BuildLimits limits;
    limits.segment_rows = core_.options.segment_rows;
    limits.pace = [this](std::uint64_t) {
      if (is_abandoned_.load(std::memory_order_relaxed)) throw_cancelled();
    };
    for (auto& piece : pieces_) {
      build_segments(core_, *piece.table, position_, limits, piece.replaced);
      core_.early_segment_bytes.fetch_add(piece.replaced.written_bytes, std::memory_order_relaxed);
    }
  } catch (...) {
    // Boundary: a thread. The error is for the one that waits.
    error_ = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  is_done_.store(true, std::memory_order_release);
  changed_.notify_all();
}

void SealJob::wait(const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPatience, [this] { return is_done(); })) {
    if (cancelled && cancelled()) throw_cancelled();
  }
  if (error_ != nullptr) std::rethrow_exception(error_);
}

}  // namespace tickstone::storage
