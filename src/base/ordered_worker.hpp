// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tickstone {

/// Does jobs in the order they come, on a thread of its own that begins with the first one pushed; at most
/// one job waits. An error ends it: the next call throws it, and jobs that wait are dropped.
///
/// Threads: one gives the jobs; what a job touches is the worker's until `finish_with` returns.
template <typename Job>
class OrderedWorker {
 public:
  explicit OrderedWorker(std::function<void(Job)> work) : work_(std::move(work)) {}
  ~OrderedWorker() { stop(); }
  OrderedWorker(const OrderedWorker&) = delete;
  OrderedWorker& operator=(const OrderedWorker&) = delete;

  void push(Job job) {
    std::unique_lock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.wait(lock, [this] { return !waiting_ || error_ != nullptr; });
    throw_error(lock);
    waiting_ = std::move(job);
    changed_.notify_all();
  }

  /// Waits for all jobs given.
  void settle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return (!waiting_ && !is_working_) || error_ != nullptr; });
    throw_error(lock);
  }

  /// Waits for all jobs given, then does the last one on the caller's thread.
  void finish_with(Job job) {
    stop();
    std::unique_lock lock(mutex_);
    throw_error(lock);
    lock.unlock();
    work_(std::move(job));
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return waiting_.has_value() || is_stopping_; });
      if (!waiting_) return;
      Job job = std::move(*waiting_);
      waiting_.reset();
      is_working_ = true;
      changed_.notify_all();
      lock.unlock();
      std::exception_ptr error;
      try {
        work_(std::move(job));
      } catch (...) {  // Boundary: carried to the thread that gives the jobs.
        error = std::current_exception();
      }
      lock.lock();
      is_working_ = false;
      if (error == nullptr) {
        changed_.notify_all();
        continue;
      }
      error_ = error;
      waiting_.reset();
      changed_.notify_all();
      return;
    }
  }
  void throw_error(std::unique_lock<std::mutex>& /*held*/) {
    if (error_ != nullptr) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  void stop() {
    {
      std::lock_guard lock(mutex_);
      is_stopping_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  std::function<void(Job)> work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> waiting_;  // guarded by mutex_, as what follows
  std::exception_ptr error_;
  bool is_working_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace tickstone
