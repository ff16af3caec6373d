// SPDX-License-Identifier: Apache-2.0
// Any bytes as a segment file: opening, checking and reading it may only throw tickstone::Error. Every input
// is tried as it is and with its checksums made right, which lets changed bytes reach the decoders.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/segment.hpp"
#include "storage/segment_format.hpp"
#include "storage/test/memory_file_system.hpp"

namespace tickstone::storage {
namespace {

using Bytes = MemoryFileSystem::Bytes;

template <typename T>
void store(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

/// Header, trailer and, where the footer can be read, blocks get the checksums that their bytes have.
void repair_checksums(Bytes& bytes) {
  const std::span<const std::byte> all(bytes);
  store(bytes, kSegmentHeaderBytes - 8, checksum64(all.first(kSegmentHeaderBytes - 8)));
  const std::size_t trailer_at = bytes.size() - kSegmentTrailerBytes;
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data() + 16, sizeof(seed));
  std::uint64_t footer_offset = 0;
  std::memcpy(&footer_offset, bytes.data() + trailer_at, sizeof(footer_offset));
  if (footer_offset < kSegmentHeaderBytes || footer_offset > trailer_at) return;
  const auto footer_bytes = all.subspan(footer_offset, trailer_at - footer_offset);
  store(bytes, trailer_at + 8, static_cast<std::uint64_t>(footer_bytes.size()));
  store(bytes, trailer_at + 16, checksum64(footer_bytes, seed));
  store(bytes, trailer_at + 24, checksum64(all.subspan(trailer_at, 24), seed));
  const auto footer =
      read_footer(footer_bytes, footer_offset, read_header(all.first(kSegmentHeaderBytes)).version);
  for (std::size_t i = 0; i < footer.blocks.size(); ++i) {
    const auto& block = footer.blocks[i];
    const std::size_t size = block.size_bytes - kBlockChecksumBytes;
    store(bytes, block.offset + size, block_checksum(all.subspan(block.offset, size), seed, i));
    const auto& filter = footer.filters[i];
    if (filter.size_bytes < kBlockChecksumBytes) continue;
    const std::size_t filter_size = filter.size_bytes - kBlockChecksumBytes;
    store(bytes, filter.offset + filter_size,
          filter_checksum(all.subspan(filter.offset, filter_size), seed, i));
  }
}

void touch(const ColumnView& view) {
  std::uint64_t sum = 0;
  for (std::size_t row = 0; row < view.size; ++row) {
    if (view.is_null(row)) continue;
    if (view.layout.physical == Physical::Bytes) {
      for (const char c : view.bytes(row)) sum += static_cast<unsigned char>(c);
    } else if (view.layout.physical == Physical::Float32 || view.layout.physical == Physical::Float64) {
      sum += view.number(row) > 0 ? 1 : 0;
    } else {
      sum += static_cast<std::uint64_t>(view.integer(row));
    }
  }
  // Keeps the loop.
  if (sum == 0x1234'5678'9ABC'DEF0) std::abort();
}

void use(const Segment& segment) {
  for (const auto& column : stored_columns(segment.schema())) {
    for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
      try {
        touch(segment.read(group, column.id)->view());
      } catch (const Error&) {
      }
    }
  }
  for (const auto& entry : segment.series()) {
    segment.find_series(entry.key);
    segment.last_time(entry.key);
  }
  Batch keys;
  for (const ColumnId id : sort_columns(segment.schema())) {
    const auto block = segment.read(0, id);
    Column& column = keys.columns.emplace_back(block->view().type, block->view().layout);
    column.append_from(block->view(), 0);
  }
  segment.find(keys);
  segment.verify();
}

void try_bytes(Bytes bytes) {
  MemoryFileSystem files;
  files.put("fuzz.seg", std::move(bytes));
  try {
    use(*Segment::open(files, "fuzz.seg", make_block_cache(64 << 20)));
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace tickstone::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tickstone::storage;
  const auto* first = reinterpret_cast<const std::byte*>(data);
  Bytes bytes(first, first + size);
  try_bytes(bytes);
  if (size < kSegmentHeaderBytes + kSegmentTrailerBytes) return 0;
  try {
    repair_checksums(bytes);
  } catch (const tickstone::Error&) {
  }
  try_bytes(std::move(bytes));
  return 0;
}
