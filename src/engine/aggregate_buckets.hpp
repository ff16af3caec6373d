// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catalog/objects.hpp"
#include "storage/time_ranges.hpp"
#include "types/time_bucket.hpp"

namespace tickstone::engine {

/// The buckets of a continuous aggregate, in the units of its bucket column as storage has them. The ends of
/// time, INT64_MIN and INT64_MAX, stay what they are.
class AggregateBuckets {
 public:
  explicit AggregateBuckets(const catalog::RelationObject& aggregate);

  std::int64_t start_of(std::int64_t time) const;
  /// Of the bucket that `time` is in, exclusive.
  std::int64_t end_of(std::int64_t time) const;
  /// The first start of a bucket at or after `time`.
  std::int64_t ceiling_of(std::int64_t time) const;
  /// The buckets that have a time in the range, and those that lie in it entirely.
  storage::TimeRange around(const storage::TimeRange& range) const;
  storage::TimeRange within(const storage::TimeRange& range) const;

  /// Buckets are of wall time in this zone; empty: UTC.
  const std::string& timezone() const { return timezone_; }
  /// A width whose multiples, from `origin`, buckets begin at: all of them, where they are of one width.
  std::int64_t step() const { return step_; }
  std::int64_t origin() const { return origin_; }

 private:
  std::int64_t to_us(std::int64_t time) const;
  std::int64_t from_us(std::int64_t us) const;

  enum class Unit : std::uint8_t { Integer, Microsecond, Day, Nanosecond };
  Unit unit_ = Unit::Microsecond;
  std::optional<TimeBucket> bucket_;  // of times
  std::int64_t width_ = 0;            // of integers
  std::int64_t longest_us_ = 0;       // no bucket is longer
  std::int64_t step_ = 1;
  std::int64_t origin_ = 0;
  std::string timezone_;
};

}  // namespace tickstone::engine
