// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/store.hpp"

namespace tickstone::storage {

/// Where a sequence is: the number that it gives next, and whether it has given one since it was last set.
struct SequenceState {
  std::int64_t next = 0;
  bool is_called = false;
};

/// Nothing for one that has neither given a number nor been set.
std::optional<SequenceState> sequence_state(const Store& store, TableId sequence);

}  // namespace tickstone::storage
