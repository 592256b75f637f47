/*
 * What a RECORD request asks to be told of other clients. Runs in the server, once for each such request, on bytes a client
 * wrote: reads none beyond `length`.
 */
#include "ranges.h"

#include <stdint.h>
#include <string.h>

/* Offsets of the request (X11/extensions/recordproto.h) and of one range in it. */
enum { CLIENTS = 12, RANGES = 16, LISTS = 20, RANGE = 24 };
enum { CORE_REQUESTS = 0, CORE_REPLIES = 2, EXT_MAJOR = 4, EXT_MINOR = 6 };

enum { PUT_IMAGE = 72, GET_IMAGE = 73, POLY_TEXT_8 = 74, IMAGE_TEXT_16 = 77 };
enum { RENDER_ADD_GLYPHS = 20, RENDER_COMPOSITE_GLYPHS_32 = 25 };

static uint32_t number(const unsigned char *at, size_t bytes, int swapped)
{
    uint32_t value32;
    uint16_t value16;

    if (bytes == 2) {
        memcpy(&value16, at, 2);
        return swapped ? (uint16_t) (value16 << 8 | value16 >> 8) : value16;
    }
    memcpy(&value32, at, 4);
    return swapped ? __builtin_bswap32(value32) : value32;
}

/* Do first..last and from..to have a number in common? 0..0 means none in RECORD. */
static int meets(uint32_t first, uint32_t last, uint32_t from, uint32_t to)
{
    return first <= to && last >= from;
}

static int holds_pictures(const unsigned char *range, int swapped, int render_major)
{
    const unsigned char *requests = range + CORE_REQUESTS, *replies = range + CORE_REPLIES, *major = range + EXT_MAJOR;
    uint32_t first = number(range + EXT_MINOR, 2, swapped), last = number(range + EXT_MINOR + 2, 2, swapped);

    return meets(requests[0], requests[1], PUT_IMAGE, PUT_IMAGE) ||
        meets(requests[0], requests[1], POLY_TEXT_8, IMAGE_TEXT_16) ||
        meets(replies[0], replies[1], GET_IMAGE, GET_IMAGE) ||
        (render_major > 0 && meets(major[0], major[1], (uint32_t) render_major, (uint32_t) render_major) &&
         meets(first, last, RENDER_ADD_GLYPHS, RENDER_COMPOSITE_GLYPHS_32));
}

int ranges_hold_pictures(const unsigned char *request, size_t length, int swapped, int render_major)
{
    uint64_t clients, ranges, at;

    if (length < LISTS)
        return 0;
    clients = number(request + CLIENTS, 4, swapped);
    ranges = number(request + RANGES, 4, swapped);
    at = LISTS + clients * 4;
    if (at + ranges * RANGE != length)
        return 0;
    for (; at < length; at += RANGE)
        if (holds_pictures(request + at, swapped, render_major))
            return 1;
    return 0;
}
