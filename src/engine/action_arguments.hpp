// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session_context.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// The arguments of an action, by the names that its signature gives them; values are made when asked for.
/// Errors: UndefinedFunction for a name or a count that the signature does not have.
class ActionArguments {
 public:
  ActionArguments(SessionContext& context, std::string_view function,
                  const std::vector<sql::ActionStatement::Argument>& arguments,
                  std::span<const Value> parameters, const std::vector<std::string_view>& signature);

  const sql::Expr* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Nothing when left out or NULL.
  std::optional<Value> value(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<IntervalValue> interval(std::string_view name) const;
  /// A table or view given as text, regclass or oid. Errors: NullValueNotAllowed, UndefinedTable.
  const catalog::RelationObject& relation(std::string_view name) const;

 private:
  SessionContext& context_;
  std::string function_;
  std::span<const Value> parameters_;
  std::vector<std::pair<std::string, const sql::Expr*>> arguments_;
};

}  // namespace tickstone::engine
