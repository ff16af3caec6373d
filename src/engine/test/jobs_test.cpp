// SPDX-License-Identifier: Apache-2.0
// Jobs by a clock that the test moves.
#include <atomic>
#include <chrono>
#include <thread>

#include "catalog/job_records.hpp"
#include "engine/job_schedule.hpp"
#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kHourUs = 60 * kMinuteUs;

std::int64_t at(const std::string& text) {
  return static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::TimestampTz), text).integer);
}

std::string shown(std::int64_t us) { return to_text(Value::of_timestamptz(us)); }

std::string slot_after(const std::string& initial, const char* interval, const char* zone,
                       const std::string& after) {
  return shown(next_slot(at(initial), parse_interval(interval).value(), zone, at(after)));
}

TEST(JobSchedule, SlotsKeepTheWallTimeOfTheirZoneAcrossDst) {
  // New York: 9:30 is 14:30 UTC in winter, 13:30 in summer; clocks go forward on 2026-03-08.
  EXPECT_EQ(slot_after("2026-03-06 14:30+00", "1 day", "America/New_York", "2026-03-07 14:30+00"),
            "2026-03-08 13:30:00+00");
  EXPECT_EQ(slot_after("2026-03-06 14:30+00", "1 day", "", "2026-03-07 14:30+00"), "2026-03-08 14:30:00+00");
  // Hours are hours, also over the change.
  EXPECT_EQ(slot_after("2026-03-08 06:00+00", "1 hour", "America/New_York", "2026-03-08 07:10+00"),
            "2026-03-08 08:00:00+00");
  EXPECT_EQ(slot_after("2026-10-31 13:30+00", "1 day", "America/New_York", "2026-10-31 13:30+00"),
            "2026-11-01 14:30:00+00");
}

TEST(JobSchedule, MonthsEndWhereTheyEndAndComeBack) {
  EXPECT_EQ(slot_after("2026-01-31 00:00+00", "1 month", "", "2026-01-31 00:00+00"),
            "2026-02-28 00:00:00+00");
  EXPECT_EQ(slot_after("2026-01-31 00:00+00", "1 month", "", "2026-02-28 00:00+00"),
            "2026-03-31 00:00:00+00");
  EXPECT_EQ(slot_after("2000-01-31 00:00+00", "1 month", "", "2026-02-28 00:00+00"),
            "2026-03-31 00:00:00+00");
}

TEST(JobSchedule, NoSlotIsBeforeTheFirst) {
  EXPECT_EQ(slot_after("2026-06-01 00:00+00", "1 hour", "", "2026-01-01 00:00+00"), "2026-06-01 00:00:00+00");
  // Of a second since years ago, at once.
  EXPECT_EQ(slot_after("2000-01-01 00:00+00", "1 second", "", "2026-01-01 00:00:00.5+00"),
            "2026-01-01 00:00:01+00");
}

TEST(JobSchedule, FailuresWaitLongerEachTimeUpToFiveIntervals) {
  catalog::JobObject job;
  job.schedule_interval = "01:00:00";
  job.retry_period = "00:10:00";
  job.fixed_schedule = false;
  EXPECT_EQ(next_start_after_failure(job, 0, 1, 0), 10 * kMinuteUs);
  EXPECT_EQ(next_start_after_failure(job, 0, 3, 0), 30 * kMinuteUs);
  EXPECT_EQ(next_start_after_failure(job, 0, 3, 1), 30 * kMinuteUs * 9 / 8);
  EXPECT_EQ(next_start_after_failure(job, 0, 3, -1), 30 * kMinuteUs * 7 / 8);
  job.schedule_interval = "00:20:00";
  EXPECT_EQ(next_start_after_failure(job, 0, 20, 0), 100 * kMinuteUs);
  job.fixed_schedule = true;
  job.initial_start_us = 0;
  EXPECT_EQ(next_start_after_failure(job, kMinuteUs, 20, 0), 20 * kMinuteUs);  // the next slot
  EXPECT_EQ(next_start_after_crash(job, kMinuteUs, 1, 0), 11 * kMinuteUs);
  job.retry_period = "00:01:00";
  EXPECT_EQ(next_start_after_crash(job, kMinuteUs, 1, 0), 6 * kMinuteUs);
}

class TestClock final : public Clock {
 public:
  std::int64_t now_us() const override { return now; }
  std::atomic<std::int64_t> now{at("2026-03-02 12:00+00")};
};

class Jobs : public SessionTest {
 protected:
  Jobs() {
    options.clock = &clock_;
    options.store.clock = &clock_;
    options.background_workers = 0;
    reopen();
    session->run(
        "SELECT delete_job(3); CREATE TABLE runs (job int, config jsonb, ran timestamptz);"
        "CREATE PROCEDURE note(job_id int, config jsonb) LANGUAGE SQL AS "
        "'INSERT INTO runs VALUES (job_id, config, now())';"
        "CREATE PROCEDURE fail(job_id int, config jsonb) LANGUAGE SQL AS "
        "'INSERT INTO runs VALUES ($1, $2, now()); SELECT 1 / 0'");
    forget_history();
  }
  /// What ran before the test's clock.
  void forget_history() {
    session->run(
        "CALL _timescaledb_functions.policy_job_stat_history_retention(3, '{\"drop_after\": \"1 month\", "
        "\"max_successes_per_job\": 0, \"max_failures_per_job\": 0}')");
  }
  std::string run_due() {
    const auto next = database().run_due_jobs();
    return next ? shown(*next) : "never";
  }
  void go_to(const std::string& time) { clock_.now = at(time); }

  TestClock clock_;
};

TEST_F(Jobs, AFixedScheduleRunsAtItsSlotsAndCatchesUpOnce) {
  EXPECT_EQ(value("SELECT add_job('note', '1 hour', config => '{\"a\": 1}', initial_start => "
                  "'2026-03-02 13:00+00')"),
            "1000");
  EXPECT_EQ(run_due(), "2026-03-02 13:00:00+00");
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "0");
  go_to("2026-03-02 13:00:05+00");
  EXPECT_EQ(run_due(), "2026-03-02 14:00:00+00");
  EXPECT_EQ(run_due(), "2026-03-02 14:00:00+00");
  EXPECT_EQ(rows("SELECT * FROM runs"), (std::vector<std::string>{"1000|{\"a\": 1}|2026-03-02 13:00:05+00"}));
  // Down for nine slots: one run, and the next one in time.
  go_to("2026-03-02 22:30:00+00");
  reopen();
  EXPECT_EQ(run_due(), "2026-03-02 23:00:00+00");
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "2");
  EXPECT_EQ(rows("SELECT job_id, last_run_status, job_status, total_runs, total_successes, total_failures, "
                 "next_start FROM timescaledb_information.job_stats"),
            (std::vector<std::string>{"1000|Success|Scheduled|2|2|0|2026-03-02 23:00:00+00"}));
}

TEST_F(Jobs, ADriftingScheduleCountsFromTheLastEnd) {
  session->run("SELECT add_job('note', '10 minutes', fixed_schedule => false)");
  EXPECT_EQ(run_due(), "2026-03-02 12:10:00+00");
  go_to("2026-03-02 12:17:00+00");
  EXPECT_EQ(run_due(), "2026-03-02 12:27:00+00");
}

TEST_F(Jobs, AFailureIsWrittenDownRolledBackAndTriedAgain) {
  session->run("SELECT add_job('fail', '1 day', initial_start => '2026-03-02 12:00+00')");
  run_due();
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "0");
  EXPECT_EQ(rows("SELECT job_id, proc_schema, proc_name, sqlerrcode, err_message FROM "
                 "timescaledb_information.job_errors"),
            (std::vector<std::string>{"1000|public|fail|22012|division by zero"}));
  EXPECT_EQ(value("SELECT next_start BETWEEN '2026-03-02 12:04+00' AND '2026-03-02 12:06+00' FROM "
                  "timescaledb_information.job_stats"),
            "t");
  session->run("SELECT alter_job(1000, max_retries => 2)");
  go_to("2026-03-02 12:06:00+00");
  EXPECT_EQ(run_due(), "never");  // the second failure was the last
  EXPECT_EQ(rows("SELECT scheduled FROM timescaledb_information.jobs"), (std::vector<std::string>{"f"}));
  EXPECT_EQ(rows("SELECT job_status, total_failures, next_start FROM timescaledb_information.job_stats"),
            (std::vector<std::string>{"Paused|2|null"}));
  session->run("SELECT alter_job(1000, scheduled => true, next_start => '2026-03-02 12:06+00')");
  run_due();
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.job_history WHERE NOT succeeded"), "3");
}

TEST_F(Jobs, AJobThatRanWhenTheServerDiedHasCrashed) {
  session->run("SELECT add_job('note', '1 day', initial_start => '2026-03-02 12:00+00')");
  {
    auto transaction = database().store().begin();
    catalog::JobStatistics running;
    running.job_id = 1000;
    running.is_running = true;
    running.last_start_us = clock_.now;
    running.runs = running.crashes = 1;
    running.consecutive_crashes = 1;
    catalog::write_job_statistics(*transaction, running);
    transaction->commit();
  }
  EXPECT_EQ(value("SELECT job_status FROM timescaledb_information.job_stats"), "Running");
  reopen();
  EXPECT_EQ(rows("SELECT job_status, last_run_status, total_runs, total_successes, next_start >= "
                 "'2026-03-02 12:05+00' FROM timescaledb_information.job_stats"),
            (std::vector<std::string>{"Scheduled|Failed|1|0|t"}));
  EXPECT_EQ(value("SELECT err_message FROM timescaledb_information.job_errors WHERE job_id = 1000"),
            "job crash detected, see server logs");
  run_due();
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "0");
  go_to("2026-03-02 12:10:00+00");
  run_due();
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "1");
}

TEST_F(Jobs, RunJobRunsNowAndShowsErrors) {
  session->run("SELECT add_job('note', '1 day', initial_start => '2026-03-09 12:00+00', scheduled => false)");
  session->run("CALL run_job(1000)");
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "1");
  session->run("SELECT add_job('fail', '1 day', initial_start => '2026-03-09 12:00+00')");
  EXPECT_EQ(error_text("CALL run_job(1001)"), "22012 division by zero");
  EXPECT_EQ(error_text("CALL run_job(7)"), "42704 job 7 not found");
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "1");
}

TEST_F(Jobs, ARetentionPolicyDropsWhatIsOldByTheClock) {
  session->run(
      "CREATE TABLE ticks (ts timestamptz NOT NULL, price float8);"
      "SELECT create_hypertable('ticks', by_range('ts', INTERVAL '1 day'));"
      "INSERT INTO ticks SELECT '2026-03-01 00:00+00'::timestamptz - g * INTERVAL '1 day', 1 FROM "
      "generate_series(0, 9) g;"
      "SELECT add_retention_policy('ticks', INTERVAL '3 days')");
  EXPECT_EQ(run_due(), "2026-03-03 12:00:00+00");
  EXPECT_EQ(value("SELECT min(ts) FROM ticks"), "2026-02-27 00:00:00+00");
  go_to("2026-03-04 12:00+00");
  run_due();
  EXPECT_EQ(value("SELECT min(ts) FROM ticks"), "2026-03-01 00:00:00+00");
  session->run("DROP TABLE ticks");
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.jobs"), "0");
}

TEST_F(Jobs, PoliciesOfIntegerTimeGoByTheFunctionThatSaysNow) {
  session->run(
      "CREATE TABLE ticks (n bigint NOT NULL, price float8);"
      "SELECT create_hypertable('ticks', by_range('n', 100));"
      "INSERT INTO ticks SELECT g, g FROM generate_series(0, 999) g;"
      "ALTER TABLE ticks SET (timescaledb.compress)");
  EXPECT_EQ(error_text("SELECT add_retention_policy('ticks', BIGINT '300')"),
            "22023 invalid value for parameter drop_after");
  session->run(
      "CREATE FUNCTION last_tick() RETURNS bigint LANGUAGE SQL STABLE AS 'SELECT max(n) FROM ticks';"
      "SELECT set_integer_now_func('ticks', 'last_tick');"
      "SELECT add_retention_policy('ticks', BIGINT '300');"
      "SELECT add_compression_policy('ticks', BIGINT '150')");
  run_due();
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.job_errors"), "0");
  EXPECT_EQ(value("SELECT min(n) FROM ticks"), "600");
  EXPECT_EQ(rows("SELECT range_start_integer, is_compressed FROM timescaledb_information.chunks ORDER BY 1"),
            (std::vector<std::string>{"600|t", "700|t", "800|f", "900|f"}));
}

TEST_F(Jobs, AggregatesHavePoliciesOfTheirOwn) {
  session->run(
      "CREATE TABLE bars (ts timestamptz NOT NULL, close float8);"
      "SELECT create_hypertable('bars', by_range('ts', INTERVAL '1 day'));"
      "INSERT INTO bars SELECT '2026-03-02 00:00+00'::timestamptz - g * INTERVAL '12 hours', g FROM "
      "generate_series(0, 119) g;"
      "CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS SELECT time_bucket('1 day', ts) AS "
      "day, "
      "max(close) AS high FROM bars GROUP BY 1 WITH NO DATA;"
      "ALTER MATERIALIZED VIEW daily SET (timescaledb.enable_columnstore = true)");
  session->run("CALL refresh_continuous_aggregate('daily', NULL, NULL)");
  EXPECT_EQ(value("SELECT count(*) FROM daily"), "61");
  session->run(
      "SELECT add_retention_policy('daily', INTERVAL '30 days');"
      "SELECT add_continuous_aggregate_policy('daily', INTERVAL '10 days', INTERVAL '1 hour', INTERVAL '1 "
      "hour');"
      "CALL add_columnstore_policy('daily', after => INTERVAL '12 days')");
  run_due();
  EXPECT_EQ(rows("SELECT job_id, err_message FROM timescaledb_information.job_errors"),
            std::vector<std::string>{});
  // Whole chunks of ten days go, the newest that is all older than the cutoff at the latest.
  EXPECT_EQ(value("SELECT min(day) BETWEEN '2026-01-21' AND '2026-01-31 12:00+00' FROM daily"), "t");
  EXPECT_EQ(value("SELECT count(*) FROM daily WHERE day > '2026-01-31 12:00+00'"), "30");
  EXPECT_EQ(value("SELECT bool_and(is_compressed = (range_end <= '2026-02-18 12:00+00')) FROM "
                  "timescaledb_information.chunks WHERE hypertable_name LIKE '_materialized%'"),
            "t");
  session->run("INSERT INTO bars VALUES ('2026-03-01 06:00+00', 500)");
  go_to("2026-03-02 13:00:01+00");
  run_due();
  EXPECT_EQ(value("SELECT high FROM daily WHERE day = '2026-03-01'"), "500");
  session->run("ALTER MATERIALIZED VIEW daily RENAME TO by_day");
  session->run("INSERT INTO bars VALUES ('2026-03-01 07:00+00', 600)");
  go_to("2026-03-02 14:00:02+00");
  run_due();
  EXPECT_EQ(value("SELECT high FROM by_day WHERE day = '2026-03-01'"), "600");
  session->run("DROP MATERIALIZED VIEW by_day");
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.jobs"), "0");
}

TEST_F(Jobs, PoliciesGoByWhenChunksWereMade) {
  session->run(
      "CREATE TABLE ticks (n bigint NOT NULL, price float8);"
      "SELECT create_hypertable('ticks', by_range('n', 100));"
      "ALTER TABLE ticks SET (timescaledb.compress);"
      "INSERT INTO ticks VALUES (1, 1), (101, 1)");
  go_to("2026-03-04 12:00+00");
  session->run(
      "INSERT INTO ticks VALUES (201, 1);"
      "SELECT add_compression_policy('ticks', compress_created_before => INTERVAL '1 day');"
      "SELECT add_retention_policy('ticks', drop_created_before => INTERVAL '3 days')");
  run_due();
  EXPECT_EQ(rows("SELECT range_start_integer, is_compressed FROM timescaledb_information.chunks ORDER BY 1"),
            (std::vector<std::string>{"0|t", "100|t", "200|f"}));
  go_to("2026-03-05 12:00:01+00");
  run_due();
  EXPECT_EQ(rows("SELECT range_start_integer, is_compressed FROM timescaledb_information.chunks ORDER BY 1"),
            (std::vector<std::string>{"200|t"}));
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.job_errors"), "0");
}

TEST_F(Jobs, AFixedScheduleKeepsTheWallTimeWhenTheClocksChange) {
  go_to("2026-03-07 12:00+00");
  session->run(
      "SELECT add_job('note', '1 day', initial_start => '2026-03-07 09:30 America/New_York', timezone => "
      "'America/New_York')");
  EXPECT_EQ(run_due(), "2026-03-07 14:30:00+00");
  go_to("2026-03-07 14:30:01+00");
  EXPECT_EQ(run_due(), "2026-03-08 13:30:00+00");  // the clocks went forward that night
  go_to("2026-03-08 13:30:01+00");
  EXPECT_EQ(run_due(), "2026-03-09 13:30:00+00");
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "2");
}

TEST_F(Jobs, ConfigurationsOfPoliciesAreLookedAtWhenTheyAreGiven) {
  session->run(
      "CREATE TABLE ticks (ts timestamptz NOT NULL, price float8);"
      "SELECT create_hypertable('ticks', by_range('ts', INTERVAL '1 day'));"
      "SELECT add_retention_policy('ticks', INTERVAL '3 days')");
  EXPECT_EQ(value("SELECT check_schema || '.' || check_name FROM timescaledb_information.jobs"),
            "_timescaledb_functions.policy_retention_check");
  EXPECT_EQ(error_text("SELECT alter_job(1000, config => '{\"hypertable_id\": 1}')"),
            "XX000 could not find drop_after in config for job");
  EXPECT_EQ(
      error_text("SELECT alter_job(1000, config => '{\"hypertable_id\": 99, \"drop_after\": \"1 day\"}')"),
      "22023 configuration hypertable id 99 not found");
  EXPECT_EQ(error_text("SELECT alter_job(1000, config => '{\"hypertable_id\": 1, \"drop_after\": \"x\"}')"),
            "22023 invalid interval in drop_after of config for job");
  session->run("SELECT alter_job(1000, config => '{\"hypertable_id\": 1, \"drop_after\": \"1 day\"}')");
  session->run(
      "SELECT _timescaledb_functions.policy_retention_check('{\"hypertable_id\": 1, \"drop_after\": \"2 "
      "days\"}')");
  EXPECT_EQ(value("SELECT config->>'drop_after' FROM timescaledb_information.jobs"), "1 day");
}

TEST_F(Jobs, FunctionsAreCalledByTheExtendedProtocolToo) {
  session->run("CREATE FUNCTION plus(a int, b int) RETURNS int LANGUAGE SQL AS 'SELECT a + b'");
  EXPECT_EQ(TestSession::joined(session->run_with("SELECT plus(1, 2)", {})), (std::vector<std::string>{"3"}));
}

TEST_F(Jobs, HistoryIsBounded) {
  session->run("SELECT add_job('note', '1 minute', fixed_schedule => false)");
  for (int i = 0; i < 8; ++i) {
    run_due();
    clock_.now += kMinuteUs;
  }
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.job_history WHERE job_id = 1000"), "8");
  session->run(
      "CALL _timescaledb_functions.policy_job_stat_history_retention(3, "
      "'{\"drop_after\": \"1 month\", \"max_successes_per_job\": 5}')");
  EXPECT_EQ(value("SELECT count(*) || ' ' || max(id) - min(id) FROM timescaledb_information.job_history"),
            "5 4");
  clock_.now += 40 * 24 * kHourUs;
  session->run(
      "CALL _timescaledb_functions.policy_job_stat_history_retention(3, "
      "'{\"drop_after\": \"1 month\"}')");
  EXPECT_EQ(value("SELECT count(*) FROM timescaledb_information.job_history"), "0");
}

TEST_F(Jobs, ThreadsRunJobsWhenTheyAreDueAndEndWithTheDatabase) {
  options.clock = nullptr;
  options.background_workers = 2;
  reopen();
  session->run("SELECT add_job('note', '1 hour')");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (value("SELECT count(*) FROM runs") != "1" && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(value("SELECT count(*) FROM runs"), "1");
}

}  // namespace
}  // namespace tickstone::engine
