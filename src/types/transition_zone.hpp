// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "types/posix_zone_rule.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

/// A zone as a list of instants at which its offset changes and, after the last, a rule.
class TransitionZone final : public TimeZone {
 public:
  TransitionZone(std::string name, PosixZoneRule rule);
  /// Reads a compiled zone file (TZif, version 2 or later). Nothing for bytes that are none.
  /// Source: RFC 8536.
  static std::unique_ptr<TransitionZone> from_tzif(std::string name, std::span<const std::byte> file);

  std::string name() const override { return name_; }
  std::int32_t offset_seconds_at_utc(std::int64_t utc_us) const override;
  std::int64_t to_utc_us(std::int64_t local_us) const override;
  std::string abbreviation_at_utc(std::int64_t utc_us) const override;
  bool is_utc() const override { return is_utc_; }
  bool is_daylight_at_utc(std::int64_t utc_us) const;

 private:
  explicit TransitionZone(std::string name) : name_(std::move(name)) {}
  const PosixZoneRule::Local& local_at(std::int64_t utc_second) const;
  std::optional<std::int64_t> next_change_after(std::int64_t utc_second) const;
  void note_whether_utc();

  std::string name_;
  std::vector<std::int64_t> change_seconds_;  // UTC, ascending
  std::vector<std::uint8_t> change_locals_;   // in force from that instant: index into locals_
  std::vector<PosixZoneRule::Local> locals_;  // the first is in force before all changes
  std::optional<PosixZoneRule> rule_;         // after the last change
  bool is_utc_ = false;
};

}  // namespace tickstone
