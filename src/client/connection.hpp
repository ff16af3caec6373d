// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/column.hpp"
#include "types/sql_type.hpp"

namespace tickstone::client {

struct ResultColumn {
  std::string name;
  SqlType type;  // Text where the server's type is not one of ours
};

/// One result of a script, as text. Rows are `columns.size()` fields each.
struct Result {
  std::vector<ResultColumn> columns;  // empty: the statement returns no rows
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;
};

/// Where a query's rows go. `on_columns` is called once, before rows; both may be empty.
struct RowHandler {
  std::function<void(const std::vector<ResultColumn>&)> on_columns;
  std::function<void(Batch&&)> on_rows;
};

struct ConnectionOptions {
  std::string conninfo;                          // postgresql:// or libpq's `host=... dbname=...`
  std::string application_name;                  // where conninfo names none
  std::chrono::milliseconds connect_timeout{0};  // of each host, where conninfo names none; 0: none
  std::chrono::milliseconds statement_timeout{0};
};

/// A libpq connection to any PostgreSQL-speaking server.
///
/// Errors: ConnectionFailure (08006), and whatever the server says, with its SQLSTATE, detail, hint and
/// position. Threads: one at a time; `cancel` from any.
class Connection {
 public:
  /// Several hosts are tried in turn, each with its own time-out, until one fits target_session_attrs.
  explicit Connection(const ConnectionOptions& options);
  explicit Connection(const std::string& conninfo) : Connection(ConnectionOptions{conninfo, {}, {}, {}}) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void set_notice_handler(std::function<void(const std::string& text)> on_notice);
  /// All statements of `sql`; each result is given away once it is complete. What COPY TO STDOUT sends goes
  /// to `on_copy_data`; it is a result of one column where that is empty.
  void execute(const std::string& sql, const std::function<void(const Result&)>& on_result,
               const std::function<void(std::string_view)>& on_copy_data = {});
  /// One statement, prepared when it is first seen, with `$1` as texts of the types that the server infers.
  /// Rows come typed, some thousand at a time. Returns the command tag.
  std::string query(std::string_view sql, std::span<const std::optional<std::string>> parameters,
                    const RowHandler& handler);
  /// COPY ... FROM STDIN: `next` fills a chunk and returns false at the end. Returns the command tag.
  std::string copy_in(const std::string& copy_statement, const std::function<bool(std::string& chunk)>& next);
  /// COPY ... TO STDOUT: the bytes, a row or more at a time. Returns the command tag.
  std::string copy_out(const std::string& copy_statement,
                       const std::function<void(std::string_view)>& on_data);

  /// False once the server has ended the connection; one that went away silently shows only at the next
  /// statement.
  bool is_open();
  /// In a block, failed or not.
  bool in_transaction() const;
  /// Asks the server to interrupt what runs; what it does about it shows there.
  void cancel();
  /// `host:port` or the socket's path.
  std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone::client
