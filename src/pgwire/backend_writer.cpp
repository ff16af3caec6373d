// SPDX-License-Identifier: Apache-2.0
#include "pgwire/backend_writer.hpp"

#include "base/big_endian.hpp"

namespace tickstone::pgwire {
namespace {

/// Bytes of the UTF-8 character that `text` starts with; 0 where it is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const auto first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF && continues(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && continues(1) && continues(2)) {
    const bool is_overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool is_surrogate = first == 0xED && byte(1) >= 0xA0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    const bool is_overlong = first == 0xF0 && byte(1) < 0x90;
    const bool is_beyond = first == 0xF4 && byte(1) >= 0x90;
    return is_overlong || is_beyond ? 0 : 4;
  }
  return 0;
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// `void a::b::f(int)` is `f`, and so is `void a::(anonymous namespace)::f(int)`, as Clang writes it.
std::string_view function_name(std::string_view signature) {
  constexpr std::string_view kNameless = "(anonymous namespace)";
  auto parameters = signature.find('(');
  while (parameters != std::string_view::npos && signature.substr(parameters).starts_with(kNameless))
    parameters = signature.find('(', parameters + kNameless.size());
  signature = signature.substr(0, parameters);
  const auto before = signature.find_last_of(" :");
  return before == std::string_view::npos ? signature : signature.substr(before + 1);
}

}  // namespace

/// One message in the making; its length is filled in at the end.
class BackendWriter::Message {
 public:
  Message(std::string& out, char type, const TextEncoding* encoding = nullptr)
      : out_(out), encoding_(encoding), length_at_(out.size() + 1) {
    out_.push_back(type);
    out_.append(4, '\0');
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() {
    store_big_endian(out_.data() + length_at_, static_cast<std::int32_t>(out_.size() - length_at_));
  }

  template <typename T>
  Message& put(T value) {
    append_big_endian(out_, value);
    return *this;
  }
  Message& bytes(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }
  Message& string(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    if (encoding_ == nullptr) {
      out_.append(text);
    } else {
      characters(text);
    }
    out_.push_back('\0');
    return *this;
  }
  /// A field of ErrorResponse, left out when empty.
  Message& field(char code, std::string_view text) {
    if (text.empty()) return *this;
    out_.push_back(code);
    characters(text);
    out_.push_back('\0');
    return *this;
  }

 private:
  /// What is no character, or none of the encoding, becomes a question mark.
  void characters(std::string_view text) {
    while (!text.empty()) {
      const auto size = character_size(text);
      if (size == 0) {
        out_.push_back('?');
      } else if (encoding_ == nullptr || size == 1) {
        out_.append(text.substr(0, size));
      } else {
        out_.push_back(encoding_->find_byte(text.substr(0, size)).value_or('?'));
      }
      text.remove_prefix(size == 0 ? 1 : size);
    }
  }

  std::string& out_;
  const TextEncoding* encoding_;
  std::size_t length_at_;
};

void BackendWriter::append_empty(char type) { Message(out_, type); }

void BackendWriter::authentication_ok() { Message(out_, 'R').put(std::int32_t{0}); }

void BackendWriter::authentication_cleartext() { Message(out_, 'R').put(std::int32_t{3}); }

void BackendWriter::authentication_sasl(std::span<const std::string_view> mechanisms) {
  Message message(out_, 'R');
  message.put(std::int32_t{10});
  for (const auto mechanism : mechanisms) message.string(mechanism);
  message.string("");
}

void BackendWriter::authentication_sasl_continue(std::string_view data) {
  Message(out_, 'R').put(std::int32_t{11}).bytes(data);
}

void BackendWriter::authentication_sasl_final(std::string_view data) {
  Message(out_, 'R').put(std::int32_t{12}).bytes(data);
}

void BackendWriter::negotiate_protocol_version(std::int32_t newest_minor,
                                               std::span<const std::string> unknown_options) {
  Message message(out_, 'v');
  message.put(newest_minor).put(static_cast<std::int32_t>(unknown_options.size()));
  for (const auto& option : unknown_options) message.string(option);
}

void BackendWriter::backend_key_data(std::int32_t pid, std::int32_t secret) {
  Message(out_, 'K').put(pid).put(secret);
}

void BackendWriter::parameter_status(std::string_view name, std::string_view value) {
  Message(out_, 'S', encoding_).string(name).string(value);
}

void BackendWriter::ready_for_query(char transaction_status) { Message(out_, 'Z').put(transaction_status); }

void BackendWriter::row_description(std::span<const FieldDescription> fields) {
  Message message(out_, 'T', encoding_);
  message.put(static_cast<std::int16_t>(fields.size()));
  for (const auto& field : fields) {
    // table, column, type, its length and modifier, format
    char numbers[18];
    store_big_endian(numbers, std::uint32_t{field.table_oid});
    store_big_endian(numbers + 4, std::int16_t{field.column_number});
    store_big_endian(numbers + 6, std::uint32_t{oid_of(field.type)});
    store_big_endian(numbers + 10, std::int16_t{typlen_of(field.type)});
    store_big_endian(numbers + 12, std::int32_t{typmod_of(field.type)});
    store_big_endian(numbers + 16, static_cast<std::int16_t>(field.format));
    message.string(field.name).bytes({numbers, sizeof(numbers)});
  }
}

void BackendWriter::parameter_description(std::span<const SqlType> types) {
  Message message(out_, 't');
  message.put(static_cast<std::int16_t>(types.size()));
  for (const auto& type : types) message.put(oid_of(type));
}

void BackendWriter::command_complete(std::string_view tag) { Message(out_, 'C').string(tag); }

void BackendWriter::append_copy(char type, ValueFormat format, std::size_t column_count) {
  Message message(out_, type);
  message.put(static_cast<std::int8_t>(format)).put(static_cast<std::int16_t>(column_count));
  for (std::size_t i = 0; i < column_count; ++i) message.put(static_cast<std::int16_t>(format));
}

void BackendWriter::copy_data(std::string_view bytes) { Message(out_, 'd').bytes(bytes); }

void BackendWriter::error_response(const Error& error, std::string_view severity) {
  Message message(out_, 'E', encoding_);
  message.field('S', severity)
      .field('V', severity)
      .field('C', sqlstate(error.code()))
      .field('M', error.what());
  message.field('D', error.detail()).field('H', error.hint());
  if (const auto position = error.position()) message.field('P', std::to_string(*position));
  message.field('W', error.context());
  if (!error.table_name().empty() || !error.constraint_name().empty())
    message.field('s', error.schema_name());
  message.field('t', error.table_name()).field('c', error.column_name()).field('n', error.constraint_name());
  message.field('F', base_name(error.where().file_name())).field('L', std::to_string(error.where().line()));
  message.field('R', function_name(error.where().function_name()));
  message.put('\0');
}

void BackendWriter::notice_response(const NoticeFields& notice) {
  Message message(out_, 'N', encoding_);
  message.field('S', notice.severity).field('V', notice.severity).field('C', notice.sqlstate);
  message.field('M', notice.message).field('D', notice.detail).field('H', notice.hint);
  message.put('\0');
}

void BackendWriter::notification_response(std::int32_t pid, std::string_view channel,
                                          std::string_view payload) {
  Message(out_, 'A', encoding_).put(pid).string(channel).string(payload);
}

}  // namespace tickstone::pgwire
