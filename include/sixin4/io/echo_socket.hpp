// Sends echo requests through the tunnel as ping(8) does: through the host's IP stack, so that they take the
// same path as all other packets.
#pragma once

#include <cstdint>
#include <optional>

#include <netinet/in.h>

#include "sixin4/base/file_descriptor.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::io {

class EchoSocket {
 public:
  /// Prepares requests to `destination` through the link `link_index`. Throws std::system_error that names
  /// the failed call and the remedy.
  EchoSocket(const wire::Ipv6Address& destination, int link_index);

  /// Readable if a reply may have arrived.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// A request that cannot be sent is ignored: it gets no reply.
  void send(std::uint16_t sequence) noexcept;
  /// Returns the sequence number of a reply to this socket's requests; empty if there is none. Does not
  /// block.
  [[nodiscard]] std::optional<std::uint16_t> receive() noexcept;

 private:
  void bind_to(int link_index) const;

  base::FileDescriptor fd_;
  sockaddr_in6 destination_{};
  std::uint16_t identifier_;
};

}  // namespace sixin4::io
