// Netlink messages and the socket that exchanges them. netlink_objects.hpp gives the messages their meaning.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct mnl_socket;

namespace sixin4::netlink {

/// A request: netlink header, family header (such as `rtmsg`), attributes; 512 bytes at most. `put` and
/// `nest` throw `std::length_error` beyond that.
class NetlinkRequest {
 public:
  template <typename FamilyHeader>
  NetlinkRequest(std::uint16_t type, unsigned flags, const FamilyHeader& family_header)
      : NetlinkRequest(type, flags, std::as_bytes(std::span(&family_header, 1))) {}

  void put(std::uint16_t type, std::uint8_t value);
  void put(std::uint16_t type, std::uint32_t value);
  void put(std::uint16_t type, std::span<const std::uint8_t> octets);
  /// Puts an attribute of this type, which contains the attributes that `fill` puts.
  void nest(std::uint16_t type, const std::function<void()>& fill);

  [[nodiscard]] nlmsghdr* header() noexcept { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  NetlinkRequest(std::uint16_t type, unsigned flags, std::span<const std::byte> family_header);

  alignas(nlmsghdr) std::array<char, 512> buffer_{};
};

/// A view of the attributes of a received message, or of a nested attribute, by type. It must not outlive the
/// message. An attribute whose length does not fit the requested type counts as absent.
class NetlinkAttributes {
 public:
  NetlinkAttributes(const nlmsghdr& message, std::size_t family_header_size);

  [[nodiscard]] bool has(std::size_t type) const noexcept;
  /// Whether there are attributes of other types than these.
  [[nodiscard]] bool has_beyond(std::span<const std::size_t> types) const noexcept;

  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t type) const;
  [[nodiscard]] std::string text(std::size_t type) const;
  [[nodiscard]] std::optional<NetlinkAttributes> nested(std::size_t type) const;

  template <typename Address>
  [[nodiscard]] std::optional<Address> address(std::size_t type) const {
    Address address;
    const auto value = octets(type);
    if (value.size() != address.octets.size()) return std::nullopt;
    std::ranges::copy(value, address.octets.begin());
    return address;
  }

 private:
  explicit NetlinkAttributes(const nlattr& nest);
  [[nodiscard]] std::span<const std::uint8_t> octets(std::size_t type) const;
  static int keep(const nlattr* attribute, void* attributes);

  std::array<const nlattr*, 64> by_type_{};
};

/// The bytes after the netlink header; null if there are fewer than `size`.
[[nodiscard]] const void* netlink_payload(const nlmsghdr& message, std::size_t size) noexcept;

/// The family header of a received message; nothing if the message is too short for it.
template <typename FamilyHeader>
[[nodiscard]] std::optional<FamilyHeader> family_header(const nlmsghdr& message) {
  static_assert(std::is_trivially_copyable_v<FamilyHeader>);
  const void* const payload = netlink_payload(message, sizeof(FamilyHeader));
  if (payload == nullptr) return std::nullopt;
  FamilyHeader header{};
  std::memcpy(&header, payload, sizeof header);  // messages are aligned to 4 bytes, some headers to 8
  return header;
}

/// The result of a request.
struct NetlinkOutcome {
  int error = 0;            ///< an errno, 0 for success
  std::string explanation;  ///< of the kernel (NETLINK_EXT_ACK), often empty
  bool interrupted =
      false;  ///< NLM_F_DUMP_INTR: objects changed during the dump and may be missing or repeated
};

/// Owns a netlink socket. One request is exchanged at a time.
class NetlinkSocket {
 public:
  /// `protocol` is a NETLINK_ constant of netlink(7). Throws std::system_error, EPROTONOSUPPORT if this
  /// kernel does not have it.
  explicit NetlinkSocket(int protocol = NETLINK_ROUTE);

  using MessageHandler = std::function<void(const nlmsghdr&)>;
  /// Sends a request and calls `on_message` for each message of the answer. An error of the kernel is in the
  /// outcome. Throws `std::system_error` if the socket fails.
  [[nodiscard]] NetlinkOutcome exchange(
      NetlinkRequest request, const MessageHandler& on_message = [](const nlmsghdr&) {});

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const noexcept;
  };
  std::unique_ptr<mnl_socket, Closer> socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace sixin4::netlink
