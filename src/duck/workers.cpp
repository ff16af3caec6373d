// SPDX-License-Identifier: Apache-2.0
#include "duck/workers.hpp"

#include <algorithm>
#include <chrono>

#include <duckdb/parallel/task_scheduler.hpp>

namespace tickstone::duck {

namespace {

using namespace std::chrono_literals;

/// Between two looks at DuckDB's queue while a query is helped: its next part may come at any time, or a
/// client may be slow to take rows.
constexpr auto kShortestPause = 20us;
constexpr auto kLongestPause = 1000us;

/// After so long without work a thread gives back the memory that it keeps for later.
constexpr auto kIdle = 500ms;

}  // namespace

Workers::Workers(duckdb::shared_ptr<duckdb::DuckDB> db) : db_(std::move(db)) {
  auto& scheduler = duckdb::TaskScheduler::GetScheduler(*db_->instance);
  const auto count = static_cast<duckdb::idx_t>(scheduler.NumberOfThreads());
  // All threads are external, so DuckDB still plans for that many.
  duckdb::DBConfig::GetConfig(*db_->instance).options.external_threads = count;
  scheduler.SetThreads(count, count);
  scheduler.RelaunchThreads();
  for (duckdb::idx_t i = 1; i < count; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::scoped_lock lock(mutex_);
    is_ending_ = true;
    is_engaged_ = false;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Workers::engage() {
  if (users_.fetch_add(1) > 0) return;
  {
    const std::scoped_lock lock(mutex_);
    is_engaged_ = users_ > 0 && !is_ending_;
  }
  changed_.notify_all();
}

void Workers::disengage() {
  if (users_.fetch_sub(1) > 1) return;
  const std::scoped_lock lock(mutex_);
  is_engaged_ = users_ > 0 && !is_ending_;
}

bool Workers::take_tasks() {
  // Errors of tasks are those of their query.
  return duckdb::TaskScheduler::GetScheduler(*db_->instance).ExecuteTasks(&is_engaged_, 1) > 0;
}

void Workers::work() {
  const auto is_due = [&] { return is_engaged_ || is_ending_; };
  while (!is_ending_) {
    auto pause = kShortestPause;
    while (is_engaged_) {
      if (take_tasks()) {
        pause = kShortestPause;
        continue;
      }
      std::this_thread::sleep_for(pause);
      pause = std::min<std::chrono::microseconds>(pause * 2, kLongestPause);
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kIdle, is_due)) continue;
    lock.unlock();
    if (duckdb::Allocator::SupportsFlush())
      duckdb::Allocator::ThreadFlush(false, 0, static_cast<duckdb::idx_t>(threads_.size()));
    lock.lock();
    changed_.wait(lock, is_due);
  }
}

void WorkerUse::engage() {
  auto open = State::Open;
  if (state_.compare_exchange_strong(open, State::Engaged)) workers_->engage();
}

void WorkerUse::end() {
  if (state_.exchange(State::Ended) == State::Engaged) workers_->disengage();
}

}  // namespace tickstone::duck
