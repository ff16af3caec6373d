// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone::client {

/// One result of a statement, as text. Rows are `columns.size()` fields each.
struct Result {
  struct ResultColumn {
    std::string name;
    std::uint32_t type_oid = 0;
  };
  std::vector<ResultColumn> columns;  // empty: the statement returns no rows
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;
};

/// A libpq connection to any PostgreSQL-speaking server.
///
/// Errors: ConnectionFailure (08006), and whatever the server says, with its SQLSTATE, detail, hint and
/// position. Threads: one at a time.
class Connection {
 public:
  /// `postgresql://user:password@host:port/database`, or a libpq conninfo string.
  explicit Connection(const std::string& conninfo);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void set_notice_handler(std::function<void(const std::string& text)> on_notice);
  /// All statements of `sql`; each result is given away once it is complete.
  void execute(const std::string& sql, const std::function<void(const Result&)>& on_result);
  /// COPY ... FROM STDIN: `next` fills a chunk and returns false at the end. Returns the command tag.
  std::string copy_in(const std::string& copy_statement, const std::function<bool(std::string& chunk)>& next);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone::client
