// The running endpoint's Unix socket: one request, one answer, one message each.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sixin4/io/file_descriptor.hpp"

namespace sixin4::control {

/// Where the socket of an interface is when the configuration names no other path.
[[nodiscard]] std::string control_path(const std::string& interface);
/// The sockets of all endpoints that use the usual path, by name; some may be left over from the dead.
[[nodiscard]] std::vector<std::string> control_paths();

/// Answers a verb with JSON text ("null" where there is nothing to tell). What it throws reaches the client
/// as the error's text.
using Handler = std::function<std::string(std::string_view verb)>;

class ControlServer {
 public:
  /// Makes the directory and the socket; takes a dead endpoint's path over. Throws std::system_error, also
  /// where a living one has it.
  explicit ControlServer(std::string path);
  ~ControlServer();
  ControlServer(ControlServer&&) = delete;
  ControlServer& operator=(ControlServer&&) = delete;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Readable when there is something to serve.
  [[nodiscard]] int fd() const noexcept { return events_.get(); }
  /// Serves what is there without waiting for a slow client. Everyone may `show`; other verbs are for root
  /// and for the user that runs the endpoint.
  void serve(const Handler& handler);

 private:
  void accept_client();
  [[nodiscard]] static bool answer(int client, const Handler& handler);
  void make_room();

  std::string path_;
  io::FileDescriptor listener_;
  io::FileDescriptor events_;
  struct Client {
    io::FileDescriptor fd;
    bool answered = false;
  };
  std::list<Client> clients_;
};

/// Nobody listens at that path.
class NoSuchEndpoint : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The endpoint refused; the text is its own.
class EndpointRefusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What `ask` waits for: the answer, or after it the endpoint's end.
enum class Wait : std::uint8_t { for_answer, for_end };

/// Sends `verb` and returns the answer's JSON text. Throws NoSuchEndpoint, EndpointRefusal, the
/// ConfigurationError that the endpoint met, or std::system_error where the system refuses.
[[nodiscard]] std::string ask(const std::string& path, std::string_view verb, Wait wait = Wait::for_answer);

}  // namespace sixin4::control
