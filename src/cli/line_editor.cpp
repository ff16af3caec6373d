// SPDX-License-Identifier: Apache-2.0
#include "cli/line_editor.hpp"

#include <algorithm>
#include <cctype>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include <editline/readline.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tickstone::cli {
namespace {

constexpr int kRememberedLines = 2000;

// libedit calls back without a pointer of ours.
std::vector<std::string> completed_words;
sigjmp_buf line_given_up;
volatile std::sig_atomic_t is_reading = 0;
pthread_t reader;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool begins_with(const std::string& word, const char* start) {
  std::size_t i = 0;
  for (; start[i] != 0; ++i) {
    if (i >= word.size() || lower(word[i]) != lower(start[i])) return false;
  }
  return true;
}

char* next_match(const char* start, int state) {
  static std::size_t next = 0;
  if (state == 0) next = 0;
  while (next < completed_words.size()) {
    const std::string& word = completed_words[next++];
    if (begins_with(word, start)) return strdup(word.c_str());
  }
  return nullptr;
}

char** complete(const char* start, int /*from*/, int /*to*/) {
  rl_attempted_completion_over = 1;  // no file names
  return rl_completion_matches(start, next_match);
}

/// libedit raises the signal again for the whole process while its own handler blocks it here, so that
/// another thread gets it: the reader's stack is the reader's alone.
void give_line_up(int signal) {
  if (is_reading == 0) return;
  if (pthread_equal(pthread_self(), reader) == 0) {
    pthread_kill(reader, signal);
    return;
  }
  siglongjmp(line_given_up, 1);
}

std::string history_path() {
  namespace fs = std::filesystem;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if ((state == nullptr || *state == 0) && (home == nullptr || *home == 0)) return {};
  const fs::path base =
      state != nullptr && *state != 0 ? fs::path(state) : fs::path(home) / ".local" / "state";
  std::error_code error;
  fs::create_directories(base / "tickstone", error);
  return error ? std::string{} : (base / "tickstone" / "history").string();
}

}  // namespace

LineEditor::LineEditor() : is_terminal_(isatty(STDIN_FILENO) != 0) {
  if (!is_terminal_) return;
  rl_readline_name = "tickstone";
  rl_initialize();
  using_history();
  stifle_history(kRememberedLines);
  static char breaks[] = " \t\n\"'`@$><=;|&{(,)+-*/.";
  rl_basic_word_break_characters = breaks;
  rl_completer_word_break_characters = breaks;
  rl_attempted_completion_function = complete;
  history_file_ = history_path();
  if (!history_file_.empty()) read_history(history_file_.c_str());
}

LineEditor::~LineEditor() {
  if (history_file_.empty()) return;
  const auto before = umask(S_IRWXG | S_IRWXO);
  write_history(history_file_.c_str());
  umask(before);
  ::chmod(history_file_.c_str(), S_IRUSR | S_IWUSR);
}

LineEditor::Read LineEditor::read(const std::string& prompt) {
  if (!is_terminal_) {
    Read read;
    if (!std::getline(std::cin, read.line)) return read;
    read.end = End::Line;
    return read;
  }
  reader = pthread_self();
  struct sigaction ours {};
  struct sigaction before {};
  ours.sa_handler = give_line_up;
  sigemptyset(&ours.sa_mask);
  sigaction(SIGINT, &ours, &before);
  char* line = nullptr;
  const bool was_given_up = sigsetjmp(line_given_up, 1) != 0;
  if (!was_given_up) {
    is_reading = 1;
    line = readline(prompt.c_str());
  }
  is_reading = 0;
  sigaction(SIGINT, &before, nullptr);
  if (was_given_up) {
    rl_deprep_terminal();
    std::cout << "^C" << std::endl;
    return {End::Interrupted, {}};
  }
  if (line == nullptr) return {};
  Read read{End::Line, line};
  std::free(line);
  return read;
}

void LineEditor::remember(const std::string& statement) {
  if (!is_terminal_) return;
  std::string lowered = statement;
  std::ranges::transform(lowered, lowered.begin(), lower);
  if (lowered.find("password") != std::string::npos) return;
  std::string line = statement;
  std::ranges::replace(line, '\n', ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.find_first_not_of(' ') == std::string::npos) return;
  add_history(line.c_str() + line.find_first_not_of(' '));
}

void LineEditor::set_words(std::vector<std::string> words) {
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  completed_words = std::move(words);
}

}  // namespace tickstone::cli
