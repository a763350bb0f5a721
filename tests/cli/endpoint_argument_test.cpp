// NAME and `--control PATH`, alone, together and wrong.
#include "sixin4/cli/endpoint_argument.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::cli::testing {
namespace {

base::Arguments arguments_of(const std::vector<std::string>& words) {
  return base::parse_arguments(std::array{control_option()}, words);
}

std::string mistake_in(const std::vector<std::string>& words) {
  try {
    return required_endpoint(arguments_of(words), "reload").path;
  } catch (const base::ConfigurationError& error) {
    return error.what();
  }
}

TEST(EndpointArgument, ANameStandsForTheUsualPath) {
  const auto endpoint = endpoint_argument(arguments_of({"he6"}));
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->name, "he6");
  EXPECT_EQ(endpoint->path, "/run/sixin4/he6.sock");
}

TEST(EndpointArgument, APathAloneIsAlsoTheName) {
  const auto endpoint = endpoint_argument(arguments_of({"--control", "/tmp/near.sock"}));
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->name, "/tmp/near.sock");
  EXPECT_EQ(endpoint->path, "/tmp/near.sock");
}

TEST(EndpointArgument, APathReplacesTheUsualPathOfTheName) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"he6", "--control", "/tmp/near.sock"},
        {"--control=/tmp/near.sock", "he6"}}) {
    const auto endpoint = endpoint_argument(arguments_of(words));
    ASSERT_TRUE(endpoint);
    EXPECT_EQ(endpoint->name, "he6");
    EXPECT_EQ(endpoint->path, "/tmp/near.sock");
  }
}

TEST(EndpointArgument, WithoutBothThereIsNoEndpoint) {
  EXPECT_FALSE(endpoint_argument(arguments_of({})));
  EXPECT_EQ(mistake_in({}), "command line: reload needs the NAME of a running endpoint, or --control PATH");
}

TEST(EndpointArgument, TwoNamesAreAMistake) {
  EXPECT_EQ(mistake_in({"he6", "he7"}), "command line: give one NAME");
  EXPECT_EQ(mistake_in({"he6", "he7", "--control", "/tmp/near.sock"}), "command line: give one NAME");
}

TEST(EndpointArgument, AnEmptyPathIsAMistake) {
  EXPECT_EQ(mistake_in({"--control", ""}), "command line: --control: the path is empty");
  EXPECT_EQ(mistake_in({"he6", "--control", ""}), "command line: --control: the path is empty");
}

}  // namespace
}  // namespace sixin4::cli::testing
