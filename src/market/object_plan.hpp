// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "market/job_facts.hpp"
#include "market/object_facts.hpp"

namespace tickstone::market {

/// What a home has beside tables and rows.
struct HomeFacts {
  Home home = Home::Embedded;
  std::string user;  // whose the objects are that nothing else is said of
  std::vector<ObjectFacts> objects;
  std::vector<JobFacts> jobs;
  std::vector<LayoutFacts> layouts;
  std::vector<RoleFacts> roles;
  std::vector<ForeignObject> foreign;
  std::map<std::string, std::string> integer_now;  // functions by hypertable
  std::map<std::string, std::string> copied;       // checksums of what copies have brought, by what it is
};
HomeFacts read_home(Connection& connection, Home home);

struct PlanOptions {
  std::set<std::string> tables;  // full names; empty: everything
  bool replaces = false;         // definitions of the target that differ
  bool makes_roles = false;
};

/// One object, or one thing said of one, that the target lacks.
struct ObjectStep {
  enum class Phase : std::uint8_t { Roles, Schemas, Definitions, Layouts, Jobs, Rights };
  Phase phase = Phase::Definitions;
  std::string what;                     // view market.spreads
  std::vector<std::string> statements;  // one transaction; `{job}`: the first value that the one before gave
  std::string unless;                   // a query: where it has a row, there is nothing left to do
  std::string refreshes;                // an aggregate to be filled afterwards
  std::string checksum;                 // of the source's definition, to be remembered; empty: nothing is
};

/// What stays behind, why, and what to do.
struct LeftOut {
  std::string what, reason, remedy;
};

struct ObjectPlan {
  std::vector<ObjectStep> steps;  // by phase; within one in no order that may be relied upon
  std::vector<LeftOut> left_out;
};

/// What has to be done at the target for it to have what the source has. Nothing that only the target has is
/// taken away.
ObjectPlan plan_objects(const HomeFacts& source, const HomeFacts& target, const PlanOptions& options);

}  // namespace tickstone::market
