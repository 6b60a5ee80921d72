/* What the files of this folder share; nobody else includes it. */
#ifndef SLIRPPD_CONTROL_INTERNAL_H
#define SLIRPPD_CONTROL_INTERNAL_H

#include <sys/stat.h>

#include "control/control.h"
#include "control/history.h"
#include "control/pages.h"
#include "control/snapshot.h"

struct control {
	struct loop *loop;
	struct session *session;
	const struct control_actions *actions;
	void *arg;
	const struct capture *capture;

	uint64_t started;
	int64_t epoch; /* the loop's clock and this are the time since 1970 */
	struct ring states, log;
	struct rates rates;
	struct timer second; /* while the link is up: takes a sample */
	GPtrArray *servers;  /* of struct server */
	char *policy;        /* pages_policy() */
	char *path;          /* the control socket's, when there is one */
	struct stat made;    /* and the file itself */
};

/* All that is told of this moment; snapshot_clear() it. */
void control_snapshot(struct control *control, bool trusted, struct snapshot *snapshot);

/* A listening socket and those that are connected to it. */
struct server;

/* Serves what connects to FD, a socket that listens and is the server's from now on, even where this fails (NULL, and one line logged).
 * TRUSTED: it is the control socket. */
struct server *server_new(struct control *control, int fd, bool trusted);
void server_free(struct server *server);

/* The pages that change something. */
void answer_forwards(struct control *control, const struct request *request, struct reply *reply);
void answer_services(struct control *control, const struct request *request, struct reply *reply);
void answer_flow(struct control *control, const struct request *request, struct reply *reply);
void answer_hangup(struct control *control, const struct request *request, struct reply *reply);
void answer_redial(struct control *control, const struct request *request, struct reply *reply);
void answer_reload(struct control *control, const struct request *request, struct reply *reply);

/* A reply with JSON as its body, which is released. */
void reply_json(struct reply *reply, unsigned status, json_t *json);

/* The path of a flow's page, but for its number. */
#define FLOW_PATH "/flows/"

#endif
