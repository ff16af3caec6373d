// SPDX-License-Identifier: Apache-2.0
#include "http/process_facts.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace tickstone::http {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessFacts read_process_facts() {
  ProcessFacts facts;
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::uint64_t virtual_pages = 0, resident_pages = 0;
  if (std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages) {
    facts.virtual_bytes = virtual_pages * page_bytes;
    facts.resident_bytes = resident_pages * page_bytes;
  }
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  const auto entries = [](const char* directory) {
    std::error_code error;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error))
      ++count;
    return count;
  };
  facts.open_files = entries("/proc/self/fd");
  facts.threads = entries("/proc/self/task");
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    facts.most_open_files = limit.rlim_cur;
  return facts;
}

}  // namespace tickstone::http
