// SPDX-License-Identifier: Apache-2.0
// Hypertables by UUIDs of version 7: which chunks statements read, and that all is there after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class UuidHypertable : public SessionTest {
 protected:
  UuidHypertable() {
    close();
    options.store.row_group_rows = 64;
    options.threads = 1;  // several read ahead of one another, and more chunks
    open();
    tag("CREATE TABLE events (id UUID PRIMARY KEY, device TEXT NOT NULL, v INTEGER) WITH (tsdb.hypertable, "
        "tsdb.partition_column = 'id', tsdb.chunk_interval = '1 hour')");
    // Ten chunks of 60 rows.
    tag("INSERT INTO events SELECT to_uuidv7(TIMESTAMPTZ '2026-01-05 00:00+00' + i * INTERVAL '1 minute'), "
        "'d' || i % 3, i FROM generate_series(0, 599) AS i");
  }

  /// What follows `label: ` in the plan.
  std::string shown(const std::string& sql, const std::string& label) {
    for (const auto& line : rows(sql)) {
      const auto at = line.find(label + ": ");
      if (at != std::string::npos && line.find_first_not_of(' ') == at)
        return line.substr(at + label.size() + 2);
    }
    return "(no " + label + ")";
  }
};

TEST_F(UuidHypertable, ConditionsLeaveChunksOut) {
  struct Case {
    const char* condition;
    const char* chunks;
    const char* rows;
  };
  for (int pass = 0; pass < 2; ++pass) {
    for (const Case& one : std::initializer_list<Case>{
             {"id >= to_uuidv7_boundary('2026-01-05 08:00+00')", "2 of 10", "120"},
             {"id > to_uuidv7_boundary('2026-01-05 08:30+00')", "2 of 10", "90"},
             {"id < to_uuidv7_boundary('2026-01-05 02:00+00')", "2 of 10", "120"},
             {"id <= to_uuidv7_boundary('2026-01-05 01:59:59.999+00')", "2 of 10", "120"},
             {"id BETWEEN to_uuidv7_boundary('2026-01-05 03:00+00') AND to_uuidv7_boundary('2026-01-05 "
              "04:59+00')",
              "2 of 10", "119"},
             {"id > to_uuidv7_boundary('2026-01-05 08:00+00'::timestamptz + INTERVAL '1 hour')", "1 of 10",
              "60"},
             {"uuid_timestamp(id) >= '2026-01-05 08:00+00'", "2 of 10", "120"},
             {"uuid_timestamp(id) > '2026-01-05 08:00+00'", "2 of 10", "119"},
             {"uuid_timestamp(id) < '2026-01-05 02:00+00'", "2 of 10", "120"},
             {"uuid_timestamp(id) <= '2026-01-05 02:00+00'", "3 of 10", "121"},
             {"uuid_timestamp(id) = '2026-01-05 02:00+00'", "1 of 10", "1"},
             {"uuid_timestamp(id) BETWEEN '2026-01-05 02:00+00' AND '2026-01-05 02:59+00'", "1 of 10", "60"},
             {"'2026-01-05 09:00+00' <= uuid_timestamp(id)", "1 of 10", "60"},
             {"id > 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "0 of 10", "0"},
             {"uuid_timestamp(id) > 'infinity'", "0 of 10", "0"},
             {"uuid_timestamp(id) > '-infinity'", "10 of 10", "600"},
             {"uuid_timestamp(id) IS NULL", "10 of 10", "0"}}) {
      const std::string query = std::string("SELECT count(*) FROM events WHERE ") + one.condition;
      EXPECT_EQ(shown("EXPLAIN " + query, "Chunks"), one.chunks) << one.condition;
      EXPECT_EQ(value(query), one.rows) << one.condition;
    }
    tag("CHECKPOINT");
  }
}

TEST_F(UuidHypertable, ParametersLeaveChunksOut) {
  const auto result =
      session->run_with("SELECT count(*) FROM events WHERE id >= to_uuidv7_boundary($1) AND id < $2",
                        {"2026-01-05 08:00+00", "019b8d87-1980-7000-8000-000000000000"});
  // 08:00 to 09:40.
  EXPECT_THAT(TestSession::joined(result), ElementsAre("100"));
}

TEST_F(UuidHypertable, FirstRowsReadFewChunks) {
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(shown("EXPLAIN ANALYZE SELECT v FROM events ORDER BY id DESC LIMIT 5", "Chunks Read"),
              "1 of 10");
    EXPECT_THAT(rows("SELECT v FROM events ORDER BY id DESC LIMIT 3"), ElementsAre("599", "598", "597"));
    EXPECT_THAT(rows("SELECT v FROM events ORDER BY id LIMIT 3"), ElementsAre("0", "1", "2"));
    EXPECT_THAT(rows("SELECT v FROM events WHERE device = 'd1' ORDER BY id DESC, v LIMIT 2 OFFSET 1"),
                ElementsAre("595", "592"));
    EXPECT_THAT(
        rows("SELECT v FROM events WHERE id < to_uuidv7_boundary('2026-01-05 03:00+00') ORDER BY id DESC "
             "LIMIT 2"),
        ElementsAre("179", "178"));
    tag("CHECKPOINT");
  }
}

TEST_F(UuidHypertable, OneRowIsLookedUp) {
  const auto id = value("SELECT id FROM events WHERE v = 300");
  const std::string query = "SELECT v FROM events WHERE id = '" + id + "'";
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_THAT(rows("EXPLAIN " + query), Contains("  By primary key"));
    EXPECT_EQ(value(query), "300");
    tag("CHECKPOINT");
  }
  // In the midst of a transaction, with what it has done.
  tag("BEGIN");
  tag("UPDATE events SET v = 1300 WHERE id = '" + id + "'");
  EXPECT_EQ(value(query), "1300");
  tag("DELETE FROM events WHERE id = '" + id + "'");
  EXPECT_THAT(rows(query), ElementsAre());
  tag("ROLLBACK");
  EXPECT_EQ(value(query), "300");
  // Segments that are sorted by device first are not searched by the key.
  tag("ALTER TABLE events SET (timescaledb.compress_segmentby = 'device')");
  tag("CHECKPOINT");
  EXPECT_EQ(value(query), "300");
  EXPECT_EQ(error_text("INSERT INTO events VALUES ('" + id + "', 'other', 0)"),
            "23505 duplicate key value violates unique constraint \"events_pkey\"");
  EXPECT_EQ(
      tag("INSERT INTO events VALUES ('" + id + "', 'other', 0) ON CONFLICT (id) DO UPDATE SET v = 301"),
      "INSERT 0 1");
  EXPECT_EQ(value(query), "301");
}

TEST_F(UuidHypertable, ReadsOrderedByTheUuidOfOneDevice) {
  tag("CREATE TABLE readings (device TEXT, id UUID, v INTEGER, PRIMARY KEY (device, id))");
  tag("SELECT create_hypertable('readings', by_range('id', INTERVAL '1 hour'))");
  // Several of each millisecond, in no order.
  tag("INSERT INTO readings SELECT 'd' || i % 2, (left(u::text, 24) || lpad(to_hex(i * 7919 % 65536), 12, "
      "'0'))::uuid, i "
      "FROM (SELECT i, to_uuidv7_boundary(TIMESTAMPTZ '2026-01-05 00:00+00' + (i / 10) * INTERVAL '1 "
      "minute') AS u "
      "FROM generate_series(0, 1999) AS i) AS s");
  for (int pass = 0; pass < 3; ++pass) {
    const std::string query = "SELECT id, v FROM readings WHERE device = 'd1' ORDER BY id DESC LIMIT 12";
    EXPECT_THAT(rows("EXPLAIN " + query).front(), HasSubstr("Point Read"));
    const auto expected = rows(
        "SELECT id, v FROM (SELECT * FROM readings WHERE device || '' = 'd1') r ORDER BY id::text DESC LIMIT "
        "12");
    EXPECT_EQ(rows(query), expected);
    EXPECT_EQ(rows("SELECT id, v FROM readings WHERE device = 'd1' ORDER BY id LIMIT 12"),
              rows("SELECT id, v FROM (SELECT * FROM readings WHERE device || '' = 'd1') r ORDER BY id::text "
                   "LIMIT 12"));
    const auto bound = value("SELECT id FROM readings WHERE v = 999");
    EXPECT_EQ(rows("SELECT v FROM readings WHERE device = 'd0' AND id > '" + bound + "' ORDER BY id LIMIT 7"),
              rows("SELECT v FROM readings WHERE device || '' = 'd0' AND id::text > '" + bound +
                   "' ORDER BY id::text LIMIT 7"));
    if (pass == 0) tag("CHECKPOINT");
    if (pass == 1) tag("UPDATE readings SET v = -v WHERE v % 50 < 5");
  }
}

TEST_F(UuidHypertable, IsTheSameAfterARestart) {
  tag("CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) "
      "AS "
      "SELECT time_bucket('1 hour', id) AS hour, sum(v) AS total FROM events GROUP BY 1");
  tag("INSERT INTO events VALUES ('019b8e90-9abb-774b-8000-000000000001', 'x', 1), "
      "('019b8e90-9abb-774b-8000-000000000000', 'x', 2)");
  tag("CHECKPOINT");
  tag("DELETE FROM events WHERE v % 10 = 3");
  tag("UPDATE events SET v = v + 1 WHERE v % 10 = 4");
  const auto all = rows("SELECT * FROM events ORDER BY id");
  const auto totals = rows("SELECT * FROM hourly ORDER BY 1");
  const auto chunks =
      rows("SELECT chunk_name, range_start, range_end FROM timescaledb_information.chunks ORDER BY 1");
  for (int pass = 0; pass < 2; ++pass) {
    reopen();
    EXPECT_EQ(rows("SELECT * FROM events ORDER BY id"), all);
    EXPECT_EQ(rows("SELECT * FROM hourly ORDER BY 1"), totals);
    EXPECT_EQ(
        rows("SELECT chunk_name, range_start, range_end FROM timescaledb_information.chunks ORDER BY 1"),
        chunks);
    EXPECT_EQ(error_text("INSERT INTO events VALUES ('019b8e90-9abb-774b-8000-000000000001', 'x', 1)"),
              "23505 duplicate key value violates unique constraint \"events_pkey\"");
    EXPECT_EQ(error_text("INSERT INTO events VALUES ('019b8e90-9abb-474b-8000-000000000001', 'x', 1)"),
              "0A000 019b8e90-9abb-474b-8000-000000000001 is not a version 7 UUID");
  }
}

}  // namespace
}  // namespace tickstone::engine
