// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_budget.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include <unistd.h>

namespace tickstone::engine {
namespace {

std::optional<std::size_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  if (file >> bytes) return bytes;
  return std::nullopt;  // not there, or "max"
}

/// The least limit of the control group and those above it; versions 2 and 1.
std::optional<std::size_t> group_limit() {
  std::optional<std::size_t> least;
  const auto consider = [&](const std::string& path) {
    const auto limit = number_in(path);
    if (limit && (!least || *limit < *least)) least = limit;
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    const bool is_unified = line.starts_with("0::");
    const bool is_memory = line.find(":memory:") != std::string::npos;
    if (!is_unified && !is_memory) continue;
    const std::string root = is_unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string name = is_unified ? "/memory.max" : "/memory.limit_in_bytes";
    std::string group = line.substr(second + 1);
    while (!group.empty() && group != "/") {
      consider(root + group + name);
      group.resize(group.rfind('/'));
    }
    consider(root + name);
  }
  return least;
}

}  // namespace

std::size_t default_memory_bytes() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto page_bytes = ::sysconf(_SC_PAGE_SIZE);
  std::size_t bytes = pages > 0 && page_bytes > 0
                          ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_bytes)
                          : 4ULL << 30;
  if (const auto limit = group_limit()) bytes = std::min(bytes, *limit);
  return std::max(kLeastMemoryBytes, bytes / 2);
}

void set_memory(DatabaseOptions& options, std::size_t memory_bytes) {
  options.memory_bytes = memory_bytes;
  options.store.open_chunk_budget_bytes = memory_bytes / 5;
  options.store.early_segment_bytes = memory_bytes / 20;
  options.store.block_cache_bytes = memory_bytes / 4;
  options.query_memory_bytes = memory_bytes / 2;
}

}  // namespace tickstone::engine
