// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/insert_plan.hpp"
#include "engine/row_defaults.hpp"
#include "engine/row_inserter.hpp"

/// What the two ways of INSERT, by literals and by the parser, have in common.
namespace tickstone::engine {

/// A value other than DEFAULT for the column. Errors: GeneratedAlways.
void require_writable(const InsertPlan& plan, std::size_t column);
/// OVERRIDING USER VALUE: an identity column takes its sequence's number whatever is given.
bool ignores_value(const InsertPlan& plan, std::size_t column);
/// Errors: SyntaxError where a row has too many or too few fields.
void check_field_count(const InsertPlan& plan, std::size_t count);
/// Fills the columns that the statement's first `given_count` fields do not give.
void complete_rows(const InsertPlan& plan, RowDefaults& defaults, Batch& rows, std::size_t given_count,
                   std::size_t row_count);
/// Sends RETURNING; gives the tag.
std::string finish_insert(Execution& execution, const InsertPlan& plan, const RowInserter& inserter);

}  // namespace tickstone::engine
