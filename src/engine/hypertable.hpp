// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/action.hpp"
#include "engine/table_options.hpp"
#include "engine/time_units.hpp"
