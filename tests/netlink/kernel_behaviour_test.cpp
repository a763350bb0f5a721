// Modules in sysfs and sysctls, read from a temporary directory.
#include "sixin4/netlink/kernel_behaviour.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sixin4::netlink::testing {
namespace {

class KernelBehaviourTest : public ::testing::Test {
 protected:
  ~KernelBehaviourTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(modules, ignored);
  }
  void load(const char* name) { std::filesystem::create_directories(modules / name); }

  std::filesystem::path modules =
      std::filesystem::path{::testing::TempDir()} / ("sixin4-modules-" + std::to_string(::getpid()));
};

TEST_F(KernelBehaviourTest, NoneWhereNoneIsLoaded) {
  EXPECT_EQ(module_that_answers(modules), std::nullopt) << "the directory does not exist";
  load("tun");
  load("ip_tunnel");
  EXPECT_EQ(module_that_answers(modules), std::nullopt);
}

TEST_F(KernelBehaviourTest, TheModuleThatAnswersIsNamed) {
  load("ipip");
  EXPECT_EQ(module_that_answers(modules), "ipip");
  load("sit");
  EXPECT_EQ(module_that_answers(modules), "sit");
  load("tunnel4");
  EXPECT_EQ(module_that_answers(modules), "tunnel4");
}

TEST_F(KernelBehaviourTest, ThePathMtuIsHiddenByAnyOtherSettingThan0) {
  load("x");
  const auto with = [this](const char* text) {
    std::ofstream{modules / "setting"} << text;
    return hides_path_mtu(modules / "setting");
  };
  EXPECT_FALSE(with("0\n"));
  for (const char* text : {"1\n", "2\n", "3\n"}) EXPECT_TRUE(with(text)) << text;
  EXPECT_FALSE(hides_path_mtu(modules / "absent"));
}

}  // namespace
}  // namespace sixin4::netlink::testing
