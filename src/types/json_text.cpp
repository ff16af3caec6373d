// SPDX-License-Identifier: Apache-2.0
#include "types/json_text.hpp"

#include "types/json_node.hpp"

namespace tickstone {

std::string normalize_jsonb(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_json(out, parse_json(text, JsonUse::Decode));
  return out;
}

void check_json(std::string_view text) { parse_json(text, JsonUse::Check); }

std::strong_ordering compare_jsonb(std::string_view a, std::string_view b) {
  if (a == b) return std::strong_ordering::equal;
  return compare_json(parse_json(a, JsonUse::Decode), parse_json(b, JsonUse::Decode)) <=> 0;
}

}  // namespace tickstone
