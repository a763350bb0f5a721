#include "sixin4/capture/ring_memory.hpp"

#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sixin4/base/system_failure.hpp"

namespace sixin4::capture {

RingMemory::RingMemory(std::size_t size)
    : fd_(::memfd_create("sixin4-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!fd_ || ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) != 0 ||
      ::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    throw base::system_failure("cannot allocate memory for a capture");
  }
  map(size);
}

RingMemory::RingMemory(base::FileDescriptor descriptor) : fd_(std::move(descriptor)) {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0)
    throw base::system_failure("cannot get the size of the capture's memory");
  map(static_cast<std::size_t>(status.st_size));
}

void RingMemory::map(std::size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), 0);
  if (memory == MAP_FAILED) throw base::system_failure("cannot map the capture's memory");
  bytes_ = {static_cast<std::uint8_t*>(memory), size};
}

RingMemory::RingMemory(RingMemory&& other) noexcept
    : fd_(std::move(other.fd_)), bytes_(std::exchange(other.bytes_, {})) {}

RingMemory::~RingMemory() {
  if (!bytes_.empty()) (void)::munmap(bytes_.data(), bytes_.size());
}

base::FileDescriptor RingMemory::take_descriptor() noexcept {
  return std::move(fd_);
}

}  // namespace sixin4::capture
