// pcapng files that are written a block at a time: the buffer, and writes that fail.
#include "sixin4/capture/pcapng_file.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"

#include "../wire/pcapng_reader.hpp"

namespace sixin4::capture {
namespace {

namespace fs = std::filesystem;

class PcapngFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sixin4-pcapng-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(PcapngFileTest, BlocksReachTheFileWithFlush) {
  const fs::path path = directory_ / "a.pcapng";
  PcapngFile file = open_pcapng_file(path, {"he6 (inner)", "he6 (outer)"});
  EXPECT_EQ(fs::file_size(path), 0U);
  const std::uint64_t size = file.size();
  file.flush();
  EXPECT_EQ(fs::file_size(path), size);
  EXPECT_EQ(file.size(), size);

  std::ifstream stream{path, std::ios::binary};
  const test::Octets bytes{std::istreambuf_iterator<char>{stream}, {}};
  const auto blocks = test::blocks_of(bytes);
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[1].options.at(2), "he6 (inner)");
  EXPECT_EQ(blocks[2].options.at(2), "he6 (outer)");
}

TEST_F(PcapngFileTest, ABufferOf64KibIsFull) {
  PcapngFile file{directory_ / "a.pcapng"};
  file.buffer().resize((1 << 16) - 1);
  EXPECT_FALSE(file.has_full_buffer());
  file.buffer().push_back(0);
  EXPECT_TRUE(file.has_full_buffer());
  file.flush();
  EXPECT_FALSE(file.has_full_buffer());
}

TEST_F(PcapngFileTest, AFailedWriteNamesTheFile) {
  PcapngFile file = open_pcapng_file("/dev/full", {});
  try {
    file.flush();
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_space_on_device);
    EXPECT_TRUE(std::string{error.what()}.starts_with("cannot write /dev/full: "));
  }
}

TEST_F(PcapngFileTest, AFailedWriteIsNotRepeated) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  const fs::path path = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto open_reader = [&] {
    return base::FileDescriptor{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  };
  base::FileDescriptor reader = open_reader();
  {
    PcapngFile file = open_pcapng_file(path, {});
    reader = {};
    EXPECT_THROW(file.flush(), std::system_error);
    reader = open_reader();
  }
  std::array<char, 64> bytes{};
  EXPECT_EQ(::read(reader.get(), bytes.data(), bytes.size()), 0);
}

}  // namespace
}  // namespace sixin4::capture
