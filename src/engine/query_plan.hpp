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

namespace tickstone::engine {

/// A query rewritten and planned by DuckDB, to be run many times.
/// It holds as long as the catalog, the settings and the connection are those it was made with; data may
/// change freely.
class QueryPlan {
 public:
  /// `declared`: types of $1.. that the client gave (Unknown: infer).
  static std::shared_ptr<QueryPlan> make(SessionContext& context, const sql::Expr& query,
                                         std::span<const SqlType> declared);

  bool is_valid(SessionContext& context) const;
  const std::vector<ResultColumn>& columns() const { return columns_; }
  const std::vector<SqlType>& parameter_types() const { return parameter_types_; }
  std::unique_ptr<duck::ResultStream> open(std::span<const Value> parameters) {
    return prepared_->execute(parameters);
  }
  /// Made with numbers of any digits: where the session asks for it, or where constants need it.
  bool is_wide() const { return is_wide_; }

 private:
  static std::shared_ptr<QueryPlan> make_as_asked(SessionContext& context, const sql::Expr& query,
                                                  std::span<const SqlType> declared);

  std::shared_ptr<const catalog::Catalog> catalog_;
  std::uint64_t settings_version_ = 0;
  std::shared_ptr<duck::Connection> connection_;  // outlives the prepared query
  std::unique_ptr<duck::PreparedQuery> prepared_;
  std::vector<ResultColumn> columns_;
  std::vector<SqlType> parameter_types_;
  bool is_wide_ = false;
};

/// Whether a statement failed because 38 digits do not hold a number that it computes.
bool needs_wide_numeric(const Error& error);

/// Plans of queries found by their text with the literals lifted out, so that the parser sees each shape
/// once.
class LiftedPlans {
 public:
  /// Runs `statement` by a plan of its shape and returns its tag; nothing where it must take the general way.
  std::optional<std::string> try_run(Execution& execution, std::string_view statement);

 private:
  struct Entry {
    std::shared_ptr<QueryPlan> plan;
    std::string tag;
    bool is_usable = true;  // false: its literals are no parameters (a type would be lost)
  };
  std::optional<std::vector<Value>> values_of(const QueryPlan& plan, const sql::LiftedStatement& lifted,
                                              const FormatContext& format) const;
  std::unordered_map<std::string, Entry> entries_;
};

/// Sends the rows of a stream and counts them.
std::uint64_t send_rows(Execution& execution, duck::ResultStream& stream,
                        const std::vector<ResultColumn>& columns);

}  // namespace tickstone::engine
