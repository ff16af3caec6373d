// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <libpq-fe.h>

#include <tickstone/error.hpp>

namespace tickstone::client {

struct LibpqDeleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
  void operator()(char* memory) const { PQfreemem(memory); }
};
using ConnectionPointer = std::unique_ptr<PGconn, LibpqDeleter>;
using ResultPointer = std::unique_ptr<PGresult, LibpqDeleter>;
using CancelPointer = std::unique_ptr<PGcancel, LibpqDeleter>;
using OptionsPointer = std::unique_ptr<PQconninfoOption, LibpqDeleter>;
using MemoryPointer = std::unique_ptr<char, LibpqDeleter>;

/// libpq's last message about the connection, without its line feeds.
std::string message_of(const PGconn* connection);
/// What the server said of a failed statement; ConnectionFailure where it said nothing.
Error error_of(const PGresult* result, const PGconn* connection);

}  // namespace tickstone::client
