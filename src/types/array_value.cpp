// SPDX-License-Identifier: Apache-2.0
#include "types/array_value.hpp"

#include <limits>

#include "base/bytes.hpp"

namespace tickstone {

void ArrayBuilder::add_null() {
  body_.push_back(1);
  ++count_;
}

void ArrayBuilder::add(std::string_view element_bytes) {
  if (element_bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::ProgramLimitExceeded, "array element is too large");
  }
  const auto size = static_cast<std::uint32_t>(element_bytes.size());
  body_.push_back(0);
  body_.append(reinterpret_cast<const char*>(&size), sizeof(size));
  body_.append(element_bytes);
  ++count_;
}

std::string ArrayBuilder::finish() {
  std::string encoded(reinterpret_cast<const char*>(&count_), sizeof(count_));
  encoded += body_;
  count_ = 0;
  body_.clear();
  return encoded;
}

std::vector<std::optional<std::string_view>> decode_array(std::string_view encoded) {
  ByteReader in({reinterpret_cast<const std::byte*>(encoded.data()), encoded.size()}, "array");
  const auto count = in.get<std::uint32_t>();
  if (count > in.remaining()) throw Error(ErrorCode::DataCorrupted, "array ends too early");
  std::vector<std::optional<std::string_view>> elements;
  elements.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto is_null = in.get<std::uint8_t>();
    if (is_null > 1) throw Error(ErrorCode::DataCorrupted, "damaged array");
    if (is_null == 1) {
      elements.emplace_back();
    } else {
      elements.emplace_back(in.get_string());
    }
  }
  if (!in.at_end()) throw Error(ErrorCode::DataCorrupted, "bytes after the end of an array");
  return elements;
}

}  // namespace tickstone
