// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tickstone::sql {

/// A statement as pg_stat_statements shows it: constants are $n, so that executions that differ in them count
/// as one.
struct NormalizedStatement {
  std::string text;     // as written otherwise
  std::int64_t id = 0;  // the same for other white space, comments and case of unquoted names
};

/// In queries and INSERT, UPDATE, DELETE all constants are replaced (types' modifiers and positions of ORDER
/// BY and GROUP BY are none); in other statements strings alone. Further rows of VALUES that are nothing but
/// constants become one mark. Cost: about that of the lexer. Errors: SyntaxError, as the lexer.
NormalizedStatement normalize_statement(std::string_view statement);

/// The text with passwords of CREATE and ALTER ROLE replaced, for whoever may read logs.
std::string hide_passwords(std::string_view text);
/// Whether `hide_passwords` may change the text. Cost: looks at the beginning of a lone statement.
bool may_have_password(std::string_view text);

/// What `log_statement` tells apart.
enum class StatementClass : std::uint8_t { Definition, Modification, Other };
/// By the words of one statement. EXPLAIN is of no class but with ANALYZE.
StatementClass class_of_statement(std::string_view statement);

}  // namespace tickstone::sql
