// SPDX-License-Identifier: Apache-2.0
#include "storage/block_cache.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

std::shared_ptr<const DecodedBlock> make_block(std::size_t size_bytes) {
  auto block = std::make_shared<DecodedBlock>();
  block->data = Buffer<std::byte>(size_bytes);
  return block;
}

TEST(BlockCache, KeepsToItsBudget) {
  constexpr std::size_t kCapacity = 1 << 20;
  BlockCache cache(kCapacity);
  std::size_t hits = 0;
  for (std::uint64_t key = 1; key <= 1000; ++key) {
    cache.insert(key, make_block(10'000));
    EXPECT_LE(cache.bytes(), kCapacity);
    hits += cache.find(key) != nullptr ? 1 : 0;
  }
  EXPECT_EQ(hits, 1000U);
  EXPECT_GT(cache.bytes(), kCapacity / 2);
  EXPECT_EQ(cache.find(1), nullptr);  // the oldest left
  EXPECT_NE(cache.find(1000), nullptr);
}

TEST(BlockCache, WhatIsReadStays) {
  BlockCache cache(1 << 20);
  cache.insert(1, make_block(10'000));
  for (std::uint64_t key = 2; key <= 5000; ++key) {
    cache.insert(key, make_block(10'000));
    ASSERT_NE(cache.find(1), nullptr) << key;
  }
}

TEST(BlockCache, AReaderKeepsItsBlock) {
  BlockCache cache(16 * 1000);
  const auto held = cache.insert(1, make_block(500));
  cache.erase(1);
  EXPECT_EQ(cache.bytes(), 0U);
  EXPECT_EQ(held->data.size(), 500U);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(BlockCache, ABlockLargerThanAllIsNotKept) {
  BlockCache cache(1000);
  EXPECT_NE(cache.insert(1, make_block(100'000)), nullptr);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(BlockCache, OfTwoDecodersOneBlockStays) {
  BlockCache cache(1 << 20);
  const auto first = cache.insert(1, make_block(100));
  EXPECT_EQ(cache.insert(1, make_block(100)), first);
}

TEST(BlockCache, AClosedSegmentLeavesNothingBehind) {
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 64);
  writer->append(make_bars(3, 200));
  writer->finish();
  const auto cache = make_block_cache(8 << 20);
  auto segment = Segment::open(files, "s", cache);
  const auto block = segment->read(0, 2);
  EXPECT_EQ(segment->read(0, 2), block);
  EXPECT_GT(cached_bytes(*cache), 0U);
  segment.reset();
  EXPECT_EQ(cached_bytes(*cache), 0U);
  EXPECT_EQ(block->view().size, 64U);
}

TEST(BlockCache, CountsWhatWasReadAndFoundAsItIsStored) {
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 64);
  writer->append(make_bars(3, 200));
  writer->finish();
  const auto cache = make_block_cache(8 << 20);
  const auto segment = Segment::open(files, "s", cache);
  const auto before = cache->counts();
  const auto block = segment->read(0, 2);
  const auto read = cache->counts();
  EXPECT_GT(block->stored_bytes, 0U);
  EXPECT_LT(block->stored_bytes, segment->column_size(2).block_bytes);
  EXPECT_EQ(read.misses - before.misses, 1U);
  EXPECT_EQ(read.read_bytes - before.read_bytes, block->stored_bytes);
  EXPECT_EQ(read.hit_bytes, before.hit_bytes);
  segment->read(0, 2);
  segment->read(0, 2);
  const auto found = cache->counts();
  EXPECT_EQ(found.hits - read.hits, 2U);
  EXPECT_EQ(found.hit_bytes - read.hit_bytes, 2 * block->stored_bytes);
  EXPECT_EQ(found.read_bytes, read.read_bytes);
}

TEST(BlockCache, ManyThreadsReadTheSame) {
  MemoryFileSystem files;
  const auto bars = make_bars(4, 500);
  auto writer = SegmentWriter::create(files, "s", bars_schema(), 64);
  writer->append(bars);
  writer->finish();
  // Room for a part only, so that blocks come and go.
  const auto segment = Segment::open(files, "s", make_block_cache(64 << 10));
  std::vector<std::thread> threads;
  std::vector<std::size_t> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < segment->row_groups().size(); ++i) {
          const std::size_t group = (i * (t + 1)) % segment->row_groups().size();
          const auto block = segment->read(group, 2);
          const auto expected = bars.columns[1].view();
          const auto first_row = segment->row_groups()[group].first_row;
          for (std::size_t row = 0; row < block->view().size; ++row) {
            if (block->view().fixed<std::int64_t>(row) != expected.fixed<std::int64_t>(first_row + row))
              ++wrong[t];
          }
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<std::size_t>(4));
}

}  // namespace
}  // namespace tickstone::storage
