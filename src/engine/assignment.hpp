// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "catalog/objects.hpp"
#include "engine/session_context.hpp"
#include "sql/statement.hpp"
#include "types/value.hpp"

/// Values on their way into a table's column: PostgreSQL's assignment casts and their refusals.
namespace tickstone::engine {

/// Errors: DatatypeMismatch `column "x" is of type integer but expression is of type boolean`, and the
/// cast's.
Column assigned(Column source, const catalog::ColumnObject& column, const FormatContext& format);
void append_assigned(Column& into, const Value& value, const catalog::ColumnObject& column,
                     const FormatContext& format);
/// A literal of the statement: text without a type is read by the column's input function.
void append_constant(Column& into, const sql::Constant& constant, const catalog::ColumnObject& column,
                     const FormatContext& format);

/// Runs a rewritten query to its end, its columns in the types that the rewriter knows better than DuckDB.
Batch run_typed(SessionContext& context, const sql::DuckQuery& query, std::span<const Value> parameters);

}  // namespace tickstone::engine
