// SPDX-License-Identifier: Apache-2.0
#include "engine/session_context.hpp"

#include <algorithm>
#include <thread>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "catalog/object_json.hpp"
#include "catalog/object_names.hpp"
#include "duck/spill_limit.hpp"
#include "engine/aggregate_changes.hpp"
#include "engine/aggregate_query.hpp"
#include "engine/catalog_lock.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/cursors.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/temporary_tables.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {

namespace {

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

/// As PostgreSQL shows a memory setting.
std::string memory_text(std::size_t bytes) { return std::to_string(bytes >> 20) + "MB"; }

}  // namespace

SessionContext::SessionContext(DatabaseCore& database, const SessionOptions& options)
    : database_(database), options_(options), instance_(database.instance()) {
  settings_.set_session_default("session_authorization", options.user);
  const auto& parts = database.options();
  settings_.set_session_default("tickstone.memory", memory_text(database.memory_bytes()));
  settings_.set_session_default("temp_file_limit",
                                memory_text(duck::spill_limit_bytes(parts.query_memory_bytes)));
  settings_.set_session_default("shared_buffers", memory_text(parts.store.block_cache_bytes));
  if (!options.application_name.empty())
    settings_.set_session_default("application_name", options.application_name);
  for (const auto& [name, value] : options.settings) settings_.set_session_default(name, value);
  activity_.pid = options.pid;
  activity_.user = options.user;
  activity_.database = database.name();
  activity_.client_address = options.client_address;
  activity_.client_port = options.client_port;
  activity_.backend_start_us = database_.clock().now_us();
  activity_.state = "idle";
  database_.add_session(this);
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
  try {
    if (writes != nullptr && writes->has_writes()) {
      // While the locks are held, so that who waits for them finds it.
      if (had_ddl)
        writes->set_on_committed([&](storage::CommitSeq seq) { database_.publish_catalog(catalog, seq); });
      writes->commit(settings_.synchronous_commit());
    }
  } catch (...) {
    settings_.rollback_transaction();
    throw;
  }
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
  if (writes_ != nullptr) writes_->rollback();
  writes_.reset();
  edit_.reset();
  on_commit_.clear();
  rows_.clear();
  forget_transaction();
  settings_.rollback_transaction();
}

void SessionContext::forget_transaction() noexcept {
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
  savepoints_.push_back({name, writes.savepoint(), saved, settings_.mark(), read_only_});
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

// Catalog

std::shared_ptr<const catalog::Catalog> SessionContext::catalog() const {
  if (edit_ != nullptr) return edit_->finish();
  return statement_catalog_ != nullptr ? statement_catalog_ : database_.catalog();
}

catalog::CatalogEdit& SessionContext::edit_catalog(std::string_view command) {
  settings_.invalidate_plans();
  if (edit_ != nullptr) return *edit_;
  auto& transaction = writes(command);
  lock_catalog(transaction);
  // What others committed until now; the store has the last word, since they publish after their commit.
  edit_ =
      std::make_unique<catalog::CatalogEdit>(catalog::Catalog::load(*transaction.read_view()), transaction);
  return *edit_;
}

const catalog::RelationObject* SessionContext::find_user_relation(const std::string& schema,
                                                                  const std::string& name) const {
  const auto catalog = this->catalog();
  if (!schema.empty()) return catalog->find_relation(schema_meant(schema), name);
  for (const auto& candidate : search_path()) {
    if (const auto* found = catalog->find_relation(candidate, name)) return found;
  }
  return nullptr;
}

const catalog::RelationObject& SessionContext::relation(const sql::QualifiedName& name) const {
  if (!name.schema.empty() && !schema_exists(name.schema)) {
    Error error(ErrorCode::InvalidSchemaName, "schema \"" + name.schema + "\" does not exist");
    if (name.position > 0) error.at(name.position);
    throw error;
  }
  if (const auto* found = find_user_relation(name.schema, name.name)) return *found;
  Error error(ErrorCode::UndefinedTable, "relation \"" + (name.schema.empty() ? "" : name.schema + ".") +
                                             name.name + "\" does not exist");
  if (name.position > 0) error.at(name.position);
  throw error;
}

const catalog::SchemaObject& SessionContext::creation_schema(const std::string& schema) const {
  const auto catalog = this->catalog();
  if (!schema.empty()) {
    if (const auto* found = catalog->find_schema(schema)) {
      if (schema == "pg_catalog" || schema == "information_schema") {
        throw Error(ErrorCode::InsufficientPrivilege, "permission denied for schema " + schema, {},
                    "System catalogs cannot be changed.");
      }
      return *found;
    }
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + schema + "\" does not exist");
  }
  for (const auto& name : settings_.search_path(options_.user)) {
    if (const auto* found = catalog->find_schema(name)) return *found;
  }
  throw Error(ErrorCode::InvalidSchemaName, "no schema has been selected to create in");
}

std::optional<sql::NameLookup::Parameter> SessionContext::find_parameter(const std::string& function,
                                                                         const std::string& name) const {
  if (frames_.empty() || (!function.empty() && function != frames_.back().function)) return std::nullopt;
  const auto& parameters = frames_.back().parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].first == name) return Parameter{static_cast<int>(i) + 1, parameters[i].second};
  }
  return std::nullopt;
}

std::optional<SqlType> SessionContext::parameter_type(int number) const {
  if (frames_.empty()) return std::nullopt;
  const auto& parameters = frames_.back().parameters;
  const auto index = static_cast<std::size_t>(number) - 1;
  return index < parameters.size() ? std::optional(parameters[index].second) : std::nullopt;
}

std::vector<std::string> SessionContext::schemas_to_search(const std::string& schema) const {
  auto schemas = search_path();
  if (!schema.empty()) schemas.assign(1, schema_meant(schema));
  return schemas;
}

std::string SessionContext::temporary_schema() {
  const std::string name = "pg_temp_" + std::to_string(options_.pid);
  auto& edit = edit_catalog("CREATE TABLE");
  if (edit.catalog().find_schema(name) == nullptr)
    edit.put_schema({database_.store().next_table_id(), name, options_.user});
  temporary_schema_ = name;
  return name;
}

std::vector<catalog::Oid> SessionContext::relations_of(const sql::Expr& query) {
  std::vector<catalog::Oid> oids;
  for (const auto& name : sql::Rewriter(*this, sql::Rewriter::Locks::LeftOut).query(query).relations) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) continue;
    if (const auto* relation = catalog()->find_relation(name.substr(0, dot), name.substr(dot + 1)))
      oids.push_back(relation->oid);
  }
  return oids;
}

sql::RelationInfo SessionContext::relation_info(const catalog::RelationObject& relation) const {
  sql::RelationInfo info;
  info.schema = catalog()->find_schema(relation.schema)->name;
  info.name = relation.name;
  for (const auto& column : relation.columns)
    info.columns.push_back({column.name, column.type, column.not_null});
  return info;
}

std::string SessionContext::scan_name(const catalog::RelationObject& relation) const {
  return catalog()->find_schema(relation.schema)->name + "." + relation.name;
}

std::vector<std::string> SessionContext::search_path() const {
  auto names = settings_.search_path(options_.user);
  if (!temporary_schema_.empty()) names.insert(names.begin(), temporary_schema_);
  if (std::find(names.begin(), names.end(), "pg_catalog") == names.end())
    names.insert(names.begin(), "pg_catalog");
  return names;
}

namespace {

/// Views of TimescaleDB 1 say what took their place.
void refuse_old_view(const std::string& schema, const std::string& name) {
  if (schema != "timescaledb_information") return;
  static const std::map<std::string_view, std::string_view> kNow = {
      {"hypertable", "timescaledb_information.hypertables"},
      {"chunk", "timescaledb_information.chunks"},
      {"policy_stats", "timescaledb_information.job_stats"},
      {"drop_chunks_policies", "timescaledb_information.jobs"},
      {"reorder_policies", "timescaledb_information.jobs"},
      {"compress_chunks_policies", "timescaledb_information.jobs"},
      {"compressed_chunk_stats", "chunk_columnstore_stats()"},
      {"continuous_aggregate_stats", "timescaledb_information.job_stats"},
      {"data_nodes", ""},
      {"license", ""}};
  const auto found = kNow.find(name);
  if (found == kNow.end()) return;
  throw Error(ErrorCode::UndefinedTable, "relation \"" + schema + "." + name + "\" does not exist",
              "It was removed from TimescaleDB.",
              found->second.empty() ? std::string() : "Use " + std::string(found->second) + ".");
}

}  // namespace

std::optional<sql::RelationInfo> SessionContext::find_relation(const std::string& schema,
                                                               const std::string& name) const {
  if (!schema.empty() && schema[0] != '#') {
    if (const auto* columns = catalog::system_relation_columns(schema, name)) {
      sql::RelationInfo info{schema, name, {}};
      for (const auto& column : *columns) info.columns.push_back({column.name, column.type, false});
      return info;
    }
    const auto* found = find_user_relation(schema, name);
    if (found != nullptr && found->kind != catalog::RelationKind::Sequence) return relation_info(*found);
    if (found != nullptr) return std::nullopt;
    if (const auto chunk = find_chunk(*this, schema, name)) return chunk_info(*this, *chunk);
    const auto catalog = this->catalog();
    const auto* materialization = find_materialization(*catalog, schema, name);
    if (materialization == nullptr) {
      refuse_old_view(schema, name);
      return std::nullopt;
    }
    auto info = relation_info(*materialization);
    info.schema = schema;
    info.name = name;
    return info;
  }
  for (const auto& candidate : search_path()) {
    if (auto found = find_relation(candidate, name)) return found;
  }
  return std::nullopt;
}

bool SessionContext::schema_exists(const std::string& schema) const {
  return catalog()->find_schema(schema_meant(schema)) != nullptr;
}

std::vector<std::string> SessionContext::row_identity(const sql::RelationInfo& relation) const {
  const auto* found = find_user_relation(relation.schema, relation.name);
  if (found == nullptr || found->kind != catalog::RelationKind::Table) return {};
  return WriteTarget(*this, *found).old_column_names();
}

std::optional<std::string> SessionContext::view_text(const sql::RelationInfo& relation) const {
  const auto* found = find_user_relation(relation.schema, relation.name);
  if (found == nullptr || found->kind != catalog::RelationKind::View) return std::nullopt;
  return found->view_text;
}

std::vector<sql::NameLookup::KeyValue> SessionContext::current_row(const std::string& cursor,
                                                                   const sql::RelationInfo& relation) const {
  if (cursors_ == nullptr)
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + cursor + "\" does not exist");
  return cursors_->current_row(cursor, relation, settings_.format_context());
}

std::optional<std::vector<sql::RelationInfo::Column>> SessionContext::table_function_columns(
    const std::string& name) const {
  for (const auto& function : catalog::catalog_table_functions()) {
    if (function.name != name) continue;
    std::vector<sql::RelationInfo::Column> columns;
    for (const auto& column : function.columns) columns.push_back({column.name, column.type, false});
    return columns;
  }
  return std::nullopt;
}

bool SessionContext::is_host_table_function(const std::string& name) const {
  const auto& functions = catalog::catalog_table_functions();
  return std::any_of(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
}

// DuckDB

std::shared_ptr<duck::Connection> SessionContext::duck() {
  if (duck_ == nullptr) {
    instance_ = database_.instance();
    duck_ = instance_->connect(*this, *this);
    duck_time_zone_.clear();
    std::lock_guard lock(activity_mutex_);
    std::erase_if(running_, [](const auto& connection) { return connection.expired(); });
    running_.push_back(duck_);
  }
  if (settings_.time_zone() != duck_time_zone_) {
    duck_->set_time_zone(settings_.time_zone());
    duck_time_zone_ = settings_.time_zone();
  }
  return duck_;
}

void SessionContext::adopt_duck(std::shared_ptr<duck::Connection> connection, std::string time_zone) {
  duck_ = std::move(connection);
  duck_->attach(*this, *this);
  duck_time_zone_ = std::move(time_zone);
  std::lock_guard lock(activity_mutex_);
  running_.push_back(duck_);
}

void SessionContext::recover_instance() {
  duck_.reset();
  database_.replace_instance(instance_);
  instance_.reset();
}

std::unique_ptr<duck::ResultStream> SessionContext::open(const sql::DuckQuery& query,
                                                         std::span<const Value> parameters) {
  check_cancelled();
  if (!query.subqueries.empty())  // those who can have them have run them by now
    throw Error(ErrorCode::FeatureNotSupported, "FOR UPDATE in a subquery is not supported here");
  const auto connection = duck();
  if (parameters.empty()) return connection->query(query.text);
  // The stream keeps what it needs of the prepared query.
  return connection->prepare(query.text)->execute(parameters);
}

Batch SessionContext::run(const sql::DuckQuery& query, std::span<const Value> parameters) {
  auto stream = open(query, parameters);
  Batch all, part;
  for (const auto& column : stream->columns()) all.columns.emplace_back(column.type);
  while (stream->next(part)) {
    check_cancelled();
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      if (all.columns[i].size() == 0)
        all.columns[i] = part.columns[i];
      else
        all.columns[i].append_all(part.columns[i].view());
    }
    if (part.columns.empty()) all.zero_column_rows += part.zero_column_rows;
  }
  return all;
}

Value SessionContext::evaluate(const sql::Expr& expr, std::span<const Value> parameters) {
  if (const auto constant = sql::constant_of(expr)) {
    const SqlType type = constant->type.value_or(SqlType::of(TypeId::Unknown));
    if (constant->is_null) return Value::null_of(type);
    if (!constant->type) {
      Value value = Value::of_text(constant->text);
      value.type = SqlType::of(TypeId::Unknown);
      return value;
    }
    return parse_value(type, constant->text, settings_.format_context());
  }
  if (view_ == nullptr) begin_statement();
  const auto query = sql::Rewriter(*this).expressions({expr}, nullptr, "");
  const Batch result = run(query, parameters);
  TICKSTONE_CHECK(result.row_count() == 1);
  return value_at(result.columns[0].view(), 0);
}

void SessionContext::set_rows(const std::string& name, std::vector<duck::SourceColumn> columns,
                              std::shared_ptr<const Batch> rows) {
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].layout = rows->columns[i].layout();
  rows_[name] = {std::move(columns), std::move(rows)};
}

void SessionContext::clear_rows() { rows_.clear(); }

std::optional<duck::SourceRelation> SessionContext::find_relation(std::string_view name) {
  duck::SourceRelation source;
  if (const auto own = rows_.find(name); own != rows_.end()) {
    source.kind = duck::SourceRelation::Kind::Rows;
    source.columns = own->second.columns;
    return source;
  }
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string schema(name.substr(0, dot)), relation_name(name.substr(dot + 1));
  if (const auto* columns = catalog::system_relation_columns(schema, relation_name)) {
    source.kind = duck::SourceRelation::Kind::Rows;
    for (const auto& column : *columns)
      source.columns.push_back({column.name, column.type, initial_layout(column.type), false, 0});
    return source;
  }
  const auto catalog = this->catalog();
  const auto* relation = catalog->find_relation(schema, relation_name);
  ScanConditions conditions;
  bool is_materialization = false;
  std::string words;
  if (relation == nullptr) {
    if (const auto plain = split_scan_name(name, conditions)) {
      const auto plain_dot = plain->find('.');
      if (plain_dot == std::string_view::npos) return std::nullopt;
      relation = catalog->find_relation(std::string(plain->substr(0, plain_dot)),
                                        std::string(plain->substr(plain_dot + 1)));
      words = scan_words(conditions);
    } else {
      relation = find_materialization(*catalog, schema, relation_name);
      is_materialization = true;
    }
  }
  if (relation == nullptr) return std::nullopt;
  const bool is_below = !conditions.empty() && conditions.back().kind == ScanCondition::Kind::Below;
  if (is_real_time(*relation) && !is_materialization && !is_below) {
    source.kind = duck::SourceRelation::Kind::Query;
    source.query = real_time_query(*this, *relation, conditions);
    return source;
  }
  if (relation->kind == catalog::RelationKind::View) {
    // Names in a view mean what they meant when it was made: its search_path is kept with it.
    source.kind = duck::SourceRelation::Kind::Query;
    auto query = sql::Rewriter(*this).query(sql::parse_query(relation->view_text));
    if (!query.subqueries.empty())
      throw Error(ErrorCode::FeatureNotSupported, "a view that locks rows is not supported");
    source.query = std::move(query.text);
    return source;
  }
  if (!relation->is_stored()) return std::nullopt;
  const storage::TableSchema* schema_of_table = view_->schema(relation->table());
  if (schema_of_table == nullptr) return std::nullopt;
  source.table = relation->table();
  if (!words.empty()) source.table = database_.aggregates().restricted_table(source.table, words);
  source.has_row_id = schema_of_table->primary_key.empty();
  const auto layouts = view_->layouts(relation->table());
  for (const auto& column : relation->columns) {
    const std::size_t index = schema_of_table->index_of(column.id);
    source.columns.push_back({column.name, column.type, layouts[index], column.not_null, column.id});
  }
  return source;
}

std::shared_ptr<const storage::ReadView> SessionContext::read_view() {
  const auto& tracker = database_.aggregates();
  // A scan of some rows may yet be planned while the view is in use.
  const bool may_have_aggregates = tracker.has_sources() || has_catalog_edit();
  if (view_ == nullptr || !may_have_aggregates) return view_;
  return view_of_some_rows(tracker, view_, aggregated_times_);
}

std::shared_ptr<const Batch> SessionContext::rows(std::string_view name) {
  if (const auto own = rows_.find(name); own != rows_.end()) return own->second.rows;
  const auto dot = name.find('.');
  return std::make_shared<const Batch>(
      catalog::system_relation_rows(name.substr(0, dot), name.substr(dot + 1), *catalog(), *this));
}

std::string SessionContext::chunk_name(std::string_view relation, std::uint32_t number) {
  const auto dot = relation.find('.');
  const auto catalog = this->catalog();
  const auto* found = dot == std::string_view::npos
                          ? nullptr
                          : catalog->find_relation(std::string(relation.substr(0, dot)),
                                                   std::string(relation.substr(dot + 1)));
  return found == nullptr ? std::to_string(number) : catalog::chunk_name(*found, number);
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
    activity_.query = query.substr(0, 1024);
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
