// SPDX-License-Identifier: Apache-2.0
#include "types/zone_abbreviation.hpp"

#include <algorithm>
#include <iterator>

#include "types/time_zone_list.hpp"

namespace tickstone {

namespace {

struct AbbreviationRow {
  std::string_view name;
  std::int16_t minutes_east;
};

// clang-format off
constexpr AbbreviationRow kAbbreviations[] = {  // ordered by name
    {"acdt", 630}, {"acst", 570}, {"acwst", 525}, {"adt", -180}, {"aedt", 660}, {"aest", 600},
    {"akdt", -480}, {"akst", -540}, {"almt", 360}, {"amst", 240}, {"amt", -240}, {"art", -180},
    {"ast", -240}, {"awst", 480}, {"azot", -60}, {"azst", 240}, {"azt", 240}, {"bdt", 360}, {"bnt", 480},
    {"bot", -240}, {"brst", -120}, {"brt", -180}, {"bst", 60}, {"cdt", -300}, {"cest", 120}, {"cet", 60},
    {"chadt", 825}, {"chast", 765}, {"clst", -180}, {"clt", -180}, {"cot", -300}, {"cst", -360},
    {"eat", 180}, {"edt", -240}, {"eest", 180}, {"eet", 120}, {"est", -300}, {"fjt", 720}, {"get", 240},
    {"gft", -180}, {"gmt", 0}, {"gyt", -240}, {"hkt", 480}, {"hst", -600}, {"ict", 420}, {"idt", 180},
    {"irkt", 480}, {"irt", 210}, {"ist", 120}, {"jst", 540}, {"kgt", 360}, {"krat", 420}, {"kst", 540},
    {"lkt", 330}, {"magt", 660}, {"mdt", -360}, {"mesz", 120}, {"met", 60}, {"mez", 60}, {"mmt", 390},
    {"msd", 240}, {"msk", 180}, {"mst", -420}, {"mut", 240}, {"mvt", 300}, {"myt", 480}, {"ndt", -150},
    {"novt", 420}, {"npt", 345}, {"nst", -210}, {"nzdt", 780}, {"nzst", 720}, {"nzt", 720}, {"omst", 360},
    {"pdt", -420}, {"pet", -300}, {"pgt", 600}, {"pht", 480}, {"pkt", 300}, {"pst", -480}, {"sast", 120},
    {"sct", 240}, {"sgt", 480}, {"tjt", 300}, {"tmt", 300}, {"uct", 0}, {"ulat", 480}, {"ut", 0},
    {"utc", 0}, {"uyt", -180}, {"uzt", 300}, {"vet", -240}, {"vlat", 600}, {"wat", 60}, {"wet", 0},
    {"yakt", 540}, {"yekt", 300}, {"z", 0}, {"zulu", 0},
};
// clang-format on

}  // namespace

std::vector<TimeZoneFacts> all_zone_abbreviations() {
  static constexpr std::string_view kDaylight[] = {"acdt", "adt", "aedt", "akdt",  "amst", "azst", "brst",
                                                   "bst",  "cdt", "cest", "chadt", "clst", "edt",  "eest",
                                                   "idt",  "mdt", "mesz", "msd",   "ndt",  "nzdt", "pdt"};
  std::vector<TimeZoneFacts> all;
  for (const auto& row : kAbbreviations) {
    std::string upper(row.name);
    for (char& c : upper) c = static_cast<char>(c - 32);
    const bool is_daylight =
        std::find(std::begin(kDaylight), std::end(kDaylight), row.name) != std::end(kDaylight);
    all.push_back({upper, upper, row.minutes_east * 60, is_daylight});
  }
  return all;
}

std::optional<std::int32_t> zone_abbreviation_offset(std::string_view lower_case) {
  const auto* found =
      std::lower_bound(std::begin(kAbbreviations), std::end(kAbbreviations), lower_case,
                       [](const AbbreviationRow& row, std::string_view name) { return row.name < name; });
  if (found == std::end(kAbbreviations) || found->name != lower_case) return std::nullopt;
  return found->minutes_east * 60;
}

}  // namespace tickstone
