// SPDX-License-Identifier: Apache-2.0
#include "engine/session_context.hpp"

#include <algorithm>
#include <thread>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "catalog/object_json.hpp"
#include "engine/aggregate_changes.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/catalog_lock.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/server_configuration.hpp"
#include "engine/temporary_tables.hpp"
#include "engine/write_target.hpp"
#include "sql/normalized_text.hpp"

namespace tickstone::engine {

namespace {

constexpr std::size_t kShownQueryBytes = 1024;

/// The same columns, constraints and indexes, and the same foreign keys of others to it.
bool is_same_table(const catalog::Catalog& before, const catalog::RelationObject& relation,
                   const catalog::Catalog& after, const catalog::RelationObject& found) {
  if (catalog::encode_object(found) != catalog::encode_object(relation)) return false;
  const auto constraints = [](const catalog::Catalog& catalog, const catalog::RelationObject& of) {
    std::vector<WriteTarget::Reference> references, referenced_by;
    find_references(catalog, of, references, referenced_by);
    std::vector<catalog::Oid> oids;
    for (const auto& reference : referenced_by) oids.push_back(reference.constraint);
    return oids;
  };
  return constraints(before, relation) == constraints(after, found);
}

Isolation isolation_of(const std::string& level) {
  return level == "repeatable read" || level == "serializable" ? Isolation::RepeatableRead
                                                               : Isolation::ReadCommitted;
}

std::int64_t role_oid(const catalog::Catalog& catalog, const std::string& name) {
  const auto* role = catalog.find_role(name);
  return role == nullptr ? 0 : role->oid;
}

}  // namespace

SessionContext::SessionContext(DatabaseCore& database, const SessionOptions& options)
    : database_(database),
      options_(options),
      recorder_(database, settings_, role_oid(*database.catalog(), options.user)),
      notifications_(database.notifications(), options.notified),
      advisory_locks_(database.advisory_locks(), options.pid),
      instance_(database.instance()) {
  database_.counters().add(database_.counters().sessions_started);
  settings_.set_names(this);
  follow_configuration();
  settings_.set_superuser(is_superuser());
  settings_.set_session_default("is_superuser", is_superuser() ? "on" : "off");
  settings_.set_session_default("session_authorization", options.user);
  if (!options.application_name.empty())
    settings_.set_session_default("application_name", options.application_name);
  for (const auto& [name, value] : options.settings) {
    settings_.require_privilege(name);
    settings_.set_session_default(name, value);
  }
  activity_.pid = options.pid;
  activity_.is_job = options.is_job;
  activity_.user = options.user;
  activity_.database = database.name();
  activity_.client_address = options.client_address;
  activity_.client_port = options.client_port;
  activity_.tls = options.tls;
  activity_.backend_start_us = database_.clock().now_us();
  activity_.state = "idle";
  database_.add_session(this);
}

void SessionContext::follow_configuration() {
  const auto& configuration = database_.configuration();
  const auto version = configuration.version();
  if (version == configuration_version_) return;
  settings_.set_server_values(configuration.values());
  configuration_version_ = version;
}

std::optional<std::int64_t> SessionContext::aggregate_watermark(catalog::Oid aggregate) const {
  return find_aggregate_value(*view_, aggregate, AggregateValue::Watermark);
}

bool SessionContext::is_superuser() const {
  const auto catalog = database_.catalog();
  const auto* role = catalog->find_role(options_.user);
  return role != nullptr && role->superuser;
}

SessionContext::~SessionContext() {
  database_.remove_session(this);
  rollback();
  try {
    if (!temporary_schema_.empty()) drop_temporary_schema(database_, temporary_schema_);
  } catch (const Error&) {
    // The store refuses writes; the next opening drops what is left.
  }
}

void SessionContext::notice(const Notice& notice) {
  if (sink_ == nullptr) return;
  // INFO was asked for, and goes to everybody.
  const std::string least = settings_.find("client_min_messages").value_or("notice");
  if (notice.severity == "NOTICE" && (least == "warning" || least == "error")) return;
  if (notice.severity == "WARNING" && least == "error") return;
  sink_->notice(notice);
}

// Transactions

void SessionContext::begin_transaction() {
  TICKSTONE_CHECK(!in_transaction_);
  in_transaction_ = true;
  isolation_name_.clear();  // the default
  isolation_ =
      settings_.is_repeatable_read_by_default() ? Isolation::RepeatableRead : Isolation::ReadCommitted;
  read_only_ = settings_.is_read_only_by_default();
  transaction_start_us_ = database_.clock().now_us();
  settings_.begin_transaction();
  std::lock_guard lock(activity_mutex_);
  activity_.transaction_start_us = transaction_start_us_;
}

void SessionContext::set_isolation(Isolation isolation) {
  if (isolation != isolation_ && (base_view_ != nullptr || writes_ != nullptr)) {
    throw Error(ErrorCode::ActiveSqlTransaction,
                "SET TRANSACTION ISOLATION LEVEL must be called before any query");
  }
  isolation_ = isolation;
}

void SessionContext::set_isolation(const std::string& level) {
  set_isolation(isolation_of(level));
  isolation_name_ = level;
}

std::string SessionContext::isolation_name() const {
  return in_transaction_ && !isolation_name_.empty() ? isolation_name_
                                                     : settings_.show("default_transaction_isolation");
}

void SessionContext::begin_statement() {
  statement_start_us_ = database_.clock().now_us();
  if (!in_transaction_) transaction_start_us_ = statement_start_us_;
  settings_.set_now_us(transaction_start_us_);
  if (auto imported = database_.exported_snapshots().take_import(options_.pid)) {
    base_view_ = std::move(imported->view);
    base_catalog_ = std::move(imported->catalog);
    settings_.invalidate_plans();
  }
  take_catalog_and_view();
  if (isolation_ == Isolation::RepeatableRead && base_view_ == nullptr) {
    base_view_ = view_;
    base_catalog_ = statement_catalog_;
  }
}

/// A catalog and a view that belong together: each change of the catalog that the view has is in the catalog,
/// and no other.
void SessionContext::take_catalog_and_view() {
  if (edit_ != nullptr) return refresh_view();
  if (base_catalog_ != nullptr) {
    statement_catalog_ = base_catalog_;
    return refresh_view();
  }
  constexpr int kAttempts = 1000;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto [catalog, seq] = database_.catalog_and_seq();
    statement_catalog_ = catalog;
    refresh_view();
    const auto newest = view_->newest_commit(catalog::kObjectsTable);
    // Whoever commits a change publishes the catalog after it is visible, so there is a moment between.
    if (newest <= seq || view_->seq() < newest) return;
    std::this_thread::yield();
  }
  statement_catalog_ = catalog::Catalog::load(*view_);
}

void SessionContext::refresh_view() {
  if (isolation_ == Isolation::RepeatableRead && base_view_ != nullptr) {
    view_ = writes_ == nullptr ? base_view_ : writes_->read_view_at(*base_view_);
  } else {
    view_ = writes_ == nullptr ? database_.store().read_view() : writes_->read_view();
  }
  snapshot_seq_.store(view_->seq(), std::memory_order_relaxed);
}

void SessionContext::use_newest_view() {
  view_ = writes_ == nullptr ? database_.store().read_view() : writes_->read_view();
  snapshot_seq_.store(view_->seq(), std::memory_order_relaxed);
}

DeferredReferences& SessionContext::deferred_references() {
  if (deferred_references_ == nullptr) deferred_references_ = std::make_shared<DeferredReferences>();
  return *deferred_references_;
}

void SessionContext::commit() {
  if (writes_ != nullptr && writes_->has_writes()) {
    try {
      if (deferred_references_ != nullptr) check_deferred_references(*this);
      finish_temporary_tables(*this);
      maintain_eager_aggregates(*this, *writes_);
      log_aggregate_changes(*this, *writes_);
    } catch (...) {
      rollback();
      throw;
    }
  }
  const bool had_ddl = edit_ != nullptr;
  std::unique_ptr<storage::Transaction> writes = std::move(writes_);
  std::shared_ptr<const catalog::Catalog> catalog = had_ddl ? edit_->finish() : nullptr;
  edit_.reset();
  auto actions = std::move(on_commit_);
  on_commit_.clear();
  forget_transaction();
  auto& counters = database_.counters();
  std::unique_lock<std::mutex> notifying;
  try {
    if (notifications_.has_sent()) {
      notifying = database_.notifications().order();
      database_.notifications().require_room(notifications_.sent_bytes());
    }
    if (writes != nullptr && writes->has_writes()) {
      const auto started_ns = clock().monotonic_ns();
      // While the locks are held, so that who waits for them finds it.
      if (had_ddl)
        writes->set_on_committed([&](storage::CommitSeq seq) { database_.publish_catalog(catalog, seq); });
      writes->commit(settings_.synchronous_commit());
      counters.commits.record(static_cast<std::uint64_t>(clock().monotonic_ns() - started_ns));
    }
  } catch (...) {
    notifications_.rollback();
    advisory_locks_.end_transaction();
    counters.add(counters.transactions_rolled_back);
    settings_.rollback_transaction();
    throw;
  }
  notifications_.commit(options_.pid);
  if (notifying) notifying.unlock();
  advisory_locks_.end_transaction();
  counters.add(counters.transactions_committed);
  settings_.commit_transaction();
  for (const auto& action : actions) action();
}

void SessionContext::commit_midway() {
  if (is_in_block_) return;
  commit();
  begin_transaction();
  begin_statement();
}

void SessionContext::rollback() noexcept {
  if (in_transaction_) database_.counters().add(database_.counters().transactions_rolled_back);
  if (writes_ != nullptr) writes_->rollback();
  writes_.reset();
  edit_.reset();
  on_commit_.clear();
  rows_.clear();
  forget_transaction();
  notifications_.rollback();
  advisory_locks_.end_transaction();
  settings_.rollback_transaction();
}

void SessionContext::forget_transaction() noexcept {
  database_.exported_snapshots().end_transaction(options_.pid);
  base_view_.reset();
  base_catalog_.reset();
  view_.reset();
  // DuckDB's side lets go of the view too, or a session at rest would hold back space.
  if (duck_ != nullptr) duck_->attach(*this, *this);
  snapshot_seq_.store(0, std::memory_order_relaxed);
  savepoints_.clear();
  written_tables_.clear();
  deferred_references_.reset();
  in_transaction_ = false;
}

void SessionContext::abort_to_savepoint() noexcept {
  if (savepoints_.empty()) return rollback();
  try {
    rollback_to_savepoint(std::string(savepoints_.back().name));
  } catch (const Error&) {
    rollback();
  }
}

storage::Transaction& SessionContext::writes(std::string_view command) {
  if (read_only_) {
    throw Error(ErrorCode::ReadOnlySqlTransaction,
                "cannot execute " + std::string(command) + " in a read-only transaction");
  }
  return transaction();
}

storage::Transaction& SessionContext::transaction() {
  if (writes_ == nullptr) {
    writes_ = database_.store().begin();
    writes_->set_cancelled([this] { return is_cancelled(); });
    writes_->set_session(options_.pid);
  }
  writes_->set_lock_timeout(std::chrono::milliseconds(settings_.lock_timeout_ms()));
  return *writes_;
}

SessionContext::StatementMark SessionContext::mark_statement() {
  if (writes_ == nullptr) return {std::nullopt, false};
  return {writes_->savepoint(), edit_ != nullptr};
}

void SessionContext::release_mark(const StatementMark& mark) {
  if (mark.position && writes_ != nullptr) writes_->release(*mark.position);
}

void SessionContext::undo_statement(const StatementMark& mark) {
  clear_rows();
  written_tables_.clear();  // their locks may be gone
  if (edit_ != nullptr && !mark.has_catalog_edit) {
    edit_.reset();
    settings_.invalidate_plans();
  }
  if (mark.position && writes_ != nullptr) {
    writes_->rollback_to(*mark.position);
  } else {
    writes_.reset();
  }
}

bool SessionContext::lock_for_write(const catalog::RelationObject& relation, std::string_view command) {
  const auto table = relation.table();
  auto& transaction = writes(command);
  if (std::find(written_tables_.begin(), written_tables_.end(), table) != written_tables_.end()) return false;
  transaction.lock_table(table, /*exclusive=*/false);
  written_tables_.push_back(table);
  if (edit_ != nullptr) return false;  // nobody else changes the catalog meanwhile
  const auto newest = database_.catalog();
  if (newest == statement_catalog_) return false;
  if (base_catalog_ != nullptr) {
    const auto* found = newest->find_relation(relation.oid);
    if (found != nullptr && is_same_table(*statement_catalog_, relation, *newest, *found)) return false;
    throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update",
                "Table \"" + relation.name + "\" was altered by another transaction.");
  }
  begin_statement();
  return true;
}

bool SessionContext::lock_for_change(const sql::QualifiedName& name, std::string_view command) {
  for (bool has_moved = false;; has_moved = true) {
    const auto* relation = find_user_relation(name.schema, name.name);
    if (relation == nullptr || !relation->is_stored()) return has_moved;
    const auto table = relation->table();
    writes(command).lock_table(table, /*exclusive=*/true);
    if (edit_ != nullptr || base_catalog_ != nullptr) return has_moved;
    if (database_.catalog() == statement_catalog_) return has_moved;
    begin_statement();
    const auto* again = find_user_relation(name.schema, name.name);
    if (again == nullptr || again->table() == table) return true;
  }
}

void SessionContext::savepoint(const std::string& name) {
  auto& writes = transaction();
  // A copy: the edit goes on changing its catalog in place.
  std::shared_ptr<const catalog::Catalog> saved;
  if (edit_ != nullptr) saved = std::make_shared<catalog::Catalog>(edit_->catalog());
  savepoints_.push_back({name, writes.savepoint(), saved, settings_.mark(), read_only_, notifications_.mark(),
                         advisory_locks_.transaction_mark()});
}

void SessionContext::release_savepoint(const std::string& name) {
  for (auto i = savepoints_.size(); i-- > 0;) {
    if (savepoints_[i].name != name) continue;
    for (auto released = savepoints_.size(); released-- > i;)
      writes_->release(savepoints_[released].position);
    savepoints_.resize(i);
    return;
  }
  throw Error(ErrorCode::InvalidSavepoint, "savepoint \"" + name + "\" does not exist");
}

void SessionContext::rollback_to_savepoint(const std::string& name) {
  for (auto i = savepoints_.size(); i-- > 0;) {
    if (savepoints_[i].name != name) continue;
    savepoints_.resize(i + 1);
    writes_->rollback_to(savepoints_[i].position);
    written_tables_.clear();  // their locks may be gone
    settings_.rollback_to(savepoints_[i].settings);
    read_only_ = savepoints_[i].is_read_only;
    notifications_.rollback_to(savepoints_[i].notifications);
    advisory_locks_.end_transaction(savepoints_[i].advisory_locks);
    settings_.invalidate_plans();
    if (savepoints_[i].catalog != nullptr) {
      edit_ = std::make_unique<catalog::CatalogEdit>(savepoints_[i].catalog, *writes_);
    } else {
      edit_.reset();
    }
    return;
  }
  throw Error(ErrorCode::InvalidSavepoint, "savepoint \"" + name + "\" does not exist");
}

// Cancelling

void SessionContext::cancel(bool by_timeout) {
  if (by_timeout) timed_out_ = true;
  cancelled_ = true;
  std::lock_guard lock(activity_mutex_);
  for (const auto& weak : running_) {
    if (const auto connection = weak.lock()) connection->interrupt();
  }
}

void SessionContext::check_cancelled() const {
  if (!is_cancelled()) return;
  throw Error(ErrorCode::QueryCanceled, timed_out_ ? "canceling statement due to statement timeout"
                                                   : "canceling statement due to user request");
}

void SessionContext::clear_cancel() {
  cancelled_ = false;
  timed_out_ = false;
}

void SessionContext::set_activity(const std::string& state, std::string_view query) {
  std::lock_guard lock(activity_mutex_);
  const std::int64_t now = database_.clock().now_us();
  activity_.state = state;
  activity_.state_change_us = now;
  if (state == "active") {
    const auto shown = query.substr(0, kShownQueryBytes);
    if (sql::may_have_password(shown))
      activity_.query = sql::hide_passwords(shown);
    else
      activity_.query.assign(shown);
    activity_.query_start_us = now;
  }
  activity_.transaction_start_us = in_transaction_ ? transaction_start_us_ : 0;
  activity_.application_name = settings_.application_name();
}

catalog::RunningFacts::SessionInfo SessionContext::session_info() const {
  std::lock_guard lock(activity_mutex_);
  auto info = activity_;
  info.snapshot_seq = snapshot_seq_.load(std::memory_order_relaxed);
  return info;
}

}  // namespace tickstone::engine
