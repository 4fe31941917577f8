/* SPDX-License-Identifier: BSD-3-Clause */
/* Identities beside the first, and hints at how each is reached from outside. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "xord_bytes.h"

/* ---- --nat ---- */

static bool is_reachable(const uint8_t ip16[16])
{
    enum xord_ip_scope scope = xord_ip_scope(ip16);

    return scope == XORD_IP_GLOBAL || scope == XORD_IP_PRIVATE || scope == XORD_IP_LOOPBACK;
}

/* "ADDR", "1.2.3.4:9000" or "[2001:db8::1]:9000"; without a port it is 0. */
static int endpoint_parse(struct xord_endpoint *ep, const char *text)
{
    char ip[64];
    const char *end = strrchr(text, *text == '[' ? ']' : ':'), *from = text + (*text == '[');
    const char *colon = end && *end == ']' ? end + 1 : end;
    uint64_t udp_port = 0;

    *ep = (struct xord_endpoint){0};
    if (xord_ip_parse(ep->ip16, text) == 0)
        return is_reachable(ep->ip16) ? 0
                                      : complain("%s%s is no address that a node can have", by_option("--nat "), text);
    if (!end || *colon != ':' || (size_t)(end - from) >= sizeof(ip))
        return complain("%s%.60s is neither auto, none, an address, nor ADDR:PORT or [ADDR]:PORT", by_option("--nat "),
                text);
    memcpy(ip, from, (size_t)(end - from));
    ip[end - from] = '\0';
    if (xord_ip_parse(ep->ip16, ip) || xord_ip_is_v4(ep->ip16) != (*text != '['))
        return complain("%s%.60s is neither auto, none, an address, nor ADDR:PORT or [ADDR]:PORT", by_option("--nat "),
                text);
    if (!is_reachable(ep->ip16))
        return complain("%s%.60s is no address that a node can have", by_option("--nat "), text);
    if (number_parse(&udp_port, colon + 1, "nat ADDR:PORT: PORT", 1, 65535))
        return EXIT_USER;
    xord_endpoint_set_port(ep, (uint16_t)udp_port);
    return 0;
}

int nat_parse(struct nat_hint *hint, const char *text)
{
    struct xord_endpoint ep;
    int family;

    if (strcmp(text, "auto") == 0 || strcmp(text, "none") == 0) {
        hint->automatic |= *text == 'a';
        hint->never |= *text == 'n';
        return hint->automatic && hint->never ? complain("%scannot be both auto and none", by_option("--nat ")) : 0;
    }
    if (endpoint_parse(&ep, text))
        return EXIT_USER;
    family = !xord_endpoint_is_v4(&ep);
    if (hint->has_named[family])
        return complain("%snames two IPv%d endpoints: a record has room for one", by_option("--nat "), family ? 6 : 4);
    hint->has_named[family] = true;
    hint->named[family] = ep;
    return 0;
}

/* ---- --identity ---- */

static int identity_set(struct node_options *options, uint32_t number, const char *name, char *value)
{
    struct identity *identity = &options->identities[number];
    uint64_t udp_port;

    if (strcmp(name, "ip") == 0 || strcmp(name, "ip6") == 0)
        return ip_add(options, number, value);
    if (strcmp(name, "nat") == 0)
        return nat_parse(&identity->nat, value);
    if (strcmp(name, "key") == 0) {
        identity->key_path = value;
        return 0;
    }
    if (strcmp(name, "udp") != 0)
        return complain("%shas no \"%.40s\", only key=FILE, ip=ADDR[/PREFIX], udp=PORT and nat=HINT",
                by_option("--identity "), name);
    if (number_parse(&udp_port, value, "identity udp=PORT: PORT", 1, 65535))
        return EXIT_USER;
    identity->udp_port = (uint16_t)udp_port;
    return 0;
}

int identities_add(struct node_options *options, const char *text)
{
    uint32_t number = options->identity_cnt;
    char *rest = strdup(text), *part;

    if (!rest)
        return complain("out of memory");
    if (number == SERVICE_SELVES) {
        free(rest);
        return complain("%sone process has at most %d identities, with the first", by_option("--identity: "),
                SERVICE_SELVES);
    }
    options->identities[options->identity_cnt++] = (struct identity){.text = rest};
    while ((part = strsep(&rest, ",")) != NULL) {
        char *value = strchr(part, '=');

        if (!value)
            return complain("%s%.60s is no list of NAME=VALUE, such as key=FILE,ip=ADDR,udp=PORT",
                    by_option("--identity "), text);
        *value++ = '\0';
        if (identity_set(options, number, part, value))
            return EXIT_USER;
    }
    if (!options->identities[number].key_path)
        return complain("%s%.60s needs key=FILE, so that it stays the same node; `xord key new FILE` makes one",
                by_option("--identity "), text);
    return 0;
}

void identities_free(struct node_options *options)
{
    for (uint32_t i = 0; i < options->identity_cnt; i++)
        free(options->identities[i].text);
}

bool identity_has_ip(const struct node_options *options, uint32_t number)
{
    for (uint32_t i = 0; i < options->port.addr_cnt; i++)
        if (options->port.addrs[i].owner == number)
            return true;
    return false;
}

static const char *key_path(const struct node_options *options, uint32_t number)
{
    return number == 0 ? options->key_path : options->identities[number].key_path;
}

int identities_keys(uint8_t (*seckeys32)[32], const struct node_options *options)
{
    for (uint32_t i = 0; i < options->identity_cnt; i++) {
        if (key_read(seckeys32[i], key_path(options, i)))
            return EXIT_USER;
        for (uint32_t j = 0; j < i; j++)
            if (xord_ct_equal(seckeys32[i], seckeys32[j], 32))
                return complain(
                        "%s and %s hold the same key: each identity needs its own; `xord key new FILE` makes one",
                        key_path(options, j), key_path(options, i));
    }
    return 0;
}

/* A hint stands in for an address of its family, so there must be one. */
static int hints_check(const struct xord_port_config *config, const struct node_options *options)
{
    for (uint32_t i = 0; i < options->identity_cnt; i++) {
        bool has[2] = {false, false};

        for (uint32_t row = 0; row < config->addr_cnt; row++)
            if (config->addrs[row].owner == i)
                has[!xord_ip_is_v4(config->addrs[row].ip16)] = true;
        for (int family = 0; family < 2; family++)
            if (options->identities[i].nat.has_named[family] && !has[family])
                return complain(
                        "%snat of identity %u is for IPv%d, of which it has no address: give it an %sip of IPv%d "
                        "too, or leave that out",
                        by_option("--"), i + 1, family ? 6 : 4, by_option("--"), family ? 6 : 4);
    }
    return 0;
}

/* ---- what the port is to have ---- */

static int addr_put(struct xord_port_config *config, const struct xord_port_addr *addr)
{
    if (config->addr_cnt == XORD_PORT_MAX_ADDR)
        return complain("all identities together have at most %d addresses", XORD_PORT_MAX_ADDR);
    config->addrs[config->addr_cnt++] = *addr;
    return 0;
}

/* Every address of the machine, of IPv6 if it has that. */
static int everywhere_put(struct xord_port_config *config, uint32_t number)
{
    struct xord_port_addr addr = {.owner = (uint8_t)number};
    int err;

    memcpy(addr.ip16, xord_endpoint_any(0, 0).ip16, 16);
    err = addr_put(config, &addr);
    addr.optional = true;
    memset(addr.ip16, 0, 16);
    return err ? err : addr_put(config, &addr);
}

static struct xord_endpoint endpoint_of(const struct xord_port_config *config, uint32_t row)
{
    const struct xord_port_addr *addr = &config->addrs[row];

    return xord_endpoint_v6(addr->ip16, addr->udp_port ? addr->udp_port : config->udp_port);
}

/* "10.0.0.1:9000", or "every address, UDP port 9000". */
#define PLACE_LEN (XORD_ENDPOINT_TEXT_LEN + 32)
static const char *place_format(char text[PLACE_LEN], const struct xord_endpoint *ep)
{
    if (xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED)
        snprintf(text, PLACE_LEN, "every address, UDP port %u", ep->port);
    else
        xord_endpoint_format(text, ep);
    return text;
}

static int clash_complain(const struct xord_port_config *config, uint32_t a, uint32_t b)
{
    struct xord_endpoint ep_a = endpoint_of(config, a), ep_b = endpoint_of(config, b);
    unsigned owner_a = config->addrs[a].owner + 1U, owner_b = config->addrs[b].owner + 1U;
    char text_a[PLACE_LEN], text_b[PLACE_LEN];

    place_format(text_a, &ep_a);
    place_format(text_b, &ep_b);
    if (owner_a == owner_b && xord_endpoint_equal(&ep_a, &ep_b))
        return complain("identity %u is given %s twice: name each address once", owner_a, text_a);
    if (owner_a == owner_b)
        return complain("identity %u is given %s, and %s besides: one of the two is enough", owner_a, text_a, text_b);
    return complain("identity %u is at %s, so identity %u cannot be at %s: give one another address or UDP port",
            owner_a, text_a, owner_b, text_b);
}

/* Does one of them have what the other has? Those with any free port have not. */
static bool do_clash(const struct xord_endpoint *a, const struct xord_endpoint *b)
{
    bool any = xord_ip_scope(a->ip16) == XORD_IP_UNSPECIFIED || xord_ip_scope(b->ip16) == XORD_IP_UNSPECIFIED;

    if (a->port != b->port || xord_endpoint_is_v4(a) != xord_endpoint_is_v4(b))
        return false;
    return memcmp(a->ip16, b->ip16, 16) == 0 || any;
}

static int clashes_check(const struct xord_port_config *config)
{
    for (uint32_t i = 0; i < config->addr_cnt; i++)
        for (uint32_t j = 0; j < i; j++) {
            struct xord_endpoint a = endpoint_of(config, j), b = endpoint_of(config, i);
            bool free_port = a.port == 0 && config->addrs[i].owner != config->addrs[j].owner;

            if (do_clash(&a, &b) && !free_port)
                return clash_complain(config, j, i);
        }
    return 0;
}

int identities_port(struct xord_port_config *config, const struct node_options *options)
{
    bool is_device = port_is_device(options->port.spec);
    int err = 0;

    *config = options->port;
    for (uint32_t i = 0; i < config->addr_cnt; i++)
        config->addrs[i].udp_port = options->identities[config->addrs[i].owner].udp_port;
    for (uint32_t i = 0; i < options->identity_cnt && !err; i++) {
        uint32_t first = config->addr_cnt;

        if (identity_has_ip(options, i))
            continue;
        if (is_device)
            return complain("--port %s needs an ip= in each --identity: a device has no address of its own",
                    options->port.spec);
        err = everywhere_put(config, i);
        for (uint32_t row = first; row < config->addr_cnt; row++)
            config->addrs[row].udp_port = options->identities[i].udp_port;
    }
    if (!err)
        err = clashes_check(config);
    return err ? err : hints_check(config, options);
}
