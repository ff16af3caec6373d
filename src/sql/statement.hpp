// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone::sql {

/// One statement's parse tree (libpg_query's protobuf-c nodes). Opaque outside this module; shared by the
/// handles into it.
class ParseTree;

/// A handle to an expression, a query or another subtree. Lifetime: keeps its tree alive. Empty when `node`
/// is nullptr.
struct Expr {
  std::shared_ptr<const ParseTree> tree;
  const void* node = nullptr;
  explicit operator bool() const { return node != nullptr; }
};

struct Statement;

struct QualifiedName {
  std::string schema;  // empty: by search_path
  std::string name;
  std::uint32_t position = 0;  // 1-based character position in the statement's text; 0 unknown
};

/// Options of CREATE SEQUENCE, ALTER SEQUENCE and identity columns, those that were given.
struct SequenceOptions {
  std::optional<SqlType> type;
  std::optional<std::int64_t> start, increment, cache;
  std::optional<std::int64_t> minimum, maximum;
  bool no_minimum = false, no_maximum = false;
  std::optional<bool> cycle;
  std::optional<std::int64_t> restart;
  bool restarts = false;                             // RESTART, with a value or without
  std::optional<std::vector<std::string>> owned_by;  // table and column, perhaps with a schema; empty: NONE
};

struct ColumnDefinition {
  std::string name;
  SqlType type;
  /// Of a type that only a catalog may know: `type` is Unknown then, perhaps an array.
  QualifiedName type_name;
  bool not_null = false;
  bool is_serial = false;               // SERIAL, BIGSERIAL, SMALLSERIAL: type is the integer type
  std::optional<bool> identity_always;  // GENERATED {ALWAYS|BY DEFAULT} AS IDENTITY
  SequenceOptions identity_options;
  Expr default_value;
  Expr generated;  // GENERATED ALWAYS AS (...) STORED
  std::string collation;
};

struct ConstraintDefinition {
  enum class Kind : std::uint8_t { PrimaryKey, Unique, Check, ForeignKey };
  Kind kind = Kind::PrimaryKey;
  std::string name;  // empty: PostgreSQL's default name is chosen by the engine
  std::vector<std::string> columns;
  Expr check;
  QualifiedName referenced_table;
  std::vector<std::string> referenced_columns;
  char on_delete = 'a', on_update = 'a';  // PostgreSQL's letters: a r c n d
  bool matches_full = false;              // MATCH FULL: all columns are null or none
  bool is_deferrable = false, is_deferred = false;
  bool is_not_valid = false;        // rows that are there are not checked
  bool nulls_not_distinct = false;  // of Unique: two NULLs are the same
};

struct Option {  // WITH (a.b = c): name "a.b", value as text; empty value for a bare name
  std::string name;
  std::string value;
  std::vector<std::string> list =
      {};  // of a list in parentheses, e.g. force_null (a, b); FORCE_QUOTE * has the value "*"
};

/// One FOR UPDATE clause or its kin.
struct RowLocking {
  enum class Strength : std::uint8_t { KeyShare, Share, NoKeyUpdate, Update };
  enum class Wait : std::uint8_t { Block, Fail, Skip };
  Strength strength = Strength::Update;
  Wait wait = Wait::Block;
  std::vector<QualifiedName> tables;  // OF; empty: all
  /// `FOR NO KEY UPDATE`.
  std::string name() const;
};

/// Whether a query has a locking clause, at the top or further in.
bool locks_rows(const Expr& query);

struct QueryStatement {  // SELECT, VALUES, TABLE, WITH ... SELECT
  Expr query;
  std::vector<RowLocking> locking;
  bool has_locking = false;  // FOR UPDATE and its kin, at the top (`locking`) or further in
  bool no_wait = false, skip_locked = false;
};

/// SELECT f(...), SELECT * FROM f(...) or CALL f(...) where f acts on the database: create_hypertable,
/// add_*_policy, drop_chunks, refresh_continuous_aggregate, ... (the list is `is_action_function`). Arguments
/// are expressions to evaluate. SELECT ..., f(x), ... FROM ... is one action a row of `source`.
struct ActionStatement {
  std::string function;  // without schema
  std::string schema;    // empty: by search_path
  std::uint32_t position = 0;
  struct Argument {
    std::string name;
    Expr value;
  };  // name empty: positional
  std::vector<Argument> arguments;
  bool is_call = false;  // CALL
  bool as_table =
      false;  // SELECT * FROM f(): columns apart; else one composite/scalar column named after the function
  std::string output_name;           // AS alias
  std::vector<std::string> columns;  // of as_table: those selected; empty: all
  /// Of one action a row: the query with f's arguments in the place of the call, `first_argument` columns
  /// after its first. The arguments above have names and no values.
  Expr source;
  std::size_t first_argument = 0;
  /// Of one action a row within expressions, `SELECT count(f(c)) FROM ...`: what is selected of the answers,
  /// a relation with one column kActionResult. Empty: the answers.
  std::vector<Expr> targets;
  std::vector<std::string> target_names;
  /// Of one action a row in WITH or FROM of a larger query: that, reading kActionAnswers in its place. Empty:
  /// it is all.
  Expr around;
};
inline constexpr const char* kActionResult = "action_result";
inline constexpr const char* kActionAnswers = "#answers";

struct Assignment {
  std::string column;
  Expr value;
  bool is_default = false;
  std::uint32_t position = 0;  // of the column's name
};

struct OnConflict {
  enum class Action : std::uint8_t { None, Nothing, Update };
  Action action = Action::None;
  std::vector<std::string> target_columns;
  std::vector<Expr> target_expressions;
  Expr target_where;  // of a part of the rows
  std::string constraint_name;
  std::vector<Assignment> assignments;
  Expr where;
};

struct InsertStatement {
  QualifiedName table;
  std::string alias;
  std::vector<std::string> columns;             // empty: all, in order
  std::vector<std::uint32_t> column_positions;  // of `columns`, 1-based characters; 0 unknown
  /// VALUES rows: expressions, an empty handle for DEFAULT. Empty when `query` is set or `default_values`.
  std::vector<std::vector<Expr>> values;
  Expr query;
  bool default_values = false;
  bool overriding_system = false;
  bool overriding_user = false;
  OnConflict on_conflict;
  std::vector<Expr> returning;  // ResTarget nodes
  bool has_with = false;
  Expr whole;  // the whole statement
};

/// MERGE: for each row of the source the first of `clauses` that applies.
struct MergeStatement {
  QualifiedName table;
  std::string alias;
  std::string with;       // `WITH ... `, or nothing
  std::string source;     // what stands after USING, as PostgreSQL's text
  std::string condition;  // of the join
  struct Clause {
    enum class Action : std::uint8_t { Nothing, Update, Delete, Insert };
    Action action = Action::Nothing;
    bool is_matched = true;
    std::string condition;  // AND ...; empty: none
    struct Value {
      std::string column;  // empty, of Insert: the next one of the table
      std::string text;    // empty: DEFAULT
    };
    std::vector<Value> values;
    bool overriding_system = false, overriding_user = false;
    bool default_values = false;
  };
  std::vector<Clause> clauses;
};

struct UpdateStatement {
  QualifiedName table;
  std::string alias;
  std::vector<Assignment> assignments;
  std::vector<Expr> returning;
  Expr whole;
};

struct DeleteStatement {
  QualifiedName table;
  std::string alias;
  std::vector<Expr> returning;
  bool is_unconditional = false;  // no WHERE, no USING
  Expr whole;
};

struct TruncateStatement {
  std::vector<QualifiedName> tables;
  std::vector<QualifiedName> only;  // of those: TRUNCATE ONLY
  bool restart_identity = false;
  bool cascade = false;
};

struct CopyStatement {
  QualifiedName table;
  std::vector<std::string> columns;
  Expr query;                          // COPY (query) TO
  std::shared_ptr<Statement> changes;  // COPY (INSERT, UPDATE or DELETE ... RETURNING) TO
  bool is_from = false;
  std::string file;  // empty: STDIN / STDOUT
  bool is_program = false;
  std::vector<Option>
      options;  // lower-case names: format, delimiter, null, header, quote, escape, force_null, ...
  Expr where;
};

struct CreateTableStatement {
  QualifiedName table;
  bool if_not_exists = false;
  bool temporary = false;
  bool unlogged = false;
  std::vector<ColumnDefinition> columns;
  std::vector<ConstraintDefinition> constraints;  // column constraints included
  std::vector<Option> options;
  struct Like {
    QualifiedName table;
    bool defaults = false, constraints = false, indexes = false, identity = false, generated = false,
         comments = false;
  };
  std::vector<Like> like_tables;
  enum class OnCommit : std::uint8_t { PreserveRows, DeleteRows, Drop } on_commit = OnCommit::PreserveRows;
  Expr as_query;  // CREATE TABLE AS
  std::vector<std::string> as_columns;
  bool with_no_data = false;
};

struct CreateIndexStatement {
  std::string name;
  QualifiedName table;
  std::string method = "btree";
  bool unique = false, if_not_exists = false, concurrently = false;
  bool nulls_not_distinct = false;
  struct Key {
    std::string column;
    Expr expression;
    bool descending = false;
    std::optional<bool> nulls_first;
  };
  std::vector<Key> keys;
  std::vector<std::string> include;
  Expr where;
  std::vector<Option> options;
};

struct CreateViewStatement {
  QualifiedName view;
  bool or_replace = false, temporary = false;
  std::vector<std::string> columns;
  Expr query;
  std::vector<Option> options;  // WITH CHECK OPTION is check_option = local or cascaded
};

struct CreateMaterializedViewStatement {
  QualifiedName view;
  bool if_not_exists = false, with_no_data = false;
  std::vector<std::string> columns;
  std::vector<Option> options;  // timescaledb.continuous, timescaledb.materialized_only, ...
  Expr query;
};

struct CreateSchemaStatement {
  std::string name;
  bool if_not_exists = false;
  std::string owner;
};
struct CreateExtensionStatement {
  std::string name;
  bool if_not_exists = false, cascade = false;
};
struct CreateSequenceStatement {
  QualifiedName sequence;
  bool if_not_exists = false, temporary = false;
  SequenceOptions options;
};
struct AlterSequenceStatement {
  QualifiedName sequence;
  bool if_exists = false;
  SequenceOptions options;
};
/// ALTER TABLE ... SET SCHEMA and its kin.
struct SetSchemaStatement {
  QualifiedName object;
  std::string schema;
  bool if_exists = false;
  std::string kind;  // TABLE, VIEW, MATERIALIZED VIEW, SEQUENCE
};
struct LockTableStatement {
  std::vector<QualifiedName> tables;
  std::string mode;  // ACCESS EXCLUSIVE
  bool no_wait = false;
};
struct SetConstraintsStatement {
  std::vector<QualifiedName> constraints;  // empty: ALL
  bool deferred = false;
};

struct AlterTableStatement {
  struct Command {
    enum class Kind : std::uint8_t {
      AddColumn,
      DropColumn,
      AlterType,
      SetDefault,
      DropDefault,
      SetNotNull,
      DropNotNull,
      DropExpression,
      AddIdentity,
      SetIdentity,
      DropIdentity,
      AddConstraint,
      DropConstraint,
      ValidateConstraint,
      AlterConstraint,
      Nothing,  // what has no effect here: SET STATISTICS, CLUSTER ON, ...
      SetOptions,
      ResetOptions,
      SetTablespace,
      Trigger,  // ENABLE and DISABLE TRIGGER of `name`; empty: of all
      OwnerTo,
      Other
    };
    Kind kind = Kind::Other;
    std::string name;  // column or constraint
    bool if_exists = false, if_not_exists = false, cascade = false;
    ColumnDefinition column;
    ConstraintDefinition constraint;
    SequenceOptions sequence;             // AddIdentity, SetIdentity
    std::optional<bool> identity_always;  // the same
    Expr expression;                      // SetDefault, AlterType USING
    SqlType type;
    QualifiedName type_name;  // as a column definition's
    std::vector<Option> options;
    bool is_of_column = false;  // a constraint that was written with the column added before it
    std::string description;    // of Other and Trigger, for the message
  };
  QualifiedName table;
  bool if_exists = false;
  char relation_kind = 'r';  // r table, v view, m materialized view, i index, S sequence
  std::vector<Command> commands;
};

struct RenameStatement {
  enum class What : std::uint8_t {
    Table,
    Column,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Constraint,
    Other
  };
  What what = What::Table;
  QualifiedName object;
  std::string old_name;  // of the column or constraint
  std::string new_name;
  bool if_exists = false;
  std::string tag;
};

struct DropStatement {
  enum class What : std::uint8_t { Table, View, MaterializedView, Index, Sequence, Schema, Extension, Other };
  What what = What::Table;
  std::vector<QualifiedName> names;
  bool if_exists = false, cascade = false, concurrently = false;
  std::string description;
};

/// CREATE FUNCTION or PROCEDURE in SQL.
struct CreateFunctionStatement {
  QualifiedName name;
  bool or_replace = false, is_procedure = false;
  struct Parameter {
    std::string name;  // empty: none
    SqlType type;
    Expr default_value = {};
  };
  std::vector<Parameter> parameters;
  std::vector<Parameter> columns;  // RETURNS TABLE
  SqlType result = SqlType::of(TypeId::Void);
  bool returns_set = false;
  std::string body;  // statements, with semicolons between
  char volatility = 'v';
  bool is_strict = false;
};
struct DropFunctionStatement {
  enum class Kind : std::uint8_t { Function, Procedure, Routine };
  Kind kind = Kind::Function;
  struct Target {
    QualifiedName name;
    std::optional<std::vector<SqlType>> argument_types;  // nothing: the only one of that name
  };
  std::vector<Target> targets;
  bool if_exists = false, cascade = false;
};

/// ALTER FUNCTION, PROCEDURE or ROUTINE ... RENAME TO, SET SCHEMA, OWNER TO.
struct AlterFunctionStatement {
  enum class Change : std::uint8_t { Rename, SetSchema, OwnerTo };
  Change change = Change::Rename;
  DropFunctionStatement::Kind kind = DropFunctionStatement::Kind::Function;
  DropFunctionStatement::Target function;
  std::string value;  // the new name, schema or owner
};
/// ALTER SCHEMA ... OWNER TO.
struct SchemaOwnerStatement {
  std::string schema, owner;
};

/// CREATE, ALTER and DROP of the types that users make: enums and domains.
struct TypeStatement {
  enum class Action : std::uint8_t {
    CreateEnum,
    AddValue,
    RenameValue,
    CreateDomain,
    SetDefault,
    SetNotNull,
    DropNotNull,
    AddConstraint,
    DropConstraint,
    ValidateConstraint,
    RenameConstraint,
    Rename,
    OwnerTo,
    SetSchema,
    Drop
  };
  Action action = Action::CreateEnum;
  bool is_domain = false;            // written as DOMAIN
  std::vector<QualifiedName> names;  // one, but of Drop
  std::vector<std::string> labels;   // of CreateEnum
  std::string label;                 // that is added or renamed; the constraint's name
  std::string new_name;              // of what is renamed, moved or given away
  std::string neighbour;             // AddValue: BEFORE or AFTER it; empty: at the end
  bool is_after = false;
  bool if_exists = false, if_not_exists = false, cascade = false;
  // CreateDomain, and what is altered.
  SqlType base;
  QualifiedName base_name;  // of a type of a user's
  bool not_null = false;
  Expr default_value;
  std::vector<ConstraintDefinition> checks;
};

/// GRANT and REVOKE of rights to tables, columns, sequences, functions, schemas, the database, and of roles;
/// ALTER DEFAULT PRIVILEGES.
struct GrantStatement {
  enum class On : std::uint8_t { Relations, Functions, Schemas, Databases, Types, Roles };
  bool is_grant = true;
  On on = On::Relations;
  bool is_of_sequences = false;         // ON SEQUENCE, ON ALL SEQUENCES
  std::vector<std::string> privileges;  // lower case; empty: all. Of Roles: the roles
  /// Of columns: which, and one of their privileges (lower case; empty: all).
  struct OfColumns {
    std::string privilege;
    std::vector<std::string> columns;
  };
  std::vector<OfColumns> of_columns;
  std::vector<QualifiedName> relations;
  std::vector<std::string> names;  // of Schemas and Databases
  /// Of what will be made by the roles, in `schemas`.
  bool is_of_defaults = false;
  std::vector<std::string> roles;  // empty: by who says so
  std::vector<DropFunctionStatement::Target> functions;
  std::vector<std::string> schemas;  // ON ALL ... IN SCHEMA
  std::vector<std::string> grantees;
  bool with_option = false;  // WITH GRANT OPTION, GRANT OPTION FOR, WITH ADMIN OPTION
};

struct RoleStatement {
  enum class Action : std::uint8_t { Create, Alter, Drop };
  Action action = Action::Alter;
  std::vector<std::string> names;
  bool if_exists = false;
  std::optional<std::string> password;  // an empty optional: not mentioned
  bool password_null = false;
  std::optional<bool> login, superuser, create_db, create_role;
  std::optional<int> connection_limit;
  std::optional<std::string> valid_until;  // a time as text
};

struct TransactionStatement {
  enum class Action : std::uint8_t {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    SetCharacteristics,
    Prepare,
    Other
  };
  Action action = Action::Begin;
  std::string savepoint;
  std::string snapshot;  // SetCharacteristics: SET TRANSACTION SNAPSHOT; empty: none
  std::optional<std::string>
      isolation;  // "read committed", "repeatable read", "serializable", "read uncommitted"
  std::optional<bool> read_only;
  bool chain = false;
  bool for_session = false;  // SetCharacteristics: SET SESSION CHARACTERISTICS AS TRANSACTION
};

struct SettingStatement {
  enum class Action : std::uint8_t { Set, Reset, ResetAll, Show, ShowAll };
  Action action = Action::Set;
  std::string
      name;  // lower case; "time zone" is timezone, "transaction isolation level" transaction_isolation
  std::vector<std::string> values;
  bool to_default = false, local = false;
};

struct ExplainStatement {
  bool analyze = false, verbose = false;
  std::string format = "text";
  std::shared_ptr<struct Statement> statement;
};

struct PrepareStatement {
  std::string name;
  std::vector<SqlType> parameter_types;
  std::shared_ptr<struct Statement> statement;
};
struct ExecuteStatement {
  std::string name;
  std::vector<Expr> arguments;
};
struct DeallocateStatement {
  std::string name;
  bool all = false;
};

struct CursorStatement {
  enum class Action : std::uint8_t { Declare, Fetch, Move, Close, CloseAll };
  Action action = Action::Fetch;
  std::string name;
  bool with_hold = false, scroll = false, no_scroll = false, is_binary = false;
  Expr query;
  std::vector<RowLocking> locking;
  enum class Direction : std::uint8_t {
    Forward,
    Backward,
    Absolute,
    Relative
  } direction = Direction::Forward;
  std::int64_t count = 1;  // INT64_MAX: ALL
};

/// LISTEN, UNLISTEN and NOTIFY.
struct NotificationStatement {
  enum class Action : std::uint8_t { Listen, Unlisten, UnlistenAll, Notify };
  Action action = Action::Listen;
  std::string channel, payload;
};

struct CommentStatement {
  std::string object_kind;
  QualifiedName object;
  std::string column;
  std::optional<std::vector<SqlType>> argument_types;  // of functions, where they are given
  std::optional<std::string> text;
};

/// Accepted and answered, with nothing to do or a small thing: VACUUM, ANALYZE, DISCARD ALL,
/// CHECKPOINT ...
struct UtilityStatement {
  std::string command;
  std::vector<QualifiedName> tables;
};

using StatementBody =
    std::variant<std::monostate, QueryStatement, ActionStatement, InsertStatement, UpdateStatement,
                 DeleteStatement, MergeStatement, TruncateStatement, CopyStatement, CreateTableStatement,
                 CreateIndexStatement, CreateViewStatement, CreateMaterializedViewStatement,
                 CreateSchemaStatement, CreateExtensionStatement, CreateSequenceStatement,
                 AlterSequenceStatement, SetSchemaStatement, LockTableStatement, SetConstraintsStatement,
                 AlterTableStatement, RenameStatement, DropStatement, CreateFunctionStatement,
                 DropFunctionStatement, AlterFunctionStatement, SchemaOwnerStatement, TypeStatement,
                 GrantStatement, RoleStatement, TransactionStatement, SettingStatement, ExplainStatement,
                 PrepareStatement, ExecuteStatement, DeallocateStatement, CursorStatement,
                 NotificationStatement, CommentStatement, UtilityStatement>;

/// A query of WITH that is run before its statement, with the same view: one that writes, or that several
/// read where one writes.
struct WithPart {
  std::string name;
  const void* node = nullptr;            // by which `NameLookup::with_rows` is asked
  std::vector<std::string> columns;      // names that it gives to its first columns
  std::shared_ptr<Statement> statement;  // SELECT, INSERT, UPDATE or DELETE
  bool has_rows = true;                  // false: it writes, and returns nothing
};

struct Statement {
  std::string text;  // this statement's own text, without the semicolon
  std::string tag;   // the command tag without counts: SELECT, INSERT, CREATE TABLE, ...
  StatementBody body;
  int parameter_count = 0;           // the highest $n
  std::vector<WithPart> with_parts;  // in the order in which they are run
};

/// Parses one or more statements. Errors: SyntaxError with PostgreSQL's message and position (into `text`);
/// FeatureNotSupported for a statement we do not have, naming it.
std::vector<Statement> parse(std::string_view text);

/// The expression as PostgreSQL text, e.g. to keep a default, a check or a view's query in the catalog.
std::string to_postgres_text(const Expr& expr);
/// Parses a lone expression or query that `to_postgres_text` gave.
Expr parse_expression(std::string_view text);
Expr parse_query(std::string_view text);

/// Errors: that there is no such type, or that we have none of PostgreSQL's of that name, with position.
[[noreturn]] void fail_unknown_type(const QualifiedName& type);

/// A literal's value where the expression is a plain constant (casts of constants included): text of it, or
/// nothing.
struct Constant {
  bool is_null = false;
  std::string text;
  std::optional<SqlType> type;
};
std::optional<Constant> constant_of(const Expr& expr);

/// An expression that is a plain function call (by_range('ts', INTERVAL '1 day')): its name and arguments, or
/// nothing.
std::optional<ActionStatement> function_call_of(const Expr& expr);

/// Whether the expression is written as an array: ARRAY[...], perhaps with a cast, or a literal cast to one.
bool is_array(const Expr& expr);
/// `SELECT f(...)` or `SELECT * FROM f(...)` with nothing else: the call, or nothing.
std::optional<ActionStatement> bare_call_of(const Expr& query);

/// What a continuous aggregate must know of its query: SELECT ..., time_bucket(width, time) AS bucket, ...
/// FROM source GROUP BY ... Errors: FeatureNotSupported "invalid continuous aggregate query" with what is
/// wrong (no time_bucket, no GROUP BY, DISTINCT, ...).
struct AggregateShape {
  std::string bucket_column;    // output name of the time_bucket target
  std::string bucket_width;     // its first argument as text: an interval, or an integer
  std::string bucket_function;  // the call as PostgreSQL text
  std::string time_column;
  std::string time_relation;  // what stood before the column's name; may be empty
};
AggregateShape aggregate_shape_of(const Expr& query);

bool is_action_function(std::string_view name);

}  // namespace tickstone::sql
