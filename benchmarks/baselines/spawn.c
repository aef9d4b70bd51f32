/* The bare price of a launch: posix_spawn a program, read its stdout until the line READY.
   Nothing of the harness is in it, so the difference to the harness is the harness's own cost.

       spawn PROGRAM [ARGUMENT ...]

   launches it twice, to have its own code in the caches as a long-running harness has, and prints
   the nanoseconds from just before the second spawn to the read that brought READY. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Nanoseconds to READY; -1 when it did not come. */
static long long launch(char **argv) {
    int out[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char text[4096];
    size_t length = 0;
    long long elapsed = -1;
    if (pipe2(out, O_CLOEXEC) != 0) {
        return -1;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    long long started = now_ns();
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0) {
        return -1;
    }
    close(out[1]);
    while (length < sizeof text - 1) {
        ssize_t got = read(out[0], text + length, sizeof text - 1 - length);
        long long at = now_ns();
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
        text[length] = '\0';
        if (strncmp(text, "READY\n", 6) == 0 || strstr(text, "\nREADY\n") != NULL) {
            elapsed = at - started;
            break;
        }
    }
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    close(out[0]);
    posix_spawn_file_actions_destroy(&actions);
    return elapsed;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("usage: spawn PROGRAM [ARGUMENT ...]\n", stderr);
        return 2;
    }
    launch(argv + 1);
    long long elapsed = launch(argv + 1);
    if (elapsed < 0) {
        fputs("no READY\n", stderr);
        return 1;
    }
    printf("%lld\n", elapsed);
    return 0;
}
