// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/point_read.hpp"

namespace tickstone::engine {

/// A query rewritten and planned by DuckDB, to be run many times.
/// It holds as long as the catalog, the settings and the connection are those it was made with; data may
/// change freely.
class QueryPlan {
 public:
  /// `declared`: types of $1.. that the client gave (Unknown: infer).
  static std::shared_ptr<QueryPlan> make(SessionContext& context, const sql::Expr& query,
                                         std::span<const SqlType> declared);

  bool is_valid(const SessionContext& context) const;
  /// To another session of the same user with the same settings, which has taken over the connection.
  void move_to(SessionContext& context);
  const std::vector<ResultColumn>& columns() const { return columns_; }
  const std::vector<SqlType>& parameter_types() const { return parameter_types_; }

  struct Opened {
    std::unique_ptr<duck::ResultStream> stream;
    bool holds_connection = true;  // to DuckDB, for as long as it is open
  };
  /// Runs it in the context that it was made in.
  Opened open(std::span<const Value> parameters);
  /// Made with numbers of any digits: where the session asks for it, or where constants need it.
  bool is_wide() const { return is_wide_; }

 private:
  static std::shared_ptr<QueryPlan> make_as_asked(SessionContext& context, const sql::Expr& query,
                                                  std::span<const SqlType> declared);
  void prepare();

  SessionContext* context_ = nullptr;
  std::string text_;
  std::shared_ptr<const PointReader> point_;  // nullptr: the query is more than that
  std::shared_ptr<const catalog::Catalog> catalog_;
  std::uint64_t settings_version_ = 0;
  std::shared_ptr<duck::Connection> connection_;   // outlives the prepared query
  std::unique_ptr<duck::PreparedQuery> prepared_;  // of a point read made when values first need it
  std::vector<ResultColumn> columns_;
  std::vector<SqlType> parameter_types_;
  bool is_wide_ = false;
};

/// Whether a statement failed because 38 digits do not hold a number that it computes.
bool needs_wide_numeric(const Error& error);

/// A session's plans: of simple queries by their text with the literals lifted out, so that the parser sees
/// each shape once, and of prepared ones by their text.
class PlanCache {
 public:
  /// Whether `statement` is one that `try_run` has or makes a plan for. Remembers its shape.
  bool is_known(std::string_view statement);
  /// Runs `statement` by a plan of its shape and returns its tag; nothing where it must take the general way.
  std::optional<std::string> try_run(Execution& execution, std::string_view statement);
  /// The plan of a query, whose text is `text`; made where there is none that holds. `declared` as of
  /// `QueryPlan::make`.
  std::shared_ptr<QueryPlan> plan_of(SessionContext& context, const std::string& text, const sql::Expr& query,
                                     std::span<const SqlType> declared);

  bool is_empty() const { return lifted_.empty() && by_text_.empty(); }
  /// Drops plans that do not hold in `context`.
  void keep_valid(SessionContext& context);
  /// Hands the plans to another session, see `QueryPlan::move_to`.
  void move_to(SessionContext& context);

 private:
  struct Entry {
    std::shared_ptr<QueryPlan> plan;
    std::string tag;
    StatementSlot slot;
    bool is_usable = true;  // false: its literals are no parameters (a type would be lost)
  };
  static std::optional<sql::LiftedStatement> lift(std::string_view statement);
  /// The entry of a shape that may have a plan; nullptr where it is new, and remembered, and where it may
  /// not.
  Entry* find_shape(const std::string& shape);
  std::optional<std::vector<Value>> values_of(const QueryPlan& plan, const sql::LiftedStatement& lifted,
                                              const FormatContext& format) const;
  std::unordered_map<std::string, Entry> lifted_;
  std::unordered_map<std::string, std::shared_ptr<QueryPlan>> by_text_;  // and declared types
};

/// Sends the rows of a stream and counts them.
std::uint64_t send_rows(Execution& execution, duck::ResultStream& stream,
                        const std::vector<ResultColumn>& columns);

}  // namespace tickstone::engine
