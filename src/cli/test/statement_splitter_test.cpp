// SPDX-License-Identifier: Apache-2.0
#include "cli/statement_splitter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tickstone::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> statements_of(std::initializer_list<const char*> lines) {
  StatementSplitter splitter;
  std::vector<std::string> statements;
  for (const char* line : lines) {
    splitter.add_line(line);
    while (auto statement = splitter.take())
      statements.push_back(statement->substr(statement->find_first_not_of(" \n")));
  }
  return statements;
}

TEST(StatementSplitter, CutsAtSemicolons) {
  EXPECT_THAT(statements_of({"SELECT 1; SELECT", "2;"}), ElementsAre("SELECT 1;", "SELECT\n2;"));
  EXPECT_THAT(statements_of({"SELECT 1"}), IsEmpty());
}

TEST(StatementSplitter, LeavesSemicolonsInsideOfTextsAlone) {
  EXPECT_THAT(statements_of({"SELECT ';', 'it''s;', E'\\';', \";\";"}),
              ElementsAre("SELECT ';', 'it''s;', E'\\';', \";\";"));
  EXPECT_THAT(statements_of({"SELECT 'a", "; b';"}), ElementsAre("SELECT 'a\n; b';"));
  EXPECT_THAT(statements_of({"SELECT $$a;$$, $x$ $$;$x$;"}), ElementsAre("SELECT $$a;$$, $x$ $$;$x$;"));
  EXPECT_THAT(statements_of({"SELECT 1 -- ;", "; /* ; /* ; */ ; */ SELECT 2;"}),
              ElementsAre("SELECT 1 -- ;\n;", "/* ; /* ; */ ; */ SELECT 2;"));
  EXPECT_THAT(statements_of({"CREATE RULE r AS DO (a; b);"}), ElementsAre("CREATE RULE r AS DO (a; b);"));
  EXPECT_THAT(statements_of({"EXECUTE p($1); SELECT a$b$c;"}),
              ElementsAre("EXECUTE p($1);", "SELECT a$b$c;"));
}

TEST(StatementSplitter, KnowsWhenNothingIsWaiting) {
  StatementSplitter splitter;
  EXPECT_TRUE(splitter.is_empty());
  splitter.add_line("  -- only a comment");
  EXPECT_TRUE(splitter.is_empty());
  splitter.add_line("/* begun");
  EXPECT_FALSE(splitter.is_empty());
  splitter.add_line("*/ SELECT");
  EXPECT_FALSE(splitter.is_empty());
  splitter.drop();
  EXPECT_TRUE(splitter.is_empty());
}

}  // namespace
}  // namespace tickstone::cli
