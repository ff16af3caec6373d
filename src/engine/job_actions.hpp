// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/action.hpp"

namespace tickstone::engine {

ActionResult add_job(SessionContext& context, const ActionArguments& arguments);
ActionResult alter_job(SessionContext& context, const ActionArguments& arguments);
ActionResult delete_job(SessionContext& context, const ActionArguments& arguments);
/// CALL run_job: runs it now in this session, whatever its schedule; waits for a run that is under way.
ActionResult run_job(SessionContext& context, const ActionArguments& arguments);
/// CALL policy_...(job_id, config).
ActionResult call_policy(SessionContext& context, std::string_view name, const ActionArguments& arguments);

/// Column types of what alter_job returns, by name.
SqlType alter_job_type(std::string_view column);

// Also of policies.
/// Writes a new job down, with its first start where it has one, and has it run when it is due.
void put_new_job(SessionContext& context, const catalog::JobObject& job);
/// Takes the job and what is kept of it away; the history of its runs stays.
void remove_job(SessionContext& context, std::int32_t id);
std::int32_t next_job_id(SessionContext& context);
std::optional<std::int64_t> timestamp_argument(SessionContext& context, const ActionArguments& arguments,
                                               std::string_view name);
/// Errors: InvalidParameterValue for a zone that does not exist.
std::string timezone_argument(const ActionArguments& arguments);
/// Errors: InvalidParameterValue for one that does not go forward; FeatureNotSupported for a fixed schedule
/// of months with days or time.
void check_schedule_interval(const IntervalValue& interval, bool is_fixed);

}  // namespace tickstone::engine
