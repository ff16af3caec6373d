// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/store.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Rows that a transaction takes over from who made them.
///
/// A single row that is all a transaction writes, or all that it writes to each of a few tables, is never
/// laid into rows of its own: it stays as it came until the commit logs and applies it. Whatever else the
/// transaction is asked for first makes it one of its rows.
class TakenRows {
 public:
  virtual ~TakenRows() = default;
  /// Every transaction has this door.
  static TakenRows& of(Transaction& transaction);

  /// As `Transaction::insert`.
  virtual Transaction::InsertResult insert_taken(TableId table, Batch&& rows, OnDuplicate on_duplicate) = 0;
};

}  // namespace tickstone::storage
