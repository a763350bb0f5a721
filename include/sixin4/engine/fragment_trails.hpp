// Remembers the verdict and address of first fragments for the fragments that follow, which have no ports.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "sixin4/engine/flow_packet.hpp"
#include "sixin4/engine/time.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/wire/address.hpp"

namespace sixin4::engine {

/// Identifies the fragments of one packet (RFC 8200 §4.5).
struct FragmentKey {
  wire::Ipv6Address local;
  wire::Ipv6Address remote;
  std::uint32_t identification = 0;
  Direction direction = Direction::out;
  bool operator==(const FragmentKey&) const = default;
};

/// The decision about a first fragment.
struct FragmentTrail {
  Verdict verdict = Verdict::pass;
  wire::Ipv6Address address{};  ///< the local address to set in the later fragments, if it passed
};

/// Keeps the latest trails, for any number of threads. A fragment that arrives before its first fragment
/// finds no trail.
class FragmentTrails {
 public:
  static constexpr std::chrono::seconds lifetime{60};  ///< reassembly time of RFC 8200 §4.5

  /// `seed` must be secret, as for the flow table.
  explicit FragmentTrails(std::uint64_t seed) : seed_(seed), places_(sets * places_a_set) {}

  void leave(const FragmentKey& key, const FragmentTrail& trail, Time now) noexcept;
  [[nodiscard]] std::optional<FragmentTrail> find(const FragmentKey& key, Time now) noexcept;

 private:
  static constexpr std::size_t sets = 256;
  static constexpr std::size_t places_a_set = 4;
  struct Place {
    FragmentKey key;
    FragmentTrail trail;
    Time left{};  ///< the time of `leave`
    bool used = false;
  };

  [[nodiscard]] std::span<Place> set_of(const FragmentKey& key) noexcept;

  const std::uint64_t seed_;
  std::mutex mutex_;
  std::vector<Place> places_;
};

}  // namespace sixin4::engine
