// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace tickstone::duck {

/// What the queries of an instance may have in temporary files together.
constexpr std::size_t spill_limit_bytes(std::size_t memory_limit_bytes) { return 16 * memory_limit_bytes; }

}  // namespace tickstone::duck
