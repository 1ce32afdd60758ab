// Clocks that a test moves: preloaded into a process, it adds one offset to CLOCK_REALTIME, one to CLOCK_MONOTONIC, and
// nothing to any other.
//
// An offset is a number of nanoseconds, 8 bytes of this machine's order in the file that WINDLASS_TEST_CLOCK names. The
// file is mapped once; a test that writes to it moves the clock at once. The true time comes from the kernel by
// a plain system call: looking up the C library's own functions would allocate, and allocators ask for the time.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;
static _Atomic int64_t none[2];
static _Atomic int64_t *offsets = none;

// A process whose clock was to be moved and cannot be must not run with the true one.
__attribute__((constructor)) static void map(void)
{
    const char *path = getenv("WINDLASS_TEST_CLOCK");
    if (!path)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        _exit(125);
    close(file);
    offsets = mapped;
}

static struct timespec moved(struct timespec at, int64_t by)
{
    int64_t sum = at.tv_nsec + by % second;
    int64_t carry = sum < 0 ? -1 : sum / second;
    at.tv_sec += by / second + carry;
    at.tv_nsec = sum - carry * second;
    return at;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    long failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *at = moved(*at, offsets[0]);
    if (!failed && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
        *at = moved(*at, offsets[1]);
    return (int)failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
