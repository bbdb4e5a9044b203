/* What a machine can do to a process, done by environment variables that are read at each call:

     FAULT_ROOT      a folder; only files below it are touched
     FAULT_COUNT     a file of 8 bytes: how many times something below FAULT_ROOT was written, over all processes
     FAULT_WRITE     the number of the write that fails, and all after it: the disk is full
     FAULT_READ      a file's name, as the process says it; reading it fails after its first FAULT_AFTER bytes
     FAULT_CLOCK     every look at the clock shows an earlier time than the one before

   Built and loaded with LD_PRELOAD by machine.py. Not seen: what the C library writes for itself (`fwrite`). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

static int below_root(const char *path) {
    const char *root = getenv("FAULT_ROOT");
    char whole[PATH_MAX];
    if (!root || !path) return 0;
    if (path[0] != '/') {
        if (!getcwd(whole, sizeof whole)) return 0;
        size_t used = strlen(whole);
        snprintf(whole + used, sizeof whole - used, "/%s", path);
        path = whole;
    }
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && path[length] == '/';
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return path[0] == '/'; /* not a pipe or a socket */
}

/* Whether this write is one that fails; counts it. */
static int disk_is_full(void) {
    static _Atomic uint64_t *count;
    const char *name = getenv("FAULT_COUNT"), *limit = getenv("FAULT_WRITE");
    if (!name) return 0;
    if (!count) {
        int fd = REAL(open)(name, O_RDWR);
        if (fd < 0) return 0;
        void *place = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (place == MAP_FAILED) return 0;
        count = place;
    }
    uint64_t number = atomic_fetch_add(count, 1) + 1;
    if (!limit || number < strtoull(limit, NULL, 10)) return 0;
    errno = ENOSPC;
    return 1;
}

static int full_for(int fd) {
    char path[PATH_MAX];
    return getenv("FAULT_ROOT") && path_of(fd, path) && below_root(path) && disk_is_full();
}

static int full_for_path(const char *path) { return getenv("FAULT_ROOT") && below_root(path) && disk_is_full(); }

/* How many bytes may still be read of a file that is broken; -1: all. */
static ssize_t readable(int fd, off_t at, size_t wanted) {
    const char *broken = getenv("FAULT_READ"), *after = getenv("FAULT_AFTER");
    char path[PATH_MAX];
    if (!broken || !path_of(fd, path)) return -1;
    size_t length = strlen(path), tail = strlen(broken);
    if (length < tail || strcmp(path + length - tail, broken)) return -1;
    off_t limit = after ? strtoll(after, NULL, 10) : 0;
    if (at < 0) at = lseek(fd, 0, SEEK_CUR);
    if (at >= limit) { errno = EIO; return 0; }
    return at + (off_t)wanted > limit ? (ssize_t)(limit - at) : -1;
}

ssize_t write(int fd, const void *bytes, size_t size) { return full_for(fd) ? -1 : REAL(write)(fd, bytes, size); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return full_for(fd) ? -1 : REAL(writev)(fd, parts, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    return full_for(fd) ? -1 : REAL(pwrite)(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) { return pwrite(fd, bytes, size, at); }
int fsync(int fd) { return full_for(fd) ? -1 : REAL(fsync)(fd); }
int ftruncate(int fd, off_t size) { return full_for(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
int mkdir(const char *path, mode_t mode) { return full_for_path(path) ? -1 : REAL(mkdir)(path, mode); }
int rename(const char *from, const char *to) { return full_for_path(to) ? -1 : REAL(rename)(from, to); }
ssize_t sendfile(int out, int in, off_t *at, size_t size);
ssize_t sendfile64(int out, int in, off_t *at, size_t size) {
    return full_for(out) ? -1 : REAL(sendfile64)(out, in, at, size);
}
ssize_t sendfile(int out, int in, off_t *at, size_t size) { return full_for(out) ? -1 : REAL(sendfile)(out, in, at, size); }

/* Opening for writing takes room for a name, too. */
int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return (flags & O_CREAT) && full_for_path(path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return (flags & O_CREAT) && full_for_path(path) ? -1 : REAL(open64)(path, flags, mode);
}

ssize_t read(int fd, void *bytes, size_t size) {
    ssize_t left = readable(fd, -1, size);
    return left == 0 ? -1 : REAL(read)(fd, bytes, left < 0 ? size : (size_t)left);
}
ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
    ssize_t left = readable(fd, at, size);
    return left == 0 ? -1 : REAL(pread)(fd, bytes, left < 0 ? size : (size_t)left, at);
}
ssize_t pread64(int fd, void *bytes, size_t size, off_t at) { return pread(fd, bytes, size, at); }
/* A real disk would answer with a signal once the page is touched. */
void *mmap(void *where, size_t size, int rights, int flags, int fd, off_t at) {
    if (fd >= 0 && readable(fd, at, size) >= 0) { errno = EIO; return MAP_FAILED; }
    return REAL(mmap)(where, size, rights, flags, fd, at);
}
void *mmap64(void *where, size_t size, int rights, int flags, int fd, off_t at) {
    return mmap(where, size, rights, flags, fd, at);
}

static int earlier(clockid_t clock, struct timespec *now) {
    static _Atomic int64_t looks;
    int result = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME && getenv("FAULT_CLOCK")) now->tv_sec -= 10 * atomic_fetch_add(&looks, 1);
    return result;
}
int clock_gettime(clockid_t clock, struct timespec *now) { return earlier(clock, now); }
time_t time(time_t *place) {
    struct timespec now;
    earlier(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    earlier(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
