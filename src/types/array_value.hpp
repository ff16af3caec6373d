// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone {

/// A one-dimensional array as a Bytes column holds it: u32 count, then for each element u8 is_null and,
/// unless null, u32 length and the element: its text for text-like elements, else its little-endian
/// fixed-width value (NUMERIC: its text form).
class ArrayBuilder {
 public:
  void add_null();
  void add(std::string_view element_bytes);
  std::string finish();

 private:
  std::uint32_t count_ = 0;
  std::string body_;
};

/// The elements of an encoded array, views into it. Errors: DataCorrupted.
std::vector<std::optional<std::string_view>> decode_array(std::string_view encoded);

struct Value;
struct FormatContext;

/// One element's bytes as a value and back. Errors: DataCorrupted for bytes of the wrong size.
Value array_element_value(std::string_view bytes, const SqlType& element);
std::string array_element_bytes(const Value& value);

/// `{a,"b c",NULL}` both ways. Errors: InvalidTextRepresentation ("malformed array literal").
std::string parse_array_text(std::string_view text, const SqlType& element);
std::string parse_array_text(std::string_view text, const SqlType& element, const FormatContext& context);
std::string format_array_text(std::string_view encoded, const SqlType& element);
std::string format_array_text(std::string_view encoded, const SqlType& element, const FormatContext& context);

}  // namespace tickstone
