// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tickstone::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

}  // namespace

TerminalSize terminal_size() {
  TerminalSize size;
  struct winsize window {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0)
    return {window.ws_col, window.ws_row};
  if (const int columns = std::atoi(std::string(variable("COLUMNS")).c_str()); columns > 0)
    size.columns = static_cast<std::size_t>(columns);
  if (const int rows = std::atoi(std::string(variable("LINES")).c_str()); rows > 0)
    size.rows = static_cast<std::size_t>(rows);
  return size;
}

bool shows_colors() {
  return isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

bool is_ascii_only() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") == std::string_view::npos && value.find("utf8") == std::string_view::npos;
  }
  return false;  // nothing said: what terminals of today show
}

void page(const std::string& text) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::string_view chosen = variable("PAGER");
  if (isatty(STDOUT_FILENO) != 0 && isatty(STDIN_FILENO) != 0 && lines >= terminal_size().rows) {
    const std::string pager = chosen.empty() ? "less -FRSX" : std::string(chosen);
    std::fflush(stdout);
    auto* const before = std::signal(SIGPIPE, SIG_IGN);  // a reader that has seen enough
    if (FILE* pipe = popen(pager.c_str(), "w"); pipe != nullptr) {
      std::fwrite(text.data(), 1, text.size(), pipe);
      const int status = pclose(pipe);
      std::signal(SIGPIPE, before);
      constexpr int kNotFound = 127;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != kNotFound) return;
    } else {
      std::signal(SIGPIPE, before);
    }
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace tickstone::cli
