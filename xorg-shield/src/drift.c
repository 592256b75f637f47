/*
 * Pixels that move without anybody asking for them: the server leaves what was on the screen in a window without a
 * background, copies it into the store of a newly redirected window, keeps it in a store that is none any more, and hands
 * out memory that is not cleared. A reader could wait there for a protected window to pass by. Here such places are
 * blackened, or noted as tainted, at the moment it happens.
 *
 * Runs inside of the functions of a screen, whoever's request caused it. Draws black, reads nothing.
 */
#include "shield.h"

#include "gcstruct.h"

static void fill_rects(DrawablePtr drawable, int count, xRectangle *rects)
{
    GCPtr gc = GetScratchGC(drawable->depth, drawable->pScreen);
    ChangeGCVal values[3] = { { .val = GXcopy }, { .val = 0 }, { .val = FillSolid } };

    if (!gc)
        return;
    ChangeGC(NullClient, gc, GCFunction | GCForeground | GCFillStyle, values);
    ValidateGC(drawable, gc);
    gc->ops->PolyFillRect(drawable, gc, count, rects);
    FreeScratchGC(gc);
}

void drift_fill(DrawablePtr drawable, RegionPtr region)
{
    Bool pixmap = drawable->type == DRAWABLE_PIXMAP;
    int dx = pixmap ? ((PixmapPtr) drawable)->screen_x : drawable->x;
    int dy = pixmap ? ((PixmapPtr) drawable)->screen_y : drawable->y;
    BoxPtr box = RegionRects(region);

    for (int i = RegionNumRects(region); i > 0; i--, box++) {
        xRectangle rect = {
            .x = box->x1 - dx,
            .y = box->y1 - dy,
            .width = box->x2 - box->x1,
            .height = box->y2 - box->y1,
        };

        fill_rects(drawable, 1, &rect);
    }
}

static void fill_all(PixmapPtr pixmap)
{
    xRectangle rect = { 0, 0, pixmap->drawable.width, pixmap->drawable.height };

    fill_rects(&pixmap->drawable, 1, &rect);
}

void drift_blacken(ScreenPtr screen)
{
    PixmapPtr store = screen->GetScreenPixmap(screen);

    fill_all(store);
    if (veil_store(screen->root) != store)
        fill_all(veil_store(screen->root));
}

/* Notes where marked windows are now, before something moves. */
static void touch(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);

    for (Mark *mark = mark_first(screen); mark; mark = mark->next)
        if (mark->window->viewable)
            RegionUnion(&ours->touched, &ours->touched, &mark->window->borderClip);
}

static void leaving(WindowPtr window)
{
    ShieldScreen *ours = shield_screen(window->drawable.pScreen);

    if (!mark_first(window->drawable.pScreen))
        return;
    touch(window->drawable.pScreen);
    if (mark_touches(window)) {
        ours->lingering = TRUE;
        ours->moved = GetTimeInMillis();
    }
}

/* Will the server paint over what is there? Not the windows whose children somebody draws. */
static Bool has_background(WindowPtr window)
{
    while (window->backgroundState == ParentRelative && window->parent)
        window = window->parent;
    return window->backgroundState != None && !window->inhibitBGPaint;
}

static void paint_window(WindowPtr window, RegionPtr region, int what)
{
    ScreenPtr screen = window->drawable.pScreen;
    ShieldScreen *ours = shield_screen(screen);

    if (mark_first(screen)) {
        touch(screen);
        if (what == PW_BACKGROUND && !has_background(window) && !mark_above(window)) {
            RegionRec left;

            RegionNull(&left);
            RegionIntersect(&left, region, &ours->touched);
            drift_fill(&window->drawable, &left);
            RegionUninit(&left);
        }
    }
    UNWRAP(screen, ours, PaintWindow);
    screen->PaintWindow(window, region, what);
    WRAP(screen, ours, PaintWindow, paint_window);
}

static Bool position_window(WindowPtr window, int x, int y)
{
    ScreenPtr screen = window->drawable.pScreen;
    ShieldScreen *ours = shield_screen(screen);
    Bool done;

    leaving(window);
    UNWRAP(screen, ours, PositionWindow);
    done = screen->PositionWindow(window, x, y);
    WRAP(screen, ours, PositionWindow, position_window);
    return done;
}

static Bool unrealize_window(WindowPtr window)
{
    ScreenPtr screen = window->drawable.pScreen;
    ShieldScreen *ours = shield_screen(screen);
    Bool done;

    leaving(window);
    UNWRAP(screen, ours, UnrealizeWindow);
    done = screen->UnrealizeWindow(window);
    WRAP(screen, ours, UnrealizeWindow, unrealize_window);
    return done;
}

static Bool destroy_window(WindowPtr window)
{
    ScreenPtr screen = window->drawable.pScreen;
    ShieldScreen *ours = shield_screen(screen);
    Bool done;

    mark_forget(window);
    UNWRAP(screen, ours, DestroyWindow);
    done = screen->DestroyWindow(window);
    WRAP(screen, ours, DestroyWindow, destroy_window);
    return done;
}

/* Is `store` still what an ancestor of the window is drawn into? */
static Bool lives_on(WindowPtr window, PixmapPtr store)
{
    for (WindowPtr above = window->parent; above; above = above->parent)
        if (veil_store(above) == store)
            return TRUE;
    return FALSE;
}

/* The picture of protected windows that leave `old` stays behind in it. */
static void left_behind(WindowPtr window, PixmapPtr old)
{
    if (!lives_on(window, old)) {
        /* Not the screen's own store, nor a client's pixmap that was shown by flipping (Present). */
        if (old->usage_hint == CREATE_PIXMAP_USAGE_BACKING_PIXMAP)
            veil_taint(old);
    } else if (window->redirectDraw == RedirectDrawManual) {
        /* The server will not paint over it: who asked for manual redirection is to do so. */
        for (Mark *mark = mark_first(window->drawable.pScreen); mark; mark = mark->next)
            if (mark->window->viewable && mark_holds(window, mark->window))
                drift_fill(&old->drawable, &mark->window->borderClip);
    }
}

/* A window that is redirected begins with what could be seen in its place, to which it may have no right. */
static void came_along(WindowPtr window, PixmapPtr store)
{
    PixmapPtr parent = veil_store(window->parent);
    RegionRec part;

    if (mark_above(window))
        return;
    RegionNull(&part);
    switch (veil_of_store(parent, NULL, window, &part)) {
    case VEIL_NONE:
        break;
    case VEIL_PART:
        drift_fill(&store->drawable, &part);
        break;
    case VEIL_WHOLE:
        fill_all(store);
        break;
    }
    RegionUninit(&part);
}

static void set_window_pixmap(WindowPtr window, PixmapPtr store)
{
    ScreenPtr screen = window->drawable.pScreen;
    ShieldScreen *ours = shield_screen(screen);
    PixmapPtr old = veil_store(window);

    UNWRAP(screen, ours, SetWindowPixmap);
    screen->SetWindowPixmap(window, store);
    WRAP(screen, ours, SetWindowPixmap, set_window_pixmap);
    if (!old || !store || old == store || !mark_first(screen))
        return;
    touch(screen);
    if (mark_touches(window))
        left_behind(window, old);
    if (window->redirectDraw != RedirectDrawNone && window->parent)
        came_along(window, store);
}

static PixmapPtr create_pixmap(ScreenPtr screen, int width, int height, int depth, unsigned usage)
{
    ShieldScreen *ours = shield_screen(screen);
    PixmapPtr pixmap;

    UNWRAP(screen, ours, CreatePixmap);
    pixmap = screen->CreatePixmap(screen, width, height, depth, usage);
    WRAP(screen, ours, CreatePixmap, create_pixmap);
    /* The memory may have been a protected picture; a client could read it before it draws. */
    if (pixmap && width && height && mark_ever() && usage != CREATE_PIXMAP_USAGE_SCRATCH)
        fill_all(pixmap);
    return pixmap;
}

void drift_start_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);

    WRAP(screen, ours, CreatePixmap, create_pixmap);
    WRAP(screen, ours, DestroyWindow, destroy_window);
    WRAP(screen, ours, PaintWindow, paint_window);
    WRAP(screen, ours, PositionWindow, position_window);
    WRAP(screen, ours, SetWindowPixmap, set_window_pixmap);
    WRAP(screen, ours, UnrealizeWindow, unrealize_window);
}

void drift_stop_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);

    UNWRAP(screen, ours, CreatePixmap);
    UNWRAP(screen, ours, DestroyWindow);
    UNWRAP(screen, ours, PaintWindow);
    UNWRAP(screen, ours, PositionWindow);
    UNWRAP(screen, ours, SetWindowPixmap);
    UNWRAP(screen, ours, UnrealizeWindow);
}
