// Echo requests through the tunnel, as ping(8) sends them: from the host's own stack, so that they go the way
// of all packets.
#pragma once

#include <cstdint>
#include <optional>

#include <netinet/in.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

class EchoSocket {
 public:
  /// Asks `destination` through the link `link_index`. Throws std::system_error naming the call and what
  /// would allow it.
  EchoSocket(const wire::Ipv6Address& destination, int link_index);

  /// Readable when an answer may be there.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// A request that cannot be sent is one that is not answered.
  void send(std::uint16_t sequence) noexcept;
  /// The sequence number of an answer to this socket's requests; nothing when no more are there. Does not
  /// block.
  [[nodiscard]] std::optional<std::uint16_t> receive() noexcept;

 private:
  void bind_to(int link_index) const;

  base::FileDescriptor fd_;
  sockaddr_in6 destination_{};
  std::uint16_t identifier_;
};

}  // namespace sixin4::io
