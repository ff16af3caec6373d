// SPDX-License-Identifier: Apache-2.0
#include "types/array_value.hpp"
#include "types/value.hpp"

namespace tickstone {

namespace {

template <typename T>
T fixed_element(std::string_view bytes) {
  if (bytes.size() != sizeof(T)) throw Error(ErrorCode::DataCorrupted, "damaged array");
  T value;
  __builtin_memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <typename T>
std::string element_bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

}  // namespace

Value array_element_value(std::string_view bytes, const SqlType& element) {
  Value value{element, false};
  if (element.id == TypeId::Numeric) {
    const auto number = parse_decimal(bytes);
    if (!number) throw Error(ErrorCode::DataCorrupted, "damaged array");
    value.integer = number->unscaled;
    value.scale = number->scale;
    return value;
  }
  switch (physical_of(element)) {
    case Physical::Bool:
      value.integer = fixed_element<std::uint8_t>(bytes) != 0 ? 1 : 0;
      break;
    case Physical::Int16:
      value.integer = fixed_element<std::int16_t>(bytes);
      break;
    case Physical::Int32:
      if (element.id == TypeId::Oid) {
        value.integer = fixed_element<std::uint32_t>(bytes);
      } else {
        value.integer = fixed_element<std::int32_t>(bytes);
      }
      break;
    case Physical::Int64:
      value.integer = fixed_element<std::int64_t>(bytes);
      break;
    case Physical::Int128:
      value.integer = fixed_element<Int128>(bytes);
      break;
    case Physical::Float32:
      value.number = fixed_element<float>(bytes);
      break;
    case Physical::Float64:
      value.number = fixed_element<double>(bytes);
      break;
    case Physical::Bytes:
      value.text = std::string(bytes);
      break;
  }
  return value;
}

std::string array_element_bytes(const Value& value) {
  if (value.type.id == TypeId::Numeric) return format_decimal({value.integer, value.scale});
  switch (physical_of(value.type)) {
    case Physical::Bool:
      return element_bytes(static_cast<std::uint8_t>(value.integer != 0 ? 1 : 0));
    case Physical::Int16:
      return element_bytes(static_cast<std::int16_t>(value.integer));
    case Physical::Int32:
      return element_bytes(static_cast<std::int32_t>(value.integer));
    case Physical::Int64:
      return element_bytes(static_cast<std::int64_t>(value.integer));
    case Physical::Int128:
      return element_bytes(value.integer);
    case Physical::Float32:
      return element_bytes(static_cast<float>(value.number));
    case Physical::Float64:
      return element_bytes(value.number);
    case Physical::Bytes:
      return value.text;
  }
  return {};
}

}  // namespace tickstone
