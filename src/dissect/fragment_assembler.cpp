#include "sixin4/dissect/fragment_assembler.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::dissect {

namespace {

// Memory of a packet beside its bytes. It is counted so that many small fragments are bounded, too.
constexpr std::size_t overhead = 512;

constexpr unsigned congestion_experienced = 3;
constexpr unsigned ecn_bit(unsigned codepoint) {
  return 1U << codepoint;
}

/// Fragments with these ECN codepoints may be joined. RFC 3168 §5.3 lets the host decide about Not-ECT
/// together with another codepoint, and Linux drops the packet (ip_frag_ecn_table in
/// net/ipv4/inet_fragment.c).
bool ecn_agrees(unsigned ecn) noexcept {
  return (ecn & ecn_bit(0)) == 0 || ecn == ecn_bit(0);
}

}  // namespace

std::size_t FragmentAssembler::Hash::operator()(const Ipv4FragmentKey& key) const noexcept {
  const std::uint64_t addresses = std::uint64_t{wire::load32<0>(std::span{key.source.address.octets})}
                                      << 32U |
                                  wire::load32<0>(std::span{key.destination.address.octets});
  const std::uint64_t rest = std::uint64_t{key.identification} << 8U | key.protocol;
  constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;  // spreads keys that differ in few bits
  return (std::rotl(addresses * golden_ratio, 32) ^ rest) * golden_ratio;
}

bool FragmentAssembler::Pieces::is_whole() const noexcept {
  return length && !header.empty() && received.size() == 1 && received.front().begin == 0 &&
         received.front().end == *length;
}

std::size_t FragmentAssembler::Pieces::memory() const noexcept {
  return overhead + payload.capacity() + received.capacity() * sizeof(Range);
}

std::optional<Reassembled> FragmentAssembler::add(wire::Bytes fragment, std::chrono::nanoseconds time) {
  given_up_.clear();
  while (!waiting_.empty() && time - waiting_.front().since > lifetime) give_up(waiting_.begin(), false);

  const wire::Ipv4Header header{fragment.first<wire::ipv4_header_size>()};
  const auto pieces = pieces_of({.source = header.source(),
                                 .destination = header.destination(),
                                 .identification = header.identification(),
                                 .protocol = header.protocol()},
                                time);
  bytes_ -= pieces->memory();
  const Fit fit = put(*pieces, fragment, header);
  bytes_ += pieces->memory();
  if (fit == Fit::duplicate) return std::nullopt;
  ++pieces->fragments;
  pieces->latest = time;
  const bool too_large = pieces->length && pieces->header.size() + *pieces->length > wire::ipv4_max_packet;
  // Overlapping fragments are a sign of an attack (RFC 1858). The kernel drops the whole packet.
  if (fit == Fit::contradiction || too_large || (pieces->is_whole() && !ecn_agrees(pieces->ecn))) {
    give_up(pieces, true);
    return std::nullopt;
  }
  if (pieces->is_whole()) {
    const Reassembled whole = join(*pieces);
    forget(pieces);
    return whole;
  }
  while (bytes_ > most_bytes && waiting_.size() > 1) give_up(waiting_.begin(), false);
  return std::nullopt;
}

void FragmentAssembler::finish() {
  given_up_.clear();
  while (!waiting_.empty()) give_up(waiting_.begin(), false);
}

FragmentAssembler::Waiting::iterator FragmentAssembler::pieces_of(const Ipv4FragmentKey& key,
                                                                  std::chrono::nanoseconds time) {
  const auto [entry, is_new] = by_key_.try_emplace(key);
  if (is_new) {
    entry->second = waiting_.insert(waiting_.end(), {.key = key, .since = time});
    bytes_ += entry->second->memory();
  }
  return entry->second;
}

/// Inserts a range that overlaps none, and joins it with its neighbours if they touch it.
void FragmentAssembler::insert(std::vector<Range>& ranges, Range range) {
  auto next = std::ranges::find_if(ranges, [&](const Range& other) { return other.begin >= range.end; });
  if (next != ranges.end() && next->begin == range.end) {
    range.end = next->end;
    next = ranges.erase(next);
  }
  if (next != ranges.begin() && (next - 1)->end == range.begin) {
    (next - 1)->end = range.end;
  } else {
    ranges.insert(next, range);
  }
}

FragmentAssembler::Fit FragmentAssembler::put(Pieces& pieces, wire::Bytes fragment,
                                              const wire::Ipv4Header& header) {
  const std::size_t header_length = header.header_length();
  if (header.total_length() < header_length) return Fit::contradiction;
  const std::size_t begin = header.fragment_offset();
  std::size_t end = begin + header.total_length() - header_length;
  if (header.more_fragments()) end &= ~std::size_t{7};  // as the kernel: offsets are multiples of 8
  if (end <= begin || end + wire::ipv4_header_size > wire::ipv4_max_packet) return Fit::contradiction;

  const bool contradicts_end =
      pieces.length && (end > *pieces.length || (!header.more_fragments() && end < *pieces.length));
  const bool ends_early =
      !header.more_fragments() && !pieces.received.empty() && pieces.received.back().end > end;
  if (contradicts_end || ends_early) return Fit::contradiction;
  for (const Range& range : pieces.received) {
    if (begin >= range.begin && end <= range.end) return Fit::duplicate;
    if (begin < range.end && end > range.begin) return Fit::contradiction;
  }

  if (!header.more_fragments()) pieces.length = end;
  if (begin == 0)
    pieces.header.assign(fragment.begin(), fragment.begin() + static_cast<std::ptrdiff_t>(header_length));
  pieces.ecn |= ecn_bit(header.tos() & 3U);
  const wire::Bytes payload =
      fragment.subspan(header_length).first(std::min(fragment.size() - header_length, end - begin));
  if (payload.size() < end - begin) pieces.kept = std::min(pieces.kept, begin + payload.size());
  if (pieces.payload.size() < end) pieces.payload.resize(end);
  wire::copy(payload, std::span{pieces.payload}.subspan(begin));

  insert(pieces.received, {.begin = begin, .end = end});
  return Fit::new_bytes;
}

void FragmentAssembler::give_up(Waiting::iterator pieces, bool malformed) {
  given_up_.push_back(
      {.key = pieces->key, .time = pieces->latest, .fragments = pieces->fragments, .malformed = malformed});
  fragments_given_up_ += pieces->fragments;
  forget(pieces);
}

void FragmentAssembler::forget(Waiting::iterator pieces) noexcept {
  bytes_ -= pieces->memory();
  by_key_.erase(pieces->key);
  waiting_.erase(pieces);
}

/// Joins the payload to the first fragment's header. The header then describes an unfragmented packet.
Reassembled FragmentAssembler::join(const Pieces& pieces) {
  whole_ = pieces.header;
  const std::size_t length = whole_.size() + *pieces.length;
  const std::size_t kept = std::min(*pieces.length, pieces.kept);
  const auto fixed_part = std::span{whole_}.first<wire::ipv4_header_size>();
  wire::store16<2>(fixed_part, static_cast<std::uint16_t>(length));
  wire::store16<6>(fixed_part, static_cast<std::uint16_t>(wire::load16<6>(fixed_part) & 0xc000U));
  if ((pieces.ecn & ecn_bit(congestion_experienced)) != 0) {
    wire::store8<1>(fixed_part, wire::load8<1>(fixed_part) | congestion_experienced);
  }
  wire::store16<10>(fixed_part, 0);
  wire::store16<10>(fixed_part, wire::sum_of(whole_).checksum());
  whole_.insert(whole_.end(), pieces.payload.begin(),
                pieces.payload.begin() + static_cast<std::ptrdiff_t>(kept));
  return {.packet = whole_, .length = length, .fragments = pieces.fragments};
}

std::uint64_t FragmentAssembler::left_over() const noexcept {
  return std::accumulate(waiting_.begin(), waiting_.end(), fragments_given_up_,
                         [](std::uint64_t sum, const Pieces& pieces) { return sum + pieces.fragments; });
}

}  // namespace sixin4::dissect
