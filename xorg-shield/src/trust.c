/*
 * Who a client is: root, the same process as another, a compositor of the administrator's list. Everything is learnt
 * from the kernel (the credentials of the socket, /proc/PID/exe), nothing from what the client says. A client that
 * cannot be known is trusted with nothing.
 */
#include "shield.h"

#include <stdio.h>
#include <unistd.h>

#include "os.h"
#include "selection.h"
#include "xf86.h"

#include "list.h"

/* Zeroed by the server for every new client: not known, not listed. */
typedef struct {
    Bool root;
    int pid;    /* 0: not known */
    int listed; /* place in the list + 1 */
} Identity;

static DevPrivateKeyRec identity_key;
static List list;

static Identity *identity(ClientPtr client)
{
    return dixLookupPrivate(&client->devPrivates, &identity_key);
}

/* The place of the program a process runs in the list + 1, 0 if it is not there. */
static int listed_program(int pid)
{
    char link[32], path[LIST_PATH];
    ssize_t length;

    if (list.count == 0 || pid <= 0)
        return 0;
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || (size_t) length >= sizeof path - 1)
        return 0;
    path[length] = '\0';
    return list_find(&list, path) + 1;
}

/* A client has been let in. Its program is looked at now: later the process could have become another program. */
static void on_client(CallbackListPtr *callbacks, void *unused, void *data)
{
    ClientPtr client = ((NewClientInfoRec *) data)->client;
    Identity *who;
    LocalClientCredRec *creds;

    if (client->clientState != ClientStateRunning || client == serverClient)
        return;
    who = identity(client);
    if (GetLocalClientCreds(client, &creds) != 0)
        return;
    who->root = (creds->fieldsSet & LCC_UID_SET) && creds->euid == 0;
    who->pid = (creds->fieldsSet & LCC_PID_SET) ? creds->pid : 0;
    who->listed = listed_program(who->pid);
    FreeLocalClientCreds(creds);
}

/* A client declares itself the compositor, or is one no more. */
static void on_selection(CallbackListPtr *callbacks, void *unused, void *data)
{
    SelectionInfoRec *info = data;
    Bool in_place;

    if (info->kind == SelectionSetOwner && info->client && info->client != serverClient) {
        Identity *who = identity(info->client);

        /* Is its process still the program that connected? */
        if (who->listed && listed_program(who->pid) != who->listed)
            who->listed = 0;
    }
    for (int i = 0; i < screenInfo.numScreens; i++) {
        ScreenPtr screen = screenInfo.screens[i];
        ShieldScreen *ours = shield_screen(screen);
        ClientPtr now;

        if (info->selection->selection != ours->compositor)
            continue;
        now = info->kind == SelectionSetOwner ? trust_compositor(screen, &in_place) : NULL;
        /* Nobody answers any more for what the last one left on the screen. */
        if (ours->drawing && ours->drawing != now && (mark_first(screen) || ours->lingering))
            drift_blacken(screen);
        ours->drawing = now;
    }
}

Bool trust_start(const char *list_file)
{
    const char *trouble = list_load(list_file, &list);

    if (trouble)
        LogMessage(X_WARNING, "shoji-shield: %s: %s; no compositor is let through\n", list_file, trouble);
    if (list.bad_line)
        LogMessage(X_WARNING, "shoji-shield: %s:%d is not understood and lets nobody in\n", list_file, list.bad_line);
    return dixRegisterPrivateKey(&identity_key, PRIVATE_CLIENT, sizeof(Identity)) &&
        AddCallback(&ClientStateCallback, on_client, NULL) && AddCallback(&SelectionCallback, on_selection, NULL);
}

Bool trust_is_root(ClientPtr client)
{
    return client == serverClient || identity(client)->root;
}

Bool trust_same_process(ClientPtr a, ClientPtr b)
{
    return a == b || (identity(a)->pid != 0 && identity(a)->pid == identity(b)->pid);
}

ClientPtr trust_claimed_compositor(ScreenPtr screen)
{
    Selection *selection;

    if (dixLookupSelection(&selection, shield_screen(screen)->compositor, serverClient, DixGetAttrAccess) != Success)
        return NULL;
    return selection->window == None ? NULL : selection->client;
}

ClientPtr trust_compositor(ScreenPtr screen, Bool *in_place)
{
    ClientPtr client = trust_claimed_compositor(screen);
    int listed = client && client != serverClient ? identity(client)->listed : 0;

    if (!listed)
        return NULL;
    *in_place = list.entries[listed - 1].in_place;
    return client;
}
