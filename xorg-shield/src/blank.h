/*
 * Blacks out rectangles of a picture in memory. Pure arithmetic: knows neither X nor the server, so that it can be
 * tested by itself under the sanitizers. Used by read.c.
 */
#ifndef SHIELD_BLANK_H
#define SHIELD_BLANK_H

#include <stddef.h>

/* A rectangle; x2 and y2 are the first column and row outside of it. */
typedef struct {
    int x1, y1, x2, y2;
} BlankBox;

/* How the picture lies in memory: `bits` per pixel (1 to 32), rows of `stride` bytes. */
typedef struct {
    void *bytes;
    size_t stride;
    int width, height;
    int bits;
    int msb_first; /* with fewer than 8 bits per pixel: is the leftmost pixel in the highest bits of a byte? */
} BlankPicture;

/* Is there anything left of `box` inside `width` x `height`? `box` is cut to it. */
int blank_clip(BlankBox *box, int width, int height);

/* Sets every pixel of `box` to 0; what lies outside of the picture is left out. */
void blank_box(const BlankPicture *picture, BlankBox box);

#endif
