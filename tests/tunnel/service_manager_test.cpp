// Notifications arrive at the socket named by NOTIFY_SOCKET, and at no other one.
#include "service_manager.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::tunnel::testing {
namespace {

/// A listening socket like the service manager's. A name with `@` is in the abstract namespace.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : name_(name), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << name;
  }
  ~Manager() { unlink(name_.c_str()); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  Manager(Manager&&) = delete;
  Manager& operator=(Manager&&) = delete;

  /// The next message; empty: none.
  [[nodiscard]] std::string next_message() const {
    std::string text(256, '\0');
    const ssize_t length = recv(fd_.get(), text.data(), text.size(), 0);
    return length < 0 ? std::string{} : text.substr(0, static_cast<std::size_t>(length));
  }

 private:
  std::string name_;
  base::FileDescriptor fd_;
};

class ServiceManagerTest : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("NOTIFY_SOCKET"); }
  static void point_to(const std::string& name) { setenv("NOTIFY_SOCKET", name.c_str(), 1); }

  const std::string name_ = "/tmp/sixin4-notify-" + std::to_string(getpid());
};

TEST_F(ServiceManagerTest, GetsOneMessageForEachState) {
  const Manager manager{name_};
  point_to(name_);
  notify_service_manager("READY=1");
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(manager.next_message(), "READY=1");
  EXPECT_EQ(manager.next_message(), "STOPPING=1");
  EXPECT_EQ(manager.next_message(), "");
}

TEST_F(ServiceManagerTest, GetsMessagesThroughTheAbstractNamespace) {
  const Manager manager{"@" + name_};
  point_to("@" + name_);
  notify_service_manager("READY=1\nSTATUS=up");
  EXPECT_EQ(manager.next_message(), "READY=1\nSTATUS=up");
}

TEST_F(ServiceManagerTest, GetsMessagesThroughTheLongestPath) {
  const std::string longest = name_ + std::string(107 - name_.size(), 'x');
  const Manager manager{longest};
  point_to(longest);
  notify_service_manager("READY=1");
  EXPECT_EQ(manager.next_message(), "READY=1");
}

TEST_F(ServiceManagerTest, GetsNothingUnlessTheVariableNamesIt) {
  const Manager manager{name_};
  const Manager abstract{"@" + name_};
  notify_service_manager("READY=1");
  for (const auto& other : std::vector<std::string>{std::string{}, name_ + "-absent", "@" + name_ + "-absent",
                                                    name_ + std::string(200, 'x')}) {
    point_to(other);
    notify_service_manager("READY=1");
  }
  EXPECT_EQ(manager.next_message(), "");
  EXPECT_EQ(abstract.next_message(), "");
}

}  // namespace
}  // namespace sixin4::tunnel::testing
