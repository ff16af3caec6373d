// SPDX-License-Identifier: Apache-2.0
#include "engine/statement_statistics.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

namespace tickstone::engine {
namespace {

constexpr std::int64_t kUser = 10;
constexpr std::int64_t kMillisecond = 1'000'000;

std::string shape(int number) { return "SELECT a FROM t" + std::to_string(number); }

catalog::StatementCounts only(const StatementStatistics& statistics) {
  const auto all = statistics.statements();
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? catalog::StatementCounts{} : all.front();
}

TEST(StatementStatistics, CountsByShapeAndUser) {
  StatementStatistics statistics(system_clock());
  statistics.find_or_add(kUser, true, "SELECT a FROM t WHERE b = 1")->record(1, 2);
  statistics.find_or_add(kUser, true, "select a from t where b = 2")->record(1, 3);
  auto counts = only(statistics);
  EXPECT_EQ(counts.text, "SELECT a FROM t WHERE b = $1");
  EXPECT_EQ(counts.calls, 2U);
  EXPECT_EQ(counts.rows, 5U);
  statistics.find_or_add(kUser + 1, true, "SELECT a FROM t WHERE b = 1")->record(1, 2);
  statistics.find_or_add(kUser, false, "SELECT a FROM t WHERE b = 1")->record(1, 2);
  EXPECT_EQ(statistics.statements().size(), 3U);
}

TEST(StatementStatistics, ComputesTimesAsPostgresqlDoes) {
  StatementStatistics statistics(system_clock());
  const auto entry = statistics.find_or_add(kUser, true, "SELECT 1");
  for (const int ms : {2, 4, 4, 4, 5, 5, 7, 9}) entry->record(ms * kMillisecond, 0);
  const auto counts = only(statistics);
  EXPECT_DOUBLE_EQ(counts.total_ms, 40);
  EXPECT_DOUBLE_EQ(counts.min_ms, 2);
  EXPECT_DOUBLE_EQ(counts.max_ms, 9);
  EXPECT_DOUBLE_EQ(counts.mean_ms, 5);
  EXPECT_DOUBLE_EQ(counts.stddev_ms(), 2);  // of the population
}

TEST(StatementStatistics, KeepsThoseUsedMost) {
  constexpr std::size_t kMost = 100;
  StatementStatistics statistics(system_clock(), kMost);
  for (int round = 0; round < 50; ++round) statistics.find_or_add(kUser, true, shape(0))->record(1, 0);
  for (int number = 1; number < 500; ++number) {
    statistics.find_or_add(kUser, true, shape(number))->record(1, 0);
    EXPECT_LE(statistics.statements().size(), kMost);
  }
  const auto all = statistics.statements();
  EXPECT_TRUE(
      std::any_of(all.begin(), all.end(), [](const auto& s) { return s.text == shape(0) && s.calls == 50; }));
  EXPECT_GT(statistics.deallocations(), 10U);
}

TEST(StatementStatistics, EntriesThatLeftSaySo) {
  StatementStatistics statistics(system_clock(), 10);
  const auto first = statistics.find_or_add(kUser, true, shape(0));
  EXPECT_FALSE(first->is_dropped());
  for (int number = 1; number <= 20; ++number)
    statistics.find_or_add(kUser, true, shape(number))->record(1, 0);
  EXPECT_TRUE(first->is_dropped());
  const auto second = statistics.find_or_add(kUser, true, shape(30));
  statistics.reset(0, 0);
  EXPECT_TRUE(second->is_dropped());
  EXPECT_TRUE(statistics.statements().empty());
  EXPECT_EQ(statistics.deallocations(), 0U);
}

TEST(StatementStatistics, ResetsSome) {
  StatementStatistics statistics(system_clock());
  for (const auto user : {kUser, kUser + 1}) {
    for (int number = 0; number < 3; ++number)
      statistics.find_or_add(user, true, shape(number))->record(1, 0);
  }
  const auto reset_us = statistics.reset_time_us();
  statistics.reset(kUser, 0);
  EXPECT_EQ(statistics.statements().size(), 3U);
  statistics.reset(0, statistics.statements().front().query_id);
  EXPECT_EQ(statistics.statements().size(), 2U);
  statistics.reset(kUser + 1, 12345);
  EXPECT_EQ(statistics.statements().size(), 2U);
  EXPECT_EQ(statistics.reset_time_us(), reset_us);
}

TEST(StatementStatistics, LongTextsAreCutBetweenCharacters) {
  StatementStatistics statistics(system_clock());
  std::string statement = "SELECT a AS \"";
  while (statement.size() < 2 * StatementStatistics::kMostTextBytes) statement += "\xC3\xA4";
  statistics.find_or_add(kUser, true, statement + "\"")->record(1, 0);
  const auto text = only(statistics).text;
  EXPECT_LE(text.size(), StatementStatistics::kMostTextBytes + 16);
  EXPECT_TRUE(text.ends_with(" /* cut */"));
  EXPECT_EQ(text[text.size() - 11], '\xA4');
}

TEST(StatementStatistics, IsKeptInAFileOnce) {
  const auto file =
      std::filesystem::temp_directory_path() / ("tickstone-statements-" + std::to_string(getpid()));
  {
    StatementStatistics statistics(system_clock());
    const auto entry = statistics.find_or_add(kUser, true, "SELECT \"\xFF\", 'x'");
    entry->record(3 * kMillisecond, 1);
    entry->record(5 * kMillisecond, 1);
    statistics.save(file);
  }
  StatementStatistics statistics(system_clock());
  statistics.load(file);
  EXPECT_FALSE(std::filesystem::exists(file));
  const auto counts = only(statistics);
  EXPECT_EQ(counts.calls, 2U);
  EXPECT_DOUBLE_EQ(counts.mean_ms, 4);
  EXPECT_DOUBLE_EQ(counts.stddev_ms(), 1);
  // The same statement goes on where it was.
  statistics.find_or_add(kUser, true, "SELECT \"\xFF\", 'y'")->record(kMillisecond, 1);
  EXPECT_EQ(only(statistics).calls, 3U);

  std::ofstream(file) << R"({"version": 1, "statements": [[1, 2)";
  StatementStatistics damaged(system_clock());
  damaged.load(file);
  EXPECT_TRUE(damaged.statements().empty());
  EXPECT_FALSE(std::filesystem::exists(file));
  damaged.load(file);  // none: nothing to do
}

TEST(StatementStatistics, ManyThreads) {
  StatementStatistics statistics(system_clock(), 50);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&statistics, thread] {
      for (int i = 0; i < 2000; ++i) {
        statistics.find_or_add(kUser, true, "SELECT 'hot'")->record(1, 1);
        statistics.find_or_add(kUser, true, shape(thread * 2000 + i))->record(1, 1);
        if (i % 500 == 0) (void)statistics.statements();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto all = statistics.statements();
  const auto hot = std::find_if(all.begin(), all.end(), [](const auto& s) { return s.text == "SELECT $1"; });
  ASSERT_NE(hot, all.end());
  EXPECT_EQ(hot->calls, 8000U);
}

}  // namespace
}  // namespace tickstone::engine
