// A last action when a bug crashes the program.
#pragma once

namespace sixin4::tunnel {

/// Runs in a forked copy of the crashed program. The copy has one thread, and five seconds before SIGALRM
/// ends it. `signal` is the signal of the crash.
using CrashAction = void (*)(int signal);

/// Installs handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, for all threads. After `action` the
/// program ends by the same signal, with a core dump if core dumps are enabled.
void on_crash(CrashAction action);

}  // namespace sixin4::tunnel
