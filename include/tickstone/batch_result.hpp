// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tickstone {

/// A row of a batch that was not stored.
struct RejectedRow {
  std::size_t index = 0;  // its place in the batch, from 0
  std::string reason;
  friend bool operator==(const RejectedRow&, const RejectedRow&) = default;
};

/// What became of the rows of a batch. Every row is one of `new_rows`, `changed`, `unchanged`, `superseded`
/// and `rejected`.
///
/// The counts compare with what was stored when the batch looked. Of two writers that store the same new row
/// at the same moment, both may call it new: it is stored once, as the later one has it. A batch that was
/// repeated because its connection was lost during the commit may call `unchanged` what it has stored itself.
struct BatchResult {
  std::size_t new_rows = 0;
  std::size_t changed = 0;            // stored with other values before, replaced
  std::size_t unchanged = 0;          // stored as it is before, left alone
  std::size_t superseded = 0;         // a later row of the same batch has its key: the last one wins
  std::size_t late = 0;               // of the new ones: older than the newest that its series had
  std::vector<RejectedRow> rejected;  // by index

  std::size_t stored() const { return new_rows + changed; }
};

}  // namespace tickstone
