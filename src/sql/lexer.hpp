// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/statement.hpp"

namespace tickstone::sql {

enum class TokenKind : std::uint8_t {
  End,
  Identifier,
  QuotedIdentifier,
  String,
  EscapeString,
  BitString,
  Number,
  Parameter,
  Operator,
  Punctuation,
  DollarString
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::uint32_t begin = 0, end = 0;  // byte offsets into the text
};

/// PostgreSQL's lexical rules (comments nested, quotes, dollar quotes, E-strings, operators), without a
/// grammar. Cost: about 1 us for 100 tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text, std::size_t at = 0) : text_(text), at_(at) {}
  /// Errors: SyntaxError for an unterminated string, identifier or comment.
  Token next();
  std::size_t position() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_;
};

/// The statements of a simple query as slices, split at semicolons outside of quotes and parentheses; empty
/// ones dropped.
std::vector<std::string_view> split_statements(std::string_view text);

/// A statement with the literals that may become parameters taken out: same `shape`, same plan.
/// Only literals right of a comparison operator, in an IN list of such, and of LIMIT are lifted, and only
/// where no cast, operator or COLLATE follows.
struct LiftedStatement {
  std::string shape;  // tokens joined by one space, lifted literals as $n; identifiers folded to lower case
  struct Literal {
    TokenKind kind;
    std::string text;
  };  // unescaped text
  std::vector<Literal> literals;
};
/// Nothing for statements that are not a SELECT or WITH, or that have parameters already.
std::optional<LiftedStatement> lift_literals(std::string_view statement);

/// INSERT INTO ... VALUES (literals) [ON CONFLICT ...] seen as head + rows + tail, so that rows are read
/// straight into columns.
struct InsertShape {
  std::string head;              // "INSERT INTO t (a, b) VALUES", as written, comments dropped
  std::string_view rows;         // "(...), (...)"
  std::string_view tail;         // what follows the last row
  std::size_t column_count = 0;  // fields of the first row
};
/// The head of an INSERT that came before: statements that begin just so need not be read up to their rows.
struct InsertHead {
  std::string written;  // with its comments
  std::string head;     // of the shape
};
/// `known` is looked at and set anew, where there is one.
std::optional<InsertShape> find_insert_shape(std::string_view statement, InsertHead* known = nullptr);

/// One field of a literal row. Cast: the type name after ::, if any.
struct LiteralField {
  enum class Kind : std::uint8_t { Null, Default, Text, Number, True, False, Parameter };
  Kind kind = Kind::Null;
  std::string_view text;  // unescaped; into the statement or a buffer of the reader, until the next row
  std::string_view cast;
  int parameter = 0;
};

/// Reads the rows of an `InsertShape`: strings (plain, E''), numbers with sign, NULL, DEFAULT, TRUE, FALSE,
/// $n, each with an optional
/// ::cast, ARRAY['..',..] of strings (as `{..}` text).
class ValuesReader {
 public:
  explicit ValuesReader(std::string_view rows) : text_(rows) {}
  enum class Outcome : std::uint8_t {
    Row,
    End,
    NotLiteral
  };  // NotLiteral: an expression; take the general way
  Outcome next(std::vector<LiteralField>& fields);

 private:
  std::string& buffer();
  bool read_string(bool has_escapes, std::string_view& out);
  bool read_array(std::string_view& out);
  bool read_word(LiteralField& field);
  bool read_cast(LiteralField& field);

  std::string_view text_;
  std::size_t at_ = 0;
  std::deque<std::string> unescaped_;  // a deque, so that the views into its strings stay good
  std::size_t used_ = 0;
};

}  // namespace tickstone::sql
