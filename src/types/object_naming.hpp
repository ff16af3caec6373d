// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone {

/// The labels of an enum type. A value is the number of its label: numbers are in the declared order, with
/// room between for labels that are added later, and a label keeps its number for life.
struct EnumLabels {
  static constexpr std::size_t kMaxBytes = 63;  // of a label
  struct Label {
    std::int32_t number = 0;
    std::string text;
  };
  std::string type_name;      // as messages have it
  std::vector<Label> labels;  // by number

  /// nullptr where there is none.
  const Label* find(std::int32_t number) const;
  const Label* find(std::string_view text) const;
  /// Errors: InvalidTextRepresentation `invalid input value for enum mood: "x"`.
  std::int32_t number_of(std::string_view text) const;
};

/// What values mean that are numbers of objects. The engine implements it over the session's catalog.
class ObjectNaming {
 public:
  virtual ~ObjectNaming() = default;
  /// A value of Regclass or its kin as its output function prints it.
  virtual std::string object_name(TypeId type, std::uint32_t oid) const = 0;
  /// Errors: that there is no such object, with the code of its kind.
  virtual std::uint32_t object_oid(TypeId type, std::string_view name) const = 0;
  /// nullptr where there is no such type.
  virtual std::shared_ptr<const EnumLabels> enum_labels(std::uint32_t type_oid) const = 0;
};

}  // namespace tickstone
