// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pgwire/value_format.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::pgwire {

/// Appends rows of a batch as DataRow messages: the hot path of every result.
class RowEncoder {
 public:
  /// Shape: one format for each column.
  RowEncoder(std::vector<ValueFormat> formats, const FormatContext& context)
      : formats_(std::move(formats)), context_(context) {}

  /// Rows `[from, to)`. Errors: UndefinedFunction for a type without a binary form; `out` then ends with a
  /// whole row.
  void append_rows(std::string& out, const Batch& batch, std::size_t from, std::size_t to) const;

 private:
  std::vector<ValueFormat> formats_;
  FormatContext context_;
};

}  // namespace tickstone::pgwire
