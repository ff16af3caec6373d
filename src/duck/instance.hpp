// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

/// The only module that includes DuckDB; its own headers do not, so that nobody else has to.
namespace tickstone::duck {

struct SourceColumn {
  std::string name;
  SqlType type;
  ColumnLayout layout;
  bool not_null = false;
  storage::ColumnId id = 0;                            // of a stored table
  std::shared_ptr<const EnumLabels> labels = nullptr;  // of an enum type
};

/// What a relation name `"schema.name"` stands for.
struct SourceRelation {
  enum class Kind : std::uint8_t { Stored, Rows, Query };
  Kind kind = Kind::Stored;
  std::vector<SourceColumn> columns;
  storage::TableId table = 0;  // Stored; a `rowid` virtual column is kRowIdColumn when `has_row_id`
  bool has_row_id = false;
  std::string query;  // Query: DuckDB text of a view, already rewritten
};

/// Where a connection's relations come from; the engine implements it, one a session.
class RelationSource {
 public:
  virtual ~RelationSource() = default;
  /// At bind. Nothing where there is no such relation.
  virtual std::optional<SourceRelation> find_relation(std::string_view name) = 0;
  /// At the start of an execution: the view all scans of this statement read. The engine has set it before it
  /// calls execute.
  virtual std::shared_ptr<const storage::ReadView> read_view() = 0;
  /// At the start of an execution: the rows of a relation of kind Rows, columns as its `columns`.
  virtual std::shared_ptr<const Batch> rows(std::string_view name) = 0;
  /// For EXPLAIN: what the catalog views call a chunk of a stored relation.
  virtual std::string chunk_name(std::string_view relation, std::uint32_t number) = 0;
};

/// A function that only the engine can answer. Rows are answered one by one, so these are for the catalog and
/// for sessions, not for data.
struct HostFunction {
  std::string name;
  std::vector<SqlType> arguments;
  SqlType result;
  bool is_volatile = true;  // else folded when its arguments are constant
  bool null_in_null_out = true;
};
struct HostTableFunction {
  std::string name;
  std::vector<SqlType> arguments;  // trailing ones may be left out; named ones are given by name
  std::vector<std::string> argument_names;
  std::vector<SourceColumn> columns;
};

class HostFunctions {
 public:
  virtual ~HostFunctions() = default;
  virtual Value call(std::string_view function, std::span<const Value> arguments) = 0;
  virtual Batch call_table(std::string_view function, std::span<const Value> arguments) = 0;
};

struct ResultColumn {
  std::string name;
  SqlType type;
};

/// What becomes of a NUMERIC column of which 38 digits do not hold a value: an error, or, for who only shows
/// it, a column of its texts.
enum class LongNumbers : std::uint8_t { Refused, AsText };

/// Rows of one execution, streamed. Lifetime: not beyond its connection. Errors while reading: as of
/// `Connection`.
class ResultStream {
 public:
  virtual ~ResultStream() = default;
  virtual const std::vector<ResultColumn>& columns() const = 0;
  /// False at the end. `out` is replaced, at most 2,048 rows; a NUMERIC column comes in the layout of the
  /// result. Errors: NumericValueOutOfRange.
  virtual bool next(Batch& out, LongNumbers long_numbers = LongNumbers::Refused) = 0;
};

class PreparedQuery {
 public:
  virtual ~PreparedQuery() = default;
  /// Unknown where DuckDB could not tell.
  virtual const std::vector<SqlType>& parameter_types() const = 0;
  virtual const std::vector<ResultColumn>& columns() const = 0;
  /// Values are cast to the expected types first, so that nothing is rebound.
  virtual std::unique_ptr<ResultStream> execute(std::span<const Value> parameters) = 0;
};

/// One session's door to DuckDB. Threads: one at a time, `interrupt` from any. At most one open stream: a new
/// execution closes the old.
///
/// Errors, translated to SQLSTATE: UndefinedColumn, UndefinedFunction, AmbiguousColumn, DatatypeMismatch,
/// GroupingError, DivisionByZero, NumericValueOutOfRange, InvalidTextRepresentation, QueryCanceled,
/// OutOfMemory, InternalError (Damage::Database: the instance is lost; get a new one), ... in PostgreSQL's
/// words, without DuckDB's stack traces, candidate lists or JSON.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual std::unique_ptr<ResultStream> query(std::string_view duck_text) = 0;
  virtual std::unique_ptr<PreparedQuery> prepare(std::string_view duck_text) = 0;
  virtual void interrupt() = 0;
  virtual void set_time_zone(const std::string& name) = 0;
  /// From now on the connection and the queries prepared on it belong to another session, which outlives
  /// them. No stream may be open.
  virtual void attach(RelationSource& source, HostFunctions& functions) = 0;
  /// DuckDB's plan and, per scan of ours, pruning: chunks and row groups read and in total, as lines of text.
  /// `analyze` runs it; without it, they are those that the present values would read at most.
  virtual std::vector<std::string> explain(std::string_view duck_text, bool analyze,
                                           std::span<const Value> parameters = {}) = 0;
  /// How dates, times and intervals become text within queries, and text becomes them.
  virtual void set_styles(const DateStyle& dates, IntervalStyle intervals) = 0;
};

struct InstanceOptions {
  std::size_t memory_limit_bytes = 1ULL << 30;
  int threads = 0;             // 0: all cores
  std::string temp_directory;  // empty: no spilling
  std::vector<HostFunction> functions;
  std::vector<HostTableFunction> table_functions;
};

/// An in-memory DuckDB that owns no data: our scan, functions and PostgreSQL's semantics registered, files
/// switched off.
class Instance {
 public:
  static std::unique_ptr<Instance> open(const InstanceOptions& options);
  virtual ~Instance() = default;
  /// `source` and `functions` must outlive the connection.
  virtual std::unique_ptr<Connection> connect(RelationSource& source, HostFunctions& functions) = 0;
  virtual bool is_lost() const = 0;  // after a fatal error
};

/// DuckDB's type of a column of ours, as SQL text for casts (`DECIMAL(18,6)`, `TIMESTAMP WITH TIME ZONE`,
/// `VARCHAR[]`).
std::string duck_type_name(const SqlType& type, const ColumnLayout& layout);

}  // namespace tickstone::duck
