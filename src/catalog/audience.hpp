// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// Who is shown the catalog. To pg_dump a database of ours is one of PostgreSQL's: it is not shown what every
/// database of ours has and none of PostgreSQL's (schemas, views, functions, chunks), and continuous
/// aggregates are tables with their rows.
enum class Audience : std::uint8_t { Everybody, Dump };

/// `system_relation_rows` for one of them.
Batch system_relation_rows_for(Audience audience, std::string_view schema, std::string_view name,
                               const Catalog& catalog, const RunningFacts& facts);

}  // namespace tickstone::catalog
