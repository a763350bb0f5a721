// Files with unusual content: some are read, the others are refused with a reason.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "configuration_fixture.hpp"

namespace sixin4::config::testing {
namespace {

namespace fs = std::filesystem;

class ConfigurationFilesTest : public ::testing::Test {
 protected:
  ~ConfigurationFilesTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
    return path(name);
  }

 private:
  static fs::path new_directory() {
    std::string name = ::testing::TempDir() + "sixin4-files-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }
  fs::path directory_ = new_directory();
};

Configuration configuration_of(const std::string& file) {
  return load({"-c", file});
}

std::string outcome(const std::string& file) {
  return outcome_of({"-c", file});
}

TEST_F(ConfigurationFilesTest, AByteOrderMarkAndCarriageReturnsAreNoPartOfALine) {
  const std::string table =
      write("table", "\xef\xbb\xbf# list\r\n2001:db8:7::/48 reject\r\n2001:db8:8::/48\r\n");
  const Configuration c =
      configuration_of(write("conf",
                             "\xef\xbb\xbfremote = 192.0.2.2\r\n\r\n# text\r\ncontrol = /run/x.sock\r\n"
                             "source = to @" +
                                 table + " keep\r\nmtu = 1400"));
  EXPECT_EQ(c.remote, "192.0.2.2");
  EXPECT_EQ(c.control, "/run/x.sock");
  EXPECT_EQ(c.mtu, 1400);
  EXPECT_EQ(c.source_tables.at(table).size(), 2U);
  EXPECT_NE(outcome(write("later", "remote = 192.0.2.2\n\xef\xbb\xbfmtu = 1400\n"))
                .find(":2: '\xef\xbb\xbfmtu': unknown key"),
            std::string::npos)
      << "in the middle of a file it is a character like others";
}

TEST_F(ConfigurationFilesTest, ADirectoryIsNamedAsOne) {
  ASSERT_TRUE(fs::create_directory(path("directory")));
  EXPECT_EQ(outcome(path("directory")), "cannot read " + path("directory") + ": Is a directory");
  EXPECT_EQ(
      outcome(write("conf", "remote = 192.0.2.2\nsource = to @" + path("directory") + " keep\n")),
      "source = to @" + path("directory") + " keep: cannot read " + path("directory") + ": Is a directory");
}

TEST_F(ConfigurationFilesTest, FilesThatAreNotTextAreRefusedEarly) {
  for (const std::string& file :
       {std::string{"/dev/zero"}, write("utf16", std::string{"\xff\xfer\0e\0m\0", 8})}) {
    EXPECT_EQ(outcome(file), file + ": is not a text file: it has NUL bytes");
  }
  const std::string large = write("large", "remote = 192.0.2.2\n");
  std::ofstream{large, std::ios::app} << std::string(std::size_t{65} << 20U, '#');
  EXPECT_EQ(outcome(large), large + ": is larger than 64 MiB");
}

TEST_F(ConfigurationFilesTest, APipeIsReadAndNotWaitedForForEver) {
  const std::string fifo = path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer{[&fifo] {
    std::ofstream stream{fifo};
    stream << "remote = 192.0.2.2\nmt" << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    stream << "u = 1400\n";
  }};
  EXPECT_EQ(configuration_of(fifo).mtu, 1400);
  writer.join();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(outcome(fifo), "cannot read " + fifo + ": no data for 5 s");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{20});
}

TEST_F(ConfigurationFilesTest, NoMoreThanALineOfAValueIsRepeated) {
  const std::string much(20000, 'x');
  for (const std::string& line :
       {"remote = " + much + "/", "interface = " + much, "route = " + much, "mtu = " + much, much,
        "address = " + much, "pool = " + much, "source = " + much, "control = " + much,
        "source = use a every " + much, "ttl = " + much, "wire = " + much}) {
    const std::string message = outcome(write("conf", line + "\n"));
    EXPECT_LT(message.size(), 600U) << line.substr(0, 20);
    EXPECT_NE(message.find("'xxx"), std::string::npos) << message;
    EXPECT_NE(message.find("xxx...'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace sixin4::config::testing
