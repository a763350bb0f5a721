#include "sixin4/control/control_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <span>
#include <stdexcept>
#include <system_error>

#include <nlohmann/json.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sixin4/base/json_text.hpp"
#include "sixin4/base/options.hpp"
#include "sixin4/base/system_failure.hpp"

namespace sixin4::control {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;  // keeps the order of an answer's members

const fs::path directory = "/run/sixin4";
constexpr std::size_t max_request = 4096;
constexpr std::size_t max_answer = 1 << 20;
constexpr std::size_t max_clients = 32;
// Less than max_clients, so that other clients find a place while max_lasting activities go on.
constexpr std::ptrdiff_t max_lasting = 24;
constexpr std::size_t max_descriptors = 253;  // the kernel's SCM_MAX_FD

sockaddr_un socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    throw base::system_failure("cannot use control socket " + path);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

base::FileDescriptor open_socket(int flags) {
  base::FileDescriptor fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)};
  if (!fd) throw base::system_failure("cannot open a Unix socket");
  return fd;
}

bool connects(int fd, const std::string& path) {
  const sockaddr_un address = socket_address(path);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Buffer for a control message (SCM_RIGHTS) with descriptors.
using DescriptorRoom = std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))>;

bool send_with_descriptors(int fd, std::string_view text, std::span<const base::FileDescriptor> sent) {
  std::vector<int> descriptors;
  for (const base::FileDescriptor& descriptor : sent) descriptors.push_back(descriptor.get());
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) DescriptorRoom room{};
  if (!descriptors.empty()) {
    const std::size_t size = descriptors.size() * sizeof(int);
    message.msg_control = room.data();
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  return ::sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

ssize_t receive_with_descriptors(int fd, std::span<char> buffer,
                                 std::vector<base::FileDescriptor>& descriptors) {
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  alignas(cmsghdr) DescriptorRoom room{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  const ssize_t length = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (length < 0) return length;
  const bool cut_off = (static_cast<unsigned>(message.msg_flags) & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(header) + i * sizeof received, sizeof received);
      descriptors.emplace_back(received);
    }
  }
  if (cut_off) {
    throw base::system_failure(
        "cannot receive the descriptors in the endpoint's answer; raise the limit of open files (ulimit -n)",
        EMFILE);
  }
  return length;
}

/// A remedy for a socket or a directory that cannot be made.
std::string remedy_for(int error, const std::string& path) {
  if (error != EACCES && error != EPERM && error != EROFS) return {};
  return ": the user that runs the endpoint must be able to write to " +
         fs::path{path}.parent_path().string() + " (in a systemd unit 'RuntimeDirectory=sixin4' makes " +
         directory.string() + "), or 'control' must name a path elsewhere";
}

bool is_privileged(int client) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

std::string control_path(const std::string& interface) {
  return directory / (interface + ".sock");
}

std::vector<std::string> control_paths() {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{directory, error}) {
    if (entry.path().extension() == ".sock") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

bool is_running(const std::string& path) {
  // EAGAIN: the endpoint hangs, and its queue of clients is full.
  return connects(open_socket(SOCK_NONBLOCK).get(), path) || errno == EAGAIN;
}

ControlServer::ControlServer(std::string path)
    : path_(std::move(path)), listener_(open_socket(SOCK_NONBLOCK)), events_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!events_) throw base::system_failure("cannot create an epoll descriptor");
  const fs::path parent = fs::path{path_}.parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    throw std::system_error(error,
                            "cannot make directory " + parent.string() + remedy_for(error.value(), path_));
  }

  if (connects(open_socket(0).get(), path_)) {
    errno = EADDRINUSE;
    throw base::system_failure("cannot make control socket " + path_ +
                               ": an endpoint is running there; choose another path with 'control'");
  }
  struct stat existing {};
  if (::lstat(path_.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      errno = EEXIST;
      throw base::system_failure("cannot make control socket " + path_ +
                                 ": the path is not a socket; remove it or choose another with 'control'");
    }
    ::unlink(path_.c_str());  // left over from an endpoint that was killed
  }
  const sockaddr_un address = socket_address(path_);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::chmod(path_.c_str(), 0666) < 0 || ::listen(listener_.get(), SOMAXCONN) < 0) {
    throw base::system_failure("cannot make control socket " + path_ + remedy_for(errno, path_));
  }
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener_.get()}};
  if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, listener_.get(), &event) < 0)
    throw base::system_failure("cannot watch the control socket");
}

ControlServer::~ControlServer() {
  ::unlink(path_.c_str());
}

void ControlServer::serve(const Handler& handler) {
  std::array<epoll_event, 16> ready{};
  const int count = ::epoll_wait(events_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  for (const epoll_event& event : std::span{ready}.first(static_cast<std::size_t>(std::max(count, 0)))) {
    if (event.data.fd == listener_.get()) {
      accept_client();
      continue;
    }
    const auto client =
        std::ranges::find(clients_, event.data.fd, [](const Client& c) { return c.fd.get(); });
    if (client == clients_.end()) continue;
    client->answered = true;
    if (!answer(*client, handler)) clients_.erase(client);
  }
}

void ControlServer::accept_client() {
  base::FileDescriptor client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!client) return;
  // A message must fit into the send buffer of the socket as a whole.
  constexpr int buffer = 2 * static_cast<int>(max_answer);
  if (::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0) {
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  }
  epoll_event event{.events = EPOLLIN, .data = {.fd = client.get()}};
  if (clients_.size() == max_clients) make_room();
  if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, client.get(), &event) < 0) return;
  clients_.push_back({.fd = std::move(client)});
}

/// Closes the oldest client that has sent no request. If every client has, closes the oldest client without
/// an activity. Answered clients are kept longer, because `sixin4 down` keeps its connection open to see the
/// end of the endpoint.
void ControlServer::make_room() {
  auto oldest = std::ranges::find(clients_, false, &Client::answered);
  if (oldest == clients_.end()) oldest = std::ranges::find(clients_, nullptr, &Client::lasting);
  if (oldest != clients_.end()) clients_.erase(oldest);
}

std::ptrdiff_t ControlServer::lasting_clients() const noexcept {
  return std::ranges::count_if(clients_, [](const Client& client) { return client.lasting != nullptr; });
}

Lasting ControlServer::begin(const std::function<Lasting()>& begin) const {
  if (lasting_clients() >= max_lasting) {
    throw std::runtime_error("there are " + std::to_string(max_lasting) +
                             " captures already; end one of them");
  }
  return begin();
}

bool ControlServer::answer(Client& client, const Handler& handler) {
  std::array<char, max_request> buffer{};
  const ssize_t length = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
  if (length <= 0) return length < 0 && (errno == EAGAIN || errno == EINTR);
  const std::string_view verb{buffer.data(), static_cast<std::size_t>(length)};
  json reply;
  std::vector<base::FileDescriptor> descriptors;
  try {
    if (verb != "show" && !is_privileged(client.fd.get())) {
      throw std::runtime_error("only root and the user that runs the endpoint may do that");
    }
    Answer answer = handler(verb);
    reply["result"] = base::parse_json_text(answer.result);
    descriptors = std::move(answer.descriptors);
    Lasting begun = answer.begin ? begin(answer.begin) : Lasting{};
    std::ranges::move(begun.descriptors, std::back_inserter(descriptors));
    if (descriptors.size() > max_descriptors) {
      throw std::length_error("the answer has " + std::to_string(descriptors.size()) +
                              " descriptors, more than the " + std::to_string(max_descriptors) +
                              " that a message carries");
    }
    if (begun.held) client.lasting = std::move(begun.held);
  } catch (const base::ConfigurationError& error) {
    reply = {{"configuration-error", error.what()}};
  } catch (const std::exception& error) {
    reply = {{"error", error.what()}};
  }
  if (!reply.contains("result")) descriptors.clear();
  const std::string text = base::to_json_text(reply);
  return send_with_descriptors(client.fd.get(), text, descriptors);
}

LastingAnswer ask_for_descriptors(const std::string& path, std::string_view verb,
                                  std::chrono::seconds patience) {
  LastingAnswer answer{.result = {}, .connection = open_socket(0), .descriptors = {}};
  const int fd = answer.connection.get();
  // The limits hold for connect(2) too, which waits while the endpoint's backlog is full
  // (net/unix/af_unix.c).
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (!connects(fd, path)) {
    if (errno == ENOENT || errno == ECONNREFUSED) throw NoSuchEndpoint("no running endpoint at " + path);
    if (errno == EAGAIN) throw EndpointRefusal("the endpoint at " + path + " does not answer");
    throw base::system_failure("cannot connect to control socket " + path);
  }
  if (::send(fd, verb.data(), verb.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
    throw base::system_failure("cannot send to control socket " + path);
  std::string buffer(max_answer, '\0');
  const ssize_t length = receive_with_descriptors(fd, buffer, answer.descriptors);
  if (length < 0 && errno == EAGAIN) throw EndpointRefusal("the endpoint at " + path + " does not answer");
  // ECONNRESET: the endpoint has ended without a look at the request.
  if (length < 0 && errno != ECONNRESET)
    throw base::system_failure("cannot read from control socket " + path);
  if (length <= 0)
    throw NoSuchEndpoint("the endpoint at " + path + " closed the connection without an answer");
  try {
    const json reply = base::parse_json_text({buffer.data(), static_cast<std::size_t>(length)});
    if (reply.contains("configuration-error"))
      throw base::ConfigurationError(reply["configuration-error"].get<std::string>());
    if (reply.contains("error")) throw EndpointRefusal(reply["error"].get<std::string>());
    answer.result = base::to_json_text(reply.at("result"));
    return answer;
  } catch (const json::exception&) {
    throw EndpointRefusal("the program at " + path + " does not answer as this version of sixin4 does");
  }
}

std::string ask(const std::string& path, std::string_view verb, Wait wait, std::chrono::seconds patience) {
  LastingAnswer answer = ask_for_descriptors(path, verb, patience);
  char end = 0;
  if (wait == Wait::for_end && ::recv(answer.connection.get(), &end, sizeof end, 0) < 0) {
    throw EndpointRefusal("the endpoint at " + path + " answered, but still runs after " +
                          std::to_string(patience.count()) + " s");
  }
  return std::move(answer.result);
}

}  // namespace sixin4::control
