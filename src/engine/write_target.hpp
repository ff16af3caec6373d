// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catalog/chunk_facts.hpp"
#include "catalog/privileges.hpp"
#include "engine/session_context.hpp"
#include "engine/unique_keys.hpp"
#include "types/field_parser.hpp"

namespace tickstone::engine {

/// How a column gets its value where a statement gives none.
struct DefaultPlan {
  enum class Kind : std::uint8_t {
    Null,
    Constant,      // text, read as the column's type at each statement ('now' is a text too)
    Now,           // the transaction's start
    Sequence,      // a number a row
    PerStatement,  // an expression
    PerRow         // an expression with a volatile function in it
  };
  Kind kind = Kind::Null;
  sql::Constant constant;
  catalog::Oid sequence = 0;
  sql::Expr expression;
};

/// A table as statements that write see it. Rows are batches of all its columns in the catalog's order;
/// `to_storage` brings them into storage's.
class WriteTarget {
 public:
  WriteTarget(const SessionContext& context, const catalog::RelationObject& relation);
  /// A chunk: its hypertable under the chunk's name, of which the chunk's rows alone are seen, and where a
  /// CHECK keeps rows in the chunk's range.
  WriteTarget(const SessionContext& context, const catalog::Chunk& chunk);
  /// What a view stands for when it is written through: `info` has all columns of its table, those that the
  /// view shows under its names, and no key that its conditions have not let through.
  struct ViewParts {
    sql::RelationInfo info;
    /// WITH CHECK OPTION: of the view, or of one below it.
    struct Check {
      std::string view, owner;
      sql::Expr condition;
      sql::RelationInfo info;  // the names that the condition knows
    };
    std::vector<Check> checks;
    /// Who must have which rights: the views from the top, then the table.
    std::vector<std::pair<catalog::RelationObject, std::string>> rights;
    bool has_conditions = false;
  };
  WriteTarget(const SessionContext& context, const catalog::RelationObject& table, ViewParts view);

  const catalog::RelationObject& relation() const { return relation_; }
  const std::string& name() const { return relation_.name; }
  bool is_chunk() const { return info_.part.has_value(); }
  bool is_view() const { return view_.has_value(); }
  const std::vector<ViewParts::Check>& view_checks() const;
  bool has_view_conditions() const { return view_ && view_->has_conditions; }
  /// Errors: InsufficientPrivilege where the role may not, or the owner of a view.
  void require(const SessionContext& context, catalog::Privilege privilege) const;
  const sql::RelationInfo& info() const { return info_; }
  /// The table under its columns' own names, as constraints and keys see it: of a view that is written
  /// through not `info`.
  const sql::RelationInfo& own_info() const { return own_info_ ? *own_info_ : info_; }
  const storage::TableSchema& schema() const { return schema_; }
  TableCounters& counters() const { return *counters_; }
  storage::TableId table() const { return relation_.table(); }
  std::size_t column_count() const { return relation_.columns.size(); }
  const catalog::ColumnObject& column(std::size_t index) const { return relation_.columns[index]; }
  /// Errors: UndefinedColumn `column "x" of relation "t" does not exist`.
  std::size_t column_index(const std::string& name) const;
  std::size_t column_index(storage::ColumnId id) const;
  /// The column that a statement calls so.
  std::optional<std::size_t> find_column(const std::string& name) const;
  /// What a statement calls it.
  const std::string& column_name(std::size_t index) const { return info_.columns[index].name; }
  /// What `*` means, and an INSERT without a list.
  std::vector<std::size_t> listed_columns() const;
  const std::vector<DefaultPlan>& defaults() const { return defaults_; }
  /// PostgreSQL's text of the defaults, for the rewriter.
  const std::vector<std::pair<std::string, std::string>>& default_texts() const { return default_texts_; }
  FieldParser parser(std::size_t index) const { return parsers_[index]; }

  struct Check {
    std::string name;
    sql::Expr expression;
  };
  const std::vector<Check>& checks() const { return checks_; }
  /// What columns of domains must be, in their order.
  struct DomainCheck {
    std::string domain;
    std::string constraint;  // empty: NOT NULL
    std::size_t column = 0;
    sql::Expr expression;
  };
  const std::vector<DomainCheck>& domain_checks() const { return domain_checks_; }
  struct Generated {
    std::size_t column;
    sql::Expr expression;
  };
  const std::vector<Generated>& generated() const { return generated_; }
  /// Rows need DuckDB before they can be stored.
  bool has_expressions() const {
    return !checks_.empty() || !domain_checks_.empty() || !generated_.empty() || has_expression_defaults_ ||
           has_computed_keys_;
  }
  /// Keys of rows that go need DuckDB.
  bool has_computed_keys() const { return has_computed_keys_; }

  using UniqueKey = engine::UniqueKey;
  const std::vector<UniqueKey>& unique_keys() const { return unique_keys_; }

  /// A foreign key, as the table that has it and the one that it refers to both see it.
  struct Reference {
    catalog::Oid constraint = 0;
    std::string name;
    catalog::Oid child = 0, parent = 0;
    std::string child_name, parent_name;
    /// In the order of the key that the parent's rows are found by.
    std::vector<storage::ColumnId> child_columns, parent_columns;
    std::vector<std::size_t> declared_order;  // of those: where the constraint's first, second, ... stands
    storage::TableId key_table =
        0;  // whose key is `parent_columns`: the parent's own, or that of a unique key
    char on_delete = 'a', on_update = 'a';
    bool matches_full = false;  // MATCH FULL
    bool is_deferrable = false, is_deferred = false;
  };
  /// Foreign keys of this table.
  const std::vector<Reference>& references() const { return references_; }
  /// Foreign keys of other tables, and its own, that refer to this one.
  const std::vector<Reference>& referenced_by() const { return referenced_by_; }
  std::vector<std::size_t> column_indexes(const std::vector<storage::ColumnId>& ids) const;

  bool has_row_id() const { return schema_.primary_key.empty(); }
  /// Columns of storage's key (of a table without primary key: the time column, if any; the row id is apart).
  const std::vector<std::size_t>& key() const { return key_; }

  /// Columns that name an old row and its keys: those of `key`, then those of unique keys and foreign keys,
  /// then rowid.
  const std::vector<std::size_t>& old_columns() const { return old_columns_; }
  const std::vector<std::string>& old_column_names() const { return old_column_names_; }
  std::size_t old_column_of(std::size_t column) const;

  std::vector<duck::SourceColumn> source_columns() const { return source_columns_; }
  /// Under the names of `own_info`.
  std::vector<duck::SourceColumn> own_source_columns() const {
    return own_info_ ? own_source_columns_ : source_columns_;
  }
  Batch make_batch() const;
  bool is_in_storage_order() const { return is_in_order_; }
  Batch to_storage(const Batch& rows) const;
  Batch from_storage(const Batch& rows) const;
  Error& about(Error& error, const std::string& column = {}, const std::string& constraint = {}) const {
    return error.about(relation_.name, column, constraint, info_.schema);
  }

 private:
  void plan_domain(const SessionContext& context, const catalog::ColumnObject& column, std::size_t index);
  void plan_default(const SessionContext& context, const catalog::ColumnObject& column);

  catalog::RelationObject relation_;
  std::shared_ptr<TableCounters> counters_;
  sql::RelationInfo info_;
  std::optional<sql::RelationInfo> own_info_;
  std::optional<ViewParts> view_;
  storage::TableSchema schema_;
  std::vector<std::size_t> storage_order_;  // storage's i-th column is that one of the relation
  bool is_in_order_ = true;
  std::vector<DefaultPlan> defaults_;
  std::vector<std::pair<std::string, std::string>> default_texts_;
  bool has_expression_defaults_ = false, has_computed_keys_ = false;
  std::vector<FieldParser> parsers_;
  std::vector<Check> checks_;
  std::vector<Generated> generated_;
  std::vector<UniqueKey> unique_keys_;
  std::vector<Reference> references_, referenced_by_;
  std::vector<std::size_t> key_;
  std::vector<std::size_t> old_columns_;
  std::vector<std::string> old_column_names_;
  std::vector<duck::SourceColumn> source_columns_, own_source_columns_;
  std::vector<DomainCheck> domain_checks_;
};

struct InsertPlan;

/// What statements that write keep for the next ones of a session; it holds as long as the catalog is the
/// same.
struct DmlPlans {
  std::shared_ptr<const catalog::Catalog> catalog;
  std::uint64_t settings_version = 0;
  std::unordered_map<catalog::Oid, std::shared_ptr<const WriteTarget>> targets;
  std::unordered_map<const void*, std::shared_ptr<const InsertPlan>>
      prepared;  // by node; the plan keeps it alive
};

/// The session's plans, emptied where they no longer hold.
DmlPlans& current_plans(SessionContext& context);

/// What a statement writes to. Errors: UndefinedTable; for views, aggregates and sequences PostgreSQL's
/// refusal of the `verb` ("insert into", "update", "delete from").
std::shared_ptr<const WriteTarget> find_write_target(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb);
/// The same, with the table locked for writing: what a statement that runs uses.
std::shared_ptr<const WriteTarget> lock_write_target(SessionContext& context, const sql::QualifiedName& name,
                                                     const std::string& verb, std::string_view command);
/// Errors: InsufficientPrivilege where the name is a system catalog's, UndefinedTable.
const catalog::RelationObject& relation_to_write(SessionContext& context, const sql::QualifiedName& name);

}  // namespace tickstone::engine
