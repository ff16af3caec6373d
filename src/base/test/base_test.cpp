// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include <tickstone/error.hpp>

#include "base/byte_size.hpp"
#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "base/logging.hpp"
#include "base/ordered_worker.hpp"
#include "base/short_text.hpp"
#include "base/thread_name.hpp"

namespace tickstone {
namespace {

TEST(Bytes, WhatIsWrittenIsRead) {
  ByteWriter out;
  out.put(std::uint16_t{7});
  out.put_string("text");
  out.put(2.5);
  out.overwrite(0, std::uint16_t{8});
  ByteReader in(out.bytes());
  EXPECT_EQ(in.get<std::uint16_t>(), 8);
  EXPECT_EQ(in.get_string(), "text");
  EXPECT_EQ(in.get<double>(), 2.5);
  EXPECT_TRUE(in.at_end());
}

TEST(Bytes, ReadingPastTheEndIsDamage) {
  ByteWriter out;
  out.put(std::uint32_t{1'000'000});
  ByteReader in(out.bytes(), "page");
  try {
    in.get_string();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
    EXPECT_STREQ(error.what(), "page ends too early");
  }
}

TEST(Checksum, DependsOnBytesAndSeed) {
  const std::byte bytes[] = {std::byte{1}, std::byte{2}};
  EXPECT_EQ(checksum64(bytes), checksum64(bytes));
  EXPECT_NE(checksum64(bytes), checksum64(std::span(bytes).first(1)));
  EXPECT_NE(checksum64(bytes), checksum64(bytes, 1));
}

TEST(Clock, MonotonicNeverGoesBack) {
  const auto& clock = system_clock();
  const auto before = clock.monotonic_ns();
  EXPECT_LE(before, clock.monotonic_ns());
  EXPECT_GT(clock.now_us(), 1'700'000'000LL * 1'000'000);
}

TEST(Error, EveryCodeHasAStateOfFive) {
  std::set<std::string_view> states;
  for (int code = 0; code <= static_cast<int>(ErrorCode::HypertableNotExist); ++code) {
    const auto state = sqlstate(static_cast<ErrorCode>(code));
    EXPECT_EQ(state.size(), 5U);
    EXPECT_TRUE(states.insert(state).second) << state << " twice";
  }
}

// As PostgreSQL 15's pg_size_pretty answers.
TEST(ByteSize, PrintsAsPostgres) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "0 bytes"},
      {1, "1 bytes"},
      {-1, "-1 bytes"},
      {1023, "1023 bytes"},
      {8192, "8192 bytes"},
      {10239, "10239 bytes"},
      {10240, "10 kB"},
      {10241, "10 kB"},
      {-10239, "-10239 bytes"},
      {-10240, "-10 kB"},
      {10751, "10 kB"},
      {10752, "11 kB"},
      {1048575, "1024 kB"},
      {10485247, "10239 kB"},
      {10485248, "10 MB"},
      {10485759, "10 MB"},
      {10485760, "10 MB"},
      {10736893951, "10239 MB"},
      {10736893952, "10 GB"},
      {10737418240, "10 GB"},
      {1099511627776, "1024 GB"},
      {10994579406847, "10239 GB"},
      {10994579406848, "10 TB"},
      {11258449312612351, "10239 TB"},
      {11258449312612352, "10 PB"},
      {1152921504606846976, "1024 PB"},
      {9223372036854775807, "8192 PB"},
      {INT64_MIN, "-8192 PB"},
      {123456789, "118 MB"},
      {5368709120, "5120 MB"},
      {1572864, "1536 kB"},
      {-10752, "-11 kB"},
      {-10751, "-10 kB"},
      {-123456789, "-118 MB"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(format_bytes(bytes), text) << bytes;
}

TEST(ByteSize, ReadsSettings) {
  EXPECT_EQ(parse_bytes("64MB"), 64 << 20);
  EXPECT_EQ(parse_bytes(" 1.5 GB "), 3LL << 29);
  EXPECT_EQ(parse_bytes("8kB"), 8192);
  EXPECT_EQ(parse_bytes("100"), 100);
  EXPECT_EQ(parse_bytes("100", 1024), 102'400);
  EXPECT_EQ(parse_bytes("0"), 0);
  for (const auto* text : {"", "MB", "-1MB", "64mb", "64 M", "1e400", "99999999999TB", "nan", "inf"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(Logging, KnowsPostgresLevels) {
  EXPECT_EQ(log_level_from_name("DEBUG5"), LogLevel::Debug);
  EXPECT_EQ(log_level_from_name("notice"), LogLevel::Info);
  EXPECT_EQ(log_level_from_name("Warning"), LogLevel::Warning);
  EXPECT_EQ(log_level_from_name("panic"), LogLevel::Error);
  EXPECT_EQ(log_level_from_name("debug6"), std::nullopt);
  EXPECT_EQ(log_level_from_name("loud"), std::nullopt);
}

TEST(Logging, WritesToStandardErrorAboveItsLevel) {
  testing::internal::CaptureStderr();
  start_logging(LogLevel::Warning);
  log_info("quiet {}", 1);
  log_warning("loud {}", 2);
  set_log_level(LogLevel::Debug);
  log_debug("small {}", 3);
  log_error("large {}", 4);
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("warning: loud 2\n"), std::string::npos);
  EXPECT_NE(text.find("debug: small 3\n"), std::string::npos);
  EXPECT_NE(text.find("error: large 4\n"), std::string::npos);
}

TEST(ThreadName, IsCutToWhatTheSystemKeeps) {
  char before[16] = {};
  pthread_getname_np(pthread_self(), before, sizeof(before));
  set_thread_name("a name that is too long");
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof(name));
  EXPECT_STREQ(name, "a name that is ");
  set_thread_name(before);
}

TEST(Histogram, CountsUpToEachBound) {
  LatencyHistogram histogram;
  for (const std::uint64_t ns : {0U, 25'000U, 25'001U, 4'000'000'000U}) histogram.record(ns);
  histogram.record(61'000'000'000);  // above the last bound
  const auto counts = histogram.counts();
  ASSERT_EQ(counts.counts.size(), counts.bounds.size() + 1);
  EXPECT_TRUE(std::is_sorted(counts.bounds.begin(), counts.bounds.end()));
  EXPECT_EQ(counts.counts.front(), 2U);
  EXPECT_EQ(counts.counts[1], 1U);
  EXPECT_EQ(counts.counts.back(), 1U);
  EXPECT_EQ(counts.total(), 5U);
  EXPECT_EQ(counts.sum, 65'000'050'001U);
}

TEST(OrderedWorker, SettlesWhenAllJobsAreDoneAndTellsTheFirstError) {
  std::vector<int> done;
  OrderedWorker<int> worker([&](int job) {
    if (job < 0) throw Error(ErrorCode::DataCorrupted, "job " + std::to_string(job));
    done.push_back(job);
  });
  worker.settle();
  for (int i = 0; i < 100; ++i) worker.push(i);
  worker.settle();
  EXPECT_EQ(done.size(), 100U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  worker.push(-1);
  EXPECT_THROW(worker.settle(), Error);
  EXPECT_EQ(done.size(), 100U);
}

TEST(ShortText, ComparesAndCopiesEveryLength) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i);
    EXPECT_TRUE(equal_texts(text, std::string(text)));
    EXPECT_FALSE(equal_texts(text, text + "x"));
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = 'Z';
      EXPECT_FALSE(equal_texts(text, other)) << size << " " << i;
    }
    std::string copy(size + 2, '.');
    copy_text(copy.data() + 1, text);
    EXPECT_EQ(copy, "." + text + ".");
  }
}

}  // namespace
}  // namespace tickstone
