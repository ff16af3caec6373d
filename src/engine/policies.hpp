// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/action.hpp"

namespace tickstone::engine {

/// add_..._policy: writes the job down and returns its id. remove_..._policy: takes it away.
ActionResult add_policy(SessionContext& context, std::string_view function, const ActionArguments& arguments);
ActionResult remove_policy(SessionContext& context, std::string_view function,
                           const ActionArguments& arguments);

}  // namespace tickstone::engine
