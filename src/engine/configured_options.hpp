// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/database.hpp"

namespace tickstone::engine {

/// Opens with what the server's configuration says of memory, threads, checkpoints and jobs, and keeps the
/// configuration. Errors: InvalidParameterValue for less memory than can be worked with.
void apply_configuration(DatabaseOptions& options, std::shared_ptr<ServerConfiguration> configuration);

}  // namespace tickstone::engine
