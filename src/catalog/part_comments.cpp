// SPDX-License-Identifier: Apache-2.0
#include "catalog/part_comments.hpp"

#include <fmt/format.h>

namespace tickstone::catalog {
namespace {

std::string option_name(Oid part) { return fmt::format("tickstone.comment.{}", part); }

}  // namespace

std::string part_comment(const RelationObject& relation, Oid part) {
  for (const auto& [name, value] : relation.options) {
    if (name == option_name(part)) return value;
  }
  return {};
}

void set_part_comment(RelationObject& relation, Oid part, const std::string& comment) {
  std::erase_if(relation.options, [&](const auto& option) { return option.first == option_name(part); });
  if (!comment.empty()) relation.options.emplace_back(option_name(part), comment);
}

}  // namespace tickstone::catalog
