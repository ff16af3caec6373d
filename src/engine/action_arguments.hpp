// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/chunk_facts.hpp"
#include "engine/session_context.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// The arguments of an action, by the names that its signature gives them; values are made when asked for,
/// unless they are given: one for each argument.
/// Errors: UndefinedFunction for a name or a count that the signature does not have.
class ActionArguments {
 public:
  ActionArguments(SessionContext& context, std::string_view function,
                  const std::vector<sql::ActionStatement::Argument>& arguments,
                  std::span<const Value> parameters, const std::vector<std::string_view>& signature,
                  const std::vector<Value>* values = nullptr);

  /// nullptr where it was left out, or given as a value.
  const sql::Expr* find(std::string_view name) const;
  std::span<const Value> parameters() const { return parameters_; }
  bool has(std::string_view name) const;
  /// Nothing when left out or NULL.
  std::optional<Value> value(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<IntervalValue> interval(std::string_view name) const;
  /// A table or view given as text, regclass or oid, which is the session's to change. Lifetime: the
  /// arguments'. Errors: NullValueNotAllowed, UndefinedTable, InsufficientPrivilege.
  const catalog::RelationObject& relation(std::string_view name) const;
  /// A hypertable. Errors: those of `relation`; HypertableNotExist.
  const catalog::RelationObject& hypertable(std::string_view name) const;
  /// A chunk, by name or oid. Errors: those of `relation`; UndefinedObject `chunk not found`, or
  /// InvalidParameterValue
  /// `"t" is not a chunk`, as TimescaleDB has it of the function.
  catalog::Chunk chunk(std::string_view name) const;
  std::vector<catalog::Chunk> chunks(std::string_view name) const;  // of an array

 private:
  struct Argument {
    std::string name;
    const sql::Expr* expr = nullptr;
    const Value* value = nullptr;  // instead
  };
  const Argument* find_argument(std::string_view name) const;
  /// The catalog of now, kept for the object's life: what is found in it stays, whatever is edited.
  const catalog::Catalog& held_catalog() const;
  catalog::Chunk chunk_of(const Value& value) const;
  const catalog::RelationObject& named_relation(std::string_view name) const;

  SessionContext& context_;
  std::string function_;
  std::span<const Value> parameters_;
  std::vector<Argument> arguments_;
  mutable std::vector<std::shared_ptr<const catalog::Catalog>> held_;
};

}  // namespace tickstone::engine
