// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"
#include "sql/rewrite.hpp"
#include "sql/scope.hpp"

namespace tickstone::sql {

/// DuckDB's text of an expression, and what is known of its value.
struct Typed {
  enum class Form : std::uint8_t { Plain, UnknownLiteral, Null, Parameter };

  std::string text;
  std::optional<SqlType> type;
  Form form = Form::Plain;
  bool is_atomic = true;   // may be an operand without parentheses
  bool is_column = false;  // a bare column of a relation
  bool is_not_null = false;
  ColumnSource source;     // of a bare column
  bool is_number = false;  // a number as written
  std::string literal;     // of UnknownLiteral and numbers
  int parameter = 0;       // of Parameter, while it has no type
  int location = -1;

  bool has_type(TypeId id) const { return type && type->id == id && !type->is_array; }
  bool is_array() const { return type && type->is_array; }
};

/// A value that is neither an untyped literal nor a bare column.
inline Typed plain(std::string text, std::optional<SqlType> type, bool is_atomic = true) {
  Typed value;
  value.text = std::move(text);
  value.type = type;
  value.is_atomic = is_atomic;
  return value;
}

/// A query whose gaps are filled, as what is computed of the filled rows sees it: translate_gapfill.cpp.
struct Fill {
  const Scope* inner = nullptr;  // what the grouped query sees
  std::string name;              // of the relation of the filled rows
  struct Key {
    std::string text;                                           // in the grouped query
    std::optional<std::pair<std::string, std::string>> column;  // relation and name, of a plain column
    Typed value;                                                // of the filled rows
  };
  std::vector<Key> keys;
  std::size_t bucket = 0;               // the key that is filled
  std::string grouping;                 // grouping() of all keys; empty without grouping sets
  std::map<const void*, Typed> values;  // by call: aggregates, locf, interpolate
};

/// What the SELECT at hand is to lock. The rows' identity is added to its columns: after those of a query
/// that is run as it is, or, of one in FROM, under names of their own (`exports`) for the query around it.
struct LockRequest {
  std::vector<RowLocking> clauses;
  DuckQuery* query = nullptr;
  std::vector<DuckQuery::LockedRange>* exports = nullptr;
};

/// Columns that the role may not read.
enum class DeniedColumns : std::uint8_t { Kept, LeftOut };

/// What stands in FROM for the range's table: its name, or a query of the part that it is.
std::string scan_text(const Range& range, bool with_row_id, DeniedColumns denied = DeniedColumns::Kept);

/// Prints PostgreSQL's trees as DuckDB's SQL: one pass that looks names up, finds types bottom up as
/// PostgreSQL does, and writes casts and functions where the two differ. Private to the module; `Rewriter` is
/// the entry point.
class Translator {
 public:
  Translator(const NameLookup& lookup, std::shared_ptr<const ParseTree> tree, Rewriter::Locks locks)
      : lookup_(lookup),
        tree_(std::move(tree)),
        is_wide_(lookup.wants_wide_numeric()),
        leaves_locks_(locks == Rewriter::Locks::LeftOut) {}

  using TypeHints = std::vector<std::optional<SqlType>>;

  // translate_query.cpp
  /// A SELECT, VALUES or set operation. `hints`: types that untyped literals in its columns take.
  std::string select(const PgQuery__SelectStmt& select, const Scope* outer, ColumnList& out,
                     const TypeHints* hints = nullptr);
  std::string with_clause(const PgQuery__WithClause& with, const Scope* outer);
  std::string from_clause(std::size_t count, Node* const* items, Scope& scope);
  std::string targets(std::size_t count, Node* const* nodes, const Scope& scope, ColumnList& out,
                      const TypeHints* hints);
  /// At the top untyped literals and parameters are text.
  void set_top_level(bool is_top_level) { is_top_level_ = is_top_level; }
  /// The SELECT that comes next locks its rows.
  void set_locking(const LockRequest* locking) { locking_ = locking; }
  void set_sends_rows(bool sends_rows) { sends_rows_ = sends_rows; }
  void push_ctes() {
    cte_scopes_.push_back(std::make_unique<CteScope>(CteScope{ctes_, {}})), ctes_ = cte_scopes_.back().get();
  }

  // translate_expression.cpp
  Typed expression(const Node* node, const Scope& scope);
  /// The value as one of `type`: literals and parameters without a type become it.
  Typed coerced(Typed value, const SqlType& type);
  /// Untyped literals and parameters of the list take the type of the others; returns the common type.
  std::optional<SqlType> unify(std::span<Typed> values);
  /// The same for values of which one is the result: whole numbers all get the common type, too.
  std::optional<SqlType> unify_results(std::span<Typed> values);
  static std::string operand(const Typed& value);
  // translate_jsonb.cpp
  /// A jsonb as bytes in its order, or as the text that all its equals have; anything else as it is.
  static Typed jsonb_key(Typed value);
  static Typed jsonb_plain(Typed value);
  /// The keys of a query of one column of jsonb.
  static std::string jsonb_rows(const std::string& query);
  static Typed jsonb_extreme(bool is_greatest, std::span<Typed> values);
  Typed cast_to(Typed value, const SqlType& type, const PgQuery__TypeName* name);
  /// PostgreSQL's output of a value as text.
  static std::string as_text(const Typed& value);

  Range table_range(const RelationInfo& info, const std::string& alias);
  void add_relation(const std::string& scan_name);

  const ParseTree& tree() const { return *tree_; }
  /// Switches to the tree of another handle (defaults are parsed apart); the returned guard switches back.
  class TreeSwitch {
   public:
    TreeSwitch(Translator& translator, std::shared_ptr<const ParseTree> tree)
        : translator_(translator), kept_(std::move(tree)) {
      std::swap(translator_.tree_, kept_);
    }
    ~TreeSwitch() { std::swap(translator_.tree_, kept_); }
    TreeSwitch(const TreeSwitch&) = delete;
    TreeSwitch& operator=(const TreeSwitch&) = delete;

   private:
    Translator& translator_;
    std::shared_ptr<const ParseTree> kept_;
  };

  std::vector<std::string> relations;
  std::vector<std::optional<SqlType>> parameter_types;
  /// Those that were met, as the whole statement's text needs them.
  std::vector<DuckQuery::LockingSubquery> locking_subqueries() const;

 private:
  friend class FunctionTranslator;

  // translate_query.cpp
  std::string plain_select(const PgQuery__SelectStmt& select, const Scope* outer, ColumnList& out,
                           const TypeHints* hints, const LockRequest* locking);
  std::string values(const PgQuery__SelectStmt& select, const Scope* outer, ColumnList& out,
                     const TypeHints* hints);
  std::string set_operation(const PgQuery__SelectStmt& select, const Scope* outer, ColumnList& out,
                            const TypeHints* hints);
  /// Whether jsonb is among what is grouped by.
  bool groups_jsonb(const PgQuery__SelectStmt& select, const Scope& scope);
  std::string rows_of_function(const PgQuery__SelectStmt& stmt, const PgQuery__FuncCall& call,
                               const Scope& scope, ColumnList& out);
  std::string group_clause(const PgQuery__SelectStmt& select, const Scope& scope, const ColumnList& out);
  std::string group_item(const Node* node, const Scope& scope, const ColumnList& out);
  /// `*` of relations of which some have jsonb, as texts that equals have in common.
  static std::optional<std::string> star_of_plain_jsonb(std::span<const Range> ranges, const Scope& scope);
  std::string sorted_output(const ColumnList& out, std::size_t at, std::string name) const;
  std::string order_clause(std::size_t count, Node* const* items, const Scope& scope, const ColumnList* out);
  std::string sort_item(const PgQuery__SortBy& sort, const Scope& scope, const ColumnList* out);
  std::string limit_clause(const PgQuery__SelectStmt& select, const Scope& scope);
  /// LIMIT and OFFSET that are evaluated apart see the queries of WITH, too.
  static void put_with_before_limits(const std::string& with, DuckQuery& query);
  std::string limit_of(const Node* node, const Scope& scope);
  const ScopeColumn* output_column(const Node* node, const Scope& scope, const ColumnList& out,
                                   bool prefers_input) const;
  void cte(const PgQuery__CommonTableExpr& cte, bool is_recursive, const Scope* outer, std::string& text);
  void cte_of_rows(const PgQuery__CommonTableExpr& cte, const NameLookup::WithRows& rows, std::string& text);

  // translate_search.cpp
  /// The query of a WITH that has SEARCH or CYCLE, with what these add; `columns` are its columns' names, and
  /// get those of what is added. Errors: PostgreSQL's for queries that they cannot be added to.
  Expr searched_query(const PgQuery__CommonTableExpr& cte, std::vector<std::string>& columns) const;

  // translate_ties.cpp
  /// FETCH FIRST n ROWS WITH TIES.
  std::string with_ties(const PgQuery__SelectStmt& stmt, const Scope* outer, ColumnList& out,
                        const TypeHints* hints);

  // translate_ordered_set.cpp
  static bool is_hypothetical(std::string_view name);
  Typed hypothetical(const PgQuery__FuncCall& call, std::vector<Typed> values, const Scope& scope);
  Typed interval_percentile(const PgQuery__FuncCall& call, const Typed& fraction, const Typed& key,
                            const Scope& scope);
  std::string numeric_series(std::vector<Typed> bounds);

  // translate_array_part.cpp
  Typed array_with_part(const PgQuery__FuncCall& call, const Scope& scope);

  // translate_locking.cpp
  enum class HowMany : std::uint8_t { All, One };
  void refuse_locking(const PgQuery__SelectStmt& select, const RowLocking& locking) const;
  /// A relation in FROM whose rows are locked.
  struct LockedSource {
    const Node* node = nullptr;
    std::string name;  // its alias, or the table's
    RowLocking locking;
  };
  std::vector<LockedSource> locked_sources(const PgQuery__SelectStmt& select,
                                           const std::vector<RowLocking>& clauses);
  std::string locked_columns(const std::vector<LockedSource>& sources, const Scope& scope,
                             const LockRequest& request, ColumnList& out);
  std::string locking_subquery(const PgQuery__SelectStmt& select, const Scope* outer, ColumnList& out,
                               const TypeHints* hints, std::vector<RowLocking> clauses, HowMany how_many);
  std::string pushed_select(const PgQuery__SelectStmt& select, const RowLocking& locking, const Scope* outer,
                            ColumnList& out, std::vector<DuckQuery::LockedRange>& exported);
  std::string locked_view(const RelationInfo& info, const RowLocking& locking, Range& range);
  std::vector<RowLocking> clauses_of(const PgQuery__SelectStmt& select) const;
  std::vector<const Cte*> with_all_used(const std::set<const Cte*>& uses) const;

  // translate_gapfill.cpp
  struct GapfillArguments {
    const Node* width = nullptr;
    const Node* time = nullptr;
    const Node* zone = nullptr;
    const Node* start = nullptr;
    const Node* finish = nullptr;
  };
  /// Texts of what bounds the time from below (it is at least this) and from above (less than this).
  struct Bounds {
    std::vector<std::string> starts;
    std::vector<std::string> finishes;
  };
  static const PgQuery__FuncCall* gapfill_of(const PgQuery__SelectStmt& stmt);
  std::string gapfill_select(const PgQuery__SelectStmt& stmt, const Scope& scope, const std::string& from,
                             const std::string& where, ColumnList& out, const TypeHints* hints);
  /// What a filled query groups by.
  struct FillGroups {
    std::string columns;  // targets of the grouped query
    std::string clause;   // of GROUP BY
    std::string series;   // columns that name a series
    const PgQuery__FuncCall* bucket = nullptr;
  };
  FillGroups fill_groups(const PgQuery__SelectStmt& stmt, const Scope& scope, Fill& fill);
  Typed filled_grouping(const PgQuery__GroupingFunc& call, const std::vector<std::string>& arguments,
                        const Fill& fill) const;
  std::string filled_star(const ColumnList& list, const std::string& relation, const Scope& scope,
                          int location, ColumnList& out) const;
  GapfillArguments gapfill_arguments(const PgQuery__FuncCall& call, const Scope& scope);
  Typed gapfill_bucket(const PgQuery__FuncCall& call, const Scope& scope);
  std::pair<Typed, Typed> bucket_width_and_time(Typed width, Typed time);
  std::string gapfill_bound(const char* name, const Node* given, const SqlType& type, const Scope& scope);
  std::pair<std::string, std::string> gapfill_range(const PgQuery__SelectStmt& stmt,
                                                    const GapfillArguments& arguments, const SqlType& type,
                                                    const Scope& scope);
  void collect_bounds(const Node* condition, const Node* time, const SqlType& type, const Scope& scope,
                      Bounds& bounds);
  void collect_join_bounds(const Node* from, const Node* time, const SqlType& type, const Scope& scope,
                           Bounds& bounds);
  Typed marker_value(const PgQuery__FuncCall& call, const Scope& scope, const Scope& of_series,
                     std::string& kind, std::vector<std::string>& lookups);
  /// The value where it depends on no row of the query; nothing where it does.
  std::optional<Typed> of_no_row(const Node* node, const Scope& scope);
  /// The relation and name of a column of the query itself.
  static std::optional<std::pair<std::string, std::string>> own_column(const Node* node, const Scope& scope);
  static std::optional<std::pair<std::string, std::string>> own_column(const std::string& relation,
                                                                       const std::string& name,
                                                                       const Scope& scope);
  Typed grouped_column(const Fill& fill, const std::string& relation, const std::string& name,
                       int location) const;
  std::optional<Typed> filled(const Node* node, const Scope& scope);

  // translate_from.cpp
  std::string from_item(const Node* node, Scope& scope, ColumnList& star);
  std::string table(const PgQuery__RangeVar& table, Scope& scope, ColumnList& star);
  std::string join(const PgQuery__JoinExpr& join, Scope& scope, ColumnList& star);
  // translate_asof.cpp
  /// The condition of an ASOF JOIN whose left side has the first `left_count` ranges.
  std::string asof_condition(const Node* condition, const Scope& scope, std::size_t left_count);
  /// The right side of `JOIN LATERAL (SELECT ... ORDER BY time DESC LIMIT 1)` for a join with the ranges that
  /// `scope` has: an as-of join, or without a time on the left one with the first row of each key. Nothing
  /// where it is not sure to give the same rows.
  struct LateralFirst {
    std::string text;
    std::string condition;
    bool is_asof = false;
  };
  std::optional<LateralFirst> asof_lateral(const PgQuery__JoinExpr& item, Scope& scope, ColumnList& star);
  std::string subselect(const PgQuery__RangeSubselect& item, Scope& scope, ColumnList& star);
  /// DuckDB wants to know the arguments of such a call when it binds.
  std::string table_function_call(const PgQuery__FuncCall& call, const Scope& scope);
  std::string range_function(const PgQuery__RangeFunction& item, Scope& scope, ColumnList& star);
  std::string functions_side_by_side(const PgQuery__RangeFunction& item, Scope& scope, ColumnList& star);
  std::string json_records(const PgQuery__RangeFunction& item, const std::string& kind, const Typed& value,
                           Range& range);
  std::string alias_text(const PgQuery__Alias* alias, Range& range);

  // translate_expression.cpp, translate_column.cpp, translate_cast.cpp
  Typed constant(const PgQuery__AConst& constant);
  Typed column(const PgQuery__ColumnRef& ref, const Scope& scope);
  Typed found_column(const PgQuery__ColumnRef& ref, const Scope& scope);
  /// Errors: InsufficientPrivilege where the role may not read the column, or one of them.
  void check_readable(const ScopeColumn& column) const;
  void check_readable(const ColumnList& list) const;
  /// A NUMERIC or whole number as a number of any digits, where the statement computes with those.
  Typed widened(Typed value) const;
  /// character(n) as a text: without the blanks that fill it up.
  static Typed unpadded(Typed value);
  /// As a double precision, where a function takes those and the value is of any digits.
  Typed as_double(Typed value) const;
  Typed unqualified_column(const std::string& name, const PgQuery__ColumnRef& ref, const Scope& scope);
  Typed qualified_column(const std::string& schema, const std::string& relation, const std::string& name,
                         const PgQuery__ColumnRef& ref, const Scope& scope);
  Typed whole_row(const std::string& alias, const Scope& scope);
  Typed system_column(const Range& range, const std::string& name, int location);
  Typed parameter(const PgQuery__ParamRef& ref);
  Typed numbered_parameter(int number, int location);
  Typed type_cast(const PgQuery__TypeCast& cast, const Scope& scope);
  Typed current_of(const PgQuery__CurrentOfExpr& current, const Scope& scope);
  Typed sub_link(const PgQuery__SubLink& link, const Scope& scope);
  /// Where a condition stands: as a value of each row, or where it chooses rows, so that false is as good as
  /// not known.
  enum class Place : std::uint8_t { Value, Filter };
  Typed bool_expression(const PgQuery__BoolExpr& expr, const Scope& scope, Place place);
  Typed case_expression(const PgQuery__CaseExpr& expr, const Scope& scope);
  Typed value_function(const PgQuery__SQLValueFunction& function);
  const char* now_text() const { return is_bound_once_ ? "pg_timestamptz('now')" : "now()"; }
  Typed array(const PgQuery__AArrayExpr& expr, const Scope& scope);
  Typed indirection(const PgQuery__AIndirection& expr, const Scope& scope);
  std::string condition(const Node* node, const Scope& scope, const char* construct);
  Typed filter(const Node* node, const Scope& scope, const char* construct);
  Typed boolean(const Node* node, const Scope& scope, const char* construct);
  Typed list_of(const char* name, std::size_t count, Node* const* nodes, const Scope& scope);

  // translate_operator.cpp
  Typed operation(const PgQuery__AExpr& expr, const Scope& scope);
  /// A target of a query whose rows are sent as they come: a quotient among its outer operators is computed
  /// with any number of digits at once, for it is too late to run the statement again once rows are sent.
  Typed streamed_target(const Node* node, const Scope& scope);
  std::optional<Typed> wide_chain(const Node* node, const Scope& scope);
  Typed binary(const std::string& op, Typed left, Typed right, int location);
  Typed unary(const std::string& op, Typed value, int location);
  Typed comparison(const std::string& op, Typed left, Typed right, int location);
  Typed row_comparison(const std::string& op, const PgQuery__RowExpr& left, const PgQuery__RowExpr& right,
                       const Scope& scope, int location);
  Typed row_and_subquery(const std::string& op, const PgQuery__RowExpr& left, const PgQuery__SubLink& link,
                         const Scope& scope, int location);
  Typed pairs_compared(const std::string& op, std::vector<std::array<Typed, 2>> pairs, int location);
  Typed in_list(const PgQuery__AExpr& expr, const Scope& scope);
  Typed any_all(const PgQuery__AExpr& expr, const Scope& scope, bool is_any, Place place,
                bool is_negated = false);
  Typed like(const PgQuery__AExpr& expr, const Scope& scope);
  Typed like_text(Typed value, Typed pattern, const Typed* escape, bool is_negated, bool ignores_case);
  enum class SimilarFor : std::uint8_t { Match, Substring };
  /// The regular expression that a pattern of SIMILAR TO is.
  std::string similar_text(Typed pattern, std::optional<Typed> escape, SimilarFor use);
  Typed similar(const PgQuery__AExpr& expr, const Scope& scope);
  Typed between(const PgQuery__AExpr& expr, const Scope& scope);
  Typed arithmetic(const std::string& op, Typed left, Typed right);
  Typed json_operation(const std::string& op, Typed left, Typed right);

  // translate_user_type.cpp
  std::shared_ptr<const EnumLabels> labels_of(const SqlType& type) const;
  /// DuckDB's name of the type; `duck_type` where it is none of a user's.
  std::string type_text(const SqlType& type) const;
  /// PostgreSQL's, as messages have it.
  std::string type_words(const std::optional<SqlType>& type) const;
  /// The literal as one of the type. Errors: those of the type's input function.
  std::string literal_text(const SqlType& type, std::string_view literal) const;
  const FormatContext& literal_format() const;
  Typed cast_to_enum(Typed value, const SqlType& type);
  /// An enum compares with its own type alone.
  void require_one_enum(std::span<const Typed> values, const std::string& op, int location) const;
  /// What is to have one type is of one enum type or of none.
  void require_one_enum(std::span<const Typed> values) const;
  /// enum_first, enum_last, enum_range; nothing for other calls.
  std::optional<Typed> enum_function(const std::string& name, std::vector<Typed>& arguments);
  /// A value of a domain's base type as one of the domain.
  Typed checked_domain(Typed value, const NameLookup::UserType& domain);

  // translate_user_function.cpp
  struct InlinedCall;
  /// The call of a function in SQL as its body; nothing where the name is none of such a function.
  std::optional<Typed> user_function(const PgQuery__FuncCall& call, const Scope& scope, bool is_in_from);
  /// The rows of a function in SQL that returns a set: a query in parentheses; its columns go to `range`.
  std::optional<std::string> user_table_function(const PgQuery__FuncCall& call, const Scope& scope,
                                                 Range& range);
  InlinedCall inlined_call(const PgQuery__FuncCall& call, const Scope& scope,
                           const std::vector<NameLookup::UserFunction>& functions);
  Typed inlined_expression(InlinedCall& call, const Node* target);
  std::string inlined_query(InlinedCall& call, const PgQuery__SelectStmt& body, ColumnList& out);
  bool reads_rows(const Node* node) const;
  Typed inlined_parameter(std::size_t index);
  /// By `name` or `function.name`: of the function whose body is at hand.
  std::optional<Typed> named_parameter(const std::string& function, const std::string& name, int location);

  // translate_function.cpp
  Typed function(const PgQuery__FuncCall& call, const Scope& scope, bool is_in_from = false);
  std::string window(const PgQuery__WindowDef& window, const Scope& scope);
  std::string window_body(const PgQuery__WindowDef& window, const Scope& scope);

  [[noreturn]] void fail_no_operator(const std::string& op, const Typed& left, const Typed& right,
                                     int location) const;
  [[noreturn]] void refuse(const std::string& construct, int location = -1) const;
  Error located(Error error, int location) const;

  const NameLookup& lookup_;
  std::shared_ptr<const ParseTree> tree_;
  const CteScope* ctes_ = nullptr;
  std::vector<std::unique_ptr<CteScope>> cte_scopes_;
  bool is_top_level_ = false;
  const bool is_wide_;       // NUMERIC is computed with any number of digits
  const bool leaves_locks_;  // a text that is not run
  bool is_kept_ = false;     // of a view: literals are not by the session's settings
  bool is_probing_ = false;  // translated only to see whether it can be
  const LockRequest* locking_ = nullptr;
  HowMany how_many_ = HowMany::All;                 // rows that are asked for of the SELECT that comes next
  std::map<const void*, RowLocking> pushed_locks_;  // queries and views in FROM whose rows are to be locked
  struct Subquery {
    const void* node = nullptr;
    const Cte* owner = nullptr;  // the WITH query that it stands in
    std::shared_ptr<const DuckQuery> query;
  };
  std::vector<Subquery> subqueries_;
  std::map<std::string, Expr> views_;  // those that were opened, by name
  std::deque<Cte> entries_of_ctes_;
  const Cte* current_cte_ = nullptr;
  std::size_t cte_count_ = 0;
  std::size_t export_count_ = 0;
  std::size_t fill_count_ = 0;
  std::size_t asof_count_ = 0;
  std::set<const Cte*> used_;                 // by the statement itself
  std::set<const Cte*>* uses_ = &used_;       // by the query at hand
  const char* without_aggregates_ = nullptr;  // the clause that we are in and that may have none
  bool sends_rows_ = false;                   // the rows of the query go to a client
  bool keeps_group_ = false;                  // the SELECT that comes next has a row where its FROM has none
  bool makes_distinct_ = false;               // rows of the SELECT that comes next are compared
  bool is_jsonb_plain_ = false;               // columns of jsonb as texts that equals have in common
  bool is_sorted_as_given_ = false;           // what is ordered by is what comes of it: WITHIN GROUP
  std::vector<std::string>* target_texts_ = nullptr;  // of the SELECT at hand; empty for those of a star
  bool streams_rows_ = false;                         // the targets at hand are sent as they are computed
  bool is_first_pass_ = false;                        // over a set operation's arms, to learn their types
  InlinedCall* inlined_ = nullptr;                    // whose body is at hand
  std::size_t inlined_count_ = 0;
  std::size_t inlined_calls_ = 0;
  std::size_t volatile_calls_ = 0;  // met so far
  bool is_bound_once_ = false;      // in arguments of table functions: no parameters, so no now()
};

/// Sets a variable for the life of a block.
template <typename T>
class Holding {
 public:
  Holding(T& variable, T value) : variable_(variable), kept_(variable) { variable_ = value; }
  ~Holding() { variable_ = kept_; }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  T& variable_;
  T kept_;
};

/// `=` and its kin, which DuckDB writes as PostgreSQL does.
bool is_comparison(std::string_view op);

/// The type of arrays of it, without modifiers (which of a user's type are none).
inline SqlType array_of(const SqlType& type) {
  SqlType array = type.id == TypeId::Enum ? type : SqlType::of(type.id);
  array.is_array = true;
  return array;
}

/// Whether the expression depends on a row.
bool reads_columns(const Node* node);
/// Whether there is a subquery in it.
bool has_query(const Node* node);

/// The type that two of different types meet in, as PostgreSQL resolves CASE, UNION and their kin; nothing
/// where there is none.
std::optional<SqlType> common_type(const SqlType& a, const SqlType& b);

/// PostgreSQL's name of a target that has none of its own.
std::string output_name_of(const Node* value);

}  // namespace tickstone::sql
