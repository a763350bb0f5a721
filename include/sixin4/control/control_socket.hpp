// The running endpoint's Unix socket: one request, one answer, one message each.
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

/// Where the socket of an interface is when the configuration names no other path.
[[nodiscard]] std::string control_path(const std::string& interface);
/// The sockets of all endpoints that use the usual path, by name; some may be left over from the dead.
[[nodiscard]] std::vector<std::string> control_paths();

/// Whether somebody listens there; it may hang.
[[nodiscard]] bool is_running(const std::string& path);

/// Something that goes on after the answer, a capture for example.
struct Lasting {
  std::vector<base::FileDescriptor> descriptors{};  ///< that the client gets with the answer
  std::shared_ptr<void> held{};                     ///< for as long as the client stays
};

/// What the client gets. Most answers are text alone.
struct Answer {
  std::string result;                               ///< JSON
  std::vector<base::FileDescriptor> descriptors{};  ///< that the client gets as well
  /// Begins what goes on after the answer. Called only where one more may go on: nothing is made before.
  std::function<Lasting()> begin{};

  /// Done, without a result: `null`.
  [[nodiscard]] static Answer nothing() { return {.result = "null"}; }
};

/// Answers a verb. What it throws reaches the client as the error's text.
using Handler = std::function<Answer(std::string_view verb)>;

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
  void make_room();

  std::string path_;
  base::FileDescriptor listener_;
  base::FileDescriptor events_;
  struct Client {
    base::FileDescriptor fd;
    bool answered = false;
    std::shared_ptr<void> lasting{};
  };
  /// Clients for whom something goes on behind the answer.
  [[nodiscard]] std::ptrdiff_t under_way() const noexcept;
  [[nodiscard]] bool answer(Client& client, const Handler& handler);
  /// Throws std::runtime_error where as much goes on as may.
  [[nodiscard]] Lasting begin(const std::function<Lasting()>& begin) const;
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

inline constexpr std::chrono::seconds default_patience{10};

/// What `ask` waits for: the answer, or after it the endpoint's end.
enum class Wait : std::uint8_t { for_answer, for_end };

/// Sends `verb` and returns the answer's JSON text. Throws NoSuchEndpoint, EndpointRefusal, the
/// ConfigurationError that the endpoint met, or std::system_error where the system refuses. An endpoint that
/// takes longer than `patience` for its answer refuses, too.
[[nodiscard]] std::string ask(const std::string& path, std::string_view verb, Wait wait = Wait::for_answer,
                              std::chrono::seconds patience = default_patience);

/// An answer with descriptors. What the endpoint has begun for it ends with the connection, and the
/// connection with the endpoint: it becomes readable then.
struct LastingAnswer {
  std::string result;
  base::FileDescriptor connection;
  std::vector<base::FileDescriptor> descriptors;
};
/// As `ask`.
[[nodiscard]] LastingAnswer ask_for_descriptors(const std::string& path, std::string_view verb,
                                                std::chrono::seconds patience = default_patience);

}  // namespace sixin4::control
