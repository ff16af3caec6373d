// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/settings.hpp"

namespace tickstone::engine {

/// Whether the session is pg_dump's, whatever it calls itself: nothing else asks for scans that all begin at
/// the first row.
inline bool is_dump(const Settings& settings) {
  return settings.application_name() == "pg_dump" || settings.find("synchronize_seqscans") == "off";
}

}  // namespace tickstone::engine
