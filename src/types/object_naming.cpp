// SPDX-License-Identifier: Apache-2.0
#include "types/object_naming.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

namespace tickstone {

const EnumLabels::Label* EnumLabels::find(std::int32_t number) const {
  const auto found =
      std::lower_bound(labels.begin(), labels.end(), number,
                       [](const Label& label, std::int32_t wanted) { return label.number < wanted; });
  return found == labels.end() || found->number != number ? nullptr : &*found;
}

const EnumLabels::Label* EnumLabels::find(std::string_view text) const {
  for (const Label& label : labels) {
    if (label.text == text) return &label;
  }
  return nullptr;
}

std::int32_t EnumLabels::number_of(std::string_view text) const {
  if (const Label* label = find(text)) return label->number;
  throw Error(ErrorCode::InvalidTextRepresentation,
              "invalid input value for enum " + type_name + ": \"" + std::string(text) + "\"");
}

}  // namespace tickstone
