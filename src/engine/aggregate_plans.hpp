// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>

#include "engine/session_context.hpp"

namespace tickstone::engine {

/// A session's plans of aggregates' queries over the times that have changed: eager aggregates are computed
/// anew at each commit, and planning takes longer than the few rows of one.
class AggregatePlans {
 public:
  /// Runs the aggregate's query over `SessionContext::aggregated_times`. The plan is made where there is none
  /// that holds: with the catalog, the settings and the connection that it was made with.
  std::unique_ptr<duck::ResultStream> open(SessionContext& context, const catalog::RelationObject& aggregate);

 private:
  struct Plan {
    std::shared_ptr<const catalog::Catalog> catalog;
    std::uint64_t settings_version = 0;
    bool is_wide = false;
    std::shared_ptr<duck::Connection> connection;  // outlives the prepared query
    std::unique_ptr<duck::PreparedQuery> prepared;
  };
  std::unordered_map<catalog::Oid, Plan> plans_;
};

}  // namespace tickstone::engine
