// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/portal.hpp"

namespace tickstone::engine {

/// Statements that need neither a view nor a transaction of their own.
bool is_control(const sql::Statement& statement);

/// A session's prepared statements by name; of the protocol's Parse and of SQL's PREPARE.
class PreparedStatements {
 public:
  PreparedStatements(SessionContext& context, PlanCache& plans) : context_(context), plans_(plans) {}

  /// Nothing where there is none.
  std::shared_ptr<Prepared> find_if_any(const std::string& name) const;
  /// Shared with the portals bound to it. Errors: InvalidSqlStatementName.
  std::shared_ptr<Prepared> find(const std::string& name) const;
  /// Errors: DuplicatePreparedStatement.
  void require_free(const std::string& name) const;
  void put(const std::string& name, std::shared_ptr<Prepared> prepared) {
    statements_[name] = std::move(prepared);
  }
  /// Those with a name.
  std::vector<catalog::RunningFacts::PreparedStatementInfo> all() const;
  void erase(const std::string& name) { statements_.erase(name); }
  void clear() { statements_.clear(); }

  /// Parameters and columns, and of a query its plan, made anew where it no longer holds. Begins a
  /// transaction where there is none.
  void analyze(Prepared& prepared);
  /// The arguments of EXECUTE as the parameters' types. Errors: SyntaxError for another number of them.
  std::vector<Value> arguments_of(const sql::ExecuteStatement& execute, const Prepared& prepared);

 private:
  SessionContext& context_;
  PlanCache& plans_;
  std::map<std::string, std::shared_ptr<Prepared>> statements_;
};

}  // namespace tickstone::engine
