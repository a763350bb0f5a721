// The cost of checksums: with the method that the engine selects, and with each method of this processor.
#include <cstddef>
#include <cstdint>
#include <string>

#include "sixin4/wire/sum_methods.hpp"

#include "bench.hpp"

namespace sixin4::bench {
namespace {

void checksum(benchmark::State& state) {
  const Packet bytes = tcp_packet(static_cast<std::size_t>(state.range(0)));
  if (wire::sum_of(bytes).folded() != plain_sum(bytes)) return state.SkipWithError("wrong sum");
  measure(state, 1, bytes.size(), [&] { benchmark::DoNotOptimize(wire::sum_of(bytes)); });
}
BENCHMARK(checksum)->Arg(64)->Arg(576)->Arg(1280)->Arg(1440)->Arg(65535);

void checksum_by(benchmark::State& state, wire::SumMethod method) {
  const Packet bytes = tcp_packet(static_cast<std::size_t>(state.range(0)));
  if (method.sum(bytes).folded() != plain_sum(bytes)) return state.SkipWithError("wrong sum");
  measure(state, 1, bytes.size(), [&] { benchmark::DoNotOptimize(method.sum(bytes)); });
}
[[maybe_unused]] const bool registered = [] {
  for (const wire::SumMethod& method : wire::sum_methods()) {
    const std::string name = "checksum_by_" + std::string{method.name};
    benchmark::RegisterBenchmark(name.c_str(), checksum_by, method)
        ->Arg(64)
        ->Arg(576)
        ->Arg(1280)
        ->Arg(1440)
        ->Arg(65535);
  }
  return true;
}();

void pseudo_header(benchmark::State& state) {
  wire::Source source{near_host};
  wire::Destination destination{far_host};
  Packet bytes(source.address.octets.begin(), source.address.octets.end());
  bytes.insert(bytes.end(), destination.address.octets.begin(), destination.address.octets.end());
  const auto sum = [&] { return wire::pseudo_header_sum(source, destination, 1440, 6).folded(); };
  if (sum() != plain_sum(bytes, 1440 + 6)) return state.SkipWithError("wrong sum");
  measure(state, 1, 40, [&] {
    benchmark::DoNotOptimize(source);
    benchmark::DoNotOptimize(destination);
    benchmark::DoNotOptimize(sum());
  });
}
BENCHMARK(pseudo_header);

}  // namespace
}  // namespace sixin4::bench
