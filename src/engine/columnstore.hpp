// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog/chunk_facts.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

/// What compress_chunk does: notes that the chunk is in the columnstore, and has its rows sealed and merged
/// when the transaction commits. `merges_again`: also where it is noted already. False where there was
/// nothing to do. Errors: FeatureNotSupported where the columnstore is not enabled.
bool convert_to_columnstore(SessionContext& context, const catalog::Chunk& chunk, bool merges_again);

/// The policy that CREATE TABLE ... WITH (tsdb.hypertable) makes: chunks are converted when they are one
/// interval old.
void add_default_columnstore_policy(SessionContext& context, const catalog::RelationObject& relation);

}  // namespace tickstone::engine
