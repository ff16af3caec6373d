// SPDX-License-Identifier: Apache-2.0
#include "market/job_runner.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "market/retry.hpp"

namespace tickstone::market {
namespace {

/// Jobs that others add are found after at most this.
constexpr std::chrono::milliseconds kLongestWait{10'000};

RetryPolicy reconnection() {
  RetryPolicy policy;
  policy.for_at_most = std::chrono::minutes(10);
  return policy;
}

}  // namespace

JobRunner::JobRunner(std::shared_ptr<ConnectionSource> source, OnRun on_run)
    : source_(std::move(source)), on_run_(std::move(on_run)) {}

Connection& JobRunner::connection() {
  if (connection_ == nullptr || !connection_->is_open()) {
    if (connection_ != nullptr) log_warning("jobs: the connection was lost; connecting again");
    auto fresh = source_->connect();
    {
      const std::lock_guard lock(mutex_);
      connection_ = std::move(fresh);
    }
    if (!text_of("SELECT to_regproc('_tickstone.claim_job')")) {
      throw Error(ErrorCode::UndefinedFunction, "the database has no jobs of the application's schema", {},
                  "Bring its schema up to date with tickstone migrate.");
    }
  }
  return *connection_;
}

std::optional<std::string> JobRunner::text_of(const std::string& sql) {
  std::optional<std::string> text;
  connection_->run_script(sql, [&](const TextResult& result) {
    if (!result.rows.empty()) text = result.rows[0].at(0);
  });
  return text;
}

/// What cancelled the job may reach the next statement as well: PostgreSQL signals the process and its group
/// one after the other, and a short limit on time still holds while it is taken back.
void JobRunner::write_down(const std::string& sql) {
  constexpr int kTries = 20;
  for (int tries = 1;; ++tries) {
    try {
      text_of(sql);
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::QueryCanceled || tries == kTries) throw;
    }
  }
}

bool JobRunner::run_one(JobRun& run) {
  Connection& here = connection();
  std::vector<std::optional<std::string>> claimed;
  here.run_script("SELECT job_id, application_name, statement, max_runtime_ms FROM _tickstone.claim_job()",
                  [&](const TextResult& result) {
                    if (!result.rows.empty()) claimed = result.rows[0];
                  });
  if (claimed.empty()) return false;
  run = {std::stoi(claimed.at(0).value()), claimed.at(1).value_or(""), {}, {}};
  const auto start = std::chrono::steady_clock::now();
  std::string state;
  std::string message;
  try {
    text_of("SET statement_timeout = " + claimed.at(3).value_or("0"));
    // Alone in its script: a job may commit.
    text_of(claimed.at(2).value());
  } catch (const Error& error) {
    // What was running is written down as crashed by whoever claims it next.
    if (!here.is_open()) throw;
    state = sqlstate(error.code());
    message = error.what();
    run.error = state + ": " + message;
  }
  write_down("RESET statement_timeout");
  write_down(fmt::format("SELECT _tickstone.finish_job({}, {}, {}, {})", run.job_id,
                         run.error ? "false" : "true", run.error ? quote_literal(state) : "NULL",
                         run.error ? quote_literal(message) : "NULL"));
  run.duration =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  return true;
}

std::size_t JobRunner::run_due() {
  std::size_t failures = 0;
  std::vector<int> done;
  JobRun run;
  while (!is_stopping_ && run_one(run)) {
    on_run_(run);
    failures += run.error ? 1 : 0;
    // A job whose interval is shorter than the others take would keep this from ending.
    if (std::find(done.begin(), done.end(), run.job_id) != done.end()) break;
    done.push_back(run.job_id);
  }
  return failures;
}

std::chrono::milliseconds JobRunner::until_next() {
  connection();
  const auto text = text_of(
      "SELECT greatest(0, ceil(extract(epoch FROM _tickstone.next_due() - clock_timestamp()) * "
      "1000))::bigint");
  if (!text) return kLongestWait;
  return std::min(kLongestWait, std::chrono::milliseconds(std::stoll(*text)));
}

void JobRunner::run() {
  std::optional<Backoff> backoff;
  while (!is_stopping_) {
    std::chrono::milliseconds wait{0};
    try {
      run_due();
      wait = until_next();
      backoff.reset();
    } catch (const Error& error) {
      if (is_stopping_) return;
      if (!is_connection_loss(error)) throw;
      log_warning("jobs: {}; connecting again", error.what());
      if (!backoff) backoff.emplace(reconnection());
      if (!backoff->wait()) throw;
      continue;
    }
    std::unique_lock lock(mutex_);
    // A job that is due and that another runner holds is looked for again soon, not at once.
    stopping_.wait_for(lock, std::max(wait, std::chrono::milliseconds(200)),
                       [&] { return is_stopping_.load(); });
  }
}

void JobRunner::stop() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
  stopping_.notify_all();
  if (connection_ != nullptr) connection_->cancel();
}

}  // namespace tickstone::market
