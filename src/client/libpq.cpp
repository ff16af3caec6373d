// SPDX-License-Identifier: Apache-2.0
#include "client/libpq.hpp"

#include <cstdlib>

#include "client/error_code.hpp"

namespace tickstone::client {
namespace {

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

}  // namespace

std::string message_of(const PGconn* connection) {
  std::string message = PQerrorMessage(connection);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return message;
}

Error error_of(const PGresult* result, const PGconn* connection) {
  const std::string state = result == nullptr ? "" : field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) return Error(ErrorCode::ConnectionFailure, message_of(connection));
  Error error(error_code_of(state), field(result, PG_DIAG_MESSAGE_PRIMARY),
              field(result, PG_DIAG_MESSAGE_DETAIL), field(result, PG_DIAG_MESSAGE_HINT));
  if (const std::string position = field(result, PG_DIAG_STATEMENT_POSITION); !position.empty()) {
    error.at(static_cast<std::uint32_t>(std::atoi(position.c_str())));
  }
  error.in_context(field(result, PG_DIAG_CONTEXT));
  error.about(field(result, PG_DIAG_TABLE_NAME), field(result, PG_DIAG_COLUMN_NAME),
              field(result, PG_DIAG_CONSTRAINT_NAME), field(result, PG_DIAG_SCHEMA_NAME));
  return error;
}

}  // namespace tickstone::client
