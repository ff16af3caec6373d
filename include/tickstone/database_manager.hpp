// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <tickstone/data_frame.hpp>
#include <tickstone/parameter.hpp>

namespace tickstone {

/// What a DatabaseManager has found behind its address.
enum class Home : std::uint8_t { Embedded, Tickstone, TimescaleDb, PostgreSql };
/// `embedded`, `tickstone`, `timescaledb`, `postgresql`.
std::string_view to_string(Home home);

/// What runs statements: a DatabaseManager (each statement a transaction of its own) or a Transaction of it.
/// Every function of the stores takes one.
///
/// Errors: `Error` with the server's SQLSTATE; ConnectionFailure (08006) where the connection is lost and
/// could not be made again.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual Home home() const = 0;

  /// One statement. Returns the number of rows that it changed or returned.
  std::uint64_t execute(std::string_view sql, const Parameters& parameters = {}) {
    return run(sql, parameters, {}, false);
  }
  /// As `execute`, of a statement that does no harm when it is done twice: it is sent again when the
  /// connection is lost before its end is known.
  std::uint64_t execute_idempotent(std::string_view sql, const Parameters& parameters = {}) {
    return run(sql, parameters, {}, true);
  }
  /// The rows of a query, typed. Cost: all of them in memory; `stream` gives them in parts.
  DataFrame get_dataframe(std::string_view sql, const Parameters& parameters = {});
  /// Gives the rows away in parts of some thousand, as they come. `on_part` must not use this executor. A
  /// query whose connection is lost is sent again only while no part has been given away.
  void stream(std::string_view sql, const Parameters& parameters,
              const std::function<void(const DataFrame&)>& on_part);

  /// `COPY ... FROM STDIN`: `next` replaces the chunk and returns false at the end. Returns the rows loaded.
  virtual std::uint64_t copy_in(std::string_view statement,
                                const std::function<bool(std::string& chunk)>& next) = 0;
  /// `COPY ... TO STDOUT`.
  virtual void copy_out(std::string_view statement, const std::function<void(std::string_view)>& on_data) = 0;

  /// Runs `work` in a transaction and commits. Of a DatabaseManager: begins one, and runs `work` again from
  /// its start when it failed by 40001, 40P01 or a connection lost before the commit, so `work` should have
  /// no effects outside of the database. Within a Transaction: a savepoint, released at the end.
  ///
  /// `is_idempotent`: also again when the connection was lost during the commit, whose outcome nobody knows;
  /// otherwise that is ConnectionFailure with the hint to look. An exception of `work` rolls back and goes
  /// on.
  ///
  /// A statement of `work` that throws 40001 (serialization failure) or 40P01 (deadlock) has ended its
  /// transaction: let the error go through, and all of `work` is done again on a new one, with the waits of
  /// RetryPolicy. Errors: 40001 or 40P01 itself once the policy's time is over. Within a Transaction nothing
  /// is repeated, since what came before the savepoint is lost as well: the outermost call does it.
  virtual void in_transaction(const std::function<void(Executor&)>& work, bool is_idempotent) = 0;

  /// Runs `work`, which only reads, on one snapshot: all of its queries see the database as of one moment. Of
  /// a DatabaseManager: a transaction of its own at REPEATABLE READ, READ ONLY (a change is 25006), repeated
  /// as `in_transaction` does. Within a Transaction: in that, and what is seen is what it sees; at READ
  /// COMMITTED that is one moment a statement.
  virtual void in_snapshot(const std::function<void(Executor&)>& work) = 0;

 protected:
  using OnPart = std::function<void(const DataFrame&)>;
  /// Errors as `execute`. `on_part` may be empty; an empty part comes for a query without rows.
  virtual std::uint64_t run(std::string_view sql, const Parameters& parameters, const OnPart& on_part,
                            bool is_idempotent) = 0;
};

/// How lost connections and conflicts are met: the delay doubles from `first_delay` to `max_delay`, varied at
/// random by half; `for_at_most` in all.
struct RetryPolicy {
  std::chrono::milliseconds first_delay{20};
  std::chrono::milliseconds max_delay{2000};
  std::chrono::milliseconds for_at_most{30'000};  // 0: no second try
};

struct ManagerOptions {
  std::size_t pool_size = 8;                          // connections at most, opened when needed
  std::chrono::milliseconds acquire_timeout{30'000};  // wait for a connection that others hold
  std::chrono::milliseconds connect_timeout{10'000};  // of each host
  std::chrono::milliseconds statement_timeout{0};     // 0: none
  RetryPolicy retry;
  std::string application_name = "tickstone";
  std::function<void(const std::string&)> on_notice;  // NOTICE and WARNING, from any thread; empty: dropped

  // Of an embedded store alone.
  bool create_if_missing = true;
  std::size_t memory_bytes = 0;  // of open chunks, cache and queries together; 0: a quarter of the machine's
  bool runs_jobs = true;         // policies and aggregates are kept up while it is open
};

/// One database, wherever it lives: a directory opened in this process, a Tickstone server, TimescaleDB or
/// plain PostgreSQL. It keeps a pool of connections, opens lost ones again, and repeats what is safe to
/// repeat.
///
/// Addresses: `/var/lib/store`, `./store` or `file:store` is a directory;
/// `postgresql://user:password@host:port/db` or libpq's `host=... dbname=...` a server, which says itself
/// what it is. Several hosts
/// (`postgresql://a,b/db?target_session_attrs=read-write`) are tried in turn, at each reconnection.
///
/// Errors: of the constructor, ConnectionFailure (08006), InvalidPassword (28P01) and what the server says;
/// of a directory, those of the store (DataCorrupted XX001, ObjectInUse 55006 where another process has it
/// open). Threads: any, at once; each statement or transaction holds one connection while it runs.
class DatabaseManager final : public Executor {
 public:
  /// The address in TICKSTONE_URL, else the guide's: `postgresql://inavvi_user@localhost:5433/inavvi`, with
  /// the password of PGPASSWORD or the password file.
  DatabaseManager();
  explicit DatabaseManager(const std::string& address, ManagerOptions options = {});
  ~DatabaseManager() override;
  DatabaseManager(const DatabaseManager&) = delete;
  DatabaseManager& operator=(const DatabaseManager&) = delete;

  Home home() const override;
  /// `15.8 (Tickstone 0.1.0)`, as the server names its version.
  std::string server_version() const;

  std::uint64_t copy_in(std::string_view statement,
                        const std::function<bool(std::string& chunk)>& next) override;
  void copy_out(std::string_view statement, const std::function<void(std::string_view)>& on_data) override;
  void in_transaction(const std::function<void(Executor&)>& work, bool is_idempotent = false) override;
  void in_snapshot(const std::function<void(Executor&)>& work) override;

  /// `in_transaction` that returns what `work` returns.
  template <typename Work>
  auto transaction(Work&& work) {
    using Result = std::invoke_result_t<Work&, Executor&>;
    if constexpr (std::is_void_v<Result>) {
      in_transaction([&](Executor& executor) { work(executor); });
    } else {
      std::optional<Result> result;
      in_transaction([&](Executor& executor) { result.emplace(work(executor)); });
      return std::move(*result);
    }
  }

  /// Interrupts whatever runs now on any connection of this manager: those calls throw QueryCanceled (57014).
  void cancel();
  /// Ends all connections; an embedded store is closed once running statements are done. A call after it
  /// throws ConnectionFailure.
  void close();

 private:
  std::uint64_t run(std::string_view sql, const Parameters& parameters, const OnPart& on_part,
                    bool is_idempotent) override;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tickstone
