/* A machine that takes the CPU away at the worst moment: preloaded, it lets the parent sleep before
   its fork() returns, and says so by a file. Only in processes with a certain variable, if one is
   named. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

pid_t fork(void) {
    pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
    const char *only_with = getenv("SLOW_FORK_ONLY_WITH");
    const char *says = getenv("SLOW_FORK_SAYS");
    const struct timespec pause = {.tv_sec = 1};
    pid_t child = real();
    if (child > 0 && says != NULL && (only_with == NULL || getenv(only_with) != NULL)) {
        int file = open(says, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file >= 0) {
            close(file);
        }
        nanosleep(&pause, NULL);
    }
    return child;
}
