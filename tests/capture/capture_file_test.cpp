// Capture files: the blocks of each packet, and rotation.
#include "sixin4/capture/capture_file.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "../wire/pcapng_reader.hpp"

namespace sixin4::capture {
namespace {

namespace fs = std::filesystem;
using engine::Verdict;
using test::blocks_of;
using test::Octets;

class CaptureFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sixin4-capture-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{directory_}) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] Octets contents(const std::string& name) const {
    std::ifstream file{path(name), std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static CaptureHead head(std::uint32_t snap_length = 65535) {
    return {.application = "sixin4 1",
            .operating_system = "Linux",
            .interface = "he6",
            .filter = "ip6",
            .snap_length = snap_length};
  }

  fs::path directory_;
  const engine::Time now_ = engine::Time::clock::now();
};

/// `text` equals `pattern`, in which # stands for any digit.
bool is_like(const std::string& text, const std::string& pattern) {
  return std::ranges::equal(text, pattern, [](char left, char right) {
    return right == '#' ? left >= '0' && left <= '9' : left == right;
  });
}

std::uint64_t system_now() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds{std::chrono::system_clock::now().time_since_epoch()}.count());
}

SeenPacket seen(engine::PacketId id, Form form, wire::Bytes bytes, Verdict verdict = Verdict::pass) {
  return {.id = id,
          .time = engine::Time::clock::now(),
          .form = form,
          .direction = form == Form::inner ? engine::Direction::out : engine::Direction::in,
          .verdict = verdict,
          .length = static_cast<std::uint32_t>(bytes.size()),
          .bytes = bytes};
}

TEST_F(CaptureFileTest, HasTwoInterfacesPacketsAndStatistics) {
  const Octets inner(60, 0x60);
  const Octets outer(80, 0x45);
  const std::uint64_t before = system_now();
  {
    CaptureFile file{path("a.pcapng"), head(), {}, now_};
    file.write(seen(4, Form::inner, inner));
    file.write(seen(4, Form::outer, outer, Verdict::outer_source_mismatch));
    file.finish({.received = 5, .missed = 4, .delivered = 1}, {.received = 1, .delivered = 1});
  }
  const auto blocks = blocks_of(contents("a.pcapng"));
  ASSERT_EQ(blocks.size(), 7U);
  EXPECT_EQ(blocks[0].options.at(4), "sixin4 1");
  EXPECT_EQ(blocks[1].options.at(2), "he6 (inner)");
  EXPECT_EQ(blocks[2].options.at(2), "he6 (outer)");
  EXPECT_EQ(blocks[2].options.at(11).substr(1), "ip6");
  const auto& first = blocks[3];
  const auto& second = blocks[4];
  EXPECT_EQ(test::native<std::uint32_t>(first.body), 0U);
  EXPECT_EQ(test::native<std::uint32_t>(second.body), 1U);
  EXPECT_GE(test::time_at(first.body, 4) + 1'000'000, before) << "the time of day";
  EXPECT_LE(test::time_at(second.body, 4), system_now() + 1'000'000);
  EXPECT_EQ(first.options.at(5), second.options.at(5));
  EXPECT_EQ(first.options.at(2).front(), 2) << "out";
  EXPECT_EQ(second.options.at(2).front(), 1) << "in";
  EXPECT_FALSE(first.options.contains(1));
  EXPECT_EQ(second.options.at(1), "drop: outer-source-mismatch");
  EXPECT_EQ(blocks[5].type, 5U);
  EXPECT_EQ(test::native<std::uint32_t>(blocks[6].body), 1U);
  EXPECT_EQ(blocks[5].options.at(5).front(), 4) << "missed";
}

TEST_F(CaptureFileTest, ASnapLengthCuts) {
  {
    CaptureFile file{path("a.pcapng"), head(50), {}, now_};
    file.write(seen(4, Form::inner, Octets(60, 0x60)));
    file.flush();
  }
  const auto packet = blocks_of(contents("a.pcapng")).back();
  EXPECT_EQ(test::native<std::uint32_t>(packet.body, 12), 50U);
  EXPECT_EQ(test::native<std::uint32_t>(packet.body, 16), 60U);
}

TEST_F(CaptureFileTest, OneFormHasOneInterfaceWhichLibpcapReads) {
  for (const Form form : {Form::inner, Form::outer}) {
    CaptureHead of_form = head();
    of_form.form = form;
    {
      CaptureFile file{path("a.pcapng"), of_form, {}, now_};
      for (int i = 0; i < 10; ++i) file.write(seen(4, form, Octets(60, 0x60)));
      file.finish({}, {});
    }
    EXPECT_EQ(test::read_by_libpcap(contents("a.pcapng")).size(), 10U);
    const auto blocks = blocks_of(contents("a.pcapng"));
    EXPECT_EQ(blocks[1].options.at(2), form == Form::inner ? "he6 (inner)" : "he6 (outer)");
    EXPECT_EQ(blocks.size(), 2U + 10 + 1);
  }
}

TEST_F(CaptureFileTest, TheOtherInterfaceComesWithItsFirstPacket) {
  CaptureHead of_form = head();
  of_form.form = Form::outer;
  {
    CaptureFile file{path("a.pcapng"), of_form, {}, now_};
    file.write(seen(4, Form::outer, Octets(60, 0x45)));
    file.write(seen(6, Form::inner, Octets(60, 0x60), Verdict::too_big));
    file.write(seen(8, Form::inner, Octets(60, 0x60), Verdict::too_big));
    file.finish({.received = 2}, {.received = 1});
  }
  const auto blocks = blocks_of(contents("a.pcapng"));
  ASSERT_EQ(blocks.size(), 8U);
  EXPECT_EQ(blocks[1].options.at(2), "he6 (outer)");
  EXPECT_EQ(test::native<std::uint32_t>(blocks[2].body), 0U);
  EXPECT_EQ(blocks[3].options.at(2), "he6 (inner)");
  EXPECT_EQ(test::native<std::uint32_t>(blocks[4].body), 1U);
  EXPECT_EQ(blocks[5].type, 6U);
  EXPECT_EQ(blocks[6].options.at(4).front(), 2) << "statistics of the inner one";
  EXPECT_EQ(test::native<std::uint32_t>(blocks[6].body), 1U);
}

TEST_F(CaptureFileTest, ARingKeepsTheLastFilesUnderDumpcapsNames) {
  {
    CaptureFile file{path("ring.pcapng"), head(), {.files = 3, .kilobytes = 2}, now_};
    for (int i = 0; i < 45; ++i) {
      if (file.is_full()) {
        file.finish({}, {});
        file.begin_next();
      }
      file.write(seen(4, Form::inner, Octets(500, 0x60)));
    }
    file.finish({}, {});
  }
  const auto names = files();
  ASSERT_EQ(names.size(), 3U);
  for (const std::string& name : names) {
    EXPECT_TRUE(is_like(name, "ring_000##_20############.pcapng")) << name;
    const auto blocks = blocks_of(contents(name));
    EXPECT_EQ(blocks.front().type, 0x0a0d0d0aU) << "each is a file of its own";
    EXPECT_EQ(blocks.back().type, 5U);
    EXPECT_GE(contents(name).size(), name == names.back() ? 500U : 2000U);
    EXPECT_LT(contents(name).size(), 3500U);
  }
  EXPECT_GT(names.front().substr(5, 5), "00005");
}

TEST_F(CaptureFileTest, WithoutANumberOfFilesAllAreKept) {
  {
    CaptureFile file{path("ring"), head(), {.kilobytes = 1}, now_};
    for (int i = 0; i < 3; ++i) {
      file.write(seen(4, Form::inner, Octets(1000, 0x60)));
      EXPECT_TRUE(file.is_full());
      file.finish({}, {});
      file.begin_next();
      EXPECT_FALSE(file.is_full());
    }
  }
  EXPECT_EQ(files().size(), 4U);
  EXPECT_TRUE(is_like(files().front(), "ring_00001_##############")) << "without an extension";
}

TEST_F(CaptureFileTest, AFileThatCannotBeWrittenIsNamed) {
  try {
    const CaptureFile file{path("no/such/directory"), head(), {}, now_};
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_NE(std::string{error.what()}.find(path("no/such/directory")), std::string::npos);
  }
  EXPECT_THROW((CaptureFile{"/dev/full", head(), {}, now_}), std::system_error);
}

}  // namespace
}  // namespace sixin4::capture
