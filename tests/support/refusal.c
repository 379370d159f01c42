/* SPDX-License-Identifier: MIT
 *
 * Sends what has to be refused, and checks how it is.
 */
#include "support/refusal.h"

#include "support/cmocka.h"
#include "support/group.h"

void check_refusal(struct client *client, const struct refusal *refusal)
{
    struct reply reply = client_reply(client, "");
    if (reply.status != refusal->status) {
        fail_msg("%s: expected %d, got %s\n%s", refusal->name, refusal->status, reply.head,
                 reply.body);
    }
    assert_problem(&reply, refusal->status);
    if (refusal->keeps) {
        assert_no_reply_field(&reply, "Connection");
        struct reply next = client_ask(client, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_reply_text(&next, 200, "hello");
        reply_done(&next);
    } else {
        assert_reply_field(&reply, "Connection", "close");
        if (client->used < client->size) {
            fail_msg("%s: a second reply came: %s", refusal->name, client->data + client->used);
        }
        assert_int_equal(client_wait_end(client), 0);
    }
    reply_done(&reply);
}

void check_refusals(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct client client = client_open(ph_server_port(server));
        client_send(&client, refusals[i].bytes, refusals[i].size);
        check_refusal(&client, &refusals[i]);
        client_close(&client);
        assert_served(ph_server_port(server));
    }
}
