// SPDX-License-Identifier: Apache-2.0
// tickstone_peer DIRECTORY: Tickstone in process, for the benchmarks, with the same lines in and out as
// bench/duckdb_peer.py: a line of SQL, answered by `ok`, seconds, number of rows and the first row's values,
// or `error` and a message; fields end at tabs. The rows are a DataFrame of the typed API, as a program has
// them. `@FILE COPY ... FROM STDIN ...` loads that file, durably as every statement; its answer has no
// values.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
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

std::string answer_of_copy(tickstone::DatabaseManager& manager, const std::string& line) {
  const auto space = line.find(' ');
  std::ifstream file(line.substr(1, space - 1), std::ios::binary);
  if (!file) return "error\tthe file cannot be read";
  const auto began = std::chrono::steady_clock::now();
  const auto rows = manager.copy_in(line.substr(space + 1), [&](std::string& chunk) {
    chunk.resize(1 << 20);
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    chunk.resize(static_cast<std::size_t>(file.gcount()));
    return !chunk.empty();
  });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  return "ok\t" + std::to_string(taken.count()) + "\t" + std::to_string(rows);
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
        line = sql.starts_with('@') ? answer_of_copy(manager, sql) : answer(manager, sql);
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
