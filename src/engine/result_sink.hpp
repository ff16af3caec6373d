// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

#include "types/column.hpp"

namespace tickstone::engine {

struct ResultColumn {
  std::string name;
  SqlType type;
  std::uint32_t table_oid = 0;
  std::int16_t column_number = 0;
  bool is_binary = false;  // of a BINARY cursor: so it is sent to a client that asks for no format
};

struct Notice {
  std::string severity = "NOTICE";  // NOTICE, WARNING, INFO
  ErrorCode code = ErrorCode::SuccessfulCompletion;
  std::string message;
  std::string detail, hint;
};

/// Where a session's results go: the wire, a terminal, a test. Calls come in the order of the protocol, from
/// the session's thread.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  /// Before the rows of a statement that has some. Not called by the extended protocol's execute (it was
  /// described before).
  virtual void row_description(const std::vector<ResultColumn>& columns) = 0;
  virtual void rows(const Batch& batch) = 0;
  virtual void command_complete(std::string_view tag) = 0;
  virtual void empty_query() = 0;
  virtual void notice(const Notice& notice) = 0;

  /// COPY FROM STDIN: announce, then pull. `read_copy_data` replaces `chunk` and returns false at CopyDone.
  /// Errors: QueryCanceled for CopyFail
  /// ("COPY from stdin failed: ..."), ConnectionFailure when the client is gone.
  virtual void begin_copy_in(bool is_binary, std::size_t column_count) = 0;
  virtual bool read_copy_data(std::string& chunk) = 0;
  /// COPY TO STDOUT.
  virtual void begin_copy_out(bool is_binary, std::size_t column_count) = 0;
  virtual void copy_data(std::string_view bytes) = 0;
  virtual void end_copy_out() = 0;
};

}  // namespace tickstone::engine
