// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_bar.hpp"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "base/clock.hpp"

namespace tickstone::cli {
namespace {

constexpr std::int64_t kIntervalNs = 100'000'000;
constexpr std::size_t kBarWidth = 30;

}  // namespace

ProgressBar::ProgressBar(std::string title, std::uint64_t total)
    : title_(std::move(title)), total_(total), is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::clear() {
  if (!has_shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  has_shown_ = false;
}

void ProgressBar::show(std::uint64_t done, const std::string& note) {
  if (!is_terminal_) return;
  const std::int64_t now = system_clock().monotonic_ns();
  if (has_shown_ && now - last_ns_ < kIntervalNs) return;
  last_ns_ = now;
  has_shown_ = true;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\x1b[K%s  %s", title_.c_str(), note.c_str());
  } else {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const auto filled = static_cast<std::size_t>(part * kBarWidth);
    std::fprintf(stderr, "\r\x1b[K%s [%s%s] %3.0f %%  %s", title_.c_str(), std::string(filled, '#').c_str(),
                 std::string(kBarWidth - filled, '.').c_str(), part * 100, note.c_str());
  }
  std::fflush(stderr);
}

}  // namespace tickstone::cli
