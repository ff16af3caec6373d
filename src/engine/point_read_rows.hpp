// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "duck/instance.hpp"
#include "engine/session_context.hpp"
#include "sql/point_read.hpp"
#include "storage/scan.hpp"
#include "types/column.hpp"

namespace tickstone::engine {

/// A condition with its values: a row matches where one of them compares so with its column.
struct PointCondition {
  std::size_t column = 0;  // of the scan's columns
  sql::PointRead::Comparison comparison = sql::PointRead::Comparison::Equal;
  Column values;     // none: nothing matches
  std::string text;  // for EXPLAIN; empty where nobody asks
};

/// What is the same in all runs of a point read.
struct PointShape {
  std::vector<storage::ColumnId> columns;      // the scan's
  std::vector<std::size_t> output;             // the scan's column of each output column
  std::vector<std::size_t> conditions;         // ... of each condition
  std::vector<sql::PointRead::SortKey> order;  // columns are the scan's
  std::vector<duck::ResultColumn> results;
  bool is_output_first = false;  // the scan's columns begin with the output's, in its order
};

/// The rows of a point read: what is read, which of it is kept, in which order it comes.
struct PointRows {
  std::shared_ptr<const PointShape> shape;  // shared with the reader and its other runs
  std::shared_ptr<const storage::ReadView> view;
  storage::ScanRequest request;
  std::optional<Batch> keys;  // whole keys to look up instead of the scan; columns as `key_columns`
  bool is_empty = false;      // a condition compares with NULL
  std::vector<PointCondition> conditions;
  bool is_time_order = false;  // the first key is the table's time column
  std::uint64_t limit = UINT64_MAX;
  std::uint64_t offset = 0;
};

/// A column of DISTINCT ON: the first row of each of the values is wanted.
struct PointEach {
  std::size_t condition = 0;  // of PointRows, that of these values
  std::size_t predicate = 0;  // of its request, the same
  std::vector<Value> values;  // in the order that they are to come in, each once
};

/// Reads them. Lifetime: the context's; the view is kept.
class PointStream final : public duck::ResultStream {
 public:
  PointStream(const SessionContext& context, std::unique_ptr<PointRows> rows);
  ~PointStream() override;

  const std::vector<duck::ResultColumn>& columns() const override { return rows_->shape->results; }
  bool next(Batch& out, duck::LongNumbers long_numbers = duck::LongNumbers::Refused) override;

  /// Rows that the scan would look at, at most.
  std::uint64_t estimated_rows() const {
    if (scan_ != nullptr) return scan_->estimated_rows();
    return rows_->keys ? rows_->keys->row_count() : 1;
  }
  storage::ScanStatistics statistics() const {
    return scan_ == nullptr ? storage::ScanStatistics{} : scan_->statistics();
  }

 private:
  class Sorter;

  bool read();
  void select();
  bool next_unsorted(Batch& out);
  bool next_sorted(Batch& out);
  Batch output_of(const std::vector<ColumnView>& views, const std::uint32_t* rows, std::size_t count) const;

  const SessionContext& context_;
  std::unique_ptr<PointRows> rows_;
  std::unique_ptr<storage::TableScan> scan_;
  std::unique_ptr<storage::TableScan::State> state_;
  std::size_t next_key_ = 0;
  storage::ReadView::LookupResult found_;
  storage::ScanBatch batch_;
  std::vector<std::uint32_t> selected_;  // rows of `batch_` that match
  std::uint64_t skipped_ = 0;
  std::uint64_t sent_ = 0;
  std::unique_ptr<Sorter> sorter_;
};

/// The first row of each combination of values, each by a read of its own: the newest bar of each symbol.
class PointEachStream final : public duck::ResultStream {
 public:
  /// `rows` is one read, limited to one row; `each` has at least one value for each of its columns.
  PointEachStream(const SessionContext& context, std::unique_ptr<PointRows> rows,
                  std::vector<PointEach> each);

  const std::vector<duck::ResultColumn>& columns() const override { return rows_->shape->results; }
  bool next(Batch& out, duck::LongNumbers long_numbers = duck::LongNumbers::Refused) override;

 private:
  bool advance();

  const SessionContext& context_;
  std::unique_ptr<PointRows> rows_;
  std::vector<PointEach> each_;
  std::vector<std::size_t> at_;  // the combination to read next
  bool is_at_end_ = false;
};

}  // namespace tickstone::engine
