// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/session_context.hpp"

namespace tickstone::engine {

/// Before a commit: aggregates anew the buckets of eager aggregates that the transaction changes, within it.
void maintain_eager_aggregates(SessionContext& context, storage::Transaction& writes);
/// Shared by those who maintain buckets of it, alone for who refreshes it.
void lock_eager_aggregate(storage::Transaction& transaction, catalog::Oid aggregate, bool exclusive);

/// Before a commit: logs which times of aggregates' sources the transaction changes, in the same commit, as
/// far as any aggregate may have materialized them.
void log_aggregate_changes(SessionContext& context, storage::Transaction& writes);

}  // namespace tickstone::engine
