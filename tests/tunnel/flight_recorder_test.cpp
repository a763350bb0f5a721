// The packets of flight recorders in a ring for a client, and in files.
#include "flight_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sixin4/capture/ring.hpp"
#include "sixin4/capture/ring_memory.hpp"

#include "../engine/packets.hpp"

namespace sixin4::tunnel {
namespace {

using namespace test;

TEST(FlightRecorder, TheRingHasAllPackets) {
  const engine::Time now{std::chrono::hours{1}};
  capture::Recorder recorder{4096};
  recorder.begin(now);
  for (engine::PacketId id = 0; id < 3000; ++id) recorder.from_tun(id, payload_of(id % 1500));
  recorder.refused(2999, engine::Verdict::too_big);
  const capture::RingMemory memory{ring_of(recorder.packets())};
  capture::RingReader reader{memory.bytes()};
  for (engine::PacketId id = 0; id < 3000; ++id) {
    const auto seen = reader.next();
    ASSERT_TRUE(seen) << id;
    EXPECT_EQ(seen->id, id);
    EXPECT_EQ(seen->time, now);
    EXPECT_EQ(seen->length, id % 1500) << "the length of the whole packet";
    Octets expected = payload_of(id % 1500);
    expected.resize(std::min<std::size_t>(expected.size(), 96));
    ASSERT_EQ(octets_of(seen->bytes), expected);
    EXPECT_EQ(seen->verdict, id == 2999 ? engine::Verdict::too_big : engine::Verdict::pass);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.lost(capture::Form::inner), 0U);
}

TEST(FlightRecorder, TheRingOfNoPacketsIsEmpty) {
  const capture::RingMemory memory{ring_of({})};
  EXPECT_FALSE(capture::RingReader{memory.bytes()}.next());
}

class SavedRecordings : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "recordings-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    directory = path;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  /// A file of another interface, or an older one.
  void make(const std::string& name, std::chrono::seconds ago) const {
    std::ofstream{directory / name} << "x";
    std::filesystem::last_write_time(directory / name, std::filesystem::file_time_type::clock::now() - ago);
  }
  [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(directory / name); }
  std::filesystem::path directory;
};

TEST_F(SavedRecordings, TheLast16ByFileTimeAreKept) {
  using std::chrono::seconds;
  for (int i = 0; i < 16; ++i) make("a-209912010101" + std::to_string(10 + i) + ".pcapng", seconds{100 - i});
  const std::string saved = save_recording("a", {}, directory);
  EXPECT_TRUE(std::filesystem::exists(saved));
  EXPECT_FALSE(has("a-20991201010110.pcapng"));
  EXPECT_TRUE(has("a-20991201010111.pcapng"));
  for (int i = 2; i <= 17; ++i) make("a-20261122191957-" + std::to_string(i) + ".pcapng", seconds{60 - i});
  make("a-20261122191957.pcapng", seconds{59});
  (void)save_recording("a", {}, directory);
  EXPECT_FALSE(has("a-20261122191957.pcapng")) << "the first of its second";
  EXPECT_FALSE(has("a-20261122191957-2.pcapng"));
  EXPECT_TRUE(std::filesystem::exists(saved));
  EXPECT_TRUE(has("a-20261122191957-17.pcapng"));
  EXPECT_TRUE(has("a-20261122191957-4.pcapng"));
}

TEST_F(SavedRecordings, FilesOfOtherInterfacesAreKept) {
  const std::vector<std::string> others{"a-1-20261122191957.pcapng", "a-20261122191957-20261122191957.pcapng",
                                        "a-2026112219195.pcapng",    "a-20261122191957.pcap",
                                        "a-20261122191957-.pcapng",  "a-20261122191957x.pcapng",
                                        "b-20261122191957.pcapng"};
  for (const std::string& other : others) make(other, std::chrono::hours{1});
  for (int i = 0; i < 20; ++i) (void)save_recording("a", {}, directory);
  for (const std::string& other : others) EXPECT_TRUE(has(other)) << other;
}

}  // namespace
}  // namespace sixin4::tunnel
