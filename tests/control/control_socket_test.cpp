// The control socket: answers, errors, the path of a killed endpoint, slow clients, permissions.
#include "sixin4/control/control_socket.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_socket_fixture.hpp"

namespace sixin4::control::testing {
namespace {

std::errc error_of(const std::function<void()>& action, const std::string& text) {
  try {
    action();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find(text), std::string::npos) << error.what();
    return static_cast<std::errc>(error.code().value());
  }
  return {};
}

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
  EXPECT_EQ(outcome(path_, "down"), "null") << "the server goes on";
}

TEST_F(ControlSocketTest, WithoutAListenerThereIsNoSuchEndpoint) {
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
  const Running endpoint{
      path_, [](std::string_view verb) {
        return Answer{.result = '"' + std::string(std::stoul(std::string{verb}), 'x') + '"'};
      }};
  for (const std::size_t length : {4096U, 65536U, 150000U, 1000000U}) {
    const std::string answer = outcome(path_, std::to_string(length));
    EXPECT_EQ(answer.size(), length + 2) << answer.substr(0, 100);
  }
}

TEST_F(ControlSocketTest, NonsenseIsAnsweredOrClosed) {
  const Running endpoint{path_};
  EXPECT_EQ(exchange(connect_to(path_), ""), "") << "an empty message counts as the end of the connection";
  EXPECT_EQ(exchange(connect_to(path_), "\xff\n\xfe"), R"({"error":"unknown verb '\\xff\\x0a\\xfe'"})");
  EXPECT_EQ(exchange(connect_to(path_), std::string(100000, 'x')),
            "{\"error\":\"unknown verb '" + std::string(4096, 'x') + "'\"}");
  const base::FileDescriptor twice = connect_to(path_);
  EXPECT_EQ(exchange(twice, "down"), R"({"result":null})");
  EXPECT_EQ(exchange(twice, "down"), R"({"result":null})");
}

/// A socket that listens at `path` and takes connections only as a test does it.
base::FileDescriptor listener_at(const std::string& path, int backlog) {
  base::FileDescriptor listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const sockaddr_un address = address_of(path);
  EXPECT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener.get(), backlog), 0);
  return listener;
}

TEST_F(ControlSocketTest, AnEndpointThatEndsBeforeItAnswersIsNoSuchEndpoint) {
  const base::FileDescriptor listener = listener_at(path_, 1);
  std::thread other{[&] {
    const base::FileDescriptor client{accept(listener.get(), nullptr, nullptr)};
    pollfd readable{.fd = client.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&readable, 1, 5000), 1) << "closing with an unread request resets the connection";
  }};
  const std::string seen = outcome(path_, "show");
  EXPECT_TRUE(seen.starts_with("NoSuchEndpoint: ")) << seen;
  other.join();
}

TEST_F(ControlSocketTest, AnEndpointThatTakesNoConnectionsDoesNotAnswer) {
  const base::FileDescriptor listener = listener_at(path_, 0);
  const base::FileDescriptor waits = connect_to(path_);  // the backlog is full now
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THROW((void)ask(path_, "show", Wait::for_answer, std::chrono::seconds{1}), EndpointRefusal);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{5});
}

TEST_F(ControlSocketTest, AnAnswerOfAnotherProgramIsARefusal) {
  for (const std::string answer : {"hello", "\xff", "[]", "{}", R"({"error":7})"}) {
    const base::FileDescriptor listener = listener_at(path_, 1);
    std::thread other{[&] {
      const base::FileDescriptor client{accept(listener.get(), nullptr, nullptr)};
      std::array<char, 64> request{};
      EXPECT_GT(recv(client.get(), request.data(), request.size(), 0), 0);
      EXPECT_GT(send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL), 0);
    }};
    try {
      ADD_FAILURE() << ask(path_, "show");
    } catch (const EndpointRefusal& refusal) {
      EXPECT_NE(std::string{refusal.what()}.find("does not answer as this version of sixin4 does"),
                std::string::npos)
          << refusal.what();
    }
    other.join();
    fs::remove(path_);
  }
}

TEST_F(ControlSocketTest, IdleClientsDoNotKeepOthersOut) {
  const Running endpoint{path_};
  std::list<base::FileDescriptor> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(connect_to(path_));
    if (i % 20 == 0) {
      EXPECT_EQ(outcome(path_, "down"), "null") << i;
    }
  }
}

TEST_F(ControlSocketTest, AClientThatDoesNotReadDelaysNoOther) {
  const Running endpoint{path_, [](std::string_view) {
                           std::string quoted(100002, 'x');
                           quoted.front() = quoted.back() = '"';
                           return Answer{.result = quoted};
                         }};
  const base::FileDescriptor client = connect_to(path_);
  for (int i = 0; i < 50; ++i) static_cast<void>(send(client.get(), "show", 4, MSG_NOSIGNAL | MSG_DONTWAIT));
  EXPECT_EQ(ask(path_, "show").size(), 100002U);
}

TEST_F(ControlSocketTest, AnyoneMaySeeButNotChange) {
  if (getuid() != 0) GTEST_SKIP() << "needs root, to change the user";
  const passwd* const nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ControlServer server{path_};
  for (const std::string verb : {"show", "down", "reload", "shows", ""}) {
    const std::string expected =
        verb == "show" ? R"({"b":1,"a":[2,"x"]})"
        : verb.empty()
            ? "NoSuchEndpoint: the endpoint at " + path_ + " closed the connection without an answer"
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
