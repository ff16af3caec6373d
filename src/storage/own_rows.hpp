// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/open_chunk.hpp"
#include "storage/state.hpp"
#include "storage/store.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Keys that a transaction replaced or erased: what is committed under them is hidden from it, and ends when
/// it commits.
///
/// Positions count a transaction's operations; views see the keys touched at or before theirs.
/// Threads: one adds and takes back; any ask.
class TouchedKeys {
 public:
  explicit TouchedKeys(Batch empty_keys) : keys_(std::move(empty_keys)) {}

  bool hides(std::string_view key, std::uint64_t hash, std::uint64_t position) const;
  /// Guesses left out.
  bool contains(std::string_view key, std::uint64_t hash) const;
  bool is_empty() const { return count() == 0; }
  std::size_t count() const;
  bool has_guesses() const;
  /// The key of `row` in `cells` (columns as `key_columns`); false where it was touched already. `is_guess`:
  /// somebody else may have committed a row under the key of one of the transaction's; it is hidden until
  /// committing decides between them.
  bool add(const std::vector<ColumnView>& cells, std::size_t row, std::string_view key, std::uint64_t hash,
           std::uint64_t position, bool is_guess = false);
  void take_back_after(std::uint64_t position);

  /// The adding thread: all keys that are touched, without guesses.
  struct Touched {
    Batch keys;
    std::vector<std::string_view> encoded;  // lifetime: until the next `add`
  };
  Touched touched() const;

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t position = 0;
    std::size_t key_at = 0;  // in `key_bytes_`
    std::uint32_t key_size = 0;
    bool is_guess = false;
  };
  bool finds(std::string_view key, std::uint64_t hash, std::uint64_t position, bool with_guesses) const;
  std::string_view key_of(const Entry& entry) const {
    return std::string_view(key_bytes_).substr(entry.key_at, entry.key_size);
  }
  std::size_t free_slot(std::uint64_t hash) const;
  void grow();

  mutable std::shared_mutex mutex_;
  Batch keys_;
  std::vector<Entry> entries_;  // by row of `keys_`
  std::string key_bytes_;
  std::vector<std::uint32_t> slots_;  // index of an entry + 1, 0: empty; a power of two, at most half taken
};

/// A run of a transaction's rows that go to one chunk.
struct OwnPart {
  std::uint32_t number = 0;  // in the transaction
  TimeRange range;           // of the chunk
  std::shared_ptr<OpenChunk> rows;
};

/// What a view sees of its own transaction in one table.
struct OwnRows {
  std::vector<OwnPart> parts;                  // oldest first
  std::shared_ptr<const TableState> sealed;    // chunks of rows that went to segments early; nullptr: none
  std::shared_ptr<const TouchedKeys> touched;  // nullptr: none
};

/// What one transaction has changed of a table itself; immutable.
struct TableOverlay {
  std::shared_ptr<const TableSchema> schema;
  std::uint64_t version = 0;
  TableLayout layout;
  std::map<ColumnId, Value> defaults;
  std::shared_ptr<TableCounters> counters;
  bool is_created = false;
  bool is_altered = false;
  bool is_dropped = false;
  bool is_truncated = false;
  std::vector<std::int64_t> dropped_chunks;  // starts of their ranges
  std::vector<MadeChunk> made_chunks;        // in their place
};

/// The table as a transaction with `overlay` sees it over what is committed (nullptr: nothing); nullptr where
/// it was dropped.
std::shared_ptr<const TableState> overlaid(const std::shared_ptr<const TableState>& committed,
                                           const TableOverlay& overlay);

/// One table at one commit and one position of a transaction.
struct TableView {
  std::shared_ptr<const TableState> table;
  CommitSeq seq = 0;
  std::shared_ptr<const OwnRows> own;  // nullptr: nothing of its own
  std::uint64_t position = 0;

  bool has_touched() const { return own != nullptr && own->touched != nullptr && !own->touched->is_empty(); }
};

}  // namespace tickstone::storage
