// Configurations from the text of a file and from arguments, and the errors that they meet.
#pragma once

#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"
#include "sixin4/config/configuration.hpp"

namespace sixin4::config::testing {

using Words = std::vector<std::string>;

inline Configuration load(const Words& arguments) {
  return load_configuration(arguments);
}

/// The text of the configuration that these arguments give, after `accepted:`, or the text of the error.
inline std::string outcome_of(const Words& arguments) {
  try {
    return "accepted:\n" + to_text(load(arguments));
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// The same, but only a ConfigurationError is expected.
inline std::string refusal(const Words& arguments) {
  try {
    return "accepted:\n" + to_text(load(arguments));
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

class ConfigurationTest : public ::testing::Test {
 protected:
  ~ConfigurationTest() override {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string line(int number) const { return path_ + ":" + std::to_string(number) + ": "; }

  /// The arguments that read this text, and more.
  Words file(const std::string& text, const Words& more = {}) const {
    std::ofstream(path_) << text;
    Words arguments{"-c", path_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

 private:
  static std::string new_path() {
    std::string path = ::testing::TempDir() + "sixin4-configuration-XXXXXX";
    const int fd = ::mkstemp(path.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    return path;
  }
  std::string path_ = new_path();
};

}  // namespace sixin4::config::testing
