/*
 * What clients may ask: is the shield there, and what does it do for a window? The extension's name cannot be taken by a
 * client, so an answer is the server's. The exact bytes are in README.md. Changes nothing.
 */
#include "shield.h"

#include "dix.h"
#include "extnsionst.h"

/* Requests. */
enum { QUERY_VERSION = 0, QUERY_WINDOW = 1 };

/* What QUERY_WINDOW answers. */
enum {
    FLAG_MARKED = 1 << 0,       /* the window, or an ancestor, carries the property */
    FLAG_EXEMPT = 1 << 1,       /* the asking client would be let through: its own test proves nothing */
    FLAG_COMPOSITOR = 1 << 2,   /* some client says that it draws the screen */
    FLAG_LET_THROUGH = 1 << 3,  /* ... and it is one of the administrator's list */
    FLAG_ANYWHERE = 1 << 4,     /* ... and not known to draw in place: the whole screen is black to others */
    FLAG_LENT = 1 << 5,         /* others got hold of the window's store before it was protected */
};

typedef struct {
    CARD8 major;
    CARD8 minor;
    CARD16 length;
    CARD16 client_major;
    CARD16 client_minor;
} QueryVersionReq;

typedef struct {
    CARD8 major;
    CARD8 minor;
    CARD16 length;
    CARD32 window;
} QueryWindowReq;

/* Both answers: 32 bytes. */
typedef struct {
    BYTE type;
    CARD8 marked;
    CARD16 sequence;
    CARD32 length;
    union {
        struct {
            CARD16 major;
            CARD16 minor;
        } version;
        CARD32 flags;
    } is;
    CARD32 unused[5];
} Answer;

_Static_assert(sizeof(QueryVersionReq) == 8 && sizeof(QueryWindowReq) == 8 && sizeof(Answer) == 32, "as in README.md");

static int answer(ClientPtr client, Answer *reply)
{
    reply->type = X_Reply;
    reply->sequence = client->sequence;
    if (client->swapped)
        swaps(&reply->sequence);
    WriteToClient(client, sizeof *reply, reply);
    return Success;
}

static int query_version(ClientPtr client)
{
    Answer reply = { .is.version = { SHIELD_MAJOR, SHIELD_MINOR } };

    REQUEST(QueryVersionReq);
    REQUEST_SIZE_MATCH(QueryVersionReq);
    if (client->swapped) {
        swaps(&reply.is.version.major);
        swaps(&reply.is.version.minor);
    }
    return answer(client, &reply);
}

static CARD32 flags_of(WindowPtr window, ClientPtr client)
{
    ScreenPtr screen = window->drawable.pScreen;
    Bool in_place = FALSE;
    CARD32 flags = 0;

    if (mark_above(window))
        flags |= FLAG_MARKED;
    if (veil_exempt(client, screen))
        flags |= FLAG_EXEMPT;
    if (trust_claimed_compositor(screen))
        flags |= FLAG_COMPOSITOR;
    if (trust_compositor(screen, &in_place))
        flags |= in_place ? FLAG_LET_THROUGH : FLAG_LET_THROUGH | FLAG_ANYWHERE;
    if (veil_was_lent(window))
        flags |= FLAG_LENT;
    return flags;
}

static int query_window(ClientPtr client)
{
    WindowPtr window;
    Answer reply = { 0 };
    CARD32 id;
    int rc;

    REQUEST(QueryWindowReq);
    REQUEST_SIZE_MATCH(QueryWindowReq);
    id = stuff->window;
    if (client->swapped)
        swapl(&id);
    rc = dixLookupWindow(&window, id, client, DixGetAttrAccess);
    if (rc != Success)
        return rc;
    reply.is.flags = flags_of(window, client);
    reply.marked = (reply.is.flags & FLAG_MARKED) != 0;
    if (client->swapped)
        swapl(&reply.is.flags);
    return answer(client, &reply);
}

static int dispatch(ClientPtr client)
{
    REQUEST(xReq);

    switch (stuff->data) {
    case QUERY_VERSION:
        return query_version(client);
    case QUERY_WINDOW:
        return query_window(client);
    default:
        return BadRequest;
    }
}

static int swapped_dispatch(ClientPtr client)
{
    REQUEST(xReq);

    swaps(&stuff->length);
    return dispatch(client);
}

Bool wire_start(void)
{
    return AddExtension(SHIELD_EXTENSION, 0, 0, dispatch, swapped_dispatch, NULL, StandardMinorOpcode) != NULL;
}
