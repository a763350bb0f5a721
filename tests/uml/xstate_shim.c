/*
 * Lets an older User Mode Linux, such as Debian's 6.1, run on a processor with AMX.
 *
 * Such a kernel sets the extended registers of its processes with a buffer of 2696 bytes, which
 * holds the components up to AVX-512 and PKRU. The host kernel requires the whole area of the
 * processor, about 11000 bytes with AMX, and answers EFAULT; the guest then panics in its first
 * process ("ptrace set fp regs failed"). This library replaces ptrace (LD_PRELOAD) and extends
 * the buffer; the additional components are marked as unused. A call with a buffer that is long
 * enough passes unchanged.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    features_offset = 512, /* the bit map of components in use, first word of the XSAVE header */
    features_in_buffer = 0x3ff /* x87 up to PKRU: the components that fit into the short buffer */
};

static _Alignas(64) unsigned char area[65536];

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    pid_t pid = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);

    if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE) {
        static size_t host_size; /* of the whole area; the same for all processes, so read once */
        if (host_size == 0) {
            struct iovec whole = {area, sizeof area};
            if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, address, &whole) == 0)
                host_size = whole.iov_len;
            memset(area, 0, sizeof area);
        }
        const struct iovec *request_buffer = data;
        if (request_buffer->iov_len < host_size) {
            uint64_t features;
            memcpy(area, request_buffer->iov_base, request_buffer->iov_len);
            memcpy(&features, area + features_offset, sizeof features);
            features &= features_in_buffer;
            memcpy(area + features_offset, &features, sizeof features);
            struct iovec whole = {area, host_size};
            return syscall(SYS_ptrace, request, pid, address, &whole);
        }
    }
    /* The libc function returns the word that a PEEK request reads, the system call stores it. UML
       uses PEEKUSER only. */
    long word = 0;
    int peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
    long result = syscall(SYS_ptrace, request, pid, address, peeks ? (void *)&word : data);
    return peeks && result == 0 ? word : result;
}
