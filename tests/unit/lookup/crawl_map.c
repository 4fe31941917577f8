/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawl_private.h"

#include "net.h"

#define NODE_CNT 20000

Test(crawl_map, finds_what_was_put_in)
{
    struct crawl_node **nodes = calloc(NODE_CNT, sizeof(struct crawl_node *));
    struct xord_hash_key key = {{3, 4}};
    struct crawl_map map;
    struct net net;

    cr_assert(nodes);
    net_init(&net, NODE_CNT, 21);
    cr_assert_eq(crawl_map_init(&map, &key), 0);
    for (uint32_t i = 0; i < NODE_CNT; i++) {
        cr_assert_null(crawl_map_find(&map, net.nodes[i].enr.id32));
        nodes[i] = crawl_map_insert(&map, &net.nodes[i].enr);
        cr_assert(nodes[i]);
        cr_assert_eq(nodes[i]->index, i);
    }
    cr_assert_eq(map.node_cnt, NODE_CNT);
    for (uint32_t i = 0; i < NODE_CNT; i++) {
        cr_assert_eq(crawl_map_find(&map, net.nodes[i].enr.id32), nodes[i], "nodes never move");
        cr_assert_eq(crawl_map_at(&map, i), nodes[i]);
        cr_assert_bytes(nodes[i]->enr.id32, net.nodes[i].enr.id32, 32);
    }
    crawl_map_deinit(&map);
    net_deinit(&net);
    free(nodes);
    TEST_NO_LEAK();
}

/* Nodes and index together. */
Test(crawl_map, half_a_kilobyte_a_node)
{
    size_t slot_bytes = 2 * sizeof(struct crawl_slot) * 4 / 3; /* mean fill: between 3/8 and 3/4 */

    cr_log_info("%zu bytes a node, %zu for its slots", sizeof(struct crawl_node), slot_bytes);
    cr_assert_leq(sizeof(struct crawl_node) + slot_bytes, 512);
}
