// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "catalog/objects.hpp"
#include "storage/schema.hpp"

namespace tickstone::engine {

/// An option of a relation of ours: ids of columns, with commas.
inline constexpr const char* kSeriesOption = "tickstone.series";

/// What storage must know of a table of the catalog: columns, key, series key, time column and chunk
/// interval.
///
/// The series key is `compress_segmentby`, else the text columns of the primary key, else those that a
/// continuous aggregate groups by (kSeriesOption), else none; plain tables sort by their primary key.
storage::TableSchema storage_schema(const catalog::RelationObject& relation);

/// The table that keeps a UNIQUE index: the unique columns, then what finds the row (primary key or row id).
storage::TableSchema key_table_schema(const catalog::RelationObject& relation,
                                      const catalog::IndexObject& index, storage::TableId id);

}  // namespace tickstone::engine
