// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/result_printer.hpp"
#include "cli/store_options.hpp"

namespace tickstone::cli {

/// Where SQL is sent: a data directory opened in this process, or a server.
class QueryTarget {
 public:
  using OnResult = std::function<void(const TextResult&)>;
  virtual ~QueryTarget() = default;
  virtual void execute(const std::string& sql, const OnResult& on_result) = 0;
  /// COPY ... FROM STDIN; `next` fills a chunk and returns false at the end. Returns the number of rows.
  virtual std::uint64_t copy_in(const std::string& copy_statement,
                                const std::function<bool(std::string& chunk)>& next) = 0;
};

/// The number at the end of a command tag: `INSERT 0 12`.
std::uint64_t rows_of_tag(const std::string& tag);

std::unique_ptr<QueryTarget> open_embedded(const StoreArguments& store, bool may_create);
std::unique_ptr<QueryTarget> open_server(const std::string& conninfo);

}  // namespace tickstone::cli
