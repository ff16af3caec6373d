// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"

#include <array>
#include <list>
#include <unordered_map>

#include <poll.h>

#include "client/connect.hpp"
#include "client/result_reader.hpp"

namespace tickstone::client {
namespace {

constexpr std::size_t kPreparedStatements = 256;

/// A statement that the server has prepared.
struct Prepared {
  std::string sql;
  std::string name;
  bool is_binary = false;
};

Result read_result(const PGresult* result) {
  Result read;
  read.tag = PQcmdStatus(const_cast<PGresult*>(result));
  read.columns = columns_of(result);
  const int columns = PQnfields(result), rows = PQntuples(result);
  read.rows.resize(static_cast<std::size_t>(rows));
  for (int r = 0; r < rows; ++r) {
    auto& row = read.rows[static_cast<std::size_t>(r)];
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0)
        row.emplace_back();
      else
        row.emplace_back(
            std::string(PQgetvalue(result, r, c), static_cast<std::size_t>(PQgetlength(result, r, c))));
    }
  }
  return read;
}

}  // namespace

struct Connection::Impl {
  ConnectionPointer connection;
  CancelPointer canceller;
  std::function<void(const std::string&)> on_notice;
  std::list<Prepared> prepared;  // latest used first
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> prepared_by_sql;
  std::uint64_t prepared_count = 0;

  [[noreturn]] void fail() const { throw Error(ErrorCode::ConnectionFailure, message_of(connection.get())); }

  /// Reads to the end of the command; throws the first error.
  std::string finish_command() {
    std::string tag;
    std::optional<Error> failure;
    while (const ResultPointer result{PQgetResult(connection.get())}) {
      switch (PQresultStatus(result.get())) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
          tag = PQcmdStatus(result.get());
          break;
        case PGRES_COPY_IN:
          PQputCopyEnd(connection.get(), "COPY FROM STDIN was not expected");
          break;
        default:
          if (!failure) failure = error_of(result.get(), connection.get());
      }
    }
    if (failure) throw *failure;
    return tag;
  }

  void drain() {
    while (const ResultPointer result{PQgetResult(connection.get())}) {
      if (PQresultStatus(result.get()) == PGRES_COPY_IN)
        PQputCopyEnd(connection.get(), "COPY FROM STDIN was not expected");
    }
  }

  /// Unlike `drain`, of a command that is not needed any more: a long answer is not waited for.
  void abandon() {
    if (PQtransactionStatus(connection.get()) == PQTRANS_ACTIVE && canceller) {
      std::array<char, 256> problem{};
      PQcancel(canceller.get(), problem.data(), static_cast<int>(problem.size()));
    }
    drain();
  }

  void forget(std::list<Prepared>::iterator at) {
    prepared_by_sql.erase(at->sql);
    prepared.erase(at);
  }

  const Prepared& prepare(std::string_view sql) {
    if (const auto found = prepared_by_sql.find(sql); found != prepared_by_sql.end()) {
      prepared.splice(prepared.begin(), prepared, found->second);
      return prepared.front();
    }
    if (prepared.size() >= kPreparedStatements) {
      const std::string name = prepared.back().name;
      forget(std::prev(prepared.end()));
      if (PQsendQuery(connection.get(), ("DEALLOCATE " + name).c_str()) == 0) fail();
      drain();  // one that DISCARD has removed already is no failure; in a failed block the next statement
                // says so
    }
    Prepared made{std::string(sql), "tickstone_" + std::to_string(++prepared_count), false};
    if (PQsendPrepare(connection.get(), made.name.c_str(), made.sql.c_str(), 0, nullptr) == 0) fail();
    finish_command();
    if (PQsendDescribePrepared(connection.get(), made.name.c_str()) == 0) fail();
    const ResultPointer described{PQgetResult(connection.get())};
    const bool is_described = PQresultStatus(described.get()) == PGRES_COMMAND_OK;
    std::optional<Error> failure;
    if (is_described) {
      made.is_binary = are_types_known(described.get());
    } else {
      failure = error_of(described.get(), connection.get());
    }
    drain();
    if (failure) throw *failure;
    prepared.push_front(std::move(made));
    prepared_by_sql[prepared.front().sql] = prepared.begin();
    return prepared.front();
  }

  std::string run(const Prepared& statement, std::span<const std::optional<std::string>> parameters,
                  const RowHandler& handler) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    if (PQsendQueryPrepared(connection.get(), statement.name.c_str(), static_cast<int>(values.size()),
                            values.data(), nullptr, nullptr, statement.is_binary ? 1 : 0) == 0)
      fail();
    PQsetSingleRowMode(connection.get());
    std::optional<ResultReader> reader;
    std::string tag;
    std::optional<Error> failure;
    try {
      while (const ResultPointer result{PQgetResult(connection.get())}) {
        switch (PQresultStatus(result.get())) {
          case PGRES_SINGLE_TUPLE:
          case PGRES_TUPLES_OK:
            if (!reader) {
              const auto columns = columns_of(result.get());
              if (handler.on_columns) handler.on_columns(columns);
              reader.emplace(columns, handler);
            }
            reader->add(result.get());
            tag = PQcmdStatus(result.get());
            break;
          case PGRES_COMMAND_OK:
            tag = PQcmdStatus(result.get());
            break;
          case PGRES_EMPTY_QUERY:
            break;
          case PGRES_COPY_IN:
            PQputCopyEnd(connection.get(), "COPY FROM STDIN needs copy_in");
            break;
          case PGRES_COPY_OUT:
            failure = Error(ErrorCode::FeatureNotSupported, "COPY TO STDOUT needs copy_out");
            while (true) {
              char* row = nullptr;
              const int size = PQgetCopyData(connection.get(), &row, 0);
              const MemoryPointer owned(row);
              if (size < 0) break;
            }
            break;
          default:
            if (!failure) failure = error_of(result.get(), connection.get());
        }
      }
      if (!failure && reader) reader->finish();
    } catch (...) {
      abandon();
      throw;
    }
    if (failure) throw *failure;
    return tag;
  }
};

Connection::Connection(const ConnectionOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->connection = client::connect(options);
  impl_->canceller.reset(PQgetCancel(impl_->connection.get()));
  PQsetNoticeProcessor(
      impl_->connection.get(),
      [](void* self, const char* text) {
        const auto* impl = static_cast<Impl*>(self);
        if (impl->on_notice) impl->on_notice(text);
      },
      impl_.get());
  if (options.statement_timeout.count() > 0) {
    const std::string set = "SET statement_timeout = " + std::to_string(options.statement_timeout.count());
    execute(set, [](const Result&) {});
  }
}

Connection::~Connection() = default;

void Connection::set_notice_handler(std::function<void(const std::string&)> on_notice) {
  impl_->on_notice = std::move(on_notice);
}

void Connection::execute(const std::string& sql, const std::function<void(const Result&)>& on_result,
                         const std::function<void(std::string_view)>& on_copy_data) {
  PGconn* connection = impl_->connection.get();
  if (PQsendQuery(connection, sql.c_str()) == 0) impl_->fail();
  std::optional<Error> failure;
  std::optional<Result> copied;
  try {
    while (const ResultPointer result{PQgetResult(connection)}) {
      switch (PQresultStatus(result.get())) {
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
          if (copied) {
            copied->tag = PQcmdStatus(result.get());
            if (!failure) on_result(*copied);
            copied.reset();
          } else if (!failure) {
            on_result(read_result(result.get()));
          }
          break;
        case PGRES_EMPTY_QUERY:
          break;
        case PGRES_COPY_IN:
          PQputCopyEnd(connection, "COPY FROM STDIN needs a file");
          break;
        case PGRES_COPY_OUT: {
          Result out;
          if (!on_copy_data) out.columns.push_back({"copy", SqlType::of(TypeId::Text)});
          char* buffer = nullptr;
          int size = 0;
          while ((size = PQgetCopyData(connection, &buffer, 0)) > 0) {
            const MemoryPointer owned(buffer);
            std::string_view line(buffer, static_cast<std::size_t>(size));
            if (on_copy_data) {
              on_copy_data(line);
            } else {
              if (line.ends_with('\n')) line.remove_suffix(1);
              out.rows.push_back({std::string(line)});
            }
          }
          copied = std::move(out);  // its tag comes next
          break;
        }
        default:
          if (!failure) failure = error_of(result.get(), connection);
      }
    }
  } catch (...) {
    impl_->abandon();
    throw;
  }
  if (failure) throw *failure;
}

std::string Connection::query(std::string_view sql, std::span<const std::optional<std::string>> parameters,
                              const RowHandler& handler) {
  const bool was_known = impl_->prepared_by_sql.contains(sql);
  const Prepared& statement = impl_->prepare(sql);
  try {
    return impl_->run(statement, parameters, handler);
  } catch (const Error& error) {
    // DISCARD or a schema change has taken the statement away: nothing has run yet.
    const bool is_gone = error.code() == ErrorCode::InvalidSqlStatementName ||
                         (error.code() == ErrorCode::FeatureNotSupported &&
                          error.message() == "cached plan must not change result type");
    if (!is_gone) throw;
    impl_->forget(impl_->prepared.begin());
    if (!was_known || in_transaction()) throw;
  }
  return impl_->run(impl_->prepare(sql), parameters, handler);
}

std::string Connection::copy_in(const std::string& copy_statement,
                                const std::function<bool(std::string&)>& next) {
  PGconn* connection = impl_->connection.get();
  {
    const ResultPointer begun{PQexec(connection, copy_statement.c_str())};
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) throw error_of(begun.get(), connection);
  }
  std::string chunk;
  try {
    while (next(chunk)) {
      if (PQputCopyData(connection, chunk.data(), static_cast<int>(chunk.size())) != 1) impl_->fail();
    }
  } catch (const std::exception& error) {
    PQputCopyEnd(connection, error.what());
    impl_->drain();
    throw;
  }
  if (PQputCopyEnd(connection, nullptr) != 1) impl_->fail();
  return impl_->finish_command();
}

std::string Connection::copy_out(const std::string& copy_statement,
                                 const std::function<void(std::string_view)>& on_data) {
  PGconn* connection = impl_->connection.get();
  {
    const ResultPointer begun{PQexec(connection, copy_statement.c_str())};
    if (PQresultStatus(begun.get()) != PGRES_COPY_OUT) throw error_of(begun.get(), connection);
  }
  try {
    while (true) {
      char* row = nullptr;
      const int size = PQgetCopyData(connection, &row, 0);
      const MemoryPointer owned(row);
      if (size < 0) break;  // the end, or an error that finish_command tells
      on_data({row, static_cast<std::size_t>(size)});
    }
  } catch (...) {
    impl_->abandon();
    throw;
  }
  return impl_->finish_command();
}

bool Connection::is_open() {
  PGconn* connection = impl_->connection.get();
  // What an idle server says is that it goes: its last words first, the end of the stream at the second
  // reading.
  for (int i = 0; i < 2 && PQstatus(connection) == CONNECTION_OK; ++i) {
    if (PQtransactionStatus(connection) == PQTRANS_ACTIVE) break;
    struct pollfd socket {};
    socket.fd = PQsocket(connection);
    socket.events = POLLIN;
    if (::poll(&socket, 1, 0) <= 0) break;
    PQconsumeInput(connection);
    PQisBusy(connection);  // takes in what has come
  }
  return PQstatus(connection) == CONNECTION_OK;
}

bool Connection::in_transaction() const {
  const auto status = PQtransactionStatus(impl_->connection.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

void Connection::cancel() {
  if (!impl_->canceller) return;
  std::array<char, 256> problem{};
  PQcancel(impl_->canceller.get(), problem.data(), static_cast<int>(problem.size()));
}

std::string Connection::address() const {
  const char* host = PQhost(impl_->connection.get());
  return std::string(host == nullptr ? "" : host) + ":" + PQport(impl_->connection.get());
}

}  // namespace tickstone::client
