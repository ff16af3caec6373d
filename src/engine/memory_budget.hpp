// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/database.hpp"

namespace tickstone::engine {

inline constexpr std::size_t kLeastMemoryBytes = 256ULL << 20;

/// Half of what the machine, or the control group that the process runs in, has; never less than
/// `kLeastMemoryBytes`.
std::size_t default_memory_bytes();

/// Splits one budget: rows in memory, blocks of segments, queries and what large transactions gather stay
/// within it together.
void set_memory(DatabaseOptions& options, std::size_t memory_bytes);

}  // namespace tickstone::engine
