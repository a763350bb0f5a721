// Which modules of the kernel make it answer protocol 41 by itself.
#include "sixin4/control/kernel_tunnel.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sixin4::control::testing {
namespace {

class KernelTunnelTest : public ::testing::Test {
 protected:
  ~KernelTunnelTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(modules, ignored);
  }
  void load(const char* name) { std::filesystem::create_directories(modules / name); }

  std::filesystem::path modules =
      std::filesystem::path{::testing::TempDir()} / ("sixin4-modules-" + std::to_string(::getpid()));
};

TEST_F(KernelTunnelTest, NoneWhereNoneIsLoaded) {
  EXPECT_EQ(module_that_answers(modules), std::nullopt) << "there is no such folder";
  load("tun");
  load("ip_tunnel");
  EXPECT_EQ(module_that_answers(modules), std::nullopt);
}

TEST_F(KernelTunnelTest, TheModuleThatAnswersIsNamed) {
  load("ipip");
  EXPECT_EQ(module_that_answers(modules), "ipip");
  load("sit");
  EXPECT_EQ(module_that_answers(modules), "sit");
  load("tunnel4");
  EXPECT_EQ(module_that_answers(modules), "tunnel4");
}

}  // namespace
}  // namespace sixin4::control::testing
