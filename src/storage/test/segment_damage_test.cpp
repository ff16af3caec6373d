// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/segment.hpp"
#include "storage/segment_format.hpp"
#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

constexpr const char* kPath = "store/00000001.seg";

class SegmentDamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto writer = SegmentWriter::create(files_, kPath, bars_schema(), 16);
    writer->append(make_bars(2, 20));
    writer->finish();
    original_ = files_.bytes_of(kPath);
  }

  /// What open and verify say of `bytes`; nothing where both are content.
  std::optional<ErrorCode> check(MemoryFileSystem::Bytes bytes) {
    files_.put(kPath, std::move(bytes));
    try {
      Segment::open(files_, kPath, make_block_cache(1 << 20))->verify();
      return std::nullopt;
    } catch (const Error& error) {
      message_ = error.message();
      return error.code();
    }
  }

  MemoryFileSystem files_;
  MemoryFileSystem::Bytes original_;
  std::string message_;
};

TEST_F(SegmentDamageTest, TheWholeFileIsFine) { EXPECT_EQ(check(original_), std::nullopt); }

TEST_F(SegmentDamageTest, EveryFlippedBitIsFound) {
  for (std::size_t offset = 0; offset < original_.size(); ++offset) {
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = original_;
      damaged[offset] ^= static_cast<std::byte>(1 << bit);
      ASSERT_EQ(check(std::move(damaged)), ErrorCode::DataCorrupted) << "offset " << offset << " bit " << bit;
    }
  }
}

TEST_F(SegmentDamageTest, EveryShorterFileIsFound) {
  for (std::size_t size = 0; size < original_.size(); ++size) {
    auto damaged = original_;
    damaged.resize(size);
    ASSERT_EQ(check(std::move(damaged)), ErrorCode::DataCorrupted) << "size " << size;
  }
}

TEST_F(SegmentDamageTest, ALongerFileIsFound) {
  auto damaged = original_;
  damaged.push_back(std::byte{0});
  EXPECT_EQ(check(damaged), ErrorCode::DataCorrupted);
  damaged.insert(damaged.end(), original_.begin(), original_.end());
  EXPECT_EQ(check(damaged), ErrorCode::DataCorrupted);
}

TEST_F(SegmentDamageTest, SwappedBlocksAreFound) {
  // Two constant blocks of one size: each is whole, but not in its place.
  TableSchema schema;
  schema.id = 20000;
  schema.name = "t";
  schema.columns = {{1, "id", SqlType::of(TypeId::BigInt), true},
                    {2, "a", SqlType::of(TypeId::BigInt), false},
                    {3, "b", SqlType::of(TypeId::BigInt), false}};
  schema.primary_key = {1};
  Batch batch = empty_batch(schema);
  for (std::int64_t i = 0; i < 3; ++i) batch.columns[static_cast<std::size_t>(i)].append_fixed(i);
  files_.remove(kPath);
  auto writer = SegmentWriter::create(files_, kPath, schema, 16);
  writer->append(batch);
  writer->finish();
  auto bytes = files_.bytes_of(kPath);
  constexpr std::size_t kBlockBytes = 8 + 8 + kBlockChecksumBytes;
  const auto second = bytes.begin() + kSegmentHeaderBytes + kBlockBytes;
  std::swap_ranges(second, second + kBlockBytes, second + kBlockBytes);
  EXPECT_EQ(check(bytes), ErrorCode::DataCorrupted);
}

TEST_F(SegmentDamageTest, NamesFileAndOffset) {
  auto damaged = original_;
  damaged[kSegmentHeaderBytes + 3] ^= std::byte{1};
  files_.put(kPath, damaged);
  const auto segment = Segment::open(files_, kPath, make_block_cache(1 << 20));
  try {
    segment->read(0, 1);
    FAIL() << "a damaged block was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::DataCorrupted);
    EXPECT_EQ(error.message(), "segment file \"store/00000001.seg\" is damaged at offset 32");
    EXPECT_EQ(error.detail(), "row group 0, column \"symbol\": the checksum does not match");
  }
  EXPECT_NE(segment->read(0, 2), nullptr);  // the other blocks can be read
}

TEST_F(SegmentDamageTest, ANewerVersionIsNotDamage) {
  auto newer = original_;
  newer[8] = std::byte{kSegmentVersions.newest + 1};
  const std::uint64_t checksum = checksum64(std::span(newer).first(kSegmentHeaderBytes - 8));
  std::memcpy(newer.data() + kSegmentHeaderBytes - 8, &checksum, sizeof(checksum));
  EXPECT_EQ(check(newer), ErrorCode::FeatureNotSupported);
  EXPECT_EQ(
      message_,
      "could not open segment file \"store/00000001.seg\": it has format version 3, this program reads up "
      "to 2");
}

}  // namespace
}  // namespace tickstone::storage
