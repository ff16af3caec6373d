// SPDX-License-Identifier: Apache-2.0
#include "engine/job_scheduler.hpp"

#include <algorithm>
#include <chrono>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "base/logging.hpp"
#include "base/thread_name.hpp"
#include "catalog/object_names.hpp"
#include "engine/catalog_lock.hpp"
#include "engine/database_core.hpp"
#include "engine/job_schedule.hpp"
#include "engine/protocol_session.hpp"
#include "engine/tracking_sink.hpp"
#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

using catalog::JobObject;
using catalog::JobStatistics;

constexpr std::int64_t kLongestSleepUs = 86'400'000'000LL;
constexpr std::int64_t kSleepAfterErrorUs = 60'000'000LL;

/// Warnings of a job go to the log; nobody is there to read its rows.
class JobSink final : public NullSink {
 public:
  explicit JobSink(const JobObject& job) : job_(job) {}
  void notice(const Notice& notice) override {
    if (notice.severity == "WARNING") log_warning("job {}: {}", job_.id, notice.message);
  }

 private:
  const JobObject& job_;
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string call_text(const catalog::Catalog& catalog, const JobObject& job) {
  const auto functions = catalog.find_functions(job.proc_schema, job.proc_name);
  const bool is_function = !functions.empty() && !functions.front()->is_procedure;
  return std::string(is_function ? "SELECT " : "CALL ") + catalog::quote_identifier(job.proc_schema) + "." +
         catalog::quote_identifier(job.proc_name) + "(" + std::to_string(job.id) + ", " +
         (job.config_json.empty() ? std::string("NULL") : quoted(job.config_json)) + "::jsonb)";
}

}  // namespace

JobScheduler::JobScheduler(DatabaseCore& database) : database_(database) {}

JobScheduler::~JobScheduler() { stop(); }

JobScheduler::Claim::~Claim() {
  if (scheduler_ == nullptr) return;
  {
    const std::lock_guard lock(scheduler_->mutex_);
    scheduler_->claimed_.erase(job_id_);
    scheduler_->woken_ = true;
  }
  scheduler_->changed_.notify_all();
}

std::optional<JobScheduler::Claim> JobScheduler::try_claim(std::int32_t job_id) {
  const std::lock_guard lock(mutex_);
  if (!claimed_.insert(job_id).second) return std::nullopt;
  return Claim(*this, job_id);
}

JobScheduler::Claim JobScheduler::claim(std::int32_t job_id, const std::function<void()>& check) {
  // Who waits looks now and then whether its statement was cancelled, which nothing else tells it.
  constexpr auto kCheckEvery = std::chrono::milliseconds(50);
  std::unique_lock lock(mutex_);
  while (!claimed_.insert(job_id).second) {
    changed_.wait_for(lock, kCheckEvery);
    lock.unlock();
    check();
    lock.lock();
  }
  return {*this, job_id};
}

std::int32_t JobScheduler::next_job_id(const catalog::Catalog& catalog) const {
  std::int32_t next = catalog.next_job_id();
  for (const auto& run : catalog::read_job_history(*database_.store().read_view()))
    next = std::max(next, run.job_id + 1);
  return next;
}

double JobScheduler::jitter() {
  const std::lock_guard lock(mutex_);
  return std::uniform_real_distribution<double>(-1, 1)(random_);
}

void JobScheduler::record_crashes() {
  const auto view = database_.store().read_view();
  const auto history = catalog::read_job_history(*view);
  if (!history.empty()) next_run_id_ = history.back().id + 1;
  const auto catalog = database_.catalog();
  const std::int64_t now = database_.clock().now_us();
  for (auto& statistics : catalog::read_job_statistics(*view)) {
    if (!statistics.is_running) continue;
    auto transaction = database_.store().begin();
    const JobObject* job = catalog->find_job(statistics.job_id);
    if (job == nullptr) {
      catalog::erase_job_statistics(*transaction, statistics.job_id);
      transaction->commit();
      continue;
    }
    statistics.is_running = false;
    statistics.last_succeeded = false;
    statistics.next_start_us =
        next_start_after_crash(*job, now, std::max(statistics.consecutive_crashes, 1), jitter());
    catalog::write_job_statistics(*transaction, statistics);
    catalog::JobRunRecord run;
    run.id = next_run_id_++;
    run.job_id = job->id;
    run.succeeded = false;
    run.proc_schema = job->proc_schema;
    run.proc_name = job->proc_name;
    run.start_us = statistics.last_start_us;
    run.config_json = job->config_json;
    run.message = "job crash detected, see server logs";
    catalog::append_job_run(*transaction, run);
    transaction->commit();
    log_warning("job {} ran when the server ended: counted as crashed", job->id);
  }
}

void JobScheduler::start(int most_workers) {
  most_workers_ = static_cast<std::size_t>(std::max(most_workers, 0));
  if (most_workers_ > 0) thread_ = std::thread([this] { run(); });
}

void JobScheduler::stop() noexcept {
  constexpr auto kCancelEvery = std::chrono::milliseconds(20);
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
  lock.lock();
  while (std::any_of(workers_.begin(), workers_.end(), [](const auto& w) { return !w.is_done; })) {
    // Again and again: a cancel that comes before the statement begins has no effect.
    for (const auto& [id, running] : sessions_) running.session->cancel();
    changed_.wait_for(lock, kCancelEvery);
  }
  auto workers = std::move(workers_);
  workers_.clear();
  lock.unlock();
  for (auto& worker : workers) worker.thread.join();
}

std::optional<std::int32_t> JobScheduler::running_pid(std::int32_t job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(job_id);
  return found == sessions_.end() ? std::nullopt : std::optional(found->second.pid);
}

void JobScheduler::cancel(std::int32_t job_id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = sessions_.find(job_id); found != sessions_.end()) found->second.session->cancel();
}

void JobScheduler::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

std::vector<JobScheduler::Due> JobScheduler::due_jobs(std::optional<std::int64_t>& next_us) const {
  const auto catalog = database_.catalog();
  std::map<std::int32_t, JobStatistics> statistics;
  for (auto& one : catalog::read_job_statistics(*database_.store().read_view()))
    statistics.emplace(one.job_id, std::move(one));
  const std::int64_t now = database_.clock().now_us();
  std::vector<Due> due;
  for (const JobObject* job : catalog->jobs()) {
    const auto found = statistics.find(job->id);
    const bool is_known = found != statistics.end();
    if (!job->scheduled || (is_known && found->second.is_running)) continue;
    const auto at =
        due_at(*job, is_known ? std::optional(found->second) : std::nullopt).value_or(kTimestampNegInfinity);
    if (at <= now)
      due.push_back({job->id, at});
    else
      next_us = std::min(at, next_us.value_or(at));
  }
  std::sort(due.begin(), due.end(), [](const Due& a, const Due& b) {
    return std::pair(a.since_us, a.job_id) < std::pair(b.since_us, b.job_id);
  });
  return due;
}

std::optional<std::int64_t> JobScheduler::run_due() {
  std::optional<std::int64_t> next;
  for (const auto& due : due_jobs(next)) {
    if (is_stopping()) break;
    if (const auto claim = try_claim(due.job_id)) run_job(due.job_id);
  }
  next.reset();
  for (const auto& due : due_jobs(next)) next = std::min(due.since_us, next.value_or(due.since_us));
  return next;
}

void JobScheduler::run() {
  set_thread_name("jobs");
  std::unique_lock lock(mutex_);
  while (!is_stopping()) {
    woken_ = false;
    std::list<Worker> done;
    for (auto at = workers_.begin(); at != workers_.end();) {
      const auto next = std::next(at);
      if (at->is_done) done.splice(done.end(), workers_, at);
      at = next;
    }
    lock.unlock();
    for (auto& worker : done) worker.thread.join();
    std::optional<std::int64_t> next;
    // Boundary: the scheduler outlives what goes wrong with its store.
    try {
      next = start_due();
    } catch (const std::exception& error) {
      log_error("jobs cannot be looked up: {}", error.what());
      next = database_.clock().now_us() + kSleepAfterErrorUs;
    }
    lock.lock();
    const auto has_news = [this] { return woken_ || is_stopping(); };
    if (!next) {
      changed_.wait(lock, has_news);
      continue;
    }
    const std::int64_t until = std::min(*next, database_.clock().now_us() + kLongestSleepUs);
    changed_.wait_until(lock, std::chrono::system_clock::time_point(std::chrono::microseconds(until)),
                        has_news);
  }
}

std::optional<std::int64_t> JobScheduler::start_due() {
  std::optional<std::int64_t> next;
  const std::int64_t now = database_.clock().now_us();
  for (const auto& due : due_jobs(next)) {
    const std::lock_guard lock(mutex_);
    if (now < paused_until_us_) return paused_until_us_;
    // Those that find no worker are looked at again when one is done.
    if (is_stopping() || workers_.size() >= most_workers_) break;
    if (!claimed_.insert(due.job_id).second) continue;
    Worker& worker = workers_.emplace_back();
    worker.thread = std::thread([this, &worker, id = due.job_id] {
      set_thread_name("job");
      {
        const Claim claim(*this, id);
        run_job(id);
      }
      const std::lock_guard done(mutex_);
      worker.is_done = true;
      woken_ = true;
      changed_.notify_all();
    });
  }
  return next;
}

void JobScheduler::run_job(std::int32_t job_id) noexcept {
  // Boundary: what goes wrong with one job stops no other.
  try {
    const auto job = mark_start(job_id);
    if (!job) return;
    const std::int32_t pid = database_.next_pid();
    mark_end(*job, pid, run_in_session(*job, pid));
  } catch (const std::exception& error) {
    log_error("job {} could not be run: {}", job_id, error.what());
    const std::lock_guard lock(mutex_);
    paused_until_us_ = database_.clock().now_us() + kSleepAfterErrorUs;
  }
}

std::optional<JobObject> JobScheduler::mark_start(std::int32_t job_id) {
  auto transaction = database_.store().begin();
  transaction->set_cancelled([this] { return is_stopping(); });
  catalog::lock_job_statistics(*transaction, job_id);
  const auto view = transaction->read_view();
  const auto catalog = database_.catalog();
  const JobObject* job = catalog->find_job(job_id);
  const auto before = catalog::find_job_statistics(*view, job_id);
  const std::int64_t now = database_.clock().now_us();
  // It may have been changed or run since somebody saw that it is due.
  if (job == nullptr || !job->scheduled || due_at(*job, before).value_or(now) > now) return std::nullopt;
  JobStatistics statistics = before.value_or(JobStatistics{});
  statistics.job_id = job_id;
  statistics.is_running = true;
  statistics.last_start_us = now;
  statistics.next_start_us.reset();
  ++statistics.runs;
  // Taken back at its end: what stays of it is a crash.
  ++statistics.crashes;
  ++statistics.consecutive_crashes;
  catalog::write_job_statistics(*transaction, statistics);
  transaction->commit();
  return *job;
}

std::optional<JobScheduler::Failure> JobScheduler::run_in_session(const JobObject& job, std::int32_t pid) {
  // Boundary: a job's error is what its history shows.
  Watchdog::Ticket ticket = 0;
  std::atomic<bool> is_too_long{false};
  std::optional<Failure> failure;
  try {
    SessionOptions options;
    options.user = job.owner;
    options.database = database_.name();
    options.application_name = job.application_name;
    options.is_job = true;
    options.pid = pid;
    const auto session = make_protocol_session(database_, options);
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping()) throw Error(ErrorCode::AdminShutdown, "the server is shutting down");
      sessions_[job.id] = {session.get(), pid};
    }
    const auto limit_us = interval_length_us(parse_interval(job.max_runtime).value_or(IntervalValue{}));
    if (limit_us > 0) {
      ticket = database_.watchdog().arm(std::chrono::milliseconds(static_cast<std::int64_t>(limit_us / 1000)),
                                        [&, session = session.get()] {
                                          is_too_long = true;
                                          session->cancel();
                                        });
    }
    try {
      JobSink sink(job);
      session->execute_simple(call_text(*database_.catalog(), job), sink);
    } catch (const Error& error) {
      failure = {std::string(sqlstate(error.code())), error.message()};
    } catch (const std::exception& error) {
      failure = {std::string(sqlstate(ErrorCode::InternalError)), error.what()};
    }
    const std::lock_guard lock(mutex_);
    sessions_.erase(job.id);
    if (ticket != 0) database_.watchdog().disarm(std::exchange(ticket, 0));
  } catch (const Error& error) {
    failure = {std::string(sqlstate(error.code())), error.message()};
  }
  if (failure && is_stopping())
    failure = {std::string(sqlstate(ErrorCode::AdminShutdown)),
               "terminating background job due to administrator command"};
  else if (failure && is_too_long)
    failure = {std::string(sqlstate(ErrorCode::QueryCanceled)),
               "job " + std::to_string(job.id) + " was canceled: it ran longer than its max_runtime of " +
                   job.max_runtime};
  return failure;
}

void JobScheduler::mark_end(const JobObject& started, std::int32_t pid,
                            const std::optional<Failure>& failure) {
  auto transaction = database_.store().begin();
  catalog::lock_job_statistics(*transaction, started.id);
  const auto view = transaction->read_view();
  const auto catalog = database_.catalog();
  const JobObject* now_known = catalog->find_job(started.id);
  const JobObject& job = now_known == nullptr ? started : *now_known;
  const std::int64_t now = database_.clock().now_us();
  const bool was_stopped = failure && is_stopping();
  auto statistics = catalog::find_job_statistics(*view, started.id);
  bool has_failed_too_often = false;
  catalog::JobRunRecord run;
  if (statistics && now_known != nullptr) {
    run.start_us = statistics->last_start_us;
    statistics->is_running = false;
    --statistics->crashes;
    statistics->consecutive_crashes = 0;
    const bool was_set = statistics->next_start_us.has_value();  // by alter_job meanwhile
    if (was_stopped) {
      // As if it had not begun: it is due at once when the database is opened again.
      --statistics->runs;
      if (!was_set) statistics->next_start_us = now;
    } else if (!failure) {
      ++statistics->successes;
      statistics->consecutive_failures = 0;
      statistics->last_success_us = now;
      if (!was_set) statistics->next_start_us = next_start_after_success(job, now);
    } else {
      ++statistics->failures;
      ++statistics->consecutive_failures;
      if (!was_set)
        statistics->next_start_us =
            next_start_after_failure(job, now, statistics->consecutive_failures, jitter());
      has_failed_too_often = job.max_retries >= 0 && statistics->consecutive_failures >= job.max_retries;
    }
    if (!was_stopped) {
      statistics->last_finish_us = now;
      statistics->last_succeeded = !failure;
    }
    catalog::write_job_statistics(*transaction, *statistics);
  } else if (statistics) {
    catalog::erase_job_statistics(*transaction, started.id);
  }
  run.id = next_run_id_++;
  run.job_id = started.id;
  run.succeeded = !failure;
  run.proc_schema = started.proc_schema;
  run.proc_name = started.proc_name;
  run.pid = pid;
  run.finish_us = now;
  run.config_json = started.config_json;
  if (failure) {
    run.sqlstate = failure->sqlstate;
    run.message = failure->message;
    if (!was_stopped) log_warning("job {} failed: {}", started.id, failure->message);
  }
  if (!was_stopped) catalog::append_job_run(*transaction, run);
  transaction->commit();
  if (has_failed_too_often) disable(started.id);
}

void JobScheduler::disable(std::int32_t job_id) {
  auto transaction = database_.store().begin();
  lock_catalog(*transaction);
  const auto catalog = catalog::Catalog::load(*transaction->read_view());
  const JobObject* found = catalog->find_job(job_id);
  if (found == nullptr || !found->scheduled) return;
  JobObject changed = *found;
  changed.scheduled = false;
  catalog::CatalogEdit edit(catalog, *transaction);
  edit.put_job(changed);
  transaction->set_on_committed(
      [&](storage::CommitSeq seq) { database_.publish_catalog(edit.finish(), seq); });
  transaction->commit();
  log_warning("job {} reached max_retries and is not scheduled any more; alter_job({}, scheduled => true)",
              job_id, job_id);
}

}  // namespace tickstone::engine
