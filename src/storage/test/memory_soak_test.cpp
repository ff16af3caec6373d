// SPDX-License-Identifier: Apache-2.0
// Memory after many checkpoints is what it was after a few.

#include <gtest/gtest.h>
#include <malloc.h>

#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;

class MemorySoak : public StoreFixture {};

// What is allocated, and not what is resident: how much of what was freed the allocator keeps in its arenas
// depends on which threads ran when.
std::size_t allocated_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
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
  // Nothing under way: how far writer and merges are differs from one moment to the next.
  const auto settled_bytes = [&] {
    store->checkpoint();
    store->compact();
    return allocated_bytes();
  };
  cycles(6);
  const std::size_t before = settled_bytes();
  cycles(18);
  const std::size_t after = settled_bytes();
  // The directories of the segments grow with the rows: 0.15 bytes each here.
  EXPECT_LT(after, before + kBudget / 4) << "from " << before;
  EXPECT_LE(store->statistics().open_chunk_bytes, kBudget + kBudget / 2);
  EXPECT_EQ(store->read_view()->row_count(kTrades), static_cast<std::uint64_t>(time));
}

}  // namespace
}  // namespace tickstone::storage
