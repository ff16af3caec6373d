// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "catalog/objects.hpp"

namespace tickstone::catalog {

/// The comment on an index or constraint of the relation. They are kept with the relation's options, under
/// names of our own. Empty: there is none.
std::string part_comment(const RelationObject& relation, Oid part);
void set_part_comment(RelationObject& relation, Oid part, const std::string& comment);

}  // namespace tickstone::catalog
