// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "duck/instance.hpp"
#include "engine/database_core.hpp"
#include "engine/result_sink.hpp"
#include "engine/session.hpp"
#include "engine/settings.hpp"
#include "engine/statement_recorder.hpp"
#include "sql/rewrite.hpp"
#include "storage/store.hpp"
#include "storage/time_ranges.hpp"

namespace tickstone::engine {

struct DmlPlans;            // write_target.hpp
class AggregatePlans;       // aggregate_plans.hpp
struct DeferredReferences;  // foreign_keys.hpp
class Cursors;              // cursors.hpp
class PreparedStatements;   // prepared_statements.hpp

enum class Isolation : std::uint8_t { ReadCommitted, RepeatableRead };

/// What every executor of a session works with: names, settings, the transaction and its views, DuckDB.
///
/// It is also the one object behind the interfaces by which the lower modules ask the engine: name lookup of
/// `sql`, relations and functions of `duck`, running facts of `catalog`. Threads: the session's, but `cancel`
/// and `session_info`.
class SessionContext final : public sql::NameLookup,
                             public duck::RelationSource,
                             public duck::HostFunctions,
                             public catalog::RunningFacts,
                             public ObjectNaming {
 public:
  SessionContext(DatabaseCore& database, const SessionOptions& options);
  ~SessionContext() override;
  SessionContext(const SessionContext&) = delete;
  SessionContext& operator=(const SessionContext&) = delete;

  DatabaseCore& database() { return database_; }
  Settings& settings() { return settings_; }
  /// Takes over what the server's configuration says now, if it has changed. Between statements.
  void follow_configuration();
  const Settings& settings() const { return settings_; }
  /// Whose rights statements have: SET ROLE and SET SESSION AUTHORIZATION change it.
  const std::string& user() const { return settings_.role().empty() ? session_user() : settings_.role(); }
  const std::string& session_user() const {
    return settings_.session_role().empty() ? options_.user : settings_.session_role();
  }
  /// For the life of the object what is read is read with the owner's rights: that of a view.
  class AsOwner {
   public:
    AsOwner(SessionContext& context, const std::string& owner) : context_(context), outer_(context.reader_) {
      context_.reader_ = owner;
    }
    ~AsOwner() { context_.reader_ = std::move(outer_); }
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

   private:
    SessionContext& context_;
    std::string outer_;
  };
  /// Whose rights decide on what is read.
  const std::string& reader() const { return reader_.empty() ? user() : reader_; }
  /// Who the client has logged in as.
  const std::string& login_user() const { return options_.user; }
  const SessionOptions& options() const { return options_; }
  const Clock& clock() const { return database_.clock(); }
  StatementRecorder& recorder() { return recorder_; }
  bool is_superuser() const override;

  // Transactions. A statement runs between begin_statement and the commit or rollback of its transaction.
  bool in_transaction() const { return in_transaction_; }
  void begin_transaction();
  void set_isolation(Isolation isolation);
  /// By its name in SQL; SERIALIZABLE is REPEATABLE READ under its own name.
  void set_isolation(const std::string& level);
  std::string isolation_name() const;
  void set_read_only(bool read_only) { read_only_ = read_only; }
  bool is_read_only() const { return read_only_; }
  Isolation isolation() const { return isolation_; }
  /// Makes the view that the statement reads, and its time.
  void begin_statement();
  /// Errors: those of storage's commit; the transaction is over either way.
  void commit();
  void rollback() noexcept;
  /// The session is in a BEGIN block, or in a query of several statements: all of it commits at once.
  void set_in_block(bool is_in_block) { is_in_block_ = is_in_block; }
  bool is_in_block() const { return is_in_block_; }
  /// Commits what a procedure has done so far and goes on in a new transaction, unless it runs in a block.
  void commit_midway();
  void savepoint(const std::string& name);
  void release_savepoint(const std::string& name);
  void rollback_to_savepoint(const std::string& name);
  bool has_savepoints() const { return !savepoints_.empty(); }
  /// What an error within a block does at once: back to the last savepoint, or rolled back as a whole.
  void abort_to_savepoint() noexcept;

  /// The transaction to write to, begun at the first need. Errors: ReadOnlySqlTransaction.
  storage::Transaction& writes(std::string_view command);
  /// Locks the table to write rows of it, to the end of the transaction: until then it stays what it is. True
  /// when the catalog changed before the lock was there; the statement has begun anew and names have to be
  /// looked up again. Errors: SerializationFailure under REPEATABLE READ; those of `Transaction::lock_table`.
  bool lock_for_write(const catalog::RelationObject& relation, std::string_view command);
  /// Locks the table, if it is one, to change what it is: waits for those that write rows of it. True when
  /// the statement has begun anew.
  bool lock_for_change(const sql::QualifiedName& name, std::string_view command);
  bool has_writes() const { return writes_ != nullptr && writes_->has_writes(); }
  /// After own writes within a statement, or after having waited for a lock: sees both.
  void refresh_view();
  /// One that the statement had before.
  void use_view(std::shared_ptr<const storage::ReadView> view) {
    view_ = std::move(view);
    snapshot_seq_.store(view_->seq(), std::memory_order_relaxed);
  }
  /// What is committed now and own writes, whatever the isolation.
  void use_newest_view();
  const storage::ReadView& view() const { return *view_; }
  const std::shared_ptr<const storage::ReadView>& shared_view() const { return view_; }

  // The catalog as this transaction sees it.
  std::shared_ptr<const catalog::Catalog> catalog() const;
  /// To change it: waits for other transactions that do, then writes into this transaction.
  catalog::CatalogEdit& edit_catalog(std::string_view command);
  bool has_catalog_edit() const { return edit_ != nullptr; }
  /// What statements that write keep from one to the next.
  std::shared_ptr<DmlPlans>& dml_plans() { return dml_plans_; }
  /// Of what changes of aggregates are computed by.
  AggregatePlans& aggregate_plans();
  // A statement whose numbers do not fit into 38 digits is run again with numbers of any digits.
  struct StatementMark {
    std::optional<storage::Transaction::Savepoint> position;  // nothing: no writes before it
    bool has_catalog_edit = false;
  };
  StatementMark mark_statement();
  /// The statement is over: nothing of it will be taken back alone.
  void release_mark(const StatementMark& mark);
  /// Takes back what the statement has written since.
  void undo_statement(const StatementMark& mark);
  bool wants_wide_numeric() const override { return is_numeric_wide_; }
  /// For the life of the object queries are rewritten so, and no plan made otherwise is used.
  class WideNumeric {
   public:
    explicit WideNumeric(SessionContext& context) : context_(context) {
      context_.is_numeric_wide_ = true;
      context_.dml_plans_.swap(narrow_plans_);
    }
    ~WideNumeric() {
      context_.is_numeric_wide_ = false;
      context_.dml_plans_.swap(narrow_plans_);
    }
    WideNumeric(const WideNumeric&) = delete;
    WideNumeric& operator=(const WideNumeric&) = delete;

   private:
    SessionContext& context_;
    std::shared_ptr<DmlPlans> narrow_plans_;
  };

  /// Whether the statement that runs is a transaction of its own, and so may commit on its way.
  bool is_alone() const { return is_alone_; }
  void set_alone(bool is_alone) { is_alone_ = is_alone; }

  /// Times of an aggregate's source that queries of ours read alone, while the object lives.
  class AggregatedTimes {
   public:
    AggregatedTimes(SessionContext& context, std::shared_ptr<const storage::TimeRanges> times)
        : context_(context) {
      context_.aggregated_times_ = std::move(times);
    }
    ~AggregatedTimes() { context_.aggregated_times_.reset(); }
    AggregatedTimes(const AggregatedTimes&) = delete;
    AggregatedTimes& operator=(const AggregatedTimes&) = delete;

   private:
    SessionContext& context_;
  };
  const std::shared_ptr<const storage::TimeRanges>& aggregated_times() const { return aggregated_times_; }
  /// A function whose body runs: what its parameters are called.
  struct Frame {
    std::string function;
    std::vector<std::pair<std::string, SqlType>> parameters;
  };
  /// For the life of the object statements are those of the function's body.
  class InFrame {
   public:
    InFrame(SessionContext& context, Frame frame) : context_(context) {
      context_.frames_.push_back(std::move(frame));
      context_.dml_plans_.swap(outer_plans_);
    }
    ~InFrame() {
      context_.frames_.pop_back();
      context_.dml_plans_.swap(outer_plans_);
    }
    InFrame(const InFrame&) = delete;
    InFrame& operator=(const InFrame&) = delete;

   private:
    SessionContext& context_;
    std::shared_ptr<DmlPlans> outer_plans_;
  };
  std::size_t frame_count() const { return frames_.size(); }

  /// Foreign keys that this transaction checks at its end.
  DeferredReferences& deferred_references();
  /// Run after a successful commit, or dropped.
  void on_commit(std::function<void()> action) { on_commit_.push_back(std::move(action)); }

  /// Finds a user's relation by search_path. Errors: UndefinedTable, InvalidSchemaName, with position.
  const catalog::RelationObject& relation(const sql::QualifiedName& name) const;
  const catalog::RelationObject* find_user_relation(const std::string& schema, const std::string& name) const;
  /// Whether names of the schema may be looked up. What a view reads was looked up when it was made.
  bool may_use(const std::string& schema) const;
  /// Errors: InsufficientPrivilege `permission denied for schema s`.
  void require_usage(const std::string& schema) const;
  /// The schema to create in. Errors: InvalidSchemaName, InsufficientPrivilege.
  const catalog::SchemaObject& creation_schema(const std::string& schema) const;
  /// The one given, or the search_path.
  std::vector<std::string> schemas_to_search(const std::string& schema) const;
  /// This session's own schema, made at the first need.
  std::string temporary_schema();
  /// Its name, if it was made.
  const std::string& existing_temporary_schema() const { return temporary_schema_; }
  /// The user's relations that a query reads.
  std::vector<catalog::Oid> relations_of(const sql::Expr& query);
  sql::RelationInfo relation_info(const catalog::RelationObject& relation) const;
  /// `"schema.name"`, as the rewriter names a scan.
  std::string scan_name(const catalog::RelationObject& relation) const;

  // DuckDB.
  /// The connection to run the next query on, with the session's time zone set.
  std::shared_ptr<duck::Connection> duck();
  /// The connection as it is; nullptr: none yet.
  const std::shared_ptr<duck::Connection>& current_duck() const { return duck_; }
  const std::shared_ptr<duck::Instance>& instance() const { return instance_; }
  bool has_temporary_schema() const { return !temporary_schema_.empty(); }
  /// Takes over the connection of a session that has ended.
  void adopt_duck(std::shared_ptr<duck::Connection> connection, std::string time_zone);
  const std::string& duck_time_zone() const { return duck_time_zone_; }
  /// Leaves the connection to a portal whose stream stays open; the next query gets a new one.
  void detach_duck() { duck_.reset(); }
  /// Runs a rewritten query to its end. Columns keep DuckDB's types and names.
  Batch run(const sql::DuckQuery& query, std::span<const Value> parameters = {});
  std::unique_ptr<duck::ResultStream> open(const sql::DuckQuery& query, std::span<const Value> parameters);
  /// One value of an expression without relations: a default, an argument.
  Value evaluate(const sql::Expr& expr, std::span<const Value> parameters = {});
  /// A lost instance (Damage::Database) is replaced; the caller runs again what has sent no row.
  void recover_instance();

  /// Relations of rows for the statement that runs: name begins with '#'.
  void set_rows(const std::string& name, std::vector<duck::SourceColumn> columns,
                std::shared_ptr<const Batch> rows);
  void clear_rows();
  /// Rows of a query of WITH that was run before its statement, by its node.
  void set_with_rows(const void* node, WithRows rows) { with_rows_[node] = std::move(rows); }
  void clear_with_rows() { with_rows_.clear(); }
  std::optional<WithRows> with_rows(const void* node) const override {
    const auto found = with_rows_.find(node);
    return found == with_rows_.end() ? std::nullopt : std::optional(found->second);
  }

  // Cancelling and time-outs.
  void cancel(bool by_timeout = false);
  bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// Errors: QueryCanceled.
  void check_cancelled() const;
  void clear_cancel();
  /// A time-out that came as the statement ended is not the next one's.
  void clear_timeout() {
    if (timed_out_) clear_cancel();
  }

  void set_sink(ResultSink* sink) { sink_ = sink; }
  /// Those that WHERE CURRENT OF means. Lifetime: the session's.
  void set_cursors(const Cursors* cursors) { cursors_ = cursors; }
  void set_prepared_statements(const PreparedStatements* statements) { statements_ = statements; }
  /// To the client, unless client_min_messages is above it.
  void notice(const Notice& notice);
  void notice(const std::string& message) { notice(Notice{.message = message}); }

  // What pg_stat_activity shows.
  void set_activity(const std::string& state, std::string_view query);
  SessionInfo session_info() const;

  // sql::NameLookup
  std::optional<sql::RelationInfo> find_relation(const std::string& schema,
                                                 const std::string& name) const override;
  bool schema_exists(const std::string& schema) const override;
  bool is_host_table_function(const std::string& name) const override;
  std::optional<Parameter> find_parameter(const std::string& function,
                                          const std::string& name) const override;
  std::optional<SqlType> parameter_type(int number) const override;
  const FormatContext& format_context() const override;
  std::vector<UserFunction> user_functions(const std::string& schema, const std::string& name) const override;
  void require_select(sql::RelationInfo& relation) const override;
  void deny_column(const sql::ColumnSource& column) const override;
  void require_execute(const UserFunction& function) const override;
  bool is_volatile(const std::string& function) const override;
  std::optional<UserType> find_user_type(const std::string& schema, const std::string& name) const override;
  std::vector<std::string> row_identity(const sql::RelationInfo& relation) const override;
  std::optional<std::string> view_text(const sql::RelationInfo& relation) const override;
  std::vector<KeyValue> current_row(const std::string& cursor,
                                    const sql::RelationInfo& relation) const override;
  std::optional<std::vector<sql::RelationInfo::Column>> table_function_columns(
      const std::string& name) const override;
  // duck::RelationSource
  std::optional<duck::SourceRelation> find_relation(std::string_view name) override;
  std::shared_ptr<const storage::ReadView> read_view() override;
  std::shared_ptr<const Batch> rows(std::string_view name) override;
  std::string chunk_name(std::string_view relation, std::uint32_t number) override;
  // duck::HostFunctions
  Value call(std::string_view function, std::span<const Value> arguments) override;
  Batch call_table(std::string_view function, std::span<const Value> arguments) override;
  // ObjectNaming
  std::string object_name(TypeId type, std::uint32_t oid) const override;
  std::uint32_t object_oid(TypeId type, std::string_view name) const override;
  std::shared_ptr<const EnumLabels> enum_labels(std::uint32_t type_oid) const override;
  // catalog::RunningFacts
  std::vector<SessionInfo> sessions() const override { return database_.sessions(); }
  std::vector<storage::LockInfo> locks() const override { return database_.store().locks(); }
  std::vector<AdvisoryLockInfo> advisory_locks_shown() const override;
  std::vector<CursorInfo> open_cursors() const override;
  std::vector<SettingInfo> settings_shown() const override;
  std::vector<FileSettingInfo> file_settings() const override;
  std::vector<catalog::StatementCounts> statement_counts() const override {
    return database_.statements().statements();
  }
  std::map<catalog::Oid, catalog::TableCounts> table_counts() const override {
    return database_.table_counts();
  }
  catalog::DatabaseCounts database_counts() const override { return database_.database_counts(); }
  std::shared_ptr<TableCounters> table_counters(catalog::Oid relation) const {
    return database_.table_counters(relation);
  }
  std::optional<std::int64_t> aggregate_watermark(catalog::Oid aggregate) const override;
  DiskSpace disk_space() const override { return database_.disk_space(); }
  StatementsInfo statements_info() const override {
    return {database_.statements().deallocations(), database_.statements().reset_time_us()};
  }
  std::vector<catalog::JobStatistics> job_statistics() const override {
    return catalog::read_job_statistics(*view_);
  }
  std::vector<catalog::JobRunRecord> job_history() const override {
    return catalog::read_job_history(*view_);
  }
  std::string current_user() const override { return user(); }
  std::string current_database() const override { return database_.name(); }
  std::vector<std::string> search_path() const override;
  const storage::ReadView& current_view() const override { return *view_; }
  bool has_view() const { return view_ != nullptr; }
  std::optional<std::int64_t> last_sequence_value(catalog::Oid sequence) const override;
  storage::StoreStatistics storage_statistics() const override { return database_.store().statistics(); }
  std::vector<storage::SegmentInfo> segments() const override { return database_.store().segments(); }

  std::int64_t nextval(catalog::Oid sequence);
  bool reload_configuration();  // pg_reload_conf()
  /// currval and lastval are not defined again.
  void discard_sequences() {
    sequence_values_.clear();
    lastval_.reset();
  }
  std::int64_t transaction_start_us() const { return transaction_start_us_; }
  std::int64_t statement_start_us() const { return statement_start_us_; }
  SessionNotifications& notifications() { return notifications_; }
  const SessionNotifications& notifications() const { return notifications_; }
  SessionAdvisoryLocks& advisory_locks() { return advisory_locks_; }
  std::vector<PreparedStatementInfo> prepared_statements() const override;
  std::vector<std::string> listening_channels() const override {
    return {notifications_.channels().begin(), notifications_.channels().end()};
  }

 private:
  std::optional<duck::SourceRelation> find_source(std::string_view name);
  storage::Transaction& transaction();
  void forget_transaction() noexcept;
  void take_catalog_and_view();
  /// `pg_temp` is the session's own schema.
  const std::string& schema_meant(const std::string& schema) const {
    return schema == "pg_temp" && !temporary_schema_.empty() ? temporary_schema_ : schema;
  }

  Value call_advisory_function(std::string_view function, std::span<const Value> arguments, bool& known);
  Value call_session_function(std::string_view function, std::span<const Value> arguments, bool& known);
  catalog::Oid sequence_oid(const Value& name) const;

  DatabaseCore& database_;
  SessionOptions options_;
  Settings settings_;
  std::uint64_t configuration_version_ = 0;
  StatementRecorder recorder_;
  ResultSink* sink_ = nullptr;
  const Cursors* cursors_ = nullptr;
  const PreparedStatements* statements_ = nullptr;

  bool in_transaction_ = false;
  bool is_in_block_ = false;
  bool read_only_ = false;
  Isolation isolation_ = Isolation::ReadCommitted;
  std::string isolation_name_ = "read committed";
  std::int64_t transaction_start_us_ = 0;
  std::int64_t statement_start_us_ = 0;
  std::unique_ptr<storage::Transaction> writes_;
  std::vector<storage::TableId> written_tables_;  // locked, so that they are not changed meanwhile
  // REPEATABLE READ: of the first statement.
  std::shared_ptr<const storage::ReadView> base_view_;
  std::shared_ptr<const catalog::Catalog> base_catalog_;
  std::shared_ptr<const storage::ReadView> view_;
  std::shared_ptr<const catalog::Catalog> statement_catalog_;
  std::unique_ptr<catalog::CatalogEdit> edit_;
  std::vector<std::function<void()>> on_commit_;
  SessionNotifications notifications_;
  SessionAdvisoryLocks advisory_locks_;
  struct NamedSavepoint {
    std::string name;
    storage::Transaction::Savepoint position;
    std::shared_ptr<const catalog::Catalog> catalog;  // nullptr: no DDL before it
    Settings::Mark settings;
    bool is_read_only = false;
    SessionNotifications::Mark notifications;
    std::size_t advisory_locks = 0;
  };
  std::vector<NamedSavepoint> savepoints_;

  std::shared_ptr<DmlPlans> dml_plans_;
  std::shared_ptr<AggregatePlans> aggregate_plans_;
  std::vector<Frame> frames_;
  std::string reader_;  // empty: the user
  bool is_numeric_wide_ = false;
  bool is_alone_ = false;
  std::shared_ptr<const storage::TimeRanges> aggregated_times_;
  std::shared_ptr<DeferredReferences> deferred_references_;

  std::shared_ptr<duck::Instance> instance_;  // shared with the database until it is lost
  std::shared_ptr<duck::Connection> duck_;    // shared with the plans and portals made on it
  std::string duck_time_zone_;
  struct RowsRelation {
    std::vector<duck::SourceColumn> columns;
    std::shared_ptr<const Batch> rows;
  };
  std::map<std::string, RowsRelation, std::less<>> rows_;
  std::map<const void*, WithRows> with_rows_;
  std::string temporary_schema_;                          // empty: none was made
  std::map<catalog::Oid, std::int64_t> sequence_values_;  // currval
  std::optional<std::int64_t> lastval_;

  std::atomic<bool> cancelled_{false};
  std::atomic<bool> timed_out_{false};
  std::atomic<storage::CommitSeq> snapshot_seq_{0};  // 0: no view is held
  mutable std::mutex activity_mutex_;                // guards what other sessions look at
  SessionInfo activity_;
  std::vector<std::weak_ptr<duck::Connection>> running_;  // to interrupt
};

}  // namespace tickstone::engine
