// SPDX-License-Identifier: Apache-2.0
#include "engine/configured_options.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <tickstone/error.hpp>

#include "base/byte_size.hpp"
#include "base/logging.hpp"
#include "engine/memory_budget.hpp"
#include "engine/server_configuration.hpp"

namespace tickstone::engine {
namespace {

/// One budget for all. The block cache may be told its size; queries get what is left.
void split_memory(DatabaseOptions& options, const ServerConfiguration& configuration) {
  auto total = static_cast<std::size_t>(configuration.bytes("tickstone.memory"));
  if (total == 0) total = default_memory_bytes();
  if (total < kLeastMemoryBytes) {
    throw Error(
        ErrorCode::InvalidParameterValue,
        "tickstone.memory is less than " + format_bytes(static_cast<std::int64_t>(kLeastMemoryBytes)));
  }
  set_memory(options, total);
  if (configuration.find("shared_buffers")) {
    const auto asked = static_cast<std::size_t>(configuration.bytes("shared_buffers"));
    const auto cache = std::min(asked, total / 2);
    if (cache < asked) {
      log_warning("shared_buffers is cut to half of tickstone.memory, {}",
                  format_bytes(static_cast<std::int64_t>(cache)));
    }
    options.query_memory_bytes += options.store.block_cache_bytes;
    options.store.block_cache_bytes = cache;
    options.query_memory_bytes -= cache;
  }
  if (configuration.find("work_mem")) {
    const auto for_all = static_cast<std::size_t>(configuration.bytes("work_mem")) *
                         static_cast<std::size_t>(configuration.number("max_connections"));
    options.query_memory_bytes = std::min(options.query_memory_bytes, std::max(for_all, total / 4));
  }
}

}  // namespace

void apply_configuration(DatabaseOptions& options, std::shared_ptr<ServerConfiguration> configuration) {
  split_memory(options, *configuration);
  if (configuration->find("max_wal_size")) {
    // A checkpoint lets go of whole files.
    options.store.checkpoint_log_bytes = std::max(
        options.store.log_file_bytes, static_cast<std::size_t>(configuration->bytes("max_wal_size")));
  }
  if (configuration->find("checkpoint_timeout"))
    options.store.checkpoint_age_us = configuration->number("checkpoint_timeout") * 1'000'000;
  const auto workers = configuration->number("max_parallel_workers");
  if (workers == 0 || configuration->number("max_parallel_workers_per_gather") == 0) {
    options.threads = 1;
  } else if (configuration->find("max_parallel_workers")) {
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    options.threads = static_cast<int>(std::min<std::int64_t>(workers, cores));
  }
  if (configuration->find("timescaledb.max_background_workers"))
    options.background_workers = static_cast<int>(
        std::max<std::int64_t>(1, configuration->number("timescaledb.max_background_workers")));
  options.configuration = std::move(configuration);
}

}  // namespace tickstone::engine
