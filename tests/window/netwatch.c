/* netwatch.c - preloaded by the tests of the window: writes down every look-up of a name and every internet socket.
 * The log ($FETTLE_NETWATCH_LOG) is opened when a process starts, before its walls close. A process that may not open it
 * aborts on the first attempt, so that none goes unseen. Build: cc -shared -fPIC -O1 -o netwatch.so netwatch.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int out = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FETTLE_NETWATCH_LOG");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) { out = fcntl(fd, F_DUPFD_CLOEXEC, 700); close(fd); }
}
static void log_call(const char *what, const char *name) {
    char line[400], own[64] = "?"; int n, f = open("/proc/self/comm", O_RDONLY);
    if (f >= 0) { n = read(f, own, sizeof own - 1); own[n > 0 ? n - 1 : 0] = 0; close(f); }
    n = snprintf(line, sizeof line, "%s %s (%d %s)\n", what, name ? name : "", (int)getpid(), own);
    if (out < 0 || write(out, line, n) != n) abort();
}
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
    log_call("getaddrinfo", node);
    return real(node, service, hints, res);
}
struct hostent *gethostbyname(const char *name) {
    static struct hostent *(*real)(const char *);
    if (!real) real = dlsym(RTLD_NEXT, "gethostbyname");
    log_call("gethostbyname", name);
    return real(name);
}
int socket(int domain, int type, int protocol) {
    static int (*real)(int, int, int);
    if (!real) real = dlsym(RTLD_NEXT, "socket");
    if (domain == AF_INET || domain == AF_INET6) log_call("socket", domain == AF_INET ? "inet" : "inet6");
    return real(domain, type, protocol);
}
int connect(int fd, const struct sockaddr *to, socklen_t size) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real) real = dlsym(RTLD_NEXT, "connect");
    if (to && (to->sa_family == AF_INET || to->sa_family == AF_INET6)) log_call("connect", "");
    return real(fd, to, size);
}
int listen(int fd, int backlog) {
    static int (*real)(int, int);
    struct sockaddr_storage at; socklen_t size = sizeof at;
    if (!real) real = dlsym(RTLD_NEXT, "listen");
    if (!getsockname(fd, (struct sockaddr *)&at, &size) && (at.ss_family == AF_INET || at.ss_family == AF_INET6))
        log_call("listen", "");
    return real(fd, backlog);
}
