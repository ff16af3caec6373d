// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "engine/write_target.hpp"

/// What a row must be before it is stored. Batches have all columns of the target in its order.
namespace tickstone::engine {

/// Computes GENERATED ALWAYS AS (...) STORED columns anew.
void fill_generated(SessionContext& context, const WriteTarget& target, Batch& rows);

/// The context of an error about a row (COPY's line): with the row's text where `rows` are given.
using RowPlace = std::function<std::string(std::size_t row, const Batch* rows)>;

/// NOT NULL, then CHECK.
/// Errors: NotNullViolation, CheckViolation with the failing row as detail.
void check_rows(SessionContext& context, const WriteTarget& target, const Batch& rows,
                const RowPlace& place = {});

/// WITH CHECK OPTION of the view that rows were written through.
/// Errors: CheckViolation, for want of a code of its own.
void check_view_rows(SessionContext& context, const WriteTarget& target, const Batch& rows);

/// `Failing row contains (1, null, abc).`
std::string failing_row_detail(const Batch& rows, std::size_t row, const FormatContext& format);

}  // namespace tickstone::engine
