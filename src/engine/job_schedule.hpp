// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "catalog/job_records.hpp"
#include "catalog/objects.hpp"
#include "types/interval.hpp"

namespace tickstone::engine {

// When a job is due: times in, times out.

/// The first slot of a fixed schedule after `after_us`: slots are `initial_start_us` and whole intervals
/// after it, months and days in the wall time of `timezone` (empty: UTC). Never before `initial_start_us`.
std::int64_t next_slot(std::int64_t initial_start_us, const IntervalValue& interval,
                       const std::string& timezone, std::int64_t after_us);

std::int64_t next_start_after_success(const catalog::JobObject& job, std::int64_t finish_us);
/// `consecutive` failures, this one included: retry_period times that many (20 at most), no more than five
/// schedule intervals, with up to an eighth more or less (`jitter`, -1 to 1), and not past the next slot.
std::int64_t next_start_after_failure(const catalog::JobObject& job, std::int64_t finish_us,
                                      std::int32_t consecutive, double jitter);
/// As after a failure, but at least five minutes from now.
std::int64_t next_start_after_crash(const catalog::JobObject& job, std::int64_t now_us,
                                    std::int32_t consecutive, double jitter);
/// When it is due; nothing: at once.
std::optional<std::int64_t> due_at(const catalog::JobObject& job,
                                   const std::optional<catalog::JobStatistics>& statistics);

/// The length that intervals are compared by: days of 24 hours, months of 30 days.
double interval_length_us(const IntervalValue& interval);

}  // namespace tickstone::engine
