// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "types/utf8.hpp"

// encode and decode: bytes as hex, base64 or escaped text.

namespace tickstone::duck {

namespace {

using duckdb::LogicalType;

const std::string& text_of(const duckdb::Value& value) { return duckdb::StringValue::Get(value); }
duckdb::Value text_value(std::string text) { return duckdb::Value(std::move(text)); }

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(std::string_view bytes) {
  std::string out;
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    // As in MIME, a line has at most 76 characters.
    if (line == 76) {
      out += '\n';
      line = 0;
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kBase64[group >> (18 - 6 * k) & 63] : '=';
    line += 4;
  }
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=' || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const auto digit = kBase64.find(c);
    if (digit == std::string_view::npos) {
      throw Error(ErrorCode::InvalidParameterValue,
                  std::string("invalid symbol \"") + c + "\" found while decoding base64 sequence");
    }
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 255);
    }
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string from_hex(std::string_view text) {
  std::string out;
  int high = -1;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) {
      throw Error(ErrorCode::InvalidParameterValue, std::string("invalid hexadecimal digit: \"") + c + "\"");
    }
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  if (high >= 0)
    throw Error(ErrorCode::InvalidParameterValue, "invalid hexadecimal data: odd number of digits");
  return out;
}

std::string to_escape(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte == 0 || byte >= 0x80) {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
    } else {
      out += c;
    }
  }
  return out;
}

std::string from_escape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += '\\';
      ++i;
    } else if (i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
      out += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 3;
    } else {
      throw Error(ErrorCode::InvalidTextRepresentation, "invalid input syntax for type bytea");
    }
  }
  return out;
}

std::string encoded(std::string_view bytes, const std::string& format) {
  if (format == "hex") return to_hex(bytes);
  if (format == "base64") return to_base64(bytes);
  if (format == "escape") return to_escape(bytes);
  throw Error(ErrorCode::InvalidParameterValue, "unrecognized encoding: \"" + format + "\"");
}

std::string decoded(std::string_view text, const std::string& format) {
  if (format == "hex") return from_hex(text);
  if (format == "base64") return from_base64(text);
  if (format == "escape") return from_escape(text);
  throw Error(ErrorCode::InvalidParameterValue, "unrecognized encoding: \"" + format + "\"");
}

duckdb::Value blob_value(const std::string& bytes) {
  return duckdb::Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(bytes.data()), bytes.size());
}

const std::string& bytes_of(const duckdb::Value& value) { return duckdb::StringValue::Get(value); }

/// PostgreSQL has a code of its own for it, 2202E. Errors: InvalidParameterValue.
std::size_t index_within(std::int64_t index, std::size_t count) {
  if (index < 0 || static_cast<std::size_t>(index) >= count) {
    throw Error(ErrorCode::InvalidParameterValue, "index " + std::to_string(index) +
                                                      " out of valid range, 0.." +
                                                      std::to_string(static_cast<std::int64_t>(count) - 1));
  }
  return static_cast<std::size_t>(index);
}

std::int32_t byte_at(const std::string& bytes, std::int64_t index) {
  return static_cast<unsigned char>(bytes[index_within(index, bytes.size())]);
}

std::string with_byte(std::string bytes, std::int64_t index, std::int64_t value) {
  bytes[index_within(index, bytes.size())] = static_cast<char>(value);
  return bytes;
}

/// The lowest bit of a byte is its first.
std::int32_t bit_at(const std::string& bytes, std::int64_t index) {
  const auto bit = index_within(index, bytes.size() * 8);
  return static_cast<unsigned char>(bytes[bit / 8]) >> bit % 8 & 1;
}

std::string with_bit(std::string bytes, std::int64_t index, std::int64_t value) {
  const auto bit = index_within(index, bytes.size() * 8);
  if (value != 0 && value != 1) throw Error(ErrorCode::InvalidParameterValue, "new bit must be 0 or 1");
  const auto mask = static_cast<unsigned char>(1U << bit % 8);
  auto byte = static_cast<unsigned char>(bytes[bit / 8]);
  byte = static_cast<unsigned char>(value == 1 ? byte | mask : byte & ~mask);
  bytes[bit / 8] = static_cast<char>(byte);
  return bytes;
}

std::int64_t bit_count(const std::string& bytes) {
  std::int64_t count = 0;
  for (const char c : bytes) count += std::popcount(static_cast<unsigned char>(c));
  return count;
}

/// From one; 0: nowhere.
std::int32_t position_of(const std::string& part, const std::string& bytes) {
  const auto at = bytes.find(part);
  return at == std::string::npos ? 0 : static_cast<std::int32_t>(at) + 1;
}

std::string overlaid(const std::string& bytes, const std::string& with, std::int64_t from,
                     std::int64_t count) {
  if (from <= 0) throw Error(ErrorCode::SubstringError, "negative substring length not allowed");
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto before = std::min(from - 1, size);
  const auto after = std::clamp(from - 1 + count, std::int64_t{0}, size);
  return bytes.substr(0, static_cast<std::size_t>(before)) + with +
         bytes.substr(static_cast<std::size_t>(after));
}

/// Counted from 1; what lies before the first byte counts all the same.
std::string part_of(const std::string& bytes, std::int64_t from, std::int64_t count) {
  if (count < 0) throw Error(ErrorCode::SubstringError, "negative substring length not allowed");
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto start = std::clamp(from - 1, std::int64_t{0}, size);
  const auto end = std::clamp(from - 1 + count, start, size);
  return bytes.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
}

/// The one encoding that texts have here. Errors: FeatureNotSupported, InvalidParameterValue.
void require_utf8(std::string name, const char* which) {
  std::string plain;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (plain == "utf8" || plain == "unicode") return;
  throw Error(ErrorCode::FeatureNotSupported,
              std::string(which) + " encoding \"" + name + "\" is not supported", {}, "Texts are UTF8.");
}

std::int64_t whole(const duckdb::Value& value) { return value.GetValue<std::int64_t>(); }

}  // namespace

void register_byte_functions(FunctionCatalog& catalog) {
  const LogicalType text = LogicalType::VARCHAR;
  ScalarBuilder("pg_encode")
      .boxed({LogicalType::BLOB, text}, text,
             [](const auto& values, auto&) {
               return text_value(encoded(text_of(values[0]), text_of(values[1])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_decode")
      .boxed({text, text}, LogicalType::BLOB,
             [](const auto& values, auto&) {
               return blob_value(decoded(text_of(values[0]), text_of(values[1])));
             })
      .replace_in(catalog);
  const LogicalType blob = LogicalType::BLOB, integer = LogicalType::INTEGER;
  ScalarBuilder("pg_get_byte")
      .boxed({blob, integer}, integer,
             [](const auto& values, auto&) {
               return duckdb::Value::INTEGER(byte_at(bytes_of(values[0]), whole(values[1])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_set_byte")
      .boxed({blob, integer, integer}, blob,
             [](const auto& values, auto&) {
               return blob_value(with_byte(bytes_of(values[0]), whole(values[1]), whole(values[2])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_get_bit")
      .boxed({blob, LogicalType::BIGINT}, integer,
             [](const auto& values, auto&) {
               return duckdb::Value::INTEGER(bit_at(bytes_of(values[0]), whole(values[1])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_set_bit")
      .boxed({blob, LogicalType::BIGINT, integer}, blob,
             [](const auto& values, auto&) {
               return blob_value(with_bit(bytes_of(values[0]), whole(values[1]), whole(values[2])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_bytes_bit_count")
      .boxed({blob}, LogicalType::BIGINT,
             [](const auto& values, auto&) { return duckdb::Value::BIGINT(bit_count(bytes_of(values[0]))); })
      .replace_in(catalog);
  // position(part IN bytes) has them the other way round in the tree: bytes first.
  ScalarBuilder("pg_bytes_position")
      .boxed({blob, blob}, integer,
             [](const auto& values, auto&) {
               return duckdb::Value::INTEGER(position_of(bytes_of(values[1]), bytes_of(values[0])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_bytes_substring")
      .boxed({blob, integer}, blob,
             [](const auto& values, auto&) {
               return blob_value(part_of(bytes_of(values[0]), whole(values[1]), INT32_MAX));
             })
      .boxed({blob, integer, integer}, blob,
             [](const auto& values, auto&) {
               return blob_value(part_of(bytes_of(values[0]), whole(values[1]), whole(values[2])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_bytes_overlay")
      .boxed({blob, blob, integer}, blob,
             [](const auto& values, auto&) {
               const auto& with = bytes_of(values[1]);
               return blob_value(overlaid(bytes_of(values[0]), with, whole(values[2]),
                                          static_cast<std::int64_t>(with.size())));
             })
      .boxed({blob, blob, integer, integer}, blob,
             [](const auto& values, auto&) {
               return blob_value(
                   overlaid(bytes_of(values[0]), bytes_of(values[1]), whole(values[2]), whole(values[3])));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_convert_to")
      .boxed({text, text}, blob,
             [](const auto& values, auto&) {
               require_utf8(text_of(values[1]), "destination");
               return blob_value(text_of(values[0]));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_convert_from")
      .boxed({blob, text}, text,
             [](const auto& values, auto&) {
               require_utf8(text_of(values[1]), "source");
               check_utf8(bytes_of(values[0]));
               return text_value(bytes_of(values[0]));
             })
      .replace_in(catalog);
}

}  // namespace tickstone::duck
