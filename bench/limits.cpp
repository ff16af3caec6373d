// SPDX-License-Identifier: Apache-2.0
// limits DIRECTORY: what the machine itself can do, without a database: reading memory with one core and with
// all, writing 4 kB to the end of a file in DIRECTORY and syncing it, and messages that go to another process
// and back over loopback TCP, on one connection and on several at once, and one way as fast as they go.
// Prints a name and a figure a line, separated by a tab.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Sums of numbers that do not fit into a cache, by each thread its own part; the best of five, in GB/s.
double memory_bandwidth(unsigned threads) {
  constexpr std::size_t kNumbers = std::size_t{1} << 26;  // 512 MiB
  static const std::vector<std::uint64_t> numbers(kNumbers, 3);
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::uint64_t> sums(threads * 16);
    std::vector<std::thread> workers;
    const auto began = Clock::now();
    for (unsigned t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        const std::size_t first = kNumbers * t / threads, last = kNumbers * (t + 1) / threads;
        std::array<std::uint64_t, 8> sum{};
        for (std::size_t i = first; i + 8 <= last; i += 8)
          for (std::size_t k = 0; k < 8; ++k) sum[k] += numbers[i + k];
        sums[t * 16] = std::accumulate(sum.begin(), sum.end(), std::uint64_t{0});
      });
    }
    for (auto& worker : workers) worker.join();
    const double taken = seconds_since(began);
    if (std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}) == 0) std::exit(1);
    best = std::max(best, static_cast<double>(kNumbers * sizeof(std::uint64_t)) / taken / 1e9);
  }
  return best;
}

/// The median of 500 appends of 4 kB with an fdatasync each, in milliseconds.
double sync_milliseconds(const std::string& directory) {
  const std::string path = directory + "/limits.sync";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail(path.c_str());
  const std::vector<char> block(4096, 'x');
  std::vector<double> taken;
  for (int i = 0; i < 500; ++i) {
    const auto began = Clock::now();
    if (::write(file, block.data(), block.size()) < 0 || ::fdatasync(file) != 0) fail("write");
    taken.push_back(1000 * seconds_since(began));
  }
  ::close(file);
  ::unlink(path.c_str());
  std::nth_element(taken.begin(), taken.begin() + 250, taken.end());
  return taken[250];
}

int connected(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fail("connect");
  return descriptor;
}

/// A process with a thread for each of `connections`, which runs `serve`, and this one's descriptors of them.
template <typename Serve, typename Work>
double between_processes(unsigned connections, const Serve& serve, const Work& work) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 128) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("listen");
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < connections; ++i) {
      const int descriptor = ::accept(listener, nullptr, nullptr);
      const int on = 1;
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      threads.emplace_back([descriptor, &serve] { serve(descriptor); });
    }
    for (auto& thread : threads) thread.join();
    std::_Exit(0);
  }
  std::vector<int> descriptors;
  for (unsigned i = 0; i < connections; ++i) descriptors.push_back(connected(address.sin_port));
  const double figure = work(descriptors);
  for (const int descriptor : descriptors) ::close(descriptor);
  ::close(listener);
  ::waitpid(child, nullptr, 0);
  return figure;
}

constexpr std::size_t kQuestionBytes = 100, kAnswerBytes = 300;  // about those of a point query

void receive(int descriptor, char* buffer, std::size_t bytes) {
  for (std::size_t got = 0; got < bytes;) {
    const auto count = ::recv(descriptor, buffer + got, bytes - got, 0);
    if (count <= 0) fail("recv");
    got += static_cast<std::size_t>(count);
  }
}

/// Questions and answers a second, of all connections together.
double round_trips(unsigned connections) {
  const auto serve = [](int descriptor) {
    std::array<char, 1024> buffer{};
    while (::recv(descriptor, buffer.data(), kQuestionBytes, 0) > 0) {
      if (::send(descriptor, buffer.data(), kAnswerBytes, MSG_NOSIGNAL) < 0) return;
    }
  };
  return between_processes(connections, serve, [](const std::vector<int>& descriptors) {
    std::vector<std::uint64_t> counts(descriptors.size() * 16);
    std::vector<std::thread> threads;
    const auto began = Clock::now();
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      threads.emplace_back([&, i] {
        std::array<char, 1024> buffer{};
        while (seconds_since(began) < 2) {
          if (::send(descriptors[i], buffer.data(), kQuestionBytes, MSG_NOSIGNAL) < 0) fail("send");
          receive(descriptors[i], buffer.data(), kAnswerBytes);
          ++counts[i * 16];
        }
      });
    }
    for (auto& thread : threads) thread.join();
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0})) /
           seconds_since(began);
  });
}

/// Bytes sent one way in pieces of 64 kB, in GB/s.
double one_way() {
  static std::vector<char> buffer(1 << 16);
  const auto serve = [](int descriptor) {
    while (::recv(descriptor, buffer.data(), buffer.size(), 0) > 0) {
    }
  };
  return between_processes(1, serve, [](const std::vector<int>& descriptors) {
    double sent = 0;
    const auto began = Clock::now();
    while (seconds_since(began) < 2) {
      const auto count = ::send(descriptors[0], buffer.data(), buffer.size(), MSG_NOSIGNAL);
      if (count < 0) fail("send");
      sent += static_cast<double>(count);
    }
    return sent / seconds_since(began) / 1e9;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: limits DIRECTORY\n", stderr);
    return 2;
  }
  for (const unsigned connections : {1U, 8U, 32U})
    std::printf("round_trips_%u\t%.0f\n", connections, round_trips(connections));
  std::printf("one_way\t%.2f\n", one_way());
  std::printf("sync\t%.4f\n", sync_milliseconds(argv[1]));
  std::printf("memory_1\t%.1f\n", memory_bandwidth(1));
  std::printf("memory_all\t%.1f\n", memory_bandwidth(std::max(1U, std::thread::hardware_concurrency())));
  return 0;
}
