// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tickstone::sql {

/// Where each given argument goes among `parameters` (with `name` and `default_text`): those without a name
/// by position, the others by theirs; nothing where one does not fit or one without default is left out.
template <typename Parameters>
std::optional<std::vector<std::size_t>> places_of(const Parameters& parameters,
                                                  const std::vector<std::string>& names) {
  std::vector<std::size_t> places;
  std::vector<bool> is_given(parameters.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t place = i;
    if (!names[i].empty()) {
      const auto found = std::find_if(parameters.begin(), parameters.end(),
                                      [&](const auto& parameter) { return parameter.name == names[i]; });
      place = static_cast<std::size_t>(found - parameters.begin());
    }
    if (place >= is_given.size() || is_given[place]) return std::nullopt;
    is_given[place] = true;
    places.push_back(place);
  }
  for (std::size_t i = 0; i < is_given.size(); ++i) {
    if (!is_given[i] && parameters[i].default_text.empty()) return std::nullopt;
  }
  return places;
}

}  // namespace tickstone::sql
