// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pgwire/value_format.hpp"

namespace tickstone::pgwire {

// What a client's messages say. Lifetime: views into the frame's body. Errors of the readers:
// ProtocolViolation in PostgreSQL's words (`invalid message format`, ...); the connection goes on after it.

struct QueryMessage {
  std::string_view sql;
};

struct ParseMessage {
  std::string_view statement;
  std::string_view sql;
  std::vector<std::uint32_t> parameter_oids;  // 0: to be inferred
};

struct BindMessage {
  std::string_view portal;
  std::string_view statement;
  std::vector<ValueFormat> parameter_formats;  // none, one or one each
  std::vector<std::optional<std::string_view>> parameters;
  std::vector<ValueFormat> result_formats;  // none, one or one each

  ValueFormat parameter_format(std::size_t index) const {
    if (parameter_formats.empty()) return ValueFormat::Text;
    return parameter_formats.size() == 1 ? parameter_formats.front() : parameter_formats[index];
  }
};

/// Describe and Close.
struct TargetMessage {
  enum class Kind : char { Statement = 'S', Portal = 'P' };
  Kind kind;
  std::string_view name;
};

struct ExecuteMessage {
  std::string_view portal;
  std::uint64_t max_rows;  // 0: all
};

struct CopyFailMessage {
  std::string_view reason;
};

struct SaslInitialMessage {
  std::string_view mechanism;
  std::optional<std::string_view> response;
};

QueryMessage read_query(std::string_view body);
ParseMessage read_parse(std::string_view body);
BindMessage read_bind(std::string_view body);
TargetMessage read_describe(std::string_view body);
TargetMessage read_close(std::string_view body);
ExecuteMessage read_execute(std::string_view body);
CopyFailMessage read_copy_fail(std::string_view body);
SaslInitialMessage read_sasl_initial(std::string_view body);
/// Sync, Flush, CopyDone and Terminate carry nothing.
void expect_empty(std::string_view body);

}  // namespace tickstone::pgwire
