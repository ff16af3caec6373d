// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>

#include "market/schema_report.hpp"

namespace tickstone::cli {

enum class ReportFormat : std::uint8_t { Text, Json, Markdown, Mermaid };

/// Text: aligned tables for a terminal. Json: all of it. Markdown: a page for a wiki, with the diagram.
/// Mermaid: the entity-relationship diagram alone; relations by name are dotted.
void print_report(std::ostream& out, const market::SchemaReport& report, ReportFormat format);

}  // namespace tickstone::cli
