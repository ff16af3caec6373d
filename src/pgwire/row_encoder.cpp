// SPDX-License-Identifier: Apache-2.0
#include "pgwire/row_encoder.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/big_endian.hpp"
#include "base/check.hpp"
#include "types/binary_format.hpp"
#include "types/short_field.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::pgwire {
namespace {

constexpr std::size_t kLength = 4;  // what is before each field
constexpr std::string_view kNull = "\xFF\xFF\xFF\xFF";
/// Room is made for many rows at once.
constexpr std::size_t kMostRoomAhead = 16'384;

struct Source;
/// Writes a field with its length where there is room for it. Returns its end.
using Put = char* (*)(char* at, Source& source, std::size_t row);

/// A column of the rows; flat, as a batch's columns are.
struct Source {
  ColumnView view;
  Put put = nullptr;           // of values of few bytes
  std::size_t most_bytes = 0;  // what `put` takes at most
  bool is_bytes = false;       // the column's bytes are the field
  ValueFormat format = ValueFormat::Text;
  bool is_encoded = false;  // into an encoding of the client's
  MomentWriter moments{nullptr};
};

template <typename T>
T value_of(const Source& source, std::size_t row) {
  T value;
  std::memcpy(&value, static_cast<const char*>(source.view.data) + row * sizeof(T), sizeof(T));
  return value;
}

char* with_length(char* at, char* end) {
  store_big_endian(at, static_cast<std::int32_t>(end - at - static_cast<std::ptrdiff_t>(kLength)));
  return end;
}

template <typename T>
char* put_integer(char* at, Source& source, std::size_t row) {
  return with_length(at, std::to_chars(at + kLength, at + kLength + 20, value_of<T>(source, row)).ptr);
}

char* put_boolean(char* at, Source& source, std::size_t row) {
  at[kLength] = value_of<std::uint8_t>(source, row) != 0 ? 't' : 'f';
  return with_length(at, at + kLength + 1);
}

template <typename T>
char* put_numeric(char* at, Source& source, std::size_t row) {
  return with_length(at, put_decimal(at + kLength, value_of<T>(source, row), source.view.layout.scale));
}

char* put_moment(char* at, Source& source, std::size_t row) {
  return with_length(at, source.moments.put(at + kLength, value_of<std::int64_t>(source, row)));
}

char* put_binary(char* at, Source& source, std::size_t row) {
  return put_short_binary_field(at, source.view, row);
}

void find_put(Source& source, const FormatContext& context) {
  const auto use = [&](Put put, std::size_t most_bytes) {
    source.put = put;
    source.most_bytes = kLength + most_bytes;
  };
  const SqlType& type = source.view.type;
  if (source.format == ValueFormat::Binary) {
    if (is_short_binary(source.view)) use(put_binary, kMostShortBinaryBytes);
    return;
  }
  if (type.is_array) return;
  switch (type.id) {
    case TypeId::Boolean:
      return use(put_boolean, 1);
    case TypeId::SmallInt:
      return use(put_integer<std::int16_t>, 20);
    case TypeId::Integer:
      return use(put_integer<std::int32_t>, 20);
    case TypeId::BigInt:
      return use(put_integer<std::int64_t>, 20);
    case TypeId::Oid:
      return use(put_integer<std::uint32_t>, 20);
    case TypeId::Numeric:
      if (source.view.layout.physical == Physical::Int64) use(put_numeric<std::int64_t>, kMostDecimalBytes);
      if (source.view.layout.physical == Physical::Int128) use(put_numeric<Int128>, kMostDecimalBytes);
      return;
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      if (context.dates.format != DateStyle::Format::Iso) return;
      source.moments = MomentWriter(type.id == TypeId::Timestamp ? nullptr : context.zone);
      return use(put_moment, MomentWriter::kMostBytes);
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Name:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Candlestick:
      source.is_bytes = !source.is_encoded;
      return;
    default:
      return;
  }
}

/// Puts the field that was appended at `from` into the client's encoding.
void encode_field(std::string& out, std::size_t from, const TextEncoding& encoding, bool is_binary_array) {
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

/// Any field, with its length, into a text of its own.
void write_field(std::string& field, const Source& source, std::size_t row, const FormatContext& context) {
  field.clear();
  if (source.format == ValueFormat::Binary) {
    append_binary_field(field, source.view, row);
  } else {
    field.append(kLength, '\0');
    append_text(field, source.view, row, context);
    store_big_endian(field.data(), static_cast<std::int32_t>(field.size() - kLength));
  }
  if (source.is_encoded) {
    const bool is_binary_array = source.view.type.is_array && source.format == ValueFormat::Binary;
    encode_field(field, 0, *context.client, is_binary_array);
  }
}

/// The end of a string that is longer than what is in it: written to, and cut at the end.
class Room {
 public:
  explicit Room(std::string& out) : out_(out), used_(out.size()) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { out_.resize(used_); }

  /// Where to write at least so many bytes, with more room behind them where it has to grow.
  char* make(std::size_t bytes, std::size_t ahead) {
    if (out_.size() - used_ < bytes) out_.resize(used_ + bytes + ahead);
    return out_.data() + used_;
  }
  void end_at(const char* end) { used_ = static_cast<std::size_t>(end - out_.data()); }
  std::size_t used() const { return used_; }
  void cut(std::size_t used) { used_ = used; }
  char* at(std::size_t offset) { return out_.data() + offset; }

 private:
  std::string& out_;
  std::size_t used_;
};

}  // namespace

void RowEncoder::append_rows(std::string& out, const Batch& batch, std::size_t from, std::size_t to) const {
  TICKSTONE_CHECK(formats_.size() == batch.columns.size());
  std::vector<Source> sources(formats_.size());
  constexpr std::size_t kHead = 7;  // kind, length, number of fields
  std::size_t row_bytes = kHead;    // of what has no length of its own
  for (std::size_t i = 0; i < formats_.size(); ++i) {
    Source& source = sources[i];
    source.view = batch.columns[i].view();
    source.format = formats_[i];
    source.is_encoded = context_.client != nullptr && has_text(source.view.type, formats_[i]);
    find_put(source, context_);
    row_bytes += std::max(source.most_bytes, kNull.size());
  }
  const std::size_t ahead = std::min(kMostRoomAhead, (to - std::min(from, to)) * row_bytes);
  Room room(out);
  std::string field;
  std::size_t start = out.size();
  try {
    for (std::size_t row = from; row < to; ++row) {
      start = room.used();
      char* at = room.make(row_bytes, ahead) + kHead;
      for (Source& source : sources) {
        if (source.view.is_null(row)) {
          std::memcpy(at, kNull.data(), kNull.size());
          at += kNull.size();
        } else if (source.put != nullptr) {
          at = source.put(at, source, row);
        } else {
          if (!source.is_bytes) write_field(field, source, row, context_);
          const std::string_view bytes = source.is_bytes ? source.view.bytes(row) : std::string_view(field);
          room.end_at(at);
          at = room.make(kLength + bytes.size() + row_bytes, ahead);
          if (source.is_bytes) {
            store_big_endian(at, static_cast<std::int32_t>(bytes.size()));
            at += kLength;
          }
          at = std::copy(bytes.begin(), bytes.end(), at);
        }
      }
      room.end_at(at);
      char* head = room.at(start);
      head[0] = 'D';
      store_big_endian(head + 1, static_cast<std::int32_t>(room.used() - start - 1));
      store_big_endian(head + 5, static_cast<std::int16_t>(sources.size()));
    }
  } catch (...) {
    room.cut(start);
    throw;
  }
}

}  // namespace tickstone::pgwire
