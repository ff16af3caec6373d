// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.hpp"
#include "engine/action_arguments.hpp"
#include "engine/session_context.hpp"

namespace tickstone::engine {

/// The rows of an action's answer, with named columns.
struct ActionResult {
  std::vector<ResultColumn> columns;
  Batch rows;
};

ActionResult create_hypertable(SessionContext& context, const ActionArguments& arguments);
ActionResult drop_chunks(SessionContext& context, const ActionArguments& arguments);
ActionResult set_chunk_time_interval(SessionContext& context, const ActionArguments& arguments);

/// ALTER TABLE ... SET (timescaledb.compress, timescaledb.compress_segmentby = ..., ...), and plain storage
/// options, which are kept.
void set_table_options(SessionContext& context, catalog::RelationObject& relation,
                       const std::vector<sql::Option>& options, bool reset);

/// The time dimension. Errors: HypertableNotExist where the relation is no hypertable.
const catalog::HypertableInfo::Dimension& time_dimension(const catalog::RelationObject& relation);
/// A bound of time as drop_chunks and policies take it: an interval counts back from now; a timestamp, date,
/// text or integer stands for itself. Units of the result: of the time column.
std::int64_t time_bound(SessionContext& context, const SqlType& time_type, const Value& bound);

}  // namespace tickstone::engine
