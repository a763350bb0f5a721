// A control server that a thread serves, and clients of it.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/control/control_socket.hpp"

namespace sixin4::control::testing {

namespace fs = std::filesystem;

inline Answer handle(std::string_view verb) {
  if (verb == "show") return {.result = R"({"b": 1, "a": [2, "x"]})"};
  if (verb == "down") return Answer::nothing();
  if (verb == "reload") throw base::ConfigurationError("he6.conf:3: mtu: 'x' is not a number");
  if (verb == "nonsense") return {.result = "{not json"};
  throw std::runtime_error("unknown verb '" + std::string{verb} + "'");
}

inline void serve_once(ControlServer& server, const Handler& handler) {
  pollfd readable{.fd = server.fd(), .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, 10) > 0) server.serve(handler);
}

/// A server with a thread that serves it.
class Running {
 public:
  explicit Running(const std::string& path, Handler handler = handle)
      : server_(path), handler_(std::move(handler)) {}

 private:
  ControlServer server_;
  Handler handler_;
  std::jthread thread_{[this](const std::stop_token& stop) {
    while (!stop.stop_requested()) serve_once(server_, handler_);
  }};
};

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

/// A connection that a test drives by hand.
inline base::FileDescriptor connect_to(const std::string& path) {
  base::FileDescriptor fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const sockaddr_un address = address_of(path);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  return fd;
}

inline std::string exchange(const base::FileDescriptor& fd, const std::string& request) {
  EXPECT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string reply(65536, '\0');
  const ssize_t length = recv(fd.get(), reply.data(), reply.size(), 0);
  return length < 0 ? "error" : reply.substr(0, static_cast<std::size_t>(length));
}

/// The result of a request, or the kind and the text of its error.
inline std::string outcome(const std::string& path, const std::string& verb) {
  try {
    return ask(path, verb);
  } catch (const base::ConfigurationError& error) {
    return std::string{"ConfigurationError: "} + error.what();
  } catch (const EndpointRefusal& error) {
    return std::string{"EndpointRefusal: "} + error.what();
  } catch (const NoSuchEndpoint& error) {
    return std::string{"NoSuchEndpoint: "} + error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

class ControlSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/sixin4-control-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    fs::permissions(directory_, fs::perms{0711});
    path_ = directory_ / "he6.sock";
  }
  void TearDown() override { fs::remove_all(directory_); }

  /// Makes the socket that a killed process leaves.
  void leave_a_dead_socket() const {
    const base::FileDescriptor fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const sockaddr_un address = address_of(path_);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(fd.get(), 1), 0);
  }

  fs::path directory_;
  std::string path_;
};

}  // namespace sixin4::control::testing
