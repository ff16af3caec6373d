// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/schema_target.hpp"
#include "market/job_runner.hpp"

namespace tickstone::cli {
namespace {

struct Arguments {
  std::string url;
  bool is_once = false;
  bool is_json = false;
};

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

void print_run(const market::JobRun& run, bool is_json) {
  if (is_json) {
    nlohmann::json line = {{"job_id", run.job_id},
                           {"name", run.name},
                           {"succeeded", !run.error.has_value()},
                           {"duration_ms", run.duration.count()}};
    if (run.error) line["error"] = *run.error;
    std::cout << line.dump() << std::endl;
    return;
  }
  std::cout << fmt::format("{} ({} ms){}\n", run.name, run.duration.count(),
                           run.error ? " failed: " + *run.error : std::string())
            << std::flush;
}

int run_until_signal(market::JobRunner& runner) {
  // Before the thread starts: it inherits the mask, and the signals come to this one alone.
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::exception_ptr failure;
  std::thread worker([&, main_thread = pthread_self()] {
    // Boundary: rethrown below, where it ends the program.
    try {
      runner.run();
    } catch (...) {
      failure = std::current_exception();
      pthread_kill(main_thread, SIGUSR1);
    }
  });
  int signal = 0;
  sigwait(&signals, &signal);
  runner.stop();
  worker.join();
  if (failure) std::rethrow_exception(failure);
  return 0;
}

int run_jobs(const Arguments& arguments) {
  std::string address = arguments.url;
  if (const char* url = std::getenv("TICKSTONE_URL"); address.empty() && url != nullptr) address = url;
  if (address.empty()) {
    std::fputs("tickstone: no server was given\nHINT:  Give a URL, or TICKSTONE_URL.\n", stderr);
    return 2;
  }
  if (market::is_directory_address(address)) {
    std::cout << "embedded: jobs run in the program that has the directory open; nothing to do\n";
    return 0;
  }
  ManagerOptions options;
  options.application_name = "tickstone jobs";
  const auto source = market::open_postgres_source(address, options);
  if (source->home() != Home::PostgreSql) {
    std::cout << fmt::format("{}: the server runs its jobs by itself; nothing to do\n",
                             to_string(source->home()));
    return 0;
  }
  market::JobRunner runner(source, [&](const market::JobRun& run) { print_run(run, arguments.is_json); });
  if (arguments.is_once) return runner.run_due() == 0 ? 0 : 1;
  return run_until_signal(runner);
}

}  // namespace

Run add_jobs(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("jobs", "Policies and jobs of a PostgreSQL without TimescaleDB");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  tickstone jobs run postgresql://inavvi_user:postgres@db.example.com/inavvi\n\n"
      "Exit status: that of the subcommand.");
  auto* run = command->add_subcommand("run", "Run jobs when they are due, until SIGINT or SIGTERM");
  run->footer(
      "Any number of these may run; a job is run by one at a time. Servers that run their jobs by themselves "
      "are\n"
      "left alone.\n\n"
      "Examples:\n"
      "  tickstone jobs run postgresql://inavvi_user:postgres@db.example.com/inavvi\n"
      "  tickstone jobs run --once --json postgresql:///inavvi\n\n"
      "Exit status: 0 ended, 1 failed (with --once: a job failed), 2 a wrong command line.");
  run->add_option("url", arguments->url, "The server; TICKSTONE_URL unless given")->type_name("URL");
  run->add_flag("--once", arguments->is_once, "Run what is due now, then end");
  run->add_flag("-j,--json", arguments->is_json, "A line of JSON a run");
  return [arguments] { return run_jobs(*arguments); };
}

}  // namespace tickstone::cli
