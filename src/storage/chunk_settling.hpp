// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/store.hpp"

namespace tickstone::storage {

/// Brings single chunks into their last form before their time.
class ChunkSettling {
 public:
  virtual ~ChunkSettling() = default;
  /// Every store has this door.
  static ChunkSettling& of(Store& store);

  /// Seals the chunk's rows and merges its segments as those of a chunk that takes no more rows: into one, or
  /// for a large chunk into few. Nothing where there is no such chunk. Blocks until done; everything goes on
  /// meanwhile. Errors: DiskFull, IoError, DataCorrupted.
  virtual void settle_chunk(TableId table, std::uint32_t chunk) = 0;
};

}  // namespace tickstone::storage
