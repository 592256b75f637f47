/*
 * A camera that does not exist. Preloaded into a program, this library answers for /dev/video0 as a Video4Linux
 * capture device would, so that cameras are tested on machines that have none and without a kernel module.
 *
 *   cc -O2 -shared -fPIC -o fakecam.so fakecam.c -ldl -pthread
 *   LD_PRELOAD=$PWD/fakecam.so FAKECAM_FORMAT=MJPEG program
 *
 * The environment says what kind of camera it is:
 *   FAKECAM_FORMAT        YUYV (usual), NV12 or MJPEG. The JPEGs carry no Huffman tables, as those of many webcams
 *   FAKECAM_SIZE          1280x720 (usual); both even. 640x480 is always offered besides
 *   FAKECAM_FPS           30 (usual), or a fraction such as 30000/1001
 *   FAKECAM_UNPLUG_AFTER  so many pictures, then it is unplugged for good
 *   FAKECAM_BUSY          another program has it
 *   FAKECAM_STALL_AFTER   so many pictures, then no more come although it stays plugged
 *   FAKECAM_PLUG          a file: the camera is plugged in while it exists
 *   FAKECAM_LOG           a file that gets a line for every open, start, stop and close
 *
 * Every picture has a counter painted on it: 16 cells across, white for one, highest bit left, an eighth of the height
 * each for the cells and for their opposites below. Below that coloured bars walk to the left.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NODE "/dev/video0"
#define DESCRIPTORS 4096
#define BUFFERS 8

struct camera {
    int open, streaming;
    uint32_t width, height, pixels, sequence;
    uint32_t count, queue[BUFFERS], queued;
    uint8_t *memory[BUFFERS];
    size_t length;
};

static struct camera *cameras[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t width = 1280, height = 720, rate = 30, per = 1, pixels = V4L2_PIX_FMT_YUYV;
static long unplug_after = -1, stall_after = -1;
static int is_busy, is_unplugged;
static const char *plug, *log_file;

static int (*real_open)(const char *, int, ...);
static int (*real_open64)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_ioctl)(int, unsigned long, ...);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_statx)(int, const char *, int, unsigned, struct statx *);

static void configure(void) {
    const char *value;
    real_open = dlsym(RTLD_NEXT, "open");
    real_open64 = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_ioctl = dlsym(RTLD_NEXT, "ioctl");
    real_mmap = dlsym(RTLD_NEXT, "mmap");
    real_statx = dlsym(RTLD_NEXT, "statx");
    if ((value = getenv("FAKECAM_FORMAT"))) {
        pixels = !strcmp(value, "MJPEG") ? V4L2_PIX_FMT_MJPEG : !strcmp(value, "NV12") ? V4L2_PIX_FMT_NV12 : V4L2_PIX_FMT_YUYV;
    }
    if ((value = getenv("FAKECAM_SIZE"))) sscanf(value, "%ux%u", &width, &height);
    if ((value = getenv("FAKECAM_FPS"))) sscanf(value, "%u/%u", &rate, &per);
    if ((value = getenv("FAKECAM_UNPLUG_AFTER"))) unplug_after = atol(value);
    if ((value = getenv("FAKECAM_STALL_AFTER"))) stall_after = atol(value);
    is_busy = getenv("FAKECAM_BUSY") != NULL;
    plug = getenv("FAKECAM_PLUG");
    log_file = getenv("FAKECAM_LOG");
}

static void start(void) { pthread_once(&once, configure); }

static void note(const char *what) {
    if (!log_file) return;
    int file = real_open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    char line[64];
    int n = snprintf(line, sizeof line, "%s\n", what);
    if (write(file, line, (size_t)n) != n) { /* a log that cannot be written is no reason to fail */ }
    real_close(file);
}

static int is_plugged(void) {
    if (is_unplugged) return 0;
    return !plug || !access(plug, F_OK);
}

/* Some runtimes ask for no path at all to learn whether a call exists, although its declaration forbids that; the
 * volatile copy keeps the compiler from believing the declaration. */
static int is_node(const char *path) {
    const char *volatile given = path;
    const char *text = given;
    return text && !strcmp(text, NODE);
}

static struct camera *camera_of(int fd) { return fd >= 0 && fd < DESCRIPTORS ? cameras[fd] : NULL; }

/* The descriptor is a timer that ticks with the pictures, so that poll and select work by themselves. */
static int open_camera(void) {
    if (!is_plugged()) {
        errno = ENOENT;
        return -1;
    }
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) return fd;
    struct camera *camera = fd < DESCRIPTORS ? calloc(1, sizeof *camera) : NULL;
    if (!camera) {
        real_close(fd);
        errno = EMFILE;
        return -1;
    }
    camera->width = width;
    camera->height = height;
    camera->pixels = pixels;
    cameras[fd] = camera;
    note("open");
    return fd;
}

int open(const char *path, int flags, ...) {
    start();
    if (is_node(path)) return open_camera();
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    start();
    if (is_node(path)) return open_camera();
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return real_open64(path, flags, mode);
}

int close(int fd) {
    start();
    struct camera *camera = camera_of(fd);
    if (camera) {
        pthread_mutex_lock(&lock);
        cameras[fd] = NULL;
        pthread_mutex_unlock(&lock);
        note("close");
        free(camera);
    }
    return real_close(fd);
}

int statx(int at, const char *path, int flags, unsigned mask, struct statx *to) {
    start();
    if (!is_node(path)) return real_statx(at, path, flags, mask, to);
    if (is_plugged()) return real_statx(at, "/dev/null", flags, mask, to);
    errno = ENOENT;
    return -1;
}

static void *map(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    struct camera *camera = camera_of(fd);
    if (!camera) return real_mmap(where, length, protection, flags, fd, offset);
    size_t index = (size_t)offset >> 20;
    if (index >= camera->count || length != camera->length) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return camera->memory[index];
}

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    start();
    return map(where, length, protection, flags, fd, offset);
}

void *mmap64(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    start();
    return map(where, length, protection, flags, fd, offset);
}

/* ---- painting ---- */

struct colour {
    uint8_t y, u, v;
};

static struct colour colour_at(const struct camera *camera, uint32_t x, uint32_t y) {
    static const struct colour bars[8] = {
        {235, 128, 128}, {210, 16, 146}, {170, 166, 16}, {145, 54, 34}, {106, 202, 222}, {81, 90, 240}, {41, 240, 110}, {16, 128, 128},
    };
    uint32_t row = camera->height / 8;
    if (y < 2 * row) {
        int one = camera->sequence >> (15 - x * 16 / camera->width) & 1;
        struct colour cell = {(uint8_t)(one == (y < row) ? 235 : 16), 128, 128};
        return cell;
    }
    return bars[((x + camera->sequence * 8) * 8 / camera->width) & 7];
}

static size_t paint_yuyv(const struct camera *camera, uint8_t *to) {
    for (uint32_t y = 0; y < camera->height; y++) {
        for (uint32_t x = 0; x < camera->width; x += 2) {
            struct colour left = colour_at(camera, x, y), right = colour_at(camera, x + 1, y);
            *to++ = left.y;
            *to++ = left.u;
            *to++ = right.y;
            *to++ = left.v;
        }
    }
    return (size_t)camera->width * camera->height * 2;
}

static size_t paint_nv12(const struct camera *camera, uint8_t *to) {
    for (uint32_t y = 0; y < camera->height; y++)
        for (uint32_t x = 0; x < camera->width; x++) *to++ = colour_at(camera, x, y).y;
    for (uint32_t y = 0; y < camera->height; y += 2) {
        for (uint32_t x = 0; x < camera->width; x += 2) {
            struct colour colour = colour_at(camera, x, y);
            *to++ = colour.u;
            *to++ = colour.v;
        }
    }
    return (size_t)camera->width * camera->height * 3 / 2;
}

/* A baseline JPEG of flat blocks of 8 x 8: only the DC of each block is written, with the standard tables of ITU-T T.81
 * annex K, which are left out of the file. */

struct bits {
    uint8_t *to;
    uint32_t held;
    int count;
};

static void put(struct bits *bits, uint32_t value, int count) {
    bits->held = bits->held << count | value;
    bits->count += count;
    while (bits->count >= 8) {
        uint8_t byte = (uint8_t)(bits->held >> (bits->count - 8));
        *bits->to++ = byte;
        if (byte == 0xff) *bits->to++ = 0;
        bits->count -= 8;
    }
}

static void put_block(struct bits *bits, int luma, int value, int *before) {
    static const struct {
        uint8_t code, length;
    } dc[2][9] = {
        {{0, 2}, {1, 2}, {2, 2}, {6, 3}, {14, 4}, {30, 5}, {62, 6}, {126, 7}, {254, 8}},
        {{0, 2}, {2, 3}, {3, 3}, {4, 3}, {5, 3}, {6, 3}, {14, 4}, {30, 5}, {62, 6}},
    };
    int difference = value - *before, size = 0;
    *before = value;
    for (int rest = abs(difference); rest; rest >>= 1) size++;
    put(bits, dc[luma][size].code, dc[luma][size].length);
    if (size) put(bits, (uint32_t)(difference < 0 ? difference + (1 << size) - 1 : difference), size);
    if (luma) put(bits, 10, 4);
    else put(bits, 0, 2);
}

/* JPEG has the full range, the colours above the limited one. */
static int full(int value, int range) {
    int wide = (value - (range == 219 ? 16 : 128)) * 255 / range + (range == 219 ? 0 : 128);
    return (wide < 0 ? 0 : wide > 255 ? 255 : wide) - 128;
}

static size_t paint_jpeg(const struct camera *camera, uint8_t *to) {
    uint8_t *begin = to;
    uint8_t h[2] = {(uint8_t)(camera->height >> 8), (uint8_t)camera->height};
    uint8_t w[2] = {(uint8_t)(camera->width >> 8), (uint8_t)camera->width};
    const uint8_t quantisation[] = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
    const uint8_t frame[] = {0xff, 0xc0, 0, 17, 8, h[0], h[1], w[0], w[1], 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0};
    const uint8_t scan[] = {0xff, 0xda, 0, 12, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0};
    memcpy(to, quantisation, sizeof quantisation);
    to += sizeof quantisation;
    memset(to, 8, 64);
    to += 64;
    memcpy(to, frame, sizeof frame);
    to += sizeof frame;
    memcpy(to, scan, sizeof scan);
    to += sizeof scan;
    struct bits bits = {to, 0, 0};
    int y0 = 0, u0 = 0, v0 = 0;
    for (uint32_t y = 0; y < camera->height; y += 8) {
        for (uint32_t x = 0; x < camera->width; x += 8) {
            uint32_t cx = x + 4 < camera->width ? x + 4 : x, cy = y + 4 < camera->height ? y + 4 : y;
            struct colour colour = colour_at(camera, cx, cy);
            put_block(&bits, 1, full(colour.y, 219), &y0);
            put_block(&bits, 0, full(colour.u, 224), &u0);
            put_block(&bits, 0, full(colour.v, 224), &v0);
        }
    }
    if (bits.count) put(&bits, (1u << (8 - bits.count)) - 1, 8 - bits.count);
    to = bits.to;
    *to++ = 0xff;
    *to++ = 0xd9;
    return (size_t)(to - begin);
}

static size_t paint(const struct camera *camera, uint8_t *to) {
    if (camera->pixels == V4L2_PIX_FMT_MJPEG) return paint_jpeg(camera, to);
    return camera->pixels == V4L2_PIX_FMT_NV12 ? paint_nv12(camera, to) : paint_yuyv(camera, to);
}

/* ---- calls ---- */

static int fail(int why) {
    errno = why;
    return -1;
}

static void tick(int fd, int on) {
    struct itimerspec spec = {{0, 0}, {0, 0}};
    if (on) {
        uint64_t nanos = 1000000000ull * per / rate;
        spec.it_interval.tv_sec = spec.it_value.tv_sec = (time_t)(nanos / 1000000000ull);
        spec.it_interval.tv_nsec = spec.it_value.tv_nsec = (long)(nanos % 1000000000ull);
    }
    timerfd_settime(fd, 0, &spec, NULL);
}

static void describe(const struct camera *camera, struct v4l2_pix_format *to) {
    memset(to, 0, sizeof *to);
    to->width = camera->width;
    to->height = camera->height;
    to->pixelformat = camera->pixels;
    to->field = V4L2_FIELD_NONE;
    to->bytesperline = camera->pixels == V4L2_PIX_FMT_YUYV ? camera->width * 2 : camera->pixels == V4L2_PIX_FMT_NV12 ? camera->width : 0;
    to->sizeimage = camera->width * camera->height * 2;
    to->colorspace = V4L2_COLORSPACE_SRGB;
}

static int give_picture(int fd, struct camera *camera, struct v4l2_buffer *buffer) {
    uint64_t ticks;
    if (unplug_after >= 0 && (long)camera->sequence >= unplug_after) is_unplugged = 1;
    if (!is_plugged()) return fail(ENODEV);
    if (!camera->streaming) return fail(EINVAL);
    if (read(fd, &ticks, sizeof ticks) != sizeof ticks || !camera->queued) return fail(EAGAIN);
    if (stall_after >= 0 && (long)camera->sequence >= stall_after) {
        tick(fd, 0);
        return fail(EAGAIN);
    }
    uint32_t index = camera->queue[0];
    memmove(camera->queue, camera->queue + 1, sizeof *camera->queue * --camera->queued);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->index = index;
    buffer->bytesused = (uint32_t)paint(camera, camera->memory[index]);
    buffer->length = (uint32_t)camera->length;
    buffer->m.offset = index << 20;
    buffer->field = V4L2_FIELD_NONE;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    buffer->sequence = camera->sequence++;
    return 0;
}

static int request_buffers(struct camera *camera, struct v4l2_requestbuffers *request) {
    if (request->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
    if (request->count > BUFFERS) request->count = BUFFERS;
    camera->length = ((size_t)camera->width * camera->height * 3 + 4096 + 4095) & ~(size_t)4095;
    for (uint32_t i = 0; i < request->count; i++) {
        /* Unmapped by the program itself, as it would a real one. */
        camera->memory[i] = real_mmap(NULL, camera->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (camera->memory[i] == MAP_FAILED) return fail(ENOMEM);
    }
    camera->count = request->count;
    camera->queued = 0;
    return 0;
}

static int answer(int fd, struct camera *camera, unsigned long request, void *argument) {
    if (!is_plugged()) return fail(ENODEV);
    switch (request & 0xffffffff) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *to = argument;
        memset(to, 0, sizeof *to);
        strcpy((char *)to->driver, "fakecam");
        strcpy((char *)to->card, "Fake Camera");
        strcpy((char *)to->bus_info, "preload:0");
        to->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        to->capabilities = to->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *to = argument;
        if (to->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || to->index) return fail(EINVAL);
        to->flags = pixels == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
        to->pixelformat = pixels;
        strcpy((char *)to->description, "painted");
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
        struct v4l2_frmsizeenum *to = argument;
        if (to->index > 1 || to->pixel_format != pixels) return fail(EINVAL);
        to->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        to->discrete.width = to->index ? 640 : width;
        to->discrete.height = to->index ? 480 : height;
        return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
        struct v4l2_frmivalenum *to = argument;
        if (to->index) return fail(EINVAL);
        to->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        to->discrete.numerator = per;
        to->discrete.denominator = rate;
        return 0;
    }
    case VIDIOC_G_FMT:
        describe(camera, &((struct v4l2_format *)argument)->fmt.pix);
        return 0;
    case VIDIOC_S_FMT: {
        struct v4l2_pix_format *to = &((struct v4l2_format *)argument)->fmt.pix;
        if (is_busy) return fail(EBUSY);
        int small = to->width == 640 && to->height == 480;
        camera->width = small ? 640 : width;
        camera->height = small ? 480 : height;
        describe(camera, to);
        return 0;
    }
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_captureparm *to = &((struct v4l2_streamparm *)argument)->parm.capture;
        to->capability = V4L2_CAP_TIMEPERFRAME;
        to->timeperframe.numerator = per;
        to->timeperframe.denominator = rate;
        return 0;
    }
    case VIDIOC_REQBUFS:
        return request_buffers(camera, argument);
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *to = argument;
        if (to->index >= camera->count) return fail(EINVAL);
        to->length = (uint32_t)camera->length;
        to->m.offset = to->index << 20;
        to->flags = 0;
        return 0;
    }
    case VIDIOC_QBUF: {
        struct v4l2_buffer *from = argument;
        if (from->index >= camera->count || camera->queued >= BUFFERS) return fail(EINVAL);
        camera->queue[camera->queued++] = from->index;
        return 0;
    }
    case VIDIOC_DQBUF:
        return give_picture(fd, camera, argument);
    case VIDIOC_STREAMON:
        if (is_busy) return fail(EBUSY);
        note("start");
        camera->streaming = 1;
        tick(fd, 1);
        return 0;
    case VIDIOC_STREAMOFF:
        note("stop");
        camera->streaming = 0;
        camera->queued = 0;
        tick(fd, 0);
        return 0;
    default:
        return fail(ENOTTY);
    }
}

int ioctl(int fd, unsigned long request, ...) {
    start();
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    struct camera *camera = camera_of(fd);
    if (!camera) return real_ioctl(fd, request, argument);
    pthread_mutex_lock(&lock);
    int result = answer(fd, camera, request, argument);
    pthread_mutex_unlock(&lock);
    return result;
}
