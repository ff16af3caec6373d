// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include "types/time_zone_list.hpp"
#include "types/timestamp.hpp"
#include "types/transition_zone.hpp"
#include "types/zone_abbreviation.hpp"

namespace tickstone {

namespace {

constexpr const char* kZoneDirectory = "/usr/share/zoneinfo";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

/// No dots: nothing outside of the directory can be named.
bool is_zone_file_name(std::string_view name) {
  return !name.empty() && name.front() != '/' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  });
}

std::unique_ptr<TimeZone> fixed_zone(std::string name, std::int32_t offset_seconds,
                                     std::string abbreviation) {
  return std::make_unique<TransitionZone>(
      std::move(name), PosixZoneRule{{offset_seconds, std::move(abbreviation)}, {}, {}, {}});
}

/// nullptr where there is no such file, or what is there is no zone.
std::unique_ptr<TimeZone> load_zone_file(const std::string& name) {
  const std::string path = std::string(kZoneDirectory) + "/" + name;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return nullptr;  // `Etc` is a directory
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return TransitionZone::from_tzif(name, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
}

/// Every zone that was asked for, for the life of the process.
class ZoneCache {
 public:
  /// Lifetime: the process; nullptr where there is no such zone.
  const TimeZone* find(std::string_view name) {
    constexpr std::size_t kMaxNameBytes = 255;
    if (name.size() > kMaxNameBytes) return nullptr;
    const std::string lower = lower_case(name);
    const std::lock_guard lock(mutex_);
    if (const auto found = zones_.find(lower); found != zones_.end()) return found->second.get();
    auto zone = make(name, lower);
    // Unknown names are not remembered: whoever sends them decides how many there are.
    if (zone == nullptr) return nullptr;
    return zones_.emplace(lower, std::move(zone)).first->second.get();
  }

  std::vector<std::string> names() {
    const std::lock_guard lock(mutex_);
    find_names();
    std::vector<std::string> names;
    for (const auto& [lower, name] : names_) names.push_back(name);
    return names;
  }

 private:
  std::unique_ptr<TimeZone> make(std::string_view name, const std::string& lower) {
    if (is_zone_file_name(name)) {
      if (lower == "utc") return fixed_zone("UTC", 0, "UTC");
      if (lower == "gmt") return fixed_zone("GMT", 0, "GMT");
      if (auto zone = load_zone_file(std::string(name))) return zone;
      if (const auto canonical = canonical_name(lower)) {
        if (auto zone = load_zone_file(*canonical)) return zone;
      }
    }
    if (auto rule = parse_posix_zone_rule(name)) {
      return std::make_unique<TransitionZone>(std::string(name), std::move(*rule));
    }
    return nullptr;
  }

  /// Names are found in any case, but files only in their own.
  std::optional<std::string> canonical_name(const std::string& lower) {
    find_names();
    const auto found = names_.find(lower);
    if (found == names_.end()) return std::nullopt;
    return found->second;
  }

  void find_names() {
    namespace fs = std::filesystem;
    if (names_.empty()) {
      std::error_code error;
      fs::recursive_directory_iterator at(kZoneDirectory, error);
      for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        const std::string path = at->path().lexically_relative(kZoneDirectory).string();
        if (path == "posix" || path == "right") {
          at.disable_recursion_pending();
        } else if (is_zone_file_name(path)) {
          names_.emplace(lower_case(path), path);
        }
      }
    }
  }

  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<TimeZone>> zones_;
  std::map<std::string, std::string> names_;  // lower case to the file's
};

ZoneCache& zone_cache() {
  static auto* const cache =
      new ZoneCache();  // never destroyed: zones are handed out for the life of the process
  return *cache;
}

}  // namespace

const TimeZone& utc_zone() {
  static const TimeZone* const zone = zone_cache().find("UTC");
  return *zone;
}

std::vector<TimeZoneFacts> all_time_zones(std::int64_t now_us) {
  std::vector<TimeZoneFacts> all;
  for (auto& name : zone_cache().names()) {
    // What is no zone: lists, and the one that stands for none.
    const auto* zone =
        name == "Factory" ? nullptr : dynamic_cast<const TransitionZone*>(zone_cache().find(name));
    if (zone == nullptr) continue;
    all.push_back({std::move(name), zone->abbreviation_at_utc(now_us), zone->offset_seconds_at_utc(now_us),
                   zone->is_daylight_at_utc(now_us)});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

const TimeZone* find_named_time_zone(std::string_view name) { return zone_cache().find(name); }

const TimeZone* find_time_zone(std::string_view name) {
  if (const auto offset = zone_abbreviation_offset(lower_case(name)); offset && *offset != 0) {
    // An abbreviation has one offset the year round, unlike a zone's file of that name.
    const std::int32_t minutes = (*offset < 0 ? -*offset : *offset) / 60;
    std::string upper(name);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return zone_cache().find(
        fmt::format("<{}>{}{:02}:{:02}", upper, *offset < 0 ? "+" : "-", minutes / 60, minutes % 60));
  }
  if (lower_case(name) == "z" || lower_case(name) == "zulu" || lower_case(name) == "ut") return &utc_zone();
  return zone_cache().find(name);
}

const TimeZone* find_session_time_zone(std::string_view name) {
  double hours = 0;
  const auto* begin = name.data();
  const auto* end = begin + name.size();
  if (!name.empty() && name.front() == '+') ++begin;
  const auto parsed = fast_float::from_chars(begin, end, hours);
  if (begin != end && parsed.ec == std::errc() && parsed.ptr == end && hours > -168 && hours < 168) {
    // A bare number is hours east of UTC, shown as a POSIX rule, whose sign is the other way round.
    const auto seconds = static_cast<std::int32_t>(hours * 3600);
    const std::int32_t size = seconds < 0 ? -seconds : seconds;
    std::string clock = fmt::format("{:02}", size / 3600);
    if (size % 3600 != 0) clock += fmt::format(":{:02}", size % 3600 / 60);
    if (size % 60 != 0) clock += fmt::format(":{:02}", size % 60);
    const bool is_west = seconds < 0;
    return zone_cache().find(
        fmt::format("<{}{}>{}{}", is_west ? '-' : '+', clock, is_west ? '+' : '-', clock));
  }
  return zone_cache().find(name);
}

}  // namespace tickstone
