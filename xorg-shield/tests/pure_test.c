/*
 * Tests of the parts that need no server: blackening memory, the administrator's list, RECORD's requests. Built with the address and the
 * undefined-behaviour sanitizer, so that a byte too far ends the test. Prints what failed, and a count.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blank.h"
#include "list.h"
#include "ranges.h"

static int failed, passed;

#define CHECK(truth, ...)                                  \
    do {                                                   \
        if (truth) {                                       \
            passed++;                                      \
        } else {                                           \
            failed++;                                      \
            printf("%s:%d: ", __FILE__, __LINE__);         \
            printf(__VA_ARGS__);                           \
            putchar('\n');                                 \
        }                                                  \
    } while (0)

/* The same numbers in every run. */
static uint32_t seed = 1;

static int random_int(int from, int to)
{
    seed = seed * 1664525u + 1013904223u;
    return from + (int) ((seed >> 8) % (uint32_t) (to - from + 1));
}

static int bit_of(const BlankPicture *p, const unsigned char *bytes, int x, int y, int bit)
{
    size_t at = (size_t) x * (size_t) p->bits + (size_t) bit;
    unsigned char byte = bytes[(size_t) y * p->stride + at / 8];

    return byte >> (p->msb_first ? 7 - at % 8 : at % 8) & 1;
}

/* Every bit inside of the box is 0, every other one stayed. */
static void a_box_is_black_and_nothing_else_is_touched(void)
{
    static const int depths[] = { 1, 4, 8, 16, 24, 32 };

    for (int round = 0; round < 4000; round++) {
        BlankPicture p = {
            .width = random_int(1, 70),
            .height = random_int(1, 9),
            .bits = depths[random_int(0, 5)],
            .msb_first = random_int(0, 1),
        };
        BlankBox box = { random_int(-20, 80), random_int(-5, 12), random_int(-20, 80), random_int(-5, 12) };
        unsigned char *bytes;
        int wrong = 0;

        p.stride = ((size_t) p.width * (size_t) p.bits + 31) / 32 * 4;
        bytes = malloc(p.stride * (size_t) p.height);
        memset(bytes, 0xff, p.stride * (size_t) p.height);
        p.bytes = bytes;
        blank_box(&p, box);
        for (int y = 0; y < p.height; y++)
            for (int x = 0; x < (int) (p.stride * 8 / (size_t) p.bits); x++) {
                int inside = x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2 && x < p.width;

                for (int bit = 0; bit < p.bits; bit++)
                    wrong += bit_of(&p, bytes, x, y, bit) == inside;
            }
        CHECK(wrong == 0, "round %d: %d bits of %dx%dx%d are wrong", round, wrong, p.width, p.height, p.bits);
        free(bytes);
    }
}

static void boxes_without_end_are_cut(void)
{
    unsigned char bytes[16];
    BlankPicture p = { bytes, 8, 2, 2, 32, 0 };

    memset(bytes, 0xff, sizeof bytes);
    blank_box(&p, (BlankBox) { INT_MIN, INT_MIN, INT_MAX, INT_MAX });
    for (size_t i = 0; i < sizeof bytes; i++)
        CHECK(bytes[i] == 0, "byte %zu stayed", i);
    memset(bytes, 0xff, sizeof bytes);
    blank_box(&p, (BlankBox) { INT_MAX, INT_MAX, INT_MIN, INT_MIN });
    blank_box(&p, (BlankBox) { 1, 1, 1, 2 });
    for (size_t i = 0; i < sizeof bytes; i++)
        CHECK(bytes[i] == 0xff, "byte %zu went though the box is empty", i);
}

static List parsed(const char *text)
{
    /* Exactly as long as the text: a byte read beyond it is seen. */
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);
    List list;

    memcpy(copy, text, length);
    list_parse(copy, length, &list);
    free(copy);
    return list;
}

static void the_list_is_read(void)
{
    List l = parsed("# who draws\n\n  compositor\t/usr/bin/picom  # ours\r\ncompositor /usr/bin/xcompmgr in-place");

    CHECK(l.count == 2 && l.bad_line == 0, "%d entries, line %d is bad", l.count, l.bad_line);
    CHECK(list_find(&l, "/usr/bin/picom") == 0 && !l.entries[0].in_place, "picom is the first and not in place");
    CHECK(list_find(&l, "/usr/bin/xcompmgr") == 1 && l.entries[1].in_place, "xcompmgr is the second and in place");
    CHECK(list_find(&l, "/usr/bin/pico") == -1, "half a path is no path");
    CHECK(list_find(&l, "/usr/bin/picom (deleted)") == -1, "a program that was replaced is not the one of the list");
    CHECK(list_find(&l, "") == -1, "nothing is not in the list");
}

static void a_line_not_understood_lets_nobody_in(void)
{
    static const char *const bad[] = {
        "compositor",         "compositor picom",         "compositor /a in-plac",     "compositor /a in-place x",
        "Compositor /a",      "compositor=/a",            "allow /a",                  "compositor ./a",
        "compositor # /a",    "\xff\xfe",                 "compositor /a\vin-place /b", "/usr/bin/picom",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        List l;

        snprintf(text, sizeof text, "compositor /first\n%s\ncompositor /last\n", bad[i]);
        l = parsed(text);
        CHECK(l.count == 2 && l.bad_line == 2, "%s: %d entries, line %d", bad[i], l.count, l.bad_line);
        CHECK(list_find(&l, "/first") == 0 && list_find(&l, "/last") == 1, "%s: the good lines count", bad[i]);
    }
}

static void limits_hold(void)
{
    char text[LIST_BYTES];
    size_t length = 0;
    char path[LIST_PATH + 1];
    List l;

    for (int i = 0; i < LIST_MAX + 3; i++)
        length += (size_t) snprintf(text + length, sizeof text - length, "compositor /p%d\n", i);
    list_parse(text, length, &l);
    CHECK(l.count == LIST_MAX && l.bad_line == LIST_MAX + 1, "%d entries, line %d", l.count, l.bad_line);

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[LIST_PATH] = '\0';
    snprintf(text, sizeof text, "compositor %s", path);
    l = parsed(text);
    CHECK(l.count == 0 && l.bad_line == 1, "a path of %d bytes does not fit", LIST_PATH);
    text[strlen(text) - 1] = '\0';
    l = parsed(text);
    CHECK(l.count == 1 && list_find(&l, text + 11) == 0, "a path of %d bytes fits", LIST_PATH - 1);

    list_parse("compositor /a\0b\n", 16, &l);
    CHECK(l.count == 0, "a path with a zero byte is none");
    list_parse(text, 0, &l);
    CHECK(l.count == 0 && l.bad_line == 0, "an empty file is an empty list");
}

static void any_bytes_are_survived(void)
{
    static const char letters[] = "compositor /\t\n\r#in-place\0a";

    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t) random_int(0, 80);
        char *text = malloc(length ? length : 1);
        List l;

        for (size_t i = 0; i < length; i++)
            text[i] = random_int(0, 3) ? letters[random_int(0, sizeof letters - 2)] : (char) random_int(0, 255);
        list_parse(text, length, &l);
        CHECK(l.count >= 0 && l.count <= LIST_MAX, "%d entries", l.count);
        for (int i = 0; i < l.count; i++)
            CHECK(l.entries[i].path[0] == '/' && memchr(l.entries[i].path, 0, LIST_PATH), "a path is whole and absolute");
        free(text);
    }
}

static void only_roots_own_file_is_believed(void)
{
    char path[] = "/tmp/shield-list-XXXXXX", link[64];
    int fd = mkstemp(path);
    List l;

    CHECK(list_believable(0, S_IFREG | 0644) && list_believable(0, S_IFREG | 0600), "root's plain file");
    CHECK(!list_believable(1000, S_IFREG | 0644), "somebody else's");
    CHECK(!list_believable(0, S_IFREG | 0664) && !list_believable(0, S_IFREG | 0646), "others can write it");
    CHECK(!list_believable(0, S_IFDIR | 0755) && !list_believable(0, S_IFIFO | 0600), "not a plain file");
    CHECK(list_load("/nonexistent/list", &l) && l.count == 0, "no file, no list");
    CHECK(list_load("/tmp", &l) && l.count == 0, "a folder is no list");
    if (fd < 0 || write(fd, "compositor /a\n", 14) != 14)
        exit(2);
    close(fd);
    snprintf(link, sizeof link, "%s.link", path);
    if (getuid() == 0) {
        CHECK(!list_load(path, &l) && l.count == 1, "root's file is read");
        if (symlink(path, link) < 0)
            exit(2);
        CHECK(list_load(link, &l) && l.count == 0, "a symbolic link is not followed");
        unlink(link);
        chmod(path, 0666);
    }
    CHECK(list_load(path, &l) && l.count == 0, "a file that others may write is not");
    unlink(path);
}

/* A RecordCreateContext with one client and one range, in memory that ends where it ends. */
static int recorded(const unsigned char range[24], int swapped, int claimed_clients, size_t cut)
{
    size_t length = 20 + 4 + 24 - cut;
    unsigned char *request = calloc(1, length);
    unsigned char whole[48] = { 146, 1 };
    int answer;

    whole[swapped ? 15 : 12] = (unsigned char) claimed_clients;
    whole[swapped ? 19 : 16] = 1;
    memcpy(whole + 24, range, 24);
    memcpy(request, whole, length);
    answer = ranges_hold_pictures(request, length, swapped, 139);
    free(request);
    return answer;
}

static void listening_to_pictures_is_seen(void)
{
    static const struct {
        unsigned char range[24];
        int holds;
        const char *what;
    } cases[] = {
        { { 0 }, 0, "nothing" },
        { { 0, 127 }, 1, "all requests" },
        { { 72, 72 }, 1, "PutImage" },
        { { 73, 73 }, 0, "who asks for pictures" },
        { { 70, 71 }, 0, "rectangles" },
        { { 76, 90 }, 1, "text" },
        { { 0, 0, 73, 73 }, 1, "the pictures somebody else asked for" },
        { { 0, 0, 1, 72 }, 0, "other answers" },
        { { 0, 0, 0, 0, 139, 139, 8, 0, 8, 0 }, 0, "RENDER's Composite" },
        { { 0, 0, 0, 0, 128, 255, 0, 0, 255, 255 }, 1, "all extensions" },
        { { 0, 0, 0, 0, 139, 139, 23, 0, 23, 0 }, 1, "RENDER's glyphs" },
        { { 0, 0, 0, 0, 130, 130, 0, 0, 255, 255 }, 0, "another extension" },
        { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 255, 0, 0, 255, 255, 2, 35, 2, 6, 0, 0, 1, 1 }, 0, "events and deaths" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char turned[24];

        CHECK(recorded(cases[i].range, 0, 1, 0) == cases[i].holds, "%s", cases[i].what);
        memcpy(turned, cases[i].range, 24);
        for (int at = 6; at < 10; at += 2) {
            turned[at] = cases[i].range[at + 1];
            turned[at + 1] = cases[i].range[at];
        }
        CHECK(recorded(turned, 1, 1, 0) == cases[i].holds, "%s in the other byte order", cases[i].what);
        for (size_t cut = 1; cut <= 48; cut++)
            CHECK(recorded(cases[i].range, 0, 1, cut) == 0, "%zu bytes short, it is the server's to refuse", cut);
        CHECK(recorded(cases[i].range, 0, 255, 0) == 0, "more clients than there are bytes");
    }
}

int main(void)
{
    listening_to_pictures_is_seen();
    a_box_is_black_and_nothing_else_is_touched();
    boxes_without_end_are_cut();
    the_list_is_read();
    a_line_not_understood_lets_nobody_in();
    limits_hold();
    any_bytes_are_survived();
    only_roots_own_file_is_believed();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
