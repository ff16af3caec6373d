// SPDX-License-Identifier: Apache-2.0
// What sessions in one process do to each other.
#include <atomic>
#include <functional>
#include <thread>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

class Concurrency : public SessionTest {
 protected:
  void together(int sessions, const std::function<void(TestSession&, int)>& action) {
    std::vector<std::thread> threads;
    for (int i = 0; i < sessions; ++i) {
      threads.emplace_back([&, i] {
        TestSession client(database(), 100 + i);
        action(client, i);
      });
    }
    for (auto& thread : threads) thread.join();
  }
};

TEST_F(Concurrency, SixteenSessionsThatAddOneLoseNothing) {
  session->run(
      "CREATE TABLE positions (symbol text PRIMARY KEY, quantity int); INSERT INTO positions VALUES ('A', "
      "0)");
  constexpr int kSessions = 16, kRounds = 200;
  std::atomic<int> failures{0};
  together(kSessions, [&](TestSession& client, int number) {
    for (int i = 0; i < kRounds; ++i) {
      const auto tag = client.tag(
          number % 2 == 0 ? "UPDATE positions SET quantity = quantity + 1 WHERE symbol = 'A'"
                          : "INSERT INTO positions VALUES ('A', 1) ON CONFLICT (symbol) DO UPDATE SET "
                            "quantity = positions.quantity + excluded.quantity");
      failures += tag != "UPDATE 1" && tag != "INSERT 0 1";
    }
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(session->value("SELECT quantity FROM positions"), std::to_string(kSessions * kRounds));
}

TEST_F(Concurrency, MoneyThatMovesUnderRepeatableReadIsNeitherLostNorMade) {
  session->run(
      "CREATE TABLE accounts (id int PRIMARY KEY, amount int);"
      "INSERT INTO accounts SELECT g, 100 FROM generate_series(0, 7) g");
  std::atomic<int> moved{0}, unexpected{0};
  together(4, [&](TestSession& client, int number) {
    for (int i = 0; i < 40; ++i) {
      const auto from = std::to_string((number + i) % 8), to = std::to_string((number * 3 + i * 5 + 1) % 8);
      const auto error = client.error_text(
          "BEGIN ISOLATION LEVEL REPEATABLE READ;"
          "UPDATE accounts SET amount = amount - 1 WHERE id = " +
          from +
          ";"
          "UPDATE accounts SET amount = amount + 1 WHERE id = " +
          to + "; COMMIT");
      if (error == "none") {
        ++moved;
      } else {
        unexpected += !error.starts_with("40001") && !error.starts_with("40P01");
        client.run("ROLLBACK");
      }
    }
  });
  EXPECT_EQ(unexpected, 0);
  EXPECT_GT(moved, 0);
  EXPECT_EQ(session->value("SELECT sum(amount) FROM accounts"), "800");
}

TEST_F(Concurrency, WritersAndChangesOfTheTableEndWellFormed) {
  session->run("CREATE TABLE busy (id int PRIMARY KEY, v int)");
  std::atomic<bool> is_over{false};
  std::atomic<int> unexpected{0}, inserted{0};
  std::thread changes([&] {
    TestSession client(database(), 50);
    for (int i = 0; i < 10; ++i) {
      const std::string name = "c" + std::to_string(i);
      if (!client.error("ALTER TABLE busy ADD COLUMN " + name + " int DEFAULT 1")) continue;
      ++unexpected;
    }
    unexpected += client.error("ALTER TABLE busy ADD CONSTRAINT v_is_unique UNIQUE (v)").has_value();
    unexpected += client.error("ALTER TABLE busy ALTER COLUMN v TYPE bigint").has_value();
    is_over = true;
  });
  together(3, [&](TestSession& client, int number) {
    for (int i = 0; !is_over || i < 20; ++i) {
      const int id = i * 3 + number;
      const auto error = client.error("INSERT INTO busy (id, v) VALUES (" + std::to_string(id) + ", " +
                                      std::to_string(id) + ")");
      if (error) {
        ++unexpected;
        ADD_FAILURE() << error->message();
      } else {
        ++inserted;
      }
      client.run("SELECT count(*), min(v) FROM busy");
    }
  });
  changes.join();
  EXPECT_EQ(unexpected, 0);
  EXPECT_EQ(session->value("SELECT count(*) FROM busy"), std::to_string(inserted));
  EXPECT_EQ(session->value("SELECT count(*) FROM busy WHERE c0 IS NULL OR c9 IS NULL"), "0");
  EXPECT_EQ(session->error_text("INSERT INTO busy (id, v) VALUES (-1, 0)"),
            "23505 duplicate key value violates unique constraint \"v_is_unique\"");
}

TEST_F(Concurrency, ParentsAndChildrenAgreeWhateverHappensAtOnce) {
  session->run(
      "CREATE TABLE parents (id int PRIMARY KEY);"
      "CREATE TABLE children (id serial PRIMARY KEY, parent int NOT NULL REFERENCES parents ON DELETE "
      "CASCADE);"
      "INSERT INTO parents SELECT g FROM generate_series(0, 4) g");
  std::atomic<int> unexpected{0};
  together(4, [&](TestSession& client, int number) {
    for (int i = 0; i < 60; ++i) {
      const auto parent = std::to_string((i + number) % 5);
      const std::string sql = number == 0 ? "DELETE FROM parents WHERE id = " + parent
                              : number == 1
                                  ? "INSERT INTO parents VALUES (" + parent + ") ON CONFLICT DO NOTHING"
                                  : "INSERT INTO children (parent) VALUES (" + parent + ")";
      const auto error = client.error_text(sql);
      unexpected += error != "none" && !error.starts_with("23503") && !error.starts_with("40P01");
    }
  });
  EXPECT_EQ(unexpected, 0);
  EXPECT_EQ(session->value("SELECT count(*) FROM children WHERE parent NOT IN (SELECT id FROM parents)"),
            "0");
}

}  // namespace
}  // namespace tickstone::engine
