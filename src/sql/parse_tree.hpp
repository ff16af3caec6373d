// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pg_query/pg_query.pb-c.h>

#include "sql/statement.hpp"

namespace tickstone::sql {

using Node = PgQuery__Node;

/// Memory for a tree's nodes, freed all at once.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(std::size_t bytes);
  /// For protobuf-c; freeing does nothing.
  ProtobufCAllocator allocator();

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_bytes_ = 0;
};

/// The parse tree of a text of one or more statements.
class ParseTree {
 public:
  /// Errors: SyntaxError with PostgreSQL's message and the position in `text`; ProgramLimitExceeded for what
  /// nests too deep. Joins with ASOF are marked (asof_text.hpp).
  static std::shared_ptr<const ParseTree> parse(std::string_view text);
  /// The same of a text that was kept: a default, a check. What it says of dates is not by the settings of
  /// who runs it.
  static std::shared_ptr<const ParseTree> parse_kept(std::string_view text);
  bool is_kept() const { return is_kept_; }

  const std::string& text() const { return text_; }
  /// For nodes that are added to the tree; as long as it lives. Threads: one.
  void* allocate(std::size_t bytes) const { return arena_.allocate(bytes); }
  std::size_t statement_count() const { return result_->n_stmts; }
  const Node* statement(std::size_t index) const { return result_->stmts[index]->stmt; }
  /// The statement's own text, without the semicolon and the white space around it.
  std::string_view statement_text(std::size_t index) const;
  /// The 1-based character position in its statement's text of a node's location (a byte offset, or -1); 0
  /// when unknown.
  std::uint32_t position(int location) const;

 private:
  ParseTree() = default;
  static std::shared_ptr<ParseTree> parse_as_it_is(std::string_view text);

  std::string text_;
  bool is_kept_ = false;
  mutable Arena arena_;
  PgQuery__ParseResult* result_ = nullptr;
  std::vector<std::pair<std::size_t, std::size_t>> ranges_;  // bytes of each statement's text
};

/// PostgreSQL text of a statement node, which reads as that node. Cost: it is parsed again. Errors:
/// FeatureNotSupported where the library's text would say something else.
std::string deparse_statement(const Node* node);

/// Whether a SELECT in it has a locking clause, at the top or further in.
bool locks_rows(const Node* node);

/// Where the expression begins: the least location in it, or -1.
int location_of(const Node* node);

/// Calls `visit` for `message` and all messages below it, parents first; it returns whether to go below.
void walk(const ProtobufCMessage* message, const std::function<bool(const ProtobufCMessage*)>& visit);
/// What a condition is AND of; itself where it is nothing but one.
void append_conjuncts(const Node* condition, std::vector<const Node*>& out);

/// The node as the message of type `descriptor`, or nothing.
template <typename Message>
const Message* as_message(const ProtobufCMessage* message, const ProtobufCMessageDescriptor& descriptor) {
  return message->descriptor == &descriptor ? reinterpret_cast<const Message*>(message) : nullptr;
}

inline Expr make_expr(const std::shared_ptr<const ParseTree>& tree, const Node* node) {
  return Expr{tree, node};
}
inline const Node* node_of(const Expr& expr) { return static_cast<const Node*>(expr.node); }

/// The function that an assignment to a part of an array becomes: the array, the values, the place or both
/// ends of it, the column's name.
inline constexpr const char* kArraySet = "pg_array_set";

/// The text of a String node.
inline const char* string_of(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : "";
}

}  // namespace tickstone::sql
