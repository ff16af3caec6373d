// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

#include "pgwire/value_format.hpp"
#include "types/sql_type.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::pgwire {

struct FieldDescription {
  std::string_view name;
  SqlType type;
  std::uint32_t table_oid = 0;
  std::int16_t column_number = 0;
  ValueFormat format = ValueFormat::Text;
};

struct NoticeFields {
  std::string_view severity;
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
  std::string_view hint;
};

/// Appends a server's messages to a buffer. Lifetime: the buffer outlives the writer.
class BackendWriter {
 public:
  explicit BackendWriter(std::string& out) : out_(out) {}

  /// Of all text from now on; nullptr: UTF-8. What it has no character for is sent as `?`.
  void set_encoding(const TextEncoding* encoding) { encoding_ = encoding; }

  void authentication_ok();
  void authentication_sasl(std::span<const std::string_view> mechanisms);
  void authentication_sasl_continue(std::string_view data);
  void authentication_sasl_final(std::string_view data);
  void authentication_cleartext();
  void negotiate_protocol_version(std::int32_t newest_minor, std::span<const std::string> unknown_options);
  void backend_key_data(std::int32_t pid, std::int32_t secret);
  void parameter_status(std::string_view name, std::string_view value);
  void ready_for_query(char transaction_status);

  void row_description(std::span<const FieldDescription> fields);
  void parameter_description(std::span<const SqlType> types);
  void no_data() { append_empty('n'); }
  void parse_complete() { append_empty('1'); }
  void bind_complete() { append_empty('2'); }
  void close_complete() { append_empty('3'); }
  void portal_suspended() { append_empty('s'); }
  void empty_query_response() { append_empty('I'); }
  void command_complete(std::string_view tag);

  void copy_in_response(ValueFormat format, std::size_t column_count) {
    append_copy('G', format, column_count);
  }
  void copy_out_response(ValueFormat format, std::size_t column_count) {
    append_copy('H', format, column_count);
  }
  void copy_data(std::string_view bytes);
  void copy_done() { append_empty('c'); }

  /// `severity`: ERROR, FATAL or PANIC. Text that is not UTF-8 (it may quote input) is made so.
  void error_response(const Error& error, std::string_view severity = "ERROR");
  void notice_response(const NoticeFields& notice);
  void notification_response(std::int32_t pid, std::string_view channel, std::string_view payload);

 private:
  class Message;
  void append_empty(char type);
  void append_copy(char type, ValueFormat format, std::size_t column_count);

  std::string& out_;
  const TextEncoding* encoding_ = nullptr;
};

}  // namespace tickstone::pgwire
