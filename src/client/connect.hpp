// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/connection.hpp"
#include "client/libpq.hpp"

namespace tickstone::client {

/// Opens a connection as `options` say, host by host. Errors: ConnectionFailure, or what the last host said.
ConnectionPointer connect(const ConnectionOptions& options);

}  // namespace tickstone::client
