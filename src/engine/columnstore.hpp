// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog/chunk_facts.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

/// What compress_chunk does: notes that the chunk is in the columnstore, and has its rows sealed and merged
/// when the transaction commits. `merges_again`: also where it is noted already. False where there was
/// nothing to do. Errors: FeatureNotSupported where the columnstore is not enabled.
bool convert_to_columnstore(SessionContext& context, const catalog::Chunk& chunk, bool merges_again);

/// Whether two chunks were converted by the same columns and order.
bool has_same_settings(const catalog::HypertableInfo::ChunkNote& a,
                       const catalog::HypertableInfo::ChunkNote& b);

/// After a statement that may have rewritten `old`, whose rows are in new chunks then: what was in the
/// columnstore stays there, where all that a chunk is made of was, with the same settings. Chunks have their
/// numbers when they are committed, so this is a transaction of its own; within a block they count as not
/// converted, with a notice.
void keep_converted(SessionContext& context, const catalog::RelationObject& old,
                    const std::vector<storage::ChunkInfo>& old_chunks);

/// The policy that CREATE TABLE ... WITH (tsdb.hypertable) makes: chunks are converted when they are one
/// interval old.
void add_default_columnstore_policy(SessionContext& context, const catalog::RelationObject& relation);

}  // namespace tickstone::engine
