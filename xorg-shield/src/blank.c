/*
 * Blacks out rectangles of a picture in memory. Runs in the server while it answers a request for pixels; touches no
 * byte outside of the picture it is given, whatever the rectangle.
 */
#include "blank.h"

#include <string.h>

int blank_clip(BlankBox *box, int width, int height)
{
    if (box->x1 < 0)
        box->x1 = 0;
    if (box->y1 < 0)
        box->y1 = 0;
    if (box->x2 > width)
        box->x2 = width;
    if (box->y2 > height)
        box->y2 = height;
    return box->x1 < box->x2 && box->y1 < box->y2;
}

/* Clears the bits from..to (to is the first that stays) of a row whose pixels do not fill a byte. */
static void clear_bits(unsigned char *row, size_t from, size_t to, int msb_first)
{
    for (; from < to; from++) {
        if (from % 8 == 0 && to - from >= 8) {
            size_t whole = (to - from) / 8;

            memset(row + from / 8, 0, whole);
            from += whole * 8 - 1;
            continue;
        }
        row[from / 8] &= (unsigned char) ~(1u << (msb_first ? 7 - from % 8 : from % 8));
    }
}

void blank_box(const BlankPicture *picture, BlankBox box)
{
    if (!blank_clip(&box, picture->width, picture->height))
        return;
    for (int y = box.y1; y < box.y2; y++) {
        unsigned char *row = (unsigned char *) picture->bytes + (size_t) y * picture->stride;
        size_t from = (size_t) box.x1 * (size_t) picture->bits;
        size_t to = (size_t) box.x2 * (size_t) picture->bits;

        if (from % 8 == 0 && to % 8 == 0)
            memset(row + from / 8, 0, (to - from) / 8);
        else
            clear_bits(row, from, to, picture->msb_first);
    }
}
