// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/hypertable.hpp"

namespace tickstone::engine {

/// add_..._policy: writes the job down and returns its id. remove_..._policy: takes it away.
ActionResult add_policy(SessionContext& context, std::string_view function, const ActionArguments& arguments);
ActionResult remove_policy(SessionContext& context, std::string_view function,
                           const ActionArguments& arguments);
ActionResult delete_job(SessionContext& context, const ActionArguments& arguments);

}  // namespace tickstone::engine
