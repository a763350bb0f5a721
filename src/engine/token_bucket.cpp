#include "sixin4/engine/token_bucket.hpp"

#include <algorithm>

namespace sixin4::engine {

bool TokenBucket::take(Time now) noexcept {
  if (!last_) last_ = now;
  if (now > *last_) {
    filled_ = std::min(burst_, filled_ + (now - *last_));
    last_ = now;
  }
  if (filled_ < interval_) return false;
  filled_ -= interval_;
  return true;
}

}  // namespace sixin4::engine
