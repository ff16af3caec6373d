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
  std::vector<Column> values;  // one row each; none: nothing matches
  std::string text;            // for EXPLAIN
};

/// The rows of a point read: what is read, which of it is kept, in which order it comes.
struct PointRows {
  std::shared_ptr<const storage::ReadView> view;
  storage::ScanRequest request;
  std::optional<Batch> key;  // one whole key to look up instead of the scan; columns as `key_columns`
  bool is_empty = false;     // a condition compares with NULL
  std::vector<PointCondition> conditions;
  std::vector<sql::PointRead::SortKey> order;  // columns are the scan's
  bool is_time_order = false;                  // the first key is the table's time column
  std::uint64_t limit = UINT64_MAX;
  std::uint64_t offset = 0;
  std::vector<std::size_t> output;  // the scan's column of each output column
  std::vector<duck::ResultColumn> columns;
};

/// Reads them. Lifetime: the context's; the view is kept.
class PointStream final : public duck::ResultStream {
 public:
  PointStream(const SessionContext& context, std::unique_ptr<PointRows> rows);
  ~PointStream() override;

  const std::vector<duck::ResultColumn>& columns() const override { return rows_->columns; }
  bool next(Batch& out, duck::LongNumbers long_numbers = duck::LongNumbers::Refused) override;

  /// Rows that the scan would look at, at most.
  std::uint64_t estimated_rows() const { return scan_ == nullptr ? 1 : scan_->estimated_rows(); }
  storage::ScanStatistics statistics() const {
    return scan_ == nullptr ? storage::ScanStatistics{} : scan_->statistics();
  }

 private:
  class Sorter;

  bool read();
  void select();
  bool next_unsorted(Batch& out);
  bool next_sorted(Batch& out);
  Batch output_of(const std::vector<ColumnView>& views, const std::vector<std::uint32_t>& rows) const;

  const SessionContext& context_;
  std::unique_ptr<PointRows> rows_;
  std::unique_ptr<storage::TableScan> scan_;
  std::unique_ptr<storage::TableScan::State> state_;
  bool is_looked_up_ = false;
  storage::ReadView::LookupResult found_;
  storage::ScanBatch batch_;
  std::vector<std::uint32_t> selected_;  // rows of `batch_` that match
  std::uint64_t skipped_ = 0;
  std::uint64_t sent_ = 0;
  std::unique_ptr<Sorter> sorter_;
};

}  // namespace tickstone::engine
