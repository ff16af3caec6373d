// SPDX-License-Identifier: Apache-2.0
#include "pgwire/value_format.hpp"

#include <string>

#include <tickstone/error.hpp>

#include "types/binary_format.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::pgwire {

ValueFormat format_from_code(std::int16_t code) {
  if (code == 0) return ValueFormat::Text;
  if (code == 1) return ValueFormat::Binary;
  throw Error(ErrorCode::ProtocolViolation, "unsupported format code: " + std::to_string(code));
}

std::vector<ValueFormat> resolve_result_formats(std::span<const ValueFormat> given,
                                                std::size_t column_count) {
  if (given.empty()) return std::vector(column_count, ValueFormat::Text);
  if (given.size() == 1) return std::vector(column_count, given.front());
  if (given.size() == column_count) return {given.begin(), given.end()};
  throw Error(ErrorCode::ProtocolViolation, "bind message has " + std::to_string(given.size()) +
                                                " result formats but query has " +
                                                std::to_string(column_count) + " columns");
}

Value decode_parameter(const SqlType& type, ValueFormat format, std::string_view bytes,
                       const FormatContext& context) {
  if (context.client != nullptr) {
    const bool is_binary = format == ValueFormat::Binary;
    const bool has_text = is_text_like(type.id) || type.id == TypeId::Json || type.id == TypeId::Jsonb ||
                          type.id == TypeId::Enum;
    if (is_binary && has_text && type.is_array) {
      throw Error(ErrorCode::FeatureNotSupported, "binary arrays of text in encoding \"" +
                                                      std::string(context.client->name()) +
                                                      "\" are not supported");
    }
    if (!is_binary || has_text) {
      FormatContext as_utf8 = context;
      as_utf8.client = nullptr;
      return decode_parameter(type, format, context.client->to_utf8(bytes), as_utf8);
    }
  }
  switch (format) {
    case ValueFormat::Text:
      return parse_value(type, bytes, context);
    case ValueFormat::Binary:
      // A label is sent as its text either way.
      return type.is_enum() ? parse_value(type, bytes, context) : receive_value(type, bytes);
  }
  throw Error(ErrorCode::ProtocolViolation, "unsupported format code");
}

}  // namespace tickstone::pgwire
