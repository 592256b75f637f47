/*
 * The owner of a protected window, for the tests. Shows one window of one colour and does what it reads from its standard
 * input, one command a line, answering `ok` when the server has done it:
 *   mark | unmark | paint RRGGBB | map | unmap | move X Y | size W H | quit
 * Prints the window's number first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xcb/xcb.h>

static xcb_connection_t *x;
static xcb_window_t window;
static xcb_pixmap_t kept;
static xcb_gcontext_t gc;
static uint32_t colour;

static void sync_server(void)
{
    free(xcb_get_input_focus_reply(x, xcb_get_input_focus(x), NULL));
}

static void paint(void)
{
    xcb_change_window_attributes(x, window, XCB_CW_BACK_PIXEL, &colour);
    xcb_clear_area(x, 0, window, 0, 0, 0, 0);
    xcb_change_gc(x, gc, XCB_GC_FOREGROUND, &colour);
    xcb_poly_fill_rectangle(x, kept, gc, 1, &(xcb_rectangle_t) { 0, 0, 100, 100 });
}

/* Waits until the window is seen on the screen, as a window manager takes its time. */
static void wait_mapped(void)
{
    for (int i = 0; i < 400; i++) {
        xcb_get_window_attributes_reply_t *a = xcb_get_window_attributes_reply(x, xcb_get_window_attributes(x, window), NULL);
        int shown = a && a->map_state == XCB_MAP_STATE_VIEWABLE;
        struct timespec nap = { 0, 5000000 };

        free(a);
        if (shown)
            return;
        nanosleep(&nap, NULL);
    }
}

static void obey(const char *line, xcb_atom_t mark)
{
    uint32_t one = 1, v[2];

    if (strncmp(line, "mark", 4) == 0)
        xcb_change_property(x, XCB_PROP_MODE_REPLACE, window, mark, XCB_ATOM_CARDINAL, 32, 1, &one);
    else if (strncmp(line, "unmark", 6) == 0)
        xcb_delete_property(x, window, mark);
    else if (strncmp(line, "unmap", 5) == 0)
        xcb_unmap_window(x, window);
    else if (strncmp(line, "map", 3) == 0) {
        xcb_map_window(x, window);
        xcb_flush(x);
        wait_mapped();
        paint();
    } else if (sscanf(line, "paint %x", &colour) == 1)
        paint();
    else if (sscanf(line, "move %u %u", &v[0], &v[1]) == 2)
        xcb_configure_window(x, window, XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y, v);
    else if (sscanf(line, "size %u %u", &v[0], &v[1]) == 2)
        xcb_configure_window(x, window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, v);
    else if (strncmp(line, "quit", 4) == 0)
        exit(0);
}

int main(void)
{
    static const char name[] = "_SHOJI_PROTECTED", title[] = "protected";
    char line[128];
    xcb_screen_t *screen;
    xcb_intern_atom_reply_t *atom;
    /* A position the user asked for, which window managers keep. */
    uint32_t hints[18] = { 1 | 2, 40, 40, 240, 180 };

    x = xcb_connect(NULL, NULL);
    if (xcb_connection_has_error(x))
        return 1;
    screen = xcb_setup_roots_iterator(xcb_get_setup(x)).data;
    atom = xcb_intern_atom_reply(x, xcb_intern_atom(x, 0, sizeof name - 1, name), NULL);
    if (!atom)
        return 1;
    window = xcb_generate_id(x);
    kept = xcb_generate_id(x); /* what a program keeps of its pictures in the server; its number follows the window's */
    gc = xcb_generate_id(x);
    xcb_create_pixmap(x, screen->root_depth, kept, screen->root, 100, 100);
    xcb_create_gc(x, gc, kept, 0, NULL);
    xcb_create_window(x, XCB_COPY_FROM_PARENT, window, screen->root, 40, 40, 240, 180, 0, XCB_WINDOW_CLASS_INPUT_OUTPUT,
                      XCB_COPY_FROM_PARENT, XCB_CW_BACK_PIXEL, &colour);
    xcb_change_property(x, XCB_PROP_MODE_REPLACE, window, XCB_ATOM_WM_NAME, XCB_ATOM_STRING, 8, sizeof title - 1, title);
    xcb_change_property(x, XCB_PROP_MODE_REPLACE, window, XCB_ATOM_WM_NORMAL_HINTS, XCB_ATOM_WM_SIZE_HINTS, 32, 18, hints);
    sync_server();
    printf("%u\n", window);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        obey(line, atom->atom);
        sync_server();
        puts("ok");
        fflush(stdout);
    }
    return 0;
}
