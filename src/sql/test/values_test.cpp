// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/lexer.hpp"

namespace tickstone::sql {
namespace {

using testing::ElementsAre;
using Kind = LiteralField::Kind;

std::string describe(const LiteralField& field) {
  std::string out;
  switch (field.kind) {
    case Kind::Null:
      out = "null";
      break;
    case Kind::Default:
      out = "default";
      break;
    case Kind::True:
      out = "true";
      break;
    case Kind::False:
      out = "false";
      break;
    case Kind::Text:
      out = "text " + std::string(field.text);
      break;
    case Kind::Number:
      out = "number " + std::string(field.text);
      break;
    case Kind::Parameter:
      out = "parameter " + std::to_string(field.parameter);
      break;
  }
  if (!field.cast.empty()) out += " as " + std::string(field.cast);
  return out;
}

std::vector<std::string> read(std::string_view rows) {
  std::vector<std::string> out;
  ValuesReader reader(rows);
  std::vector<LiteralField> fields;
  for (;;) {
    const auto outcome = reader.next(fields);
    if (outcome == ValuesReader::Outcome::End) return out;
    if (outcome == ValuesReader::Outcome::NotLiteral) {
      out.push_back("expression");
      return out;
    }
    std::string row;
    for (const LiteralField& field : fields) row += (row.empty() ? "" : "|") + describe(field);
    out.push_back(row);
  }
}

TEST(InsertShape, CutsHeadRowsAndTail) {
  const auto shape = find_insert_shape(
      "INSERT  INTO public.\"T\" /* c */ (a, b)\nVALUES ('x;(', 1), -- )\n ('it''s', 2) ON CONFLICT (a) DO "
      "NOTHING;");
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->head, "INSERT INTO public.\"T\" (a, b) VALUES");
  EXPECT_EQ(shape->rows, "('x;(', 1), -- )\n ('it''s', 2)");
  EXPECT_EQ(shape->tail, "ON CONFLICT (a) DO NOTHING");
  EXPECT_EQ(shape->column_count, 2U);
}

TEST(InsertShape, CountsFieldsOutsideOfNestedParentheses) {
  const auto shape =
      find_insert_shape("insert into t as x values (f(1, 2), ARRAY[1,2], '{a,b}', E'a\\',b') returning *");
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->head, "insert into t as x values");
  EXPECT_EQ(shape->column_count, 4U);
  EXPECT_EQ(shape->tail, "returning *");
}

TEST(InsertShape, RefusesOtherForms) {
  for (const std::string_view text :
       {"INSERT INTO t SELECT 1", "INSERT INTO t DEFAULT VALUES",
        "WITH x AS (SELECT 1) INSERT INTO t VALUES (1)", "SELECT 1", "INSERT INTO t VALUES",
        "INSERT INTO t VALUES (1", "INSERT INTO t VALUES ('a)", "INSERT INTO t VALUES (1),",
        "INSERT INTO t (a[1]) VALUES (1)", "INSERT INTO t VALUES ($$a$$)", "UPDATE t SET a = 1", ""}) {
    EXPECT_FALSE(find_insert_shape(text)) << text;
  }
}

TEST(InsertShape, IsTheSameByAHeadThatIsKnown) {
  InsertHead known;
  for (const std::string text :
       {"INSERT INTO t (a, b) VALUES (1, 2)",
        "INSERT INTO t (a, b) VALUES(3, 4), (5, 6) ON CONFLICT DO NOTHING",
        "INSERT INTO t (a, b) VALUES /* x */ (1, 2)", "INSERT INTO t /* x */ (a, b) VALUES (1, 2)",
        "INSERT INTO t /* x */ (a, b) VALUES (3, 4) RETURNING a", "INSERT INTO t (a, b) VALUESX (1, 2)",
        "INSERT INTO t (a, b) VALUES", "INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a, b) VALUES (1, 2"}) {
    const auto expected = find_insert_shape(text);
    for (int again = 0; again < 2; ++again) {
      const auto shape = find_insert_shape(text, &known);
      ASSERT_EQ(shape.has_value(), expected.has_value()) << text;
      if (!shape) continue;
      EXPECT_EQ(shape->head, expected->head) << text;
      EXPECT_EQ(shape->rows, expected->rows) << text;
      EXPECT_EQ(shape->tail, expected->tail) << text;
      EXPECT_EQ(shape->column_count, expected->column_count) << text;
    }
  }
}

TEST(ValuesReader, ReadsEveryLiteral) {
  EXPECT_THAT(read("('a', 'it''s', E'x\\ty', 1, -2.50, .5e-3, +7, NULL, default, TRUE, false, $3)"),
              ElementsAre("text a|text it's|text x\ty|number 1|number -2.50|number .5e-3|number "
                          "7|null|default|true|false|parameter 3"));
}

TEST(ValuesReader, ReadsCasts) {
  EXPECT_THAT(
      read("('2026-01-01'::timestamptz, '{a}'::text[], 1::double precision, $1::jsonb,'x' :: timestamp with "
           "time zone )"),
      ElementsAre(
          "text 2026-01-01 as timestamptz|text {a} as text[]|number 1 as double precision|parameter 1 as "
          "jsonb|text x as timestamp with time zone"));
}

TEST(ValuesReader, ReadsArraysAsText) {
  EXPECT_THAT(read(R"((ARRAY['a','b "q" \'], array[1, -2.5, NULL], ARRAY[]::text[]))"),
              ElementsAre(R"(text {"a","b \"q\" \\"}|text {1,-2.5,NULL}|text {} as text[])"));
}

TEST(ValuesReader, KeepsManyUnescapedTextsOfARow) {
  std::string rows = "(";
  std::string wanted;
  for (int i = 0; i < 50; ++i) {
    rows += (i > 0 ? "," : "") + std::string("'''") + std::to_string(i) + "'";
    wanted += (i > 0 ? "|" : "") + std::string("text '") + std::to_string(i);
  }
  EXPECT_THAT(read(rows + ")"), ElementsAre(wanted));
}

TEST(ValuesReader, LeavesExpressionsToTheParser) {
  for (const std::string_view rows : {"(now())",
                                      "(1 + 2)",
                                      "('a' || 'b')",
                                      "(a)",
                                      "(1",
                                      "(1,)",
                                      "()",
                                      "('a'\n'b')",
                                      "(1::numeric(3,1))",
                                      "(- 1)",
                                      "(--1\n)",
                                      "(1..2)",
                                      "(1.2.3)",
                                      "(1e)",
                                      "(12a)",
                                      "($0)",
                                      "($)",
                                      "('a'::pg_catalog.text)",
                                      "(DATE '2026-01-01')",
                                      "(ARRAY[ARRAY[1]])",
                                      "(x'1F')",
                                      "(ARRAY['a',])",
                                      "('a)",
                                      "(nullif(1,1))",
                                      "('1'::int::text)",
                                      "(E'\\u12')",
                                      "(DEFAULT::int)"}) {
    EXPECT_THAT(read(rows), ElementsAre("expression")) << rows;
  }
}

TEST(ValuesReader, ReadsRowAfterRow) {
  EXPECT_THAT(read("(1), \n(2) ,(3)"), ElementsAre("number 1", "number 2", "number 3"));
  EXPECT_THAT(read("(1), "), ElementsAre("number 1", "expression"));
  EXPECT_THAT(read("(1) (2)"), ElementsAre("number 1", "expression"));
}

}  // namespace
}  // namespace tickstone::sql
