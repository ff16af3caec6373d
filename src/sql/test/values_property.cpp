// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <rapidcheck/gtest.h>

#include "sql/lexer.hpp"

namespace tickstone::sql {
namespace {

struct Field {
  std::string text;    // as written
  std::string wanted;  // as PostgreSQL's parser sees it
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

rc::Gen<std::string> any_text() {
  return rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abZ09'\\\"();,-$/*{}[]:. \t\n\r%éü")));
}

rc::Gen<std::string> literal() {
  return rc::gen::oneOf(
      rc::gen::map(any_text(), quoted),
      rc::gen::map(any_text(),
                   [](const std::string& text) {
                     std::string out = "E'";
                     for (const char c : text)
                       out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
                     return out + "'";
                   }),
      rc::gen::map(rc::gen::arbitrary<std::int32_t>(), [](std::int32_t i) { return std::to_string(i); }),
      rc::gen::map(rc::gen::pair(rc::gen::arbitrary<std::int32_t>(), rc::gen::arbitrary<std::uint16_t>()),
                   [](const auto& pair) {
                     return std::to_string(pair.first) + "." + std::to_string(pair.second) + "e-3";
                   }),
      rc::gen::element<std::string>("NULL", "null", "TRUE", "False", "DEFAULT", "$1", "$27", "1.", ".5",
                                    "-.5", "9999999999"));
}

rc::Gen<std::string> space() { return rc::gen::element<std::string>("", "", " ", "\n ", "\t"); }

/// A constant of the parse tree in the words of `seen_by_reader`.
std::string seen_by_parser(const PgQuery__Node* node) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST: {
      const PgQuery__AConst* constant = node->a_const;
      if (constant->isnull != 0) return "null";
      switch (constant->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL:
          return "number " + std::to_string(constant->ival->ival);
        case PG_QUERY__A__CONST__VAL_FVAL:
          return std::string("number ") + constant->fval->fval;
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
          return constant->boolval->boolval != 0 ? "true" : "false";
        case PG_QUERY__A__CONST__VAL_SVAL:
          return std::string("text ") + constant->sval->sval;
        default:
          return "other";
      }
    }
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return "default";
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return "parameter " + std::to_string(node->param_ref->number);
    default:
      return "other";
  }
}

std::string seen_by_reader(const LiteralField& field) {
  switch (field.kind) {
    case LiteralField::Kind::Null:
      return "null";
    case LiteralField::Kind::Default:
      return "default";
    case LiteralField::Kind::True:
      return "true";
    case LiteralField::Kind::False:
      return "false";
    case LiteralField::Kind::Text:
      return "text " + std::string(field.text);
    case LiteralField::Kind::Number:
      return "number " + std::string(field.text);
    case LiteralField::Kind::Parameter:
      return "parameter " + std::to_string(field.parameter);
  }
  return "none";
}

RC_GTEST_PROP(ValuesReader, SeesWhatTheParserSees, ()) {
  const auto column_count = *rc::gen::inRange<std::size_t>(1, 6);
  const auto rows = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::container<std::vector<std::string>>(column_count, literal())));
  std::string statement = "INSERT INTO t VALUES ";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (r > 0) statement += *space() + "," + *space();
    statement += "(";
    for (std::size_t c = 0; c < column_count; ++c)
      statement += (c > 0 ? "," : "") + *space() + rows[r][c] + *space();
    statement += ")";
  }

  const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(statement.c_str());
  RC_ASSERT(parsed.error == nullptr);
  PgQuery__ParseResult* tree = pg_query__parse_result__unpack(
      nullptr, parsed.parse_tree.len, reinterpret_cast<const std::uint8_t*>(parsed.parse_tree.data));
  const PgQuery__SelectStmt* select = tree->stmts[0]->stmt->insert_stmt->select_stmt->select_stmt;
  RC_ASSERT(select->n_values_lists == rows.size());

  const auto shape = find_insert_shape(statement);
  RC_ASSERT(shape.has_value());
  RC_ASSERT(shape->column_count == column_count);
  ValuesReader reader(shape->rows);
  std::vector<LiteralField> fields;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    RC_ASSERT(reader.next(fields) == ValuesReader::Outcome::Row);
    const PgQuery__List* row = select->values_lists[r]->list;
    RC_ASSERT(fields.size() == row->n_items);
    for (std::size_t c = 0; c < fields.size(); ++c)
      RC_ASSERT(seen_by_reader(fields[c]) == seen_by_parser(row->items[c]));
  }
  RC_ASSERT(reader.next(fields) == ValuesReader::Outcome::End);
  pg_query__parse_result__free_unpacked(tree, nullptr);
  pg_query_free_protobuf_parse_result(parsed);
}

/// Whatever the text: the tokens are those of PostgreSQL's own scanner, where it takes the text. (No line
/// comments: the library's scanner makes tokens of them, and so does not let a string go on behind one as
/// PostgreSQL does.)
RC_GTEST_PROP(Lexer, SeesTheTokensThatTheScannerSees, ()) {
  const auto parts = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(
      rc::gen::oneOf(literal(), rc::gen::element<std::string>(";", "SELECT", "a", "/* ; /**/ */", "(", ")",
                                                              "\"q;\"", "$$;$$", "$t$ $ $t$", "+", "::", "=",
                                                              "<", "-", "@", "!", ":=", "..", ".", "b'01'",
                                                              "x'1f'", "[", "]", "%", "?|", "/", "*")),
      space()));
  std::string text;
  for (const auto& [part, gap] : parts) text += part + gap;
  const PgQueryScanResult scanned = pg_query_scan(text.c_str());
  if (scanned.error == nullptr) {
    PgQuery__ScanResult* tokens = pg_query__scan_result__unpack(
        nullptr, scanned.pbuf.len, reinterpret_cast<const std::uint8_t*>(scanned.pbuf.data));
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < tokens->n_tokens; ++i) {
      const PgQuery__ScanToken* token = tokens->tokens[i];
      if (token->token == PG_QUERY__TOKEN__SQL_COMMENT || token->token == PG_QUERY__TOKEN__C_COMMENT)
        continue;
      wanted.push_back(text.substr(static_cast<std::size_t>(token->start),
                                   static_cast<std::size_t>(token->end - token->start)));
    }
    std::vector<std::string> ours;
    Lexer lexer(text);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
      ours.push_back(text.substr(token.begin, token.end - token.begin));
    }
    RC_ASSERT(ours == wanted);
    pg_query__scan_result__free_unpacked(tokens, nullptr);
  }
  pg_query_free_scan_result(scanned);
}

}  // namespace
}  // namespace tickstone::sql
