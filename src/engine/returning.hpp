// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "engine/executors.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {

/// Sends what RETURNING makes of the affected rows (all columns of the target; none where nothing was
/// affected).
void send_returning(Execution& execution, const WriteTarget& target, const std::string& alias,
                    const std::vector<sql::Expr>& returning, const Batch& affected);

}  // namespace tickstone::engine
