// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/database_manager.hpp>

#include "types/column.hpp"
#include "types/sql_type.hpp"

namespace tickstone::engine {
class Database;
}

namespace tickstone::market {

struct ResultColumn {
  std::string name;
  SqlType type;
};

/// Where a query's rows go. `on_columns` comes once, before rows, where the statement gives any; both may be
/// empty.
struct RowHandler {
  std::function<void(const std::vector<ResultColumn>&)> on_columns;
  std::function<void(Batch&&)> on_rows;
};

/// One result of a script, as text. Rows are `columns.size()` fields each.
struct TextResult {
  std::vector<ResultColumn> columns;  // empty: no rows, only a tag
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;
};

/// One conversation with a database, in this process or behind libpq.
///
/// Errors: `Error` with the SQLSTATE of whoever answers. Threads: one at a time; `cancel` from any.
class Connection {
 public:
  virtual ~Connection() = default;

  /// One statement, with `$1`. Returns its command tag. Repeated texts are prepared once.
  virtual std::string query(std::string_view sql, const Parameters& parameters,
                            const RowHandler& handler) = 0;
  /// Statements separated by semicolons, in one implicit transaction where there is no block. What COPY TO
  /// STDOUT sends goes to `on_copy_data`; it is a result of one column where that is empty.
  virtual void run_script(const std::string& sql, const std::function<void(const TextResult&)>& on_result,
                          const std::function<void(std::string_view)>& on_copy_data = {}) = 0;
  /// `COPY ... FROM STDIN`: `next` replaces the chunk and returns false at the end. Returns the command tag.
  virtual std::string copy_in(const std::string& statement,
                              const std::function<bool(std::string&)>& next) = 0;
  /// `COPY ... TO STDOUT`. Returns the command tag.
  virtual std::string copy_out(const std::string& statement,
                               const std::function<void(std::string_view)>& on_data) = 0;

  /// False once whoever answers is gone: no statement can be sent any more.
  virtual bool is_open() = 0;
  /// In a transaction block, failed or not.
  virtual bool in_transaction() const = 0;
  virtual void cancel() = 0;

  std::string query(std::string_view sql, const Parameters& parameters = {}) {
    return query(sql, parameters, {});
  }
};

/// What connections are opened to.
///
/// Threads: any. Lifetime: as long as its connections.
class ConnectionSource {
 public:
  virtual ~ConnectionSource() = default;
  virtual std::unique_ptr<Connection> connect() = 0;
  virtual Home home() const = 0;
  /// `15.8 (Tickstone 0.1.0)`.
  virtual std::string server_version() const = 0;
};

/// Whether an address names a directory.
bool is_directory_address(std::string_view address);

/// Opens a directory, or tries a server and finds out what it is; `address` as DatabaseManager takes it.
std::shared_ptr<ConnectionSource> open_source(const std::string& address, const ManagerOptions& options);
std::shared_ptr<ConnectionSource> open_embedded_source(const std::string& directory,
                                                       const ManagerOptions& options);
/// Over a database that is open already.
std::shared_ptr<ConnectionSource> make_embedded_source(std::shared_ptr<engine::Database> database,
                                                       const ManagerOptions& options);
std::shared_ptr<ConnectionSource> open_postgres_source(const std::string& conninfo,
                                                       const ManagerOptions& options);

/// The number at the end of a command tag: 12 of `INSERT 0 12`; 0 where it has none.
std::uint64_t rows_of_tag(std::string_view tag);

/// `"a ""name"""`.
std::string quote_name(std::string_view name);
/// `'it''s'`.
std::string quote_literal(std::string_view text);

}  // namespace tickstone::market
