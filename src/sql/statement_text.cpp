// SPDX-License-Identifier: Apache-2.0
// A tree as the text that PostgreSQL reads as that tree.
//
// The library prints some operands without the parentheses that they need (`(at AT TIME ZONE 'UTC')::date`,
// `(a AND b) IS TRUE`), so what it prints is read again and compared. Where it is another statement it is
// printed once more with parentheses around all such operands; what is another one still is refused.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pg_query.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/duck_text.hpp"
#include "sql/parse_tree.hpp"

namespace tickstone::sql {

namespace {

using Packed = std::vector<char>;

Packed pack(const PgQuery__ParseResult& result) {
  Packed packed(pg_query__parse_result__get_packed_size(&result));
  pg_query__parse_result__pack(&result, reinterpret_cast<std::uint8_t*>(packed.data()));
  return packed;
}

/// A copy whose memory is the arena's, so that it may be changed.
PgQuery__ParseResult& unpack(const Packed& packed, Arena& arena) {
  ProtobufCAllocator allocator = arena.allocator();
  PgQuery__ParseResult* result = pg_query__parse_result__unpack(
      &allocator, packed.size(), reinterpret_cast<const std::uint8_t*>(packed.data()));
  TICKSTONE_CHECK(result != nullptr);
  return *result;
}

template <typename Message>
Message& changeable(const ProtobufCMessage* message) {
  return *reinterpret_cast<Message*>(const_cast<ProtobufCMessage*>(message));
}

/// Whether the name of an argument means itself as it stands.
bool is_plain_argument(const std::string& name) {
  const bool is_word = std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
  if (!is_word) return false;
  try {
    ParseTree::parse("SELECT f(" + name + " => 1)");
    return true;
  } catch (const Error&) {
    return false;  // a keyword
  }
}

/// The library prints names of arguments as they are: those that need quotes get them here.
void quote_argument_names(PgQuery__ParseResult& tree, Arena& arena) {
  walk(&tree.base, [&arena](const ProtobufCMessage* message) {
    if (message->descriptor != &pg_query__named_arg_expr__descriptor) return true;
    auto& argument = changeable<PgQuery__NamedArgExpr>(message);
    if (is_plain_argument(argument.name)) return true;
    const std::string quoted = duck_quoted_identifier(argument.name);
    argument.name = static_cast<char*>(arena.allocate(quoted.size() + 1));
    std::memcpy(argument.name, quoted.c_str(), quoted.size() + 1);
    return true;
  });
}

/// Where in a text something stands is no part of what it says.
Packed without_places(const Packed& packed) {
  Arena arena;
  PgQuery__ParseResult& tree = unpack(packed, arena);
  walk(&tree.base, [](const ProtobufCMessage* message) {
    for (unsigned i = 0; i < message->descriptor->n_fields; ++i) {
      const ProtobufCFieldDescriptor& field = message->descriptor->fields[i];
      const std::string_view name = field.name;
      if (field.type == PROTOBUF_C_TYPE_INT32 && field.label != PROTOBUF_C_LABEL_REPEATED &&
          (name.ends_with("location") || name == "stmt_len")) {
        *reinterpret_cast<std::int32_t*>(
            const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(message)) + field.offset) = 0;
      }
    }
    return true;
  });
  return pack(tree);
}

Packed pack_statement(const Node* node) {
  PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
  raw.stmt = const_cast<Node*>(node);
  PgQuery__RawStmt* statements[] = {&raw};
  PgQuery__ParseResult result = PG_QUERY__PARSE_RESULT__INIT;
  result.version = PG_VERSION_NUM;
  result.n_stmts = 1;
  result.stmts = statements;
  return pack(result);
}

/// Nothing where it is no statement.
Packed read_again(const std::string& text) {
  try {
    const std::shared_ptr<const ParseTree> tree = ParseTree::parse_kept(text);
    if (tree->statement_count() != 1) return {};
    return without_places(pack_statement(tree->statement(0)));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::SyntaxError) throw;
    return {};
  }
}

/// Whether an operand may need parentheses that the library does not print.
bool may_need_parentheses(const Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_A_EXPR:
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
    case PG_QUERY__NODE__NODE_NULL_TEST:
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
    case PG_QUERY__NODE__NODE_CASE_EXPR:
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return true;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return node.func_call->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX;
    default:
      return false;
  }
}

/// What the library prints in parentheses where it has subscripts.
bool is_in_parentheses_with_subscripts(const Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_FUNC_CALL || node.node_case == PG_QUERY__NODE__NODE_A_EXPR ||
         node.node_case == PG_QUERY__NODE__NODE_A_INDIRECTION;
}

Node* subscripted(Node* inner, Arena& arena) {
  auto* indirection = static_cast<PgQuery__AIndirection*>(arena.allocate(sizeof(PgQuery__AIndirection)));
  pg_query__a__indirection__init(indirection);
  indirection->arg = inner;
  auto* node = static_cast<Node*>(arena.allocate(sizeof(Node)));
  pg_query__node__init(node);
  node->node_case = PG_QUERY__NODE__NODE_A_INDIRECTION;
  node->a_indirection = indirection;
  return node;
}

/// Where an operand hangs in the tree.
struct Slot {
  Node** node;
  bool has_subscripts;
};
using Slots = std::vector<Slot>;

void add_operand(Node*& operand, Slots& slots) {
  if (operand == nullptr) return;
  if (operand->node_case == PG_QUERY__NODE__NODE_LIST) {  // of BETWEEN and IN
    for (std::size_t i = 0; i < operand->list->n_items; ++i) add_operand(operand->list->items[i], slots);
  } else if (may_need_parentheses(*operand)) {
    slots.push_back({&operand, false});
  }
}

void add_operands(const ProtobufCMessage* message, Slots& slots) {
  if (message->descriptor == &pg_query__a__expr__descriptor) {
    auto& expr = changeable<PgQuery__AExpr>(message);
    add_operand(expr.lexpr, slots);
    add_operand(expr.rexpr, slots);
  } else if (message->descriptor == &pg_query__bool_expr__descriptor) {
    auto& expr = changeable<PgQuery__BoolExpr>(message);
    for (std::size_t i = 0; i < expr.n_args; ++i) add_operand(expr.args[i], slots);
  } else if (message->descriptor == &pg_query__null_test__descriptor) {
    add_operand(changeable<PgQuery__NullTest>(message).arg, slots);
  } else if (message->descriptor == &pg_query__boolean_test__descriptor) {
    add_operand(changeable<PgQuery__BooleanTest>(message).arg, slots);
  } else if (message->descriptor == &pg_query__type_cast__descriptor) {
    add_operand(changeable<PgQuery__TypeCast>(message).arg, slots);
  } else if (message->descriptor == &pg_query__collate_clause__descriptor) {
    add_operand(changeable<PgQuery__CollateClause>(message).arg, slots);
  } else if (message->descriptor == &pg_query__a__indirection__descriptor) {
    // Between these two the library prints parentheses of its own.
    Node*& operand = changeable<PgQuery__AIndirection>(message).arg;
    if (!is_in_parentheses_with_subscripts(*operand) && may_need_parentheses(*operand))
      slots.push_back({&operand, true});
  } else if (message->descriptor == &pg_query__sub_link__descriptor) {
    add_operand(changeable<PgQuery__SubLink>(message).testexpr, slots);
  } else if (message->descriptor == &pg_query__func_call__descriptor) {
    auto& call = changeable<PgQuery__FuncCall>(message);
    if (call.funcformat != PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX) return;
    for (std::size_t i = 0; i < call.n_args; ++i) add_operand(call.args[i], slots);
  }
}

/// The tree knows no parentheses, but the library prints them around what has subscripts, even none of them.
void parenthesize(PgQuery__ParseResult& tree, Arena& arena) {
  Slots slots;
  walk(&tree.base, [&](const ProtobufCMessage* message) {
    add_operands(message, slots);
    return true;
  });
  for (const Slot& slot : slots) {
    Node*& node = *slot.node;
    if (!slot.has_subscripts && !is_in_parentheses_with_subscripts(*node)) node = subscripted(node, arena);
    node = subscripted(node, arena);
  }
}

std::string print(const PgQuery__ParseResult& tree) {
  Packed packed = pack(tree);
  const PgQueryDeparseResult printed =
      pg_query_deparse_protobuf(PgQueryProtobuf{packed.size(), packed.data()});
  const std::unique_ptr<const PgQueryDeparseResult, void (*)(const PgQueryDeparseResult*)> release(
      &printed, [](const PgQueryDeparseResult* r) { pg_query_free_deparse_result(*r); });
  if (printed.error != nullptr) {
    throw Error(ErrorCode::InternalError,
                fmt::format("cannot print a statement: {}", printed.error->message));
  }
  return printed.query;
}

}  // namespace

std::string deparse_statement(const Node* node) {
  const Packed packed = pack_statement(node);
  const Packed wanted = without_places(packed);
  Arena arena;
  PgQuery__ParseResult& tree = unpack(packed, arena);
  quote_argument_names(tree, arena);
  std::string text = print(tree);
  if (read_again(text) == wanted) return text;
  parenthesize(tree, arena);
  text = print(tree);
  if (read_again(text) == wanted) return text;
  throw Error(ErrorCode::FeatureNotSupported,
              "a part of this statement cannot be printed without changing it",
              fmt::format("It would read: {}", text));
}

}  // namespace tickstone::sql
