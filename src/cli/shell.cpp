// SPDX-License-Identifier: Apache-2.0
#include "cli/shell.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "catalog/keywords.hpp"
#include "cli/error_report.hpp"
#include "cli/line_editor.hpp"
#include "cli/parquet_file.hpp"
#include "cli/plot.hpp"
#include "cli/shell_commands.hpp"
#include "cli/statement_splitter.hpp"
#include "cli/terminal.hpp"

namespace tickstone::cli {
namespace {

int interrupt_pipe[2] = {-1, -1};

void tell_interrupt(int /*signal*/) {
  const char byte = 1;
  [[maybe_unused]] const auto written = ::write(interrupt_pipe[1], &byte, 1);
}

/// Turns Ctrl-C into a cancel request while statements run: a signal handler itself may not do that much.
class Canceller {
 public:
  explicit Canceller(market::Connection& connection) {
    if (::pipe(interrupt_pipe) != 0) throw Error(ErrorCode::SystemError, "could not make a pipe");
    watcher_ = std::thread([&connection, this] {
      char byte = 0;
      while (::read(interrupt_pipe[0], &byte, 1) == 1 && byte == 1) {
        if (is_running_) connection.cancel();
      }
    });
    struct sigaction ours {};
    ours.sa_handler = tell_interrupt;
    sigemptyset(&ours.sa_mask);
    ours.sa_flags = SA_RESTART;
    sigaction(SIGINT, &ours, &before_);
  }
  ~Canceller() {
    sigaction(SIGINT, &before_, nullptr);
    const char end = 0;
    [[maybe_unused]] const auto written = ::write(interrupt_pipe[1], &end, 1);
    watcher_.join();
    ::close(interrupt_pipe[0]);
    ::close(interrupt_pipe[1]);
  }
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

  void set_running(bool is_running) { is_running_ = is_running; }

 private:
  std::atomic<bool> is_running_ = false;
  std::thread watcher_;
  struct sigaction before_ {};
};

class Shell {
 public:
  Shell(market::Connection& connection, std::string database, OutputFormat format)
      : connection_(connection), database_(std::move(database)), canceller_(connection) {
    state_.format = format;
    host_ = std::make_unique<ShellHost>(ShellHost{connection_, state_,
                                                  [this](const std::string& sql) { run(sql); },
                                                  [this](const std::string& file) { run_file(file); }});
  }

  int loop() {
    if (isatty(STDIN_FILENO) != 0) {
      std::cout << "tickstone " TICKSTONE_VERSION ", database " << database_
                << ". \\? for help, \\q to leave.\n";
      learn_words();
    }
    while (!state_.is_done) {
      const auto read = editor_.read(prompt());
      if (read.end == LineEditor::End::Input) {
        if (!splitter_.is_empty()) run(splitter_.drop());
        break;
      }
      if (read.end == LineEditor::End::Interrupted) {
        splitter_.drop();
        typed_.clear();
        continue;
      }
      take(read.line);
    }
    if (isatty(STDIN_FILENO) != 0 && !state_.is_done) std::cout << '\n';
    return is_lost_ ? 3 : 0;
  }

 private:
  std::string prompt() const {
    return database_ + (splitter_.is_empty() ? "=" : "-") + (connection_.in_transaction() ? "*> " : "> ");
  }

  void take(const std::string& line) {
    if (splitter_.is_empty() && line.starts_with('\\')) {
      editor_.remember(line);
      try {
        run_shell_command(line, *host_);
      } catch (const Error& error) {
        report(error);
      }
      return;
    }
    splitter_.add_line(line);
    typed_ += line + "\n";
    bool has_run = false;
    while (const auto statement = splitter_.take()) {
      if (!has_run) editor_.remember(typed_);
      has_run = true;
      run(*statement);
    }
    if (has_run) typed_.clear();
    if (splitter_.is_empty()) splitter_.drop();
  }

  void run(const std::string& sql) {
    const auto began = std::chrono::steady_clock::now();
    canceller_.set_running(true);
    // Shown once all is done: what goes wrong in showing must not undo a statement.
    std::vector<TextResult> results;
    try {
      connection_.run_script(
          sql, [&](const TextResult& result) { results.push_back(result); },
          [&](std::string_view data) { state_.out() << data; });
      show_all(results);
    } catch (const Error& error) {
      show_all(results);
      std::cout.flush();
      report(error, sql);
      if (!connection_.is_open()) {
        std::cerr << "The connection is lost.\n";
        is_lost_ = state_.is_done = true;
      }
    }
    canceller_.set_running(false);
    if (state_.has_timing) {
      const auto taken = std::chrono::steady_clock::now() - began;
      std::cout << fmt::format("Time: {:.3f} ms\n", std::chrono::duration<double, std::milli>(taken).count());
    }
    const bool has_changed_names = std::ranges::any_of(results, [](const TextResult& result) {
      return result.tag.starts_with("CREATE") || result.tag.starts_with("ALTER") ||
             result.tag.starts_with("DROP");
    });
    if (has_changed_names && isatty(STDIN_FILENO) != 0) learn_words();
  }

  void show_all(const std::vector<TextResult>& results) {
    for (const auto& result : results) {
      try {
        show(result);
      } catch (const Error& error) {
        report(error);
      }
    }
  }

  void write_parquet(const TextResult& result) {
    if (state_.has_parquet || !state_.file.is_open()) {
      throw Error(ErrorCode::InvalidParameterValue,
                  state_.has_parquet ? "file \"" + state_.file_path + "\" holds a result already"
                                     : "Parquet goes to a file, and none is named",
                  {}, "Name one with \\o FILE, and run it again.");
    }
    state_.file.close();
    const std::uint64_t rows = write_parquet_result(state_.file_path, result);
    state_.has_parquet = true;
    std::cout << "Results saved to " << state_.file_path << " (" << rows
              << (rows == 1 ? " row)\n" : " rows)\n");
  }

  void show(const TextResult& result) {
    if (state_.format == OutputFormat::Parquet && !state_.is_plotting) {
      if (!result.columns.empty()) write_parquet(result);
      return;
    }
    std::ostringstream text;
    if (state_.is_plotting && !result.columns.empty()) {
      const auto size = terminal_size();
      text << plot(
          result, {size.columns, size.rows > 4 ? size.rows - 3 : size.rows, shows_colors(), is_ascii_only()});
    } else if (state_.is_expanded && state_.format == OutputFormat::Table && !result.columns.empty()) {
      print_expanded(text, result);
    } else {
      print_result(text, result, state_.format);
    }
    if (state_.file.is_open())
      state_.file << text.str() << std::flush;
    else
      page(text.str());
  }

  void run_file(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw Error(ErrorCode::UndefinedFile, "could not open file \"" + path + "\"");
    run({std::istreambuf_iterator<char>(in), {}});
  }

  /// Keywords, and the names of tables and columns.
  void learn_words() {
    std::vector<std::string> words;
    for (const auto& keyword : catalog::keywords()) {
      std::string word(keyword.word);
      for (auto& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      words.push_back(std::move(word));
    }
    try {
      connection_.run_script(
          "SELECT table_name FROM information_schema.tables UNION SELECT column_name FROM "
          "information_schema.columns WHERE "
          "table_schema NOT IN ('pg_catalog', 'information_schema')",
          [&](const TextResult& result) {
            for (const auto& row : result.rows) words.push_back(row[0].value_or(""));
          });
    } catch (const Error& error) {
      // In a failed block, say: the old words will do.
      if (connection_.in_transaction()) return;
    }
    editor_.set_words(std::move(words));
  }

  market::Connection& connection_;
  const std::string database_;
  ShellState state_;
  std::unique_ptr<ShellHost> host_;
  Canceller canceller_;
  LineEditor editor_;
  StatementSplitter splitter_;
  std::string typed_;  // since the last statement, as it was
  bool is_lost_ = false;
};

}  // namespace

int run_shell(market::Connection& connection, const std::string& database, OutputFormat format) {
  return Shell(connection, database, format).loop();
}

}  // namespace tickstone::cli
