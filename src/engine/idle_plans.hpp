// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/query_plan.hpp"

namespace tickstone::engine {

/// Connections to DuckDB and the plans made on them, between the session that ended and the next one of the
/// same user with the same settings: scripts connect for a few queries that are always the same. Threads:
/// any.
class IdlePlans {
 public:
  /// Keeps what `context` leaves behind when it ends; nothing of it may be open.
  void put(SessionContext& context, PlanCache plans);
  /// Gives a session that begins what fits it.
  void take(SessionContext& context, PlanCache& plans);
  /// When DuckDB was lost.
  void clear();

 private:
  struct Idle {
    std::string user;
    std::map<std::string, std::string> settings;
    std::shared_ptr<duck::Instance> instance;
    std::shared_ptr<duck::Connection> connection;  // nullptr: no plan needed one; before the plans on it
    std::string time_zone;                         // that it is set to
    PlanCache plans;
  };

  std::mutex mutex_;
  std::vector<std::unique_ptr<Idle>> idle_;  // oldest first
};

}  // namespace tickstone::engine
