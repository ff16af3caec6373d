// SPDX-License-Identifier: Apache-2.0
#include "types/copy_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tickstone {
namespace {

using namespace std::string_view_literals;

std::vector<CopyColumn> trade_columns() {
  return {{"event_time", SqlType::of(TypeId::TimestampTz)},
          {"symbol", SqlType::of(TypeId::Text)},
          {"price", SqlType::of(TypeId::Numeric)},
          {"size", SqlType::of(TypeId::Integer)}};
}

Batch read(CopyReader& reader, std::string_view input, std::size_t chunk_bytes = SIZE_MAX) {
  auto batch = reader.make_batch();
  while (!input.empty()) {
    const std::string chunk(input.substr(0, chunk_bytes));
    input.remove_prefix(chunk.size());
    reader.feed(chunk, batch);
  }
  reader.finish(batch);
  return batch;
}

Batch read(const CopyOptions& options, std::vector<CopyColumn> columns, std::string_view input) {
  CopyReader reader(options, std::move(columns), "trades");
  return read(reader, input);
}

std::string written(const CopyOptions& options, std::vector<CopyColumn> columns, const Batch& batch) {
  const CopyWriter writer(options, std::move(columns));
  std::string out;
  writer.append_start(out);
  writer.append_batch(out, batch);
  writer.append_end(out);
  return out;
}

struct Problem {
  std::string state, message, context;
};
Problem problem_of(const CopyOptions& options, std::vector<CopyColumn> columns, std::string_view input) {
  try {
    read(options, std::move(columns), input);
  } catch (const Error& error) {
    return {std::string(sqlstate(error.code())), error.what(), error.context()};
  }
  return {"00000", "none", ""};
}

TEST(CopyReader, ReadsCsvIntoColumns) {
  const auto batch =
      read(CopyOptions::csv(), trade_columns(),
           "2024-01-02 09:30:00.5+00,AAPL,187.150,100\n2024-01-02T04:30:01-05:00,\"BRK,B\",,\n");
  ASSERT_EQ(batch.row_count(), 2U);
  EXPECT_EQ(batch.columns[0].fixed<std::int64_t>(0), 1'704'187'800'500'000);
  EXPECT_EQ(batch.columns[0].fixed<std::int64_t>(1), 1'704'187'801'000'000);
  EXPECT_EQ(batch.columns[1].bytes(1), "BRK,B");
  EXPECT_EQ(to_text(value_at(batch.columns[2].view(), 0)), "187.15");
  EXPECT_TRUE(batch.columns[2].is_null(1));
  EXPECT_EQ(batch.columns[3].fixed<std::int32_t>(0), 100);
  EXPECT_TRUE(batch.columns[3].is_null(1));
}

TEST(CopyReader, GivesPostgresqlsContext) {
  const auto csv = CopyOptions::csv();
  const auto columns =
      std::vector<CopyColumn>{{"a", SqlType::of(TypeId::Integer)}, {"b", SqlType::of(TypeId::Integer)}};
  auto problem = problem_of(csv, columns, "1,2\n3,abc\n");
  EXPECT_EQ(problem.state, "22P02");
  EXPECT_EQ(problem.message, "invalid input syntax for type integer: \"abc\"");
  EXPECT_EQ(problem.context, "COPY trades, line 2, column b: \"abc\"");
  problem = problem_of(csv, columns, "1,2,3\n");
  EXPECT_EQ(problem.state, "22P04");
  EXPECT_EQ(problem.message, "extra data after last expected column");
  EXPECT_EQ(problem.context, "COPY trades, line 1: \"1,2,3\"");
  problem = problem_of(csv, columns, "1,2\n1\n");
  EXPECT_EQ(problem.message, "missing data for column \"b\"");
  EXPECT_EQ(problem.context, "COPY trades, line 2: \"1\"");
  problem = problem_of(csv, columns, "1,\"2\n");
  EXPECT_EQ(problem.message, "unterminated CSV quoted field");
  EXPECT_EQ(problem.context, "COPY trades, line 1");
  problem = problem_of(csv, columns, "1," + std::string(150, 'x') + "\n");
  EXPECT_EQ(problem.context, "COPY trades, line 1, column b: \"" + std::string(100, 'x') + "...\"");
}

TEST(CopyReader, HandsBadRowsOverAndGoesOn) {
  CopyReader reader(CopyOptions::csv(), trade_columns(), "trades");
  std::vector<std::string> bad;
  reader.set_bad_row_handler([&](const CopyBadRow& row) {
    bad.push_back(std::to_string(row.line_number) + " " + std::string(row.text) + " " + row.error.what());
  });
  const auto batch = read(reader,
                          "2024-01-02 09:30:00+00,A,1,1\n"
                          "2024-01-02 09:30:00+00,B,x,2\n"
                          "2024-01-02 09:30:00+00,C\n"
                          "2024-01-02 09:30:00+00,D,4,4\n");
  EXPECT_EQ(batch.row_count(), 2U);
  EXPECT_EQ(reader.row_count(), 2U);
  EXPECT_EQ(reader.bad_row_count(), 2U);
  for (const auto& column : batch.columns) EXPECT_EQ(column.size(), 2U);
  EXPECT_EQ(batch.columns[1].bytes(1), "D");
  EXPECT_THAT(
      bad, testing::ElementsAre("2 2024-01-02 09:30:00+00,B,x,2 invalid input syntax for type numeric: \"x\"",
                                "3 2024-01-02 09:30:00+00,C missing data for column \"price\""));
}

TEST(CopyReader, SkipsOrChecksTheHeader) {
  auto options = CopyOptions::csv();
  const std::vector<CopyColumn> columns = {{"a", SqlType::of(TypeId::Text)},
                                           {"b", SqlType::of(TypeId::Text)}};
  options.header = CopyHeader::Present;
  EXPECT_EQ(read(options, columns, "x,y\n1,2\n").row_count(), 1U);
  options.header = CopyHeader::Match;
  EXPECT_EQ(read(options, columns, "a,b\n1,2\n").row_count(), 1U);
  EXPECT_EQ(problem_of(options, columns, "a,c\n1,2\n").message,
            "column name mismatch in header line field 2: got \"c\", expected \"b\"");
  EXPECT_EQ(problem_of(options, columns, "a\n1,2\n").message,
            "wrong number of fields in header line: got 1, expected 2");
}

TEST(CopyReader, ForcesNullAndNotNull) {
  auto options = CopyOptions::csv();
  options.force_null = {"a"};
  options.force_not_null = {"b"};
  const std::vector<CopyColumn> columns = {{"a", SqlType::of(TypeId::Text)},
                                           {"b", SqlType::of(TypeId::Text)}};
  const auto batch = read(options, columns, "\"\",\n");
  EXPECT_TRUE(batch.columns[0].is_null(0));
  EXPECT_FALSE(batch.columns[1].is_null(0));
}

TEST(CopyReader, ReadsPastIgnoredColumns) {
  const std::vector<CopyColumn> columns = {{"a", SqlType::of(TypeId::Text), true},
                                           {"b", SqlType::of(TypeId::Text)}};
  const auto batch = read(CopyOptions::csv(), columns, "1,2\n3,4\n");
  ASSERT_EQ(batch.columns.size(), 1U);
  EXPECT_EQ(batch.columns[0].bytes(1), "4");
}

TEST(CopyReader, CountsRowsWithoutColumns) {
  EXPECT_EQ(read(CopyOptions::text(), {}, "\n\n\n").row_count(), 3U);
}

TEST(CopyReader, ReadsArraysThatComeAgainAsTheFirstTime) {
  const std::vector<CopyColumn> columns = {{"conditions", SqlType::array_of(TypeId::Text)}};
  // More texts than are remembered, each of them three times.
  std::string input;
  std::vector<std::string> expected;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      expected.push_back("{@,\"code " + std::to_string(i) + "\"}");
      input += "{ @ ,code " + std::to_string(i) + "}\n";
    }
  }
  const auto batch = read(CopyOptions::text(), columns, input);
  ASSERT_EQ(batch.row_count(), expected.size());
  std::string all;
  for (const auto& text : expected) all += text + "\n";
  EXPECT_EQ(written(CopyOptions::text(), columns, batch), all);
  const auto problem = problem_of(CopyOptions::text(), columns, "{a}\n{a}\n{a\n{a\n");
  EXPECT_EQ(problem.state, "22P02");
  EXPECT_EQ(problem.context, "COPY trades, line 3, column conditions: \"{a\"");
}

TEST(CopyReader, RefusesInvalidUtf8) {
  const std::vector<CopyColumn> columns = {{"a", SqlType::of(TypeId::Text)}};
  const auto problem = problem_of(CopyOptions::text(), columns, "ok\n\xFF\n");
  EXPECT_EQ(problem.state, "22021");
  EXPECT_EQ(problem_of(CopyOptions::text(), columns, "a\\x00\n").state, "22021");
}

Batch sample() {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Integer));
  batch.columns.emplace_back(SqlType::of(TypeId::Text));
  for (const auto text : {"plain"sv, "with,comma"sv, "quo\"te"sv, "tab\there"sv, "line\nend"sv,
                          "back\\slash"sv, ""sv, "\\N"sv, "\\."sv}) {
    batch.columns[0].append_fixed(static_cast<std::int32_t>(text.size()));
    batch.columns[1].append_bytes(text);
  }
  batch.columns[0].append_null();
  batch.columns[1].append_null();
  return batch;
}

const std::vector<CopyColumn> kSampleColumns = {{"n", SqlType::of(TypeId::Integer)},
                                                {"t", SqlType::of(TypeId::Text)}};

TEST(CopyWriter, WritesText) {
  EXPECT_EQ(written(CopyOptions::text(), kSampleColumns, sample()),
            "5\tplain\n10\twith,"
            "comma\n6\tquo\"te\n8\ttab\\there\n8\tline\\nend\n10\tback\\\\slash\n0\t\n2\t\\\\N\n2\t\\\\.\n"
            "\\N\t\\N\n");
}

TEST(CopyWriter, WritesCsv) {
  auto options = CopyOptions::csv();
  options.header = CopyHeader::Present;
  EXPECT_EQ(written(options, kSampleColumns, sample()),
            "n,t\n5,plain\n10,\"with,comma\"\n6,\"quo\"\"te\"\n8,tab\there\n8,\"line\nend\"\n10,"
            "back\\slash\n0,\"\"\n2,\\N\n"
            "2,\\.\n,\n");
}

TEST(CopyWriter, QuotesWhereForcedOrAmbiguous) {
  auto options = CopyOptions::csv();
  options.force_quote_all = true;
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::Integer));
  batch.columns[0].append_fixed(std::int32_t{7});
  batch.columns[0].append_null();
  EXPECT_EQ(written(options, {{"n", SqlType::of(TypeId::Integer)}}, batch), "\"7\"\n\n");
  // A delimiter or NULL that could stand in a number.
  options = CopyOptions::csv();
  options.null_text = "7";
  EXPECT_EQ(written(options, {{"n", SqlType::of(TypeId::Integer)}}, batch), "\"7\"\n7\n");
}

TEST(CopyWriter, WritesWhatTheReaderReads) {
  for (const auto& options : {CopyOptions::text(), CopyOptions::csv(), CopyOptions::binary()}) {
    const auto text = written(options, kSampleColumns, sample());
    for (const std::size_t chunk_bytes : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
      CopyReader reader(options, kSampleColumns, "t");
      const auto batch = read(reader, text, chunk_bytes);
      ASSERT_EQ(batch.row_count(), sample().row_count());
      EXPECT_EQ(written(options, kSampleColumns, batch), text);
    }
  }
}

TEST(CopyBinary, HasPostgresqlsForm) {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::SmallInt));
  batch.columns[0].append_fixed(std::int16_t{258});
  batch.columns[0].append_null();
  EXPECT_EQ(written(CopyOptions::binary(), {{"n", SqlType::of(TypeId::SmallInt)}}, batch),
            "PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2\1\2\0\1\xFF\xFF\xFF\xFF\xFF\xFF"sv);
}

TEST(CopyBinary, RefusesWhatIsNotIt) {
  const std::vector<CopyColumn> columns = {{"n", SqlType::of(TypeId::SmallInt)}};
  const std::string head = "PGCOPY\n\xFF\r\n" + std::string(9, '\0');
  const auto message = [&](const std::string& input) {
    return problem_of(CopyOptions::binary(), columns, input).message;
  };
  EXPECT_EQ(message("1\n2\n"), "COPY file signature not recognized");
  EXPECT_EQ(message(""), "COPY file signature not recognized");
  EXPECT_EQ(message(head + std::string("\0\2", 2)), "row field count is 2, expected 1");
  EXPECT_EQ(message(head + std::string("\0\1\0\0\0\2\1", 7)), "unexpected EOF in COPY data");
  EXPECT_EQ(message(head + std::string("\0\1\xFF\xFF\xFF\xFE", 6)), "invalid field size");
  EXPECT_EQ(message(head + std::string("\0\1\0\0\0\3\1\2\3", 9)), "incorrect binary data format");
  EXPECT_EQ(message(head + std::string("\xFF\xFFx", 3)), "received copy data after EOF marker");
}

}  // namespace
}  // namespace tickstone
