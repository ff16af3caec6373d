// SPDX-License-Identifier: Apache-2.0
#include "pgwire/frontend_message.hpp"

#include <string>

#include "pgwire/message_reader.hpp"

namespace tickstone::pgwire {
namespace {

/// A 16-bit count, unsigned as in PostgreSQL 14 and later; each of what it counts takes at least
/// `item_bytes`.
std::size_t take_count(MessageReader& in, std::size_t item_bytes) {
  const std::size_t count = in.take<std::uint16_t>();
  if (count * item_bytes > in.remaining()) {
    throw Error(ErrorCode::ProtocolViolation, "insufficient data left in message");
  }
  return count;
}

std::vector<ValueFormat> take_formats(MessageReader& in) {
  std::vector<ValueFormat> formats(take_count(in, 2));
  for (auto& format : formats) format = format_from_code(in.take<std::int16_t>());
  return formats;
}

TargetMessage read_target(std::string_view body, const char* message_name) {
  MessageReader in(body);
  const char kind = in.take<char>();
  const auto name = in.take_string();
  in.expect_end();
  if (kind != 'S' && kind != 'P') {
    throw Error(ErrorCode::ProtocolViolation, std::string("invalid ") + message_name + " message subtype " +
                                                  std::to_string(static_cast<unsigned char>(kind)));
  }
  return {static_cast<TargetMessage::Kind>(kind), name};
}

}  // namespace

QueryMessage read_query(std::string_view body) {
  MessageReader in(body);
  QueryMessage message{in.take_string()};
  in.expect_end();
  return message;
}

ParseMessage read_parse(std::string_view body) {
  MessageReader in(body);
  ParseMessage message;
  message.statement = in.take_string();
  message.sql = in.take_string();
  message.parameter_oids.resize(take_count(in, 4));
  for (auto& oid : message.parameter_oids) oid = in.take<std::uint32_t>();
  in.expect_end();
  return message;
}

BindMessage read_bind(std::string_view body) {
  MessageReader in(body);
  BindMessage message;
  message.portal = in.take_string();
  message.statement = in.take_string();
  message.parameter_formats = take_formats(in);
  const auto parameter_count = take_count(in, 4);
  if (message.parameter_formats.size() > 1 && message.parameter_formats.size() != parameter_count) {
    throw Error(ErrorCode::ProtocolViolation,
                "bind message has " + std::to_string(message.parameter_formats.size()) +
                    " parameter formats but " + std::to_string(parameter_count) + " parameters");
  }
  message.parameters.reserve(parameter_count);
  for (std::size_t i = 0; i < parameter_count; ++i) {
    const auto size = in.take<std::int32_t>();
    if (size < -1) throw Error(ErrorCode::ProtocolViolation, "invalid message format");
    if (size == -1) {
      message.parameters.emplace_back(std::nullopt);
    } else {
      message.parameters.emplace_back(in.take_bytes(static_cast<std::size_t>(size)));
    }
  }
  message.result_formats = take_formats(in);
  in.expect_end();
  return message;
}

TargetMessage read_describe(std::string_view body) { return read_target(body, "DESCRIBE"); }
TargetMessage read_close(std::string_view body) { return read_target(body, "CLOSE"); }

ExecuteMessage read_execute(std::string_view body) {
  MessageReader in(body);
  const auto portal = in.take_string();
  const auto max_rows = in.take<std::int32_t>();
  in.expect_end();
  return {portal, max_rows > 0 ? static_cast<std::uint64_t>(max_rows) : 0};
}

CopyFailMessage read_copy_fail(std::string_view body) {
  MessageReader in(body);
  CopyFailMessage message{in.take_string()};
  in.expect_end();
  return message;
}

SaslInitialMessage read_sasl_initial(std::string_view body) {
  MessageReader in(body);
  SaslInitialMessage message;
  message.mechanism = in.take_string();
  const auto size = in.take<std::int32_t>();
  if (size < -1) throw Error(ErrorCode::ProtocolViolation, "invalid message format");
  if (size >= 0) message.response = in.take_bytes(static_cast<std::size_t>(size));
  in.expect_end();
  return message;
}

void expect_empty(std::string_view body) { MessageReader(body).expect_end(); }

}  // namespace tickstone::pgwire
