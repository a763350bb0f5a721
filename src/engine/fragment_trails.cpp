#include "sixin4/engine/fragment_trails.hpp"

#include <algorithm>

#include "sixin4/engine/mix.hpp"

namespace sixin4::engine {

void FragmentTrails::leave(const FragmentKey& key, const FragmentTrail& trail, Time now) noexcept {
  const std::lock_guard lock{mutex_};
  const auto set = set_of(key);
  auto place = std::ranges::find_if(set, [&](const Place& p) { return p.used && p.key == key; });
  if (place == set.end()) place = std::ranges::min_element(set, {}, &Place::left);
  *place = {.key = key, .trail = trail, .left = now, .used = true};
}

std::optional<FragmentTrail> FragmentTrails::find(const FragmentKey& key, Time now) noexcept {
  const std::lock_guard lock{mutex_};
  const auto set = set_of(key);
  const auto place = std::ranges::find_if(set, [&](const Place& p) { return p.used && p.key == key; });
  if (place == set.end() || now - place->left >= lifetime) return std::nullopt;
  return place->trail;
}

std::span<FragmentTrails::Place> FragmentTrails::set_of(const FragmentKey& key) noexcept {
  std::uint64_t hash = seed_;
  for (const std::uint64_t word : {key.local.high(), key.local.low(), key.remote.high(), key.remote.low(),
                                   std::uint64_t{key.identification}}) {
    hash = mixed(hash ^ word);
  }
  return std::span{places_}.subspan(hash % sets * places_a_set, places_a_set);
}

}  // namespace sixin4::engine
