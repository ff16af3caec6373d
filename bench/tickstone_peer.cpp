// SPDX-License-Identifier: Apache-2.0
// tickstone_peer DIRECTORY: Tickstone in process, for the benchmarks, with the same lines in and out as
// bench/duckdb_peer.py: a line of SQL, answered by `ok`, seconds, number of rows and the first row's values,
// or `error` and a message; fields end at tabs. The rows are a DataFrame of the typed API, as a program has
// them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>

#include <tickstone/database_manager.hpp>

namespace {

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

std::string answer(tickstone::DatabaseManager& manager, const std::string& sql) {
  const auto began = std::chrono::steady_clock::now();
  const tickstone::DataFrame rows = manager.get_dataframe(sql);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  std::string line = "ok\t" + std::to_string(taken.count()) + "\t" + std::to_string(rows.row_count());
  for (std::size_t i = 0; i < rows.column_count() && !rows.is_empty(); ++i)
    line += "\t" + one_line(rows.get<std::optional<std::string>>(0, i).value_or(""));
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: tickstone_peer DIRECTORY\n", stderr);
    return 2;
  }
  try {
    tickstone::ManagerOptions options;
    options.memory_bytes = 4ULL << 30;
    tickstone::DatabaseManager manager(argv[1], options);
    std::cout << "ready" << std::endl;
    for (std::string sql; std::getline(std::cin, sql);) {
      std::string line;
      try {
        line = answer(manager, sql);
      } catch (const std::exception& error) {
        line = "error\t" + one_line(error.what());
      }
      std::cout << line << std::endl;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tickstone_peer: %s\n", error.what());
    return 1;
  }
  return 0;
}
