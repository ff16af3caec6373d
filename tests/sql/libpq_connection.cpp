// SPDX-License-Identifier: Apache-2.0
#include "libpq_connection.hpp"

#include <algorithm>
#include <stdexcept>

#include <libpq-fe.h>

namespace tickstone::sql_test {
namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

class LibpqConnection final : public TestConnection {
 public:
  LibpqConnection(const std::string& conninfo, bool is_extended)
      : connection_(PQconnectdb(conninfo.c_str())), is_extended_(is_extended) {
    if (PQstatus(connection_) != CONNECTION_OK) {
      const std::string message = PQerrorMessage(connection_);
      PQfinish(connection_);
      throw std::runtime_error("cannot connect: " + message);
    }
    PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
  }
  ~LibpqConnection() override { PQfinish(connection_); }
  LibpqConnection(const LibpqConnection&) = delete;
  LibpqConnection& operator=(const LibpqConnection&) = delete;

  Outcome run(const std::string& sql, const std::string& copy_data) override {
    Outcome outcome;
    const int sent =
        is_extended_ ? PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0)
                     : PQsendQuery(connection_, sql.c_str());
    if (sent == 0) throw std::runtime_error(PQerrorMessage(connection_));
    while (ResultPtr result{PQgetResult(connection_)}) {
      switch (PQresultStatus(result.get())) {
        case PGRES_TUPLES_OK:
          take_rows(result.get(), outcome);
          outcome.tag = PQcmdStatus(result.get());
          break;
        case PGRES_COMMAND_OK:
          outcome.tag = PQcmdStatus(result.get());
          outcome.rows.clear();
          outcome.column_count = 0;
          break;
        case PGRES_COPY_IN:
          for (std::size_t at = 0; at < copy_data.size(); at += 7) {
            const auto part = std::min<std::size_t>(7, copy_data.size() - at);
            if (PQputCopyData(connection_, copy_data.data() + at, static_cast<int>(part)) != 1) break;
          }
          PQputCopyEnd(connection_, nullptr);
          break;
        case PGRES_COPY_OUT: {
          char* buffer = nullptr;
          for (int size = PQgetCopyData(connection_, &buffer, 0); size > 0;
               size = PQgetCopyData(connection_, &buffer, 0)) {
            outcome.copied.append(buffer, static_cast<std::size_t>(size));
            PQfreemem(buffer);
          }
          break;
        }
        case PGRES_FATAL_ERROR:
          outcome.failure = {field(result.get(), PG_DIAG_SQLSTATE),
                             field(result.get(), PG_DIAG_MESSAGE_PRIMARY),
                             field(result.get(), PG_DIAG_MESSAGE_DETAIL),
                             field(result.get(), PG_DIAG_MESSAGE_HINT), field(result.get(), PG_DIAG_CONTEXT)};
          if (PQstatus(connection_) != CONNECTION_OK) return outcome;
          break;
        default:
          break;
      }
    }
    return outcome;
  }

 private:
  static std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? "" : text;
  }
  static void take_rows(const PGresult* result, Outcome& outcome) {
    outcome.rows.clear();
    outcome.column_count = static_cast<std::size_t>(PQnfields(result));
    for (int row = 0; row < PQntuples(result); ++row) {
      auto& values = outcome.rows.emplace_back();
      for (int column = 0; column < PQnfields(result); ++column) {
        if (PQgetisnull(result, row, column) != 0) {
          values.emplace_back();
        } else {
          values.emplace_back(std::string(PQgetvalue(result, row, column)));
        }
      }
    }
  }

  PGconn* connection_;
  bool is_extended_;
};

}  // namespace

std::unique_ptr<TestConnection> connect_by_libpq(const std::string& conninfo, bool is_extended) {
  return std::make_unique<LibpqConnection>(conninfo, is_extended);
}

}  // namespace tickstone::sql_test
