// The control socket of a running endpoint: a Unix socket of type SOCK_SEQPACKET. A request and its answer
// are one message each.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/base/file_descriptor.hpp"

namespace sixin4::control {

/// The usual path, `/run/sixin4/INTERFACE.sock`. The key `control` names another one.
[[nodiscard]] std::string control_path(const std::string& interface);
/// All sockets in the usual directory, sorted. A socket may be left over from an endpoint that was killed.
[[nodiscard]] std::vector<std::string> control_paths();

/// Whether an endpoint listens at the path; also true if the endpoint hangs and does not answer.
[[nodiscard]] bool is_running(const std::string& path);

/// An activity that goes on after the answer, for example a capture.
struct Lasting {
  std::vector<base::FileDescriptor> descriptors{};  ///< sent to the client with the answer
  std::shared_ptr<void> held{};  ///< destroyed when the client closes its connection, which ends the activity
};

/// The answer to a request. Most answers are text only.
struct Answer {
  std::string result;                               ///< JSON
  std::vector<base::FileDescriptor> descriptors{};  ///< sent to the client with the answer
  /// Begins an activity that goes on after the answer. The server does not call it if too many activities go
  /// on already, so that a refused activity takes no memory.
  std::function<Lasting()> begin{};

  /// Done, without a result: JSON `null`.
  [[nodiscard]] static Answer nothing() { return {.result = "null"}; }
};

/// Answers a request. If it throws, the client gets the text of the exception.
using Handler = std::function<Answer(std::string_view verb)>;

class ControlServer {
 public:
  /// Makes the directory and the socket. Replaces a socket that a killed endpoint has left. Throws
  /// std::system_error, also if a running endpoint listens at the path.
  explicit ControlServer(std::string path);
  ~ControlServer();
  ControlServer(ControlServer&&) = delete;
  ControlServer& operator=(ControlServer&&) = delete;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Readable when `serve` has work.
  [[nodiscard]] int fd() const noexcept { return events_.get(); }
  /// Accepts clients and answers requests, without waiting for a client. Every user may `show`; other
  /// requests are reserved for root and for the user that runs the endpoint.
  void serve(const Handler& handler);

 private:
  void accept_client();
  void make_room();

  std::string path_;
  base::FileDescriptor listener_;
  base::FileDescriptor events_;
  struct Client {
    base::FileDescriptor fd;
    bool answered = false;
    std::shared_ptr<void> lasting{};
  };
  /// The number of clients whose activity goes on.
  [[nodiscard]] std::ptrdiff_t lasting_clients() const noexcept;
  [[nodiscard]] bool answer(Client& client, const Handler& handler);
  /// Throws std::runtime_error if too many activities go on already.
  [[nodiscard]] Lasting begin(const std::function<Lasting()>& begin) const;
  std::list<Client> clients_;
};

/// No endpoint listens at the path, or the endpoint closed the connection before it answered.
class NoSuchEndpoint : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The endpoint refused the request with this text, or its answer is late or unreadable.
class EndpointRefusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr std::chrono::seconds default_patience{10};

/// The event that `ask` waits for: the answer, or the end of the endpoint after the answer.
enum class Wait : std::uint8_t { for_answer, for_end };

/// Sends a request and returns the JSON text of the result. Throws NoSuchEndpoint; EndpointRefusal, also if
/// the answer (or the end) takes longer than `patience`; ConfigurationError if the endpoint found a mistake
/// in its configuration; std::system_error if a system call fails.
[[nodiscard]] std::string ask(const std::string& path, std::string_view verb, Wait wait = Wait::for_answer,
                              std::chrono::seconds patience = default_patience);

/// An answer with descriptors. Closing the connection ends the activity that the endpoint has begun. The
/// connection becomes readable when the endpoint ends.
struct LastingAnswer {
  std::string result;
  base::FileDescriptor connection;
  std::vector<base::FileDescriptor> descriptors;
};
/// Like `ask`, for an answer with descriptors.
[[nodiscard]] LastingAnswer ask_for_descriptors(const std::string& path, std::string_view verb,
                                                std::chrono::seconds patience = default_patience);

}  // namespace sixin4::control
