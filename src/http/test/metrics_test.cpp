// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tickstone::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

engine::DatabaseStatus sample() {
  engine::DatabaseStatus status;
  status.now_us = 1'700'000'100'000'000;
  status.started_us = 1'700'000'000'000'000;
  status.database_name = "inavvi";
  status.counts.rows_inserted = 12;
  status.sessions = {{"active", 1}, {"idle", 2}};
  LatencyHistogram inserts;
  inserts.record(30'000);
  inserts.record(40'000);
  inserts.record(20'000'000);
  inserts.record(600'000'000'000);  // beyond the last bound
  status.statements[static_cast<std::size_t>(engine::StatementKind::Insert)] = inserts.counts();
  Histogram<kGroupSizeBounds> groups;
  groups.record(1);
  groups.record(3);
  status.storage.commit_groups = groups.counts();
  engine::DatabaseStatus::Table table;
  table.schema = "public";
  table.name = "odd \"name\"\\\n";
  table.is_hypertable = true;
  table.rows = 5;
  table.newest_us = 1'700'000'099'500'000;
  status.tables.push_back(table);
  engine::DatabaseStatus::Job job;
  job.procedure = "policy_retention";
  job.hypertable = "public.trades";
  job.statistics.job_id = 1000;
  job.statistics.failures = 2;
  job.statistics.last_success_us = status.now_us - 90'000'000;
  status.jobs.push_back(job);
  status.aggregates.push_back({"public", "hourly", 1'700'000'000'000'000, 95'000'000});
  return status;
}

TEST(Metrics, SaysUnitsInSecondsAndBytes) {
  const auto text = metrics_text(sample(), {}, "0.1");
  EXPECT_THAT(text, HasSubstr("tickstone_connections{state=\"idle\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_rows_written_total{operation=\"insert\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_job_runs_total{job_id=\"1000\",procedure=\"policy_retention\","
                              "hypertable=\"public.trades\",outcome=\"failure\"} 2\n"));
  EXPECT_THAT(
      text, HasSubstr("tickstone_job_last_success_age_seconds{job_id=\"1000\",procedure=\"policy_retention\","
                      "hypertable=\"public.trades\"} 90\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_aggregate_lag_seconds{schema=\"public\",view=\"hourly\"} 95\n"));
  EXPECT_THAT(text, HasSubstr("process_start_time_seconds 1700000000\n"));
  // A name with all that has to be escaped.
  EXPECT_THAT(text, HasSubstr("table=\"odd \\\"name\\\"\\\\\\n\""));
}

TEST(Metrics, BucketsAreCumulative) {
  const auto text = metrics_text(sample(), {}, "0.1");
  const std::string name = "tickstone_statement_duration_seconds_bucket{kind=\"insert\",le=\"";
  EXPECT_THAT(text, HasSubstr(name + "2.5e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(name + "5e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "60\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_statement_duration_seconds_count{kind=\"insert\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_commit_group_size_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_commit_group_size_bucket{le=\"4\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("tickstone_commit_group_size_sum 4\n"));
}

// Prometheus refuses a family that is not in one piece, and a sample that comes twice.
TEST(Metrics, EachFamilyOnceEachSampleOnce) {
  auto status = sample();
  status.tables.push_back(status.tables.front());
  status.tables.back().name = "another";
  status.jobs.push_back(status.jobs.front());
  status.jobs.back().statistics.job_id = 1001;
  std::istringstream lines(metrics_text(status, read_process_facts(), "0.1"));
  std::set<std::string> families, samples;
  const std::regex sample_line(R"(([a-z_]+)(\{.*\})? [-+0-9.eInfNa]+)");
  std::string family, line;
  while (std::getline(lines, line)) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family;
      continue;
    }
    if (line.starts_with("# ")) continue;
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(line, parts, sample_line)) << line;
    EXPECT_TRUE(parts[1].str().starts_with(family)) << line;
    EXPECT_TRUE(samples.insert(parts[1].str() + parts[2].str()).second) << line;
  }
  EXPECT_GT(families.size(), 60U);
}

TEST(Metrics, LeavesOutWhatIsNotKnown) {
  auto status = sample();
  status.tables.front().newest_us.reset();
  status.jobs.front().statistics.last_success_us.reset();
  const auto text = metrics_text(status, {}, "0.1");
  EXPECT_THAT(text, Not(HasSubstr("tickstone_hypertable_newest_timestamp_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("tickstone_job_last_success")));
}

TEST(ProcessFacts, AreThisProcess) {
  const auto facts = read_process_facts();
  EXPECT_GT(facts.resident_bytes, 1U << 20);
  EXPECT_GE(facts.virtual_bytes, facts.resident_bytes);
  EXPECT_GT(facts.open_files, 2U);
  EXPECT_GE(facts.threads, 1U);
}

}  // namespace
}  // namespace tickstone::http
