// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "catalog/objects.hpp"
#include "engine/executors.hpp"

namespace tickstone::engine {

/// The job that bounds what is kept of runs: number 3, as in TimescaleDB.
catalog::JobObject job_history_retention(const std::string& owner);

/// Whether `_timescaledb_functions` has the procedure: what policies run.
bool is_policy_procedure(std::string_view name);
/// Whether it looks at the configuration of one: `policy_retention_check`.
bool is_policy_check(std::string_view name);
/// CALL policy_...(job_id, config): one run of a policy. `config` is JSON text.
void run_policy(SessionContext& context, std::string_view name, std::int32_t job_id,
                const std::string& config);
/// Looks at the configuration of such a procedure's job: policy_..._check(config). Errors:
/// InvalidParameterValue and what the policy itself would say.
void check_policy(SessionContext& context, std::string_view name, const std::string& config);
/// What the job runs, in the execution's transaction.
void run_job_procedure(Execution& execution, const catalog::JobObject& job);

/// What an integer time column counts as now. Errors: ObjectNotInPrerequisiteState where no function says so.
std::int64_t integer_now(SessionContext& context, const catalog::RelationObject& relation);

}  // namespace tickstone::engine
