/* gcc.exe for Wine: hands its words and its folder to spike/wine/compiler.py, which runs the
   cross compiler on the system beneath. As ar.exe, windres.exe and so on, it does the same for
   those: which tool is meant, its own file's name says.

   Sent: the token, the folder, this program's path, and each argument, with a zero byte behind each;
   then the bytes 1 and 0. Received: frames of a kind (1: stdout, 2: stderr, 0: the end), four bytes
   with a length, or at the end the exit code, and the data. */

#include <winsock2.h>
#include <windows.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_SERVER = 122, NO_ANSWER = 123, NO_RESPONSE_FILE = 125 };

/* Wine's own translation: it knows drives, short names and the spelling on the disk. */
typedef char *(CDECL *Translation)(const wchar_t *);
static Translation to_unix;
static SOCKET server;

static void put(const char *data, int length) {
    while (length > 0) {
        int sent = send(server, data, length, 0);
        if (sent <= 0)
            exit(NO_ANSWER);
        data += sent;
        length -= sent;
    }
}

/* Sends the first so many characters of a text as UTF-8; all of it and a zero for -1. */
static void put_text(const wchar_t *text, int count) {
    int size = WideCharToMultiByte(CP_UTF8, 0, text, count, NULL, 0, NULL, NULL);
    char *bytes = malloc(size + 1);
    WideCharToMultiByte(CP_UTF8, 0, text, count, bytes, size, NULL, NULL);
    put(bytes, size);
    free(bytes);
}

static int is_letter(wchar_t c) {
    return (c | 32) >= L'a' && (c | 32) <= L'z';
}

/* Where a path with a drive begins in a word such as -IC:\x; NULL for nowhere. */
static const wchar_t *drive_in(const wchar_t *word) {
    for (const wchar_t *at = word; *at; at++) {
        int is_drive = is_letter(*at) && at[1] == L':' && (at[2] == L'\\' || at[2] == L'/');
        if (is_drive && (at == word || word[0] == L'-' || !is_letter(at[-1])))
            return at;
    }
    return NULL;
}

static void put_word(const wchar_t *word) {
    const wchar_t *drive = drive_in(word);
    if (drive && to_unix) {
        wchar_t *path = _wcsdup(drive);
        for (wchar_t *at = path; *at; at++)
            if (*at == L'/')
                *at = L'\\';
        char *translated = to_unix(path);
        free(path);
        if (translated) {
            if (drive > word)
                put_text(word, (int)(drive - word));
            put(translated, (int)strlen(translated) + 1);
            return;
        }
    }
    put_text(word, -1);
}

/* A response file: words apart by blanks, quoted ones whole, a doubled backslash for one. */
static void put_response_file(const wchar_t *name) {
    FILE *file = _wfopen(name, L"rb");
    if (!file) {
        fprintf(stderr, "gcc.exe: there is no response file %ls\n", name);
        exit(NO_RESPONSE_FILE);
    }
    static char text[1 << 22];
    static wchar_t word[1 << 16];
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    for (char *at = text; *at;) {
        while (*at && strchr(" \t\r\n", *at))
            at++;
        if (!*at)
            break;
        char *start = at, *end = at;
        int quoted = 0;
        for (; *at && (quoted || !strchr(" \t\r\n", *at)); at++) {
            if (*at == '"')
                quoted = !quoted;
            else if (*at == '\\' && (at[1] == '\\' || at[1] == '"'))
                *end++ = *++at;
            else
                *end++ = *at;
        }
        if (*at)
            at++;
        *end = 0;
        MultiByteToWideChar(CP_UTF8, 0, start, -1, word, 1 << 16);
        put_word(word);
    }
}

static void take(unsigned char *data, int length) {
    for (int got = 0; got < length;) {
        int more = recv(server, (char *)data + got, length - got, 0);
        if (more <= 0)
            exit(NO_ANSWER);
        got += more;
    }
}

int main(void) {
    char port[16], token[128];
    WSADATA started;
    if (!GetEnvironmentVariableA("SPIKE_COMPILER_PORT", port, sizeof port) ||
        !GetEnvironmentVariableA("SPIKE_COMPILER_TOKEN", token, sizeof token)) {
        fprintf(stderr, "gcc.exe: nobody has told where the compiler is\n");
        return NO_SERVER;
    }
    to_unix = (Translation)(void *)GetProcAddress(GetModuleHandleA("kernel32"),
                                                  "wine_get_unix_file_name");
    WSAStartup(MAKEWORD(2, 2), &started);
    server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(server, (struct sockaddr *)&address, sizeof address)) {
        fprintf(stderr, "gcc.exe: the compiler does not answer\n");
        return NO_SERVER;
    }

    wchar_t folder[4096], self[4096];
    int count;
    GetCurrentDirectoryW(4096, folder);
    GetModuleFileNameW(NULL, self, 4096);
    wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &count);
    put(token, (int)strlen(token) + 1);
    put_word(folder);
    put_text(self, -1);
    for (int i = 1; i < count; i++) {
        if (words[i][0] == L'@')
            put_response_file(words[i] + 1);
        else
            put_word(words[i]);
    }
    put("\1", 2);

    for (;;) {
        unsigned char head[5];
        take(head, sizeof head);
        int length = head[1] | head[2] << 8 | head[3] << 16 | head[4] << 24;
        if (head[0] == 0)
            return length;
        unsigned char *data = malloc(length + 1);
        take(data, length);
        FILE *stream = head[0] == 1 ? stdout : stderr;
        fwrite(data, 1, length, stream);
        fflush(stream);
        free(data);
    }
}
