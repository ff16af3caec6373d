// SPDX-License-Identifier: Apache-2.0
// Commits that do not wait for the disk: a power loss may take the last of them, in commit order and whole.
#include <atomic>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "storage/test/fault_scenario.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using Call = PowerLossFileSystem::Call;

constexpr int kThreads = 4;
constexpr int kCommitsOfEach = 60;

Rows rows_after_power_loss(const PowerLossFileSystem& files) {
  const auto survivors = files.after_power_loss([](std::uint64_t) { return 0; });
  const auto store = Store::open(kFaultPath, fault_options(*survivors));
  return scan_rows(*store->read_view(), kFaultPlain);
}

class AsynchronousCommit : public ::testing::Test {
 protected:
  AsynchronousCommit() {
    store = Store::open(kFaultPath, fault_options(files));
    const auto transaction = store->begin();
    transaction->create_table(trades(kTrades, kFaultInterval));
    transaction->create_table(plain(kFaultPlain));
    first = transaction->commit();
  }
  /// One row in each of two tables.
  CommitSeq commit(const Row& row, bool synchronous) {
    const auto transaction = store->begin();
    for (const TableId table : {kTrades, kFaultPlain}) {
      transaction->insert(table, batch({row}), OnDuplicate::Fail);
    }
    return transaction->commit(synchronous);
  }

  PowerLossFileSystem files;
  std::unique_ptr<Store> store;
  CommitSeq first = 0;
};

TEST_F(AsynchronousCommit, APowerLossTakesOnlyTheLastOnesInCommitOrder) {
  struct Loss {
    CommitSeq waited_for = 0;  // the last one that was acknowledged as durable
    std::unique_ptr<PowerLossFileSystem> survivors;
  };
  std::vector<Loss> losses;
  std::mutex mutex;
  std::atomic<CommitSeq> waited_for = first;
  std::mt19937_64 random(3);  // under the mutex
  files.set_hook([&](Call call, const std::filesystem::path&) {
    if (call >= Call::Open) return;
    const std::lock_guard lock(mutex);
    if (random() % 4 != 0) return;
    const CommitSeq durable = waited_for;
    const auto kind = random() % 4;
    losses.push_back({durable, files.after_power_loss([&](std::uint64_t n) {
                        return kind == 0 ? 0 : kind == 1 ? n - 1 : random() % n;
                      })});
  });

  std::vector<std::pair<CommitSeq, Row>> committed;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 mine(thread);
      for (int i = 0; i < kCommitsOfEach; ++i) {
        const Row row{"T" + std::to_string(thread), i, 0, "1"};
        const bool is_synchronous = mine() % 8 == 0;
        const CommitSeq seq = commit(row, is_synchronous);
        if (is_synchronous) {
          CommitSeq before = waited_for;
          while (before < seq && !waited_for.compare_exchange_weak(before, seq)) continue;
        }
        if (thread == 0 && i % 20 == 10) store->checkpoint();
        const std::lock_guard lock(mutex);
        committed.emplace_back(seq, row);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  files.set_hook({});
  std::sort(committed.begin(), committed.end());
  ASSERT_EQ(committed.size(), std::size_t{kThreads * kCommitsOfEach});
  ASSERT_GT(losses.size(), 40U);

  std::size_t with_loss = 0;
  for (auto& loss : losses) {
    const auto after = Store::open(kFaultPath, fault_options(*loss.survivors));
    const Rows found = scan_rows(*after->read_view(), kFaultPlain);
    ASSERT_EQ(scan_rows(*after->read_view(), kTrades), found) << "a transaction is there in part";
    Rows expected;
    for (std::size_t i = 0; i < found.size(); ++i) expected.push_back(committed[i].second);
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(found, expected) << "something else than the first " << found.size() << " commits";
    const auto must_be_there = std::count_if(committed.begin(), committed.end(), [&](const auto& commit) {
      return commit.first <= loss.waited_for;
    });
    ASSERT_GE(found.size(), static_cast<std::size_t>(must_be_there));
    with_loss += found.size() < committed.size();
  }
  EXPECT_GT(with_loss, 20U);
}

TEST_F(AsynchronousCommit, BecomesDurableOfItself) {
  commit({"A", 1, 0, "1"}, false);
  // Nobody commits or closes anything.
  while (rows_after_power_loss(files).empty()) std::this_thread::yield();
}

TEST_F(AsynchronousCommit, IsDurableOnceALaterOneIs) {
  commit({"A", 1, 0, "1"}, false);
  commit({"A", 2, 0, "1"}, true);
  EXPECT_EQ(rows_after_power_loss(files).size(), 2U);
}

TEST_F(AsynchronousCommit, IsDurableOnceTheStoreIsClosed) {
  commit({"A", 1, 0, "1"}, false);
  store.reset();
  EXPECT_EQ(rows_after_power_loss(files).size(), 1U);
}

}  // namespace
}  // namespace tickstone::storage
