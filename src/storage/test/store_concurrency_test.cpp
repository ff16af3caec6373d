// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <atomic>
#include <latch>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

/// On files in memory, with budgets so small that checkpoints run all the time.
class StoreConcurrency : public StoreFixture {
 protected:
  StoreConcurrency() {
    options.files = &files;
    options.open_chunk_budget_bytes = 256U << 10;
    options.log_file_bytes = 64U << 10;
    options.row_group_rows = 32;
    path = "/store";
    open();
    create(trades(kTrades));
  }
  ~StoreConcurrency() override { store.reset(); }

  /// Runs `action(thread number)` on so many threads at once; errors of threads are rethrown.
  template <typename Action>
  void together(int count, Action action) {
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> errors(static_cast<std::size_t>(count));
    std::latch start(count);
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        try {
          action(i);
        } catch (...) {
          errors[static_cast<std::size_t>(i)] = std::current_exception();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (auto& error : errors) {
      if (error != nullptr) std::rethrow_exception(error);
    }
  }

  PowerLossFileSystem files;
};

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

TEST_F(StoreConcurrency, UpsertsOfEightThreadsLeaveEachKeyOnce) {
  together(8, [&](int thread) {
    std::mt19937 random(static_cast<unsigned>(thread));
    for (int i = 0; i < 150; ++i) {
      Rows rows;
      for (unsigned n = 1 + random() % 3; n > 0; --n) {
        rows.emplace_back("S" + std::to_string(random() % 3), static_cast<std::int64_t>(random() % 20), 0,
                          std::to_string(thread));
      }
      // One order of locks for all, as a client would to keep free of deadlocks.
      std::sort(rows.begin(), rows.end());
      auto transaction = store->begin();
      transaction->insert(kTrades, batch(rows), OnDuplicate::Replace);
      transaction->commit(i % 3 != 0);
    }
  });
  auto check = [&] {
    const Rows rows = rows_of(kTrades);
    std::set<std::tuple<std::string, std::int64_t, std::int64_t>> keys;
    for (const auto& row : rows)
      EXPECT_TRUE(keys.emplace(std::get<0>(row), std::get<1>(row), std::get<2>(row)).second);
    EXPECT_EQ(keys.size(), 60U);
    EXPECT_EQ(store->read_view()->row_count(kTrades), rows.size());
    return rows;
  };
  const Rows before = check();
  open();
  EXPECT_EQ(check(), before);
}

TEST_F(StoreConcurrency, LockedCountersLoseNoUpdate) {
  insert(kTrades, {{"A", 1, 1, "0"}, {"A", 1, 2, "0"}});
  constexpr int kThreads = 8;
  constexpr int kRounds = 60;
  together(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      const Rows counter = {{"A", 1, 1 + (thread + i) % 2, ""}};
      auto transaction = store->begin();
      for (;;) {
        const auto view = transaction->read_view();
        if (transaction->lock(kTrades, keys(counter), view->seq())) continue;
        const auto found = view->lookup(kTrades, keys(counter));
        ASSERT_EQ(found.found[0], 0);
        const auto price = found.rows.columns[3].view();
        const Decimal next{price.integer(0) + power_of_ten(price.layout.scale), price.layout.scale};
        Rows row = counter;
        std::get<3>(row[0]) = format_decimal(next);
        transaction->update(kTrades, batch(row), nullptr);
        break;
      }
      transaction->commit(i % 2 == 0);
    }
  });
  const Rows rows = rows_of(kTrades);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(std::stoi(std::get<3>(rows[0])) + std::stoi(std::get<3>(rows[1])), kThreads * kRounds);
}

/// Too many rows to be locked one by one; those from 2 on are of series that nobody else writes.
Rows many_rows(const Rows& first, const std::string& series) {
  Rows rows = first;
  for (std::int64_t i = 0; i < 300; ++i) rows.emplace_back(series, i, i, "1");
  return rows;
}

TEST_F(StoreConcurrency, CommittingDecidesBetweenLargeInsertsOfANewKey) {
  auto first = store->begin();
  auto second = store->begin();
  auto third = store->begin();
  first->insert(kTrades, batch(many_rows({{"A", 1, 1, "1"}}, "X")), OnDuplicate::Fail);
  second->insert(kTrades, batch(many_rows({{"A", 1, 1, "2"}, {"A", 2, 1, "2"}}, "Y")), OnDuplicate::Fail);
  third->insert(kTrades, batch(many_rows({{"A", 1, 1, "3"}, {"A", 3, 1, "3"}}, "Z")), OnDuplicate::Skip);
  first->commit();
  EXPECT_EQ(code_of([&] { second->commit(); }), ErrorCode::UniqueViolation);
  third->commit();
  Rows rows = rows_of(kTrades);
  EXPECT_EQ(rows.size(), 602U);
  std::erase_if(rows, [](const auto& row) { return std::get<0>(row) != "A"; });
  EXPECT_EQ(rows, (Rows{{"A", 1, 1, "1"}, {"A", 3, 1, "3"}}));
}

TEST_F(StoreConcurrency, InsertOfANewKeyWaitsForTheOtherWhoInsertsIt) {
  for (const bool commits : {true, false}) {
    const std::int64_t time = commits ? 1 : 2;
    auto first = store->begin();
    auto second = store->begin();
    first->insert(kTrades, batch({{"A", time, 1, "1"}}), OnDuplicate::Fail);
    std::atomic<int> code{-1};
    std::thread waiting([&] {
      code = static_cast<int>(code_of([&] {
        second->insert(kTrades, batch({{"A", time, 1, "2"}}), OnDuplicate::Fail);
      }));
    });
    while (store->locks().empty()) std::this_thread::yield();  // those of rows are listed once one waits
    EXPECT_EQ(code, -1);
    commits ? (void)first->commit() : first->rollback();
    waiting.join();
    EXPECT_EQ(code, static_cast<int>(commits ? ErrorCode::UniqueViolation : ErrorCode::SuccessfulCompletion));
    second->commit();
  }
  EXPECT_EQ(rows_of(kTrades), (Rows{{"A", 1, 1, "1"}, {"A", 2, 1, "2"}}));
}

TEST_F(StoreConcurrency, RowLocksGoTogetherAsPostgreSqls) {
  const Batch key = keys({{"A", 1, 1, ""}});
  constexpr std::array kModes = {LockMode::KeyShare, LockMode::Share, LockMode::NoKeyUpdate,
                                 LockMode::Update};
  constexpr bool kTogether[4][4] = {{true, true, true, false},
                                    {true, true, false, false},
                                    {true, false, false, false},
                                    {false, false, false, false}};
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    for (std::size_t k = 0; k < kModes.size(); ++k) {
      auto holder = store->begin(), other = store->begin();
      holder->lock(kTrades, key, 0, kModes[i]);
      EXPECT_EQ(other->try_lock(kTrades, key, kModes[k]), std::vector<bool>{kTogether[i][k]})
          << i << " " << k;
    }
  }
  auto a = store->begin(), b = store->begin();
  EXPECT_TRUE(a->try_lock_table(kTrades, false));
  EXPECT_TRUE(b->try_lock_table(kTrades, false));
  EXPECT_FALSE(a->try_lock_table(kTrades, true));
  b->rollback();
  EXPECT_TRUE(a->try_lock_table(kTrades, true));
}

TEST_F(StoreConcurrency, SharersWhoBothWantTheRowAloneAreADeadlock) {
  const Batch key = keys({{"A", 1, 1, ""}});
  auto first = store->begin(), second = store->begin();
  first->lock(kTrades, key, 0, LockMode::Share);
  second->lock(kTrades, key, 0, LockMode::Share);
  std::atomic<int> deadlocks{0}, taken{0};
  const auto strengthen = [&](Transaction& transaction) {
    const auto code = code_of([&] { transaction.lock(kTrades, key, 0, LockMode::Update); });
    (code == ErrorCode::DeadlockDetected ? deadlocks : taken) += 1;
    transaction.rollback();
  };
  std::thread other([&] { strengthen(*first); });
  strengthen(*second);
  other.join();
  EXPECT_EQ(deadlocks, 1);
  EXPECT_EQ(taken, 1);
}

TEST_F(StoreConcurrency, ASavepointGivesItsLocksBack) {
  const Batch a = keys({{"A", 1, 1, ""}}), b = keys({{"B", 1, 1, ""}});
  auto holder = store->begin(), other = store->begin();
  holder->lock(kTrades, a, 0, LockMode::Share);
  const auto savepoint = holder->savepoint();
  holder->lock(kTrades, a, 0, LockMode::Update);
  holder->lock(kTrades, b, 0);
  holder->rollback_to(savepoint);
  EXPECT_EQ(other->try_lock(kTrades, b, LockMode::Update), std::vector<bool>{true});
  EXPECT_EQ(other->try_lock(kTrades, a, LockMode::Share), std::vector<bool>{true});
  EXPECT_EQ(other->try_lock(kTrades, a, LockMode::Update), std::vector<bool>{false});
}

TEST_F(StoreConcurrency, InsertAfterAWaitSeesWhatTheHolderCommitted) {
  insert(kTrades, {{"A", 5, 1, "0"}});
  // Not past the series' last: the key is locked.
  auto first = store->begin();
  first->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
  std::atomic<int> skipped{-1};
  std::thread waiting([&] {
    auto second = store->begin();
    const auto result = second->insert(kTrades, batch({{"A", 1, 1, "2"}}), OnDuplicate::Skip);
    skipped = static_cast<int>(result.skipped.size());
    second->commit();
  });
  first->commit();
  waiting.join();
  EXPECT_EQ(skipped, 1);
  EXPECT_EQ(rows_of(kTrades), (Rows{{"A", 1, 1, "1"}, {"A", 5, 1, "0"}}));
}

TEST_F(StoreConcurrency, DeadlockEndsOneTransaction) {
  const Batch a = keys({{"A", 1, 1, ""}});
  const Batch b = keys({{"B", 1, 1, ""}});
  auto first = store->begin();
  auto second = store->begin();
  first->lock(kTrades, a, 0);
  second->lock(kTrades, b, 0);
  std::atomic<int> deadlocks{0};
  auto cross = [&](Transaction& transaction, const Batch& key) {
    const auto code = code_of([&] { transaction.lock(kTrades, key, 0); });
    if (code == ErrorCode::DeadlockDetected) ++deadlocks;
    transaction.rollback();
  };
  std::thread other([&] { cross(*first, b); });
  cross(*second, a);
  other.join();
  EXPECT_EQ(deadlocks, 1);
}

TEST_F(StoreConcurrency, WaitingForALockCanBeCancelledOrRefused) {
  const Batch key = keys({{"A", 1, 1, ""}});
  auto holder = store->begin();
  holder->lock(kTrades, key, 0);
  auto waiter = store->begin();
  EXPECT_EQ(waiter->try_lock(kTrades, key, LockMode::Update), std::vector<bool>{false});
  waiter->set_lock_timeout(std::chrono::milliseconds(1));
  EXPECT_EQ(code_of([&] { waiter->lock(kTrades, key, 0); }), ErrorCode::LockNotAvailable);
  waiter->set_lock_timeout(std::chrono::milliseconds(0));
  int asked = 0;
  waiter->set_cancelled([&] { return ++asked > 2; });
  EXPECT_EQ(code_of([&] { waiter->lock(kTrades, key, 0); }), ErrorCode::QueryCanceled);
  holder->rollback();
  EXPECT_FALSE(waiter->lock(kTrades, key, 0));
}

TEST_F(StoreConcurrency, LockTellsOfNewerCommits) {
  insert(kTrades, {{"A", 1, 1, "1"}, {"B", 1, 1, "1"}});
  auto transaction = store->begin();
  const auto seen = transaction->read_view()->seq();
  insert(kTrades, {{"A", 1, 1, "2"}}, OnDuplicate::Replace);
  EXPECT_TRUE(transaction->lock(kTrades, keys({{"A", 1, 1, ""}}), seen));
  EXPECT_FALSE(transaction->lock(kTrades, keys({{"B", 1, 1, ""}}), seen));
  EXPECT_FALSE(transaction->lock(kTrades, keys({{"A", 1, 1, ""}}), transaction->read_view()->seq()));
}

TEST_F(StoreConcurrency, ReadersSeeWholeCommitsDuringCheckpoints) {
  constexpr std::int64_t kAccounts = 40;
  Rows accounts;
  for (std::int64_t i = 0; i < kAccounts; ++i)
    accounts.emplace_back("A" + std::to_string(i % 4), i * 100, i, "100");
  insert(kTrades, accounts);
  std::atomic<bool> is_over{false};
  auto move_money = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 250; ++i) {
      std::int64_t from = static_cast<std::int64_t>(random() % kAccounts);
      std::int64_t to = static_cast<std::int64_t>(random() % kAccounts);
      if (from == to) continue;
      if (from > to) std::swap(from, to);
      auto transaction = store->begin();
      const Rows pair = {accounts[static_cast<std::size_t>(from)], accounts[static_cast<std::size_t>(to)]};
      for (;;) {
        const auto view = transaction->read_view();
        if (transaction->lock(kTrades, keys(pair), view->seq())) continue;
        const auto found = view->lookup(kTrades, keys(pair));
        Rows moved = pair;
        const auto prices = found.rows.columns[3].view();
        for (std::size_t side = 0; side < 2; ++side) {
          const auto row = static_cast<std::size_t>(found.found[side]);
          const Int128 one = power_of_ten(prices.layout.scale);
          const Int128 amount = side == 0 ? -one : one;
          std::get<3>(moved[side]) = format_decimal({prices.integer(row) + amount, prices.layout.scale});
        }
        transaction->update(kTrades, batch(moved), nullptr);
        break;
      }
      transaction->commit(i % 4 == 0);
    }
  };
  auto read = [&] {
    while (!is_over) {
      const auto view = store->read_view();
      for (int again = 0; again < 2; ++again) {
        const Rows rows = scan_rows(*view, kTrades);
        ASSERT_EQ(rows.size(), static_cast<std::size_t>(kAccounts));
        int sum = 0;
        for (const auto& row : rows) sum += std::stoi(std::get<3>(row));
        ASSERT_EQ(sum, kAccounts * 100);
        ASSERT_EQ(view->row_count(kTrades), rows.size());
      }
    }
  };
  std::thread reader_a(read);
  std::thread reader_b(read);
  std::thread checkpoints([&] {
    while (!is_over) store->checkpoint();
  });
  together(3, [&](int thread) { move_money(static_cast<unsigned>(thread)); });
  is_over = true;
  reader_a.join();
  reader_b.join();
  checkpoints.join();
  EXPECT_GT(store->statistics().checkpoints, 0U);
  const Rows before = rows_of(kTrades);
  open();
  EXPECT_EQ(rows_of(kTrades), before);
}

TEST_F(StoreConcurrency, PowerLossAmongManyCommittersKeepsWhatWasAcknowledged) {
  constexpr std::size_t kThreads = 6;
  constexpr int kRounds = 120;
  constexpr TableId kCopy = kTrades + 1;
  create(plain(kCopy));
  std::array<std::atomic<int>, kThreads> started{};
  std::array<std::atomic<int>, kThreads> acknowledged{};
  struct Loss {
    std::array<int, kThreads> acknowledged{};
    std::array<int, kThreads> started{};
    std::unique_ptr<PowerLossFileSystem> survivors;
  };
  std::vector<Loss> losses;
  std::atomic<bool> is_over{false};
  std::thread losing([&] {
    std::mt19937_64 random(3);
    while (!is_over) {
      Loss loss;
      for (std::size_t i = 0; i < kThreads; ++i) loss.acknowledged[i] = acknowledged[i];
      loss.survivors = files.after_power_loss([&](std::uint64_t n) { return random() % n; });
      for (std::size_t i = 0; i < kThreads; ++i) loss.started[i] = started[i];
      losses.push_back(std::move(loss));
      if (random() % 4 == 0) store->checkpoint();
      std::this_thread::yield();
    }
  });
  together(kThreads, [&](int thread) {
    const auto self = static_cast<std::size_t>(thread);
    const std::string symbol = "T" + std::to_string(thread);
    for (int i = 1; i <= kRounds; ++i) {
      started[self] = i;
      auto transaction = store->begin();
      // One row that is replaced over and over in both tables, and one that stays for each commit.
      const Rows rows = {{symbol, 0, 0, std::to_string(i)}, {symbol, i, 1, std::to_string(i)}};
      transaction->insert(kTrades, batch(rows), OnDuplicate::Replace);
      transaction->insert(kCopy, batch(rows), OnDuplicate::Replace);
      transaction->commit();
      acknowledged[self] = i;
    }
  });
  is_over = true;
  losing.join();
  ASSERT_FALSE(losses.empty());
  // Some of many: each is a recovery.
  const std::size_t step = 1 + losses.size() / 40;
  for (std::size_t at = 0; at < losses.size(); at += step) {
    auto other = options;
    other.files = losses[at].survivors.get();
    const auto opened = Store::open(path, other);
    const auto view = opened->read_view();
    const Rows rows = scan_rows(*view, kTrades);
    ASSERT_EQ(scan_rows(*view, kCopy), rows) << "a commit is there in part";
    std::map<std::string, std::pair<int, int>>
        counts;  // by symbol: the row that is replaced, those that stay
    for (const auto& [symbol, time, id, price] : rows) {
      auto& [last, kept] = counts[symbol];
      if (id == 0) {
        last = std::stoi(price);
      } else {
        ++kept;
      }
    }
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      const auto [last, kept] = counts["T" + std::to_string(thread)];
      ASSERT_EQ(last, kept) << "commits of a thread are there out of order";
      ASSERT_GE(last, losses[at].acknowledged[thread]);
      ASSERT_LE(last, losses[at].started[thread]);
    }
  }
}

TEST_F(StoreConcurrency, WritesToATableThatWasDroppedOrAlteredFail) {
  auto writer = store->begin();
  writer->insert(kTrades, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
  auto altering = store->begin();
  auto schema = trades(kTrades);
  schema.columns.push_back({5, "note", SqlType::of(TypeId::Text), false});
  altering->alter_table(schema, {});
  altering->commit();
  EXPECT_EQ(code_of([&] { writer->commit(); }), ErrorCode::SerializationFailure);

  auto dropped = trades(kTrades + 1);
  create(dropped);
  auto late = store->begin();
  late->insert(kTrades + 1, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
  auto dropping = store->begin();
  dropping->drop_table(kTrades + 1);
  dropping->commit();
  EXPECT_EQ(code_of([&] { late->commit(); }), ErrorCode::UndefinedTable);
  EXPECT_EQ(code_of([&] {
              store->begin()->insert(kTrades + 1, batch({{"A", 1, 1, "1"}}), OnDuplicate::Fail);
            }),
            ErrorCode::UndefinedTable);
}

TEST_F(StoreConcurrency, CommitsShareSyncs) {
  const auto before = store->statistics();
  together(8, [&](int thread) {
    for (int i = 0; i < 50; ++i) insert(kTrades, {{"T" + std::to_string(thread), i, 0, "1"}});
  });
  const auto after = store->statistics();
  EXPECT_EQ(after.commits - before.commits, 400U);
  EXPECT_EQ(rows_of(kTrades).size(), 400U);
}

}  // namespace
}  // namespace tickstone::storage
