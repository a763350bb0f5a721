#include "sixin4/capture/filter.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>

#include <pcap/pcap.h>

namespace sixin4::capture {

namespace {

constexpr int longest_packet = 262144;  // tcpdump's snapshot length for whole packets

struct CloseHandle {
  void operator()(pcap_t* handle) const noexcept { ::pcap_close(handle); }
};

/// The program loads a fact that only a kernel has, such as the direction of a packet. libpcap cannot run
/// such a program on a packet in memory.
bool needs_kernel(const bpf_program& code) noexcept {
  constexpr std::uint32_t kernel_area = 0xfffff000;  // SKF_AD_OFF of linux/filter.h
  return std::ranges::any_of(std::span{code.bf_insns, code.bf_len}, [](const bpf_insn& instruction) {
    const bool loads = BPF_CLASS(instruction.code) == BPF_LD || BPF_CLASS(instruction.code) == BPF_LDX;
    return loads && BPF_MODE(instruction.code) == BPF_ABS && instruction.k >= kernel_area;
  });
}

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
  if (needs_kernel(program_->code)) {
    throw std::invalid_argument("filter '" + expression +
                                "': a filter can only ask for the content of a packet");
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
