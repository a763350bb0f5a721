#include "sixin4/capture/filter.hpp"

#include <stdexcept>

#include <pcap/pcap.h>

namespace sixin4::capture {

namespace {

constexpr int longest_packet = 262144;  // what tcpdump takes for unlimited

struct CloseHandle {
  void operator()(pcap_t* handle) const noexcept { ::pcap_close(handle); }
};

}  // namespace

struct Filter::Program {
  bpf_program code{};
  Program() = default;
  ~Program() { ::pcap_freecode(&code); }
  Program(Program&&) = delete;
  Program& operator=(Program&&) = delete;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
};

Filter::Filter(const std::string& expression) {
  if (expression.empty()) return;
  const std::unique_ptr<pcap_t, CloseHandle> handle{::pcap_open_dead(DLT_RAW, longest_packet)};
  if (!handle) throw std::bad_alloc{};
  program_ = std::make_unique<Program>();
  if (::pcap_compile(handle.get(), &program_->code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    throw std::invalid_argument("filter '" + expression + "': " + ::pcap_geterr(handle.get()));
  }
}

Filter::~Filter() = default;
Filter::Filter(Filter&& other) noexcept = default;
Filter& Filter::operator=(Filter&& other) noexcept = default;

bool Filter::matches(wire::Bytes packet, std::uint32_t length) const noexcept {
  if (!program_) return true;
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(packet.size());
  header.len = length;
  return ::pcap_offline_filter(&program_->code, &header, packet.data()) != 0;
}

}  // namespace sixin4::capture
