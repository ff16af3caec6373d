// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tickstone/error.hpp>

#include "types/value.hpp"

namespace tickstone::engine {

class SessionContext;

/// One call of a client's, for the server's log, in PostgreSQL's words: what it is (log_statement), how long
/// it took (log_min_duration_statement, log_duration) and its error (log_min_messages). Passwords are hidden.
class LoggedCall {
 public:
  enum class Kind : std::uint8_t { SimpleQuery, Parse, Bind, Execute, ExecuteFetch, Other };
  /// What is logged of it. Lifetime: that of the call.
  struct Subject {
    Kind kind = Kind::Other;
    std::string_view text;
    std::string_view statement, portal;  // names
    std::span<const Value> parameters;
  };

  /// Logs the statement where log_statement asks for it.
  LoggedCall(const SessionContext& context, const Subject& subject);
  /// Logs the duration, unless it failed.
  ~LoggedCall();
  LoggedCall(const LoggedCall&) = delete;
  LoggedCall& operator=(const LoggedCall&) = delete;

  /// `part`: the statement of the text that failed, where there are several; the error's position is in it.
  void failed(const Error& error, std::string_view part = {});

 private:
  void write(std::string_view message) const;
  std::string what() const;
  std::string parameters() const;

  const SessionContext& context_;
  const Subject subject_;
  std::int64_t started_ns_ = 0;
  bool is_logged_ = false;
  bool has_failed_ = false;
};

}  // namespace tickstone::engine
