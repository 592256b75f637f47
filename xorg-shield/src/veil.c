/*
 * Which part of a drawable shows protected windows to a given reader. Only looks; changes no pixel and refuses nothing.
 *
 * Windows are drawn into pixmaps ("stores"): the screen's own, or one of their own when they or an ancestor are
 * redirected by the Composite extension. A store is what can be read, so the question is always: which protected
 * windows are drawn into this one, directly, or because the server or a compositor copies them there?
 */
#include "shield.h"

#include "dix.h"
#include "resource.h"

/* What is remembered of a pixmap. Zeroed by the server for every new one. */
typedef struct {
    XID window;   /* the window it was the store of when a client named it */
    Bool tainted; /* it was the store of protected windows and is no more: their last picture is still in it */
    Bool lent;    /* a reader that must not see has a lasting hold on it, which no later request shows */
} StoreNote;

static DevPrivateKeyRec note_key;

/* Milliseconds; longer than any fade a compositor does by default. */
enum { LINGER = 2000 };

static StoreNote *note_of(PixmapPtr pixmap)
{
    return dixLookupPrivate(&pixmap->devPrivates, &note_key);
}

Bool veil_start(void)
{
    return dixRegisterPrivateKey(&note_key, PRIVATE_PIXMAP, sizeof(StoreNote));
}

void veil_taint(PixmapPtr pixmap)
{
    note_of(pixmap)->tainted = TRUE;
}

void veil_named(PixmapPtr pixmap, WindowPtr window)
{
    note_of(pixmap)->window = window->drawable.id;
}

void veil_lent(PixmapPtr pixmap)
{
    if (note_of(pixmap)->window != None)
        note_of(pixmap)->lent = TRUE;
}

PixmapPtr veil_store(WindowPtr window)
{
    return window->drawable.pScreen->GetWindowPixmap(window);
}

static Bool is_screen(PixmapPtr store)
{
    ScreenPtr screen = store->drawable.pScreen;

    return store == screen->GetScreenPixmap(screen) || (screen->root && store == veil_store(screen->root));
}

/* The window whose own store this window is drawn into; the root if none in between is redirected. */
static WindowPtr store_top(WindowPtr window)
{
    while (window->parent && window->redirectDraw == RedirectDrawNone)
        window = window->parent;
    return window;
}

Bool veil_was_lent(WindowPtr window)
{
    while (window) {
        PixmapPtr store = veil_store(window);

        if (store && note_of(store)->lent)
            return TRUE;
        window = store_top(window)->parent;
    }
    return FALSE;
}

Bool veil_exempt(ClientPtr client, ScreenPtr screen)
{
    Bool in_place;

    return trust_is_root(client) || client == trust_compositor(screen, &in_place);
}

Bool veil_guards(ClientPtr owner)
{
    for (int i = 0; i < screenInfo.numScreens; i++) {
        ScreenPtr screen = screenInfo.screens[i];
        Mark *marks = mark_first(screen);
        Bool in_place;

        /* A compositor keeps its last picture of the screen, also when the protected window is gone. */
        if (mark_ever() && owner == trust_compositor(screen, &in_place))
            return TRUE;
        for (; marks; marks = marks->next)
            if (wClient(marks->window) == owner)
                return TRUE;
    }
    return FALSE;
}

static Veil add(RegionPtr part, RegionPtr region)
{
    if (!RegionNotEmpty(region))
        return VEIL_NONE;
    RegionUnion(part, part, region);
    return VEIL_PART;
}

/* Where a protected window that is drawn into another store shows in `store`. */
static Veil reflected(PixmapPtr store, WindowPtr window, RegionPtr part)
{
    for (WindowPtr top = store_top(window); top->parent; top = store_top(top->parent)) {
        if (top->redirectDraw == RedirectDrawManual) {
            /* A client draws it, wherever it likes. Only one of the administrator's list has the pixels to do so. */
            Bool in_place = FALSE;

            if (!is_screen(store) || !trust_compositor(store->drawable.pScreen, &in_place))
                return VEIL_NONE;
            return in_place ? add(part, &window->borderSize) : VEIL_WHOLE;
        }
        if (veil_store(top->parent) == store)
            return add(part, &window->borderSize);
    }
    return VEIL_NONE;
}

Veil veil_of_store(PixmapPtr store, ClientPtr reader, WindowPtr except, RegionPtr part)
{
    ScreenPtr screen = store->drawable.pScreen;
    Veil veil = VEIL_NONE;

    for (Mark *mark = mark_first(screen); mark; mark = mark->next) {
        WindowPtr window = mark->window;
        Veil here;

        if (!window->viewable || wClient(window) == reader || (except && mark_holds(except, window)))
            continue;
        here = veil_store(window) == store ? add(part, &window->borderClip) : reflected(store, window, part);
        if (here > veil)
            veil = here;
        if (veil == VEIL_WHOLE)
            break;
    }
    return veil;
}

/* Does this window lie inside of a protected one of somebody else's? */
static Bool lies_within(WindowPtr window, ClientPtr reader)
{
    WindowPtr marked = window;

    while (marked && (marked = mark_above(marked))) {
        if (wClient(marked) != reader)
            return TRUE;
        marked = marked->parent;
    }
    return FALSE;
}

/*
 * Only a compositor knows what is where on the screen it draws. It may lag behind, or fade a window out that is gone: for
 * a while after a protected window moved or went, all it draws counts as protected.
 */
static Bool lingers(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);

    if (ours->lingering && GetTimeInMillis() - ours->moved > LINGER)
        ours->lingering = FALSE;
    return ours->lingering;
}

/* Is this what a compositor draws into: the screen, or, for previews, any window of its own? */
static Bool drawn_by_compositor(PixmapPtr store, WindowPtr window, Bool lingering)
{
    Bool in_place = FALSE;
    ClientPtr compositor = trust_compositor(store->drawable.pScreen, &in_place);

    if (!compositor)
        return FALSE;
    return (lingering && is_screen(store)) ||
        (window && window->parent && wClient(window) == compositor && (lingering || !in_place));
}

Veil veil_of(DrawablePtr drawable, ClientPtr reader, RegionPtr part)
{
    ScreenPtr screen = drawable->pScreen;
    WindowPtr window = NULL;
    PixmapPtr store;
    Bool marks = mark_first(screen) != NULL, lingering = lingers(screen);
    Veil veil;
    int dx, dy;

    if (drawable->type == DRAWABLE_WINDOW) {
        window = (WindowPtr) drawable;
        store = veil_store(window);
        dx = -drawable->x;
        dy = -drawable->y;
    } else if (drawable->type == DRAWABLE_PIXMAP) {
        store = (PixmapPtr) drawable;
        dx = -store->screen_x;
        dy = -store->screen_y;
    } else {
        return VEIL_NONE; /* an input-only window has no pixels */
    }
    if (!store || (!marks && !lingering && !note_of(store)->tainted) || veil_exempt(reader, screen))
        return VEIL_NONE;
    if (!window && note_of(store)->tainted)
        return VEIL_WHOLE;
    if (!marks && !lingering)
        return VEIL_NONE;
    if (!window && note_of(store)->window != None) {
        if (dixLookupWindow(&window, note_of(store)->window, serverClient, DixGetAttrAccess) != Success ||
            veil_store(window) != store)
            window = NULL;
    }
    if ((window && lies_within(window, reader)) || drawn_by_compositor(store, window, lingering))
        return VEIL_WHOLE;
    veil = veil_of_store(store, reader, NULL, part);
    if (veil == VEIL_PART)
        RegionTranslate(part, dx, dy);
    return veil;
}
