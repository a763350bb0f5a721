// Answers with descriptors, and activities that go on until the client or the endpoint ends.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control_socket_fixture.hpp"

namespace sixin4::control::testing {
namespace {

using namespace std::chrono_literals;

/// The counter of an eventfd.
std::uint64_t number_in(int fd) {
  eventfd_t number = 0;
  return eventfd_read(fd, &number) == 0 ? number : 0;
}

TEST_F(ControlSocketTest, DescriptorsComeWithTheAnswer) {
  const Running endpoint{path_, [](std::string_view) {
                           Answer answer{.result = "1"};
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
                           Answer answer{.result = "1"};
                           const unsigned count = verb == "most" ? 253 : 254;
                           for (unsigned i = 0; i < count; ++i) answer.descriptors.emplace_back(dup(0));
                           return answer;
                         }};
  EXPECT_EQ(ask_for_descriptors(path_, "most").descriptors.size(), 253U);
  EXPECT_EQ(outcome(path_, "more"),
            "EndpointRefusal: the answer has 254 descriptors, more than the 253 that a message carries");
}

TEST_F(ControlSocketTest, AnActivityEndsWithItsClient) {
  auto begun = std::make_shared<std::atomic<int>>(0);
  const Running endpoint{path_, [begun](std::string_view verb) {
                           Answer answer = Answer::nothing();
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

TEST_F(ControlSocketTest, AnActivityStaysHoweverManyAsk) {
  const auto token = std::make_shared<int>();
  const auto made = std::make_shared<std::atomic<int>>(0);
  const Running endpoint{path_, [token, made](std::string_view) {
                           Answer answer = Answer::nothing();
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
  EXPECT_EQ(*made, 24) << "a refused request begins nothing";
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
  static_cast<void>(outcome(path_, "down"));  // its answer comes after all of them are accepted
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

}  // namespace
}  // namespace sixin4::control::testing
