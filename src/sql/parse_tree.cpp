// SPDX-License-Identifier: Apache-2.0
#include "sql/parse_tree.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <pg_query.h>
#include <pthread.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/asof_text.hpp"
#include "sql/character_class.hpp"
#include "sql/lexer.hpp"
#include "sql/text_position.hpp"

namespace tickstone::sql {

namespace {

constexpr std::size_t kArenaBlockBytes = 16 * 1024;

// The library's parser, its packing and protobuf-c's unpacking recurse over the tree. What cannot nest deeper
// than this is parsed on the caller's stack; the rest on a stack made for it.
constexpr std::size_t kSafeNesting = 400;
constexpr std::size_t kMaxNesting = 100'000;
constexpr std::size_t kStackBytesPerLevel = 8 * 1024;
constexpr std::size_t kStackBytesAtLeast = 8 * 1024 * 1024;
// Messages of the tree below each other, about two for a level of an expression. Ours and DuckDB's recursion
// go as deep.
constexpr std::size_t kMaxTreeDepth = 1'600;

[[noreturn]] void fail_too_deep() {
  throw Error(ErrorCode::ProgramLimitExceeded, "stack depth limit exceeded", {},
              "The statement's expressions or subqueries are nested too deeply.");
}

/// How deep the tree of `text` can be at most, from its tokens: a comma starts a new chain of operators, a
/// parenthesis a chain of its own.
std::size_t nesting_bound(std::string_view text) {
  struct Level {
    std::size_t chain = 0;      // tokens since the last comma
    std::size_t deepest = 0;    // of the chains before it
    std::size_t set_count = 0;  // UNION and its kin chain across commas
  };
  std::vector<Level> levels(1);
  std::size_t deepest = 0;
  const auto depth_of = [](const Level& level) {
    return std::max(level.deepest, level.chain) + level.set_count;
  };
  try {
    Lexer lexer(text);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
      const std::size_t length = token.end - token.begin;
      const char c = text[token.begin];
      if (token.kind == TokenKind::Punctuation && length == 1) {
        if (c == '(' || c == '[') {
          levels.emplace_back();
          if (levels.size() > kMaxNesting) return levels.size();
          continue;
        }
        if ((c == ')' || c == ']') && levels.size() > 1) {
          const std::size_t inner = depth_of(levels.back()) + 1;
          levels.pop_back();
          levels.back().chain += inner;
          continue;
        }
        if (c == ',') {
          levels.back().deepest = std::max(levels.back().deepest, levels.back().chain);
          levels.back().chain = 0;
          continue;
        }
        if (c == ';' && levels.size() == 1) {
          deepest = std::max(deepest, depth_of(levels.back()));
          levels.back() = {};
          continue;
        }
      }
      ++levels.back().chain;
      const char first = to_lower(c);
      if (token.kind == TokenKind::Identifier && (first == 'u' || first == 'e' || first == 'i') &&
          length >= 5) {
        ++levels.back().set_count;
      }
    }
  } catch (const Error&) {
    // The parser stops there too.
  }
  std::size_t open = 0;
  for (const Level& level : levels) open += depth_of(level) + 1;
  return std::max(deepest, open);
}

struct ThreadCall {
  const std::function<void()>* body;
  std::exception_ptr error;
};

void* run_thread(void* argument) {
  auto* call = static_cast<ThreadCall*>(argument);
  try {
    (*call->body)();
  } catch (...) {
    call->error = std::current_exception();
  }
  return nullptr;
}

void run_on_stack(std::size_t stack_bytes, const std::function<void()>& body) {
  ThreadCall call{&body, nullptr};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_t thread{};
  const bool is_started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                          pthread_create(&thread, &attributes, run_thread, &call) == 0;
  pthread_attr_destroy(&attributes);
  if (!is_started) fail_too_deep();
  pthread_join(thread, nullptr);
  if (call.error) std::rethrow_exception(call.error);
}

ErrorCode code_of(std::string_view message) {
  if (message.starts_with("memory exhausted") || message.starts_with("stack depth"))
    return ErrorCode::ProgramLimitExceeded;
  if (message.starts_with("invalid byte sequence")) return ErrorCode::CharacterNotInRepertoire;
  if (message.ends_with("not supported") || message.ends_with("not yet implemented") ||
      message.ends_with("are not implemented")) {
    return ErrorCode::FeatureNotSupported;
  }
  if (message.starts_with("frame ")) return ErrorCode::WindowingError;
  return ErrorCode::SyntaxError;
}

void fail(const PgQueryError& error) {
  const std::string message = error.message;
  Error translated(code_of(message),
                   message.starts_with("memory exhausted") ? "stack depth limit exceeded" : message);
  if (error.cursorpos > 0) translated.at(static_cast<std::uint32_t>(error.cursorpos));
  throw translated;
}

/// Calls `visit` for each message directly below.
template <typename Visit>
void for_each_child(const ProtobufCMessage* message, const Visit& visit) {
  const ProtobufCMessageDescriptor* descriptor = message->descriptor;
  const auto* base = reinterpret_cast<const std::uint8_t*>(message);
  for (unsigned i = 0; i < descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const std::size_t count = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
      const auto* items = *reinterpret_cast<ProtobufCMessage* const* const*>(base + field.offset);
      for (std::size_t item = 0; item < count; ++item) visit(items[item]);
      continue;
    }
    if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *reinterpret_cast<const std::uint32_t*>(base + field.quantifier_offset) != field.id) {
      continue;
    }
    const auto* child = *reinterpret_cast<const ProtobufCMessage* const*>(base + field.offset);
    if (child != nullptr) visit(child);
  }
}

std::size_t tree_depth(const ProtobufCMessage* root) {
  std::size_t deepest = 0;
  std::vector<std::pair<const ProtobufCMessage*, std::size_t>> open{{root, 1}};
  while (!open.empty()) {
    const auto [message, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    for_each_child(message, [&open, below = depth + 1](const ProtobufCMessage* child) {
      open.emplace_back(child, below);
    });
  }
  return deepest;
}

void* allocate_in_arena(void* arena, std::size_t bytes) {
  return static_cast<Arena*>(arena)->allocate(bytes);
}
void keep_in_arena(void*, void*) {}

}  // namespace

void* Arena::allocate(std::size_t bytes) {
  bytes = (bytes + 15) / 16 * 16;
  if (bytes > left_bytes_) {
    const std::size_t block_bytes = std::max(bytes, kArenaBlockBytes);
    blocks_.push_back(std::make_unique<std::byte[]>(block_bytes));
    next_ = blocks_.back().get();
    left_bytes_ = block_bytes;
  }
  void* const out = next_;
  next_ += bytes;
  left_bytes_ -= bytes;
  return out;
}

ProtobufCAllocator Arena::allocator() { return {allocate_in_arena, keep_in_arena, this}; }

void walk(const ProtobufCMessage* message, const std::function<bool(const ProtobufCMessage*)>& visit) {
  if (!visit(message)) return;
  for_each_child(message, [&visit](const ProtobufCMessage* child) { walk(child, visit); });
}

int location_of(const Node* node) {
  int least = -1;
  walk(&node->base, [&least](const ProtobufCMessage* message) {
    const ProtobufCFieldDescriptor* field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "location");
    if (field != nullptr && field->type == PROTOBUF_C_TYPE_INT32) {
      const auto location = *reinterpret_cast<const std::int32_t*>(
          reinterpret_cast<const std::uint8_t*>(message) + field->offset);
      if (location >= 0 && (least < 0 || location < least)) least = location;
    }
    return true;
  });
  return least;
}

std::shared_ptr<const ParseTree> ParseTree::parse(std::string_view text) {
  const AsofText asof = find_asof(text);
  if (asof.places.empty()) return parse_as_it_is(text);
  if (asof.is_name) {
    // `FROM t asof JOIN u`, where asof is what t is called.
    try {
      return parse_as_it_is(text);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::SyntaxError) throw;
    }
  }
  std::shared_ptr<ParseTree> tree = parse_as_it_is(asof.text);
  tree->text_ = text;
  const AsofMarks marks = mark_asof_joins(*tree, *tree->result_, asof.places);
  if (marks == AsofMarks::Certain) return tree;
  // Without an inequality asof may be what the table before it is called.
  std::shared_ptr<ParseTree> plain;
  try {
    plain = parse_as_it_is(text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::SyntaxError) throw;
    return tree;
  }
  if (marks == AsofMarks::WithoutInequality) return plain;
  throw Error(ErrorCode::FeatureNotSupported,
              "ASOF JOIN ... USING after a table without an alias is ambiguous", {},
              "Give the table an alias, or write AS asof where asof is one.");
}

std::shared_ptr<const ParseTree> ParseTree::parse_kept(std::string_view text) {
  auto tree = parse_as_it_is(text);
  tree->is_kept_ = true;
  return tree;
}

std::shared_ptr<ParseTree> ParseTree::parse_as_it_is(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00");
  }
  std::shared_ptr<ParseTree> tree(new ParseTree);
  tree->text_ = text;
  const std::size_t bound = nesting_bound(text);
  const auto build = [&tree, bound] {
    const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(tree->text_.c_str());
    const std::unique_ptr<const PgQueryProtobufParseResult, void (*)(const PgQueryProtobufParseResult*)>
        release(&parsed, [](const PgQueryProtobufParseResult* result) {
          pg_query_free_protobuf_parse_result(*result);
        });
    if (parsed.error != nullptr) fail(*parsed.error);
    ProtobufCAllocator allocator = tree->arena_.allocator();
    tree->result_ = pg_query__parse_result__unpack(
        &allocator, parsed.parse_tree.len, reinterpret_cast<const std::uint8_t*>(parsed.parse_tree.data));
    if (tree->result_ == nullptr) fail_too_deep();
    if (bound > kSafeNesting && tree_depth(&tree->result_->base) > kMaxTreeDepth) fail_too_deep();
  };
  if (bound > kMaxNesting) fail_too_deep();
  if (bound <= kSafeNesting) {
    build();
  } else {
    run_on_stack(kStackBytesAtLeast + bound * kStackBytesPerLevel, build);
  }

  for (std::size_t i = 0; i < tree->result_->n_stmts; ++i) {
    const PgQuery__RawStmt* raw = tree->result_->stmts[i];
    std::size_t begin = static_cast<std::size_t>(raw->stmt_location);
    std::size_t end =
        raw->stmt_len > 0 ? begin + static_cast<std::size_t>(raw->stmt_len) : tree->text_.size();
    // Comments before the statement are cut with the white space: its text begins with its first token.
    Lexer lexer(std::string_view(tree->text_).substr(0, end), begin);
    begin = lexer.next().begin;
    while (end > begin && (is_space(tree->text_[end - 1]) || tree->text_[end - 1] == ';')) --end;
    tree->ranges_.emplace_back(begin, end);
  }
  return tree;
}

std::string_view ParseTree::statement_text(std::size_t index) const {
  const auto [begin, end] = ranges_[index];
  return std::string_view(text_).substr(begin, end - begin);
}

std::uint32_t ParseTree::position(int location) const {
  if (location < 0) return 0;
  const auto at = static_cast<std::size_t>(location);
  for (auto range = ranges_.rbegin(); range != ranges_.rend(); ++range) {
    if (range->first <= at)
      return character_position(std::string_view(text_).substr(range->first), at - range->first);
  }
  return 0;
}

void append_conjuncts(const Node* condition, std::vector<const Node*>& out) {
  if (condition->node_case != PG_QUERY__NODE__NODE_BOOL_EXPR ||
      condition->bool_expr->boolop != PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
    out.push_back(condition);
    return;
  }
  const PgQuery__BoolExpr& all = *condition->bool_expr;
  for (std::size_t i = 0; i < all.n_args; ++i) append_conjuncts(all.args[i], out);
}

}  // namespace tickstone::sql
