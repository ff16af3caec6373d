// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "market/connection.hpp"

namespace tickstone::market {

/// What became of one run of a job.
struct JobRun {
  int job_id = 0;
  std::string name;
  std::chrono::milliseconds duration{0};
  std::optional<std::string> error;  // SQLSTATE and message
};

/// The scheduler of a PostgreSQL without one: calls what the layer's catalog says is due. Decisions (what is
/// due, when again, who holds a job) are made by SQL in the database, so any number of runners may be at
/// work.
///
/// Errors: of the connection once retries are over, and UndefinedFunction where the schema is not there;
/// a job's own are recorded. Threads: `stop` from any.
class JobRunner {
 public:
  using OnRun = std::function<void(const JobRun&)>;
  JobRunner(std::shared_ptr<ConnectionSource> source, OnRun on_run);

  /// Runs what is due, each job once. Returns how many failed.
  std::size_t run_due();
  /// Until `stop`: runs what is due, waits for the next, connects again when the connection is lost.
  void run();
  /// Cancels the job that runs, and ends `run`.
  void stop();

 private:
  Connection& connection();
  std::optional<std::string> text_of(const std::string& sql);
  void write_down(const std::string& sql);
  /// Runs the job that has been due for longest; false where none is.
  bool run_one(JobRun& run);
  std::chrono::milliseconds until_next();

  const std::shared_ptr<ConnectionSource> source_;
  const OnRun on_run_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::unique_ptr<Connection> connection_;  // replaced under the mutex, for `stop` may cancel it
  std::atomic<bool> is_stopping_ = false;
};

}  // namespace tickstone::market
