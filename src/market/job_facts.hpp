// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::market {

/// A policy or a job of a user's.
struct JobFacts {
  std::string name;  // without its number
  std::string procedure_schema, procedure_name;
  std::string relation;  // quoted; of an aggregate its own name; empty: none
  std::string schedule_interval, max_runtime, max_retries, retry_period;  // texts of intervals, a number
  std::string owner;
  bool is_scheduled = true;
  bool is_fixed = true;
  std::string config;  // JSON; empty: none
  std::string initial_start;
  std::string check;  // quoted name of what looks at `config`

  bool is_policy() const { return procedure_schema == "_timescaledb_functions"; }
  /// A value of `config` as text; nothing where it has none or NULL.
  std::optional<std::string> value(const std::string& key) const;
};

/// Those that a home keeps for itself are none.
std::vector<JobFacts> read_jobs(Connection& connection, Home home);

/// How a hypertable or an aggregate is laid out in the columnstore.
struct LayoutFacts {
  std::string relation;  // quoted
  bool is_aggregate = false;
  std::string segment_by, order_by;  // as ALTER TABLE takes them
  friend bool operator==(const LayoutFacts&, const LayoutFacts&) = default;
};
std::vector<LayoutFacts> read_layouts(Connection& connection, Home home);

/// The statements that make a policy or a job; `{job}` stands for the first value that the statement before
/// it gave. Errors: FeatureNotSupported where `target` has no such policy.
std::vector<std::string> job_statements(const JobFacts& job, Home source, Home target);
/// Takes away the policy that stands where `job` would. Empty: not one of a kind of which there is one.
std::string removal_statement(const JobFacts& job);
/// Whether both do the same on the same.
bool is_same_work(const JobFacts& one, const JobFacts& other);
/// Whether both do it at the same times, too. Of a columnstore PostgreSQL without TimescaleDB only records
/// the policy: `is_recorded_alone` says that one of the two is such a record.
bool is_same_job(const JobFacts& one, const JobFacts& other, bool is_recorded_alone);

}  // namespace tickstone::market
