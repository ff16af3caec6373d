// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/constraints.hpp"
#include "engine/foreign_keys.hpp"
#include "engine/insert_plan.hpp"
#include "engine/row_keys.hpp"

namespace tickstone::engine {

/// Stores the rows of one INSERT or COPY, batch by batch: constraints, ON CONFLICT, unique keys.
///
/// Rows have all columns of the target in its order, defaults filled in.
class RowInserter {
 public:
  RowInserter(Execution& execution, std::shared_ptr<const InsertPlan> plan, std::string_view command);

  /// The context of the error of one row of the batch that is added (COPY's line).
  void set_place(RowPlace place) { place_ = std::move(place); }
  /// Keeps what was inserted or updated, for RETURNING.
  void keep_affected() { keeps_affected_ = true; }
  /// Errors: NotNullViolation, CheckViolation, UniqueViolation; CardinalityViolation for a key twice in DO
  /// UPDATE.
  void add(Batch rows);

  /// After the last batch: foreign keys. Errors: ForeignKeyViolation.
  void finish() { references_.finish(); }

  std::uint64_t affected_count() const { return affected_count_; }
  const Batch& affected() const { return affected_; }

 private:
  void add_plain(const Batch& rows);
  void add_skipping(const Batch& rows);
  void add_where_free(const Batch& rows);
  void add_replacing(const Batch& rows);
  void add_updating(const Batch& rows);
  void require_new_keys(const std::vector<ColumnView>& key);
  const std::vector<std::size_t>& key_columns(std::size_t arbiter) const;
  storage::TableId key_table(std::size_t arbiter) const;
  Batch update_existing(const Batch& existing, const Batch& excluded, std::vector<std::uint32_t>& updated);
  std::optional<std::size_t> find_duplicate(const Batch& rows, const std::string& constraint);
  void insert_unseen(const Batch& rows);
  void affected(const Batch& rows);

  Execution& execution_;
  SessionContext& context_;
  std::shared_ptr<const InsertPlan> plan_;
  const WriteTarget& target_;
  storage::Transaction& writes_;
  ReferenceWatch references_;
  RowPlace place_;
  bool keeps_affected_ = false;
  RowKeys statement_keys_;  // of DO UPDATE: no row twice
  std::uint64_t affected_count_ = 0;
  Batch affected_;
};

}  // namespace tickstone::engine
