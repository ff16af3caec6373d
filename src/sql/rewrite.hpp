// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/statement.hpp"
#include "types/object_naming.hpp"
#include "types/value.hpp"

namespace tickstone::sql {

/// Whose column an output column is, unchanged, as clients are told; both 0: no table's.
struct ColumnSource {
  std::uint32_t relation_oid = 0;
  std::int16_t number = 0;  // from 1
};

struct RelationInfo {
  std::string schema;
  std::string name;
  struct Column {
    std::string name;
    SqlType type;
    bool not_null = false;
    bool is_denied = false;  // may not be read, though other columns may
  };
  std::vector<Column> columns;
  /// Of a chunk, or a view that is written through: the table whose rows it is a part of, and which of them,
  /// as DuckDB's text.
  struct Part {
    std::string scan_name;  // "schema.name"
    std::string condition;
    bool has_row_id = false;
    std::string query = {};  // of a view: all of it, in parentheses
  };
  std::optional<Part> part;
  /// Of a view that is written through: those of `columns` that can be named, in the view's order.
  std::optional<std::vector<std::size_t>> shown = std::nullopt;
  /// GROUP BY of these gives all other columns, too; empty: there is none.
  std::vector<std::string> primary_key = {};
  /// Its rows are those of its chunks: FROM ONLY finds none.
  bool has_chunks = false;
  /// What stands before the name of what is scanned.
  std::string scan_words;
  std::uint32_t oid = 0;  // 0: its columns are nobody's (see `ColumnSource`)
};

/// How names are looked up; the engine implements it over the session's catalog and search_path.
class NameLookup {
 public:
  virtual ~NameLookup() = default;
  /// nothing where there is no such table, view, aggregate or system relation.
  virtual std::optional<RelationInfo> find_relation(const std::string& schema,
                                                    const std::string& name) const = 0;
  virtual bool schema_exists(const std::string& schema) const = 0;
  virtual std::string current_database() const = 0;
  /// Functions that return rows and are the host's: show_chunks, chunks_detailed_size, ...
  virtual bool is_host_table_function(const std::string& name) const = 0;
  /// Whether NUMERIC is to be computed with any number of digits: slower, for statements that 38 do not
  /// suffice for.
  virtual bool wants_wide_numeric() const { return false; }
  /// Columns that name a row of the relation to whoever locks it, a hidden one included; none where its rows
  /// cannot be locked (a view, a system relation).
  virtual std::vector<std::string> row_identity(const RelationInfo& /*relation*/) const { return {}; }
  /// The query of a view, as text whose names mean what they meant when it was made; nothing for all else.
  virtual std::optional<std::string> view_text(const RelationInfo& /*relation*/) const {
    return std::nullopt;
  }
  /// WHERE CURRENT OF: what tells the row that the cursor is on from all others of the relation.
  /// Errors: InvalidCursorName, InvalidCursorState, FeatureNotSupported.
  struct KeyValue {
    std::string column;
    SqlType type;
    std::string text;
  };
  virtual std::vector<KeyValue> current_row(const std::string& /*cursor*/,
                                            const RelationInfo& /*relation*/) const {
    return {};
  }
  /// A query of WITH that was run before its statement (`WithPart::node`): where its rows are.
  struct WithRows {
    std::string scan_name;
    std::vector<RelationInfo::Column> columns;
    bool has_rows = true;
  };
  virtual std::optional<WithRows> with_rows(const void* /*node*/) const { return std::nullopt; }
  /// Parameters of the function whose body is rewritten. `number` counts from 1.
  struct Parameter {
    int number = 0;
    SqlType type;
  };
  /// By `name`, or `function.name`; nothing where no such parameter is in sight.
  virtual std::optional<Parameter> find_parameter(const std::string& /*function*/,
                                                  const std::string& /*name*/) const {
    return std::nullopt;
  }
  /// How literals of dates, times and intervals are read.
  virtual const FormatContext& format_context() const {
    static const FormatContext usual;
    return usual;
  }
  /// The type of $n; nothing where no function's body is rewritten.
  virtual std::optional<SqlType> parameter_type(int /*number*/) const { return std::nullopt; }
  /// A function in SQL: its calls within larger queries are written out.
  struct UserFunction {
    struct Argument {
      std::string name;
      SqlType type;
      std::string default_text;  // empty: must be given
    };
    std::uint32_t oid = 0;
    std::string name;
    std::vector<Argument> arguments;
    SqlType result;
    std::vector<RelationInfo::Column> columns;  // of RETURNS TABLE
    std::string body;
    bool is_procedure = false;
    bool returns_set = false;
    bool is_strict = false;
  };
  /// A type that a user made.
  struct UserType {
    SqlType type;              // of a domain: its base
    std::uint32_t domain = 0;  // 0: an enum
    std::string name;          // as messages have it
    bool not_null = false;
    struct Check {
      std::string name;
      std::string text;  // of VALUE
    };
    std::vector<Check> checks;
  };
  /// By search_path where `schema` is empty.
  virtual std::optional<UserType> find_user_type(const std::string& /*schema*/,
                                                 const std::string& /*name*/) const {
    return std::nullopt;
  }
  /// nullptr where there is no such enum type.
  virtual std::shared_ptr<const EnumLabels> enum_labels(std::uint32_t /*type_oid*/) const { return nullptr; }
  /// A query reads the relation, or calls the function: errors where the role may not. Where it may read some
  /// columns, the others are marked.
  virtual void require_select(RelationInfo& /*relation*/) const {}
  /// A marked column is read: the error that says so.
  virtual void deny_column(const ColumnSource& /*column*/) const {}
  virtual void require_execute(const UserFunction& /*function*/) const {}
  /// All of that name in the first schema that has one; none where PostgreSQL's own of that name comes first.
  virtual std::vector<UserFunction> user_functions(const std::string& /*schema*/,
                                                   const std::string& /*name*/) const {
    return {};
  }
  /// Whether each call of the built-in function may give another value.
  virtual bool is_volatile(const std::string& /*function*/) const { return false; }
  /// The columns of such a function, where they are known.
  virtual std::optional<std::vector<RelationInfo::Column>> table_function_columns(
      const std::string& /*name*/) const {
    return std::nullopt;
  }
};

/// DuckDB's text of a query, and what a cache must know of it.
struct DuckQuery {
  std::string text;
  std::vector<std::string> relations;  // scan names used, `schema.name`
  std::vector<std::optional<SqlType>>
      parameter_types;                    // of $1.. where the text tells (casts, comparisons with columns)
  std::vector<std::string> output_names;  // PostgreSQL's names of the output columns, where they differ from
                                          // DuckDB's; empty: keep DuckDB's
  std::vector<std::optional<SqlType>> output_types;  // where known better than DuckDB: json or jsonb, name,
                                                     // oid, regclass, varchar(n), columns of tables
  std::vector<ColumnSource> output_sources;          // as many as names
  /// Of a query that locks rows: relations whose rows to lock, and where their identity stands among the
  /// columns.
  struct LockedRange {
    struct Identity {
      std::string name;
      std::optional<SqlType> type;
    };
    std::string schema, name;
    std::vector<Identity> identity;
    std::size_t first_column = 0;
    RowLocking locking;
  };
  std::vector<LockedRange> locked;
  /// LIMIT and OFFSET of a query that locks rows: they count those that could be locked, and so are not in
  /// `text`. Expressions of BIGINT; empty where there is none.
  std::string limit, offset;
  /// Queries within it that lock rows: to be run before it, in this order, once each. `text` reads their rows
  /// from the relation `name`.
  struct LockingSubquery {
    std::string name;
    std::shared_ptr<const DuckQuery> query;
    bool is_needed = true;  // false: of a WITH query that nothing refers to, which PostgreSQL does not run
  };
  std::vector<LockingSubquery> subqueries;
  /// Of UPDATE ... FROM and DELETE ... USING whose RETURNING may name their tables: those, and where their
  /// columns begin in the result.
  struct JoinedRange {
    std::string alias;
    std::vector<RelationInfo::Column> columns;  // Unknown: as DuckDB says
    std::size_t first_column = 0;
  };
  std::vector<JoinedRange> joined;
};

/// Rewrites PostgreSQL and TimescaleDB trees to text that DuckDB runs with PostgreSQL's meaning.
///
/// Shape: a table becomes one quoted identifier `"schema.name"` with an alias, which duck's replacement scan
/// resolves. Errors: UndefinedTable with position, FeatureNotSupported naming the construct.
class Rewriter {
 public:
  /// Locking clauses inside queries: their rows are locked first (`DuckQuery::subqueries`), or, of a text
  /// that is not run, left out.
  enum class Locks : std::uint8_t { Taken, LeftOut };
  explicit Rewriter(const NameLookup& lookup, Locks locks = Locks::Taken) : lookup_(lookup), locks_(locks) {}

  /// Where a query's rows go: to a client as they come, or to us.
  enum class Rows : std::uint8_t { Sent, Read };

  DuckQuery query(const Expr& query, Rows rows = Rows::Read) const;
  /// The query with the identity of the rows to lock after its own columns. Errors: FeatureNotSupported where
  /// its rows are not rows of tables, with PostgreSQL's words; UndefinedTable for a name after OF.
  DuckQuery locking_query(const QueryStatement& query) const;
  /// SELECT that gives, for each row to update: all columns of the table in order with their new values
  /// (expressions cast to the column's type is the caller's work), then `old_columns` (key columns and
  /// perhaps "rowid") of the old row. With RETURNING, columns of the tables in FROM stand between the two
  /// (`DuckQuery::joined`). Assignments of DEFAULT use `defaults` (PostgreSQL expression text by
  /// column; NULL where absent).
  DuckQuery update_rows(const UpdateStatement& update, const RelationInfo& table,
                        const std::vector<std::string>& old_columns,
                        const std::vector<std::pair<std::string, std::string>>& defaults) const;
  /// SELECT of `old_columns` of the rows to delete; all table columns and `joined` first when RETURNING needs
  /// them.
  DuckQuery delete_rows(const DeleteStatement& del, const RelationInfo& table,
                        const std::vector<std::string>& old_columns, bool with_all_columns) const;
  /// VALUES of an INSERT, as a SELECT of `columns.size()` columns; DEFAULT becomes the column's default
  /// expression or NULL.
  DuckQuery insert_values(const InsertStatement& insert, const RelationInfo& table,
                          const std::vector<std::string>& columns,
                          const std::vector<std::pair<std::string, std::string>>& defaults) const;
  /// The query of an INSERT ... SELECT, WITH clause included.
  DuckQuery insert_query(const InsertStatement& insert) const;
  /// RETURNING over the relation `"rows_name"` that holds the affected rows under the table's name or alias.
  /// `joined`: what `update_rows` or `delete_rows` said of other tables; `joined_names`: the relations with
  /// their rows, in the order of the affected ones.
  DuckQuery returning(const std::vector<Expr>& targets, const RelationInfo& table, const std::string& alias,
                      const std::string& rows_name, const std::vector<DuckQuery::JoinedRange>& joined = {},
                      const std::vector<std::string>& joined_names = {}) const;
  /// DO UPDATE: SELECT of all table columns with their new values, then a boolean (the WHERE, or true), from
  /// the relations `existing_name` and `excluded_name` joined by position (same row count, same order).
  DuckQuery conflict_rows(const InsertStatement& insert, const RelationInfo& table,
                          const std::string& existing_name, const std::string& excluded_name,
                          const std::vector<std::pair<std::string, std::string>>& defaults) const;
  /// What stands in FROM for a view that is written through: all columns of `table` under the names that the
  /// view has for them, and the row id, of the rows that the condition (may be empty) is true of. `alias`:
  /// what the view calls the table.
  std::string view_rows(const Expr& condition, const RelationInfo& table, const std::string& alias,
                        const std::vector<std::string>& names, bool has_row_id) const;
  /// `SELECT expr, expr, ...` without FROM, or over one relation of rows (CHECK constraints, generated
  /// columns, COPY ... WHERE).
  DuckQuery expressions(const std::vector<Expr>& exprs, const RelationInfo* table,
                        const std::string& rows_name) const;

 private:
  const NameLookup& lookup_;
  const Locks locks_;
};

}  // namespace tickstone::sql
