// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

/// Turns one statement of a parse tree into its struct. Private to the module; `parse` is the entry point.
/// A role as it is named; `current_user` and `session_user` stand for themselves.
std::string role_name_of(const PgQuery__RoleSpec& role);

class StatementBuilder {
 public:
  explicit StatementBuilder(std::shared_ptr<const ParseTree> tree) : tree_(std::move(tree)) {}

  /// Errors: FeatureNotSupported naming what we do not have; what the types' names say.
  Statement build(const Node* node, std::string_view text);
  /// The locking clauses of a SELECT.
  std::vector<RowLocking> locking_of(const PgQuery__SelectStmt& select) const;
  ActionStatement action_from_call(const PgQuery__FuncCall& call) const;

 private:
  // statement_builder.cpp
  void build_body(const Node* node, Statement& out);
  Expr expr(const Node* node) const { return make_expr(tree_, node); }
  QualifiedName name_of(const PgQuery__RangeVar* relation) const;
  QualifiedName name_of_list(const Node* node) const;
  [[noreturn]] void refuse(const std::string& construct, int location = -1) const;
  std::string option_value(const Node* node) const;
  std::vector<Option> options_of(std::size_t count, Node* const* nodes) const;

  // query_builder.cpp
  void build_select(const Node* node, Statement& out);
  void build_call(const PgQuery__CallStmt& call, Statement& out);
  void build_insert(const Node* node, Statement& out);
  void build_update(const Node* node, Statement& out);
  void build_delete(const Node* node, Statement& out);
  void build_copy(const PgQuery__CopyStmt& copy, Statement& out);
  std::optional<ActionStatement> action_of(const PgQuery__SelectStmt& select) const;
  std::optional<ActionStatement> action_by_row(const PgQuery__SelectStmt& select) const;
  std::optional<ActionStatement> action_within(const PgQuery__SelectStmt& select) const;
  /// `table`: by what name the columns' own values are to be had.
  std::vector<Assignment> assignments_of(std::size_t count, Node* const* targets,
                                         const std::string& table) const;
  const Node* array_with(const PgQuery__ResTarget& target, const Node* array, const Node* value,
                         const std::string& table) const;
  std::vector<Expr> targets_of(std::size_t count, Node* const* targets) const;

  // with_builder.cpp
  void take_with_parts(const PgQuery__WithClause* with, const Node* node, Statement& out);
  void put_before(const PgQuery__WithClause& with, std::size_t count, Node* query);
  void build_merge(const PgQuery__MergeStmt& merge, Statement& out);

  // definition_builder.cpp
  void build_create_table(const PgQuery__CreateStmt& create, Statement& out);
  void build_create_table_as(const PgQuery__CreateTableAsStmt& create, Statement& out);
  void build_select_into(const Node* node, const PgQuery__IntoClause& into, Statement& out);
  void build_create_index(const PgQuery__IndexStmt& index, Statement& out);
  void build_create_view(const PgQuery__ViewStmt& view, Statement& out);
  void build_create_sequence(const PgQuery__CreateSeqStmt& sequence, Statement& out);
  void build_alter_sequence(const PgQuery__AlterSeqStmt& sequence, Statement& out);
  void build_set_schema(const PgQuery__AlterObjectSchemaStmt& set, Statement& out);
  SequenceOptions sequence_options_of(std::size_t count, Node* const* options) const;
  void build_alter_table(const PgQuery__AlterTableStmt& alter, Statement& out);
  void build_rename(const PgQuery__RenameStmt& rename, Statement& out);
  void build_drop(const PgQuery__DropStmt& drop, Statement& out);
  void build_comment(const PgQuery__CommentStmt& comment, Statement& out);
  ColumnDefinition column_of(const PgQuery__ColumnDef& column, const std::string& table,
                             std::vector<ConstraintDefinition>& constraints) const;
  ConstraintDefinition constraint_of(const PgQuery__Constraint& constraint) const;

  // function_builder.cpp
  void build_create_function(const PgQuery__CreateFunctionStmt& create, Statement& out);
  void build_drop_function(const PgQuery__DropStmt& drop, Statement& out);
  /// The three ALTERs of functions; false: the object is none.
  std::optional<ActionStatement> action_below(const Node* node) const;
  bool build_alter_function(PgQuery__ObjectType type, const Node* object,
                            AlterFunctionStatement::Change change, const std::string& value, Statement& out);
  /// False: of what has no rights here (types, languages, ...).
  bool build_grant(const PgQuery__GrantStmt& grant, Statement& out);
  void build_default_rights(const PgQuery__AlterDefaultPrivilegesStmt& alter, Statement& out);
  void build_grant_role(const PgQuery__GrantRoleStmt& grant, Statement& out);
  bool build_owner(const PgQuery__AlterOwnerStmt& owner, Statement& out);
  DropFunctionStatement::Target function_target(const PgQuery__ObjectWithArgs& object);

  // type_builder.cpp
  /// False: it is of no type.
  bool build_type(const Node* node, Statement& out);
  TypeStatement type_statement(TypeStatement::Action action, std::size_t count, Node* const* name,
                               Statement& out) const;
  void build_domain(const PgQuery__CreateDomainStmt& create, Statement& out);
  void build_alter_domain(const PgQuery__AlterDomainStmt& alter, Statement& out);

  // session_builder.cpp
  bool build_session(const Node* node, Statement& out);
  void build_transaction(const PgQuery__TransactionStmt& transaction, Statement& out);
  void apply_transaction_options(std::size_t count, Node* const* options, TransactionStatement& out) const;
  void build_set(const PgQuery__VariableSetStmt& set, Statement& out);
  void build_show(const PgQuery__VariableShowStmt& show, Statement& out);
  void build_explain(const PgQuery__ExplainStmt& explain, Statement& out);
  void build_prepare(const PgQuery__PrepareStmt& prepare, Statement& out);
  void build_declare(const PgQuery__DeclareCursorStmt& declare, Statement& out);
  void build_fetch(const PgQuery__FetchStmt& fetch, Statement& out);
  void build_vacuum(const PgQuery__VacuumStmt& vacuum, Statement& out);
  void build_reindex(const PgQuery__ReindexStmt& reindex, Statement& out);
  void build_role(const Node* node, Statement& out);

  std::shared_ptr<const ParseTree> tree_;
  std::string text_;
};

}  // namespace tickstone::sql
