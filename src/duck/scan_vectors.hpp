// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "types/column.hpp"
#include "types/object_naming.hpp"

namespace tickstone::duck {

/// Fills one column of DuckDB's chunks from views of ours, keeping their form: constants stay constant and
/// dictionaries keep their identity, which DuckDB aggregates many times faster. One per column and thread.
class VectorFiller {
 public:
  /// `layout` is what DuckDB was told at bind; narrower values are widened to it.
  /// `labels`: of an enum type.
  VectorFiller(duckdb::LogicalType type, ColumnLayout layout,
               std::shared_ptr<const EnumLabels> labels = nullptr)
      : type_(std::move(type)), layout_(layout), labels_(std::move(labels)) {}

  /// Lifetime: flat values and texts are borrowed from `view`, as a chunk is done with before the next read.
  /// Errors: NumericValueOutOfRange where a NUMERIC does not fit the layout.
  void fill(const ColumnView& view, duckdb::Vector& out);

 private:
  void fill_flat(const ColumnView& view, duckdb::Vector& out, bool borrow);
  void fill_constant(const ColumnView& view, duckdb::Vector& out);
  void fill_entry(const ColumnView& dictionary, std::uint32_t entry, duckdb::Vector& out);
  void fill_dictionary(const ColumnView& view, duckdb::Vector& out);
  bool needs_conversion(const ColumnView& view) const;
  void put_label(std::int32_t number, duckdb::Vector& out, std::size_t row) const;
  void fill_list(const ColumnView& view, duckdb::Vector& out) const;

  duckdb::LogicalType type_;
  ColumnLayout layout_;
  std::shared_ptr<const EnumLabels> labels_;
  std::uint64_t dictionary_id_ = 0;
  bool dictionary_has_null_ = false;
  std::size_t dictionary_size_ = 0;
  std::unique_ptr<duckdb::Vector> dictionary_;
};

/// Rows [start, start + count) of a flat view.
ColumnView slice_of(const ColumnView& view, std::size_t start, std::size_t count);

}  // namespace tickstone::duck
