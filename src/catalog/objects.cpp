// SPDX-License-Identifier: Apache-2.0
#include "catalog/objects.hpp"

#include <algorithm>

namespace tickstone::catalog {

const ColumnObject* RelationObject::find_column(std::string_view column_name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnObject& column) { return column.name == column_name; });
  return found == columns.end() ? nullptr : &*found;
}

const ColumnObject* RelationObject::find_column(storage::ColumnId id) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const ColumnObject& column) { return column.id == id; });
  return found == columns.end() ? nullptr : &*found;
}

const ConstraintObject* RelationObject::primary_key() const {
  const auto found =
      std::find_if(constraints.begin(), constraints.end(), [](const ConstraintObject& constraint) {
        return constraint.kind == ConstraintObject::Kind::PrimaryKey;
      });
  return found == constraints.end() ? nullptr : &*found;
}

const HypertableInfo::ChunkNote* HypertableInfo::find_note(std::uint32_t number) const {
  const auto found = std::lower_bound(chunk_notes.begin(), chunk_notes.end(), number,
                                      [](const ChunkNote& note, std::uint32_t n) { return note.number < n; });
  return found == chunk_notes.end() || found->number != number ? nullptr : &*found;
}

}  // namespace tickstone::catalog
