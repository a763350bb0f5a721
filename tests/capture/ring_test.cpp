// The ring that a worker and a capturing program share: wrapping, a full ring, and a reader that writes any
// values into the shared memory.
#include "sixin4/capture/ring.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "sixin4/capture/live_tap.hpp"

namespace sixin4::capture {
namespace {

using engine::Direction;
using engine::Verdict;
using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t everything = 65535;

/// Zeroed memory of exactly this size at a cache line, so that AddressSanitizer reports accesses outside of
/// it.
class Memory {
 public:
  explicit Memory(std::size_t size)
      : bytes_(static_cast<std::uint8_t*>(::operator new (size, std::align_val_t{64})), size) {
    std::ranges::fill(bytes_, std::uint8_t{0});
  }
  ~Memory() { ::operator delete (bytes_.data(), std::align_val_t{64}); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  [[nodiscard]] std::span<std::uint8_t> bytes() const { return bytes_; }
  [[nodiscard]] RingState& state() const { return *reinterpret_cast<RingState*>(bytes_.data()); }
  [[nodiscard]] std::span<std::uint8_t> packets() const { return bytes_.subspan(sizeof(RingState)); }

 private:
  std::span<std::uint8_t> bytes_;
};

Octets octets(std::size_t size, std::uint64_t seed) {
  Octets bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i);
  return bytes;
}

void put(RingWriter& writer, engine::PacketId id, const Octets& bytes, std::uint32_t snap = everything,
         Form form = Form::inner) {
  const wire::Bytes part = bytes;
  writer.write({.id = id, .form = form}, {&part, 1}, snap);
}

std::vector<engine::PacketId> ids_of(RingReader& reader) {
  std::vector<engine::PacketId> ids;
  while (const auto seen = reader.next()) ids.push_back(seen->id);
  return ids;
}

class Ring : public testing::Test {
 protected:
  void remake(std::size_t room) {
    memory = std::make_unique<Memory>(sizeof(RingState) + room);
    writer = std::make_unique<RingWriter>(memory->bytes());
    reader.emplace(memory->bytes());
  }
  std::unique_ptr<Memory> memory;
  std::unique_ptr<RingWriter> writer;
  std::optional<RingReader> reader;
};

TEST_F(Ring, APacketArrivesAsItWasPutTogether) {
  remake(4096);
  const Octets head = octets(20, 1);
  const Octets body = octets(101, 77);
  const std::array<wire::Bytes, 2> parts{head, body};
  const engine::Time now{std::chrono::seconds{5}};
  writer->write({.id = 42,
                 .time = now,
                 .form = Form::outer,
                 .direction = Direction::out,
                 .verdict = Verdict::wire_full},
                parts, everything);
  EXPECT_FALSE(reader->next()) << "not published";
  writer->publish();
  const auto seen = reader->next();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->id, 42U);
  EXPECT_EQ(seen->time, now);
  EXPECT_EQ(seen->form, Form::outer);
  EXPECT_EQ(seen->direction, Direction::out);
  EXPECT_EQ(seen->verdict, Verdict::wire_full);
  EXPECT_EQ(seen->length, 121U);
  Octets whole = head;
  whole.insert(whole.end(), body.begin(), body.end());
  EXPECT_EQ(Octets(seen->bytes.begin(), seen->bytes.end()), whole);
  EXPECT_FALSE(reader->next());
}

TEST_F(Ring, ASnapLengthCutsAcrossParts) {
  remake(4096);
  const Octets head = octets(20, 1);
  const Octets body = octets(100, 77);
  const std::array<wire::Bytes, 2> parts{head, body};
  for (const std::uint32_t snap : {0U, 1U, 20U, 33U, 120U, 500U}) {
    writer->write({.id = snap}, parts, snap);
    writer->publish();
    const auto seen = reader->next();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->bytes.size(), std::min(snap, 120U));
    EXPECT_EQ(seen->length, 120U);
    if (snap == 33) {
      EXPECT_EQ(seen->bytes[20], 77U);
    }
  }
}

TEST_F(Ring, WrapsForEverWithPacketsOfAllSizes) {
  remake(1000);  // not a power of 2
  std::mt19937 random{4711};
  std::uint64_t next_read = 0;
  for (engine::PacketId id = 0; id < 20000; ++id) {
    put(*writer, id, octets(random() % 300, id));
    writer->publish();
    if (random() % 2 == 0 && id + 1 - next_read < 2) continue;
    while (const auto seen = reader->next()) {
      ASSERT_EQ(seen->id, next_read);
      ASSERT_EQ(Octets(seen->bytes.begin(), seen->bytes.end()), octets(seen->bytes.size(), next_read));
      ++next_read;
    }
    reader->release();
  }
  EXPECT_EQ(reader->lost(Form::inner), 0U);
  EXPECT_GE(next_read, 19998U);
}

TEST_F(Ring, WhatFindsNoRoomIsCountedOfEachForm) {
  remake(400);
  engine::PacketId id = 0;
  for (; id < 10; ++id)
    put(*writer, id, octets(100, id), everything, id % 2 == 0 ? Form::inner : Form::outer);
  writer->publish();
  EXPECT_EQ(ids_of(*reader), (std::vector<engine::PacketId>{0, 1}));
  EXPECT_EQ(reader->lost(Form::inner), 4U);
  EXPECT_EQ(reader->lost(Form::outer), 4U);
  put(*writer, 10, octets(100, 1));
  writer->publish();
  EXPECT_EQ(reader->lost(Form::inner), 5U) << "as long as nothing is released";
  reader->release();
  put(*writer, 11, octets(100, 1));
  writer->publish();
  EXPECT_EQ(ids_of(*reader), (std::vector<engine::PacketId>{11}));
  put(*writer, 12, octets(5000, 1));
  writer->publish();
  EXPECT_EQ(reader->lost(Form::inner), 6U) << "larger than the ring";
}

TEST_F(Ring, OnlyTheLastOneCanBeWithdrawn) {
  remake(400);
  put(*writer, 1, octets(100, 1));
  put(*writer, 2, octets(100, 2));
  writer->withdraw(1);
  writer->withdraw(2);
  put(*writer, 3, octets(100, 3));
  put(*writer, 4, octets(100, 4));  // has no room
  writer->withdraw(4);
  writer->publish();
  writer->withdraw(3);
  EXPECT_EQ(ids_of(*reader), (std::vector<engine::PacketId>{1, 3}));
  EXPECT_EQ(reader->lost(Form::inner), 0U) << "what is withdrawn is not missed either";
}

TEST_F(Ring, WithdrawnBehindTheEndTheRoomInFrontIsThereAgain) {
  remake(400);
  put(*writer, 1, octets(100, 1));
  put(*writer, 2, octets(100, 2));
  writer->publish();
  EXPECT_EQ(ids_of(*reader).size(), 2U);
  reader->release();
  put(*writer, 3, octets(100, 3));  // begins at offset 0
  writer->withdraw(3);
  put(*writer, 4, octets(40, 4));  // fits before the end
  writer->publish();
  EXPECT_EQ(ids_of(*reader), (std::vector<engine::PacketId>{4}));
}

TEST_F(Ring, AVerdictGoesToTheLastFormThatIsNotPublished) {
  remake(4096);
  put(*writer, 1, octets(60, 1), everything, Form::outer);
  put(*writer, 1, octets(40, 1), everything, Form::inner);
  put(*writer, 2, octets(60, 2), everything, Form::outer);
  writer->set_verdict(1, Verdict::tun_full);
  writer->set_verdict(2, Verdict::inner_malformed);
  writer->set_verdict(3, Verdict::loop);
  writer->publish();
  writer->set_verdict(1, Verdict::loop);
  std::vector<Verdict> verdicts;
  while (const auto seen = reader->next()) verdicts.push_back(seen->verdict);
  EXPECT_EQ(verdicts, (std::vector{Verdict::pass, Verdict::tun_full, Verdict::inner_malformed}));
}

TEST_F(Ring, WhereTheFormThatWasRefusedFoundNoRoomAnotherOneTellsOfIt) {
  remake(200);
  put(*writer, 1, octets(100, 1), everything, Form::outer);
  put(*writer, 1, octets(100, 1), everything, Form::inner);
  writer->set_verdict(1, Verdict::tun_full);
  writer->publish();
  const auto seen = reader->next();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->form, Form::outer);
  EXPECT_EQ(seen->verdict, Verdict::tun_full);
  EXPECT_EQ(reader->lost(Form::inner), 1U);
}

TEST_F(Ring, AHostilePositionLeadsTheWriterNowhere) {
  std::mt19937_64 random{4711};
  for (std::size_t round = 0; round < 200; ++round) {
    remake(600 + round);
    for (engine::PacketId id = 0; id < 50; ++id) {
      const std::array<std::uint64_t, 6> positions{0,
                                                   ~std::uint64_t{0},
                                                   random(),
                                                   random() % 2000,
                                                   memory->state().written.load() + random() % 1000,
                                                   memory->state().written.load() - random() % 1000};
      memory->state().read.store(positions[random() % positions.size()]);
      put(*writer, id, octets(random() % 200, id));
      if (random() % 4 == 0) writer->withdraw(id);
      if (random() % 4 == 0) writer->set_verdict(id, Verdict::loop);
      if (random() % 2 == 0) writer->publish();
    }
  }
}

TEST_F(Ring, HostileContentsLeadNobodyOut) {
  std::mt19937_64 random{4711};
  for (int round = 0; round < 2000; ++round) {
    remake(600);
    for (engine::PacketId id = 0; id < 4; ++id) put(*writer, id, octets(random() % 100, id));
    if (round % 2 == 0) writer->publish();
    for (std::uint64_t flips = random() % 20; flips > 0; --flips) {
      memory->packets()[random() % memory->packets().size()] = static_cast<std::uint8_t>(random());
    }
    writer->set_verdict(random() % 4, Verdict::loop);  // the reader may change unpublished bytes, too
    writer->publish();
    if (round % 5 == 0) memory->state().written.store(random());
    std::size_t count = 0;
    while (const auto seen = reader->next()) {
      ASSERT_LT(seen->verdict, Verdict::count_);
      ASSERT_LE(seen->bytes.size(), seen->length);
      ASSERT_TRUE(seen->form == Form::inner || seen->form == Form::outer);
      ASSERT_LE(std::count(seen->bytes.begin(), seen->bytes.end(), std::uint8_t{0}), 600) << "reads them all";
      ASSERT_LT(++count, 100U);
    }
    reader->release();
  }
}

TEST_F(Ring, APositionInFrontOfTheWriterIsNoRoom) {
  remake(600);
  memory->state().read.store(1);
  put(*writer, 1, octets(100, 1));
  writer->publish();
  EXPECT_EQ(reader->lost(Form::inner), 1U);
}

TEST_F(Ring, APacketThatWouldEndBehindTheRingIsNone) {
  for (const std::uint32_t size : {608U, 1200U, 0xfffffff8U}) {
    remake(600);
    put(*writer, 1, octets(100, 1));
    writer->publish();
    const std::array<std::uint32_t, 3> head{size, size - 32,
                                            size};  // size with the head, kept bytes, length of the packet
    std::memcpy(memory->packets().data(), head.data(), sizeof head);
    memory->state().written.store(600);
    EXPECT_FALSE(reader->next()) << size;
  }
}

TEST_F(Ring, MoreThanTheRingHoldsIsNotRead) {
  remake(600);
  put(*writer, 1, octets(100, 1));
  writer->publish();
  memory->state().written.store(100 * 600);
  EXPECT_FALSE(reader->next());
}

TEST_F(Ring, AnotherVersionIsToldFromThisOne) {
  remake(600);
  memory->state().layout.store(1);
  EXPECT_THROW(RingReader{memory->bytes()}, std::runtime_error);
  alignas(64) std::array<std::uint8_t, 16> small{};
  EXPECT_THROW(RingReader{small}, std::runtime_error);
}

TEST_F(Ring, AReaderBesideTheWriterMissesNothingThatIsNotCounted) {
  remake(20000);
  constexpr engine::PacketId count = 100000;
  std::atomic<bool> done = false;
  std::jthread worker{[&] {
    for (engine::PacketId id = 0; id < count; ++id) {
      put(*writer, id, octets(id % 200, id));
      if (id % 16 == 0) writer->publish();
    }
    writer->publish();
    done = true;
  }};
  std::uint64_t read = 0;
  engine::PacketId former = 0;
  for (bool last = false; !last;) {
    last = done;
    while (const auto seen = reader->next()) {
      ASSERT_TRUE(read == 0 || seen->id > former);
      former = seen->id;
      ASSERT_EQ(Octets(seen->bytes.begin(), seen->bytes.end()), octets(seen->id % 200, seen->id));
      ++read;
    }
    reader->release();
  }
  EXPECT_EQ(read + reader->lost(Form::inner), count);
}

TEST_F(Ring, ATapTellsBothFormsAndTheirVerdicts) {
  memory = std::make_unique<Memory>(sizeof(RingState) + 8192);
  const auto tap = std::make_unique<LiveTap>(memory->bytes(), 96U);
  reader.emplace(memory->bytes());
  const engine::Time now{std::chrono::seconds{7}};
  const Octets packet = octets(200, 1);
  const wire::Bytes part = packet;
  tap->begin(now);
  tap->from_tun(1, packet);
  tap->refused(1, Verdict::too_big);
  tap->answered(3, packet);
  tap->from_tun(5, packet);
  tap->to_wire(5, {&part, 1}, Verdict::pass);
  tap->from_wire(2, packet);
  tap->withdrawn(2);
  tap->from_wire(4, packet);
  tap->to_tun(4, packet);
  tap->refused(4, Verdict::tun_full);
  EXPECT_FALSE(reader->next()) << "all of a turn at once";
  tap->end();
  struct Expected {
    engine::PacketId id;
    Form form;
    Direction direction;
    Verdict verdict;
  };
  for (const Expected& expected : {Expected{1, Form::inner, Direction::out, Verdict::too_big},
                                   {3, Form::inner, Direction::in, Verdict::pass},
                                   {5, Form::inner, Direction::out, Verdict::pass},
                                   {5, Form::outer, Direction::out, Verdict::pass},
                                   {4, Form::outer, Direction::in, Verdict::pass},
                                   {4, Form::inner, Direction::in, Verdict::tun_full}}) {
    const auto seen = reader->next();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->id, expected.id);
    EXPECT_EQ(seen->time, now);
    EXPECT_EQ(seen->form, expected.form) << seen->id;
    EXPECT_EQ(seen->direction, expected.direction) << seen->id;
    EXPECT_EQ(seen->verdict, expected.verdict) << seen->id;
    EXPECT_EQ(seen->length, 200U);
    EXPECT_EQ(seen->bytes.size(), 96U);
  }
  EXPECT_FALSE(reader->next());
}

}  // namespace
}  // namespace sixin4::capture
