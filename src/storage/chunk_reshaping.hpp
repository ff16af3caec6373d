// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "storage/store.hpp"

namespace tickstone::storage {

/// Chunks whose ranges a transaction changes: merged, or split.
class ChunkReshaping {
 public:
  virtual ~ChunkReshaping() = default;
  /// Every transaction has this door.
  static ChunkReshaping& of(Transaction& transaction);

  /// Puts chunks of `ranges`, ascending and without gaps, in the place of those that lie there: one range
  /// merges them, several split them. Their rows are copied, and become part of them as the transaction
  /// commits. The first chunk keeps the lowest number of those that go, and all the time when that one was
  /// made. The transaction must have the table's lock alone.
  ///
  /// Errors: InvalidParameterValue where `ranges` are not what whole chunks side by side cover;
  /// ObjectNotInPrerequisiteState where the transaction has written rows there; SerializationFailure where
  /// others have written the table in spite of the lock; DiskFull, IoError, DataCorrupted, QueryCanceled.
  virtual void reshape_chunks(TableId table, const std::vector<TimeRange>& ranges) = 0;
  /// Takes all rows out of the chunk of exactly this range, and leaves the chunk. The transaction must have
  /// the table's lock alone. Nothing where there is no such chunk.
  virtual void empty_chunk(TableId table, TimeRange range) = 0;
};

}  // namespace tickstone::storage
