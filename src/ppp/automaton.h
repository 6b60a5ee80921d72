/* The option negotiation automaton of RFC 1661 §4, as its table.
 *
 * Knows nothing of packets: cp.c feeds it events and carries out the actions that it names. */
#ifndef SLIRPPD_PPP_AUTOMATON_H
#define SLIRPPD_PPP_AUTOMATON_H

#include <stdbool.h>

/* §4.2, with the RFC's numbers. */
enum automaton_state {
	STATE_INITIAL = 0,
	STATE_STARTING = 1,
	STATE_CLOSED = 2,
	STATE_STOPPED = 3,
	STATE_CLOSING = 4,
	STATE_STOPPING = 5,
	STATE_REQ_SENT = 6,
	STATE_ACK_RCVD = 7,
	STATE_ACK_SENT = 8,
	STATE_OPENED = 9
};

#define AUTOMATON_STATES 10

/* §4.3, in the order of the table's rows. */
enum automaton_event {
	EVENT_UP,        /* lower layer is up */
	EVENT_DOWN,      /* lower layer is down */
	EVENT_OPEN,      /* administrative open */
	EVENT_CLOSE,     /* administrative close */
	EVENT_TO_PLUS,   /* timeout with counter > 0 */
	EVENT_TO_MINUS,  /* timeout with counter expired */
	EVENT_RCR_PLUS,  /* receive Configure-Request (good) */
	EVENT_RCR_MINUS, /* receive Configure-Request (bad) */
	EVENT_RCA,       /* receive Configure-Ack */
	EVENT_RCN,       /* receive Configure-Nak/Rej */
	EVENT_RTR,       /* receive Terminate-Request */
	EVENT_RTA,       /* receive Terminate-Ack */
	EVENT_RUC,       /* receive unknown code */
	EVENT_RXJ_PLUS,  /* receive Code-Reject (permitted) or Protocol-Reject */
	EVENT_RXJ_MINUS, /* receive Code-Reject (catastrophic) or Protocol-Reject */
	EVENT_RXR        /* receive Echo-Request, Echo-Reply, Discard-Request */
};

#define AUTOMATON_EVENTS 16

/* §4.4: bits, the lowest first in the order of being carried out. */
enum automaton_action {
	ACTION_TLD = 1 << 0,  /* this layer down */
	ACTION_IRC = 1 << 1,  /* initialize restart count */
	ACTION_ZRC = 1 << 2,  /* zero restart count */
	ACTION_SCR = 1 << 3,  /* send Configure-Request */
	ACTION_SCA = 1 << 4,  /* send Configure-Ack */
	ACTION_SCN = 1 << 5,  /* send Configure-Nak/Rej */
	ACTION_STR = 1 << 6,  /* send Terminate-Request */
	ACTION_STA = 1 << 7,  /* send Terminate-Ack */
	ACTION_SCJ = 1 << 8,  /* send Code-Reject */
	ACTION_SER = 1 << 9,  /* send Echo-Reply */
	ACTION_TLU = 1 << 10, /* this layer up */
	ACTION_TLS = 1 << 11, /* this layer started */
	ACTION_TLF = 1 << 12  /* this layer finished */
};

struct automaton_cell {
	unsigned actions; /* bits of enum automaton_action */
	enum automaton_state next;
	bool legal; /* false: the event cannot happen in this state (a dash in the RFC) */
};

/* The cell of the table for EVENT in STATE. */
struct automaton_cell automaton_look(enum automaton_state state, enum automaton_event event);

/* Carries out ONE action bit. */
typedef void automaton_fn(void *arg, enum automaton_action one);

/* Calls ACT for each action of CELL, in their order. The caller has taken the next state before. */
void automaton_act(struct automaton_cell cell, automaton_fn *act, void *arg);

/* The name of a state as the RFC spells it, for messages. */
const char *automaton_state_name(enum automaton_state state);

#endif
