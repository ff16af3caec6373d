// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/database_core.hpp"
#include "engine/session.hpp"

namespace tickstone::engine {

/// A session over `database`, which outlives it.
std::unique_ptr<Session> make_protocol_session(DatabaseCore& database, const SessionOptions& options);

}  // namespace tickstone::engine
