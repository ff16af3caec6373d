// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tls_use.hpp"
#include "engine/result_sink.hpp"
#include "types/value.hpp"

namespace tickstone::engine {

/// ReadyForQuery's byte.
enum class TransactionStatus : char { Idle = 'I', InBlock = 'T', Failed = 'E' };

/// Why the database ends a session that its client did not end.
enum class SessionEnd : std::uint8_t { IdleInTransaction, Terminated };

struct SessionOptions {
  std::string user;
  std::string database;
  std::string application_name;
  std::string client_address;  // empty: embedded or Unix socket
  std::int32_t client_port = -1;
  TlsUse tls;
  bool is_job = false;   // runs a job, without a client
  std::int32_t pid = 0;  // what pg_backend_pid() shows and a cancel request names
  std::vector<std::pair<std::string, std::string>> settings;  // of the startup packet
  /// Has the session ended by whoever serves it; from any thread. Without it sessions are not ended.
  std::function<void(SessionEnd)> end_session;
  /// Called when a notification has come for the session; from any thread, and may not call the session.
  std::function<void()> notified;
};

/// What NOTIFY sent to a channel that the session listens on.
struct Notification {
  std::int32_t pid = 0;  // whose session sent it
  std::string channel, payload;
};

struct StatementDescription {
  std::vector<SqlType> parameter_types;
  std::optional<std::vector<ResultColumn>> columns;  // nothing: the statement returns no rows
};

/// One client's conversation with the database: simple and extended protocol, transaction block, settings.
///
/// Errors: every call throws `Error` with what went wrong; the session stays usable (inside a block it is
/// then Failed) unless `damage()` says Session. Threads: one at a time; `cancel` from any. Destroying a
/// session rolls back, closes everything and removes its temporary tables.
class Session {
 public:
  virtual ~Session() = default;

  /// All statements of a simple query, in an implicit transaction where there is no block.
  virtual void execute_simple(std::string_view sql, ResultSink& sink) = 0;
  /// The same for a query whose text differs from an earlier one's by literals alone, so that the session can
  /// have a plan of both. False for any other text, and in a failed block: nothing has been done then but to
  /// remember what the text looks like.
  virtual bool execute_known(std::string_view sql, ResultSink& sink) = 0;

  // The extended protocol. An empty name is the unnamed statement or portal.
  virtual void parse(const std::string& statement, std::string_view sql,
                     const std::vector<std::uint32_t>& parameter_oids) = 0;
  virtual StatementDescription describe_statement(const std::string& statement) = 0;
  virtual void bind(const std::string& portal, const std::string& statement,
                    std::vector<Value> parameters) = 0;
  virtual std::optional<std::vector<ResultColumn>> describe_portal(const std::string& portal) = 0;
  enum class ExecuteOutcome : std::uint8_t {
    Complete,
    Suspended
  };  // Suspended: max_rows sent, more to come; no command_complete was sent
  virtual ExecuteOutcome execute(const std::string& portal, std::uint64_t max_rows,
                                 ResultSink& sink) = 0;  // 0: all
  virtual void close_statement(const std::string& statement) = 0;
  virtual void close_portal(const std::string& portal) = 0;
  /// Ends the implicit transaction (commits, or rolls back after `failed`). Errors: those of the commit.
  virtual void sync(bool failed, ResultSink& sink) = 0;

  virtual TransactionStatus transaction_status() const = 0;
  /// Interrupts what runs now, if anything: QueryCanceled `canceling statement due to user request`.
  virtual void cancel() = 0;
  /// Settings that the protocol reports, changed since the last call (all of them at first).
  virtual std::vector<std::pair<std::string, std::string>> take_reported_settings() = 0;
  /// Whether the session listens on any channel.
  virtual bool is_listening() const = 0;
  /// Whether `take_notifications` would give any; cheap, and true from any thread's NOTIFY on.
  virtual bool has_notifications() const = 0;
  /// What has come by NOTIFY since the last call, in the order of the commits. To be shown between
  /// transactions.
  virtual std::vector<Notification> take_notifications() = 0;
  /// For text output: TimeZone, extra_float_digits, bytea_output.
  virtual const FormatContext& format_context() const = 0;
};

}  // namespace tickstone::engine
