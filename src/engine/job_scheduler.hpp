// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::engine {

class DatabaseCore;
class Session;

/// Runs jobs when they are due, each in a session of its own as the job's owner, and writes down how they
/// ended. A job never runs twice at once. Threads: any.
class JobScheduler {
 public:
  explicit JobScheduler(DatabaseCore& database);
  ~JobScheduler();  // stops
  JobScheduler(const JobScheduler&) = delete;
  JobScheduler& operator=(const JobScheduler&) = delete;

  /// Writes down that jobs which ran when the server died have crashed. Before anything runs.
  void record_crashes();
  /// Runs jobs on threads of their own from now on, `most_workers` at once.
  void start(int most_workers);
  /// Cancels what runs and waits for its end; those jobs are due again at once. Nothing runs after that.
  void stop() noexcept;
  /// The session that runs the job, by its pid; nothing while none does.
  std::optional<std::int32_t> running_pid(std::int32_t job_id);
  /// Ends the run that is under way, where there is one.
  void cancel(std::int32_t job_id);
  /// Jobs have changed: looks again when the next is due.
  void wake();
  /// Runs what is due now on this thread, one after another, the longest due first; when the next job is due
  /// after that, or nothing.
  std::optional<std::int64_t> run_due();

  /// The right to run a job: held by one at a time.
  class Claim {
   public:
    Claim(JobScheduler& scheduler, std::int32_t job_id) : scheduler_(&scheduler), job_id_(job_id) {}
    Claim(Claim&& other) noexcept : scheduler_(other.scheduler_), job_id_(other.job_id_) {
      other.scheduler_ = nullptr;
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    Claim& operator=(Claim&&) = delete;
    ~Claim();

   private:
    JobScheduler* scheduler_;
    std::int32_t job_id_;
  };
  std::optional<Claim> try_claim(std::int32_t job_id);
  /// Waits until nobody else runs the job. `check` throws to give up.
  Claim claim(std::int32_t job_id, const std::function<void()>& check);

  /// A number that no job has or, by its history, had.
  std::int32_t next_job_id(const catalog::Catalog& catalog) const;

 private:
  struct Due {
    std::int32_t job_id = 0;
    std::int64_t since_us = 0;
  };
  struct Worker {
    std::thread thread;
    bool is_done = false;
  };
  struct Failure {
    std::string sqlstate, message;
  };

  std::vector<Due> due_jobs(std::optional<std::int64_t>& next_us) const;
  void run();
  std::optional<std::int64_t> start_due();
  void run_job(std::int32_t job_id) noexcept;
  std::optional<catalog::JobObject> mark_start(std::int32_t job_id);
  std::optional<Failure> run_in_session(const catalog::JobObject& job, std::int32_t pid);
  void mark_end(const catalog::JobObject& job, std::int32_t pid, const std::optional<Failure>& failure);
  void disable(std::int32_t job_id);
  double jitter();
  bool is_stopping() const { return stopping_.load(std::memory_order_relaxed); }

  DatabaseCore& database_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::int32_t> claimed_;
  struct Running {
    Session* session = nullptr;
    std::int32_t pid = 0;
  };
  std::map<std::int32_t, Running> sessions_;  // of running jobs, to cancel
  std::list<Worker> workers_;
  std::size_t most_workers_ = 0;
  bool woken_ = false;
  std::int64_t paused_until_us_ = 0;  // the store refused to note that a job begins or ends
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> next_run_id_{1};
  std::minstd_rand random_{std::random_device{}()};
  std::thread thread_;
};

}  // namespace tickstone::engine
