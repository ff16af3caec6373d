// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/executors.hpp"

namespace tickstone::engine {

/// COPY ... FROM STDIN; gives the tag. A long input is read and stored by two threads.
std::string copy_from(Execution& execution, const sql::CopyStatement& copy);

}  // namespace tickstone::engine
