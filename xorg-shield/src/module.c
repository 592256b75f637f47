/*
 * The module itself: how the Xorg server finds it, and what it sets up once per generation of the server.
 *
 * Fails closed and loudly: if a part cannot be set up, the extension does not appear, and clients know that nothing is
 * protected. It never ends the server.
 */
#include "shield.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extnsionst.h"
#include "globals.h"
#include "opaque.h"
#include "xf86.h"
#include "xf86Module.h"
#include "xf86Opt.h"

static DevPrivateKeyRec screen_key;
static char *list_file;

ShieldScreen *shield_screen(ScreenPtr screen)
{
    return dixLookupPrivate(&screen->devPrivates, &screen_key);
}

static Bool close_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);

    while (ours->marks) {
        Mark *next = ours->marks->next;

        free(ours->marks);
        ours->marks = next;
    }
    RegionUninit(&ours->touched);
    read_stop_screen(screen);
    drift_stop_screen(screen);
    UNWRAP(screen, ours, CloseScreen);
    if (screen->myNum == 0)
        read_stop();
    return screen->CloseScreen(screen);
}

static Bool start_screen(ScreenPtr screen)
{
    ShieldScreen *ours = shield_screen(screen);
    char name[32];

    snprintf(name, sizeof name, "_NET_WM_CM_S%d", screen->myNum);
    ours->compositor = MakeAtom(name, (unsigned) strlen(name), TRUE);
    if (ours->compositor == BAD_RESOURCE)
        return FALSE;
    RegionNull(&ours->touched);
    WRAP(screen, ours, CloseScreen, close_screen);
    drift_start_screen(screen);
    read_start_screen(screen);
    return TRUE;
}

/* A file of the administrator's counts alone, also when it cannot be believed: then nobody is let through. */
static const char *chosen_list(void)
{
    if (list_file)
        return list_file;
    return access(SHIELD_LIST_FILE, F_OK) == 0 ? SHIELD_LIST_FILE : SHIELD_DEFAULT_LIST;
}

static void start(void)
{
    const char *trouble = NULL;

    if (!noPanoramiXExtension)
        trouble = "Xinerama (several screens as one, without RandR) is not supported";
    else if (enableIndirectGLX)
        trouble = "with +iglx the server draws OpenGL itself, where this module does not look";
    else if (!dixRegisterPrivateKey(&screen_key, PRIVATE_SCREEN, sizeof(ShieldScreen)) || !veil_start())
        trouble = "no memory";
    for (int i = 0; !trouble && i < screenInfo.numScreens; i++)
        if (!start_screen(screenInfo.screens[i]))
            trouble = "no memory for a screen";
    if (!trouble && !(trust_start(chosen_list()) && mark_start() && gate_start()))
        trouble = "no memory for callbacks";
    if (!trouble) {
        read_start();
        if (!wire_start())
            trouble = "the extension cannot be added";
    }
    if (trouble)
        LogMessage(X_ERROR, "shoji-shield: nothing is protected: %s\n", trouble);
    else
        LogMessage(X_INFO, "shoji-shield: windows with %s are black to other clients\n", SHIELD_PROPERTY);
}

static const ExtensionModule extensions[] = { { start, SHIELD_EXTENSION, NULL } };

static void *setup(void *module, void *options, int *major_error, int *minor_error)
{
    static Bool done;

    if (done) {
        *major_error = LDR_ONCEONLY;
        return NULL;
    }
    done = TRUE;
    /*
     * The loader compares the extension ABI only, which has not changed for years while the structures this module looks into
     * have: they belong to the ABI of the drivers.
     */
    if (GET_ABI_MAJOR(LoaderGetABIVersion(ABI_CLASS_VIDEODRV)) != GET_ABI_MAJOR(ABI_VIDEODRV_VERSION)) {
        LogMessage(X_ERROR, "shoji-shield: built for another X server (driver ABI %d): nothing is protected\n",
                   GET_ABI_MAJOR(ABI_VIDEODRV_VERSION));
        *major_error = LDR_MISMATCH;
        return NULL;
    }
    list_file = xf86FindOptionValue(options, "Compositors") ? strdup(xf86FindOptionValue(options, "Compositors")) : NULL;
    LoadExtensionList(extensions, ARRAY_SIZE(extensions), FALSE);
    return module;
}

static XF86ModuleVersionInfo version = {
    "shojishield",        "Shoji",       MODINFOSTRING1,        MODINFOSTRING2,        XORG_VERSION_CURRENT,
    SHIELD_MAJOR,         SHIELD_MINOR,  0,                     ABI_CLASS_EXTENSION,   ABI_EXTENSION_VERSION,
    MOD_CLASS_EXTENSION,  { 0, 0, 0, 0 },
};

_X_EXPORT XF86ModuleData shojishieldModuleData = { &version, setup, NULL };
