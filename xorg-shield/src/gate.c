/*
 * Requests that are refused. Reads that copy pixels are let through and blackened (read.c); what is refused are lasting
 * holds on a store (a tile, a window's background, a dma-buf, a GLX pixmap...), which would show it later without asking,
 * other clients' use of what the owner of a protected window, or the compositor, keeps in the server, and listening
 * to what other clients draw (RECORD).
 */
#include "shield.h"

#include <string.h>

#include "dix.h"
#include "extnsionst.h"
#include "ranges.h"
#include "registry.h"
#include "resource.h"
#include "xacestr.h"

enum { SEEING = DixReadAccess | DixWriteAccess | DixAddAccess };

/* The name of the extension a request belongs to, NULL for the core protocol. */
static const char *extension_of(ClientPtr client)
{
    ExtensionEntry *entry = client->majorOp < EXTENSION_BASE ? NULL : GetExtensionEntry(client->majorOp);

    return entry ? entry->name : NULL;
}

static Bool one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return TRUE;
    return FALSE;
}

/* Extensions whose requests with a drawable copy it through read.c, or do not hand out pixels at all. */
static Bool only_copies(ClientPtr client, Bool pixmap)
{
    static const char *const always[] = { "MIT-SHM", "RENDER", "DAMAGE", "Composite", "XFIXES", "SHAPE", "X-Resource", NULL };
    static const char *const window_only[] = { "Present", "XInputExtension", "RANDR", "MIT-SCREEN-SAVER", NULL };
    const char *extension = extension_of(client);

    if (extension)
        return one_of(extension, always) || (!pixmap && one_of(extension, window_only));
    switch (client->majorOp) {
    case X_CreateWindow:
    case X_ChangeWindowAttributes:
    case X_CreateGC:
    case X_ChangeGC:
        return !pixmap;
    default:
        return TRUE;
    }
}

/* Things a client keeps in the server that may hold pixels. Windows are read.c's; counters, regions... hold none. */
static Bool holds_pixels(RESTYPE type)
{
    static const char *const types[] = { "PICTURE", "ShmSeg", "dbeDrawable", "GLXDrawable", "DRI2Drawable", NULL };

    if (type == RT_PIXMAP || type == RT_GC)
        return TRUE;
    return type != RT_WINDOW && type != RT_COLORMAP && type != RT_CURSOR && type != RT_FONT &&
        one_of(LookupResourceName(type), types);
}

static Bool is_foreign(XaceResourceAccessRec *access)
{
    int index = CLIENT_ID(access->id);
    ClientPtr owner = index > 0 && index < LimitClients ? clients[index] : NULL;
    const Mask harmless = DixGetAttrAccess | DixListPropAccess | DixDestroyAccess;

    if (!owner || owner == access->client || !(access->access_mode & ~harmless) || !holds_pixels(access->rtype))
        return FALSE;
    return veil_guards(owner) && !trust_is_root(access->client);
}

static void on_resource(CallbackListPtr *callbacks, void *unused, void *data)
{
    XaceResourceAccessRec *access = data;
    Bool pixmap = access->rtype == RT_PIXMAP;
    DrawablePtr drawable = access->res;
    RegionRec part;

    if (access->status != Success || !access->client || access->client == serverClient)
        return;
    if (is_foreign(access)) {
        access->status = BadAccess;
        return;
    }
    if (!drawable || (!pixmap && access->rtype != RT_WINDOW))
        return;
    if (access->access_mode & DixCreateAccess) {
        if (pixmap && access->ptype == RT_WINDOW && access->parent)
            veil_named(access->res, access->parent);
        return;
    }
    if (pixmap ? !(access->access_mode & SEEING) : !(access->access_mode & (DixReadAccess | DixManageAccess)))
        return;
    if (!pixmap && !(access->access_mode & DixReadAccess)) {
        /* Double buffering of a window swaps its picture into a buffer of whoever asked. */
        const char *extension = extension_of(access->client);

        if (!extension || strcmp(extension, "DOUBLE-BUFFER") != 0)
            return;
    }
    if (only_copies(access->client, pixmap))
        return;
    RegionNull(&part);
    if (veil_of(drawable, access->client, &part) != VEIL_NONE)
        access->status = BadAccess;
    else if (pixmap && !veil_exempt(access->client, drawable->pScreen))
        veil_lent(access->res);
    RegionUninit(&part);
}

/*
 * Refused always, not only while there is a protected window, as it lasts: RECORD of what others draw (keys, events and who
 * asks for pictures may be listened to), and a lease of a screen's connector, whose holder may ask the kernel for any picture
 * that is being scanned out.
 */
static void on_extension(CallbackListPtr *callbacks, void *unused, void *data)
{
    enum { CREATE_CONTEXT = 1, REGISTER_CLIENTS = 2, CREATE_LEASE = 45 };
    XaceExtAccessRec *access = data;
    ClientPtr client = access->client;
    const xReq *request = client->requestBuffer;
    ExtensionEntry *render;

    if (access->status != Success || trust_is_root(client))
        return;
    if (request->data == CREATE_LEASE && strcmp(access->ext->name, "RANDR") == 0)
        access->status = BadAccess;
    if ((request->data != CREATE_CONTEXT && request->data != REGISTER_CLIENTS) || strcmp(access->ext->name, "RECORD") != 0)
        return;
    render = CheckExtension("RENDER");
    if (ranges_hold_pictures(client->requestBuffer, (size_t) client->req_len * 4, client->swapped, render ? render->base : 0))
        access->status = BadAccess; /* the server makes this, too, a BadRequest */
}

Bool gate_start(void)
{
    return XaceRegisterCallback(XACE_RESOURCE_ACCESS, on_resource, NULL) &&
        XaceRegisterCallback(XACE_EXT_DISPATCH, on_extension, NULL);
}
