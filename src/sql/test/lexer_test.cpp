// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <tickstone/error.hpp>

namespace tickstone::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
    tokens.emplace_back(text.substr(token.begin, token.end - token.begin));
  }
  return tokens;
}

TokenKind first_kind(std::string_view text) { return Lexer(text).next().kind; }

TEST(Lexer, SeparatesTokensAsPostgresqlDoes) {
  EXPECT_THAT(tokens_of("SELECT a.b::int,$1 FROM t--x\nWHERE x<>-1"),
              ElementsAre("SELECT", "a", ".", "b", "::", "int", ",", "$1", "FROM", "t", "WHERE", "x", "<>",
                          "-", "1"));
  EXPECT_THAT(tokens_of("1..10"), ElementsAre("1", "..", "10"));
  EXPECT_THAT(tokens_of("1.5e-3 .5 7."), ElementsAre("1.5e-3", ".5", "7."));
  EXPECT_THAT(tokens_of("a@-b a=-b a<=>-b a->>'x'"),
              ElementsAre("a", "@-", "b", "a", "=", "-", "b", "a", "<=>", "-", "b", "a", "->>", "'x'"));
  EXPECT_THAT(tokens_of("a/* b /* c */ d */e"), ElementsAre("a", "e"));
  EXPECT_THAT(tokens_of("a*/**/b"), ElementsAre("a", "*", "b"));
  EXPECT_THAT(tokens_of("f(x=>1,y:=2)"), ElementsAre("f", "(", "x", "=>", "1", ",", "y", ":=", "2", ")"));
}

TEST(Lexer, KnowsEveryFormOfString) {
  EXPECT_THAT(
      tokens_of("'it''s' E'it\\'s' $$a;b$$ $x$ $$ $x$ U&'d\\0061' X'1F' \"a\"\"b\""),
      ElementsAre("'it''s'", "E'it\\'s'", "$$a;b$$", "$x$ $$ $x$", "U&'d\\0061'", "X'1F'", "\"a\"\"b\""));
  EXPECT_EQ(first_kind("'a'"), TokenKind::String);
  EXPECT_EQ(first_kind("e'a'"), TokenKind::EscapeString);
  EXPECT_EQ(first_kind("b'01'"), TokenKind::BitString);
  EXPECT_EQ(first_kind("$tag$a$tag$"), TokenKind::DollarString);
  EXPECT_EQ(first_kind("U&\"a\""), TokenKind::QuotedIdentifier);
  EXPECT_EQ(first_kind("$12"), TokenKind::Parameter);
  EXPECT_EQ(first_kind("'a\\'"), TokenKind::String) << "a backslash is an ordinary character";
  EXPECT_THAT(tokens_of("'a' -- c\n 'b', 'c' 'd'"), ElementsAre("'a' -- c\n 'b'", ",", "'c'", "'d'"));
  EXPECT_THAT(tokens_of("é$1"), ElementsAre("é$1"));
}

TEST(Lexer, NamesWhatIsUnterminated) {
  const auto message = [](std::string_view text) -> std::string {
    try {
      tokens_of(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::SyntaxError);
      return error.message() + "@" + std::to_string(error.position().value_or(0));
    }
    return "no error";
  };
  EXPECT_EQ(message("SELECT 'abc"), "unterminated quoted string at or near \"'abc\"@8");
  EXPECT_EQ(message("SELECT \"abc"), "unterminated quoted identifier at or near \"\"abc\"@8");
  EXPECT_EQ(message("é /* a /* b */"), "unterminated /* comment at or near \"/* a /* b */\"@3");
  EXPECT_EQ(message("$x$ abc"), "unterminated dollar-quoted string at or near \"$x$ abc\"@1");
  EXPECT_EQ(message("SELECT \"\""), "zero-length delimited identifier at or near \"\"\"\"@8");
  EXPECT_EQ(message("SELECT 12a"), "trailing junk after numeric literal at or near \"12a\"@8");
}

/// What PostgreSQL says of the same text, where it says anything.
std::string postgres_message(const std::string& text) {
  const PgQueryProtobufParseResult result = pg_query_parse_protobuf(text.c_str());
  std::string message = result.error != nullptr ? result.error->message : "no error";
  pg_query_free_protobuf_parse_result(result);
  return message;
}

TEST(Lexer, SaysWhatPostgresqlSays) {
  for (const std::string text :
       {"SELECT 'abc", "SELECT \"abc", "SELECT /* a /* b */", "SELECT $x$ abc", "SELECT \"\"", "SELECT 12a",
        "SELECT 1.5x", "SELECT $1x", "SELECT 1e", "SELECT 1e+", "SELECT b'01"}) {
    std::string ours = "no error";
    try {
      tokens_of(text);
    } catch (const Error& error) {
      ours = error.message();
    }
    EXPECT_EQ(ours, postgres_message(text)) << text;
  }
}

TEST(Split, CutsAtSemicolonsOutsideOfQuotesAndParentheses) {
  EXPECT_THAT(split_statements("SELECT 1; SELECT ';' ;\n; -- x;\nSELECT $$;$$;"),
              ElementsAre("SELECT 1", "SELECT ';'", "SELECT $$;$$"));
  EXPECT_THAT(split_statements("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3"),
              ElementsAre("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"));
  EXPECT_THAT(split_statements(" ;; /* nothing */ "), IsEmpty());
  EXPECT_THAT(split_statements("SELECT 1; SELECT 'abc; def"), ElementsAre("SELECT 1", "SELECT 'abc; def"));
}

TEST(Split, TakesATextWithoutSemicolonAsOne) {
  for (const std::string text : {"SELECT 1", "INSERT INTO t VALUES ('a', $1)",
                                 "SELECT 'a''b' || E'\\'' || $$x$$", "SELECT \"a b\" - -1"}) {
    for (const std::string before : {"", " ", "\n\t"}) {
      for (const std::string after : {"", " ", "\r\n", ";", " ; ", "\n-- x", " /* y */ "})
        EXPECT_THAT(split_statements(before + text + after), ElementsAre(text)) << before + text + after;
    }
  }
  EXPECT_THAT(split_statements(""), IsEmpty());
  EXPECT_THAT(split_statements(" \n "), IsEmpty());
  // What is not closed keeps its white space: it is part of it.
  EXPECT_THAT(split_statements("SELECT 'abc  "), ElementsAre("SELECT 'abc  "));
  EXPECT_THAT(split_statements(" SELECT 'abc"), ElementsAre("SELECT 'abc"));
  EXPECT_THAT(split_statements("SELECT \"'\" '  "), ElementsAre("SELECT \"'\" '  "));
  EXPECT_THAT(split_statements("SELECT ('abc);'"), ElementsAre("SELECT ('abc);'"));
  EXPECT_THAT(split_statements("SELECT (1;"), ElementsAre("SELECT (1;"));
  EXPECT_THAT(split_statements("SELECT '(' || 1;"), ElementsAre("SELECT '(' || 1"));
  EXPECT_THAT(split_statements("SELECT $$ '' "), ElementsAre("SELECT $$ '' "));
}

TEST(Split, KnowsBodiesOfFunctionsAlone) {
  EXPECT_THAT(split_statements("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SELECT 2"),
              ElementsAre("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END", "SELECT 2"));
  EXPECT_THAT(split_statements("BEGIN ATOMIC; SELECT 2"), ElementsAre("BEGIN ATOMIC", "SELECT 2"));
}

TEST(Split, IsThatOfTheTokensWhateverTheText) {
  // With a comment at its end a text is read token by token.
  const std::vector<std::string> parts = {"SELECT",  "c",      "'a'",    "'it''s;'", "(", ")",      ";",
                                          " ",       "\n",     "$1",     "[",        "]", "\"q;\"", "$$;$$",
                                          "E'\\';'", "1",      "--x;\n", "/*;*/",    ",", "::",     "-",
                                          "CREATE",  "ATOMIC", "BEGIN",  "END"};
  std::mt19937 random(20261128);
  int compared = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto count = random() % 10; count > 0; --count) {
      text += parts[random() % parts.size()];
      if (random() % 3 == 0) text += ' ';
    }
    try {
      tokens_of(text);
    } catch (const Error&) {
      continue;
    }
    const std::string commented = text + "\n--";
    EXPECT_EQ(split_statements(text), split_statements(commented)) << text;
    ++compared;
  }
  EXPECT_GT(compared, 5'000);
}

struct Lifted {
  std::string shape;
  std::vector<std::string> literals;
};

Lifted lift(std::string_view statement) {
  const auto lifted = lift_literals(statement);
  if (!lifted) return {"nothing", {}};
  Lifted out{lifted->shape, {}};
  for (const auto& literal : lifted->literals) out.literals.push_back(literal.text);
  return out;
}

TEST(Lift, TakesComparedLiteralsOut) {
  const Lifted a = lift(
      "SELECT * FROM Ohlcv WHERE symbol = 'AA''PL' AND timestamp >= '2026-01-01' AND v <> -1.5 LIMIT 10");
  EXPECT_EQ(a.shape, "select * from ohlcv where symbol = $1 and timestamp >= $2 and v <> $3 limit 10");
  EXPECT_THAT(a.literals, ElementsAre("AA'PL", "2026-01-01", "-1.5"));

  const Lifted b = lift("select 1 from t where a in ('x', E'y\\n') and (b between 1 and 2 or c = 3)");
  EXPECT_EQ(b.shape, "select 1 from t where a in ( $1 , $2 ) and ( b between $3 and $4 or c = $5 )");
  EXPECT_THAT(b.literals, ElementsAre("x", "y\n", "1", "2", "3"));

  const Lifted c = lift("SELECT \"A\" FROM t WHERE t >= '2026-01-05T00:00:00+00:00'::timestamptz AND x = 1");
  EXPECT_EQ(c.shape, "select \"A\" from t where t >= $1 :: timestamptz and x = $2");
}

TEST(Lift, LeavesWhatWouldChangeMeaning) {
  EXPECT_EQ(lift("SELECT a > 5 FROM t GROUP BY a > 5").shape, "select a > 5 from t group by a > 5");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = 5 + b").shape, "select 1 from t where a = 5 + b");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = 'x' COLLATE \"C\"").shape,
            "select 1 from t where a = 'x' collate \"C\"");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = '1'::numeric(3,1)").shape,
            "select 1 from t where a = '1' :: numeric ( 3 , 1 )");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a >= '1'::timestamptz - b").shape,
            "select 1 from t where a >= '1' :: timestamptz - b");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = DATE '2026-01-01'").shape,
            "select 1 from t where a = date '2026-01-01'");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a IN (1, b)").shape, "select 1 from t where a in ( 1 , b )");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE f(a = 1, x)").shape, "select 1 from t where f ( a = 1 , x )");
  EXPECT_EQ(lift("SELECT x FROM t ORDER BY x = 1").shape, "select x from t order by x = 1");
  EXPECT_EQ(lift("INSERT INTO t VALUES (1)").shape, "nothing");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = $1 AND b = 2").shape, "nothing");
  EXPECT_EQ(lift("WITH x AS (DELETE FROM t WHERE a = 1 RETURNING *) SELECT * FROM x").shape, "nothing");
  EXPECT_EQ(lift("SELECT 1 FROM t WHERE a = 1 FOR UPDATE").shape, "nothing");
}

TEST(Lift, EqualShapesForEqualQueries) {
  EXPECT_EQ(lift("SELECT close FROM ohlcv WHERE symbol='AAPL' ORDER BY timestamp DESC LIMIT 1").shape,
            lift("select  close from ohlcv\nwhere symbol = 'MSFT' order by timestamp desc limit 1").shape);
}

// The first so many rows are found without a sort of all, if it is known how many.
TEST(Lift, TakesLimitsOfPagesAlone) {
  EXPECT_EQ(lift("SELECT x FROM t WHERE a = 1 ORDER BY x LIMIT 5").shape,
            "select x from t where a = $1 order by x limit 5");
  EXPECT_EQ(lift("SELECT x FROM t ORDER BY x LIMIT 5 OFFSET 10").shape,
            "select x from t order by x limit $1 offset $2");
  EXPECT_EQ(lift("SELECT x FROM t ORDER BY x OFFSET 10 LIMIT 5").shape,
            "select x from t order by x offset $1 limit $2");
  EXPECT_EQ(lift("SELECT x FROM (SELECT x FROM t LIMIT 5) t WHERE a = 1 OFFSET 2").shape,
            "select x from ( select x from t limit 5 ) t where a = $1 offset $2");
}

}  // namespace
}  // namespace tickstone::sql
