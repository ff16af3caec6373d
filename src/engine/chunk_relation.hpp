// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "catalog/chunk_facts.hpp"
#include "engine/session_context.hpp"

/// Chunks under the names that SQL reads and writes them by: `_timescaledb_internal._hyper_1_2_chunk`.
namespace tickstone::engine {

/// Nothing for whatever is no chunk of what the session sees.
std::optional<catalog::Chunk> find_chunk(const SessionContext& context, const std::string& schema,
                                         const std::string& name);
sql::RelationInfo chunk_info(const SessionContext& context, const catalog::Chunk& chunk);
/// What holds of its rows alone, as PostgreSQL's text; empty where that is nothing.
std::string chunk_condition(const SessionContext& context, const catalog::Chunk& chunk);

/// Takes the keys of rows in the range out of what enforces the table's UNIQUE indexes: before whole chunks
/// are dropped, which does not look at rows.
void forget_unique_keys(SessionContext& context, const catalog::RelationObject& relation,
                        const storage::TimeRange& range, std::string_view command);

/// Drops one chunk, with what is noted of it.
void drop_chunk(SessionContext& context, const catalog::Chunk& chunk, std::string_view command);
/// Forgets what is noted of chunks that are gone.
void forget_notes(SessionContext& context, catalog::Oid relation, const std::vector<std::uint32_t>& numbers,
                  std::string_view command);

}  // namespace tickstone::engine
