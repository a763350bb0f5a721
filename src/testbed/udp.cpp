// The UDP generators: a paced sender on the near side, a receiver that checks each datagram on the far side.
#include "udp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <vector>

#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sixin4/base/system_failure.hpp"
#include "sixin4/testbed/pattern.hpp"
#include "sixin4/testbed/process.hpp"

#include "sockets.hpp"

namespace sixin4::testbed {

namespace {

constexpr std::uint16_t port = 5003;
constexpr std::size_t batch = 64;               // messages per sendmmsg or recvmmsg
constexpr std::chrono::microseconds tick{250};  // interval between two batches of the sender
constexpr std::chrono::milliseconds longest_catch_up{1};
constexpr std::chrono::milliseconds first_wait{500};  // for the first datagram, after the end of the trial
constexpr std::chrono::milliseconds idle_timeout{
    100};  // the trial has ended if no datagram arrives for so long
constexpr std::chrono::seconds process_timeout{10};
constexpr int socket_queue = 64 << 20U;  // bytes; large enough that the generators' sockets lose nothing

/// A datagram consists of its number in host byte order and the pattern from a position that depends on the
/// number. The upper 32 bits are the number of the trial, so that late datagrams of the previous trial are
/// recognised.
using Number = std::uint64_t;

constexpr unsigned trial_shift = 32;

std::uint64_t pattern_start(Number number) {
  return number * 8191;
}

/// Sends batches with sendmmsg(2). A datagram is gathered from its number and a view of the pattern.
class Sender {
 public:
  Sender(const Bed& bed, DatagramKind kind, std::uint32_t trial)
      : kind_(kind),
        next_(Number{trial} << trial_shift),
        socket_(bound_socket(SOCK_DGRAM, bed.near.ipv6, 0)),
        numbers_(batch * kind.per_call),
        pieces_(2 * batch * kind.per_call) {
    connect_datagrams(socket_, bed.far.ipv6, port);
    // With the default buffer the sender would block while its datagrams are in the queue of the link, but
    // not while they are in the queue of a tun device.
    set_option(socket_, SOL_SOCKET, SO_SNDBUFFORCE, socket_queue);
    if (kind.per_call > 1) set_option(socket_, SOL_UDP, UDP_SEGMENT, static_cast<int>(kind.size));
  }

  /// Sends up to `messages` messages of `per_call` datagrams and returns the number of datagrams sent.
  std::uint64_t send(std::uint64_t messages) {
    std::uint64_t sent = 0;
    while (messages > 0) {
      const auto wanted = std::min<std::uint64_t>(messages, batch);
      fill(wanted);
      const int taken = ::sendmmsg(socket_.get(), messages_.data(), static_cast<unsigned>(wanted), 0);
      if (taken < 0 && errno != ENOBUFS && errno != EAGAIN)
        throw base::system_failure("cannot send datagrams (sendmmsg)");
      if (taken <= 0) break;
      sent += static_cast<std::uint64_t>(taken) * kind_.per_call;
      next_ += static_cast<std::uint64_t>(taken) * kind_.per_call;
      messages -= static_cast<std::uint64_t>(taken);
    }
    return sent;
  }

 private:
  void fill(std::uint64_t messages) {
    std::size_t piece = 0;
    for (std::size_t message = 0; message < messages; ++message) {
      messages_.at(message).msg_hdr.msg_iov = &pieces_[piece];
      messages_.at(message).msg_hdr.msg_iovlen = 2 * kind_.per_call;
      for (std::size_t at = 0; at < kind_.per_call; ++at) {
        Number& number = numbers_[piece / 2];
        number = next_ + piece / 2;
        const auto rest = pattern(pattern_start(number), kind_.size - sizeof number);
        pieces_[piece++] = {.iov_base = &number, .iov_len = sizeof number};
        pieces_[piece++] = {.iov_base = const_cast<std::uint8_t*>(rest.data()), .iov_len = rest.size()};
      }
    }
  }

  DatagramKind kind_;
  Number next_;
  base::FileDescriptor socket_;
  std::vector<Number> numbers_;
  std::vector<iovec> pieces_;
  std::array<mmsghdr, batch> messages_{};
};

void sleep_until(Clock::time_point when) {
  const auto since = when.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const timespec at{.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds{since - whole}.count()};
  (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

TrialCounts send_paced(const Bed& bed, DatagramKind kind, std::uint32_t trial, double rate, double seconds) {
  bed.near.enter();
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  Sender sender{bed, kind, trial};
  TrialCounts counts;
  const double messages_per_tick =
      rate * std::chrono::duration<double>{tick}.count() / static_cast<double>(kind.per_call);
  const auto start = Clock::now();
  const auto end = start + duration_of(seconds);
  double due = 0;
  auto next = start;
  for (auto now = start; now < end; now = Clock::now()) {
    due += messages_per_tick;
    const auto messages = static_cast<std::uint64_t>(due);
    due -= static_cast<double>(messages);
    counts.sent += sender.send(messages);
    // A late sender catches up on at most `longest_catch_up`, because more would be a burst.
    next = std::max(next + tick, Clock::now() - longest_catch_up);
    sleep_until(next);
  }
  counts.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return counts;
}

/// Checks the datagrams of a trial and counts them. Throws WrongData.
class Checker {
 public:
  Checker(DatagramKind kind, std::uint32_t trial) : kind_(kind), trial_(trial) {}

  void add(std::span<const std::uint8_t> datagram) {
    Number number = 0;
    if (datagram.size() != kind_.size) {
      throw WrongData("UDP: a datagram of " + std::to_string(datagram.size()) + " bytes arrived instead of " +
                      std::to_string(kind_.size));
    }
    std::memcpy(&number, datagram.data(), sizeof number);
    if (!matches_pattern(datagram.subspan(sizeof number), pattern_start(number))) {
      throw WrongData("UDP: a datagram arrived with other bytes than were sent");
    }
    if (number >> trial_shift != trial_) return;
    number -= Number{trial_} << trial_shift;
    if (number >= seen_.size()) seen_.resize(2 * number + 1);
    if (seen_[number]) throw WrongData("UDP: datagram " + std::to_string(number) + " arrived twice");
    seen_[number] = true;
    ++count_;
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  DatagramKind kind_;
  std::uint32_t trial_;
  std::vector<bool> seen_;
  std::uint64_t count_ = 0;
};

/// The size of the datagrams that receive offload joined to a message (UDP_GRO); the length of the message if
/// it is a single datagram.
std::size_t datagram_size(msghdr& message, std::size_t length) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_UDP || part->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(part), sizeof size);
    return static_cast<std::size_t>(size);
  }
  return length;
}

class Receiver {
 public:
  Receiver(const Bed& bed, DatagramKind kind, std::uint32_t trial)
      : socket_(bound_socket(SOCK_DGRAM, bed.far.ipv6, port)),
        checker_(kind, trial),
        slot_size_(slot_size_for(kind)) {
    set_option(socket_, SOL_SOCKET, SO_RCVBUFFORCE, socket_queue);
    if (kind.per_call > 1) set_option(socket_, SOL_UDP, UDP_GRO, 1);
    buffer_.resize(batch * slot_size_);
  }

  /// Receives until no datagram arrives for `idle_timeout`, and waits for the first one for `first_timeout`.
  /// Returns the number of datagrams of this trial.
  std::uint64_t receive_all(Clock::duration first_timeout) {
    set_timeout(std::chrono::ceil<std::chrono::milliseconds>(first_timeout));
    while (receive_batch()) set_timeout(idle_timeout);
    return checker_.count();
  }

 private:
  static std::size_t slot_size_for(DatagramKind kind) {
    constexpr std::size_t largest = 65536;
    return kind.per_call > 1 ? largest : 2 * kind.size;
  }

  void set_timeout(std::chrono::milliseconds time) {
    if (time == timeout_) return;
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const timeval value{.tv_sec = whole.count(), .tv_usec = std::chrono::microseconds{time - whole}.count()};
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0) {
      throw base::system_failure("cannot set a receive timeout (setsockopt)");
    }
    timeout_ = time;
  }

  bool receive_batch() {
    for (std::size_t at = 0; at < batch; ++at) {
      pieces_.at(at) = {.iov_base = &buffer_[at * slot_size_], .iov_len = slot_size_};
      msghdr& header = messages_.at(at).msg_hdr;
      header.msg_iov = &pieces_.at(at);
      header.msg_iovlen = 1;
      header.msg_control = controls_.at(at).data();
      header.msg_controllen = controls_.at(at).size();
    }
    const int count = ::recvmmsg(socket_.get(), messages_.data(), batch, MSG_WAITFORONE, nullptr);
    if (count < 0 && errno != EAGAIN) throw base::system_failure("cannot receive datagrams (recvmmsg)");
    for (int at = 0; at < count; ++at) check_message(static_cast<std::size_t>(at));
    return count > 0;
  }

  void check_message(std::size_t at) {
    const std::size_t length = messages_.at(at).msg_len;
    const std::size_t size = std::max<std::size_t>(datagram_size(messages_.at(at).msg_hdr, length), 1);
    const std::span<const std::uint8_t> message{&buffer_[at * slot_size_], length};
    for (std::size_t start = 0; start < length; start += size) {
      checker_.add(message.subspan(start, std::min(size, length - start)));
    }
  }

  base::FileDescriptor socket_;
  Checker checker_;
  std::size_t slot_size_;
  std::chrono::milliseconds timeout_{};
  std::vector<std::uint8_t> buffer_;
  std::array<std::array<std::uint8_t, 64>, batch> controls_{};
  std::array<iovec, batch> pieces_{};
  std::array<mmsghdr, batch> messages_{};
};

}  // namespace

TrialCounts try_rate(const Bed& bed, DatagramKind kind, double rate, double seconds) {
  static std::uint32_t trials = 0;
  const std::uint32_t trial = ++trials;
  Job<std::uint64_t> far{"UDP on the far side", [&](const auto& ready) {
                           bed.far.enter();
                           Receiver receiver{bed, kind, trial};
                           ready();
                           return receiver.receive_all(duration_of(seconds) + first_wait);
                         }};
  far.wait_until_ready(Clock::now() + process_timeout);
  Job<TrialCounts> near{"UDP on the near side",
                        [&](const auto&) { return send_paced(bed, kind, trial, rate, seconds); }};
  TrialCounts counts = near.finish(Clock::now() + duration_of(seconds) + process_timeout);
  counts.received = far.finish(Clock::now() + 2 * process_timeout);
  if (counts.received > counts.sent) throw WrongData("UDP: more datagrams arrived than were sent");
  return counts;
}

}  // namespace sixin4::testbed
