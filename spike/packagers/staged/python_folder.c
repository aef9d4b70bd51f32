/* The program of a cpython-folder: becomes the Python beside it, which runs the sidecar.
 *
 * By execv: process id, signals, pipes and exit code are the sidecar's own. The recipe writes the
 * two constants. A shell script would need a shell, and could not be signed as a program.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char *const OPTIONS[] = {/* OPTIONS */};
static const char SCRIPT[] = "/* SCRIPT */";

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

static char *beside(const char *folder, const char *name) {
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        perror("sidecar");
        exit(NOT_EXECUTABLE);
    }
    return path;
}

int main(int argc, char **argv) {
    static char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0 && realpath((const char *)getauxval(AT_EXECFN), folder) == NULL) {
        perror("sidecar: cannot tell which file I am");
        return NOT_FOUND;
    }
    char *end = strrchr(folder, '/');
    if (end == NULL) {
        return NOT_FOUND;
    }
    *end = '\0';

    const char **words = calloc(OPTION_COUNT + (size_t)argc + 3, sizeof *words);
    if (words == NULL) {
        perror("sidecar");
        return NOT_EXECUTABLE;
    }
    int count = 0;
    words[count++] = beside(folder, "bin/python3");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        words[count++] = OPTIONS[i];
    }
    words[count++] = beside(folder, SCRIPT);
    for (int i = 1; i < argc; i++) {
        words[count++] = argv[i];
    }
    execv(words[0], (char *const *)words);
    fprintf(stderr, "sidecar: cannot start %s: %s\n", words[0], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
