// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include <libpq-fe.h>
#include <poll.h>

#include <tickstone/error.hpp>

#include "client/error_code.hpp"

namespace tickstone::client {

struct Connection::Impl {
  PGconn* connection = nullptr;
  std::function<void(const std::string&)> on_notice;

  ~Impl() { PQfinish(connection); }

  std::string message() const {
    std::string message = PQerrorMessage(connection);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    return message;
  }
  [[noreturn]] void fail(ErrorCode otherwise) const { throw Error(otherwise, message()); }
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

/// Of the connection's own parameters and the environment; nothing where there is no limit.
std::optional<std::chrono::seconds> connect_timeout(PGconn* connection) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfo(connection),
                                                                               &PQconninfoFree);
  for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) != "connect_timeout" || option->val == nullptr) continue;
    const int seconds = std::atoi(option->val);
    if (seconds > 0) return std::chrono::seconds(std::max(seconds, 2));  // as libpq's own
  }
  return std::nullopt;
}

/// PQconnectdb, but with the server's SQLSTATE in what is said of a failure: libpq has no other way to it.
void connect(PGconn* connection) {
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  const auto limit = connect_timeout(connection);
  const auto start = std::chrono::steady_clock::now();
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
    struct pollfd waiting {};
    waiting.fd = PQsocket(connection);
    waiting.events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    int wait_ms = -1;
    if (limit) {
      const auto left = *limit - (std::chrono::steady_clock::now() - start);
      wait_ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
      if (wait_ms <= 0) throw Error(ErrorCode::ConnectionFailure, "connection to server timed out");
    }
    if (::poll(&waiting, 1, wait_ms) > 0) next = PQconnectPoll(connection);
  }
  PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
}

/// `... failed: FATAL:  28P01: password authentication failed for user "x"`, then lines of DETAIL, HINT and
/// LOCATION: the server's own words, where it was reached.
[[noreturn]] void throw_refused(const std::string& text) {
  const auto begin = text.find("FATAL:  ");
  constexpr std::size_t kLabelBytes = 8;
  constexpr std::size_t kCodeBytes = 5;
  const std::size_t code = begin + kLabelBytes;
  if (begin == std::string::npos || text.substr(code + kCodeBytes, 2) != ": ") {
    throw Error(ErrorCode::ConnectionFailure, text);
  }
  const auto line = [&](std::string_view label) -> std::string {
    const auto at = text.find(label);
    if (at == std::string::npos) return {};
    const auto from = at + label.size();
    return text.substr(from, text.find('\n', from) - from);
  };
  const std::size_t message = code + kCodeBytes + 2;
  throw Error(error_code_of(text.substr(code, kCodeBytes)),
              text.substr(message, text.find('\n', message) - message), line("\nDETAIL:  "),
              line("\nHINT:  "));
}

}  // namespace

Connection::Connection(const std::string& conninfo) : impl_(std::make_unique<Impl>()) {
  impl_->connection = PQconnectStart(conninfo.c_str());
  if (impl_->connection == nullptr) throw Error(ErrorCode::OutOfMemory, "out of memory");
  if (PQstatus(impl_->connection) == CONNECTION_BAD) impl_->fail(ErrorCode::ConnectionFailure);
  connect(impl_->connection);
  if (PQstatus(impl_->connection) != CONNECTION_OK) throw_refused(impl_->message());
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
