// SPDX-License-Identifier: Apache-2.0
// Any text of a client: the lexer, the splitter, literal lifting, the VALUES reader and the parser must
// refuse or agree, never crash.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/lexer.hpp"
#include "sql/statement.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::sql;

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  Lexer lexer(text);
  std::size_t at = 0;
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    TICKSTONE_CHECK(token.begin >= at && token.end > token.begin && token.end <= text.size());
    at = token.end;
    tokens.emplace_back(text.substr(token.begin, token.end - token.begin));
  }
  return tokens;
}

bool lexes(std::string_view text) {
  try {
    tokens_of(text);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void read_rows(std::string_view statement) {
  const auto shape = find_insert_shape(statement);
  if (!shape) return;
  const char* const end = statement.data() + statement.size();
  TICKSTONE_CHECK(shape->rows.data() >= statement.data() && shape->rows.data() + shape->rows.size() <= end);
  TICKSTONE_CHECK(shape->tail.data() >= statement.data() && shape->tail.data() + shape->tail.size() <= end);
  ValuesReader reader(shape->rows);
  std::vector<LiteralField> fields;
  std::size_t row_count = 0;
  while (reader.next(fields) == ValuesReader::Outcome::Row) {
    TICKSTONE_CHECK(!fields.empty());
    // The texts must be readable: the sanitizer sees to it.
    std::size_t bytes = 0;
    for (const LiteralField& field : fields) {
      for (const char c : field.text) bytes += static_cast<unsigned char>(c);
    }
    ++row_count;
    TICKSTONE_CHECK(row_count <= statement.size() && bytes < SIZE_MAX);
  }
}

void parse_and_print(std::string_view text) {
  try {
    for (const Statement& statement : parse(text)) {
      if (const auto* query = std::get_if<QueryStatement>(&statement.body)) to_postgres_text(query->query);
    }
  } catch (const Error&) {
    // Refusing is right; crashing is not.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool can_lex = lexes(text);
  for (const std::string_view statement : split_statements(text)) TICKSTONE_CHECK(!statement.empty());
  try {
    if (const auto lifted = lift_literals(text)) {
      TICKSTONE_CHECK(can_lex);
      // Lifting keeps a shape that lexes, with a parameter for each literal.
      std::size_t parameter_count = 0;
      for (const std::string& token : tokens_of(lifted->shape))
        parameter_count += token[0] == '$' && token.size() > 1 && token[1] >= '0' && token[1] <= '9';
      TICKSTONE_CHECK(parameter_count == lifted->literals.size());
    }
  } catch (const Error&) {
    // An escape in a literal that is none.
  }
  read_rows(text);
  read_rows("INSERT INTO t VALUES " + std::string(text));
  if (data[0] % 4 == 0) parse_and_print(text);
  return 0;
}
