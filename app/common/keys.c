/* SPDX-License-Identifier: BSD-3-Clause */
/* Secret keys in files: 64 hex digits, the form that geth's node keys have. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "xord_bytes.h"
#include "xord_identity.h"
#include "xord_rng.h"
#include "xord_text.h"

#define KEY_DIGITS 64

struct xord_curve *curve_open(void)
{
    uint8_t seed32[32];
    struct xord_curve *curve;

    xord_random_kernel(seed32, sizeof(seed32));
    curve = xord_curve_open(seed32);
    if (!curve)
        complain("out of memory");
    return curve;
}

/* Whoever can read the key can be the node. A group may read what systemd hands over with LoadCredential=: the directory is
 * the guard there, and its list of who may shows as the group's rights. */
static mode_t forbidden_mode(const char *path)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    size_t len = credentials ? strlen(credentials) : 0;
    bool is_credential = len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/';

    return is_credential ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
}

/* Ours, or root's; root reads what it is told to. A pipe is as safe as who made it. */
static int key_guard(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st))
        return complain("cannot read key file %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return 0;
    if (st.st_mode & forbidden_mode(path))
        return complain("key file %s is open to others than its owner (mode %04o): chmod 600 %s", path,
                (unsigned)(st.st_mode & 07777), path);
    if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        return complain("key file %s belongs to another user, who can change it: chown it to yourself, or take a key "
                        "of your own",
                path);
    return 0;
}

/* The file's text without white space at either end; NULL after a complaint. */
static char *key_text(char *text, size_t cap, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : 0;
    int error = errno;

    if (fd >= 0 && key_guard(fd, path)) {
        close(fd);
        return NULL;
    }
    if (fd >= 0) {
        len = read(fd, text, cap - 1);
        error = errno;
        close(fd);
    }
    if (len < 0) {
        complain("cannot read key file %s: %s", path, strerror(error));
        return NULL;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    text[len] = '\0';
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

int key_read(uint8_t seckey32[32], const char *path)
{
    char buf[256], *text = key_text(buf, sizeof(buf), path);
    uint8_t pubkey33[33];
    struct xord_curve *curve;
    int err;

    if (!text)
        return EXIT_USER;
    err = xord_hex_decode(seckey32, 32, text, strlen(text));
    if (err)
        err = complain(
                "key file %s is malformed: it must hold %d hex digits and nothing else; `xord key new` makes one", path,
                KEY_DIGITS);
    xord_wipe(buf, sizeof(buf));
    if (err)
        return err;
    curve = curve_open();
    if (!curve)
        return EXIT_USER;
    if (xord_pubkey_from_seckey(curve, pubkey33, seckey32))
        err = complain("key file %s holds no valid secp256k1 key: zero or above the group order", path);
    xord_curve_close(curve);
    return err;
}

int key_write(const char *path, const uint8_t seckey32[32])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char text[KEY_DIGITS + 1];
    bool bad;

    if (fd < 0 && errno == EEXIST)
        return complain("%s exists already: a key is never overwritten; choose another name", path);
    if (fd < 0)
        return complain("cannot create key file %s: %s", path, strerror(errno));
    xord_hex_encode(text, seckey32, 32);
    bad = write(fd, text, KEY_DIGITS) != KEY_DIGITS || fsync(fd) != 0;
    bad |= close(fd) != 0;
    xord_wipe(text, sizeof(text));
    if (!bad)
        return 0;
    complain("cannot write key file %s: %s", path, strerror(errno));
    unlink(path);
    return EXIT_USER;
}

void key_random(uint8_t seckey32[32], const struct xord_curve *curve)
{
    uint8_t pubkey33[33];

    do {
        xord_random_kernel(seckey32, 32);
    } while (xord_pubkey_from_seckey(curve, pubkey33, seckey32));
}
