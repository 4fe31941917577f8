/* SPDX-License-Identifier: BSD-3-Clause */
/* Which user to become, and what that one may do. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine_private.h"

#define PASSWD_LEN 4096 /* of a line of the user database */

/* ---- the user database ---- */

static bool user_fill(struct xord_confine_user *user, const struct passwd *pw)
{
    int cnt = XORD_CONFINE_MAX_GROUPS;

    snprintf(user->name, sizeof(user->name), "%s", pw->pw_name);
    user->uid = pw->pw_uid;
    user->gid = pw->pw_gid;
    /* Of a user in more groups than there is room for, the first ones count. */
    (void)getgrouplist(pw->pw_name, pw->pw_gid, user->groups, &cnt);
    user->group_cnt = cnt < XORD_CONFINE_MAX_GROUPS ? cnt : XORD_CONFINE_MAX_GROUPS;
    return true;
}

static bool user_by_name(struct xord_confine_user *user, const char *name)
{
    struct passwd entry, *found = NULL;
    char buf[PASSWD_LEN];

    return getpwnam_r(name, &entry, buf, sizeof(buf), &found) == 0 && found && user_fill(user, found);
}

static bool user_by_id(struct xord_confine_user *user, uid_t uid)
{
    struct passwd entry, *found = NULL;
    char buf[PASSWD_LEN];

    return getpwuid_r(uid, &entry, buf, sizeof(buf), &found) == 0 && found && user_fill(user, found);
}

/* Who we are; in a container often without an entry. */
static void user_self(struct xord_confine_user *user)
{
    if (user_by_id(user, geteuid()))
        return;
    snprintf(user->name, sizeof(user->name), "%u", (unsigned)geteuid());
    user->uid = geteuid();
    user->gid = getegid();
    user->group_cnt = 0;
}

/* Who called sudo. */
static bool user_of_sudo(struct xord_confine_user *user)
{
    const char *text = getenv("SUDO_UID");
    unsigned long uid;
    char *end;

    if (!text || *text < '1' || *text > '9')
        return false;
    errno = 0;
    uid = strtoul(text, &end, 10);
    return !errno && !*end && uid <= UINT32_MAX && user_by_id(user, (uid_t)uid);
}

/* ---- what can be ---- */

/* Is the number known in our user namespace? */
static bool is_mapped(const char *path, uint32_t id)
{
    FILE *file = fopen(path, "re");
    uint64_t inside, outside, cnt;
    bool found = false;

    if (!file)
        return true; /* a kernel without user namespaces */
    while (!found && fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &cnt) == 3)
        found = id >= inside && id - inside < cnt;
    fclose(file);
    return found;
}

static bool groups_are_fixed(void)
{
    FILE *file = fopen("/proc/self/setgroups", "re");
    char word[8] = "";
    bool fixed = file && fscanf(file, "%7s", word) == 1 && strcmp(word, "deny") == 0;

    if (file)
        fclose(file);
    return fixed;
}

/* NULL, or why we cannot become that user. */
static const char *obstacle(const struct xord_confine_user *user)
{
    const uint64_t needed = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID);

    if (geteuid() != 0)
        return "only root may become another user";
    if (!is_mapped("/proc/self/uid_map", user->uid) || !is_mapped("/proc/self/gid_map", user->gid))
        return "this user namespace does not have it";
    if (groups_are_fixed())
        return "this user namespace does not let its groups change";
    if ((confine_caps() & needed) != needed)
        return "CAP_SETUID and CAP_SETGID are needed for that, and are not there";
    return NULL;
}

static int user_find(struct xord_confine_user *user, const char *name, char err[XORD_CONFINE_ERR_LEN])
{
    if (user_by_name(user, name))
        return 0;
    snprintf(err, XORD_CONFINE_ERR_LEN,
            "there is no user \"%.60s\": name one that is there, or make it (adduser "
            "--system --group %.60s)",
            name, name);
    return -1;
}

int xord_confine_user_check(const char *name, char err[XORD_CONFINE_ERR_LEN])
{
    struct xord_confine_user user;

    return user_find(&user, name, err);
}

static int user_named(struct xord_confine_user *user, const char *name, char err[XORD_CONFINE_ERR_LEN])
{
    const char *why;

    if (user_find(user, name, err))
        return -1;
    user->is_named = true;
    user->is_change = user->uid != geteuid();
    why = user->is_change ? obstacle(user) : NULL;
    if (why)
        snprintf(err, XORD_CONFINE_ERR_LEN, "cannot become user %s: %s", user->name, why);
    return why ? -1 : 0;
}

int xord_confine_user(struct xord_confine_user *user, const char *name, char err[XORD_CONFINE_ERR_LEN])
{
    memset(user, 0, sizeof(*user));
    if (name)
        return user_named(user, name, err);
    if (geteuid() == 0 && (user_of_sudo(user) || user_by_name(user, "xord") || user_by_name(user, "nobody")))
        user->is_change = user->uid != 0 && !obstacle(user);
    if (!user->is_change)
        user_self(user);
    return 0;
}

/* ---- what it may do ---- */

/* This thread alone takes on the user's rights to files, looks, and is itself again. */
struct disguise {
    gid_t groups[XORD_CONFINE_MAX_GROUPS];
    int group_cnt;
    gid_t gid;
    int dumpable; /* is 0 after each change */
    struct __user_cap_data_struct caps[2];
};

static int caps_effective(const struct __user_cap_data_struct caps[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return (int)syscall(SYS_capset, &header, caps);
}

static bool disguise_on(struct disguise *disguise, const struct xord_confine_user *user)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];

    disguise->group_cnt = getgroups(XORD_CONFINE_MAX_GROUPS, disguise->groups);
    disguise->gid = getegid();
    disguise->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (disguise->group_cnt < 0 || syscall(SYS_capget, &header, disguise->caps))
        return false;
    memcpy(none, disguise->caps, sizeof(none));
    none[0].effective = none[1].effective = 0;
    if (user->is_change) {
        if (syscall(SYS_setgroups, user->group_cnt, user->groups))
            return false;
        (void)setfsgid(user->gid);
        (void)setfsuid(user->uid);
    }
    return caps_effective(none) == 0;
}

/* What fails here would leave this thread half another user. */
static void disguise_off(const struct disguise *disguise, const struct xord_confine_user *user)
{
    bool bad = false;

    if (user->is_change)
        (void)setfsuid(geteuid());
    bad = caps_effective(disguise->caps) != 0;
    if (user->is_change) {
        (void)setfsgid(disguise->gid);
        bad |= syscall(SYS_setgroups, disguise->group_cnt, disguise->groups) != 0;
        bad |= (gid_t)setfsgid((gid_t)-1) != disguise->gid || (uid_t)setfsuid((uid_t)-1) != geteuid();
    }
    if (disguise->dumpable == 1)
        bad |= prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0;
    if (bad)
        abort();
}

bool xord_confine_may_write(const struct xord_confine_user *user, const char *path)
{
    struct disguise disguise;
    struct stat st;
    int how = stat(path, &st) == 0 && !S_ISDIR(st.st_mode) ? W_OK : W_OK | X_OK;
    bool may;

    if (!disguise_on(&disguise, user))
        return true; /* nothing is known: let the write itself tell */
    may = faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
    disguise_off(&disguise, user);
    return may;
}
