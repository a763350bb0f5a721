// The messages to and from the toolbar of Wireshark, byte by byte.
#include "extcap_toolbar.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sixin4::cli {
namespace {

using namespace std::string_literals;

wire::Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(ToolbarMessages, ArePutTogetherOutOfPieces) {
  const std::string two = "T\0\0\5\2\1tcp"s + "T\0\0\2\377\0"s;
  ToolbarMessages messages;
  for (std::size_t i = 0; i < 8; ++i) {
    messages.add(bytes_of(two.substr(i, 1)));
    EXPECT_FALSE(messages.next());
  }
  messages.add(bytes_of(two.substr(8)));
  const auto first = messages.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->control, 2);
  EXPECT_EQ(first->command, 1);
  EXPECT_EQ(first->payload, "tcp");
  const auto second = messages.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->control, 255);
  EXPECT_EQ(second->command, 0);
  EXPECT_EQ(second->payload, "");
  EXPECT_FALSE(messages.next());
}

TEST(ToolbarMessages, OtherBytesAreAnError) {
  for (const std::string& wrong : {"X\0\0\2\0\0"s, "T\0\0\1\0\0"s, "T\377\377\377\0\0"s}) {
    ToolbarMessages messages;
    messages.add(bytes_of(wrong));
    EXPECT_THROW((void)messages.next(), std::runtime_error);
  }
}

/// A toolbar between two pipes.
class Toolbar : public testing::Test {
 protected:
  Toolbar() {
    std::filesystem::create_directory(folder_);
    for (const std::string& path : {in_, out_}) {
      if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("cannot make a pipe");
    }
  }
  ~Toolbar() override { std::filesystem::remove_all(folder_); }
  Toolbar(const Toolbar&) = delete;
  Toolbar& operator=(const Toolbar&) = delete;

  void send(const std::string& bytes) const {
    const base::FileDescriptor fd{::open(in_.c_str(), O_WRONLY | O_NONBLOCK)};
    ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string sent() const {
    const base::FileDescriptor fd{::open(out_.c_str(), O_RDONLY | O_NONBLOCK)};
    std::array<char, 4096> buffer{};
    const ssize_t length = ::read(fd.get(), buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
  }

  const std::string folder_ = testing::TempDir() + "toolbar" + std::to_string(::getpid());
  const std::string in_ = folder_ + "/in";
  const std::string out_ = folder_ + "/out";
};

TEST_F(Toolbar, ShowsTheSelectionOfTheCapture) {
  ExtcapToolbar toolbar{in_, out_, {.form = capture::Form::outer, .drops_only = true, .filter = "tcp"}};
  EXPECT_EQ(toolbar.read().has_value(), false);
  EXPECT_EQ(sent(), "") << "before Wireshark has made the controls";
  send("T\0\0\2\0\0"s);
  EXPECT_EQ(toolbar.read().has_value(), false);
  EXPECT_EQ(sent(), "T\0\0\7\0\1outer"s + "T\0\0\3\1\1\1"s + "T\0\0\5\2\1tcp"s);
}

TEST_F(Toolbar, ChangesTheSelection) {
  ExtcapToolbar toolbar{in_, out_, {}};
  send("T\0\0\7\0\1inner"s + "T\0\0\3\1\1\1"s);
  auto selection = toolbar.read();
  ASSERT_TRUE(selection);
  EXPECT_EQ(selection->form, capture::Form::inner);
  EXPECT_TRUE(selection->drops_only);
  EXPECT_EQ(selection->filter, "");
  send("T\0\0\6\0\1both"s + "T\0\0\3\1\1\0"s + "T\0\0\15\2\1udp port 53"s);
  selection = toolbar.read();
  ASSERT_TRUE(selection);
  EXPECT_EQ(selection->form, std::nullopt);
  EXPECT_FALSE(selection->drops_only);
  EXPECT_EQ(selection->filter, "udp port 53");
  send("T\0\0\10\0\1middle"s);
  selection = toolbar.read();
  ASSERT_TRUE(selection);
  EXPECT_EQ(selection->form, std::nullopt) << "an unknown form changes nothing";
}

TEST_F(Toolbar, NonsenseEndsItWithAWarning) {
  ExtcapToolbar toolbar{in_, out_, {}};
  send("nonsense");
  EXPECT_FALSE(toolbar.read());
  EXPECT_EQ(toolbar.fd(), -1);
  EXPECT_EQ(sent().substr(4, 2), "\377\10"s);
}

TEST_F(Toolbar, PipesThatAreNotThereAreRefused) {
  EXPECT_THROW((ExtcapToolbar{folder_ + "/none", out_, {}}), std::system_error);
}

}  // namespace
}  // namespace sixin4::cli
