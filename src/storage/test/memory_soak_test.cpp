// SPDX-License-Identifier: Apache-2.0
// Memory after many checkpoints is what it was after a few.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class MemorySoak : public StoreFixture {};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
}

TEST_F(MemorySoak, StaysFlatOverManyCheckpoints) {
  constexpr std::size_t kBudget = 16U << 20;
  options.open_chunk_budget_bytes = kBudget;
  options.block_cache_bytes = 4U << 20;
  options.log_file_bytes = 4U << 20;
  options.checkpoint_log_bytes = 64U << 20;
  options.row_group_rows = 8192;
  open();
  create(trades(kTrades, 1'000'000));
  std::int64_t time = 0;
  const auto cycles = [&](std::uint64_t count) {
    const auto until = store->statistics().checkpoints + count;
    while (store->statistics().checkpoints < until) {
      Batch rows = batch({});
      for (int i = 0; i < 4096; ++i) {
        rows.columns[0].append_bytes("S" + std::to_string(i % 50));
        rows.columns[1].append_fixed(time++);
        rows.columns[2].append_fixed(static_cast<std::int64_t>(i));
        rows.columns[3].append_decimal({static_cast<Int128>(time), 2});
      }
      auto transaction = store->begin();
      transaction->insert(kTrades, rows, OnDuplicate::Fail);
      transaction->commit(/*synchronous=*/false);
    }
  };
  // How far the writer is ahead of the checkpoint differs from one to the next: what has grown for good is in
  // the smallest of the late figures too.
  std::size_t before = 0;
  std::size_t after = SIZE_MAX;
  for (int i = 0; i < 24; ++i) {
    cycles(1);
    if (i < 8) before = std::max(before, resident_bytes());
    if (i >= 16) after = std::min(after, resident_bytes());
  }
  EXPECT_LT(after, before + kBudget) << "from " << before;
  EXPECT_LE(store->statistics().open_chunk_bytes, kBudget + kBudget / 2);
  EXPECT_EQ(store->read_view()->row_count(kTrades), static_cast<std::uint64_t>(time));
}

}  // namespace
}  // namespace tickstone::storage
