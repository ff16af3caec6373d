// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "market/table_facts.hpp"

namespace tickstone::market {

/// Statements that make `table` on another home, with its sequences, constraints and indexes, as a hypertable
/// where it is one. Foreign keys come by `foreign_key_statements`, once the rows are in.
std::vector<std::string> table_statements(const TableFacts& table,
                                          const std::vector<SequenceFacts>& sequences);
std::vector<std::string> foreign_key_statements(const TableFacts& table);

}  // namespace tickstone::market
