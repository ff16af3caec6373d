// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tls_use.hpp"
#include "catalog/job_records.hpp"
#include "catalog/objects.hpp"
#include "catalog/running_counts.hpp"
#include "storage/store.hpp"
#include "types/object_naming.hpp"

namespace tickstone::catalog {

/// All objects at one moment, in memory. Immutable once shared; `CatalogEdit` makes the next one.
/// Lookups by name are folded already (the parser did it). Threads: any, when const.
class Catalog {
 public:
  /// Reads the system tables of `view`.
  static std::shared_ptr<const Catalog> load(const storage::ReadView& view);

  const SchemaObject* find_schema(std::string_view name) const;
  const SchemaObject* find_schema(Oid oid) const;
  const RelationObject* find_relation(Oid oid) const;
  const RelationObject* find_relation(std::string_view schema, std::string_view name) const;
  /// The relation that has this index, and the index.
  std::pair<const RelationObject*, const IndexObject*> find_index(std::string_view schema,
                                                                  std::string_view name) const;
  std::pair<const RelationObject*, const IndexObject*> find_index(Oid oid) const;
  const RoleObject* find_role(std::string_view name) const;
  const ExtensionObject* find_extension(std::string_view name) const;
  const JobObject* find_job(std::int32_t id) const;
  const FunctionObject* find_function(Oid oid) const;
  /// All of that name, whatever their arguments.
  std::vector<const FunctionObject*> find_functions(std::string_view schema, std::string_view name) const;
  /// By its own OID, or that of arrays of it.
  const TypeObject* find_type(Oid oid) const;
  const TypeObject* find_type(std::string_view schema, std::string_view name) const;
  const DatabaseObject& database() const { return database_; }
  /// nullptr where there is no such enum type.
  std::shared_ptr<const EnumLabels> enum_labels(Oid type) const;

  std::vector<const SchemaObject*> schemas() const;
  std::vector<const RelationObject*> relations() const;  // by oid
  std::vector<const RoleObject*> roles() const;
  std::vector<const ExtensionObject*> extensions() const;
  std::vector<const JobObject*> jobs() const;
  std::vector<const FunctionObject*> functions() const;
  std::vector<const TypeObject*> types() const;
  /// Views whose query reads `relation`, aggregates over it.
  std::vector<const RelationObject*> dependents(Oid relation) const;

  /// One that none has had before, dropped ones included.
  std::int32_t next_hypertable_id() const;
  std::int32_t next_job_id() const;
  /// A free name in the schema: `base`, `base1`, `base2`, ... as PostgreSQL picks (table_column_idx,
  /// table_pkey). At most 63 bytes.
  std::string free_name(Oid schema, const std::string& base) const;
  /// Whether a table, view, sequence or index of that schema has the name.
  bool is_name_taken(Oid schema, const std::string& name) const;

 private:
  friend class CatalogEdit;
  void add(SchemaObject schema);
  void add(RelationObject relation);
  void add(RoleObject role);
  void add(ExtensionObject extension);
  void add(JobObject job);
  void add(FunctionObject function);
  void add(TypeObject type);
  void forget_relation(Oid oid);

  DatabaseObject database_;
  std::map<Oid, SchemaObject> schemas_;
  std::map<Oid, RelationObject> relations_;
  std::map<std::pair<Oid, std::string>, Oid>
      relation_names_;                  // tables, views, sequences and indexes share one name space
  std::map<Oid, Oid> index_relations_;  // index to its relation
  std::map<std::string, RoleObject> roles_;
  std::map<std::string, ExtensionObject> extensions_;
  std::map<std::int32_t, JobObject> jobs_;
  std::map<Oid, FunctionObject> functions_;
  std::map<Oid, TypeObject> types_;
  std::map<Oid, std::shared_ptr<const EnumLabels>> labels_;  // of enum types; shared with who reads values
  std::int32_t last_job_id_ = 0, last_hypertable_id_ = 0;    // ever given
};

/// Changes to the catalog inside one transaction: each call changes the copy and writes the system table's
/// row through `transaction`, so both commit or vanish together. Errors: DuplicateTable, DuplicateSchema,
/// DuplicateObject (names taken).
class CatalogEdit {
 public:
  CatalogEdit(std::shared_ptr<const Catalog> base, storage::Transaction& transaction);
  const Catalog& catalog() const { return *catalog_; }
  /// What is there now. Lifetime: later edits do not show in it.
  std::shared_ptr<const Catalog> finish() { return catalog_; }

  void put_database(const DatabaseObject& database);
  void put_schema(const SchemaObject& schema);
  void put_relation(const RelationObject& relation);  // new, or replaces the one of that oid (renames too)
  void put_role(const RoleObject& role);
  void put_extension(const ExtensionObject& extension);
  void put_job(const JobObject& job);
  void put_function(const FunctionObject& function);  // new, or replaces the one of that oid
  void put_type(const TypeObject& type);              // the same
  void remove_schema(Oid oid);
  void remove_relation(Oid oid);
  void remove_role(const std::string& name);
  void remove_extension(const std::string& name);
  void remove_job(std::int32_t id);
  void remove_function(Oid oid);
  void remove_type(Oid oid);

 private:
  Catalog& changed();  // a copy, when somebody else holds the one of now

  std::shared_ptr<Catalog> catalog_;
  storage::Transaction& transaction_;
};

/// The system table that holds all objects (number 1: oid, kind, body as JSON), and whether a transaction
/// touched it.
inline constexpr storage::TableId kObjectsTable = 1;
storage::TableSchema objects_table_schema();
/// Makes the system tables and the first objects (schemas public, pg_catalog, information_schema,
/// timescaledb_information, timescaledb_experimental, _timescaledb_internal, _timescaledb_functions,
/// _timescaledb_catalog; one superuser role).
void bootstrap(storage::Transaction& transaction, const RoleObject& owner);

/// PostgreSQL's identity of an object as DDL text: what pg_get_indexdef, pg_get_constraintdef, pg_get_viewdef
/// print.
std::string index_definition(const Catalog& catalog, const RelationObject& relation,
                             const IndexObject& index);
std::string constraint_definition(const Catalog& catalog, const RelationObject& relation,
                                  const ConstraintObject& constraint);
std::string quote_identifier(std::string_view name);

/// Running facts that the system views show and the catalog cannot know.
class RunningFacts {
 public:
  struct SessionInfo {
    std::int32_t pid = 0;
    bool is_job = false;
    std::string user, database, application_name, client_address, state, query;
    std::int32_t client_port = -1;
    std::int64_t backend_start_us = 0, query_start_us = 0, transaction_start_us = 0, state_change_us = 0;
    std::uint64_t snapshot_seq = 0;  // the commit that its view is of; 0: it holds none
    TlsUse tls;
  };
  struct SettingInfo {
    std::string name, value, unit, category, description, type, boot_value, context;
    std::string source = "default";
    std::string shown;  // the value as SHOW prints it
    std::string reset_value, minimum, maximum, source_file;
    std::vector<std::string> choices;  // of an enumeration
    int source_line = 0;
    bool pending_restart = false;
  };
  /// A line of a configuration file.
  struct FileSettingInfo {
    std::string file, name, value, error;
    int line = 0;
    bool is_applied = false;
  };
  virtual ~RunningFacts() = default;
  virtual std::vector<SessionInfo> sessions() const = 0;
  virtual std::vector<storage::LockInfo> locks() const { return {}; }
  /// An advisory lock that a session holds or waits for.
  struct AdvisoryLockInfo {
    std::int32_t pid = 0;
    std::int64_t key = 0;
    bool is_of_pair = false;  // of two integers: the high and the low half of `key`
    bool is_shared = false;
    bool is_granted = true;
  };
  virtual std::vector<AdvisoryLockInfo> advisory_locks_shown() const { return {}; }
  /// A cursor that the session has open, declared in SQL.
  struct CursorInfo {
    std::string name, text;
    bool is_holdable = false, is_binary = false, is_scrollable = false;
    std::int64_t created_us = 0;
  };
  virtual std::vector<CursorInfo> open_cursors() const { return {}; }
  virtual std::vector<SettingInfo> settings_shown() const = 0;
  virtual std::vector<FileSettingInfo> file_settings() const { return {}; }
  /// A statement that the session has prepared: by the protocol, or by PREPARE.
  struct PreparedStatementInfo {
    std::string name, text;
    std::int64_t prepared_us = 0;
    std::vector<SqlType> parameter_types;
    bool is_from_sql = false;
    std::int64_t run_count = 0;
  };
  virtual std::vector<PreparedStatementInfo> prepared_statements() const { return {}; }
  /// Channels that the session listens on.
  virtual std::vector<std::string> listening_channels() const { return {}; }
  virtual std::vector<JobStatistics> job_statistics() const { return {}; }
  virtual std::vector<JobRunRecord> job_history() const { return {}; }
  virtual std::vector<StatementCounts> statement_counts() const { return {}; }
  struct StatementsInfo {
    std::uint64_t deallocations = 0;
    std::int64_t reset_us = 0;
  };
  virtual std::map<Oid, TableCounts> table_counts() const { return {}; }
  virtual DatabaseCounts database_counts() const { return {}; }
  virtual StatementsInfo statements_info() const { return {}; }
  /// End of what is materialized, in units of the source's time; nothing: nothing is.
  virtual std::optional<std::int64_t> aggregate_watermark(Oid /*aggregate*/) const { return std::nullopt; }
  /// The file system that the data directory is on.
  struct DiskSpace {
    std::string directory;
    std::uint64_t data_bytes = 0, free_bytes = 0, total_bytes = 0;
  };
  virtual DiskSpace disk_space() const { return {}; }
  virtual bool is_superuser() const { return true; }
  virtual std::string current_user() const = 0;
  virtual std::string current_database() const = 0;
  virtual std::vector<std::string> search_path() const = 0;  // schema names, in order
  virtual const storage::ReadView& current_view() const = 0;
  virtual std::optional<std::int64_t> last_sequence_value(Oid sequence) const = 0;
  /// Of the store underneath; empty where there is none.
  virtual storage::StoreStatistics storage_statistics() const { return {}; }
  virtual std::vector<storage::SegmentInfo> segments() const { return {}; }
};

struct SystemColumn {
  std::string name;
  SqlType type;
};

/// Every relation of pg_catalog, information_schema and timescaledb_information that we have, with
/// PostgreSQL's columns in order. Nothing where there is no such relation.
const std::vector<SystemColumn>* system_relation_columns(std::string_view schema, std::string_view name);
/// Who is shown the catalog. To pg_dump a database of ours is one of PostgreSQL's: it is not shown what every
/// database of ours has and none of PostgreSQL's (schemas, views, functions, chunks), and continuous
/// aggregates are tables with their rows.
enum class Audience : std::uint8_t { Everybody, Dump };

/// Its rows now. Cost: made anew at every call. Errors: InternalError for a name that does not exist.
Batch system_relation_rows(std::string_view schema, std::string_view name, const Catalog& catalog,
                           const RunningFacts& facts, Audience audience = Audience::Everybody);
/// (schema, name) of all of them.
std::vector<std::pair<std::string, std::string>> system_relations();

/// Scalar functions over the catalog, by PostgreSQL's names: format_type, pg_get_userbyid, pg_get_expr,
/// pg_get_indexdef, pg_get_constraintdef, pg_table_is_visible, obj_description, col_description, regclass
/// lookups, hypertable_size, ... Their signatures (several a name) and one entry point.
struct CatalogFunction {
  std::string name;
  std::vector<SqlType> arguments;
  SqlType result;
  bool null_in_null_out = true;
};
const std::vector<CatalogFunction>& catalog_functions();
Value call_catalog_function(std::string_view name, std::span<const Value> arguments, const Catalog& catalog,
                            const RunningFacts& facts);

/// Table functions over the catalog: show_chunks, chunks_detailed_size, hypertable_detailed_size,
/// pg_get_keywords, ...
struct CatalogTableFunction {
  std::string name;
  std::vector<SqlType> arguments;
  std::vector<std::string> argument_names;
  std::vector<SystemColumn> columns;
};
const std::vector<CatalogTableFunction>& catalog_table_functions();
Batch call_catalog_table_function(std::string_view name, std::span<const Value> arguments,
                                  const Catalog& catalog, const RunningFacts& facts);

}  // namespace tickstone::catalog
