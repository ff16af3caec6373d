// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/constraints.hpp"
#include "engine/distinct_keys.hpp"
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
  /// All rows of the statement.
  void add_all(Batch rows);

  /// After the last batch. Errors: CardinalityViolation, ForeignKeyViolation.
  void finish();

  /// Past so many rows that may collide, the rows are changed as a mass change (`mass_change.hpp`).
  void limit_collisions(std::size_t rows);
  /// They should be, but others write the table: the statement is to begin anew, with the table alone.
  bool wants_table_alone() const { return wants_table_alone_; }
  bool is_mass_change() const { return is_mass_change_; }
  /// It has begun already.
  void set_mass_change() { is_mass_change_ = true; }

  std::uint64_t affected_count() const { return affected_count_; }
  const Batch& affected() const { return affected_; }
  Batch take_affected() { return std::exchange(affected_, {}); }

 private:
  void add_rows(Batch& rows);
  bool may_hand_over() const;
  void hand_over(Batch& rows, storage::OnDuplicate on_duplicate);
  void add_plain(Batch& rows);
  void add_skipping(Batch& rows);
  void add_where_free(Batch& rows);
  void add_replacing(Batch& rows);
  void add_updating(Batch& rows);
  void require_new_keys(const std::vector<ColumnView>& key);
  KeyEntries asked_keys(const Batch& rows, std::size_t arbiter);
  storage::TableId key_table(std::size_t arbiter) const;
  Batch update_existing(const Batch& existing, const Batch& excluded, std::vector<std::uint32_t>& updated);
  std::optional<std::size_t> find_duplicate(const Batch& rows, const std::string& constraint);
  void insert_unseen(Batch& rows);
  void affected(const Batch& rows);
  bool can_be_mass_change() const;
  void begin_mass_change();

  Execution& execution_;
  SessionContext& context_;
  std::shared_ptr<const InsertPlan> plan_;
  const WriteTarget& target_;
  storage::Transaction& writes_;
  ReferenceWatch references_;
  RowPlace place_;
  bool keeps_affected_ = false;
  bool is_one_row_ = false;      // the whole statement
  DistinctKeys statement_keys_;  // of DO UPDATE: no row twice
  std::optional<std::size_t> most_collisions_;
  std::uint64_t collisions_ = 0;  // rows that may be
  std::uint64_t touched_before_ = 0;
  bool reads_tables_ = false;  // DO UPDATE by expressions that do
  bool is_mass_change_ = false;
  bool wants_table_alone_ = false;
  std::uint64_t affected_count_ = 0;
  Batch affected_;
};

}  // namespace tickstone::engine
