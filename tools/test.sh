#!/usr/bin/env bash
# Builds sixin4 and runs the tests under AddressSanitizer and UndefinedBehaviorSanitizer. Then runs the tests of the
# whole program again, without sanitizers.
#   tools/test.sh           about 15 minutes on two processors
#   tools/test.sh --long    all tests with and without these sanitizers, most of them under ThreadSanitizer too; each
#                           fuzz target for a minute; clang-format and clang-tidy; builds of every type with both
#                           compilers
# Tests that send packets make network namespaces of their own: they need root, or a kernel that lets users make
# user namespaces. A test that cannot run is reported as skipped, with the reason in its output.
set -euo pipefail
cd "$(dirname "$0")/.."

long=
case ${1:-} in
  '') ;;
  --long) long=1 ;;
  *) echo "test.sh: give nothing or --long, not '$1'" >&2; exit 1 ;;
esac

tools/install-deps.sh test
if [[ ! -c /dev/net/tun ]]; then
  echo "test.sh: there is no /dev/net/tun; tests that need a tunnel will be skipped" >&2
elif [[ $(id -u) != 0 ]] && ! unshare --user --map-root-user --net true 2>/dev/null; then
  echo "test.sh: neither root nor allowed to make user namespaces; tests that need a network will be skipped" >&2
fi

targets=(--target all)
selection=() # options of ctest that select the tests

# build_and_test DIRECTORY CMAKE_OPTION…
build_and_test() {
  local directory=$1
  shift
  echo "== $directory $*"
  cmake -S . -B "$directory" -G Ninja -DSIXIN4_WERROR=ON -DSIXIN4_TESTS=ON "$@" >/dev/null
  cmake --build "$directory" "${targets[@]}"
  ctest --test-dir "$directory" --output-on-failure --parallel "$((2 * $(nproc)))" "${selection[@]}"
}

# build_only DIRECTORY CMAKE_OPTION…: without tests, whose options are the same in every build type
build_only() {
  local directory=$1
  shift
  echo "== build only: $directory $*"
  cmake -S . -B "$directory" -G Ninja -DSIXIN4_WERROR=ON -DSIXIN4_TESTS=OFF -DSIXIN4_BENCH=ON "$@" >/dev/null
  cmake --build "$directory"
  "$directory/tools/sixin4" --version
  rm -rf "$directory"
}

# Builds every build type, and with Debian's hardening flags and link time optimisation, with both compilers.
build_everywhere() {
  local compiler type flags linker_flags
  flags=$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get CXXFLAGS)
  flags+=" $(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get CPPFLAGS)"
  linker_flags=$(DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get LDFLAGS)
  for compiler in g++ clang++; do
    for type in Debug Release RelWithDebInfo MinSizeRel; do
      build_only "build/$compiler-$type" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type"
    done
    build_only "build/$compiler-hardened" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None -DSIXIN4_TESTS=ON \
      -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_EXE_LINKER_FLAGS="$linker_flags"
    build_only "build/$compiler-lto" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
  done
}

if [[ -n $long ]]; then
  echo "== clang-format, clang-tidy"
  git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run --Werror
  # Commands of clang, because clang-tidy reads neither g++'s precompiled headers nor all of its warning options.
  cmake -S . -B build/tidy -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DSIXIN4_TESTS=OFF -DSIXIN4_BENCH=OFF >/dev/null
  git ls-files 'src/*.cpp' 'tools/*.cpp' | xargs -P "$(nproc)" -n 1 clang-tidy -p build/tidy --quiet
  # `sixin4 bench` enters mount namespaces, which setns(2) refuses to a process with several threads. ThreadSanitizer
  # starts a thread of its own.
  selection=(--exclude-regex '^(uml|selftests)[.]|^testbed[.]bed$')
  build_and_test build/thread -DSIXIN4_BENCH=OFF -DSIXIN4_SANITIZE=thread
  selection=()
  build_everywhere
  echo "== fuzz"
  cmake -S . -B build/fuzz -G Ninja -DSIXIN4_WERROR=ON -DCMAKE_CXX_COMPILER=clang++ -DSIXIN4_TESTS=ON -DSIXIN4_BENCH=OFF -DSIXIN4_FUZZ=ON \
    -DSIXIN4_SANITIZE=address,undefined >/dev/null
  cmake --build build/fuzz --target fuzz
  for target in outbound inbound source icmp configuration pcapng pcapng_parser decode; do
    mkdir -p "build/fuzz/found/$target"
    build/fuzz/tests/fuzz_$target -max_total_time=60 -max_len=4096 -timeout=10 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/found/$target-" "build/fuzz/found/$target" "tests/fuzz/corpus/$target" 2>&1 |
      tail -n 12
  done
fi

# Without --long the slow tests, which boot or download a kernel, run only in the build without sanitizers.
[[ -n $long ]] || selection=(--exclude-regex '^(uml|selftests)[.]')
# With clang++, because it is quicker than g++ with sanitizers.
build_and_test build/sanitize -DSIXIN4_BENCH=OFF -DSIXIN4_SANITIZE=address,undefined -DCMAKE_CXX_COMPILER=clang++
selection=()
[[ -n $long ]] || targets=(--target program_tests) selection=(--label-regex '^program$')
build_and_test build -DSIXIN4_BENCH=ON
