/*
 * Which windows are protected: those that carry the property _SHOJI_PROTECTED, whatever its value. Only the process
 * that owns a window, or root, may set, change or remove it.
 *
 * The truth is the property itself. The list of marks only says where to look: a property that was let through may
 * still fail to be set or removed, so a mark whose window lost its property is dropped when somebody looks.
 */
#include "shield.h"

#include <stdlib.h>

#include "dix.h"
#include "extnsionst.h"
#include "propertyst.h"
#include "xacestr.h"

static Atom property;
static Bool ever;

/* Everything that is more than looking at a property. */
enum { CHANGING = DixWriteAccess | DixCreateAccess | DixDestroyAccess | DixBlendAccess };

static Bool carries(WindowPtr window)
{
    for (PropertyPtr p = wUserProps(window); p; p = p->next)
        if (p->propertyName == property)
            return TRUE;
    return FALSE;
}

Mark *mark_first(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);
    Mark **at = &ours->marks;

    while (*at) {
        Mark *mark = *at;

        if (carries(mark->window)) {
            at = &mark->next;
        } else {
            *at = mark->next;
            free(mark);
            ours->lingering = TRUE;
            ours->moved = GetTimeInMillis();
        }
    }
    if (!ours->marks)
        RegionEmpty(&ours->touched);
    return ours->marks;
}

WindowPtr mark_above(WindowPtr window)
{
    Mark *marks = mark_first(window->drawable.pScreen);

    for (; marks && window; window = window->parent)
        for (Mark *mark = marks; mark; mark = mark->next)
            if (mark->window == window)
                return window;
    return NULL;
}

Bool mark_holds(WindowPtr window, WindowPtr inner)
{
    for (; inner; inner = inner->parent)
        if (inner == window)
            return TRUE;
    return FALSE;
}

void mark_forget(WindowPtr window)
{
    ShieldScreen *ours = shield_screen(window->drawable.pScreen);

    for (Mark **at = &ours->marks; *at; at = &(*at)->next) {
        Mark *mark = *at;

        if (mark->window != window)
            continue;
        *at = mark->next;
        free(mark);
        ours->lingering = TRUE;
        ours->moved = GetTimeInMillis();
        break;
    }
    if (!ours->marks)
        RegionEmpty(&ours->touched);
}

Bool mark_touches(WindowPtr window)
{
    for (Mark *mark = mark_first(window->drawable.pScreen); mark; mark = mark->next)
        if (mark_holds(window, mark->window) || mark_holds(mark->window, window))
            return TRUE;
    return FALSE;
}

Bool mark_ever(void)
{
    return ever;
}

static Bool remember(WindowPtr window)
{
    ShieldScreen *ours = shield_screen(window->drawable.pScreen);
    Mark *mark;

    for (mark = ours->marks; mark; mark = mark->next)
        if (mark->window == window)
            return TRUE;
    mark = malloc(sizeof *mark);
    if (!mark)
        return FALSE;
    mark->window = window;
    mark->next = ours->marks;
    ours->marks = mark;
    ever = TRUE;
    return TRUE;
}

static void on_property(CallbackListPtr *callbacks, void *unused, void *data)
{
    XacePropertyAccessRec *access = data;

    if (access->status != Success || (*access->ppProp)->propertyName != property || !(access->access_mode & CHANGING))
        return;
    if (!trust_is_root(access->client) && !trust_same_process(access->client, wClient(access->pWin)))
        access->status = BadAccess;
    else if (!remember(access->pWin))
        access->status = BadAlloc;
}

Bool mark_start(void)
{
    property = MakeAtom(SHIELD_PROPERTY, sizeof SHIELD_PROPERTY - 1, TRUE);
    return property != BAD_RESOURCE && XaceRegisterCallback(XACE_PROPERTY_ACCESS, on_property, NULL);
}
