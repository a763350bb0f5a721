// Netlink messages and the socket that exchanges them; the kernel's objects inside are netlink.cpp's.
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

/// A request: netlink header, family header (`rtmsg` and its kin), attributes. It has room for several
/// times the longest request of an endpoint; `put` throws `std::length_error` past that.
class NetlinkRequest {
 public:
  template <typename FamilyHeader>
  NetlinkRequest(std::uint16_t type, unsigned flags, const FamilyHeader& family_header)
      : NetlinkRequest(type, flags, std::as_bytes(std::span(&family_header, 1))) {}

  void put(std::uint16_t type, std::uint8_t value);
  void put(std::uint16_t type, std::uint32_t value);
  void put(std::uint16_t type, std::span<const std::uint8_t> octets);
  /// What `fill` puts stands inside an attribute of this type.
  void nest(std::uint16_t type, const std::function<void()>& fill);

  [[nodiscard]] nlmsghdr* header() noexcept { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  NetlinkRequest(std::uint16_t type, unsigned flags, std::span<const std::byte> family_header);

  alignas(nlmsghdr) std::array<char, 512> buffer_{};
};

/// The attributes of a received message or of a nest in it, by type; valid as long as the message. One
/// whose length does not fit the type asked for counts as absent.
class NetlinkAttributes {
 public:
  NetlinkAttributes(const nlmsghdr& message, std::size_t family_header_size);

  [[nodiscard]] bool has(std::size_t type) const noexcept;
  /// Whether there are any besides these.
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

/// The bytes after the netlink header; nothing when there are fewer than `size`.
[[nodiscard]] const void* netlink_payload(const nlmsghdr& message, std::size_t size) noexcept;

/// The family header of a received message, nothing when the message is too short for it.
template <typename FamilyHeader>
[[nodiscard]] std::optional<FamilyHeader> family_header(const nlmsghdr& message) {
  static_assert(std::is_trivially_copyable_v<FamilyHeader>);
  const void* const payload = netlink_payload(message, sizeof(FamilyHeader));
  if (payload == nullptr) return std::nullopt;
  FamilyHeader header{};
  std::memcpy(&header, payload, sizeof header);  // messages are aligned to 4 bytes, some headers to 8
  return header;
}

/// How the kernel ended its answer.
struct NetlinkOutcome {
  int error = 0;             ///< an errno, 0 for success
  std::string explanation;   ///< the kernel's words, often none
  bool interrupted = false;  ///< the listed objects changed meanwhile, so one may be missing or double
};

/// Owns a netlink socket; one request and its whole answer at a time.
class NetlinkSocket {
 public:
  /// `protocol` is one of netlink(7)'s. Throws std::system_error; EPROTONOSUPPORT where this kernel has no
  /// such.
  explicit NetlinkSocket(int protocol = NETLINK_ROUTE);

  using MessageHandler = std::function<void(const nlmsghdr&)>;
  /// Every message of the answer goes to `on_message`; the kernel's refusal is in the outcome. Throws
  /// `std::system_error` when the socket itself fails.
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
