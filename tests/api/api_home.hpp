// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// On the home that TICKSTONE_TEST_ADDRESS names; one for all tests, since a directory can be opened once.
DatabaseManager& test_manager();

}  // namespace tickstone
