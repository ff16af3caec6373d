// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Threads that help with queries that are worth it. DuckDB's own would wake for every query: for a small one
/// that costs more than the query does. The thread that asks always takes part, so a query that nobody helps
/// runs as well.
class Workers {
 public:
  /// Takes DuckDB's threads away and starts as many of our own.
  explicit Workers(duckdb::shared_ptr<duckdb::DuckDB> db);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// They take tasks, of all queries, until as many `disengage` have followed. Threads: any.
  void engage();
  void disengage();

 private:
  void work();
  bool take_tasks();

  duckdb::shared_ptr<duckdb::DuckDB> db_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> users_{0};
  std::atomic<bool> is_engaged_{false};
  std::atomic<bool> is_ending_{false};
  std::vector<std::thread> threads_;
};

/// The use that one execution makes of them. Threads: any.
class WorkerUse {
 public:
  explicit WorkerUse(std::shared_ptr<Workers> workers) : workers_(std::move(workers)) {}
  ~WorkerUse() { end(); }
  WorkerUse(const WorkerUse&) = delete;
  WorkerUse& operator=(const WorkerUse&) = delete;

  /// Nothing after the first time, or after `end`.
  void engage();
  void end();
  bool is_open() const { return state_ == State::Open; }
  bool has_ended() const { return state_ == State::Ended; }

 private:
  enum class State : std::uint8_t { Open, Engaged, Ended };
  std::shared_ptr<Workers> workers_;
  std::atomic<State> state_{State::Open};
};

}  // namespace tickstone::duck
