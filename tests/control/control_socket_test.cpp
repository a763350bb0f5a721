// The control socket: answers and errors cross it, the dead leave it to the living, and only some may ask.
#include "sixin4/control/control_socket.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sixin4/base/options.hpp"

namespace sixin4::control::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string handle(std::string_view verb) {
  if (verb == "show") return R"({"b": 1, "a": [2, "x"]})";
  if (verb == "down") return "null";
  if (verb == "reload") throw base::ConfigurationError("he6.conf:3: mtu: 'x' is not a number");
  if (verb == "nonsense") return "{not json";
  throw std::runtime_error("unknown verb '" + std::string{verb} + "'");
}

void serve_once(ControlServer& server, const Handler& handler) {
  pollfd readable{.fd = server.fd(), .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, 10) > 0) server.serve(handler);
}

/// A server that somebody serves until it ends.
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

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

/// A connection that a test drives by hand.
base::FileDescriptor connect_to(const std::string& path) {
  base::FileDescriptor fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const sockaddr_un address = address_of(path);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  return fd;
}

std::string exchange(const base::FileDescriptor& fd, const std::string& request) {
  EXPECT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string reply(65536, '\0');
  const ssize_t length = recv(fd.get(), reply.data(), reply.size(), 0);
  return length < 0 ? "error" : reply.substr(0, static_cast<std::size_t>(length));
}

std::errc error_of(const std::function<void()>& action, const std::string& text) {
  try {
    action();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find(text), std::string::npos) << error.what();
    return static_cast<std::errc>(error.code().value());
  }
  return {};
}

/// What comes of a request.
std::string outcome(const std::string& path, const std::string& verb) {
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

  /// What a process leaves that was killed.
  void leave_a_dead_socket() const {
    const base::FileDescriptor fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const sockaddr_un address = address_of(path_);
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(fd.get(), 1), 0);
  }

  fs::path directory_;
  std::string path_;
};

TEST_F(ControlSocketTest, TheAnswerKeepsItsOrder) {
  EXPECT_EQ(control_path("he6"), "/run/sixin4/he6.sock") << "the usual one";
  const Running endpoint{path_};
  EXPECT_EQ(ask(path_, "show"), R"({"b":1,"a":[2,"x"]})");
  EXPECT_EQ(ask(path_, "down"), "null");
}

TEST_F(ControlSocketTest, ErrorsComeOutAsTheirKind) {
  const Running endpoint{path_};
  EXPECT_EQ(outcome(path_, "reload"), "ConfigurationError: he6.conf:3: mtu: 'x' is not a number");
  EXPECT_EQ(outcome(path_, "dance"), "EndpointRefusal: unknown verb 'dance'");
  EXPECT_TRUE(outcome(path_, "nonsense").starts_with("EndpointRefusal: ")) << "an answer that is no JSON";
  EXPECT_EQ(outcome(path_, "down"), "null") << "and it goes on";
}

TEST_F(ControlSocketTest, NobodyThereIsNoSuchEndpoint) {
  EXPECT_EQ(outcome(path_, "show"), "NoSuchEndpoint: no running endpoint at " + path_);
  leave_a_dead_socket();
  EXPECT_EQ(outcome(path_, "show"), "NoSuchEndpoint: no running endpoint at " + path_);
}

TEST_F(ControlSocketTest, ADeadEndpointsPathIsTakenOver) {
  leave_a_dead_socket();
  const Running endpoint{path_};
  EXPECT_EQ(ask(path_, "down"), "null");
}

TEST_F(ControlSocketTest, ALivingEndpointKeepsItsPath) {
  const Running endpoint{path_};
  EXPECT_EQ(error_of([this] { const ControlServer second{path_}; }, path_ + ": an endpoint is running there"),
            std::errc::address_in_use);
  EXPECT_EQ(ask(path_, "down"), "null");
}

TEST_F(ControlSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(error_of([this] { const ControlServer server{path_}; }, path_), std::errc::file_exists);
  EXPECT_TRUE(fs::is_regular_file(path_));
}

TEST_F(ControlSocketTest, APathThatIsTooLongIsRefusedOnBothSides) {
  const std::string longest = path_ + std::string(107 - path_.size(), 'x');
  {
    const Running endpoint{longest};
    EXPECT_EQ(ask(longest, "down"), "null");
  }
  const std::string too_long = longest + "x";
  EXPECT_EQ(error_of([&] { const ControlServer server{too_long}; }, too_long), std::errc::filename_too_long);
  EXPECT_EQ(error_of([&] { static_cast<void>(ask(too_long, "show")); }, too_long),
            std::errc::filename_too_long);
}

TEST_F(ControlSocketTest, TheDirectoryIsMadeAndTheSocketRemoved) {
  const std::string path = directory_ / "a" / "b" / "he6.sock";
  {
    const ControlServer server{path};
    EXPECT_TRUE(fs::is_socket(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ControlSocketTest, LargeAnswersArriveWhole) {
  const Running endpoint{path_, [](std::string_view verb) {
                           return '"' + std::string(std::stoul(std::string{verb}), 'x') + '"';
                         }};
  for (const std::size_t length : {4096U, 65536U, 150000U, 1000000U}) {
    const std::string answer = outcome(path_, std::to_string(length));
    EXPECT_EQ(answer.size(), length + 2) << answer.substr(0, 100);
  }
}

TEST_F(ControlSocketTest, NonsenseIsAnsweredOrClosedAndHurtsNobody) {
  const Running endpoint{path_};
  EXPECT_EQ(exchange(connect_to(path_), ""), "") << "an empty request counts as the end";
  EXPECT_EQ(exchange(connect_to(path_), "\xff\n\xfe"), R"({"error":"unknown verb '\\xff\\x0a\\xfe'"})");
  EXPECT_EQ(exchange(connect_to(path_), std::string(100000, 'x')),
            "{\"error\":\"unknown verb '" + std::string(4096, 'x') + "'\"}");
  const base::FileDescriptor twice = connect_to(path_);
  EXPECT_EQ(exchange(twice, "down"), R"({"result":null})");
  EXPECT_EQ(exchange(twice, "down"), R"({"result":null})");
}

TEST_F(ControlSocketTest, AnAnswerOfAnotherProgramIsARefusal) {
  for (const std::string answer : {"hello", "\xff", "[]", "{}", R"({"error":7})"}) {
    const base::FileDescriptor listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const sockaddr_un address = address_of(path_);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    std::thread other{[&] {
      const base::FileDescriptor client{accept(listener.get(), nullptr, nullptr)};
      std::array<char, 64> request{};
      EXPECT_GT(recv(client.get(), request.data(), request.size(), 0), 0);
      EXPECT_GT(send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL), 0);
    }};
    try {
      ADD_FAILURE() << ask(path_, "show");
    } catch (const EndpointRefusal& refusal) {
      EXPECT_NE(std::string{refusal.what()}.find("does not answer as an endpoint of sixin4 does"),
                std::string::npos)
          << refusal.what();
    }
    other.join();
    fs::remove(path_);
  }
}

TEST_F(ControlSocketTest, IdleClientsKeepNobodyOut) {
  const Running endpoint{path_};
  std::list<base::FileDescriptor> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(connect_to(path_));
    if (i % 20 == 0) {
      EXPECT_EQ(outcome(path_, "down"), "null") << i;
    }
  }
}

TEST_F(ControlSocketTest, WhoDoesNotReadHoldsNobodyUp) {
  const Running endpoint{path_, [](std::string_view) {
                           std::string quoted(100002, 'x');
                           quoted.front() = quoted.back() = '"';
                           return quoted;
                         }};
  const base::FileDescriptor deaf = connect_to(path_);
  for (int i = 0; i < 50; ++i) static_cast<void>(send(deaf.get(), "show", 4, MSG_NOSIGNAL | MSG_DONTWAIT));
  EXPECT_EQ(ask(path_, "show").size(), 100002U);
}

/// The number that is in an eventfd.
std::uint64_t number_in(int fd) {
  eventfd_t number = 0;
  return eventfd_read(fd, &number) == 0 ? number : 0;
}

TEST_F(ControlSocketTest, DescriptorsComeWithTheAnswer) {
  const Running endpoint{path_, [](std::string_view) {
                           Answer answer{"1"};
                           for (unsigned i = 1; i <= 128; ++i)
                             answer.descriptors.emplace_back(eventfd(i, EFD_CLOEXEC));
                           return answer;
                         }};
  const LastingAnswer answer = ask_for_descriptors(path_, "down");
  EXPECT_EQ(answer.result, "1");
  ASSERT_EQ(answer.descriptors.size(), 128U);
  for (unsigned i = 1; i <= 128; ++i) EXPECT_EQ(number_in(answer.descriptors[i - 1].get()), i);
  EXPECT_NE(fcntl(answer.descriptors.front().get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ControlSocketTest, MoreDescriptorsThanAMessageCarriesAreAnError) {
  const Running endpoint{path_, [](std::string_view verb) {
                           Answer answer{"1"};
                           const unsigned count = verb == "most" ? 253 : 254;
                           for (unsigned i = 0; i < count; ++i) answer.descriptors.emplace_back(dup(0));
                           return answer;
                         }};
  EXPECT_EQ(ask_for_descriptors(path_, "most").descriptors.size(), 253U);
  EXPECT_EQ(outcome(path_, "more"),
            "EndpointRefusal: the answer has 254 descriptors, and a message carries 253");
}

TEST_F(ControlSocketTest, WhatIsUnderWayEndsWithItsClient) {
  auto begun = std::make_shared<std::atomic<int>>(0);
  const Running endpoint{path_, [begun](std::string_view verb) {
                           Answer answer{"null"};
                           if (verb != "begin") return answer;
                           answer.begin = [begun] {
                             ++*begun;
                             return Lasting{.held = {begun.get(), [begun](void*) { --*begun; }}};
                           };
                           return answer;
                         }};
  const auto comes_to = [&begun](int number) {
    for (int i = 0; i < 500 && *begun != number; ++i) std::this_thread::sleep_for(10ms);
    return *begun == number;
  };
  auto first = std::make_unique<LastingAnswer>(ask_for_descriptors(path_, "begin"));
  const LastingAnswer second = ask_for_descriptors(path_, "begin");
  EXPECT_EQ(*begun, 2);
  EXPECT_EQ(exchange(first->connection, "something else"), R"({"result":null})");
  EXPECT_EQ(*begun, 2) << "as long as the client stays";
  first.reset();
  EXPECT_TRUE(comes_to(1));
  std::list<base::FileDescriptor> others;
  for (int i = 0; i < 100; ++i) {
    others.push_back(connect_to(path_));
    if (i % 2 == 0) {
      EXPECT_EQ(exchange(others.back(), "show"), R"({"result":null})");
    }
  }
  EXPECT_EQ(*begun, 1) << "many others do not push it out";
}

TEST_F(ControlSocketTest, WhatIsUnderWayStaysHoweverManyAsk) {
  const auto token = std::make_shared<int>();
  const auto made = std::make_shared<std::atomic<int>>(0);
  const Running endpoint{path_, [token, made](std::string_view) {
                           Answer answer{"null"};
                           answer.begin = [token, made] {
                             ++*made;
                             return Lasting{.held = token};
                           };
                           return answer;
                         }};
  std::list<LastingAnswer> lasting;
  for (int i = 0; i < 24; ++i) lasting.push_back(ask_for_descriptors(path_, "begin"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(outcome(path_, "begin"), "EndpointRefusal: there are 24 captures already; end one of them");
  }
  EXPECT_EQ(*made, 24) << "for those that are refused nothing is made";
  for (const LastingAnswer& each : lasting) {
    pollfd polled{.fd = each.connection.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&polled, 1, 0), 0);
  }
  lasting.pop_front();
  for (int i = 0; i < 500 && token.use_count() > 26; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(outcome(path_, "begin"), "null");
}

TEST_F(ControlSocketTest, AConnectionEndsWithTheEndpoint) {
  auto endpoint = std::make_unique<Running>(path_);
  const LastingAnswer answer = ask_for_descriptors(path_, "down");
  pollfd polled{.fd = answer.connection.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 100), 0);
  endpoint.reset();
  EXPECT_EQ(poll(&polled, 1, 5000), 1);
}

class WaitForEnd : public ControlSocketTest {
 protected:
  [[nodiscard]] std::future<std::string> waiting() const {
    return std::async(std::launch::async, [this] { return ask(path_, "down", Wait::for_end); });
  }
  std::unique_ptr<Running> endpoint_;
};

TEST_F(WaitForEnd, ReturnsTheAnswerWhenTheServerHasGone) {
  endpoint_ = std::make_unique<Running>(path_);
  auto answer = waiting();
  EXPECT_EQ(answer.wait_for(300ms), std::future_status::timeout);
  endpoint_.reset();
  ASSERT_EQ(answer.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(answer.get(), "null");
}

TEST_F(WaitForEnd, IsNotCutShortByOtherClients) {
  endpoint_ = std::make_unique<Running>(path_);
  auto answer = waiting();
  EXPECT_EQ(answer.wait_for(100ms), std::future_status::timeout);
  std::list<base::FileDescriptor> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(connect_to(path_));
  static_cast<void>(outcome(path_, "down"));  // by then all of them are accepted
  EXPECT_EQ(answer.wait_for(300ms), std::future_status::timeout) << "the endpoint still runs";
  endpoint_.reset();
}

TEST_F(WaitForEnd, IsNotOverWhileTheEndpointRuns) {
  endpoint_ = std::make_unique<Running>(path_);
  auto answer = waiting();
  if (answer.wait_for(11s) == std::future_status::ready) {
    EXPECT_THROW(static_cast<void>(answer.get()), EndpointRefusal);
  }
  endpoint_.reset();
}

TEST_F(ControlSocketTest, AnyoneMaySeeButNotChange) {
  if (getuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  const passwd* const nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ControlServer server{path_};
  for (const std::string verb : {"show", "down", "reload", "shows", ""}) {
    const std::string expected =
        verb == "show" ? R"({"b":1,"a":[2,"x"]})"
        : verb.empty() ? "NoSuchEndpoint: the endpoint at " + path_ + " went away"
                       : "EndpointRefusal: only root and the user that runs the endpoint may do that";
    const pid_t child = fork();
    if (child == 0) {
      const bool changed = setgid(nobody->pw_gid) == 0 && setuid(nobody->pw_uid) == 0;
      _exit(changed && outcome(path_, verb) == expected ? 0 : 1);
    }
    int status = -1;
    while (waitpid(child, &status, WNOHANG) == 0) serve_once(server, handle);
    EXPECT_EQ(status, 0) << verb;
  }
}

}  // namespace
}  // namespace sixin4::control::testing
