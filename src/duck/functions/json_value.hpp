// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/function_catalog.hpp"
#include "types/timestamp.hpp"

namespace tickstone::duck {

/// to_json of a value; NULL is `null`. For jsonb the text still has to be normalised.
void append_json_value(std::string& out, const duckdb::Value& value, const TimeZone& zone);

/// to_json, json_build_object, json_agg and their like.
void register_json_building(FunctionCatalog& catalog);
/// What jsonb is sorted, compared and grouped by.
void register_json_order(FunctionCatalog& catalog);
/// jsonb_set, jsonb_delete and their like.
void register_json_changes(FunctionCatalog& catalog);

}  // namespace tickstone::duck
