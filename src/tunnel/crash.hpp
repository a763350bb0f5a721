// What is to be done when the program dies of a mistake of its own.
#pragma once

namespace sixin4::tunnel {

/// Runs in a copy of the program as it was (fork(2)), which has one thread and some seconds. `signal` is what
/// the program dies of.
using LastWords = void (*)(int signal);

/// From now on, whatever thread it is that dies: of SIGSEGV, SIGBUS, SIGILL, SIGFPE or SIGABRT. The program
/// dies all the same, with its core dump where one is wanted.
void on_crash(LastWords last_words);

}  // namespace sixin4::tunnel
