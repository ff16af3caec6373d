// SPDX-License-Identifier: Apache-2.0
// Continuous aggregates while others write.
#include <atomic>
#include <thread>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class Aggregates : public SessionTest {
 protected:
  void make(const std::string& more) {
    session->run(
        "CREATE TABLE ticks (at TIMESTAMPTZ NOT NULL, s TEXT NOT NULL, v BIGINT, PRIMARY KEY (s, at))");
    session->run("SELECT create_hypertable('ticks', 'at', chunk_time_interval => INTERVAL '1 day')");
    session->run(
        "CREATE MATERIALIZED VIEW sums WITH (timescaledb.continuous" + more +
        ") AS SELECT time_bucket('1 minute', at) AS bucket, sum(v) AS total, count(*) AS n FROM ticks "
        "GROUP BY 1");
  }
};

// Each writer commits rows a little past the newest while refreshes raise the threshold to just there: a row
// whose writer took it for later than all that was materialized must not be forgotten.
TEST_F(Aggregates, NoCommitIsForgottenWhileTheThresholdRises) {
  session->run("SET synchronous_commit = off");
  make("");
  constexpr int kWriters = 3, kRows = 300;
  std::atomic<int> running{kWriters}, failures{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      TestSession client(database(), 100 + writer);
      client.run("SET synchronous_commit = off");
      for (int i = 0; i < kRows; ++i) {
        const auto at =
            "TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '" + std::to_string(i * 10 + writer) + " seconds'";
        failures += client.error_text("INSERT INTO ticks VALUES (" + at + ", 'W" + std::to_string(writer) +
                                      "', 1)") != "none";
      }
      --running;
    });
  }
  std::thread refresher([&] {
    TestSession client(database(), 50);
    while (running > 0)
      failures += client.error_text("CALL refresh_continuous_aggregate('sums', NULL, NULL)") != "none";
  });
  for (auto& writer : writers) writer.join();
  refresher.join();
  session->run("CALL refresh_continuous_aggregate('sums', NULL, NULL)");
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(value("SELECT sum(n) FROM sums"), std::to_string(kWriters * kRows));
  EXPECT_EQ(value("SELECT count(*) FROM (SELECT time_bucket('1 minute', at) AS bucket, sum(v) AS total, "
                  "count(*) AS n "
                  "FROM ticks GROUP BY 1 EXCEPT SELECT * FROM sums) AS missing"),
            "0");
}

// So that who reads them in that order before they are sealed has nothing to sort.
TEST_F(Aggregates, ARefreshWritesItsRowsBySeriesAndTime) {
  session->run("CREATE TABLE ticks (at TIMESTAMPTZ NOT NULL, s TEXT, v BIGINT)");
  session->run("SELECT create_hypertable('ticks', 'at')");
  session->run(
      "INSERT INTO ticks SELECT TIMESTAMPTZ '2026-01-05 00:00+00' + g * INTERVAL '13 seconds', 'S' || g * "
      "7919 "
      "% 97, g FROM generate_series(2000, 0, -1) AS g");
  session->run(
      "CREATE MATERIALIZED VIEW sums WITH (timescaledb.continuous) AS SELECT time_bucket('1 hour', at) AS "
      "bucket, s, sum(v) AS total FROM ticks GROUP BY 1, 2");
  EXPECT_EQ(rows("SELECT s, bucket, total FROM sums"),
            rows("SELECT s, bucket, total FROM sums ORDER BY s, bucket"));
}

TEST_F(Aggregates, RefreshesAtOnceLeaveOneRowABucket) {
  session->run("SET synchronous_commit = off");
  make("");
  session->run(
      "INSERT INTO ticks SELECT TIMESTAMPTZ '2026-01-05 00:00+00' + g * INTERVAL '7 seconds', 'A', g FROM "
      "generate_series(0, 2000) AS g");
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      TestSession client(database(), 100 + i);
      for (int round = 0; round < 15; ++round) {
        const auto from = "TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '" +
                          std::to_string((i * 53 + round * 17) % 200) + " minutes'";
        failures +=
            client.error_text(
                "UPDATE ticks SET v = v + 1 WHERE at = TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '" +
                std::to_string(7 * ((i * 311 + round * 97) % 2000)) + " seconds'") != "none";
        failures += client.error_text("CALL refresh_continuous_aggregate('sums', " + from + ", " + from +
                                      " + INTERVAL '1 hour', force => " +
                                      (round % 2 == 0 ? "true" : "false") + ")") != "none";
      }
    });
  }
  for (auto& thread : threads) thread.join();
  session->run("CALL refresh_continuous_aggregate('sums', NULL, NULL)");
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(value("SELECT count(*) = count(DISTINCT bucket) FROM sums"), "t");
  EXPECT_EQ(value("SELECT count(*) FROM (SELECT time_bucket('1 minute', at) AS bucket, sum(v) AS total, "
                  "count(*) AS n "
                  "FROM ticks GROUP BY 1 EXCEPT SELECT * FROM sums) AS missing"),
            "0");
}

TEST_F(Aggregates, EagerOnesAreRightWhenSeveralWriteOneBucket) {
  session->run("SET synchronous_commit = off");
  make(", tickstone.eager");
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      TestSession client(database(), 100 + i);
      client.run("SET synchronous_commit = off");
      for (int round = 0; round < 40; ++round) {
        const auto at = "TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '" +
                        std::to_string(round % 5 * 20 + i) + " seconds'";
        failures += client.error_text("INSERT INTO ticks VALUES (" + at + ", 'W" + std::to_string(i) +
                                      "', 1) ON CONFLICT (s, at) DO UPDATE SET v = ticks.v + 1") != "none";
      }
    });
  }
  threads.emplace_back([&] {
    TestSession client(database(), 50);
    for (int round = 0; round < 10; ++round)
      failures += client.error_text("CALL refresh_continuous_aggregate('sums', NULL, NULL, true)") != "none";
  });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(value("SELECT sum(total) FROM sums"), "160");
  EXPECT_EQ(value("SELECT count(*) = count(DISTINCT bucket) FROM sums"), "t");
}

TEST_F(Aggregates, EagerOnesFollowARepeatableReadTransaction) {
  make(", tickstone.eager");
  session->run("INSERT INTO ticks VALUES ('2026-01-05 00:00:01+00', 'A', 1)");
  session->run("BEGIN ISOLATION LEVEL REPEATABLE READ");
  EXPECT_EQ(value("SELECT sum(v) FROM ticks"), "1");
  TestSession other(database(), 2);
  other.run("INSERT INTO ticks VALUES ('2026-01-05 00:00:02+00', 'B', 10)");
  session->run("INSERT INTO ticks VALUES ('2026-01-05 00:00:03+00', 'C', 100)");
  session->run("COMMIT");
  EXPECT_EQ(value("SELECT total FROM sums"), "111");
}

}  // namespace
}  // namespace tickstone::engine
