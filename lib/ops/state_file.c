/* SPDX-License-Identifier: BSD-3-Clause */
/* The state on disk. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xord_state.h"

static int fail(char err[XORD_STATE_ERR_LEN], const char *path, const char *what)
{
    snprintf(err, XORD_STATE_ERR_LEN, "cannot %s the state file %.300s: %s", what, path, strerror(errno));
    return XORD_EIO;
}

static int beside(char out[PATH_MAX], const char *path, const char *suffix)
{
    int len = snprintf(out, PATH_MAX, "%s%s", path, suffix);

    errno = ENAMETOOLONG;
    return len < PATH_MAX ? 0 : XORD_EIO;
}

/* ---- saving ---- */

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return XORD_EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* So that the new name outlives a loss of power. Some file systems cannot: they have what they promise. */
static void sync_directory(const char *path)
{
    char copy[PATH_MAX];
    int fd;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!fsync(fd);
    close(fd);
}

static int write_file(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int err, error;

    if (fd < 0)
        return XORD_EIO;
    err = write_all(fd, data, len);
    if (!err && fsync(fd))
        err = XORD_EIO;
    error = errno;
    if (close(fd) && !err) {
        err = XORD_EIO;
        error = errno;
    }
    if (err)
        unlink(path);
    errno = error;
    return err;
}

int xord_state_save(const char *path, const struct xord_state *state, char err[XORD_STATE_ERR_LEN])
{
    char fresh[PATH_MAX];
    uint8_t *data;
    size_t len;
    int failed;

    if (beside(fresh, path, ".new"))
        return fail(err, path, "write");
    if (xord_state_encode(&data, &len, state)) {
        snprintf(err, XORD_STATE_ERR_LEN, "cannot write the state file %.300s: out of memory", path);
        return XORD_ENOMEM;
    }
    failed = write_file(fresh, data, len);
    if (failed || rename(fresh, path))
        failed = fail(err, path, "write");
    else
        sync_directory(path);
    free(data);
    return failed;
}

int xord_state_check(const char *path, char err[XORD_STATE_ERR_LEN])
{
    char fresh[PATH_MAX];

    if (beside(fresh, path, ".new") || write_file(fresh, NULL, 0) || unlink(fresh))
        return fail(err, path, "write");
    return 0;
}

/* ---- loading ---- */

static int read_file(int fd, uint8_t **out, size_t *len)
{
    struct stat st;
    uint8_t *data;
    size_t n = 0;

    if (fstat(fd, &st))
        return XORD_EIO;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return XORD_EIO;
    }
    *len = (size_t)st.st_size < XORD_STATE_MAX_LEN ? (size_t)st.st_size : XORD_STATE_MAX_LEN + 1U;
    data = malloc(*len + 1);
    if (!data)
        return XORD_EIO;
    while (n < *len) {
        ssize_t got = read(fd, data + n, *len - n);

        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    *out = data;
    *len = n;
    return 0;
}

static const char *reason(int err)
{
    switch (err) {
    case XORD_EPROTO:
        return "it is no state file of this version of xord";
    case XORD_ESHORT:
        return "its end is missing";
    case XORD_ETRAIL:
        return "there is something behind its end";
    case XORD_EAUTH:
        return "its checksum does not match";
    case XORD_ENOMEM:
        return "memory is short";
    default:
        return "it holds what xord does not write";
    }
}

static int refuse(const char *path, int why, char err[XORD_STATE_ERR_LEN])
{
    char aside[PATH_MAX];

    if (why == XORD_ENOMEM || beside(aside, path, ".bad") || rename(path, aside))
        snprintf(err, XORD_STATE_ERR_LEN, "the state file %.200s is refused, %s; move it away", path, reason(why));
    else
        snprintf(err, XORD_STATE_ERR_LEN, "the state file %.200s is refused, %s: set aside as %.200s", path,
                reason(why), aside);
    return why;
}

int xord_state_load(struct xord_state *state, const char *path, const struct xord_curve *curve,
        char err[XORD_STATE_ERR_LEN])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), failed;
    uint8_t *data = NULL;
    size_t len = 0;

    memset(state, 0, sizeof(*state));
    if (fd < 0)
        return errno == ENOENT ? XORD_ENOENT : fail(err, path, "read");
    if (read_file(fd, &data, &len)) {
        failed = fail(err, path, "read");
        close(fd);
        return failed;
    }
    close(fd);
    failed = xord_state_decode(state, data, len);
    free(data);
    if (!failed)
        failed = xord_state_verify(state, curve);
    if (!failed)
        return 0;
    xord_state_free(state);
    return refuse(path, failed, err);
}
