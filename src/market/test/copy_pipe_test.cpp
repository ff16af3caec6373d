// SPDX-License-Identifier: Apache-2.0
#include "market/copy_pipe.hpp"

#include <atomic>
#include <thread>

#include <tickstone/error.hpp>

#include "market/test/copy_fixture.hpp"

namespace tickstone::market {
namespace {

std::string read_all(CopyPipe& pipe) {
  std::string all;
  for (std::string chunk; pipe.read(chunk);) all += chunk;
  return all;
}

TEST(CopyPipe, GivesBytesInTheirOrder) {
  CopyPipe pipe;
  std::string sent;
  std::thread writer([&] {
    for (int i = 0; i < 200'000; ++i) {
      const std::string line = std::to_string(i) + "\n";
      sent += line;
      ASSERT_TRUE(pipe.write(line));
    }
    pipe.end_writing();
  });
  const std::string got = read_all(pipe);
  writer.join();
  EXPECT_GT(got.size(), 1U << 20);
  EXPECT_EQ(got, sent);
}

TEST(CopyPipe, EndsAtOnceWhereNothingWasWritten) {
  CopyPipe pipe;
  pipe.end_writing();
  std::string chunk = "before";
  EXPECT_FALSE(pipe.read(chunk));
  EXPECT_FALSE(pipe.read(chunk)) << "and stays ended";
}

TEST(CopyPipe, KeepsAPieceThatIsLargerThanAllItHolds) {
  CopyPipe pipe;
  const std::string large(20U << 20, 'x');
  std::thread writer([&] {
    EXPECT_TRUE(pipe.write(large));
    pipe.end_writing();
  });
  EXPECT_EQ(read_all(pipe), large);
  writer.join();
}

TEST(CopyPipe, TheWriterWaitsUntilThereIsRoom) {
  CopyPipe pipe;
  std::atomic<std::uint64_t> written = 0;
  constexpr std::uint64_t kAll = 64U << 20;
  std::thread writer([&] {
    const std::string piece(1 << 16, 'x');
    while (written < kAll) {
      ASSERT_TRUE(pipe.write(piece));
      written += piece.size();
    }
    pipe.end_writing();
  });
  // What was written and not read is never more than what the pipe and the writer's hands hold.
  std::uint64_t read = 0;
  std::uint64_t most = 0;
  for (std::string chunk; pipe.read(chunk);) {
    most = std::max(most, written - std::min(read, written.load()));
    read += chunk.size();
  }
  writer.join();
  EXPECT_EQ(read, kAll);
  EXPECT_LT(most, 8U << 20);
}

TEST(CopyPipe, AReaderThatGivesUpFreesTheWriter) {
  CopyPipe pipe;
  bool is_told = false;
  std::thread writer([&] {
    const std::string piece(1 << 18, 'x');
    for (int i = 0; i < 1000 && !is_told; ++i) is_told = !pipe.write(piece);
    pipe.end_writing();
  });
  pipe.give_up();
  writer.join();
  EXPECT_TRUE(is_told);
}

class CopyAcross : public CopyFixture {
 protected:
  void SetUp() override {
    CopyFixture::SetUp();
    run("CREATE TABLE s (a INT PRIMARY KEY, b TEXT)");
    run("INSERT INTO s SELECT i, 'row ' || i FROM generate_series(1, 50000) AS g(i)");
    run("CREATE TABLE t (a INT PRIMARY KEY CHECK (a <> 777), b TEXT)");
    other_ = connect();
  }
  void TearDown() override {
    other_.reset();
    CopyFixture::TearDown();
  }
  std::string error_of(const std::string& out, const std::string& in) {
    try {
      copy_across(connection(), out, *other_, in);
      return "none";
    } catch (const Error& error) {
      return std::string(sqlstate(error.code()));
    }
  }
  std::unique_ptr<Connection> other_;
};

TEST_F(CopyAcross, BringsRowsAndCountsThem) {
  EXPECT_EQ(copy_across(connection(), "COPY (SELECT * FROM s WHERE a <> 777) TO STDOUT", *other_,
                        "COPY t FROM STDIN"),
            49'999U);
  EXPECT_EQ(value("SELECT count(*) FROM t JOIN s USING (a, b)"), "49999");
  EXPECT_EQ(
      copy_across(connection(), "COPY (SELECT * FROM s WHERE a < 0) TO STDOUT", *other_, "COPY t FROM STDIN"),
      0U);
}

TEST_F(CopyAcross, WhatTheTargetRefusesIsToldAndNothingCame) {
  EXPECT_EQ(error_of("COPY s TO STDOUT", "COPY t FROM STDIN"), "23514");
  EXPECT_EQ(value("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(error_of("COPY s TO STDOUT", "COPY nosuch FROM STDIN"), "42P01");
}

TEST_F(CopyAcross, WhatTheSourceFailsAtIsTold) {
  EXPECT_EQ(error_of("COPY nosuch TO STDOUT", "COPY t FROM STDIN"), "42P01");
  EXPECT_EQ(error_of("COPY (SELECT a, 1 / (a - 40000) FROM s WHERE a <> 777 ORDER BY a) TO STDOUT",
                     "COPY t FROM STDIN"),
            "22012");
  EXPECT_EQ(value("SELECT count(*) FROM t"), "0");
}

}  // namespace
}  // namespace tickstone::market
