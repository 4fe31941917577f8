/* SPDX-License-Identifier: BSD-3-Clause */
/* Which user to become, and what that one may write. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confined.h"

static char err[XORD_CONFINE_ERR_LEN];
static struct xord_confine_user user;

static bool is_root(void)
{
    struct rights rights;

    rights_read(&rights);
    return rights.uid[1] == 0 && (rights.effective & CAP_BIT(CAP_SETUID)) && (rights.effective & CAP_BIT(CAP_SETGID));
}

Test(confine_user, a_name)
{
    cr_assert_eq(xord_confine_user(&user, "no-such-user", err), -1);
    cr_assert(strstr(err, "there is no user \"no-such-user\""), "%s", err);
    if (!is_root())
        cr_skip_test("for root only");
    cr_assert_eq(xord_confine_user(&user, "nobody", err), 0, "%s", err);
    cr_assert(user.is_change && user.is_named && user.uid != 0 && user.gid != 0);
    cr_assert_str_eq(user.name, "nobody");
    cr_assert_eq(xord_confine_user(&user, "root", err), 0, "%s", err);
    cr_assert(!user.is_change && user.is_named);
}

Test(confine_user, the_default)
{
    if (!is_root()) {
        cr_assert_eq(xord_confine_user(&user, NULL, err), 0, "%s", err);
        cr_assert(!user.is_change && user.uid == geteuid());
        return;
    }
    unsetenv("SUDO_UID");
    cr_assert_eq(xord_confine_user(&user, NULL, err), 0, "%s", err);
    cr_assert(user.is_change && !user.is_named && user.uid != 0);
    cr_assert(strcmp(user.name, "xord") == 0 || strcmp(user.name, "nobody") == 0, "%s", user.name);
    setenv("SUDO_UID", "1", 1);
    cr_assert_eq(xord_confine_user(&user, NULL, err), 0, "%s", err);
    cr_assert(user.is_change && user.uid == 1 && strcmp(user.name, "daemon") == 0, "%u %s", user.uid, user.name);
    for (int i = 0; i < 6; i++) {
        static const char *const bad[] = {"0", "", "-1", "99999999999", "1x", "4294967294"};

        setenv("SUDO_UID", bad[i], 1);
        cr_assert_eq(xord_confine_user(&user, NULL, err), 0, "%s", err);
        cr_assert(user.is_change && user.uid != 0 && user.uid != 1, "%s: %u", bad[i], user.uid);
    }
}

static int ordinary(void *ctx)
{
    (void)ctx;
    if (is_root() && setresuid(1, 1, 1))
        return 1;
    if (xord_confine_user(&user, NULL, err) || user.is_change || user.uid != geteuid())
        return 2;
    if (xord_confine_user(&user, "nobody", err) == 0 && geteuid() != user.uid)
        return 3;
    fputs(err, stderr);
    return 0;
}

Test(confine_user, an_ordinary_user_becomes_nobody_else)
{
    struct ending ending = child_run(ordinary, NULL);

    cr_assert_eq(ending.code, 0, "%d", ending.code);
    cr_assert(strstr(ending.said, "cannot become user nobody: only root may"), "%s", ending.said);
}

/* What a container without these capabilities gives. */
static int powerless(void *ctx)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};

    (void)ctx;
    if (syscall(SYS_capset, &header, none))
        return 1;
    if (xord_confine_user(&user, NULL, err) || user.is_change || user.uid != 0)
        return 2;
    return xord_confine_user(&user, "nobody", err) == -1 && strstr(err, "CAP_SETUID") ? 0 : 3;
}

Test(confine_user, root_without_the_capabilities_stays)
{
    struct ending ending;

    if (!is_root())
        cr_skip_test("for root only");
    ending = child_run(powerless, NULL);
    cr_assert_eq(ending.code, 0, "%d %s", ending.code, ending.said);
}

Test(confine_user, who_may_write)
{
    static const struct {
        mode_t mode;
        bool owner_is_user, may;
    } rows[] = {{0700, true, true}, {0500, true, false}, {0600, true, false}, {0700, false, false},
            {0755, false, false}, {0777, false, true}, {0772, false, false}, {01777, false, true}};
    struct rights before, after;
    char dir[] = "/tmp/xord-confine-XXXXXX", file[96];
    int fd;

    if (!is_root())
        cr_skip_test("for root only");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(xord_confine_user(&user, "nobody", err), 0, "%s", err);
    rights_read(&before);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert(chmod(dir, rows[i].mode) == 0 && chown(dir, rows[i].owner_is_user ? user.uid : 0, (gid_t)-1) == 0);
        cr_assert_eq(xord_confine_may_write(&user, dir), rows[i].may, "mode %o", rows[i].mode);
    }
    cr_assert(chmod(dir, 0770) == 0 && chown(dir, 0, user.groups[0]) == 0);
    cr_assert(user.group_cnt > 0 && xord_confine_may_write(&user, dir), "by its group");
    cr_assert(!xord_confine_may_write(&user, "/tmp/xord-confine-nowhere"));
    snprintf(file, sizeof(file), "%s/file", dir);
    fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && chmod(dir, 0777) == 0);
    cr_assert(!xord_confine_may_write(&user, file));
    cr_assert(fchmod(fd, 0666) == 0 && xord_confine_may_write(&user, file), "a file needs no x");
    close(fd);
    unlink(file);
    rmdir(dir);
    rights_read(&after);
    cr_assert_eq(memcmp(&before, &after, sizeof(before)), 0, "the thread is itself again");
}
