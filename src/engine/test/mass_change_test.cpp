// SPDX-License-Identifier: Apache-2.0
// UPDATE and DELETE of more rows than a transaction keeps in memory, which changes chunks as wholes.
#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

/// Statements of more than 1,024 rows are of many here.
class MassChange : public SessionTest {
 protected:
  MassChange() {
    close();
    options.store.early_segment_bytes = 64U << 10;
    options.store.row_group_rows = 512;
    options.threads = 2;
    open();
  }
  /// Half of the rows in segments, half in open chunks.
  void fill(const std::string& table, const std::string& columns, const std::string& values) {
    const std::string insert = "INSERT INTO " + table + " (" + columns + ") SELECT " + values;
    tag(insert + " FROM generate_series(1, 10000) AS g(i)");
    database().checkpoint();
    tag(insert + " FROM generate_series(10001, 20000) AS g(i)");
  }
  void make_numbers() {
    tag("CREATE TABLE numbers (id INTEGER PRIMARY KEY, x BIGINT NOT NULL, name TEXT)");
    fill("numbers", "id, x, name", "i, i * 10, CASE WHEN i % 3 > 0 THEN 'n' || i END");
  }
  void make_ticks() {
    tag("CREATE TABLE ticks (ts TIMESTAMPTZ NOT NULL, symbol TEXT NOT NULL, x BIGINT, "
        "PRIMARY KEY (symbol, ts))");
    tag("SELECT create_hypertable('ticks', 'ts', chunk_time_interval => INTERVAL '1 hour')");
    fill("ticks", "ts, symbol, x",
         "TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * INTERVAL '1 second', "
         "'S' || i % 5, i");
  }
};

TEST_F(MassChange, UpdateOfAllRowsIsSeenByTheTransactionAloneUntilItCommits) {
  make_numbers();
  TestSession other(database(), 2);
  tag("BEGIN");
  EXPECT_EQ(tag("UPDATE numbers SET x = x + 1"), "UPDATE 20000");
  const auto sum = "SELECT count(*), sum(x), sum(id), count(name) FROM numbers";
  EXPECT_EQ(value(sum), "20000|2000120000|200010000|13334");
  EXPECT_EQ(value("SELECT x FROM numbers WHERE id = 15000"), "150001");
  EXPECT_EQ(other.value(sum), "20000|2000100000|200010000|13334");
  // Once more over what the transaction wrote itself, and some of that one by one.
  EXPECT_EQ(tag("UPDATE numbers SET x = x + 1, name = 'again'"), "UPDATE 20000");
  EXPECT_EQ(tag("UPDATE numbers SET x = 0 WHERE id = 7"), "UPDATE 1");
  EXPECT_EQ(tag("DELETE FROM numbers WHERE id = 8"), "DELETE 1");
  EXPECT_EQ(tag("INSERT INTO numbers VALUES (20001, 5, NULL), (8, 6, NULL)"), "INSERT 0 2");
  const std::string after = "20001|2000139857|200030001|19999";
  EXPECT_EQ(value(sum), after);
  EXPECT_EQ(other.value(sum), "20000|2000100000|200010000|13334");
  tag("COMMIT");
  EXPECT_EQ(value(sum), after);
  EXPECT_EQ(other.value(sum), after);
  other.end();
  reopen();
  EXPECT_EQ(value(sum), after);
  EXPECT_EQ(error_text("INSERT INTO numbers VALUES (9, 1, NULL)").substr(0, 5), "23505");
}

TEST_F(MassChange, ComputedKeysFollow) {
  make_numbers();
  tag("CREATE UNIQUE INDEX even ON numbers ((x / 10)) WHERE x % 20 = 0");
  EXPECT_EQ(error_text("UPDATE numbers SET x = 40"),
            "23505 duplicate key value violates unique constraint \"even\"");
  EXPECT_EQ(tag("UPDATE numbers SET x = x + 10"), "UPDATE 20000");
  // 10000 was in the index and is not any more; 9999 has come into it.
  EXPECT_EQ(tag("INSERT INTO numbers VALUES (20001, 100010, NULL)"), "INSERT 0 1");
  EXPECT_EQ(error_text("INSERT INTO numbers VALUES (20002, 100000, NULL)"),
            "23505 duplicate key value violates unique constraint \"even\"");
  EXPECT_EQ(tag("DELETE FROM numbers WHERE id < 15000"), "DELETE 14999");
  EXPECT_EQ(tag("INSERT INTO numbers VALUES (1, 100000, NULL)"), "INSERT 0 1");
  EXPECT_EQ(tag("INSERT INTO numbers SELECT i, 0, NULL FROM generate_series(2, 14000) AS g(i) "
                "ON CONFLICT ((x / 10)) WHERE x % 20 = 0 DO NOTHING"),
            "INSERT 0 1");
  reopen();
  EXPECT_EQ(error_text("INSERT INTO numbers VALUES (3, 0, NULL)"),
            "23505 duplicate key value violates unique constraint \"even\"");
}

TEST_F(MassChange, RowsThatAreNotChangedStayAsTheyAre) {
  make_numbers();
  EXPECT_EQ(tag("UPDATE numbers SET x = -x WHERE id % 2 = 0"), "UPDATE 10000");
  EXPECT_EQ(value("SELECT count(*), sum(x), count(name) FROM numbers"), "20000|-100000|13334");
  EXPECT_EQ(tag("DELETE FROM numbers WHERE id % 4 = 0"), "DELETE 5000");
  EXPECT_EQ(value("SELECT count(*), sum(id), min(id), max(id) FROM numbers"), "15000|150000000|1|19999");
  reopen();
  EXPECT_EQ(value("SELECT count(*), sum(id), min(id), max(id) FROM numbers"), "15000|150000000|1|19999");
  EXPECT_EQ(value("SELECT count(*) FROM numbers WHERE id IN (4, 8, 10000, 16000)"), "0");
  EXPECT_EQ(tag("INSERT INTO numbers VALUES (4, 1, NULL)"), "INSERT 0 1");
}

TEST_F(MassChange, IsUndoneByRollbackAndBySavepoint) {
  make_numbers();
  const auto sum = "SELECT count(*), sum(x) FROM numbers";
  tag("BEGIN");
  tag("UPDATE numbers SET x = x * 2 WHERE id <= 15000");
  tag("DELETE FROM numbers WHERE id > 4000");
  tag("ROLLBACK");
  EXPECT_EQ(value(sum), "20000|2000100000");
  tag("BEGIN");
  tag("UPDATE numbers SET x = 1 WHERE id <= 5");
  tag("SAVEPOINT a");
  EXPECT_EQ(tag("UPDATE numbers SET x = x + 1"), "UPDATE 20000");
  EXPECT_EQ(tag("DELETE FROM numbers WHERE id > 10"), "DELETE 19990");
  EXPECT_EQ(value(sum), "10|" + std::to_string(5 * 2 + 60 + 70 + 80 + 90 + 100 + 5));
  tag("ROLLBACK TO a");
  EXPECT_EQ(value(sum), "20000|" + std::to_string(2000100000 - 150 + 5));
  // The lock of the table alone is gone with the savepoint.
  TestSession other(database(), 2);
  EXPECT_EQ(other.tag("INSERT INTO numbers VALUES (30000, 1, NULL)"), "INSERT 0 1");
  tag("COMMIT");
  EXPECT_EQ(value(sum), "20001|" + std::to_string(2000100000 - 150 + 5 + 1));
}

TEST_F(MassChange, AnErrorInTheMiddleChangesNothing) {
  make_numbers();
  tag("ALTER TABLE numbers ADD CHECK (x < 200001)");
  EXPECT_EQ(error_text("UPDATE numbers SET x = x + 1 WHERE id > 100").substr(0, 5), "23514");
  tag("BEGIN");
  EXPECT_EQ(error_text("UPDATE numbers SET x = 1 / (19000 - id)").substr(0, 5), "22012");
  EXPECT_EQ(error_text("SELECT 1").substr(0, 5), "25P02");
  tag("ROLLBACK");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "20000|2000100000");
}

TEST_F(MassChange, KeysMayChange) {
  make_numbers();
  EXPECT_EQ(tag("UPDATE numbers SET id = id + 100000"), "UPDATE 20000");
  EXPECT_EQ(value("SELECT min(id), max(id), count(*), sum(x) FROM numbers"),
            "100001|120000|20000|2000100000");
  EXPECT_EQ(error_text("UPDATE numbers SET id = 1").substr(0, 5), "23505");
  EXPECT_EQ(value("SELECT min(id), max(id), count(*), sum(x) FROM numbers"),
            "100001|120000|20000|2000100000");
}

/// A staging table with half of the keys of `numbers` and as many new ones.
constexpr const char* kStage =
    "CREATE TABLE stage AS SELECT i AS id, i * 1000 AS x, 's' || i AS name "
    "FROM generate_series(10001, 30000) AS g(i)";

TEST_F(MassChange, UpsertOfManyRowsMergesReplacesOrSkips) {
  make_numbers();
  tag(kStage);
  const auto sum =
      "SELECT count(*), sum(x), count(name), count(*) FILTER (WHERE name LIKE 's%') FROM numbers";
  const std::string from = "INSERT INTO numbers SELECT id, x, name FROM stage ORDER BY id ON CONFLICT ";
  TestSession other(database(), 2);
  tag("BEGIN");
  EXPECT_EQ(tag(from + "DO NOTHING"), "INSERT 0 10000");
  EXPECT_EQ(value(sum), "30000|252005100000|23334|10000");
  tag("ROLLBACK");
  tag("BEGIN");
  EXPECT_EQ(tag(from + "(id) DO UPDATE SET x = EXCLUDED.x"), "INSERT 0 20000");
  EXPECT_EQ(value(sum), "30000|400510050000|23334|10000");
  EXPECT_EQ(other.value(sum), "20000|2000100000|13334|0");
  tag("ROLLBACK");
  EXPECT_EQ(value(sum), "20000|2000100000|13334|0");
  tag("BEGIN");
  EXPECT_EQ(tag(from + "(id) DO UPDATE SET x = numbers.x + EXCLUDED.x WHERE EXCLUDED.id % 2 = 0 "
                       "RETURNING id"),
            "INSERT 0 15000");
  EXPECT_EQ(value("SELECT sum(x) FROM numbers WHERE id BETWEEN 10001 AND 20000"), "76505050000");
  tag("ROLLBACK");
  EXPECT_EQ(tag(from + "(id) DO UPDATE SET x = EXCLUDED.x, name = EXCLUDED.name"), "INSERT 0 20000");
  // Again, over rows that are there all.
  EXPECT_EQ(tag(from + "(id) DO UPDATE SET x = EXCLUDED.x, name = EXCLUDED.name"), "INSERT 0 20000");
  EXPECT_EQ(value(sum), "30000|400510050000|26667|20000");
  EXPECT_EQ(tag("INSERT INTO numbers VALUES (25000, 1, 'one') ON CONFLICT DO NOTHING"), "INSERT 0 0");
  other.end();
  reopen();
  EXPECT_EQ(value(sum), "30000|400510050000|26667|20000");
}

TEST_F(MassChange, UpsertNotesRowsByTheirPlacesWhenTheyAreMany) {
  make_numbers();
  tag(kStage);
  tag("BEGIN");
  tag("INSERT INTO numbers SELECT id, x, name FROM stage ON CONFLICT (id) DO UPDATE SET x = EXCLUDED.x");
  // Nobody else has the table by now.
  EXPECT_EQ(value("SELECT mode FROM pg_locks WHERE locktype = 'relation' AND "
                  "relation = 'numbers'::regclass AND granted ORDER BY mode LIMIT 1"),
            "AccessExclusiveLock");
  tag("COMMIT");
}

TEST_F(MassChange, UpsertBesideWritersOfTheTableWaitsForThemAndBeginsAnew) {
  make_numbers();
  tag(kStage);
  TestSession other(database(), 2);
  other.tag("BEGIN");
  other.tag("UPDATE numbers SET x = -5 WHERE id = 20000");
  other.tag("INSERT INTO numbers VALUES (30000, -7, 'other')");
  std::thread upsert([&] {
    EXPECT_EQ(tag("INSERT INTO numbers SELECT id, x, name FROM stage ORDER BY id ON CONFLICT (id) "
                  "DO UPDATE SET x = numbers.x"),
              "INSERT 0 20000");
  });
  // It waits for the table, or for one of the rows.
  while (other.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0") std::this_thread::yield();
  other.tag("COMMIT");
  upsert.join();
  EXPECT_EQ(value("SELECT count(*), sum(x) FILTER (WHERE id IN (20000, 30000)) FROM numbers"), "30000|-12");
  EXPECT_EQ(value("SELECT count(*) FROM numbers WHERE id > 20000 AND x = id * 1000"), "9999");
}

TEST_F(MassChange, UpsertOfManyRowsAffectsNoRowTwice) {
  make_numbers();
  tag(kStage);
  const std::string upsert =
      "INSERT INTO numbers SELECT id, x, name FROM stage ON CONFLICT (id) DO UPDATE SET ";
  for (const int id : {10001, 25000, 30000}) {
    tag("INSERT INTO stage VALUES (" + std::to_string(id) + ", 1, 'twice')");
    for (const char* set : {"x = EXCLUDED.x", "x = EXCLUDED.x, name = EXCLUDED.name",
                            "x = numbers.x / (CASE EXCLUDED.name WHEN 'twice' THEN 0 ELSE 1 END)"}) {
      EXPECT_EQ(error_text(upsert + set).substr(0, 5), "21000") << id << " " << set;
    }
    tag("DELETE FROM stage WHERE name = 'twice'");
  }
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "20000|2000100000");
}

TEST_F(MassChange, UpsertByAUniqueKey) {
  tag("CREATE TABLE u (id INTEGER PRIMARY KEY, code TEXT UNIQUE, x INTEGER)");
  fill("u", "id, code, x", "i, 'c' || i, 0");
  tag("CREATE TABLE stage AS SELECT i + 100000 AS id, 'c' || i AS code, i AS x "
      "FROM generate_series(5001, 25000) AS g(i)");
  EXPECT_EQ(tag("INSERT INTO u SELECT * FROM stage ON CONFLICT (code) DO UPDATE SET x = EXCLUDED.x"),
            "INSERT 0 20000");
  EXPECT_EQ(
      value("SELECT count(*), max(id) FILTER (WHERE code = 'c20000'), min(id) FILTER (WHERE id > 20000), "
            "sum(x) FROM u"),
      "25000|20000|120001|300010000");
  EXPECT_EQ(tag("INSERT INTO u SELECT * FROM stage ON CONFLICT (code) DO UPDATE SET id = EXCLUDED.id"),
            "INSERT 0 20000");
  EXPECT_EQ(value("SELECT count(*), count(*) FILTER (WHERE id > 100000) FROM u"), "25000|20000");
  EXPECT_EQ(tag("INSERT INTO u SELECT id + 1000000, code, x FROM stage ON CONFLICT DO NOTHING"),
            "INSERT 0 0");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (1, 'c25001', 0)").substr(0, 5), "23505");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (30001, 'c25000', 0)").substr(0, 5), "23505");
}

TEST_F(MassChange, UpsertAfterWritesOfTheTransactionAndBackToASavepoint) {
  make_ticks();
  tag("CREATE TABLE stage AS SELECT ts, symbol, -x AS x FROM ticks");
  const auto sum = "SELECT count(*), sum(x) FROM ticks";
  tag("BEGIN");
  tag("DELETE FROM ticks WHERE x <= 10");
  tag("UPDATE ticks SET x = 0 WHERE x BETWEEN 11 AND 20");
  tag("SAVEPOINT a");
  EXPECT_EQ(
      tag("INSERT INTO ticks SELECT * FROM stage ON CONFLICT (symbol, ts) DO UPDATE SET x = EXCLUDED.x"),
      "INSERT 0 20000");
  EXPECT_EQ(value(sum), "20000|-200010000");
  tag("ROLLBACK TO a");
  EXPECT_EQ(value(sum), "19990|200009790");
  EXPECT_EQ(
      tag("INSERT INTO ticks SELECT * FROM stage ON CONFLICT (symbol, ts) DO UPDATE SET x = ticks.x + 1"),
      "INSERT 0 20000");
  EXPECT_EQ(value(sum), "20000|200029725");
  tag("COMMIT");
  EXPECT_EQ(value(sum), "20000|200029725");
  reopen();
  EXPECT_EQ(value(sum), "20000|200029725");
}

TEST_F(MassChange, UniqueColumnsFollow) {
  tag("CREATE TABLE u (id INTEGER PRIMARY KEY, code TEXT UNIQUE, x INTEGER)");
  fill("u", "id, code, x", "i, 'c' || i, 0");
  EXPECT_EQ(tag("UPDATE u SET code = 'd' || id WHERE id > 5000"), "UPDATE 15000");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (30001, 'd6000', 0)").substr(0, 5), "23505");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (30001, 'c4000', 0)").substr(0, 5), "23505");
  EXPECT_EQ(tag("INSERT INTO u VALUES (30001, 'c6000', 0)"), "INSERT 0 1");
  EXPECT_EQ(tag("DELETE FROM u WHERE id BETWEEN 1 AND 9000"), "DELETE 9000");
  EXPECT_EQ(tag("INSERT INTO u VALUES (30002, 'c4000', 0), (30003, 'd8000', 0)"), "INSERT 0 2");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (30004, 'd9001', 0)").substr(0, 5), "23505");
  EXPECT_EQ(tag("DELETE FROM u"), "DELETE 11003");
  EXPECT_EQ(tag("INSERT INTO u VALUES (30002, 'c4000', 0), (1, 'd9001', 0)"), "INSERT 0 2");
  reopen();
  EXPECT_EQ(value("SELECT count(*) FROM u"), "2");
  EXPECT_EQ(error_text("INSERT INTO u VALUES (5, 'd9001', 0)").substr(0, 5), "23505");
}

TEST_F(MassChange, TablesWithoutAKeyKeepTheirRows) {
  tag("CREATE TABLE k (x INTEGER, y TEXT)");
  fill("k", "x, y", "i % 100, 'y'");
  EXPECT_EQ(tag("UPDATE k SET x = x + 1 WHERE x >= 50"), "UPDATE 10000");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM k"), "20000|1000000");
  EXPECT_EQ(tag("DELETE FROM k WHERE x < 50"), "DELETE 10000");
  EXPECT_EQ(value("SELECT count(*), sum(x), min(x), max(x) FROM k"), "10000|755000|51|100");
  reopen();
  EXPECT_EQ(tag("INSERT INTO k SELECT 1, 'z' FROM generate_series(1, 10)"), "INSERT 0 10");
  EXPECT_EQ(tag("UPDATE k SET y = 'new' WHERE x = 1"), "UPDATE 10");
  EXPECT_EQ(value("SELECT count(*), count(*) FILTER (WHERE y = 'new') FROM k"), "10010|10");
}

TEST_F(MassChange, ChunksOfAHypertableAreChangedEachByItself) {
  make_ticks();
  EXPECT_EQ(value("SELECT count(*) FROM show_chunks('ticks')"), "6");
  EXPECT_EQ(tag("DELETE FROM ticks WHERE ts < '2024-01-01 03:00:00+00'"), "DELETE 10799");
  EXPECT_EQ(value("SELECT count(*), min(x), max(x), sum(x) FROM ticks"), "9201|10800|20000|141695400");
  // One series of each chunk: an eighth at least of every chunk but the last.
  EXPECT_EQ(tag("UPDATE ticks SET x = 0 WHERE symbol = 'S1'"), "UPDATE 1840");
  EXPECT_EQ(value("SELECT count(*), count(*) FILTER (WHERE x = 0) FROM ticks"), "9201|1840");
  // Into other chunks.
  EXPECT_EQ(tag("UPDATE ticks SET ts = ts + INTERVAL '100 days' WHERE symbol <> 'S1'"), "UPDATE 7361");
  EXPECT_EQ(value("SELECT count(*), count(*) FILTER (WHERE ts > '2024-02-01') FROM ticks"), "9201|7361");
  const auto last = value("SELECT max(ts) FROM ticks WHERE symbol = 'S0'");
  EXPECT_EQ(last, "2024-04-10 05:33:20+00");
  reopen();
  EXPECT_EQ(value("SELECT count(*), count(*) FILTER (WHERE ts > '2024-02-01') FROM ticks"), "9201|7361");
  EXPECT_EQ(error_text("INSERT INTO ticks VALUES ('2024-04-10 05:33:20+00', 'S0', 1)").substr(0, 5), "23505");
  EXPECT_EQ(tag("INSERT INTO ticks VALUES ('2024-01-01 05:33:20+00', 'S0', 1)"), "INSERT 0 1");
}

TEST_F(MassChange, ReturningGivesEveryRow) {
  make_numbers();
  EXPECT_EQ(rows("UPDATE numbers SET x = 3 WHERE id > 2000 RETURNING id, x").size(), 18000U);
  const auto gone = rows("DELETE FROM numbers WHERE id <= 5000 RETURNING x");
  EXPECT_EQ(gone.size(), 5000U);
  EXPECT_EQ(std::count(gone.begin(), gone.end(), "3"), 3000);
  // Expressions, and joins that find a row twice, go row by row.
  EXPECT_EQ(rows("UPDATE numbers SET x = x + 1 RETURNING x * 2").size(), 15000U);
  EXPECT_EQ(tag("UPDATE numbers SET x = 5 FROM (VALUES (1), (2)) AS v (n)"), "UPDATE 15000");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "15000|75000");
}

TEST_F(MassChange, RepeatableReadGivesWayToWhoWroteFirst) {
  make_numbers();
  TestSession other(database(), 2);
  tag("BEGIN ISOLATION LEVEL REPEATABLE READ");
  EXPECT_EQ(value("SELECT count(*) FROM numbers"), "20000");
  other.tag("INSERT INTO numbers VALUES (50000, 1, NULL)");
  // A new row is no conflict, and is not touched.
  EXPECT_EQ(tag("UPDATE numbers SET x = 2"), "UPDATE 20000");
  tag("COMMIT");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "20001|40001");
  tag("BEGIN ISOLATION LEVEL REPEATABLE READ");
  EXPECT_EQ(value("SELECT count(*) FROM numbers"), "20001");
  other.tag("UPDATE numbers SET x = 9 WHERE id = 17");
  EXPECT_EQ(error_text("DELETE FROM numbers WHERE x > 0").substr(0, 5), "40001");
  tag("ROLLBACK");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "20001|40008");
}

TEST_F(MassChange, TwoSessionsWaitForEachOther) {
  make_numbers();
  tag("BEGIN");
  EXPECT_EQ(tag("UPDATE numbers SET x = x + 1"), "UPDATE 20000");
  std::string updated, inserted;
  std::thread second([&] {
    TestSession other(database(), 2);
    updated = other.tag("UPDATE numbers SET x = x + 1");
  });
  std::thread third([&] {
    TestSession other(database(), 3);
    inserted = other.tag("INSERT INTO numbers VALUES (40000, 7, NULL)");
  });
  tag("COMMIT");
  second.join();
  third.join();
  EXPECT_TRUE(updated == "UPDATE 20000" || updated == "UPDATE 20001") << updated;
  EXPECT_EQ(inserted, "INSERT 0 1");
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers WHERE id < 40000"), "20000|2000140000");
  EXPECT_EQ(value("SELECT x FROM numbers WHERE id = 40000"), updated == "UPDATE 20000" ? "7" : "8");
}

TEST_F(MassChange, DeleteOfAllRowsIsSeenAtItsCommit) {
  make_numbers();
  TestSession other(database(), 2);
  tag("BEGIN");
  EXPECT_EQ(tag("DELETE FROM numbers"), "DELETE 20000");
  EXPECT_EQ(value("SELECT count(*) FROM numbers"), "0");
  EXPECT_EQ(other.value("SELECT count(*) FROM numbers"), "20000");
  tag("INSERT INTO numbers VALUES (1, 1, NULL)");
  tag("COMMIT");
  EXPECT_EQ(other.value("SELECT count(*), sum(x) FROM numbers"), "1|1");
  other.end();
  reopen();
  EXPECT_EQ(value("SELECT count(*), sum(x) FROM numbers"), "1|1");
}

TEST_F(MassChange, ReferencesFollow) {
  make_numbers();
  tag("CREATE TABLE child (id INTEGER PRIMARY KEY, number INTEGER REFERENCES numbers ON DELETE CASCADE)");
  tag("INSERT INTO child SELECT i, i * 5 FROM generate_series(1, 4000) AS g(i)");
  EXPECT_EQ(tag("DELETE FROM numbers WHERE id > 10000"), "DELETE 10000");
  EXPECT_EQ(value("SELECT count(*), max(number) FROM child"), "2000|10000");
  EXPECT_EQ(error_text("UPDATE child SET number = number + 9000").substr(0, 5), "23503");
  EXPECT_EQ(tag("DELETE FROM numbers"), "DELETE 10000");
  EXPECT_EQ(value("SELECT count(*) FROM child"), "0");
}

}  // namespace
}  // namespace tickstone::engine
