/*
 * The administrator's list of programs that may see protected windows because they draw the screen (compositors).
 * Reading the text is pure; opening the file is not, and refuses one that others than root could have written.
 */
#ifndef SHIELD_LIST_H
#define SHIELD_LIST_H

#include <stddef.h>

enum { LIST_MAX = 32, LIST_PATH = 256, LIST_BYTES = 16384 };

typedef struct {
    char path[LIST_PATH];
    int in_place; /* it draws every window where it lies and nowhere else */
} ListEntry;

typedef struct {
    ListEntry entries[LIST_MAX];
    int count;
    int bad_line; /* the first line that was not understood, 0 if none */
} List;

/*
 * One program a line: `compositor /usr/bin/picom`, or `compositor /usr/bin/xcompmgr in-place`; `#` begins a comment.
 * A line that is not understood lets nobody in: it is left out and named in `bad_line`.
 */
void list_parse(const char *text, size_t length, List *list);

/* The place of `path` in the list, -1 if it is not there. Paths are compared byte by byte. */
int list_find(const List *list, const char *path);

/* May this file be believed? Only a plain file of root that neither group nor others may write. */
int list_believable(unsigned owner, unsigned mode);

/* Reads and parses `path`. Answers NULL, or why the list stays empty. */
const char *list_load(const char *path, List *list);

#endif
