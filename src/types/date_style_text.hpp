// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "types/date_style.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

// As PostgreSQL writes them by the settings DateStyle and IntervalStyle where these are not `ISO` and
// `postgres`; those of timestamp.hpp and interval.hpp are for the usual.

void append_date(std::string& out, std::int32_t days, const DateStyle& style);
void append_timestamp(std::string& out, std::int64_t us, const DateStyle& style);
void append_timestamptz(std::string& out, std::int64_t utc_us, const TimeZone& zone, const DateStyle& style);

}  // namespace tickstone
