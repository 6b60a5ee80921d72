/* Which pages there are, who may ask for them, and what they answer (doc/control.md). Requests and replies in memory: HTTP itself is
 * server.c's matter. */
#ifndef SLIRPPD_CONTROL_PAGES_H
#define SLIRPPD_CONTROL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "control/control.h"

/* The longest body of a request. */
#define BODY_MAX 4096

struct page;

struct request {
	const char *method, *path;
	const char *host, *content_type; /* headers, or NULL */
	bool trusted;            /* it came by the control socket */
	bool stranger;           /* by a process of a user that may not ask */
	uid_t uid;               /* that user, where it is trusted */
	const struct page *page; /* as pages_judge() found it */
	char body[BODY_MAX];
	size_t len;
};

struct reply {
	unsigned status;
	const char *type;
	char *body;       /* from malloc() */
	const char *page; /* or this one, which stays */
	size_t len;
	char allow[32];   /* with 405 */
};

/* What the head of a request is worth. True: its page is to be asked, once the body is there. False: REPLY says why not. */
bool pages_judge(struct request *request, struct reply *reply);

/* What the page answers. */
void pages_answer(struct control *control, const struct request *request, struct reply *reply);

/* A reply that says what is wrong. */
void reply_error(struct reply *reply, unsigned status, const char *text);
void reply_clear(struct reply *reply);

/* The status page, and what it may do (the header Content-Security-Policy; g_free() it): its own script and style, and to ask us. */
extern const char control_page[];
char *pages_policy(void);

#endif
