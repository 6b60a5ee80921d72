/* The option negotiation automaton: RFC 1661 §4.1's table and a dispatcher. Called by cp.c for every control protocol. */
#include "ppp/automaton.h"

#include <stdint.h>

enum {
	TLD = ACTION_TLD,
	IRC = ACTION_IRC,
	ZRC = ACTION_ZRC,
	SCR = ACTION_SCR,
	SCA = ACTION_SCA,
	SCN = ACTION_SCN,
	STR = ACTION_STR,
	STA = ACTION_STA,
	SCJ = ACTION_SCJ,
	SER = ACTION_SER,
	TLU = ACTION_TLU,
	TLS = ACTION_TLS,
	TLF = ACTION_TLF
};

/* A cell: the actions above four bits of next state. */
#define C(actions, next) ((actions) << 4 | (next))
#define NO 0xf

/* clang-format off */
static const uint32_t table[AUTOMATON_EVENTS][AUTOMATON_STATES] = {
/*         0 Initial 1 Starting     2 Closed        3 Stopped             4 Closing   5 Stopping */
/*         6 Req-Sent         7 Ack-Rcvd         8 Ack-Sent         9 Opened */
/* Up   */ { 2,          C(IRC|SCR, 6), NO,            NO,                   NO,         NO,
             NO,              NO,              NO,              NO },
/* Down */ { NO,         NO,            0,             C(TLS, 1),            0,          1,
             1,               1,               1,               C(TLD, 1) },
/* Open */ { C(TLS, 1),  1,             C(IRC|SCR, 6), 3,                    5,          5,
             6,               7,               8,               9 },
/* Close*/ { 0,          C(TLF, 0),     2,             2,                    4,          4,
             C(IRC|STR, 4),   C(IRC|STR, 4),   C(IRC|STR, 4),   C(TLD|IRC|STR, 4) },
/* TO+  */ { NO,         NO,            NO,            NO,                   C(STR, 4),  C(STR, 5),
             C(SCR, 6),       C(SCR, 6),       C(SCR, 8),       NO },
/* TO-  */ { NO,         NO,            NO,            NO,                   C(TLF, 2),  C(TLF, 3),
             C(TLF, 3),       C(TLF, 3),       C(TLF, 3),       NO },
/* RCR+ */ { NO,         NO,            C(STA, 2),     C(IRC|SCR|SCA, 8),    4,          5,
             C(SCA, 8),       C(SCA|TLU, 9),   C(SCA, 8),       C(TLD|SCR|SCA, 8) },
/* RCR- */ { NO,         NO,            C(STA, 2),     C(IRC|SCR|SCN, 6),    4,          5,
             C(SCN, 6),       C(SCN, 7),       C(SCN, 6),       C(TLD|SCR|SCN, 6) },
/* RCA  */ { NO,         NO,            C(STA, 2),     C(STA, 3),            4,          5,
             C(IRC, 7),       C(SCR, 6),       C(IRC|TLU, 9),   C(TLD|SCR, 6) },
/* RCN  */ { NO,         NO,            C(STA, 2),     C(STA, 3),            4,          5,
             C(IRC|SCR, 6),   C(SCR, 6),       C(IRC|SCR, 8),   C(TLD|SCR, 6) },
/* RTR  */ { NO,         NO,            C(STA, 2),     C(STA, 3),            C(STA, 4),  C(STA, 5),
             C(STA, 6),       C(STA, 6),       C(STA, 6),       C(TLD|ZRC|STA, 5) },
/* RTA  */ { NO,         NO,            2,             3,                    C(TLF, 2),  C(TLF, 3),
             6,               6,               8,               C(TLD|SCR, 6) },
/* RUC  */ { NO,         NO,            C(SCJ, 2),     C(SCJ, 3),            C(SCJ, 4),  C(SCJ, 5),
             C(SCJ, 6),       C(SCJ, 7),       C(SCJ, 8),       C(SCJ, 9) },
/* RXJ+ */ { NO,         NO,            2,             3,                    4,          5,
             6,               6,               8,               9 },
/* RXJ- */ { NO,         NO,            C(TLF, 2),     C(TLF, 3),            C(TLF, 2),  C(TLF, 3),
             C(TLF, 3),       C(TLF, 3),       C(TLF, 3),       C(TLD|IRC|STR, 5) },
/* RXR  */ { NO,         NO,            2,             3,                    4,          5,
             6,               7,               8,               C(SER, 9) },
};
/* clang-format on */

struct automaton_cell automaton_look(enum automaton_state state, enum automaton_event event)
{
	uint32_t cell = table[event][state];

	if (cell == NO)
		return (struct automaton_cell){ .next = state };
	return (struct automaton_cell){ .actions = cell >> 4, .next = cell & 0xf, .legal = true };
}

void automaton_act(struct automaton_cell cell, automaton_fn *act, void *arg)
{
	for (unsigned bit = ACTION_TLD; bit <= ACTION_TLF; bit <<= 1) {
		if (cell.actions & bit)
			act(arg, (enum automaton_action)bit);
	}
}

const char *automaton_state_name(enum automaton_state state)
{
	static const char *const names[AUTOMATON_STATES] = { "Initial",  "Starting", "Closed",   "Stopped",  "Closing",
							     "Stopping", "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened" };

	return (unsigned)state < AUTOMATON_STATES ? names[state] : "?";
}
