// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <tickstone/data_frame.hpp>

#include "market/connection.hpp"

namespace tickstone {

struct DataFrame::Content {
  std::vector<ColumnInfo> infos;
  std::vector<SqlType> types;
  Batch batch;
};

namespace market {

/// A frame of such columns that takes `batch` over.
DataFrame make_data_frame(const std::vector<ResultColumn>& columns, Batch batch);
/// Without rows.
Batch empty_batch(const std::vector<ResultColumn>& columns);

}  // namespace market
}  // namespace tickstone
