// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <condition_variable>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duck/test/fake_store.hpp"

namespace tickstone::duck::test {
namespace {

using ::testing::ElementsAre;

class WorkersTest : public ::testing::Test {
 protected:
  WorkersTest() {
    FakeTable table(100, {{"n", SqlType::of(TypeId::BigInt)}});
    for (int i = 0; i < 200; ++i) table.add_unit({{std::to_string(i)}});
    store_.tables["public.t"] = std::move(table);
  }

  static std::unique_ptr<Instance> open() {
    InstanceOptions options;
    options.threads = 3;
    return Instance::open(options);
  }

  FakeStore store_;
  FakeSession session_{store_};
};

/// Where threads wait until some of them are there at once.
class Meeting {
 public:
  explicit Meeting(std::size_t wanted) : wanted_(wanted) {}
  void attend() {
    std::unique_lock lock(mutex_);
    present_.insert(std::this_thread::get_id());
    changed_.notify_all();
    is_full_ = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      return present_.size() >= wanted_;
    }) && is_full_;
  }
  bool is_full() const { return is_full_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> present_;
  std::size_t wanted_;
  bool is_full_ = true;
};

TEST_F(WorkersTest, AScanOfManyRowsIsReadByAllThreads) {
  const auto instance = open();
  const auto connection = instance->connect(session_, session_);
  store_.estimated_rows = 1'000'000;
  Meeting meeting(3);
  store_.on_read = [&] { meeting.attend(); };
  EXPECT_THAT(rows_of(*connection->query(R"(SELECT sum(n)::BIGINT FROM "public.t")")), ElementsAre("19900"));
  EXPECT_TRUE(meeting.is_full());
}

TEST_F(WorkersTest, AScanOfFewRowsThatTakesLongIsHelpedAfterAWhile) {
  const auto instance = open();
  const auto connection = instance->connect(session_, session_);
  Meeting meeting(2);
  std::atomic<int> reads = 0;
  store_.on_read = [&] {
    // The first part of a task is over by then, and the time that a query stays alone.
    if (++reads > 60) meeting.attend();
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  // A plan that one thread would run by itself has no DISTINCT.
  EXPECT_THAT(rows_of(*connection->query(R"(SELECT sum(DISTINCT n)::BIGINT FROM "public.t")")),
              ElementsAre("19900"));
  EXPECT_TRUE(meeting.is_full());
}

TEST_F(WorkersTest, StreamsLeftHalfReadAndQueriesOfAllSizesAtOnceAnswerRight) {
  auto instance = open();
  store_.estimated_rows = 1'000'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      FakeSession session(store_);
      const auto connection = instance->connect(session, session);
      const auto small = connection->prepare("SELECT $1::BIGINT + 1");
      for (int i = 0; i < 50; ++i) {
        const Value value = Value::of_bigint(i);
        EXPECT_THAT(rows_of(*small->execute({&value, 1})), ElementsAre(std::to_string(i + 1)));
        if (t % 2 == 0) {
          const auto stream = connection->query(R"(SELECT a.n FROM "public.t" a, "public.t" b)");
          Batch batch;
          EXPECT_TRUE(stream->next(batch));
        }
        EXPECT_THAT(rows_of(*connection->query(R"(SELECT sum(n)::BIGINT FROM "public.t" WHERE n >= 100)")),
                    ElementsAre("14950"));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace tickstone::duck::test
