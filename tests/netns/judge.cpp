// Compares the packets of a capture with libtins: it parses each packet and serializes it again with every
// length and checksum recomputed. The bytes must be the same.
//   judge CAPTURE    (a pcap file of Ethernet frames with IPv4; prints the number of packets)
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <pcap/pcap.h>
#include <tins/tins.h>

namespace {

constexpr std::size_t ethernet_header = 14;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t ipv6_in_ipv4 = 41;

/// The difference from the packet that libtins makes; empty: none.
std::string fault_of(const std::vector<std::uint8_t>& bytes) {
  Tins::IP outer{bytes.data(), static_cast<std::uint32_t>(bytes.size())};
  if (outer.protocol() != ipv6_in_ipv4) return "is not protocol 41";
  if (outer.tot_len() != bytes.size()) return "is longer or shorter than its total length";
  if ((outer.flags() & Tins::IP::DONT_FRAGMENT) != 0) return "has DF set";
  const auto* inner = outer.find_pdu<Tins::IPv6>();
  if (inner == nullptr) return "has no IPv6 packet inside";
  if (inner->next_header() != icmpv6 && outer.find_pdu<Tins::TCP>() == nullptr &&
      outer.find_pdu<Tins::UDP>() == nullptr) {
    return "has neither TCP, UDP nor ICMPv6 inside";
  }
  auto rebuilt = outer.serialize();
  if (const auto* tcp = outer.find_pdu<Tins::TCP>()) {
    // A TCP checksum of 0 is sent as 0xffff, as the kernel does for every protocol (CSUM_MANGLED_0). libtins
    // writes 0.
    constexpr std::size_t checksum = 16;
    const std::size_t field = bytes.size() - tcp->size() + checksum;
    const bool zero = rebuilt.at(field) == 0 && rebuilt.at(field + 1) == 0;
    if (zero && bytes.at(field) == 0xff && bytes.at(field + 1) == 0xff) {
      rebuilt[field] = rebuilt[field + 1] = 0xff;
    }
  }
  const auto differ = std::ranges::mismatch(rebuilt, bytes);
  if (differ.in1 == rebuilt.end() && differ.in2 == bytes.end()) return {};
  return "differs at byte " + std::to_string(differ.in1 - rebuilt.begin());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: judge CAPTURE\n";
    return 2;
  }
  std::string error(PCAP_ERRBUF_SIZE, '\0');
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> capture{pcap_open_offline(argv[1], error.data()),
                                                           pcap_close};
  if (!capture) {
    std::cerr << error.c_str() << '\n';
    return 2;
  }
  int judged = 0;
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* data = nullptr;
  while (pcap_next_ex(capture.get(), &header, &data) == 1) {
    if (header->caplen <= ethernet_header) continue;
    ++judged;
    const std::string fault = fault_of({data + ethernet_header, data + header->caplen});
    if (fault.empty()) continue;
    std::cout << "packet " << judged << ' ' << fault << '\n';
    return 1;
  }
  std::cout << judged << '\n';
  return judged > 0 ? 0 : 1;
}
