// SPDX-License-Identifier: Apache-2.0
#include "engine/configuration_file.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "engine/configuration_backup.hpp"

namespace tickstone::engine {
namespace {

constexpr int kDeepestInclude = 10;
constexpr std::size_t kProblemsOfOneFile = 100;

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The tokens of one line.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) { skip_blanks(); }

  bool at_end() const { return rest_.empty() || rest_.front() == '#'; }

  /// A name, perhaps with a dot in it; nothing where something else stands.
  std::optional<std::string> take_name() {
    std::size_t length = 0;
    while (length < rest_.size() && (is_letter(rest_[length]) || (length > 0 && is_digit(rest_[length])) ||
                                     (length > 0 && rest_[length] == '.' && length + 1 < rest_.size() &&
                                      is_letter(rest_[length + 1]))))
      ++length;
    if (length == 0) return std::nullopt;
    return taken(length);
  }

  void skip_equals() {
    if (rest_.empty() || rest_.front() != '=') return;
    rest_.remove_prefix(1);
    skip_blanks();
  }

  /// A quoted string, a word or a number with a unit; nothing where something else stands.
  std::optional<std::string> take_value() {
    if (!rest_.empty() && rest_.front() == '\'') return take_quoted();
    std::size_t length = 0;
    if (!rest_.empty() && is_letter(rest_.front())) {
      while (length < rest_.size() &&
             (is_letter(rest_[length]) || is_digit(rest_[length]) ||
              std::string_view("-._:/").find(rest_[length]) != std::string_view::npos))
        ++length;
    } else {
      length = number_length();
    }
    if (length == 0) return std::nullopt;
    return taken(length);
  }

  /// What stands here, for an error: a token, roughly.
  std::string near() const {
    std::size_t length = 0;
    while (length < rest_.size() && (is_letter(rest_[length]) || is_digit(rest_[length]))) ++length;
    return std::string(rest_.substr(0, std::max<std::size_t>(length, 1)));
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0)
      rest_.remove_prefix(1);
  }

  std::string taken(std::size_t length) {
    std::string token(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_blanks();
    return token;
  }

  /// Of 10, -1, 0x1F, 16MB, 0.9, 1e-3. As in PostgreSQL, a fraction with a unit has to be quoted.
  std::size_t number_length() const {
    std::size_t at = !rest_.empty() && (rest_.front() == '-' || rest_.front() == '+') ? 1 : 0;
    const std::size_t first = at;
    while (at < rest_.size() && is_digit(rest_[at])) ++at;
    if (at < rest_.size() && rest_[at] == '.') {
      ++at;
      while (at < rest_.size() && is_digit(rest_[at])) ++at;
      if (at == first + 1) return 0;  // a lone dot
      if (at + 1 < rest_.size() && (rest_[at] == 'e' || rest_[at] == 'E')) {
        std::size_t exponent = at + 1;
        if (rest_[exponent] == '-' || rest_[exponent] == '+') ++exponent;
        const std::size_t digits = exponent;
        while (exponent < rest_.size() && is_digit(rest_[exponent])) ++exponent;
        if (exponent > digits) at = exponent;
      }
      return at;
    }
    if (at == first) return 0;
    while (at < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[at])) != 0)) ++at;
    return at;
  }

  std::optional<std::string> take_quoted() {
    std::string value;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == '\'') {
        if (at + 1 < rest_.size() && rest_[at + 1] == '\'') {
          value += '\'';
          ++at;
          continue;
        }
        rest_.remove_prefix(at + 1);
        skip_blanks();
        return value;
      }
      if (c == '\\' && at + 1 < rest_.size())
        at = take_escape(at, value);
      else
        value += c;
    }
    return std::nullopt;  // it does not end
  }

  /// Of the backslash at `at`; returns the place of its last character.
  std::size_t take_escape(std::size_t at, std::string& value) const {
    const char c = rest_[++at];
    if (c >= '0' && c <= '7') {
      int code = 0;
      const std::size_t end = std::min(at + 3, rest_.size());
      for (; at < end && rest_[at] >= '0' && rest_[at] <= '7'; ++at) code = code * 8 + (rest_[at] - '0');
      value += static_cast<char>(code);
      return at - 1;
    }
    constexpr std::string_view kNames = "bfnrt";
    constexpr std::string_view kMeant = "\b\f\n\r\t";
    const auto known = kNames.find(c);
    value += known == std::string_view::npos ? c : kMeant[known];
    return at;
  }

  std::string_view rest_;
};

class Reader {
 public:
  explicit Reader(ConfigurationText& text) : text_(text) {}

  /// `from`: the file and line that includes it, for what is wrong with the file itself.
  void read(const std::filesystem::path& path, int depth, const ConfigurationLine* from,
            bool may_be_missing) {
    const auto where = from == nullptr ? ConfigurationProblem{{}, path, 0}
                                       : ConfigurationProblem{{}, from->file, from->line};
    const auto problem = [&](const std::string& message) {
      text_.problems.push_back({message, where.file, where.line});
    };
    if (std::find(open_.begin(), open_.end(), path) != open_.end())
      return problem("configuration file recursion in \"" + path.string() + "\"");
    if (depth > kDeepestInclude)
      return problem("could not open configuration file \"" + path.string() +
                     "\": maximum nesting depth exceeded");
    errno = 0;
    std::error_code ignored;
    std::ifstream file(path);
    if (!file && may_be_missing && errno == ENOENT) return;
    if (!file || std::filesystem::is_directory(path, ignored)) {
      return problem("could not open configuration file \"" + path.string() +
                     "\": " + std::strerror(file ? EISDIR : errno));
    }
    open_.push_back(path);
    files_.push_back(path);
    const std::size_t problems_before = text_.problems.size();
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      read_line(line, path, number, depth);
      if (text_.problems.size() - problems_before >= kProblemsOfOneFile) {
        problem("too many syntax errors found, abandoning file \"" + path.string() + "\"");
        break;
      }
    }
    open_.pop_back();
  }

  /// All that were read.
  const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  void read_line(std::string_view text, const std::filesystem::path& path, int number, int depth) {
    Line line(text);
    if (line.at_end()) return;
    const auto syntax_error = [&] {
      const std::string place =
          "syntax error in file \"" + path.string() + "\" line " + std::to_string(number);
      text_.problems.push_back(
          {place + (line.at_end() ? ", near end of line" : ", near token \"" + line.near() + "\""), path,
           number});
    };
    const auto name = line.take_name();
    if (!name) return syntax_error();
    line.skip_equals();
    const auto value = line.at_end() ? std::nullopt : line.take_value();
    if (!value || !line.at_end()) return syntax_error();
    ConfigurationLine entry{*name, *value, path, number};
    std::transform(entry.name.begin(), entry.name.end(), entry.name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (entry.name == "include" || entry.name == "include_if_exists") {
      read(resolved(entry), depth + 1, &entry, entry.name == "include_if_exists");
    } else if (entry.name == "include_dir") {
      read_directory(entry, depth);
    } else {
      text_.lines.push_back(std::move(entry));
    }
  }

  static std::filesystem::path resolved(const ConfigurationLine& entry) {
    return entry.file.parent_path() / entry.value;  // an absolute one replaces the whole
  }

  /// Its *.conf, but hidden ones, in the order of their names.
  void read_directory(const ConfigurationLine& entry, int depth) {
    const auto directory = resolved(entry);
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (name.front() != '.' && name.ends_with(".conf") && !it->is_directory()) paths.push_back(it->path());
    }
    if (error) {
      text_.problems.push_back(
          {"could not open configuration directory \"" + directory.string() + "\": " + error.message(),
           entry.file, entry.line});
      return;
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) read(path, depth + 1, &entry, false);
  }

  ConfigurationText& text_;
  std::vector<std::filesystem::path> open_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace

ConfigurationText read_configuration_file(const std::filesystem::path& path) {
  ConfigurationText text;
  Reader(text).read(path, 0, nullptr, false);
  return text;
}

std::vector<std::string> files_of_configuration(const std::filesystem::path& data_directory,
                                                const std::filesystem::path& file) {
  const auto root = std::filesystem::absolute(data_directory).lexically_normal();
  std::vector<std::string> names;
  const auto add = [&](const std::filesystem::path& path) {
    std::error_code ignored;
    const auto name = (root / path).lexically_normal().lexically_relative(root).generic_string();
    if (name.starts_with("..") || !std::filesystem::is_regular_file(root / name, ignored)) return;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& start :
       {file.empty() ? root / "postgresql.conf" : root / file, root / "postgresql.auto.conf"}) {
    std::error_code ignored;
    if (!std::filesystem::exists(start, ignored)) continue;
    ConfigurationText text;
    Reader reader(text);
    reader.read(start, 0, nullptr, false);
    for (const auto& read : reader.files()) add(read);
    for (const auto& line : text.lines) {
      if (line.name == "ssl_cert_file" || line.name == "ssl_key_file" || line.name == "ssl_ca_file" ||
          line.name == "ssl_crl_file")
        add(line.value);
    }
  }
  add("server.crt");
  add("server.key");
  return names;
}

std::string configuration_text(const std::vector<ConfigurationLine>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line.name + " = '";
    for (const char c : line.value) {
      if (c == '\'' || c == '\\') text += c;
      if (c == '\n')
        text += "\\n";
      else
        text += c;
    }
    text += "'\n";
  }
  return text;
}

}  // namespace tickstone::engine
