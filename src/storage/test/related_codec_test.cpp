// SPDX-License-Identifier: Apache-2.0
// Blocks that are written relative to another column's.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "storage/codec/block_codec.hpp"
#include "storage/test/column_samples.hpp"
#include "storage/test/memory_file_system.hpp"
#include "storage/test/segment_fixture.hpp"

namespace tickstone::storage {
namespace {

/// Column 0 or more of these stand before the one that is written.
ReadRelated reader_of(const std::vector<Column>& columns, const std::vector<std::vector<std::byte>>& blocks) {
  return [&](std::uint16_t number, ColumnLayout layout) {
    if (number >= blocks.size()) throw Error(ErrorCode::DataCorrupted, "no such column");
    return decode_block(blocks[number], columns[number].type(), layout, columns[number].size(), 0);
  };
}

RC_GTEST_PROP(RelatedCodec, RoundTripsWhateverStandsBeside, (std::uint64_t seed)) {
  ColumnSampler sampler(seed);
  const SqlType types[] = {SqlType::of(TypeId::BigInt), SqlType::of(TypeId::Numeric),
                           SqlType::of(TypeId::TimestampTz)};
  const auto type = types[sampler.below(3)];
  const auto layout = initial_layout(type);
  const std::size_t rows = sampler.row_count(3000);
  std::vector<Column> columns;
  std::vector<std::vector<std::byte>> blocks;
  std::vector<RelatedColumn> related;
  for (std::uint64_t i = 1 + sampler.below(3); i > 0; --i) {
    columns.push_back(sampler.column(type, layout, rows, sampler.one_in(2) ? 0 : 1 + sampler.below(9)));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    ByteWriter out;
    encode_block(columns[i].view(), out);
    blocks.push_back(out.take());
    related.push_back({static_cast<std::uint16_t>(i), columns[i].view()});
  }
  // Near one of them, with nulls of its own.
  const auto base = columns[sampler.below(columns.size())].view();
  const std::uint64_t spread = 1 + sampler.below(1000);
  Column near(type, layout);
  for (std::size_t row = 0; row < rows; ++row) {
    if (sampler.one_in(17)) {
      near.append_null();
    } else {
      const std::int64_t value = base.is_null(row) ? 5 : base.fixed<std::int64_t>(row);
      near.append_fixed(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) + sampler.below(spread)));
    }
  }
  ByteWriter alone;
  encode_block(near.view(), alone);
  ByteWriter out;
  const Codec codec = encode_block(near.view(), out, related);
  RC_ASSERT(out.size() <= alone.size());
  RC_CLASSIFY(codec == Codec::Related);
  const auto read = reader_of(columns, blocks);
  const auto block = decode_block(out.bytes(), type, layout, rows, 0, read);
  for (std::size_t row = 0; row < rows; ++row) RC_ASSERT(is_same_cell(block->view(), row, near.view(), row));
  if (codec != Codec::Related) return;
  // Damage does no more than throw, wherever it is.
  for (int i = 0; i < 40; ++i) {
    auto damaged = out.bytes().size() > 0 ? std::vector<std::byte>(out.bytes().begin(), out.bytes().end())
                                          : std::vector<std::byte>();
    damaged[sampler.below(std::min<std::size_t>(damaged.size(), 60))] ^=
        static_cast<std::byte>(1U << sampler.below(8));
    try {
      decode_block(damaged, type, layout, rows, 0, read);
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::DataCorrupted);
    }
  }
}

TEST(RelatedCodec, NeedsTheColumnItIsRelativeTo) {
  const auto type = SqlType::of(TypeId::Numeric);
  ColumnSampler sampler(1);
  std::vector<Column> columns(1, Column(type));
  Column ask(type);
  for (int i = 0; i < 4000; ++i) {
    const auto bid = static_cast<std::int64_t>(sampler.below(1'000'000'000));
    columns[0].append_fixed(bid);
    ask.append_fixed(static_cast<std::int64_t>(bid + 100 + sampler.below(4) * 100));
  }
  ByteWriter bid_block;
  encode_block(columns[0].view(), bid_block);
  const std::vector<std::vector<std::byte>> blocks = {bid_block.take()};
  const std::vector<RelatedColumn> related = {{0, columns[0].view()}};
  ByteWriter out;
  EXPECT_EQ(encode_block(ask.view(), out, related), Codec::Related);
  EXPECT_LT(out.size(), 4000 * 2 / 8 + 64U);  // four values
  EXPECT_THROW(decode_block(out.bytes(), type, ask.layout(), 4000, 0), Error);
  // A column of other rows, or of other values, does not fit.
  const std::vector<Column> shorter = {Column(type)};
  std::vector<Column> cut(1, Column(type));
  cut[0].append_fixed<std::int64_t>(1);
  cut[0].append_fixed<std::int64_t>(2);
  ByteWriter cut_block;
  encode_block(cut[0].view(), cut_block);
  const std::vector<std::vector<std::byte>> cut_blocks = {cut_block.take()};
  EXPECT_THROW(decode_block(out.bytes(), type, ask.layout(), 4000, 0, reader_of(cut, cut_blocks)), Error);
}

TEST(RelatedCodec, BarsOfASegmentAreReadColumnByColumn) {
  TableSchema schema = bars_schema();
  schema.columns = {{1, "symbol", SqlType::of(TypeId::Text), true},
                    {2, "timestamp", SqlType::of(TypeId::TimestampTz), true},
                    {3, "timeframe", SqlType::of(TypeId::Varchar), true},
                    {4, "open", SqlType::of(TypeId::Numeric), true},
                    {5, "high", SqlType::of(TypeId::Numeric), true},
                    {6, "low", SqlType::of(TypeId::Numeric), false},
                    {7, "close", SqlType::of(TypeId::Numeric), true}};
  ColumnSampler sampler(4);
  // The first row groups have fewer digits behind the point than the last: their blocks are widened when
  // read.
  std::vector<Batch> batches;
  std::vector<Batch> expected(1, empty_batch(schema));
  for (int part = 0; part < 6; ++part) {
    const std::uint8_t scale = part < 3 ? 2 : 9;
    Batch& batch = batches.emplace_back(empty_batch(schema));
    std::int64_t price = 20'000;
    for (int i = 0; i < 1000; ++i) {
      for (Batch* rows : {&batch, &expected[0]}) {
        rows->columns[0].append_bytes("A");
        rows->columns[1].append_fixed<std::int64_t>((part * 1000 + i) * 60'000'000LL);
        rows->columns[2].append_bytes("1m");
      }
      price += static_cast<std::int64_t>(sampler.below(401)) - 200;
      const std::int64_t prices[] = {price, price + static_cast<std::int64_t>(sampler.below(8)),
                                     price - static_cast<std::int64_t>(sampler.below(8)), price + 3};
      for (std::size_t c = 0; c < 4; ++c) {
        for (Batch* rows : {&batch, &expected[0]}) {
          if (c == 2 && i % 50 == 7) {
            rows->columns[3 + c].append_null();
          } else {
            rows->columns[3 + c].append_decimal({Int128{prices[c]}, scale});
          }
        }
      }
    }
  }
  MemoryFileSystem files;
  auto writer = SegmentWriter::create(files, "s", schema, 1000);
  for (const auto& batch : batches) writer->append(batch);
  writer->finish();
  for (const ColumnId id : {5U, 6U, 7U, 4U}) {
    const auto segment = Segment::open(files, "s", make_block_cache(id == 6 ? 1 << 20 : 0));
    ASSERT_EQ(segment->row_groups().size(), 6U);
    for (std::size_t group = 0; group < 6; ++group) {
      const auto block = segment->read(group, id);
      for (std::size_t row = 0; row < 1000; ++row) {
        ASSERT_TRUE(is_same_cell(block->view(), row, expected[0].columns[id - 1].view(), group * 1000 + row))
            << id << " " << group << " " << row;
      }
    }
    segment->verify();
    const auto open = segment->column_size(4).block_bytes;
    EXPECT_LT(segment->column_size(5).block_bytes, open * 2 / 3);
    EXPECT_LT(segment->column_size(6).block_bytes, open);
    EXPECT_LT(segment->column_size(7).block_bytes, open / 4);
  }
}

}  // namespace
}  // namespace tickstone::storage
