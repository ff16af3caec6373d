// SPDX-License-Identifier: Apache-2.0
#include "pgwire/startup_packet.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "pgwire/message_reader.hpp"

namespace tickstone::pgwire {
namespace {

constexpr std::uint32_t kCancelCode = (1234U << 16) | 5678U;
constexpr std::uint32_t kSslCode = (1234U << 16) | 5679U;
constexpr std::uint32_t kGssCode = (1234U << 16) | 5680U;

[[noreturn]] void fail(ErrorCode code, const std::string& message) {
  throw Error(code, message).damaging(Damage::Session);
}

/// Words of a command line; a backslash takes the next character as it is.
std::vector<std::string> split_options(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_space = text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r');
    if (is_space) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    words.back().push_back(text[i]);
  }
  return words;
}

void add_setting(std::string_view assignment, StartupMessage& message) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    fail(ErrorCode::SyntaxError, "-c " + std::string(assignment) + " requires a value");
  }
  std::string name(assignment.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  message.settings.emplace_back(std::move(name), std::string(assignment.substr(equals + 1)));
}

void add_options(std::string_view text, StartupMessage& message) {
  const auto words = split_options(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "-c" && i + 1 < words.size()) {
      add_setting(words[++i], message);
    } else if (word.starts_with("-c") && word.size() > 2) {
      add_setting(word.substr(2), message);
    } else if (word.starts_with("--") && word.size() > 2) {
      add_setting(word.substr(2), message);
    } else {
      fail(ErrorCode::SyntaxError, "invalid command-line argument for server process: " + std::string(word));
    }
  }
}

StartupMessage read_startup_message(std::uint32_t version, MessageReader in) {
  const auto major = version >> 16;
  if (major != 3) {
    fail(ErrorCode::FeatureNotSupported, "unsupported frontend protocol " + std::to_string(major) + "." +
                                             std::to_string(version & 0xFFFF) +
                                             ": server supports 3.0 to 3.0");
  }
  StartupMessage message;
  message.minor_version = static_cast<std::uint16_t>(version & 0xFFFF);
  std::string options;
  for (;;) {
    if (in.at_end())
      fail(ErrorCode::ProtocolViolation, "invalid startup packet layout: expected terminator as last byte");
    const auto name = in.take_string();
    if (name.empty()) break;
    const auto value = in.take_string();
    if (name == "user") {
      message.user = value;
    } else if (name == "database") {
      message.database = value;
    } else if (name == "options") {
      options = value;
    } else if (name == "replication") {
      const bool is_off = value == "false" || value == "off" || value == "no" || value == "0";
      if (!is_off) fail(ErrorCode::FeatureNotSupported, "replication connections are not supported");
    } else if (name.starts_with("_pq_.")) {
      message.unknown_protocol_options.emplace_back(name);
    } else {
      message.settings.emplace_back(name, value);
    }
  }
  if (!in.at_end())
    fail(ErrorCode::ProtocolViolation, "invalid startup packet layout: expected terminator as last byte");
  if (message.user.empty()) {
    fail(ErrorCode::InvalidAuthorization, "no PostgreSQL user name specified in startup packet");
  }
  if (message.database.empty()) message.database = message.user;
  add_options(options, message);
  return message;
}

}  // namespace

StartupPacket read_startup_packet(std::string_view body) try {
  MessageReader in(body);
  const auto code = in.take<std::uint32_t>();
  switch (code) {
    case kSslCode:
      in.expect_end();
      return SslRequest{};
    case kGssCode:
      in.expect_end();
      return GssEncryptionRequest{};
    case kCancelCode: {
      CancelRequest request{};
      request.pid = in.take<std::int32_t>();
      request.secret = in.take<std::int32_t>();
      in.expect_end();
      return request;
    }
    default:
      return read_startup_message(code, in);
  }
} catch (Error& error) {
  error.damaging(Damage::Session);
  throw;
}

}  // namespace tickstone::pgwire
