// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"

#include <cstdlib>

#include <libpq-fe.h>

#include <tickstone/error.hpp>

#include "client/error_code.hpp"

namespace tickstone::client {

struct Connection::Impl {
  PGconn* connection = nullptr;
  std::function<void(const std::string&)> on_notice;

  ~Impl() { PQfinish(connection); }

  [[noreturn]] void fail(ErrorCode otherwise) const {
    std::string message = PQerrorMessage(connection);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    throw Error(otherwise, message);
  }
};

namespace {

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, ResultDeleter>;

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

[[noreturn]] void throw_result(const PGresult* result) {
  Error error(error_code_of(field(result, PG_DIAG_SQLSTATE)), field(result, PG_DIAG_MESSAGE_PRIMARY),
              field(result, PG_DIAG_MESSAGE_DETAIL), field(result, PG_DIAG_MESSAGE_HINT));
  if (const std::string position = field(result, PG_DIAG_STATEMENT_POSITION); !position.empty()) {
    error.at(static_cast<std::uint32_t>(std::atoi(position.c_str())));
  }
  error.in_context(field(result, PG_DIAG_CONTEXT));
  error.about(field(result, PG_DIAG_TABLE_NAME), field(result, PG_DIAG_COLUMN_NAME),
              field(result, PG_DIAG_CONSTRAINT_NAME), field(result, PG_DIAG_SCHEMA_NAME));
  throw error;
}

Result read_result(const PGresult* result) {
  Result read;
  read.tag = PQcmdStatus(const_cast<PGresult*>(result));
  const int columns = PQnfields(result), rows = PQntuples(result);
  for (int c = 0; c < columns; ++c) read.columns.push_back({PQfname(result, c), PQftype(result, c)});
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

Connection::Connection(const std::string& conninfo) : impl_(std::make_unique<Impl>()) {
  impl_->connection = PQconnectdb(conninfo.c_str());
  if (PQstatus(impl_->connection) != CONNECTION_OK) impl_->fail(ErrorCode::ConnectionFailure);
  PQsetNoticeProcessor(
      impl_->connection,
      [](void* self, const char* text) {
        const auto* impl = static_cast<Impl*>(self);
        if (impl->on_notice) impl->on_notice(text);
      },
      impl_.get());
}

Connection::~Connection() = default;

void Connection::set_notice_handler(std::function<void(const std::string&)> on_notice) {
  impl_->on_notice = std::move(on_notice);
}

void Connection::execute(const std::string& sql, const std::function<void(const Result&)>& on_result) {
  if (PQsendQuery(impl_->connection, sql.c_str()) == 0) impl_->fail(ErrorCode::ConnectionFailure);
  std::optional<Error> failure;
  while (ResultPointer result{PQgetResult(impl_->connection)}) {
    switch (PQresultStatus(result.get())) {
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (!failure) on_result(read_result(result.get()));
        break;
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_COPY_IN:
        PQputCopyEnd(impl_->connection, "COPY FROM STDIN needs a file");
        break;
      case PGRES_COPY_OUT: {
        Result out;
        char* buffer = nullptr;
        int size = 0;
        out.columns.push_back({"copy", 25});
        while ((size = PQgetCopyData(impl_->connection, &buffer, 0)) > 0) {
          std::string line(buffer, static_cast<std::size_t>(size));
          if (!line.empty() && line.back() == '\n') line.pop_back();
          out.rows.push_back({std::move(line)});
          PQfreemem(buffer);
        }
        out.tag = "COPY";
        if (!failure) on_result(out);
        break;
      }
      default:
        try {
          throw_result(result.get());
        } catch (const Error& error) {
          if (!failure) failure = error;
        }
    }
  }
  if (failure) throw *failure;
}

std::string Connection::copy_in(const std::string& copy_statement,
                                const std::function<bool(std::string&)>& next) {
  {
    const ResultPointer begun{PQexec(impl_->connection, copy_statement.c_str())};
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) throw_result(begun.get());
  }
  std::string chunk;
  try {
    while (next(chunk)) {
      if (PQputCopyData(impl_->connection, chunk.data(), static_cast<int>(chunk.size())) != 1)
        impl_->fail(ErrorCode::ConnectionFailure);
    }
  } catch (const std::exception& error) {
    PQputCopyEnd(impl_->connection, error.what());
    while (ResultPointer result{PQgetResult(impl_->connection)}) {
    }
    throw;
  }
  if (PQputCopyEnd(impl_->connection, nullptr) != 1) impl_->fail(ErrorCode::ConnectionFailure);
  std::string tag;
  std::optional<Error> failure;
  while (ResultPointer result{PQgetResult(impl_->connection)}) {
    if (PQresultStatus(result.get()) == PGRES_COMMAND_OK)
      tag = PQcmdStatus(result.get());
    else {
      try {
        throw_result(result.get());
      } catch (const Error& error) {
        if (!failure) failure = error;
      }
    }
  }
  if (failure) throw *failure;
  return tag;
}

}  // namespace tickstone::client
