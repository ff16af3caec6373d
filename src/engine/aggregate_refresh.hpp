// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "engine/session_context.hpp"

namespace tickstone::engine {

/// Bounds in the units of the bucket column; nothing: unbounded.
struct RefreshWindow {
  std::optional<std::int64_t> start, end;
};

struct RefreshOptions {
  bool force = false;                  // also what has not changed
  std::int64_t buckets_per_batch = 0;  // each batch is a transaction; 0: one for all
  std::int64_t max_batches = 0;        // 0: all
  bool newest_first = true;
};

enum class RefreshOutcome : std::uint8_t { UpToDate, Refreshed };

/// Aggregates anew what has changed in those buckets of the window that lie in it entirely, in transactions
/// of its own: what the session has begun is committed first. Afterwards a new transaction is open. Refreshes
/// of windows that overlap wait for each other. Errors: InvalidParameterValue for a window without a bucket.
RefreshOutcome refresh_aggregate(SessionContext& context, catalog::Oid aggregate, const RefreshWindow& window,
                                 const RefreshOptions& options);

/// Replaces the rows of those buckets, which `times` has to have as a whole, by what the query gives for them
/// in the statement's view.
void materialize(SessionContext& context, const catalog::RelationObject& aggregate,
                 const storage::TimeRanges& times);

}  // namespace tickstone::engine
