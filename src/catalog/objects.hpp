// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/schema.hpp"
#include "types/sql_type.hpp"

namespace tickstone::catalog {

/// Object ids are PostgreSQL OIDs and, for stored tables and sequences, storage's table ids too.
using Oid = std::uint32_t;

/// What a role may do with an object that it does not own.
struct GrantObject {
  std::string grantee;  // empty: PUBLIC
  std::string grantor;
  std::uint16_t privileges = 0;  // of `Privilege` in privileges.hpp
  std::uint16_t grantable = 0;   // of those, WITH GRANT OPTION
};

struct SchemaObject {
  Oid oid = 0;
  std::string name;
  std::string owner;
  std::optional<std::string> comment = std::nullopt;  // nothing: none was ever made
  bool has_grants = false;  // GRANT or REVOKE was said of it; until then see `grants_of` in privileges.hpp
  std::vector<GrantObject> grants = {};
};

/// What ALTER DEFAULT PRIVILEGES has for what a role will make.
struct DefaultRights {
  std::string role;
  Oid schema = 0;    // 0: in all of them
  char objects = 0;  // as in pg_default_acl: r tables, S sequences, f functions, T types, n schemas
  /// Of one schema: what is added. Of all: what there is instead of PostgreSQL's own.
  std::vector<GrantObject> grants;
};

/// The store's one database; its name is kept by itself.
struct DatabaseObject {
  std::string comment;
  bool has_grants = false;
  std::vector<GrantObject> grants;
  std::vector<DefaultRights> default_rights;
};

struct ColumnObject {
  storage::ColumnId id = 0;  // stable
  std::string name;
  SqlType type;
  bool not_null = false;
  std::string default_text;    // PostgreSQL expression text; empty: none
  std::string generated_text;  // GENERATED ALWAYS AS (...) STORED
  char identity = 0;           // 'a' always, 'd' by default, 0 none
  Oid sequence = 0;            // of SERIAL or identity
  Oid domain = 0;              // whose base type `type` is
  std::string comment;
  std::vector<GrantObject> grants;
};

enum class RelationKind : std::uint8_t { Table, View, Sequence, ContinuousAggregate, MaterializedView };

struct ConstraintObject {
  enum class Kind : std::uint8_t { PrimaryKey, Unique, Check, ForeignKey };
  Oid oid = 0;
  Kind kind = Kind::PrimaryKey;
  std::string name;
  std::vector<storage::ColumnId> columns;
  std::string check_text;
  Oid referenced_table = 0;
  std::vector<storage::ColumnId> referenced_columns;
  char on_delete = 'a', on_update = 'a';
  Oid index = 0;              // of PrimaryKey and Unique; of ForeignKey the referenced table's
  bool matches_full = false;  // MATCH FULL: all columns are null or none
  bool is_deferrable = false, is_deferred = false;
  bool is_not_valid = false;  // rows from before it may violate it
  std::string comment;
};

struct IndexObject {
  Oid oid = 0;
  std::string name;
  bool is_unique = false, is_primary = false;
  bool nulls_not_distinct = false;
  std::string method = "btree";
  struct Key {
    storage::ColumnId column = 0;
    std::string expression_text;  // instead of a column
    bool descending = false, nulls_first = false;
    std::optional<SqlType> type = std::nullopt;  // of the expression of a UNIQUE index
  };
  std::vector<Key> keys;
  std::vector<storage::ColumnId> include;
  std::string where_text;
  Oid key_table = 0;  // storage table that enforces a UNIQUE other than the primary key; 0: none
  std::string comment;
};

struct HypertableInfo {
  std::int32_t id = 0;  // TimescaleDB's hypertable_id, counted from 1
  struct Dimension {
    std::int32_t id = 0;
    storage::ColumnId column = 0;
    bool is_time = true;        // else a hash dimension: recorded, of no effect on storage
    std::int64_t interval = 0;  // microseconds, days (DATE) or integers
    std::int32_t partitions = 0;
    std::string integer_now_function;
  };
  std::vector<Dimension> dimensions;
  bool compression_enabled = false;
  std::vector<std::string> compress_segmentby;
  struct OrderBy {
    std::string column;
    bool descending = false, nulls_first = false;
  };
  std::vector<OrderBy> compress_orderby;
  std::int64_t compress_chunk_interval = 0;   // as `Dimension::interval`; 0: none. Recorded, of no effect
  std::vector<std::string> skipping_columns;  // of enable_chunk_skipping
  std::string chunk_schema;                   // associated_schema_name; empty: _timescaledb_internal
  std::string chunk_prefix;                   // associated_table_prefix; empty: _hyper_<id>
  /// What is to be remembered of a chunk beside its rows.
  struct ChunkNote {
    std::uint32_t number = 0;
    bool is_columnstore = false;         // compress_chunk was called, and nothing since that undoes it
    std::vector<std::string> segmentby;  // at that time
    std::vector<OrderBy> orderby;
  };
  std::vector<ChunkNote> chunk_notes;  // by number; none for a chunk that nothing is noted of

  const ChunkNote* find_note(std::uint32_t number) const;
};

struct AggregateInfo {          // of a continuous aggregate; its own relation is the stored materialization
  Oid source_table = 0;         // the hypertable, or another aggregate
  std::string definition_text;  // PostgreSQL text of the query
  bool materialized_only = true;
  std::string bucket_column;      // output column that holds time_bucket(...)
  std::int64_t bucket_width = 0;  // microseconds (or integers); 0 for widths in months
  std::int32_t bucket_width_months = 0;
  std::string bucket_function_text;
  std::optional<std::int64_t> watermark;  // exclusive end of what is materialized
};

struct SequenceInfo {
  SqlType type = SqlType::of(TypeId::BigInt);
  std::int64_t start = 1, increment = 1, minimum = 1, maximum = INT64_MAX, cache = 1;
  bool cycle = false;
  Oid owner_table = 0;
  storage::ColumnId owner_column = 0;
};

/// A table, view, sequence or aggregate.
struct RelationObject {
  Oid oid = 0;
  RelationKind kind = RelationKind::Table;
  Oid schema = 0;
  std::string name;
  std::string owner;
  bool temporary = false;
  char on_commit = 0;  // of a temporary table: 'd' its rows are deleted, 'x' it is dropped
  /// Where its rows are, if not in the table of its oid: a rewrite (ALTER TYPE, create_hypertable) makes a
  /// new one.
  storage::TableId rewritten_table = 0;
  std::vector<ColumnObject> columns;  // views too: names and types of the output
  storage::ColumnId next_column_id = 1;
  std::vector<ConstraintObject> constraints;
  std::vector<IndexObject> indexes;
  std::string view_text;        // PostgreSQL text of the query
  std::vector<Oid> depends_on;  // relations that a view or an aggregate reads
  std::optional<HypertableInfo> hypertable;
  std::optional<AggregateInfo> aggregate;
  std::optional<SequenceInfo> sequence;
  std::vector<std::pair<std::string, std::string>> options;
  std::string comment;
  std::vector<GrantObject> grants;

  const ColumnObject* find_column(std::string_view column_name) const;
  const ColumnObject* find_column(storage::ColumnId id) const;
  const ConstraintObject* primary_key() const;
  /// storage's number of the table that holds the rows.
  storage::TableId table() const { return rewritten_table != 0 ? rewritten_table : oid; }
  bool is_stored() const {
    return kind == RelationKind::Table || kind == RelationKind::ContinuousAggregate ||
           kind == RelationKind::MaterializedView;
  }
};

struct RoleObject {
  Oid oid = 0;
  std::string name;
  std::string verifier;  // SCRAM-SHA-256$...; empty: cannot log in by password
  bool login = true, superuser = false, create_db = false, create_role = false;
  int connection_limit = -1;
  std::optional<std::int64_t> valid_until_us;  // the password is none afterwards
  std::vector<std::string> member_of;          // roles whose rights it has too
  std::string comment;
};

struct JobObject {      // a policy or a user's job
  std::int32_t id = 0;  // from 1000, as in TimescaleDB
  std::string application_name;
  std::string proc_schema, proc_name;  // _timescaledb_functions.policy_refresh_continuous_aggregate, ...
  std::string owner;
  std::string schedule_interval;  // interval text
  std::string max_runtime = "00:00:00";
  int max_retries = -1;
  std::string retry_period = "00:05:00";
  bool scheduled = true;
  bool fixed_schedule = true;
  std::optional<std::int64_t> initial_start_us;
  std::string timezone;
  Oid relation = 0;
  std::string config_json;
  std::string check_schema, check_name;  // what looks at `config_json` when it is set; empty: nothing
};

/// A function or procedure in SQL that a user made.
struct FunctionObject {
  Oid oid = 0;
  Oid schema = 0;
  std::string name;
  std::string owner;
  bool is_procedure = false;
  struct Argument {
    std::string name;  // empty: known by its number alone
    SqlType type;
    std::string default_text;  // empty: must be given
  };
  std::vector<Argument> arguments;
  SqlType result = SqlType::of(TypeId::Void);
  bool returns_set = false;
  std::vector<Argument> columns;  // of RETURNS TABLE
  std::string body;               // statements, with semicolons between
  char volatility = 'v';
  bool is_strict = false;
  std::string comment;
  bool has_grants = false;  // GRANT or REVOKE was said of it; until then all may execute it
  std::vector<GrantObject> grants;
};

/// A type that a user made.
struct TypeObject {
  enum class Kind : std::uint8_t { Enum = 1, Domain = 2 };
  Oid oid = 0;  // that of arrays of it is the next one
  Oid schema = 0;
  std::string name;
  std::string owner;
  Kind kind = Kind::Enum;
  struct Label {
    Oid oid = 0;
    std::int32_t number = 0;  // what columns hold; see `EnumLabels`
    std::string text;
  };
  std::vector<Label> labels;  // by number
  // Of a domain:
  SqlType base;
  bool not_null = false;
  std::string default_text;  // PostgreSQL expression text; empty: none
  struct Check {
    Oid oid = 0;
    std::string name;
    std::string text;  // of VALUE
    bool is_not_valid = false;
  };
  std::vector<Check> checks;
  std::string comment;

  /// The type of columns and values.
  SqlType type() const { return kind == Kind::Enum ? SqlType::enum_of(oid) : base; }
};

struct ExtensionObject {
  Oid oid = 0;
  std::string name;
  std::string version;
  Oid schema = 0;
  std::string comment = {};
};

}  // namespace tickstone::catalog
