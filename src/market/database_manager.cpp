// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <mutex>

#include <tickstone/database_manager.hpp>
#include <tickstone/error.hpp>

#include "market/connection.hpp"
#include "market/connection_pool.hpp"
#include "market/data_frame_content.hpp"
#include "market/retry.hpp"

namespace tickstone {
namespace {

using market::Backoff;
using market::Connection;
using market::ConnectionPool;

constexpr std::string_view kGuideAddress = "postgresql://inavvi_user@localhost:5433/inavvi";

std::string default_address() {
  const char* address = std::getenv("TICKSTONE_URL");
  return address == nullptr || *address == 0 ? std::string(kGuideAddress) : address;
}

/// A statement that can be sent twice: it starts with the word of a query (WITH may hold a change).
bool is_query(std::string_view sql) {
  const auto start = sql.find_first_not_of(" \t\r\n(");
  if (start == std::string_view::npos) return false;
  std::string word;
  for (const char c : sql.substr(start)) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word == "select" || word == "values" || word == "table" || word == "show";
}

/// Runs one statement on `connection`. `given`: how many parts went away, also where it throws.
std::uint64_t run_statement(Connection& connection, std::string_view sql, const Parameters& parameters,
                            const std::function<void(const DataFrame&)>& on_part, std::size_t& given) {
  market::RowHandler handler;
  std::vector<market::ResultColumn> columns;
  std::uint64_t rows = 0;
  bool has_columns = false;
  handler.on_columns = [&](const std::vector<market::ResultColumn>& described) {
    columns = described;
    has_columns = true;
  };
  handler.on_rows = [&](Batch&& batch) {
    rows += batch.row_count();
    if (!on_part) return;
    ++given;
    on_part(market::make_data_frame(columns, std::move(batch)));
  };
  const std::string tag = connection.query(sql, parameters, handler);
  if (on_part && has_columns && given == 0)
    on_part(market::make_data_frame(columns, market::empty_batch(columns)));
  return rows > 0 ? rows : market::rows_of_tag(tag);
}

/// Statements of one transaction on one connection.
class Transaction final : public Executor {
 public:
  Transaction(Connection& connection, Home home) : connection_(connection), home_(home) {}

  Home home() const override { return home_; }
  std::uint64_t copy_in(std::string_view statement, const std::function<bool(std::string&)>& next) override {
    return market::rows_of_tag(connection_.copy_in(std::string(statement), next));
  }
  void copy_out(std::string_view statement, const std::function<void(std::string_view)>& on_data) override {
    connection_.copy_out(std::string(statement), on_data);
  }

  void in_transaction(const std::function<void(Executor&)>& work, bool /*is_idempotent*/) override {
    const std::string name = "tickstone_" + std::to_string(++savepoints_);
    connection_.query("SAVEPOINT " + name);
    try {
      work(*this);
    } catch (...) {
      if (connection_.is_open()) {
        connection_.query("ROLLBACK TO SAVEPOINT " + name);
        connection_.query("RELEASE SAVEPOINT " + name);
      }
      --savepoints_;
      throw;
    }
    connection_.query("RELEASE SAVEPOINT " + name);
    --savepoints_;
  }
  void in_snapshot(const std::function<void(Executor&)>& work) override { work(*this); }

 private:
  std::uint64_t run(std::string_view sql, const Parameters& parameters, const OnPart& on_part,
                    bool /*is_idempotent*/) override {
    std::size_t given = 0;
    return run_statement(connection_, sql, parameters, on_part, given);
  }

  Connection& connection_;
  const Home home_;
  int savepoints_ = 0;
};

Error unknown_outcome(const Error& error, const char* what) {
  return Error(
      ErrorCode::ConnectionFailure, error.message(),
      "The connection was lost before the answer: whether the " + std::string(what) +
          " was carried out is not known.",
      "Look, or use what repeats by itself: execute_idempotent, or in_transaction with is_idempotent.");
}

}  // namespace

std::string_view to_string(Home home) {
  switch (home) {
    case Home::Embedded:
      return "embedded";
    case Home::Tickstone:
      return "tickstone";
    case Home::TimescaleDb:
      return "timescaledb";
    case Home::PostgreSql:
      return "postgresql";
  }
  return "unknown";
}

DataFrame Executor::get_dataframe(std::string_view sql, const Parameters& parameters) {
  std::vector<market::ResultColumn> columns;
  Batch all;
  const auto gather = [&](const DataFrame& part) {
    const auto& content = part.content();
    if (all.columns.empty()) {
      for (std::size_t c = 0; c < content.infos.size(); ++c)
        columns.push_back({content.infos[c].name, content.types[c]});
      all = content.batch;
      return;
    }
    for (std::size_t c = 0; c < all.columns.size(); ++c)
      all.columns[c].append_all(content.batch.columns[c].view());
  };
  run(sql, parameters, gather, is_query(sql));
  return market::make_data_frame(columns, std::move(all));
}

void Executor::stream(std::string_view sql, const Parameters& parameters, const OnPart& on_part) {
  run(sql, parameters, on_part, is_query(sql));
}

struct DatabaseManager::Impl {
  Impl(const std::string& address, ManagerOptions given)
      : options(std::move(given)),
        source(market::open_source(address, options)),
        home(source->home()),
        version(source->server_version()),
        pool([this] { return open_connection(); }, options.pool_size, options.acquire_timeout) {}

  std::unique_ptr<Connection> open_connection() {
    std::shared_ptr<market::ConnectionSource> held;
    {
      const std::lock_guard lock(source_mutex);
      held = source;
    }
    if (!held) throw Error(ErrorCode::ConnectionFailure, "the database manager is closed");
    return held->connect();
  }

  /// A connection, waited for while the server is away.
  ConnectionPool::Lease acquire(Backoff& backoff) {
    while (true) {
      try {
        return pool.acquire();
      } catch (const Error& error) {
        if (!market::is_connection_loss(error) || is_closed || !backoff.wait()) throw;
      }
    }
  }

  /// One transaction that `begin` starts, again from there where that is safe.
  void transact(const char* begin, const std::function<void(Executor&)>& work, bool is_idempotent);

  const ManagerOptions options;
  std::mutex source_mutex;
  std::shared_ptr<market::ConnectionSource> source;  // none once closed
  const Home home;
  const std::string version;
  std::atomic<bool> is_closed = false;
  ConnectionPool pool;
};

DatabaseManager::DatabaseManager() : DatabaseManager(default_address()) {}
DatabaseManager::DatabaseManager(const std::string& address, ManagerOptions options)
    : impl_(std::make_unique<Impl>(address, std::move(options))) {}
DatabaseManager::~DatabaseManager() = default;

Home DatabaseManager::home() const { return impl_->home; }
std::string DatabaseManager::server_version() const { return impl_->version; }

std::uint64_t DatabaseManager::run(std::string_view sql, const Parameters& parameters, const OnPart& on_part,
                                   bool is_idempotent) {
  Backoff backoff(impl_->options.retry);
  while (true) {
    const auto lease = impl_->acquire(backoff);
    std::size_t given = 0;
    try {
      return run_statement(*lease, sql, parameters, on_part, given);
    } catch (const Error& error) {
      const bool is_lost = market::is_connection_loss(error) || !lease->is_open();
      if (!is_lost && !market::is_conflict(error)) throw;
      if (is_lost && !is_idempotent) throw unknown_outcome(error, "statement");
      if (given > 0 || !backoff.wait()) throw;
    }
  }
}

std::uint64_t DatabaseManager::copy_in(std::string_view statement,
                                       const std::function<bool(std::string&)>& next) {
  Backoff backoff(impl_->options.retry);
  const auto lease = impl_->acquire(backoff);
  return market::rows_of_tag(lease->copy_in(std::string(statement), next));
}

void DatabaseManager::copy_out(std::string_view statement,
                               const std::function<void(std::string_view)>& on_data) {
  Backoff backoff(impl_->options.retry);
  const auto lease = impl_->acquire(backoff);
  lease->copy_out(std::string(statement), on_data);
}

void DatabaseManager::Impl::transact(const char* begin, const std::function<void(Executor&)>& work,
                                     bool is_idempotent) {
  Backoff backoff(options.retry);
  while (true) {
    const auto lease = acquire(backoff);  // gives it back rolled back
    bool is_committing = false;
    try {
      lease->query(begin);
      Transaction transaction(*lease, home);
      work(transaction);
      is_committing = true;
      if (lease->query("COMMIT") == "ROLLBACK") {
        throw Error(ErrorCode::InFailedSqlTransaction, "the transaction was rolled back, not committed",
                    "A statement of it had failed, and its error was not passed on.");
      }
      return;
    } catch (const Error& error) {
      const bool is_lost = market::is_connection_loss(error) || !lease->is_open();
      if (!is_lost && !market::is_conflict(error)) throw;
      if (is_lost && is_committing && !is_idempotent) throw unknown_outcome(error, "transaction");
      if (!backoff.wait()) throw;
    }
  }
}

void DatabaseManager::in_transaction(const std::function<void(Executor&)>& work, bool is_idempotent) {
  impl_->transact("BEGIN", work, is_idempotent);
}

void DatabaseManager::in_snapshot(const std::function<void(Executor&)>& work) {
  impl_->transact("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work, true);
}

void DatabaseManager::cancel() { impl_->pool.cancel_all(); }

void DatabaseManager::close() {
  impl_->is_closed = true;
  impl_->pool.close();
  const std::lock_guard lock(impl_->source_mutex);
  impl_->source.reset();
}

}  // namespace tickstone
