// SPDX-License-Identifier: Apache-2.0
#include "pgwire/row_encoder.hpp"

#include <algorithm>
#include <charconv>

#include "base/big_endian.hpp"
#include "base/check.hpp"
#include "types/binary_format.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::pgwire {
namespace {

using Append = void (*)(std::string& out, const ColumnView& column, std::size_t row,
                        const FormatContext& context);

void append_bytes(std::string& out, const ColumnView& column, std::size_t row, const FormatContext&) {
  const auto bytes = column.bytes(row);
  append_big_endian(out, static_cast<std::int32_t>(bytes.size()));
  out.append(bytes);
}

template <typename T>
void append_integer(std::string& out, const ColumnView& column, std::size_t row, const FormatContext&) {
  char text[4 + 20];
  const auto end = std::to_chars(text + 4, text + sizeof(text), column.fixed<T>(row)).ptr;
  store_big_endian(text, static_cast<std::int32_t>(end - text - 4));
  out.append(text, static_cast<std::size_t>(end - text));
}

void append_boolean(std::string& out, const ColumnView& column, std::size_t row, const FormatContext&) {
  out.append(column.fixed<std::uint8_t>(row) != 0 ? std::string_view("\0\0\0\1t", 5)
                                                  : std::string_view("\0\0\0\1f", 5));
}

void append_any_text(std::string& out, const ColumnView& column, std::size_t row,
                     const FormatContext& context) {
  const auto length_at = out.size();
  out.append(4, '\0');
  append_text(out, column, row, context);
  store_big_endian(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
}

void append_binary(std::string& out, const ColumnView& column, std::size_t row, const FormatContext&) {
  append_binary_field(out, column, row);
}

Append find_append(const SqlType& type, ValueFormat format) {
  if (format == ValueFormat::Binary) return append_binary;
  if (type.is_array) return append_any_text;
  switch (type.id) {
    case TypeId::Boolean:
      return append_boolean;
    case TypeId::SmallInt:
      return append_integer<std::int16_t>;
    case TypeId::Integer:
      return append_integer<std::int32_t>;
    case TypeId::BigInt:
      return append_integer<std::int64_t>;
    case TypeId::Oid:
      return append_integer<std::uint32_t>;
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Name:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Candlestick:
      return append_bytes;
    default:
      return append_any_text;
  }
}

/// Puts the field that was appended at `from` into the client's encoding.
void encode_field(std::string& out, std::size_t from, const TextEncoding& encoding, bool is_binary_array) {
  constexpr std::size_t kLength = 4;
  const std::string_view field = std::string_view(out).substr(from + kLength);
  if (std::all_of(field.begin(), field.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return;
  if (is_binary_array) {
    throw Error(ErrorCode::FeatureNotSupported, "binary arrays of text in encoding \"" +
                                                    std::string(encoding.name()) + "\" are not supported");
  }
  const std::string encoded = encoding.from_utf8(field);
  out.resize(from);
  append_big_endian(out, static_cast<std::int32_t>(encoded.size()));
  out += encoded;
}

/// What has characters in it, in this format.
bool has_text(const SqlType& type, ValueFormat format) {
  if (format == ValueFormat::Text) return true;
  return is_text_like(type.id) || type.id == TypeId::Json || type.id == TypeId::Jsonb ||
         type.id == TypeId::Enum;
}

struct Source {
  ColumnView view;
  Append append;
  bool is_encoded = false;  // into an encoding of the client's
  bool is_binary_array = false;
};

}  // namespace

void RowEncoder::append_rows(std::string& out, const Batch& batch, std::size_t from, std::size_t to) const {
  TICKSTONE_CHECK(formats_.size() == batch.columns.size());
  std::vector<Source> sources;
  sources.reserve(formats_.size());
  for (std::size_t i = 0; i < formats_.size(); ++i) {
    auto view = batch.columns[i].view();
    const auto append = find_append(view.type, formats_[i]);
    const bool is_encoded = context_.client != nullptr && has_text(view.type, formats_[i]);
    sources.push_back({view, append, is_encoded, view.type.is_array && formats_[i] == ValueFormat::Binary});
  }
  for (std::size_t row = from; row < to; ++row) {
    const auto start = out.size();
    char head[7] = {'D'};
    store_big_endian(head + 5, static_cast<std::int16_t>(sources.size()));
    out.append(head, sizeof(head));
    try {
      for (const auto& source : sources) {
        if (source.view.is_null(row)) {
          out.append("\xFF\xFF\xFF\xFF", 4);
        } else {
          const auto field_at = out.size();
          source.append(out, source.view, row, context_);
          if (source.is_encoded) encode_field(out, field_at, *context_.client, source.is_binary_array);
        }
      }
    } catch (...) {
      out.resize(start);
      throw;
    }
    store_big_endian(out.data() + start + 1, static_cast<std::int32_t>(out.size() - start - 1));
  }
}

}  // namespace tickstone::pgwire
