// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tickstone::http {

/// What the kernel knows of this process.
struct ProcessFacts {
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  double cpu_seconds = 0;
  std::uint64_t open_files = 0, most_open_files = 0;  // 0: no limit
  std::uint64_t threads = 0;
};
ProcessFacts read_process_facts();

}  // namespace tickstone::http
