// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "catalog/objects.hpp"
#include "sql/statement.hpp"
#include "types/copy_options.hpp"
#include "types/value.hpp"

/// Options and columns of COPY, resolved for both directions.
namespace tickstone::engine {

CopyOptions copy_options(const sql::CopyStatement& copy);
/// Of the data, where it is not UTF-8: what ENCODING says, or the client's. Errors: FeatureNotSupported for
/// binary data.
const TextEncoding* encoding_of(const CopyOptions& options, const FormatContext& format);
/// The listed columns, or all that are not generated, as indexes into the relation's columns.
/// Errors: UndefinedColumn, DuplicateColumn, InvalidColumnReference.
std::vector<std::size_t> copied_columns(const catalog::RelationObject& relation,
                                        const std::vector<std::string>& names);
/// Columns named by an option like FORCE_NULL are among the copied ones. `relation` may be nullptr (a query).
void check_forced(const std::vector<std::string>& forced, const char* option,
                  const std::vector<CopyColumn>& columns, const catalog::RelationObject* relation);

}  // namespace tickstone::engine
