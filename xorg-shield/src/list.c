/*
 * The administrator's list of compositors. Runs in the server when it starts (once per generation); bytes it does not
 * understand let nobody in.
 */
#include "list.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The next word of a line: its start goes to `word`, its length is answered; 0 at the end of the line. */
static size_t next_word(const char **cursor, const char *end, const char **word)
{
    const char *at = *cursor;

    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    *word = at;
    while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
        at++;
    *cursor = at;
    return (size_t) (at - *word);
}

static int is_word(const char *word, size_t length, const char *expected)
{
    return strlen(expected) == length && memcmp(word, expected, length) == 0;
}

/* Answers 0 for a line that is not understood. */
static int parse_line(const char *line, const char *end, List *list)
{
    const char *hash = memchr(line, '#', (size_t) (end - line));
    const char *word;
    size_t length;
    ListEntry *entry;

    if (hash)
        end = hash;
    length = next_word(&line, end, &word);
    if (length == 0)
        return 1;
    if (!is_word(word, length, "compositor") || list->count == LIST_MAX)
        return 0;
    length = next_word(&line, end, &word);
    if (length == 0 || length >= LIST_PATH || word[0] != '/' || memchr(word, '\0', length))
        return 0;
    entry = &list->entries[list->count];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->path, word, length);
    length = next_word(&line, end, &word);
    if (length) {
        if (!is_word(word, length, "in-place"))
            return 0;
        entry->in_place = 1;
    }
    if (next_word(&line, end, &word))
        return 0;
    list->count++;
    return 1;
}

void list_parse(const char *text, size_t length, List *list)
{
    const char *end = text + length;
    int number = 0;

    memset(list, 0, sizeof *list);
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t) (end - text));

        if (!stop)
            stop = end;
        number++;
        if (!parse_line(text, stop, list) && !list->bad_line)
            list->bad_line = number;
        text = stop < end ? stop + 1 : end;
    }
}

int list_find(const List *list, const char *path)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].path, path) == 0)
            return i;
    return -1;
}

int list_believable(unsigned owner, unsigned mode)
{
    return S_ISREG(mode) && owner == 0 && (mode & (S_IWGRP | S_IWOTH)) == 0;
}

const char *list_load(const char *path, List *list)
{
    char text[LIST_BYTES];
    size_t length = 0;
    struct stat about;
    const char *trouble = NULL;
    int fd;

    memset(list, 0, sizeof *list);
    /* O_NONBLOCK: a pipe in its place must not stop the server. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return "it cannot be opened";
    if (fstat(fd, &about) < 0 || !list_believable(about.st_uid, about.st_mode))
        trouble = "it must be a plain file of root that nobody else can write";
    while (!trouble) {
        ssize_t got = read(fd, text + length, sizeof text - length);

        if (got < 0)
            trouble = "it cannot be read";
        if (got <= 0)
            break;
        length += (size_t) got;
        if (length == sizeof text)
            trouble = "it is too long";
    }
    close(fd);
    if (!trouble)
        list_parse(text, length, list);
    return trouble;
}
