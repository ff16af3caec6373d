// SPDX-License-Identifier: Apache-2.0
#include "types/copy_splitter.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// NULL fields as "<null>".
void take_rows(CopySplitter& splitter, Rows& rows) {
  while (splitter.next() == CopySplitter::Step::Row) {
    auto& row = rows.emplace_back();
    for (const auto& field : splitter.fields()) row.emplace_back(field.is_null() ? "<null>" : field.text);
  }
}

Rows split(const CopyOptions& options, std::string_view input, std::size_t chunk_bytes = SIZE_MAX) {
  CopySplitter splitter(options);
  Rows rows;
  while (!input.empty()) {
    // A copy that goes away with the chunk, so that a view into it that outlives it is found by the
    // sanitizer.
    const std::string chunk(input.substr(0, chunk_bytes));
    input.remove_prefix(chunk.size());
    splitter.push(chunk);
    take_rows(splitter, rows);
  }
  splitter.finish();
  take_rows(splitter, rows);
  return rows;
}

std::string error_of(const CopyOptions& options, std::string_view input) {
  try {
    split(options, input);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::BadCopyFileFormat);
    return error.what();
  }
  return "none";
}

TEST(CopySplitter, CutsPlainCsv) {
  EXPECT_EQ(split(CopyOptions::csv(), "a,b,c\n1,,3\n"), (Rows{{"a", "b", "c"}, {"1", "<null>", "3"}}));
}

TEST(CopySplitter, TakesTheLastRowWithoutItsLineEnd) {
  EXPECT_EQ(split(CopyOptions::csv(), "a,b\nc,d"), (Rows{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(split(CopyOptions::text(), "a\tb\nc\t"), (Rows{{"a", "b"}, {"c", ""}}));
}

TEST(CopySplitter, TakesQuotedFields) {
  EXPECT_EQ(split(CopyOptions::csv(), "\"a,b\",\"say \"\"hi\"\"\",\"\"\n"),
            (Rows{{"a,b", "say \"hi\"", ""}}));
  EXPECT_EQ(split(CopyOptions::csv(), "ab\"c,d\"e,\"x\"y\n"), (Rows{{"abc,de", "xy"}}));
}

TEST(CopySplitter, KeepsLineEndsInQuotesAndCountsThem) {
  CopySplitter splitter(CopyOptions::csv());
  splitter.push("\"a\nb\",1\nc,2\n");
  ASSERT_EQ(splitter.next(), CopySplitter::Step::Row);
  EXPECT_EQ(splitter.fields()[0].text, "a\nb");
  EXPECT_EQ(splitter.line_number(), 2U);
  ASSERT_EQ(splitter.next(), CopySplitter::Step::Row);
  EXPECT_EQ(splitter.line_number(), 3U);
  EXPECT_EQ(splitter.row_text(), "c,2");
}

TEST(CopySplitter, TellsQuotedFromUnquotedNullText) {
  CopySplitter splitter(CopyOptions::csv());
  splitter.push(",\"\"\n");
  ASSERT_EQ(splitter.next(), CopySplitter::Step::Row);
  EXPECT_TRUE(splitter.fields()[0].is_null());
  EXPECT_FALSE(splitter.fields()[1].is_null());
  EXPECT_TRUE(splitter.fields()[1].is_null_text);
}

TEST(CopySplitter, TakesAnEscapeOtherThanTheQuote) {
  auto options = CopyOptions::csv();
  options.escape = '\\';
  EXPECT_EQ(split(options, "\"a\\\"b\",\"c\\\\\",d\\e,\"f\\g\"\n"), (Rows{{"a\"b", "c\\", "d\\e", "f\\g"}}));
}

TEST(CopySplitter, TakesEveryLineEnd) {
  for (const char* end : {"\n", "\r", "\r\n"}) {
    const std::string input = std::string("a,b") + end + "\"c\",d" + end;
    EXPECT_EQ(split(CopyOptions::csv(), input), (Rows{{"a", "b"}, {"c", "d"}}))
        << testing::PrintToString(end);
  }
}

TEST(CopySplitter, RefusesMixedLineEnds) {
  EXPECT_EQ(error_of(CopyOptions::csv(), "a\nb\r\n"), "unquoted carriage return found in data");
  EXPECT_EQ(error_of(CopyOptions::csv(), "a\r\nb\n"), "unquoted newline found in data");
  EXPECT_EQ(error_of(CopyOptions::text(), "a\nb\r\n"), "literal carriage return found in data");
  EXPECT_EQ(error_of(CopyOptions::text(), "a\r\nb\rc\r\n"), "literal carriage return found in data");
}

TEST(CopySplitter, RefusesAnOpenQuote) {
  EXPECT_EQ(error_of(CopyOptions::csv(), "a,\"b\nc"), "unterminated CSV quoted field");
}

TEST(CopySplitter, ResolvesTextEscapes) {
  EXPECT_EQ(split(CopyOptions::text(), "\\x41\\101\t\\N\t\\b\\f\\n\\r\\t\\v\\\\\t\\q\n"),
            (Rows{{"AA", "<null>", "\b\f\n\r\t\v\\", "q"}}));
  EXPECT_EQ(split(CopyOptions::text(), "a\\\tb\tc\\\nd\n"), (Rows{{"a\tb", "c\nd"}}));
}

TEST(CopySplitter, ComparesNullBeforeEscapes) {
  auto options = CopyOptions::text();
  options.null_text = "NULL";
  EXPECT_EQ(split(options, "NULL\t\\NULL\n"), (Rows{{"<null>", "NULL"}}));
}

TEST(CopySplitter, StopsAtTheEndMarker) {
  EXPECT_EQ(split(CopyOptions::text(), "a\n\\.\nb\n"), (Rows{{"a"}}));
  EXPECT_EQ(split(CopyOptions::text(), "a\n\\."), (Rows{{"a"}}));
  EXPECT_EQ(split(CopyOptions::csv(), "a\n\\.\nb\n"), (Rows{{"a"}}));
  EXPECT_EQ(split(CopyOptions::csv(), "a\n\"\\.\"\nb\n"), (Rows{{"a"}, {"\\."}, {"b"}}));
  EXPECT_EQ(error_of(CopyOptions::text(), "a\n\\.b\n"), "end-of-copy marker corrupt");
}

TEST(CopySplitter, TakesEmptyLinesAsOneField) {
  EXPECT_EQ(split(CopyOptions::text(), "\n\n"), (Rows{{""}, {""}}));
  EXPECT_EQ(split(CopyOptions::csv(), "\na\n"), (Rows{{"<null>"}, {"a"}}));
}

TEST(CopySplitter, GivesTheSameRowsForChunksOfAnySize) {
  std::string csv, text;
  for (int i = 0; i < 300; ++i) {
    csv += std::to_string(i) + ",\"q\"\"" + std::string(static_cast<std::size_t>(i % 70), 'x') +
           "\r\n,y\",," + std::string(static_cast<std::size_t>(i), 'z') + "\r\n";
    text +=
        std::to_string(i) + "\t\\N\ta\\tb\\\\" + std::string(static_cast<std::size_t>(i % 130), 'w') + "\n";
  }
  const auto whole_csv = split(CopyOptions::csv(), csv);
  const auto whole_text = split(CopyOptions::text(), text);
  ASSERT_EQ(whole_csv.size(), 300U);
  ASSERT_EQ(whole_text.size(), 300U);
  for (const std::size_t chunk_bytes : {1U, 2U, 3U, 63U, 64U, 65U, 1000U}) {
    EXPECT_EQ(split(CopyOptions::csv(), csv, chunk_bytes), whole_csv) << chunk_bytes;
    EXPECT_EQ(split(CopyOptions::text(), text, chunk_bytes), whole_text) << chunk_bytes;
  }
}

TEST(CopySplitter, KeepsRowsLongerThanManyChunks) {
  const std::string input = "\"" + std::string(500'000, 'x') + "\",1\n2,3\n";
  EXPECT_EQ(split(CopyOptions::csv(), input, 1000), (Rows{{std::string(500'000, 'x'), "1"}, {"2", "3"}}));
}

}  // namespace
}  // namespace tickstone
