/*
 * What the parts of the module know of each other. The order of a read: read.c asks veil.c which part of a drawable is
 * protected, veil.c asks mark.c which windows are and trust.c who is asking.
 */
#ifndef SHIELD_H
#define SHIELD_H

#include <xorg-server.h>

#include <X11/X.h>
#include <X11/Xproto.h>

#include "misc.h"
#include "dixstruct.h"
#include "picturestr.h"
#include "pixmapstr.h"
#include "privates.h"
#include "regionstr.h"
#include "scrnintstr.h"
#include "windowstr.h"

#include "list.h"

#define SHIELD_EXTENSION "SHOJI-SHIELD"
#define SHIELD_PROPERTY "_SHOJI_PROTECTED"
#define SHIELD_MAJOR 1
#define SHIELD_MINOR 0
/* The administrator's list, and the one that comes with the package and counts while there is no other. */
#define SHIELD_LIST_FILE "/etc/shoji/xorg-shield.conf"
#define SHIELD_DEFAULT_LIST "/usr/share/shoji-xorg-shield/compositors.conf"

/* A window that carried the property when somebody last looked; see mark.c. */
typedef struct Mark {
    WindowPtr window;
    struct Mark *next;
} Mark;

/* One per screen and generation of the server. */
typedef struct {
    Mark *marks;
    RegionRec touched; /* where marked windows have been on this screen since there are any; see drift.c */
    Atom compositor;   /* the selection _NET_WM_CM_Sn */
    Bool lingering;    /* a marked window moved or went... */
    CARD32 moved;      /* ...at this time; see veil.c */
    ClientPtr drawing; /* the compositor that was let through when the selection last changed */
    CloseScreenProcPtr CloseScreen;
    CreatePixmapProcPtr CreatePixmap;
    DestroyWindowProcPtr DestroyWindow;
    GetImageProcPtr GetImage;
    PaintWindowProcPtr PaintWindow;
    PositionWindowProcPtr PositionWindow;
    SetWindowPixmapProcPtr SetWindowPixmap;
    UnrealizeWindowProcPtr UnrealizeWindow;
    CompositeProcPtr Composite;
    GlyphsProcPtr Glyphs;
    TrapezoidsProcPtr Trapezoids;
    TrianglesProcPtr Triangles;
    TriStripProcPtr TriStrip;
    TriFanProcPtr TriFan;
} ShieldScreen;

ShieldScreen *shield_screen(ScreenPtr screen);

/* A function of the screen is called as those beneath it expect: with their own in its place. */
#define UNWRAP(holder, saved, field) ((holder)->field = (saved)->field)
#define WRAP(holder, saved, field, ours) ((saved)->field = (holder)->field, (holder)->field = (ours))

/* trust.c: who is asking. */
Bool trust_start(const char *list_file);
Bool trust_is_root(ClientPtr client);
Bool trust_same_process(ClientPtr a, ClientPtr b);
/* Who draws the screen, NULL if nobody or if it is not one of the administrator's list. */
ClientPtr trust_compositor(ScreenPtr screen, Bool *in_place);
/* Does anybody say that they draw the screen? */
ClientPtr trust_claimed_compositor(ScreenPtr screen);

/* mark.c: which windows are protected. */
Bool mark_start(void);
Mark *mark_first(ScreenPtr screen);
/* The nearest of a window and its ancestors that is marked, NULL if none. */
WindowPtr mark_above(WindowPtr window);
/* Is `window` an ancestor of `inner`, or itself? */
Bool mark_holds(WindowPtr window, WindowPtr inner);
void mark_forget(WindowPtr window);
/* A marked window, or one that holds or lies in one? */
Bool mark_touches(WindowPtr window);
/* Was there ever a mark since the server started? */
Bool mark_ever(void);

/* veil.c: which part of a drawable is protected. */
typedef enum { VEIL_NONE, VEIL_PART, VEIL_WHOLE } Veil;

Bool veil_start(void);
/* May be asked for any drawable. With VEIL_PART, `part` (already initialised) holds it in the drawable's coordinates. */
Veil veil_of(DrawablePtr drawable, ClientPtr reader, RegionPtr part);
/* The same for a pixmap that windows are drawn into, in screen coordinates; what lies in `except` does not count. */
Veil veil_of_store(PixmapPtr store, ClientPtr reader, WindowPtr except, RegionPtr part);
PixmapPtr veil_store(WindowPtr window);
Bool veil_exempt(ClientPtr client, ScreenPtr screen);
Bool veil_guards(ClientPtr owner);
void veil_taint(PixmapPtr pixmap);
void veil_named(PixmapPtr pixmap, WindowPtr window);
void veil_lent(PixmapPtr pixmap);
Bool veil_was_lent(WindowPtr window);

/* gate.c: which requests may touch what at all. */
Bool gate_start(void);

/* read.c: requests that copy pixels. */
void read_start_screen(ScreenPtr screen);
void read_start(void);
void read_stop_screen(ScreenPtr screen);
void read_stop(void);

/* drift.c: pixels that move without being asked for. */
void drift_start_screen(ScreenPtr screen);
void drift_stop_screen(ScreenPtr screen);
/* Blackens `region`, which is in the coordinates of the screen. */
void drift_fill(DrawablePtr drawable, RegionPtr region);
/* Blackens all of the screen's own store. */
void drift_blacken(ScreenPtr screen);

/* wire.c: what clients may ask the module. */
Bool wire_start(void);

#endif
