/*
 * What a RECORD request asks to be told of other clients. Pure: reads bytes, knows neither X's headers nor the server.
 */
#ifndef SHIELD_RANGES_H
#define SHIELD_RANGES_H

#include <stddef.h>

/*
 * Would RecordCreateContext or RecordRegisterClients (`request`, its whole `length` in bytes) be told what other clients
 * draw or read: PutImage and text, GetImage's answers, RENDER's glyphs? `swapped`: the client's byte order is not ours.
 * What is cut short, or longer than it says, is the server's to refuse: 0.
 */
int ranges_hold_pictures(const unsigned char *request, size_t length, int swapped, int render_major);

#endif
