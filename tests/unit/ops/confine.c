/* SPDX-License-Identifier: BSD-3-Clause */
/* What every thread has given up afterwards, and what is kept when it must be. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "confined.h"

#define THREADS 6

/* ---- threads of the kinds that there are ---- */

static struct {
    pthread_barrier_t begun, confined;
    struct rights rights[THREADS + 1];
    bool may_regain[THREADS + 1];
} team;

/* Whoever is another user again, or has a capability again. */
static bool regains(void)
{
    struct rights rights;

    (void)!syscall(SYS_setresuid, 0, 0, 0);
    (void)!syscall(SYS_setresgid, 0, 0, 0);
    rights_read(&rights);
    return rights.uid[1] == 0 || rights.gid[1] == 0 || rights.effective != 0;
}

static void *member(void *arg)
{
    size_t i = (size_t)arg;
    const struct timespec nap = {.tv_nsec = 200000};
    sigset_t all;

    sigfillset(&all);
    if (i % 2)
        pthread_sigmask(SIG_BLOCK, &all, NULL); /* as EAL's threads and workers do */
    pthread_barrier_wait(&team.begun);
    for (int naps = 0; naps < 20 && i % 3 == 0; naps++)
        nanosleep(&nap, NULL); /* is interrupted */
    pthread_barrier_wait(&team.confined);
    rights_read(&team.rights[i]);
    team.may_regain[i] = regains();
    return NULL;
}

/* xord_confine in a process of several threads; whatever it said goes to stderr. */
static int team_confine(const struct xord_confine_config *config)
{
    char err[XORD_CONFINE_ERR_LEN] = "";
    pthread_t threads[THREADS];
    int rc;

    pthread_barrier_init(&team.begun, NULL, THREADS + 1);
    pthread_barrier_init(&team.confined, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, member, (void *)i))
            return 90;
    pthread_barrier_wait(&team.begun);
    rc = xord_confine(config, err);
    fputs(err, stderr);
    pthread_barrier_wait(&team.confined);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rights_read(&team.rights[THREADS]);
    return rc ? 91 : 0;
}

/* What each thread must have. */
struct wanted {
    struct xord_confine_config config;
    const struct xord_confine_user *becomes; /* NULL: as before */
    uint64_t caps;
    int dumpable;
};

static int expect_all(void *ctx)
{
    const struct wanted *wanted = ctx;
    struct rights before;
    int rc;

    rights_read(&before);
    rc = team_confine(&wanted->config);
    for (size_t i = 0; i <= THREADS && rc == 0; i++) {
        const struct rights *rights = &team.rights[i];
        uid_t uid = wanted->becomes ? wanted->becomes->uid : before.uid[0];
        gid_t gid = wanted->becomes ? wanted->becomes->gid : before.gid[0];

        for (int n = 0; n < 3; n++)
            if (rights->uid[n] != uid || rights->gid[n] != gid)
                return 1;
        if (rights->effective != wanted->caps || rights->permitted != wanted->caps)
            return 2;
        if (rights->inheritable || rights->ambient || rights->no_new_privs != 1)
            return 3;
        if ((before.effective & CAP_BIT(CAP_SETPCAP)) && rights->bounding)
            return 4;
        if (wanted->becomes && rights->group_cnt != wanted->becomes->group_cnt)
            return 5;
        if (rights->dumpable != wanted->dumpable)
            return 6;
        if (i < THREADS && wanted->becomes && team.may_regain[i] && wanted->caps == 0)
            return 7;
    }
    return rc;
}

static void expect(const struct wanted *wanted, const char *said)
{
    struct ending ending = child_run(expect_all, (void *)wanted);

    cr_assert_eq(ending.code, 0, "exit code %d, signal %d: %s", ending.code, ending.signal, ending.said);
    cr_assert(said ? strstr(ending.said, said) != NULL : ending.said[0] == '\0', "said \"%s\", want \"%s\"",
            ending.said, said ? said : "");
}

static bool is_root(void)
{
    struct rights rights;
    uint64_t needed = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_DAC_OVERRIDE);

    rights_read(&rights);
    return rights.uid[1] == 0 && (rights.effective & needed) == needed;
}

static struct xord_confine_user named(const char *name)
{
    struct xord_confine_user user;
    char err[XORD_CONFINE_ERR_LEN];

    cr_assert_eq(xord_confine_user(&user, name, err), 0, "%s", err);
    return user;
}

Test(confine, every_thread_loses_its_capabilities)
{
    expect(&(struct wanted){.config = {.seccomp = XORD_SECCOMP_OFF, .core_dumps = true}, .dumpable = 1}, NULL);
    expect(&(struct wanted){.config = {.seccomp = XORD_SECCOMP_OFF}}, NULL);
    expect(&(struct wanted){.config = {.seccomp = XORD_SECCOMP_OFF, .keep_caps = UINT64_C(1) << 63}}, NULL);
}

Test(confine, every_thread_becomes_the_user)
{
    struct xord_confine_user nobody;

    if (!is_root())
        cr_skip_test("for root only");
    nobody = named("nobody");
    cr_assert(nobody.is_change && nobody.is_named);
    expect(&(struct wanted){.config = {.user = &nobody, .seccomp = XORD_SECCOMP_OFF}, .becomes = &nobody}, NULL);
    expect(&(struct wanted){.config = {.user = &nobody, .seccomp = XORD_SECCOMP_OFF, .core_dumps = true},
                   .becomes = &nobody,
                   .dumpable = 1},
            NULL);
}

Test(confine, a_capability_may_be_kept)
{
    struct xord_confine_user nobody, root;
    struct wanted wanted = {.config = {.seccomp = XORD_SECCOMP_OFF, .keep_caps = CAP_BIT(CAP_NET_ADMIN)},
            .caps = CAP_BIT(CAP_NET_ADMIN)};

    if (!is_root())
        cr_skip_test("for root only");
    nobody = named("nobody");
    root = named("root");
    cr_assert(!root.is_change);
    expect(&wanted, NULL);
    wanted.config.user = &root;
    expect(&wanted, NULL);
    wanted.config.user = wanted.becomes = &nobody;
    expect(&wanted, NULL);
}

/* ---- what must be written later ---- */

static char dir[64], sub[96];

static void dir_make(mode_t mode, uid_t owner)
{
    snprintf(dir, sizeof(dir), "/tmp/xord-confine-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(chmod(dir, 0755), 0);
    snprintf(sub, sizeof(sub), "%s/sub", dir);
    cr_assert_eq(mkdir(sub, 0700), 0);
    cr_assert(chmod(sub, mode) == 0 && chown(sub, owner, (gid_t)-1) == 0);
}

static void dir_remove(void)
{
    rmdir(sub);
    rmdir(dir);
}

Test(confine, a_directory_that_the_user_may_write)
{
    struct xord_confine_user nobody;

    if (!is_root())
        cr_skip_test("for root only");
    nobody = named("nobody");
    dir_make(0700, nobody.uid);
    expect(&(struct wanted){.config = {.user = &nobody, .paths = {sub}, .path_cnt = 1, .seccomp = XORD_SECCOMP_OFF},
                   .becomes = &nobody},
            NULL);
    dir_remove();
}

static int refused(void *ctx)
{
    return team_confine(ctx) == 91 ? 0 : 1;
}

Test(confine, a_named_user_who_may_not_write_is_an_error)
{
    struct xord_confine_config config = {.paths = {sub}, .path_cnt = 1, .seccomp = XORD_SECCOMP_OFF};
    struct xord_confine_user nobody;
    struct ending ending;

    if (!is_root())
        cr_skip_test("for root only");
    nobody = named("nobody");
    dir_make(0755, 0);
    config.user = &nobody;
    ending = child_run(refused, &config);
    cr_assert_eq(ending.code, 0, "%s", ending.said);
    cr_assert(strstr(ending.said, "user nobody may not write to /tmp/xord-confine-") &&
                      strstr(ending.said, "chown nobody /tmp/xord-confine-"),
            "%s", ending.said);
    dir_remove();
}

Test(confine, in_place_of_a_default_user_root_stays)
{
    struct xord_confine_user nobody;

    if (!is_root())
        cr_skip_test("for root only");
    nobody = named("nobody");
    nobody.is_named = false;
    dir_make(0755, 0);
    expect(&(struct wanted){.config = {.user = &nobody, .paths = {sub}, .path_cnt = 1, .seccomp = XORD_SECCOMP_OFF}},
            "warning: staying root");
    dir_remove();
}

Test(confine, root_keeps_the_right_to_write_where_only_another_may)
{
    if (!is_root())
        cr_skip_test("for root only");
    dir_make(0700, 4711);
    expect(&(struct wanted){.config = {.paths = {sub}, .path_cnt = 1, .seccomp = XORD_SECCOMP_OFF},
                   .caps = CAP_BIT(CAP_DAC_OVERRIDE)},
            NULL);
    cr_assert_eq(chmod(sub, 0777), 0);
    expect(&(struct wanted){.config = {.paths = {sub}, .path_cnt = 1, .seccomp = XORD_SECCOMP_OFF}}, NULL);
    dir_remove();
}
