// SPDX-License-Identifier: Apache-2.0
#include "engine/database_core.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "duck/spill_limit.hpp"
#include "engine/idle_plans.hpp"
#include "engine/job_scheduler.hpp"
#include "engine/server_configuration.hpp"
#include "engine/session_context.hpp"
#include "engine/session_functions.hpp"
#include "engine/setting_value.hpp"

namespace tickstone::engine {

DatabaseCore::DatabaseCore(std::unique_ptr<storage::Store> store, const DatabaseOptions& options)
    : store_(std::move(store)),
      options_(options),
      start_time_us_(clock().now_us()),
      idle_plans_(std::make_unique<IdlePlans>()),
      statements_(clock(), static_cast<std::size_t>(configuration().number("pg_stat_statements.max"))),
      jobs_(std::make_unique<JobScheduler>(*this)) {
  const auto tell = [&](const std::string& name, std::size_t bytes) {
    configuration().set_running(
        name, shown_bytes(*Settings::find_definition(name), static_cast<std::int64_t>(bytes)));
  };
  tell("tickstone.memory", memory_bytes());
  tell("temp_file_limit", duck::spill_limit_bytes(options_.query_memory_bytes));
  tell("shared_buffers", options_.store.block_cache_bytes);
}

DatabaseCore::~DatabaseCore() = default;

std::shared_ptr<const catalog::Catalog> DatabaseCore::catalog() const {
  std::lock_guard lock(mutex_);
  return catalog_;
}

std::pair<std::shared_ptr<const catalog::Catalog>, storage::CommitSeq> DatabaseCore::catalog_and_seq() const {
  std::lock_guard lock(mutex_);
  return {catalog_, catalog_seq_};
}

void DatabaseCore::publish_catalog(std::shared_ptr<const catalog::Catalog> catalog, storage::CommitSeq seq) {
  std::lock_guard lock(mutex_);
  if (catalog_ != nullptr && seq < catalog_seq_) return;
  aggregates_.set_catalog(*catalog);
  catalog_ = std::move(catalog);
  catalog_seq_ = seq;
}

void DatabaseCore::reload_catalog() {
  const auto view = store_->read_view();
  publish_catalog(catalog::Catalog::load(*view), view->seq());
}

std::unique_ptr<duck::Instance> DatabaseCore::make_instance() const {
  duck::InstanceOptions options;
  options.memory_limit_bytes = options_.query_memory_bytes;
  options.threads = options_.threads;
  options.temp_directory = options_.temp_directory;
  options.functions = host_functions();
  options.table_functions = host_table_functions();
  return duck::Instance::open(options);
}

std::shared_ptr<duck::Instance> DatabaseCore::instance() {
  std::lock_guard lock(mutex_);
  if (instance_ == nullptr) instance_ = make_instance();
  return instance_;
}

void DatabaseCore::replace_instance(const std::shared_ptr<duck::Instance>& lost) {
  idle_plans_->clear();
  std::lock_guard lock(mutex_);
  if (instance_ == lost) instance_.reset();
}

std::shared_ptr<TableCounters> DatabaseCore::table_counters(catalog::Oid relation) {
  constexpr std::size_t kForgetGoneEvery = 1024;
  std::lock_guard lock(mutex_);
  if (!table_counters_.contains(relation) &&
      table_counters_.size() % kForgetGoneEvery == kForgetGoneEvery - 1)
    std::erase_if(table_counters_, [&](const auto& one) {
      return one.second.use_count() == 1 && catalog_->find_relation(one.first) == nullptr;
    });
  auto& counters = table_counters_[relation];
  if (counters == nullptr) counters = std::make_shared<TableCounters>();
  return counters;
}

std::map<catalog::Oid, catalog::TableCounts> DatabaseCore::table_counts() const {
  std::lock_guard lock(mutex_);
  std::map<catalog::Oid, catalog::TableCounts> counts;
  for (const auto& [relation, counters] : table_counters_)
    counts[relation] = {counters->inserted.load(), counters->updated.load(), counters->deleted.load()};
  return counts;
}

catalog::DatabaseCounts DatabaseCore::database_counts() const {
  catalog::DatabaseCounts counts;
  counts.transactions_committed = counters_.transactions_committed.load();
  counts.transactions_rolled_back = counters_.transactions_rolled_back.load();
  counts.rows_returned = counters_.rows_returned.load();
  counts.errors = counters_.errors.load();
  counts.deadlocks = counters_.deadlocks.load();
  counts.serialization_failures = counters_.serialization_failures.load();
  counts.cancellations = counters_.cancellations.load();
  counts.sessions_started = counters_.sessions_started.load();
  counts.since_us = start_time_us_;
  for (const auto& [relation, table] : table_counts()) {
    counts.rows_inserted += table.inserted;
    counts.rows_updated += table.updated;
    counts.rows_deleted += table.deleted;
  }
  return counts;
}

catalog::RunningFacts::DiskSpace DatabaseCore::disk_space() const {
  catalog::RunningFacts::DiskSpace space;
  space.directory = std::filesystem::absolute(options_.data_directory).string();
  space.data_bytes = store_->directory_bytes();
  std::error_code error;
  const auto found = std::filesystem::space(options_.data_directory, error);
  if (error) return space;
  space.free_bytes = found.available;
  space.total_bytes = found.capacity;
  return space;
}

void DatabaseCore::add_session(SessionContext* session) {
  std::lock_guard lock(mutex_);
  sessions_.push_back(session);
}

void DatabaseCore::remove_session(SessionContext* session) {
  std::lock_guard lock(mutex_);
  std::erase(sessions_, session);
}

std::vector<catalog::RunningFacts::SessionInfo> DatabaseCore::sessions() const {
  std::lock_guard lock(mutex_);
  std::vector<catalog::RunningFacts::SessionInfo> infos;
  for (const auto* session : sessions_) infos.push_back(session->session_info());
  return infos;
}

bool DatabaseCore::cancel_session(std::int32_t pid) {
  std::lock_guard lock(mutex_);
  for (auto* session : sessions_) {
    if (session->session_info().pid == pid) return session->cancel(), true;
  }
  return false;
}

bool DatabaseCore::end_session(std::int32_t pid) {
  std::lock_guard lock(mutex_);
  for (auto* session : sessions_) {
    if (session->options().pid != pid || !session->options().end_session) continue;
    // Under the lock: the session, and so who serves it, is there until it is removed.
    session->options().end_session(SessionEnd::Terminated);
    return true;
  }
  return false;
}

std::int32_t DatabaseCore::next_pid() {
  std::lock_guard lock(mutex_);
  return ++last_pid_;
}

Database::VerifierMaker DatabaseCore::verifier_maker() const {
  std::lock_guard lock(mutex_);
  return verifier_maker_;
}

void DatabaseCore::set_verifier_maker(Database::VerifierMaker maker) {
  std::lock_guard lock(mutex_);
  verifier_maker_ = std::move(maker);
}

}  // namespace tickstone::engine
