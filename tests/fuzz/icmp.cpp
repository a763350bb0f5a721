// Fuzzes ICMP errors from the IPv4 side: they have no effect unless they quote a packet of this tunnel.
//
// Input: mtu (2 bytes), flags (1), type (1), code (1), next-hop MTU (2), quoted packet.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "sixin4/engine/inbound_pump.hpp"
#include "sixin4/engine/path_mtu.hpp"

namespace {

using namespace sixin4;

constexpr std::size_t parameter_bytes = 7;
constexpr std::uint8_t flag_pmtudisc = 0x01;
constexpr std::uint8_t flag_egress_filter = 0x02;

constexpr wire::Ipv6Address our_address{{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
constexpr wire::Ipv6Prefix our_prefix{{{0x20, 0x01, 0x0d, 0xb8, 1}}, 48};
constexpr engine::Time now{std::chrono::hours{1}};

void check(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "violated: " << what << std::endl;
  std::abort();
}

engine::TunnelParameters parameters_of(wire::Bytes input) {
  const auto fields = *wire::fixed<parameter_bytes>(input);
  const std::uint8_t flags = wire::load8<2>(fields);
  const auto mtu = static_cast<std::uint16_t>(1280 + wire::load16<0>(fields) % (65515 - 1280 + 1));
  return {
      .local = {{192, 0, 2, 1}},
      .remote = {{198, 51, 100, 1}},
      .mtu = mtu,
      .link_mtu = static_cast<std::uint16_t>(mtu + wire::ipv4_header_size),
      .pmtudisc = (flags & flag_pmtudisc) != 0,
      .dont_fragment = (flags & flag_pmtudisc) != 0,
      .error_source = our_address,
      .ours = {{.address = our_address, .length = 128}, our_prefix},
      .egress_filter = (flags & flag_egress_filter) != 0,
  };
}

/// Whether the quoted packet went from this end to the far end, read from the bytes of RFC 791.
bool is_ours(wire::Bytes quoted) {
  constexpr std::array<std::uint8_t, 8> ends{192, 0, 2, 1, 198, 51, 100, 1};
  return quoted.size() >= 20 && quoted[0] >= 0x45 && quoted[0] <= 0x4f &&
         quoted.size() >= 4 * (quoted[0] & 15U) && quoted[9] == 41 &&
         std::ranges::equal(quoted.subspan(12, 8), ends);
}

/// The folded sum of RFC 1071, byte by byte: 0xffff over data with a right checksum.
std::uint32_t plain_sum(wire::Bytes bytes, std::uint32_t sum = 0) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    sum += at % 2 == 0 ? std::uint32_t{bytes[at]} << 8U : bytes[at];
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return sum;
}

std::uint32_t word32(wire::Bytes bytes, std::size_t at) {
  return wire::load32<0>(*wire::fixed<4>(bytes, at));
}

/// An IPv4 side with one ICMP error, in memory of exactly its size.
class Wire {
 public:
  explicit Wire(const engine::WireError& error)
      : error_(error), quoted_(std::make_unique<std::uint8_t[]>(error.quoted.size())) {
    std::ranges::copy(error.quoted, quoted_.get());
    error_->quoted = {quoted_.get(), error.quoted.size()};
  }

  static engine::ReceiveResult receive() noexcept { return {}; }
  std::optional<engine::WireError> next_error() noexcept { return std::exchange(error_, std::nullopt); }

 private:
  std::optional<engine::WireError> error_;
  std::unique_ptr<std::uint8_t[]> quoted_;
};

class Tun {
 public:
  Tun(const engine::TunnelParameters& parameters, const engine::WireError& error)
      : parameters_(parameters), error_(error) {}

  [[nodiscard]] static bool takes(engine::Offload /*offload*/) noexcept { return true; }
  engine::IoStatus write(const wire::VnetHeader& offload, std::span<const wire::Bytes> parts) noexcept {
    check(parts.size() == 1, "an answer has one part");
    const wire::Bytes packet = parts.front();
    check(++writes == 1, "one answer to an error");
    check(is_ours(error_.quoted), "no answer to an error about a foreign packet");
    check(offload == wire::VnetHeader{}, "an answer has nothing unfinished");
    check_packet(packet);
    check_message(packet.subspan(wire::ipv6_header_size));
    check_quote(packet.subspan(wire::ipv6_header_size + wire::icmpv6::header_size));
    return engine::IoStatus::ok;
  }

  int writes = 0;

 private:
  void check_packet(wire::Bytes packet) const {
    check(packet.size() >= 88 && packet.size() <= wire::ipv6_min_mtu,
          "at least two headers, at most 1280 bytes");
    check(packet[0] >> 4U == 6, "an IPv6 packet");
    const std::size_t payload = packet[4] * 256U + packet[5];
    check(payload + wire::ipv6_header_size == packet.size(), "the payload length is right");
    check(packet[6] == wire::next_header::icmpv6 && packet[7] == 64, "ICMPv6");
    check(std::ranges::equal(packet.subspan(8, 16), parameters_.error_source.octets), "it comes from us");
    check(std::ranges::equal(packet.subspan(24, 16), packet.subspan(56, 16)), "it goes to the quoted source");
    check(packet[24] != 0xff, "it goes to one host");
    const auto length_and_protocol = static_cast<std::uint32_t>(payload + wire::next_header::icmpv6);
    check(plain_sum(packet.subspan(40), plain_sum(packet.subspan(8, 32), length_and_protocol)) == 0xffff,
          "its checksum is right");
  }

  void check_message(wire::Bytes message) const {
    const std::uint32_t parameter = word32(message, 4);
    if (error_.type == 3 && error_.code == 4) {
      check(parameters_.pmtudisc, "a static MTU does not change");
      check(message[0] == 2 && message[1] == 0, "Packet Too Big");
      check(parameter >= wire::ipv6_min_mtu && parameter <= parameters_.mtu,
            "the MTU is in the range of the tunnel");
      return;
    }
    check(error_.type == 3 || error_.type == 11, "no answer to another type");
    check(message[0] == 1 && message[1] == 3 && parameter == 0, "Address Unreachable");
  }

  /// The answer quotes the bytes after the IPv4 header of the input.
  void check_quote(wire::Bytes quote) const {
    const wire::Bytes inner = error_.quoted.subspan(4 * (error_.quoted[0] & 15U));
    check(quote.size() <= inner.size() && std::ranges::equal(quote, inner.first(quote.size())),
          "it quotes the inner packet");
    const std::size_t inner_length = 40 + quote[4] * 256U + quote[5];
    check(quote.size() == std::min({inner.size(), inner_length, std::size_t{1280 - 48}}),
          "it quotes as much as fits");
    if (!parameters_.egress_filter) return;
    const wire::Bytes source = quote.subspan(8, 16);
    check((source[0] == 0xfe && source[1] >> 6U == 2) || std::ranges::equal(source, our_address.octets) ||
              std::ranges::equal(source.first(6), wire::Bytes{our_prefix.address.octets}.first(6)),
          "it goes to one of our addresses");
  }

  const engine::TunnelParameters& parameters_;
  const engine::WireError& error_;
};

/// The use of a path MTU by the control thread.
void check_path_mtu(const engine::TunnelParameters& parameters, const engine::WireError& error,
                    std::uint16_t path_mtu) {
  check(is_ours(error.quoted) && parameters.pmtudisc, "a path MTU comes from our own packets only");
  check(error.type == 3 && error.code == 4, "it comes with fragmentation needed only");
  check(path_mtu >= wire::ipv4_min_mtu, "a path MTU is at least 68 bytes");
  check(error.mtu == 0 || error.mtu == path_mtu, "it is the MTU of the error");
  engine::PathMtu path{parameters.link_mtu};
  (void)path.learn(path_mtu, now);
  check(path.value() <= parameters.link_mtu, "a path MTU never rises");
  const std::uint16_t mtu = engine::tunnel_mtu(path.value(), parameters.mtu, true);
  check(mtu >= wire::ipv6_min_mtu && mtu <= parameters.mtu,
        "the tunnel MTU does not rise, nor fall below 1280");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes input{data, size};
  const auto fields = wire::fixed<parameter_bytes>(input);
  if (!fields) return -1;
  const engine::TunnelParameters parameters = parameters_of(input);
  const engine::WireError error{.type = wire::load8<3>(*fields),
                                .code = wire::load8<4>(*fields),
                                .mtu = wire::load16<5>(*fields),
                                .quoted = input.subspan(parameter_bytes)};
  Wire wire{error};
  Tun tun{parameters, error};
  engine::DirectionCounters counters;
  engine::LastTime last_heard;
  const auto pump = std::make_unique<engine::InboundPump<Wire, Tun>>(wire, tun, counters, last_heard);
  check(pump->turn(parameters, now) == engine::IoStatus::empty, "an error is no packet");
  const auto path_mtu = pump->take_path_mtu();
  if (path_mtu) check_path_mtu(parameters, error, *path_mtu);

  const std::uint64_t mismatches = counters.dropped(engine::Verdict::icmp_mismatch);
  const std::uint64_t ignored = counters.dropped(engine::Verdict::icmp_ignored);
  check((mismatches == 1) == !is_ours(error.quoted), "a foreign packet is counted as icmp-mismatch");
  const bool effect = path_mtu || tun.writes == 1;
  check(mismatches + ignored + (effect ? 1 : 0) == 1, "an error is counted as a drop, or has an effect");
  check(counters.icmp_errors.value() == static_cast<std::uint64_t>(tun.writes), "answers are counted");
  std::uint64_t drops = 0;
  for (const engine::Counter& counter : counters.drops) drops += counter.value();
  check(drops == mismatches + ignored, "an error counts as no other drop");
  check(counters.packets.value() == 0 && last_heard.get() == engine::Time{}, "an error is no packet");
  return 0;
}
