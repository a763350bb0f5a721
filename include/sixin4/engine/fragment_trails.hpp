// Which way the first fragment of a packet went, for the fragments behind it, which have no ports.
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

/// What tells a packet's fragments from those of all others (RFC 8200 §4.5).
struct FragmentKey {
  wire::Ipv6Address local;
  wire::Ipv6Address remote;
  std::uint32_t identification = 0;
  Direction direction = Direction::out;
  bool operator==(const FragmentKey&) const = default;
};

/// What became of a first fragment.
struct FragmentTrail {
  Verdict verdict = Verdict::pass;
  wire::Ipv6Address address{};  ///< the local one that it has got, where it passed
};

/// Remembers the last ones, for any number of threads. Of a packet whose first fragment comes behind others
/// those are not known.
class FragmentTrails {
 public:
  static constexpr std::chrono::seconds lifetime{60};  ///< RFC 8200 §4.5: the far end waits no longer

  /// `seed` as of the flow table.
  explicit FragmentTrails(std::uint64_t seed) : seed_(seed), places_(sets * places_a_set) {}

  void leave(const FragmentKey& key, const FragmentTrail& trail, Time now) noexcept;
  [[nodiscard]] std::optional<FragmentTrail> find(const FragmentKey& key, Time now) noexcept;

 private:
  static constexpr std::size_t sets = 256;
  static constexpr std::size_t places_a_set = 4;
  struct Place {
    FragmentKey key;
    FragmentTrail trail;
    Time left{};
    bool used = false;
  };

  [[nodiscard]] std::span<Place> set_of(const FragmentKey& key) noexcept;

  const std::uint64_t seed_;
  std::mutex mutex_;
  std::vector<Place> places_;
};

}  // namespace sixin4::engine
