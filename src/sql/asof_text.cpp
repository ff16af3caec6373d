// SPDX-License-Identifier: Apache-2.0
#include "sql/asof_text.hpp"

#include <algorithm>
#include <optional>

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"
#include "sql/lexer.hpp"

namespace tickstone::sql {

namespace {

constexpr std::string_view kMark = "pg_asof";

bool is_word(std::string_view text, const Token& token, std::string_view word) {
  if (token.kind != TokenKind::Identifier || token.end - token.begin != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (to_lower(text[token.begin + i]) != word[i]) return false;
  }
  return true;
}

bool mentions_asof(std::string_view text) {
  for (std::size_t at = text.find_first_of("aA"); at != std::string_view::npos && at + 4 <= text.size();
       at = text.find_first_of("aA", at + 1)) {
    if (to_lower(text[at + 1]) == 's' && to_lower(text[at + 2]) == 'o' && to_lower(text[at + 3]) == 'f')
      return true;
  }
  return false;
}

/// The least and the greatest place in a part of the tree; nothing where it has none.
std::optional<std::pair<int, int>> extent_of(const Node* node) {
  std::optional<std::pair<int, int>> extent;
  walk(&node->base, [&extent](const ProtobufCMessage* message) {
    const ProtobufCFieldDescriptor* field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "location");
    if (field != nullptr && field->type == PROTOBUF_C_TYPE_INT32) {
      const auto at = *reinterpret_cast<const std::int32_t*>(reinterpret_cast<const std::uint8_t*>(message) +
                                                             field->offset);
      // A table has a place, a star may have none.
      if (at >= 0) {
        if (!extent) extent = {at, at};
        extent = {std::min(extent->first, at), std::max(extent->second, at)};
      }
    }
    return true;
  });
  return extent;
}

template <typename Message>
Message* made(const ParseTree& tree, void (*init)(Message*)) {
  auto* message = static_cast<Message*>(tree.allocate(sizeof(Message)));
  init(message);
  return message;
}

char* kept(const ParseTree& tree, std::string_view text) {
  auto* copy = static_cast<char*>(tree.allocate(text.size() + 1));
  std::copy(text.begin(), text.end(), copy);
  copy[text.size()] = '\0';
  return copy;
}

bool has_inequality(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    const auto* expr = as_message<PgQuery__AExpr>(message, pg_query__a__expr__descriptor);
    if (expr == nullptr || expr->n_name == 0) return !found;
    const char first = string_of(expr->name[expr->n_name - 1])[0];
    found = found || first == '<' || first == '>' || expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN;
    return !found;
  });
  return found;
}

void mark(const ParseTree& tree, PgQuery__JoinExpr& join) {
  const bool is_known = join.is_natural == 0 && (join.jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER ||
                                                 join.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT);
  if (!is_known)
    throw Error(ErrorCode::FeatureNotSupported, "ASOF JOIN is not supported but as an inner or a LEFT JOIN");
  if (join.n_using_clause > 0) {
    if (join.join_using_alias != nullptr)
      throw Error(ErrorCode::FeatureNotSupported, "an alias of ASOF JOIN USING is not supported");
    join.join_using_alias = made(tree, pg_query__alias__init);
    join.join_using_alias->aliasname = kept(tree, kMark);
    return;
  }
  auto* name = made(tree, pg_query__node__init);
  name->node_case = PG_QUERY__NODE__NODE_STRING;
  name->string = made(tree, pg_query__string__init);
  name->string->sval = kept(tree, kMark);
  auto* call = made(tree, pg_query__func_call__init);
  call->n_funcname = 1;
  call->funcname = static_cast<Node**>(tree.allocate(sizeof(Node*)));
  call->funcname[0] = name;
  call->n_args = 1;
  call->args = static_cast<Node**>(tree.allocate(sizeof(Node*)));
  call->args[0] = join.quals;
  call->funcformat = PG_QUERY__COERCION_FORM__COERCE_EXPLICIT_CALL;
  call->location = location_of(join.quals);
  auto* wrapped = made(tree, pg_query__node__init);
  wrapped->node_case = PG_QUERY__NODE__NODE_FUNC_CALL;
  wrapped->func_call = call;
  join.quals = wrapped;
}

}  // namespace

AsofText find_asof(std::string_view text) {
  AsofText found;
  if (!mentions_asof(text)) return found;
  std::vector<Token> tokens;
  try {
    Lexer lexer(text);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next())
      tokens.push_back(token);
  } catch (const Error&) {
    return found;  // the parser says what is wrong
  }
  const auto is = [&](std::size_t i, std::string_view word) {
    return i < tokens.size() && is_word(text, tokens[i], word);
  };
  const auto is_sign = [&](std::size_t i, char sign) {
    return i < tokens.size() && tokens[i].end - tokens[i].begin == 1 && text[tokens[i].begin] == sign;
  };
  std::size_t names = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!is(i, "asof")) continue;
    const bool is_part = i > 0 && (is_sign(i - 1, '.') || is(i - 1, "as"));
    std::size_t next = i + 1;
    for (const std::string_view word : {"inner", "left", "right", "full", "natural", "cross"}) {
      if (is(next, word)) {
        ++next;
        break;
      }
    }
    if (is(next, "outer")) ++next;
    if (i > 0 && !is_part && is(next, "join") && !is(i + 1, "cross")) {
      found.places.push_back(tokens[i].begin);
    } else if (!(i > 0 && is_part)) {
      ++names;
    }
  }
  found.is_name = names > 0;
  if (found.places.empty()) return found;
  found.text = text;
  for (const std::size_t place : found.places)
    std::fill_n(found.text.begin() + static_cast<std::ptrdiff_t>(place), 4, ' ');
  return found;
}

AsofMarks mark_asof_joins(const ParseTree& tree, PgQuery__ParseResult& result,
                          const std::vector<std::size_t>& places) {
  std::size_t marked = 0;
  AsofMarks marks = AsofMarks::Certain;
  walk(&result.base, [&](const ProtobufCMessage* message) {
    if (message->descriptor != &pg_query__join_expr__descriptor) return true;
    auto& join = *reinterpret_cast<PgQuery__JoinExpr*>(const_cast<ProtobufCMessage*>(message));
    const auto left = extent_of(join.larg);
    const auto right = extent_of(join.rarg);
    if (!left || !right) return true;
    for (const std::size_t place : places) {
      const auto at = static_cast<int>(place);
      if (left->second >= at || right->first <= at) continue;
      if (join.quals == nullptr && join.n_using_clause == 0 && join.is_natural == 0) continue;
      if (join.n_using_clause > 0) {
        marks = std::max(marks, AsofMarks::Using);
      } else if (join.quals != nullptr && !has_inequality(join.quals)) {
        marks = std::max(marks, AsofMarks::WithoutInequality);
      }
      mark(tree, join);
      ++marked;
    }
    return true;
  });
  if (marked != places.size())
    throw Error(ErrorCode::SyntaxError, "ASOF JOIN needs ON or USING with an inequality");
  return marks;
}

bool find_asof_mark(const PgQuery__JoinExpr& join, AsofMark& mark) {
  if (join.join_using_alias != nullptr && join.join_using_alias->aliasname == kMark) {
    mark.condition = nullptr;
    return true;
  }
  if (join.quals == nullptr || join.quals->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) return false;
  const PgQuery__FuncCall& call = *join.quals->func_call;
  if (call.n_funcname != 1 || call.n_args != 1 || string_of(call.funcname[0]) != kMark) return false;
  mark.condition = call.args[0];
  return true;
}

bool has_asof_join(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    AsofMark mark;
    const auto* join = as_message<PgQuery__JoinExpr>(message, pg_query__join_expr__descriptor);
    found = found || (join != nullptr && find_asof_mark(*join, mark));
    return !found;
  });
  return found;
}

}  // namespace tickstone::sql
