/* The floor: what launching any program costs here. Linked statically, so no loader runs.
   It follows the sidecar's protocol: BOOT, READY, SHUTDOWN, exit 0. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void say(const char *line, size_t length) {
    if (write(STDOUT_FILENO, line, length) != (ssize_t)length) {
        _exit(1);
    }
}
#define SAY(text) say(text, sizeof text - 1)

int main(void) {
    sigset_t stops;
    int received = 0;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGHUP);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    SAY("BOOT sidecar=floor version=1.0.0\nREADY\n");
    sigwait(&stops, &received);
    if (received == SIGINT) {
        SAY("SHUTDOWN reason=signal signal=SIGINT\n");
    } else if (received == SIGHUP) {
        SAY("SHUTDOWN reason=signal signal=SIGHUP\n");
    } else {
        SAY("SHUTDOWN reason=signal signal=SIGTERM\n");
    }
    return 0;
}
