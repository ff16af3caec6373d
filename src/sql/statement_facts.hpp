// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/statement.hpp"

/// What an executor asks of a statement's tree beside what the statement says.
namespace tickstone::sql {

/// Whether UPDATE ... FROM or DELETE ... USING may find one row several times. `whole`: the statement's.
bool joins_other_tables(const Expr& whole);

}  // namespace tickstone::sql
