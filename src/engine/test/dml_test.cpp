// SPDX-License-Identifier: Apache-2.0
// Statements that write, where SQL text alone cannot say it: parameters, positions, sessions at once.
#include <atomic>
#include <latch>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using testing::ElementsAre;

class Dml : public SessionTest {};

TEST_F(Dml, ParametersOfValuesHaveTheTypesOfTheirColumns) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC, at TIMESTAMPTZ, tags TEXT[], body JSONB)");
  auto& client = session->session();
  client.parse("s", "INSERT INTO t (at, id, price, tags, body) VALUES ($2, $1, $3, $4, $5)", {});
  const auto description = client.describe_statement("s");
  client.sync(false, *std::make_unique<CollectingSink>());
  ASSERT_EQ(description.parameter_types.size(), 5U);
  EXPECT_EQ(description.parameter_types[0], SqlType::of(TypeId::Integer));
  EXPECT_EQ(description.parameter_types[1], SqlType::of(TypeId::TimestampTz));
  EXPECT_EQ(description.parameter_types[2], SqlType::of(TypeId::Numeric));
  EXPECT_EQ(description.parameter_types[3], SqlType::array_of(TypeId::Text));
  EXPECT_EQ(description.parameter_types[4], SqlType::of(TypeId::Jsonb));
  EXPECT_FALSE(description.columns);
  EXPECT_EQ(session
                ->run_with("INSERT INTO t (at, id, price, tags, body) VALUES ($2, $1, $3, $4, $5)",
                           {"7", "2026-01-05 14:30:00+00", "1.25", "{a,b}", "{\"k\": 1}"})
                .tag,
            "INSERT 0 1");
  EXPECT_EQ(
      session->run_with("INSERT INTO t (id, price) VALUES ($1, $2), ($1 + 1, NULL)", {"8", std::nullopt}).tag,
      "INSERT 0 2");
  EXPECT_THAT(rows("SELECT id, price, at, tags FROM t ORDER BY id"),
              ElementsAre("7|1.25|2026-01-05 14:30:00+00|{a,b}", "8|null|null|null", "9|null|null|null"));
}

TEST_F(Dml, APreparedInsertIsBoundManyTimes) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT DEFAULT 'd', n NUMERIC)");
  auto& client = session->session();
  client.parse(
      "s",
      "INSERT INTO t (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n, v = EXCLUDED.v",
      {});
  const auto description = client.describe_statement("s");
  for (int i = 0; i < 20; ++i) {
    CollectingSink sink;
    session->bind_values("s", description, {std::to_string(i % 15), "0." + std::to_string(i)});
    client.execute("", 0, sink);
    client.sync(false, sink);
    ASSERT_EQ(sink.results.at(0).tag, "INSERT 0 1");
  }
  EXPECT_EQ(value("SELECT count(*) FROM t WHERE v = 'd'"), "15");
  EXPECT_EQ(value("SELECT n FROM t WHERE id = 4"), "0.19");
  // The plan does not outlive a change of the table.
  tag("ALTER TABLE t ALTER COLUMN v SET DEFAULT 'e'");
  CollectingSink sink;
  session->bind_values("s", description, {"100", "1"});
  client.execute("", 0, sink);
  client.sync(false, sink);
  EXPECT_EQ(value("SELECT v FROM t WHERE id = 100"), "e");
}

TEST_F(Dml, ParametersOfUpdateAndDelete) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC, name TEXT)");
  tag("INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')");
  EXPECT_EQ(session->run_with("UPDATE t SET price = $1, name = $2 WHERE id = $3", {"9.5", "z", "2"}).tag,
            "UPDATE 1");
  EXPECT_EQ(session->run_with("UPDATE t SET price = price + $1::numeric WHERE name = $2", {"0.5", "c"}).tag,
            "UPDATE 1");
  EXPECT_EQ(session->run_with("DELETE FROM t WHERE id = $1", {"1"}).tag, "DELETE 1");
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("2|9.5|z", "3|3.5|c"));
}

TEST_F(Dml, ParametersOfConflictActionsAndQueries) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
  tag("INSERT INTO t VALUES (1, 1)");
  EXPECT_EQ(
      session
          ->run_with("INSERT INTO t VALUES ($1, 0) ON CONFLICT (id) DO UPDATE SET n = t.n + $2::integer",
                     {"1", "41"})
          .tag,
      "INSERT 0 1");
  EXPECT_EQ(
      session->run_with("INSERT INTO t SELECT id + $1::integer, n FROM t WHERE n = $2::integer", {"1", "42"})
          .tag,
      "INSERT 0 1");
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("1|42", "2|42"));
}

TEST_F(Dml, ReturningIsDescribedBeforeAnyRow) {
  tag("CREATE TABLE t (id SERIAL PRIMARY KEY, name TEXT, price NUMERIC(10,2))");
  auto& client = session->session();
  CollectingSink sink;
  client.parse("s", "INSERT INTO t (name, price) VALUES ($1, $2) RETURNING id, price, upper(name) AS loud",
               {});
  const auto description = client.describe_statement("s");
  ASSERT_TRUE(description.columns);
  ASSERT_EQ(description.columns->size(), 3U);
  EXPECT_EQ(description.columns->at(0).name, "id");
  EXPECT_EQ(description.columns->at(0).type, SqlType::of(TypeId::Integer));
  EXPECT_EQ(description.columns->at(1).type, SqlType::numeric(10, 2));
  EXPECT_EQ(description.columns->at(2).name, "loud");
  EXPECT_EQ(description.columns->at(2).type.id, TypeId::Text);
  session->bind_values("s", description, {"a", "1.25"});
  client.execute("", 0, sink);
  client.sync(false, sink);
  ASSERT_EQ(sink.results.size(), 1U);
  EXPECT_TRUE(sink.results[0].columns.empty());  // described before
  EXPECT_THAT(TestSession::joined(sink.results[0]), ElementsAre("1|1.25|A"));

  client.parse("p", "UPDATE t SET name = $1 RETURNING \"id\" AS \"Number\", t.name", {});
  const auto plain = client.describe_statement("p");
  client.sync(false, sink);
  ASSERT_TRUE(plain.columns);
  EXPECT_EQ(plain.columns->at(0).name, "Number");
  EXPECT_EQ(plain.columns->at(0).column_number, 1);
  EXPECT_EQ(plain.columns->at(1).name, "name");
}

TEST_F(Dml, ErrorsOfLiteralsPointAtThem) {
  tag("CREATE TABLE t (id INTEGER, price NUMERIC)");
  const auto found = session->error("SELECT 1; INSERT INTO t VALUES (1, 'é'), (2, 'abc')");
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->position());
  EXPECT_EQ(*found->position(), 36U);
}

TEST_F(Dml, ManyRowsOfLiteralsAreReadAsTheyAre) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC, name TEXT)");
  std::string sql = "INSERT INTO t VALUES ";
  for (int i = 0; i < 5000; ++i) {
    sql += (i > 0 ? "," : "") + std::string("(") + std::to_string(i) + ", " + std::to_string(i) +
           ".25, 'n''" + std::to_string(i) + "')";
  }
  EXPECT_EQ(tag(sql), "INSERT 0 5000");
  EXPECT_EQ(value("SELECT sum(price) FROM t"), "12498750");
  EXPECT_EQ(value("SELECT name FROM t WHERE id = 4321"), "n'4321");
}

/// Each statement by the literal way and, with a pair of parentheses in its first row, by the parser.
TEST_F(Dml, LiteralsAndTheParserAgree) {
  tag("CREATE TABLE a (k INTEGER, i BIGINT, n NUMERIC, d DOUBLE PRECISION, b BOOLEAN, t TEXT, v VARCHAR(4), "
      "at TIMESTAMPTZ, "
      "day DATE, j JSONB, l TEXT[])");
  tag("CREATE TABLE b (k INTEGER, i BIGINT, n NUMERIC, d DOUBLE PRECISION, b BOOLEAN, t TEXT, v VARCHAR(4), "
      "at TIMESTAMPTZ, "
      "day DATE, j JSONB, l TEXT[])");
  const std::vector<std::pair<std::string, std::string>> cells = {
      {"i", "5"},
      {"i", "-7"},
      {"i", "2.5"},
      {"i", "'12'"},
      {"i", "'x'"},
      {"i", "1e3"},
      {"i", "true"},
      {"n", "1.50"},
      {"n", "'  3 '"},
      {"n", "1e-5"},
      {"n", "-.5"},
      {"n", "'1e400'"},
      {"n", "true"},
      {"d", "1.5"},
      {"d", "'NaN'"},
      {"d", "5"},
      {"b", "true"},
      {"b", "'on'"},
      {"b", "0"},
      {"b", "NULL"},
      {"t", "5"},
      {"t", "05"},
      {"t", "1.50"},
      {"t", "true"},
      {"t", "'é'"},
      {"t", "E'a\\nb'"},
      {"v", "'abcd'"},
      {"v", "'abcde'"},
      {"v", "12345"},
      {"v", "'ab   '"},
      {"at", "'today'"},
      {"at", "5"},
      {"at", "'2026-01-05'::timestamptz"},
      {"at", "'2026-01-05'::date"},
      {"day", "'2026-01-05 23:00:00'"},
      {"day", "'2026-02-31'"},
      {"j", "'{\"a\": 1}'"},
      {"j", "'{'"},
      {"j", "5"},
      {"l", "'{a,b}'"},
      {"l", "ARRAY['a','b,c']"},
      {"l", "'{'"},
      {"n", "'5'::numeric"},
      {"n", "5::int"},
      {"i", "9223372036854775808"},
  };
  for (const auto& [column, literal] : cells) {
    const auto direct = error_text("INSERT INTO a (k, " + column + ") VALUES (1, " + literal + ")");
    const auto general = error_text("INSERT INTO b (k, " + column + ") VALUES (abs(1), " + literal + ")");
    EXPECT_EQ(direct, general) << column << " " << literal;
  }
  EXPECT_EQ(rows("SELECT i, n, d, b, t, v, at, day, j, l FROM a ORDER BY i, n, d, b, t, v, at, day, l"),
            rows("SELECT i, n, d, b, t, v, at, day, j, l FROM b ORDER BY i, n, d, b, t, v, at, day, l"));
}

TEST_F(Dml, ALargeQueryStreamsIntoATable) {
  tag("CREATE TABLE t (id BIGINT PRIMARY KEY, v NUMERIC CHECK (v >= 0))");
  EXPECT_EQ(tag("INSERT INTO t SELECT i, i / 4.0 FROM generate_series(1, 100000) AS s(i)"),
            "INSERT 0 100000");
  EXPECT_EQ(tag("INSERT INTO t SELECT id + 100000, v FROM t"), "INSERT 0 100000");
  EXPECT_EQ(tag("INSERT INTO t SELECT id, 1 FROM t WHERE id % 2 = 0 ON CONFLICT (id) DO UPDATE SET v = t.v + "
                "EXCLUDED.v"),
            "INSERT 0 100000");
  EXPECT_EQ(value("SELECT count(*) || ' ' || sum(v)::bigint FROM t"), "200000 2500125000");
  EXPECT_EQ(error_text("INSERT INTO t SELECT 1000000 + i, 50000 - i FROM generate_series(1, 100000) AS s(i)"),
            "23514 new row for relation \"t\" violates check constraint \"t_v_check\"");
  EXPECT_EQ(value("SELECT count(*) FROM t"), "200000");
}

TEST_F(Dml, CopyOfManyRowsComesBack) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price NUMERIC)");
  std::string data;
  for (int i = 0; i < 150000; ++i) {
    data += std::to_string(i) + "\tname " + std::to_string(i % 100) + "\t" + std::to_string(i) + ".5\n";
  }
  EXPECT_EQ(tag("COPY t FROM STDIN", data), "COPY 150000");
  const auto results = session->run("COPY (SELECT * FROM t ORDER BY id) TO STDOUT");
  EXPECT_TRUE(results.at(0).copied == data);
  // Far into the input the line is still right.
  const auto found = session->error("COPY t (id) FROM STDIN", [] {
    std::string ids;
    for (int i = 0; i < 100000; ++i) ids += std::to_string(200000 + i) + "\n";
    return ids + "x\n";
  }());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->context(), "COPY t, line 100001, column id: \"x\"");
  EXPECT_EQ(value("SELECT count(*) FROM t"), "150000");
}

/// Runs `work(client, i)` on `count` sessions at once.
template <typename Work>
void run_at_once(Database& database, int count, const Work& work) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      TestSession client(database, 100 + i);
      start.arrive_and_wait();
      work(client, i);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(Dml, ConcurrentUpdatesOfARowLoseNone) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
  tag("INSERT INTO t VALUES (1, 0)");
  run_at_once(database(), 4, [](TestSession& client, int) {
    for (int i = 0; i < 25; ++i) ASSERT_EQ(client.tag("UPDATE t SET n = n + 1 WHERE id = 1"), "UPDATE 1");
  });
  EXPECT_EQ(value("SELECT n FROM t"), "100");
}

TEST_F(Dml, ConcurrentUpsertsOfARowLoseNone) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, word TEXT UNIQUE)");
  run_at_once(database(), 4, [](TestSession& client, int) {
    for (int i = 0; i < 25; ++i) {
      ASSERT_EQ(
          client.tag(
              "INSERT INTO t (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + EXCLUDED.n"),
          "INSERT 0 1");
    }
  });
  EXPECT_EQ(value("SELECT n FROM t"), "100");
  run_at_once(database(), 4, [](TestSession& client, int i) {
    for (int k = 0; k < 25; ++k) {
      ASSERT_EQ(client.tag("INSERT INTO t VALUES (" + std::to_string(10 + i * 25 + k) +
                           ", 1, 'w') ON CONFLICT (word) DO UPDATE SET n = t.n + 1"),
                "INSERT 0 1");
    }
  });
  EXPECT_EQ(value("SELECT count(*) || ' ' || max(n) FROM t WHERE word = 'w'"), "1 100");
}

TEST_F(Dml, ConcurrentInsertsOfAKeyHaveOneWinner) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, who INTEGER)");
  std::atomic<int> inserted{0}, refused{0}, skipped{0};
  run_at_once(database(), 4, [&](TestSession& client, int i) {
    for (int k = 0; k < 25; ++k) {
      const auto values = "INSERT INTO t VALUES (" + std::to_string(k) + ", " + std::to_string(i) + ")";
      if (k % 2 == 0) {
        const auto error = client.error_text(values);
        (error == "none" ? inserted : refused)++;
        if (error != "none") {
          ASSERT_EQ(error, "23505 duplicate key value violates unique constraint \"t_pkey\"");
        }
      } else {
        (client.tag(values + " ON CONFLICT DO NOTHING") == "INSERT 0 1" ? inserted : skipped)++;
      }
    }
  });
  EXPECT_EQ(inserted, 25);
  EXPECT_EQ(refused, 39);
  EXPECT_EQ(skipped, 36);
  EXPECT_EQ(value("SELECT count(*) FROM t"), "25");
}

TEST_F(Dml, AWaiterSeesWhatTheHolderCommitted) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, state TEXT)");
  tag("INSERT INTO t VALUES (1, 1, 'open'), (2, 1, 'open')");
  tag("BEGIN");
  tag("UPDATE t SET state = 'closed', n = 10 WHERE id = 1");
  std::string waiter_tag;
  std::thread waiter([&] {
    TestSession other(database(), 7);
    waiter_tag = other.tag("UPDATE t SET n = n + 1 WHERE state = 'open'");
  });
  tag("COMMIT");
  waiter.join();
  EXPECT_EQ(waiter_tag, "UPDATE 1");  // the row that was closed meanwhile no longer counts
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("1|10|closed", "2|2|open"));
}

TEST_F(Dml, ADeadlockIsBroken) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)");
  tag("INSERT INTO t VALUES (1, 0), (2, 0)");
  std::latch both(2);
  std::atomic<int> deadlocks{0};
  run_at_once(database(), 2, [&](TestSession& client, int i) {
    client.tag("BEGIN");
    client.tag("UPDATE t SET n = n + 1 WHERE id = " + std::to_string(1 + i));
    both.arrive_and_wait();
    const auto error = client.error_text("UPDATE t SET n = n + 1 WHERE id = " + std::to_string(2 - i));
    if (error != "none") {
      EXPECT_EQ(error.substr(0, 5), "40P01");
      ++deadlocks;
    }
    client.tag("COMMIT");
  });
  EXPECT_EQ(deadlocks, 1);
  EXPECT_EQ(value("SELECT sum(n) FROM t"), "2");
}

TEST_F(Dml, RowsSurviveReopening) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT UNIQUE)");
  tag("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  tag("UPDATE t SET word = 'z' WHERE id = 1");
  tag("DELETE FROM t WHERE id = 2");
  reopen();
  EXPECT_THAT(rows("SELECT * FROM t ORDER BY id"), ElementsAre("1|z", "3|c"));
  EXPECT_EQ(tag("INSERT INTO t VALUES (4, 'a'), (5, 'b')"), "INSERT 0 2");
  EXPECT_EQ(error_text("INSERT INTO t VALUES (6, 'z')"),
            "23505 duplicate key value violates unique constraint \"t_word_key\"");
}

TEST_F(Dml, ComputedKeysSurviveReopening) {
  tag("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT, is_open BOOLEAN, n INTEGER)");
  tag("CREATE UNIQUE INDEX one_open ON t (lower(word)) WHERE is_open");
  tag("CREATE UNIQUE INDEX one_n ON t (n) NULLS NOT DISTINCT WHERE id > 2");
  tag("INSERT INTO t VALUES (1, 'A', true, 1), (2, 'a', false, 1), (3, 'b', true, NULL)");
  database().checkpoint();
  tag("UPDATE t SET is_open = false WHERE id = 3");
  reopen();
  EXPECT_EQ(tag("INSERT INTO t VALUES (4, 'B', true, 4)"), "INSERT 0 1");
  EXPECT_EQ(error_text("UPDATE t SET is_open = true WHERE id = 2"),
            "23505 duplicate key value violates unique constraint \"one_open\"");
  EXPECT_EQ(error_text("INSERT INTO t VALUES (5, 'c', true, NULL)"),
            "23505 duplicate key value violates unique constraint \"one_n\"");
  tag("DELETE FROM t WHERE id = 1");
  reopen();
  EXPECT_EQ(tag("UPDATE t SET is_open = true WHERE id = 2"), "UPDATE 1");
}

}  // namespace
}  // namespace tickstone::engine
