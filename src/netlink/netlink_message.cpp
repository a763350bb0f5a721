// Netlink messages with libmnl. No other file includes its headers.
#include "netlink_message.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::netlink {
namespace {

/// Parses the last message of an answer: NLMSG_ERROR, which is also the acknowledgement, or NLMSG_DONE after
/// a dump.
NetlinkOutcome parse_outcome(const nlmsghdr& message) {
  NetlinkOutcome outcome;
  std::size_t size = 0;
  if (message.nlmsg_type == NLMSG_ERROR) {
    const auto end = family_header<nlmsgerr>(message);
    if (!end) return {.error = EBADMSG, .explanation = {}, .interrupted = false};
    outcome.error = -end->error;
    size = sizeof *end;
    // Without NETLINK_CAP_ACK the message contains the request before the attributes.
    if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) return outcome;
  } else {
    outcome.error = -family_header<int>(message).value_or(0);
    size = sizeof(int);
  }
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    outcome.explanation = NetlinkAttributes(message, size).text(NLMSGERR_ATTR_MSG);
    if (outcome.explanation.ends_with('.')) outcome.explanation.pop_back();
  }
  return outcome;
}

}  // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, unsigned flags, std::span<const std::byte> family_header) {
  mnl_nlmsg_put_header(buffer_.data());
  header()->nlmsg_type = type;
  header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  std::memcpy(mnl_nlmsg_put_extra_header(header(), family_header.size()), family_header.data(),
              family_header.size());
}

void NetlinkRequest::put(std::uint16_t type, std::uint8_t value) {
  put(type, std::span(&value, 1));
}

void NetlinkRequest::put(std::uint16_t type, std::uint32_t value) {
  std::array<std::uint8_t, sizeof value> octets{};
  std::memcpy(octets.data(), &value, sizeof value);  // netlink numbers are in host order
  put(type, octets);
}

void NetlinkRequest::put(std::uint16_t type, std::span<const std::uint8_t> octets) {
  if (!mnl_attr_put_check(header(), buffer_.size(), type, octets.size(), octets.data())) {
    throw std::length_error("netlink request too long");
  }
}

void NetlinkRequest::nest(std::uint16_t type, const std::function<void()>& fill) {
  nlattr* const start = mnl_attr_nest_start_check(header(), buffer_.size(), type);
  if (start == nullptr) throw std::length_error("netlink request too long");
  fill();
  mnl_attr_nest_end(header(), start);
}

const void* netlink_payload(const nlmsghdr& message, std::size_t size) noexcept {
  return mnl_nlmsg_get_payload_len(&message) < size ? nullptr : mnl_nlmsg_get_payload(&message);
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& message, std::size_t family_header_size) {
  mnl_attr_parse(&message, static_cast<unsigned>(family_header_size), keep, this);
}

NetlinkAttributes::NetlinkAttributes(const nlattr& nest) {
  mnl_attr_parse_nested(&nest, keep, this);
}

int NetlinkAttributes::keep(const nlattr* attribute, void* attributes) {
  auto& by_type = static_cast<NetlinkAttributes*>(attributes)->by_type_;
  const std::size_t type = mnl_attr_get_type(attribute);
  if (type < by_type.size()) by_type[type] = attribute;
  return MNL_CB_OK;
}

bool NetlinkAttributes::has(std::size_t type) const noexcept {
  return type < by_type_.size() && by_type_[type] != nullptr;
}

bool NetlinkAttributes::has_beyond(std::span<const std::size_t> types) const noexcept {
  for (std::size_t type = 0; type < by_type_.size(); ++type) {
    if (has(type) && std::ranges::find(types, type) == types.end()) return true;
  }
  return false;
}

std::optional<std::uint32_t> NetlinkAttributes::number(std::size_t type) const {
  if (!has(type) || mnl_attr_validate(by_type_[type], MNL_TYPE_U32) < 0) return std::nullopt;
  return mnl_attr_get_u32(by_type_[type]);
}

std::string NetlinkAttributes::text(std::size_t type) const {
  if (!has(type) || mnl_attr_validate(by_type_[type], MNL_TYPE_NUL_STRING) < 0) return {};
  return mnl_attr_get_str(by_type_[type]);
}

std::optional<NetlinkAttributes> NetlinkAttributes::nested(std::size_t type) const {
  if (!has(type) || mnl_attr_validate(by_type_[type], MNL_TYPE_NESTED) < 0) return std::nullopt;
  return NetlinkAttributes(*by_type_[type]);
}

std::span<const std::uint8_t> NetlinkAttributes::octets(std::size_t type) const {
  if (!has(type)) return {};
  return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(by_type_[type])),
          mnl_attr_get_payload_len(by_type_[type])};
}

void NetlinkSocket::Closer::operator()(mnl_socket* socket) const noexcept {
  mnl_socket_close(socket);
}

NetlinkSocket::NetlinkSocket(int protocol) : socket_(mnl_socket_open2(protocol, SOCK_CLOEXEC)) {
  if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    throw base::system_failure("cannot open a netlink socket");
  }
  // The options ask for errors with explanations and without a copy of the request, and for dumps that the
  // kernel filters. Failures are ignored, because an older kernel still answers, without explanations and
  // with longer dumps.
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    int on = 1;
    mnl_socket_setsockopt(socket_.get(), option, &on, sizeof on);
  }
}

NetlinkOutcome NetlinkSocket::exchange(NetlinkRequest request, const MessageHandler& on_message) {
  // Messages of an earlier answer that was not read to its end have another sequence number and are skipped.
  request.header()->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request.header(), request.header()->nlmsg_len) < 0) {
    throw base::system_failure("cannot send to netlink");
  }
  const unsigned port = mnl_socket_get_portid(socket_.get());
  bool interrupted = false;
  // The kernel sends at most 32 KiB at once (net/netlink/af_netlink.c, netlink_recvmsg).
  alignas(nlmsghdr) std::array<char, std::size_t{32} * 1024> buffer{};
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw base::system_failure("cannot receive from netlink");
    int remaining = static_cast<int>(received);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, remaining); message = mnl_nlmsg_next(message, &remaining)) {
      if (message->nlmsg_seq != sequence_ || message->nlmsg_pid != port) continue;
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
        NetlinkOutcome outcome = parse_outcome(*message);
        outcome.interrupted = interrupted;
        return outcome;
      }
      if (message->nlmsg_type >= NLMSG_MIN_TYPE) on_message(*message);
    }
  }
}

}  // namespace sixin4::netlink
