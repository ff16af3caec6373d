// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "engine/database_status.hpp"
#include "http/process_facts.hpp"

namespace tickstone::http {

/// Prometheus' text format, version 0.0.4. The names are in docs/monitoring.md.
std::string metrics_text(const engine::DatabaseStatus& status, const ProcessFacts& process,
                         std::string_view version);

}  // namespace tickstone::http
