// SPDX-License-Identifier: Apache-2.0
// ledger_writer ADDRESS SECONDS: several threads write numbered rows as a program of a user would,
// idempotently, whatever happens to the server, and print the number of each row that was acknowledged. What
// is printed must be in the table. SIGTERM ends it sooner.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <tickstone/database_manager.hpp>
#include <tickstone/error.hpp>

namespace {

std::atomic<bool> is_asked_to_end = false;  // set by a signal handler: lock-free everywhere that we build for

}  // namespace

int main(int argc, char** argv) {
  using namespace tickstone;
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s ADDRESS SECONDS\n", argv[0]);
    return 2;
  }
  ManagerOptions options;
  options.retry.for_at_most = std::chrono::seconds(180);
  options.connect_timeout = std::chrono::seconds(2);
  std::signal(SIGTERM, [](int) { is_asked_to_end = true; });
  DatabaseManager manager(argv[1], options);
  manager.execute("CREATE TABLE IF NOT EXISTS ledger (number bigint PRIMARY KEY, pair bigint NOT NULL)");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  std::atomic<long> next = 0;
  std::atomic<bool> has_failed = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      while (std::chrono::steady_clock::now() < end && !has_failed && !is_asked_to_end) {
        const long number = (next += 2);
        try {
          if (t % 2 == 0) {
            manager.execute_idempotent(
                "INSERT INTO ledger VALUES ($1, 0) ON CONFLICT (number) DO UPDATE SET pair = 0", {number});
            std::printf("%ld\n", number);
          } else {
            // Two rows or none.
            manager.in_transaction(
                [&](Executor& transaction) {
                  for (const long row : {number, number + 1})
                    transaction.execute(
                        "INSERT INTO ledger VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET pair = "
                        "EXCLUDED.pair",
                        {row, number});
                },
                true);
            std::printf("%ld\n%ld\n", number, number + 1);
          }
          std::fflush(stdout);
        } catch (const Error& error) {
          std::fprintf(stderr, "row %ld: %s (%s)\n", number, error.what(),
                       std::string(sqlstate(error.code())).c_str());
          has_failed = true;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return has_failed ? 1 : 0;
}
