/*
 * Requests that copy pixels out of a drawable: GetImage and MIT-SHM's GetImage (through the screen's function), CopyArea
 * and CopyPlane (at the request), and RENDER's sources and masks (through the screen's functions). The reader gets
 * everything but the protected part, which is black.
 *
 * Not here: GetSpans. No request reaches it with a buffer that a client sees.
 *
 * Runs in the server during a reader's request. Reads that the server does for itself (no current client, pictures
 * without an id) stay untouched: they are how windows get to the screen.
 */
#include "shield.h"

#include <stdlib.h>

#include "blank.h"
#include "dix.h"
#include "extnsionst.h"
#include "gcstruct.h"
#include "glyphstr.h"
#include "resource.h"
#include "servermd.h"

/* Beyond this many bytes a picture is black as a whole rather than copied. */
enum { COPY_MAX = 256 << 20 };

static int (*core_copy_area)(ClientPtr);
static int (*core_copy_plane)(ClientPtr);

static void blank_region(const BlankPicture *picture, RegionPtr part, int x, int y)
{
    BoxPtr box = RegionRects(part);

    for (int i = RegionNumRects(part); i > 0; i--, box++)
        blank_box(picture, (BlankBox) { box->x1 - x, box->y1 - y, box->x2 - x, box->y2 - y });
}

static void get_image(DrawablePtr drawable, int x, int y, int w, int h, unsigned format, unsigned long planes, char *out)
{
    ScreenPtr screen = drawable->pScreen;
    ShieldScreen *ours = shield_screen(screen);
    ClientPtr reader = GetCurrentClient();
    Bool z = format == ZPixmap;
    BlankPicture picture = {
        .bytes = out,
        .stride = z ? PixmapBytePad(w, drawable->depth) : BitmapBytePad(w),
        .width = w,
        .height = h,
        .bits = z ? BitsPerPixel(drawable->depth) : 1,
        .msb_first = screenInfo.bitmapBitOrder == MSBFirst,
    };
    RegionRec part;

    UNWRAP(screen, ours, GetImage);
    screen->GetImage(drawable, x, y, w, h, format, planes, out);
    WRAP(screen, ours, GetImage, get_image);
    if (!reader || reader == serverClient || w <= 0 || h <= 0)
        return;
    RegionNull(&part);
    switch (veil_of(drawable, reader, &part)) {
    case VEIL_NONE:
        break;
    case VEIL_PART:
        blank_region(&picture, &part, x, y);
        break;
    case VEIL_WHOLE:
        blank_box(&picture, (BlankBox) { 0, 0, w, h });
        break;
    }
    RegionUninit(&part);
}

/* Cuts a box in the drawable's coordinates to what can be read of it without leaving its store. */
static Bool readable(DrawablePtr drawable, BlankBox *box)
{
    int dx, dy;
    PixmapPtr store;

    if (!blank_clip(box, drawable->width, drawable->height))
        return FALSE;
    if (drawable->type == DRAWABLE_PIXMAP)
        return TRUE;
    store = veil_store((WindowPtr) drawable);
    dx = drawable->x - store->screen_x;
    dy = drawable->y - store->screen_y;
    *box = (BlankBox) { box->x1 + dx, box->y1 + dy, box->x2 + dx, box->y2 + dy };
    if (!blank_clip(box, store->drawable.width, store->drawable.height))
        return FALSE;
    *box = (BlankBox) { box->x1 - dx, box->y1 - dy, box->x2 - dx, box->y2 - dy };
    return TRUE;
}

/* Copies what may be seen of `box` into the picture of a pixmap whose origin is the drawable's (`left`, `top`). */
static Bool copy_allowed(DrawablePtr from, Veil veil, RegionPtr part, BlankBox box, int left, int top, PixmapPtr to)
{
    ScreenPtr screen = from->pScreen;
    ShieldScreen *ours = shield_screen(screen);
    int w = box.x2 - box.x1, h = box.y2 - box.y1;
    BlankPicture picture = {
        .stride = PixmapBytePad(w, from->depth),
        .width = w,
        .height = h,
        .bits = BitsPerPixel(from->depth),
        .msb_first = screenInfo.bitmapBitOrder == MSBFirst,
    };
    GCPtr gc;

    if (veil == VEIL_WHOLE)
        return TRUE;
    if (picture.stride * (size_t) h > COPY_MAX)
        return TRUE;
    picture.bytes = calloc((size_t) h, picture.stride);
    if (!picture.bytes)
        return FALSE;
    screen->SourceValidate(from, box.x1, box.y1, w, h, IncludeInferiors);
    UNWRAP(screen, ours, GetImage);
    screen->GetImage(from, box.x1, box.y1, w, h, ZPixmap, ~0UL, picture.bytes);
    WRAP(screen, ours, GetImage, get_image);
    blank_region(&picture, part, box.x1, box.y1);
    gc = GetScratchGC(to->drawable.depth, screen);
    if (gc) {
        ValidateGC(&to->drawable, gc);
        gc->ops->PutImage(&to->drawable, gc, from->depth, box.x1 - left, box.y1 - top, w, h, 0, ZPixmap, picture.bytes);
        FreeScratchGC(gc);
    }
    free(picture.bytes);
    return gc != NULL;
}

/* A pixmap with what may be seen of `box`; its origin is the corner of `box`. NULL when there is no memory. */
static PixmapPtr veiled_copy(DrawablePtr from, Veil veil, RegionPtr part, BlankBox box)
{
    ScreenPtr screen = from->pScreen;
    BlankBox inside = box;
    PixmapPtr copy = screen->CreatePixmap(screen, box.x2 - box.x1, box.y2 - box.y1, from->depth, 0);
    RegionRec all;

    if (!copy)
        return NULL;
    RegionInit(&all, (&(BoxRec) { 0, 0, copy->drawable.width, copy->drawable.height }), 1);
    drift_fill(&copy->drawable, &all);
    RegionUninit(&all);
    if (readable(from, &inside) && !copy_allowed(from, veil, part, inside, box.x1, box.y1, copy)) {
        screen->DestroyPixmap(copy);
        return NULL;
    }
    return copy;
}

/* CopyArea and CopyPlane, whose requests begin alike, from a copy in place of the source. */
static int copy_from_veiled(ClientPtr client, DrawablePtr from, Veil veil, RegionPtr part, int (*core)(ClientPtr))
{
    REQUEST(xCopyAreaReq);
    const xCopyAreaReq asked = *stuff;
    BlankBox box = { asked.srcX, asked.srcY, asked.srcX + asked.width, asked.srcY + asked.height };
    XID id = FakeClientID(0);
    PixmapPtr copy;
    int result;

    /* Nothing of it can be copied, so nothing has to be hidden: the events of an empty copy are the server's to send. */
    if (!readable(from, &box))
        return core(client);
    copy = veiled_copy(from, veil, part, box);
    if (!copy || !AddResource(id, RT_PIXMAP, copy))
        return BadAlloc;
    copy->drawable.id = id;
    stuff->srcDrawable = id;
    stuff->srcX = asked.srcX - box.x1;
    stuff->srcY = asked.srcY - box.y1;
    result = core(client);
    *stuff = asked;
    FreeResource(id, RT_NONE);
    return result;
}

static int copy(ClientPtr client, int (*core)(ClientPtr))
{
    REQUEST(xCopyAreaReq);
    DrawablePtr from;
    RegionRec part;
    Veil veil;
    int result;

    if (client->req_len < sizeof(xCopyAreaReq) / 4 ||
        dixLookupDrawable(&from, stuff->srcDrawable, serverClient, 0, DixGetAttrAccess) != Success)
        return core(client);
    RegionNull(&part);
    veil = veil_of(from, client, &part);
    result = veil == VEIL_NONE ? core(client) : copy_from_veiled(client, from, veil, &part, core);
    RegionUninit(&part);
    return result;
}

static int copy_area(ClientPtr client)
{
    return copy(client, core_copy_area);
}

static int copy_plane(ClientPtr client)
{
    return copy(client, core_copy_plane);
}

static PicturePtr black(void)
{
    xRenderColor color = { 0, 0, 0, 0xffff };
    int error;

    return CreateSolidPicture(None, &color, &error);
}

/* A picture like `like`, of a veiled copy of its drawable. NULL when there is no memory. */
static PicturePtr veiled_like(PicturePtr like, Veil veil, RegionPtr part)
{
    ScreenPtr screen = like->pDrawable->pScreen;
    PixmapPtr pixmap =
        veiled_copy(like->pDrawable, veil, part, (BlankBox) { 0, 0, like->pDrawable->width, like->pDrawable->height });
    char *filter = PictureGetFilterName(like->filter);
    PicturePtr picture;
    int error;

    if (!pixmap)
        return NULL;
    picture = CreatePicture(None, &pixmap->drawable, like->pFormat, 0, NULL, serverClient, &error);
    screen->DestroyPixmap(pixmap); /* the picture has its own hold on it */
    if (!picture)
        return NULL;
    picture->repeat = like->repeat;
    picture->repeatType = like->repeatType;
    picture->componentAlpha = like->componentAlpha;
    if (SetPictureTransform(picture, like->transform) != Success ||
        (filter && SetPictureFilter(picture, filter, (int) strlen(filter), like->filter_params, like->filter_nparams) != Success) ||
        (like->clientClip && SetPictureClipRegion(picture, like->clipOrigin.x, like->clipOrigin.y, like->clientClip) != Success)) {
        FreePicture(picture, None);
        return NULL;
    }
    ValidatePicture(picture);
    return picture;
}

/*
 * What a client may see of a picture: the picture itself, or one to use in its place, which the caller frees.
 * FALSE: there is no memory for one, so nothing may be drawn.
 */
static Bool veiled_picture(PicturePtr picture, PicturePtr *instead)
{
    ClientPtr reader = GetCurrentClient();
    RegionRec part;
    Veil veil, alpha = VEIL_NONE;

    *instead = NULL;
    /* A picture without an id is the server's own: how redirected windows get to the screen. */
    if (!picture || !picture->pDrawable || picture->id == None || !reader || reader == serverClient)
        return TRUE;
    RegionNull(&part);
    if (picture->alphaMap && picture->alphaMap->pDrawable)
        alpha = veil_of(picture->alphaMap->pDrawable, reader, &part);
    RegionEmpty(&part);
    veil = veil_of(picture->pDrawable, reader, &part);
    if (alpha != VEIL_NONE)
        *instead = black();
    else if (veil != VEIL_NONE) {
        *instead = veiled_like(picture, veil, &part);
        if (!*instead)
            *instead = black();
        else if (picture->alphaMap) {
            (*instead)->alphaMap = picture->alphaMap;
            (*instead)->alphaOrigin = picture->alphaOrigin;
            picture->alphaMap->refcnt++;
        }
    }
    RegionUninit(&part);
    return *instead || (veil == VEIL_NONE && alpha == VEIL_NONE);
}

static void drop(PicturePtr picture)
{
    if (picture)
        FreePicture(picture, None);
}

/* Calls a function of the picture screen with `source` veiled; `call` uses `seen`. */
#define WITH_VEILED(source, call)                       \
    do {                                                \
        PicturePtr instead, seen;                       \
                                                        \
        if (veiled_picture(source, &instead)) {         \
            seen = instead ? instead : (source);        \
            call;                                       \
            drop(instead);                              \
        }                                               \
    } while (0)

static void composite(CARD8 op, PicturePtr src, PicturePtr mask, PicturePtr dst, INT16 src_x, INT16 src_y, INT16 mask_x,
                      INT16 mask_y, INT16 dst_x, INT16 dst_y, CARD16 width, CARD16 height)
{
    PictureScreenPtr ps = GetPictureScreen(dst->pDrawable->pScreen);
    ShieldScreen *ours = shield_screen(dst->pDrawable->pScreen);
    PicturePtr mask_instead;

    if (!veiled_picture(mask, &mask_instead))
        return;
    UNWRAP(ps, ours, Composite);
    WITH_VEILED(src, ps->Composite(op, seen, mask_instead ? mask_instead : mask, dst, src_x, src_y, mask_x, mask_y, dst_x,
                                   dst_y, width, height));
    WRAP(ps, ours, Composite, composite);
    drop(mask_instead);
}

static void glyphs(CARD8 op, PicturePtr src, PicturePtr dst, PictFormatPtr format, INT16 x, INT16 y, int count,
                   GlyphListPtr lists, GlyphPtr *all)
{
    PictureScreenPtr ps = GetPictureScreen(dst->pDrawable->pScreen);
    ShieldScreen *ours = shield_screen(dst->pDrawable->pScreen);

    UNWRAP(ps, ours, Glyphs);
    WITH_VEILED(src, ps->Glyphs(op, seen, dst, format, x, y, count, lists, all));
    WRAP(ps, ours, Glyphs, glyphs);
}

/* The four functions that draw shapes have the same form. */
#define SHAPES(name, field, shape)                                                                                     \
    static void name(CARD8 op, PicturePtr src, PicturePtr dst, PictFormatPtr format, INT16 x, INT16 y, int count,      \
                     shape *shapes)                                                                                    \
    {                                                                                                                  \
        PictureScreenPtr ps = GetPictureScreen(dst->pDrawable->pScreen);                                               \
        ShieldScreen *ours = shield_screen(dst->pDrawable->pScreen);                                                   \
                                                                                                                       \
        UNWRAP(ps, ours, field);                                                                                       \
        WITH_VEILED(src, ps->field(op, seen, dst, format, x, y, count, shapes));                                       \
        WRAP(ps, ours, field, name);                                                                                   \
    }

SHAPES(trapezoids, Trapezoids, xTrapezoid)
SHAPES(triangles, Triangles, xTriangle)
SHAPES(tri_strip, TriStrip, xPointFixed)
SHAPES(tri_fan, TriFan, xPointFixed)

void read_start(void)
{
    core_copy_area = ProcVector[X_CopyArea];
    core_copy_plane = ProcVector[X_CopyPlane];
    ProcVector[X_CopyArea] = copy_area;
    ProcVector[X_CopyPlane] = copy_plane;
}

void read_stop(void)
{
    if (!core_copy_area)
        return;
    ProcVector[X_CopyArea] = core_copy_area;
    ProcVector[X_CopyPlane] = core_copy_plane;
    core_copy_area = core_copy_plane = NULL;
}

void read_start_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);
    PictureScreenPtr ps = GetPictureScreenIfSet(screen);

    WRAP(screen, ours, GetImage, get_image);
    if (!ps)
        return; /* no RENDER on this screen */
    WRAP(ps, ours, Composite, composite);
    WRAP(ps, ours, Glyphs, glyphs);
    WRAP(ps, ours, Trapezoids, trapezoids);
    WRAP(ps, ours, Triangles, triangles);
    WRAP(ps, ours, TriStrip, tri_strip);
    WRAP(ps, ours, TriFan, tri_fan);
}

void read_stop_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);
    PictureScreenPtr ps = GetPictureScreenIfSet(screen);

    UNWRAP(screen, ours, GetImage);
    if (!ps)
        return;
    UNWRAP(ps, ours, Composite);
    UNWRAP(ps, ours, Glyphs);
    UNWRAP(ps, ours, Trapezoids);
    UNWRAP(ps, ours, Triangles);
    UNWRAP(ps, ours, TriStrip);
    UNWRAP(ps, ours, TriFan);
}
