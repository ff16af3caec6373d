// SPDX-License-Identifier: Apache-2.0
#include "types/transition_zone.hpp"

#include <algorithm>
#include <cstring>

namespace tickstone {

namespace {

std::int64_t second_of(std::int64_t us) {
  std::int64_t second = us / kMicrosPerSecond;
  if (us % kMicrosPerSecond < 0) --second;
  return second;
}

template <typename T>
T big_endian(const std::byte* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return static_cast<T>(value);
}

/// The header of one of the file's two blocks: magic, version, 15 reserved bytes, six counts.
struct TzifHeader {
  static constexpr std::size_t kBytes = 44;
  std::uint32_t utc_flags, standard_flags, leaps, changes, types, characters;
  char version;

  std::size_t body_bytes(std::size_t time_bytes) const {
    return std::size_t{changes} * (time_bytes + 1) + std::size_t{types} * 6 + characters +
           std::size_t{leaps} * (time_bytes + 4) + standard_flags + utc_flags;
  }
};

std::optional<TzifHeader> read_header(std::span<const std::byte> file) {
  if (file.size() < TzifHeader::kBytes || std::memcmp(file.data(), "TZif", 4) != 0) return std::nullopt;
  const auto* counts = file.data() + 20;
  return TzifHeader{big_endian<std::uint32_t>(counts),
                    big_endian<std::uint32_t>(counts + 4),
                    big_endian<std::uint32_t>(counts + 8),
                    big_endian<std::uint32_t>(counts + 12),
                    big_endian<std::uint32_t>(counts + 16),
                    big_endian<std::uint32_t>(counts + 20),
                    static_cast<char>(file[4])};
}

}  // namespace

TransitionZone::TransitionZone(std::string name, PosixZoneRule rule) : name_(std::move(name)) {
  locals_.push_back(rule.standard);
  rule_ = std::move(rule);
  note_whether_utc();
}

std::unique_ptr<TransitionZone> TransitionZone::from_tzif(std::string name, std::span<const std::byte> file) {
  const auto short_block = read_header(file);
  if (!short_block || short_block->version < '2') return nullptr;
  const std::size_t first_bytes = TzifHeader::kBytes + short_block->body_bytes(4);
  if (first_bytes > file.size()) return nullptr;
  file = file.subspan(first_bytes);
  const auto header = read_header(file);
  if (!header || header->types == 0) return nullptr;
  const std::size_t block_bytes = TzifHeader::kBytes + header->body_bytes(8);
  if (block_bytes > file.size()) return nullptr;

  const std::byte* times = file.data() + TzifHeader::kBytes;
  const std::byte* indexes = times + std::size_t{header->changes} * 8;
  const std::byte* types = indexes + header->changes;
  const char* names = reinterpret_cast<const char*>(types + std::size_t{header->types} * 6);

  std::unique_ptr<TransitionZone> zone(new TransitionZone(std::move(name)));
  for (std::uint32_t i = 0; i < header->types; ++i) {
    const std::byte* type = types + std::size_t{i} * 6;
    const auto name_at = std::to_integer<std::uint32_t>(type[5]);
    if (name_at >= header->characters) return nullptr;
    PosixZoneRule::Local local;
    local.offset_seconds = big_endian<std::int32_t>(type);
    local.is_daylight = std::to_integer<int>(type[4]) != 0;
    local.abbreviation.assign(names + name_at, strnlen(names + name_at, header->characters - name_at));
    zone->locals_.push_back(std::move(local));
  }
  for (std::uint32_t i = 0; i < header->changes; ++i) {
    const auto local = std::to_integer<std::uint8_t>(indexes[i]);
    if (local >= header->types) return nullptr;
    const auto second = big_endian<std::int64_t>(times + std::size_t{i} * 8);
    if (!zone->change_seconds_.empty() && second <= zone->change_seconds_.back()) return nullptr;
    zone->change_seconds_.push_back(second);
    zone->change_locals_.push_back(local);
  }
  // After the block: a line feed, the rule, a line feed.
  const auto footer = file.subspan(block_bytes);
  const std::string_view text(reinterpret_cast<const char*>(footer.data()), footer.size());
  if (text.size() >= 2 && text.front() == '\n') {
    zone->rule_ = parse_posix_zone_rule(text.substr(1, text.find('\n', 1) - 1));
  }
  zone->note_whether_utc();
  return zone;
}

void TransitionZone::note_whether_utc() {
  is_utc_ = change_seconds_.empty() && locals_.size() == 1 && locals_.front().offset_seconds == 0 &&
            (!rule_ || (!rule_->daylight && rule_->standard.offset_seconds == 0));
}

const PosixZoneRule::Local& TransitionZone::local_at(std::int64_t utc_second) const {
  if (change_seconds_.empty()) return rule_ ? rule_->at_utc(utc_second) : locals_.front();
  if (utc_second >= change_seconds_.back()) {
    return rule_ ? rule_->at_utc(utc_second) : locals_[change_locals_.back()];
  }
  const auto next = std::upper_bound(change_seconds_.begin(), change_seconds_.end(), utc_second);
  if (next == change_seconds_.begin()) return locals_.front();
  return locals_[change_locals_[static_cast<std::size_t>(next - change_seconds_.begin()) - 1]];
}

std::optional<std::int64_t> TransitionZone::next_change_after(std::int64_t utc_second) const {
  const auto next = std::upper_bound(change_seconds_.begin(), change_seconds_.end(), utc_second);
  if (next != change_seconds_.end()) return *next;
  return rule_ ? rule_->next_change_after(utc_second) : std::nullopt;
}

std::int32_t TransitionZone::offset_seconds_at_utc(std::int64_t utc_us) const {
  return local_at(second_of(utc_us)).offset_seconds;
}

std::string TransitionZone::abbreviation_at_utc(std::int64_t utc_us) const {
  return local_at(second_of(utc_us)).abbreviation;
}

bool TransitionZone::is_daylight_at_utc(std::int64_t utc_us) const {
  return local_at(second_of(utc_us)).is_daylight;
}

std::int64_t TransitionZone::to_utc_us(std::int64_t local_us) const {
  // No offset passes a day: the change that matters lies within a day of the wall time read as UTC.
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t wall = second_of(local_us);
  const std::int32_t offset_before = local_at(wall - kDay).offset_seconds;
  std::int32_t offset = offset_before;
  if (const auto change = next_change_after(wall - kDay); change && *change <= wall + kDay) {
    const std::int32_t offset_after = local_at(*change).offset_seconds;
    const std::int64_t by_before = wall - offset_before;
    const std::int64_t by_after = wall - offset_after;
    if (by_before < *change && by_after < *change) {
      offset = offset_before;
    } else if (by_before >= *change && by_after >= *change) {
      offset = offset_after;
    } else {
      // A gap takes the offset before it, an overlap the one after it.
      offset = by_before > by_after ? offset_before : offset_after;
    }
  }
  return local_us - offset * kMicrosPerSecond;
}

}  // namespace tickstone
