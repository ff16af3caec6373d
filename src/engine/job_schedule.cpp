// SPDX-License-Identifier: Apache-2.0
#include "engine/job_schedule.hpp"

#include <algorithm>
#include <cmath>

#include "types/timestamp.hpp"

namespace tickstone::engine {
namespace {

constexpr std::int32_t kMostFailuresCounted = 20;
constexpr double kMostIntervalsOfBackOff = 5;
constexpr double kJitter = 0.125;
constexpr std::int64_t kLeastWaitAfterCrashUs = 5 * 60'000'000LL;

IntervalValue interval_of(const std::string& text) { return parse_interval(text).value_or(IntervalValue{}); }

std::int64_t slot(std::int64_t initial_start_us, const IntervalValue& interval, const TimeZone& zone,
                  std::int64_t count) {
  const IntervalValue whole{static_cast<std::int32_t>(interval.months * count),
                            static_cast<std::int32_t>(interval.days * count), interval.micros * count};
  return add_interval(initial_start_us, whole, zone);
}

}  // namespace

double interval_length_us(const IntervalValue& interval) {
  return (interval.months * 30.0 + interval.days) * static_cast<double>(kMicrosPerDay) +
         static_cast<double>(interval.micros);
}

std::int64_t next_slot(std::int64_t initial_start_us, const IntervalValue& interval,
                       const std::string& timezone, std::int64_t after_us) {
  if (after_us < initial_start_us) return initial_start_us;
  const TimeZone* zone = timezone.empty() ? &utc_zone() : find_time_zone(timezone);
  if (zone == nullptr) zone = &utc_zone();
  const double length = interval_length_us(interval);
  if (length <= 0) return after_us;
  // A month has 31 days at most and a day 25 hours: all but two of so many slots have passed for certain.
  const double longest = interval.months > 0 ? length * 31.0 / 30.0 : length;
  const double passed = static_cast<double>(after_us - initial_start_us) / longest;
  auto count = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(passed)) - 2);
  std::int64_t start = slot(initial_start_us, interval, *zone, count);
  while (start <= after_us) start = slot(initial_start_us, interval, *zone, ++count);
  return start;
}

std::int64_t next_start_after_success(const catalog::JobObject& job, std::int64_t finish_us) {
  const auto interval = interval_of(job.schedule_interval);
  if (job.fixed_schedule && job.initial_start_us)
    return next_slot(*job.initial_start_us, interval, job.timezone, finish_us);
  return add_interval(finish_us, interval, utc_zone());
}

std::int64_t next_start_after_failure(const catalog::JobObject& job, std::int64_t finish_us,
                                      std::int32_t consecutive, double jitter) {
  const auto interval = interval_of(job.schedule_interval);
  const double times = std::clamp(consecutive, 1, kMostFailuresCounted);
  const double wait_us = std::min(interval_length_us(interval_of(job.retry_period)) * times,
                                  interval_length_us(interval) * kMostIntervalsOfBackOff) *
                         (1 + kJitter * jitter);
  std::int64_t start = finish_us + static_cast<std::int64_t>(wait_us);
  if (job.fixed_schedule && job.initial_start_us)
    start = std::min(start, next_slot(*job.initial_start_us, interval, job.timezone, finish_us));
  return start;
}

std::int64_t next_start_after_crash(const catalog::JobObject& job, std::int64_t now_us,
                                    std::int32_t consecutive, double jitter) {
  return std::max(now_us + kLeastWaitAfterCrashUs,
                  next_start_after_failure(job, now_us, consecutive, jitter));
}

std::optional<std::int64_t> due_at(const catalog::JobObject& job,
                                   const std::optional<catalog::JobStatistics>& statistics) {
  if (statistics) return statistics->next_start_us;
  return job.initial_start_us;
}

}  // namespace tickstone::engine
