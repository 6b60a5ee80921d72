/* automaton: the 160 cells of RFC 1661 §4.1, typed a second time, column after column. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "ppp/automaton.h"

static const char *const event_names[AUTOMATON_EVENTS] = { "Up",  "Down", "Open", "Close", "TO+", "TO-",  "RCR+", "RCR-",
							   "RCA", "RCN",  "RTR",  "RTA",   "RUC", "RXJ+", "RXJ-", "RXR" };

/* A state each: the events in the order of the table's rows. */
static const char *const columns[AUTOMATON_STATES] = {
	/* Initial  */ "2 - tls/1 0 - - - - - - - - - - - -",
	/* Starting */ "irc,scr/6 - 1 tlf/0 - - - - - - - - - - - -",
	/* Closed   */ "- 0 irc,scr/6 2 - - sta/2 sta/2 sta/2 sta/2 sta/2 2 scj/2 2 tlf/2 2",
	/* Stopped  */ "- tls/1 3 2 - - irc,scr,sca/8 irc,scr,scn/6 sta/3 sta/3 sta/3 3 scj/3 3 tlf/3 3",
	/* Closing  */ "- 0 5 4 str/4 tlf/2 4 4 4 4 sta/4 tlf/2 scj/4 4 tlf/2 4",
	/* Stopping */ "- 1 5 4 str/5 tlf/3 5 5 5 5 sta/5 tlf/3 scj/5 5 tlf/3 5",
	/* Req-Sent */ "- 1 6 irc,str/4 scr/6 tlf/3 sca/8 scn/6 irc/7 irc,scr/6 sta/6 6 scj/6 6 tlf/3 6",
	/* Ack-Rcvd */ "- 1 7 irc,str/4 scr/6 tlf/3 sca,tlu/9 scn/7 scr/6 scr/6 sta/6 6 scj/7 6 tlf/3 7",
	/* Ack-Sent */ "- 1 8 irc,str/4 scr/8 tlf/3 sca/8 scn/6 irc,tlu/9 irc,scr/8 sta/6 8 scj/8 8 tlf/3 8",
	/* Opened   */
	"- tld/1 9 tld,irc,str/4 - - tld,scr,sca/8 tld,scr,scn/6 tld,scr/6 tld,scr/6 tld,zrc,sta/5 tld,scr/6 scj/9 9 tld,irc,str/5 ser/9",
};

static void add_name(void *arg, enum automaton_action one)
{
	static const char *const names[] = { "tld", "irc", "zrc", "scr", "sca", "scn", "str", "sta", "scj", "ser", "tlu", "tls", "tlf" };
	char *text = arg;
	unsigned bit = 0;

	while (1u << bit != (unsigned)one)
		bit++;
	if (*text)
		strcat(text, ",");
	strcat(text, names[bit]);
}

static void cell_text(char text[64], enum automaton_state state, enum automaton_event event)
{
	struct automaton_cell cell = automaton_look(state, event);
	char number[8];

	text[0] = '\0';
	if (!cell.legal) {
		strcpy(text, "-");
		return;
	}
	automaton_act(cell, add_name, text);
	snprintf(number, sizeof(number), "%s%d", *text ? "/" : "", (int)cell.next);
	strcat(text, number);
}

static void all_cells(void)
{
	for (unsigned state = 0; state < AUTOMATON_STATES; state++) {
		char column[256];
		char *rest = NULL;
		unsigned event = 0;

		strcpy(column, columns[state]);
		for (char *want = strtok_r(column, " ", &rest); want; want = strtok_r(NULL, " ", &rest), event++) {
			char got[64];
			cell_text(got, state, event);
			if (strcmp(got, want) != 0)
				printf("# %s in %s: %s, want %s\n", event_names[event], automaton_state_name(state), got, want);
			CU_ASSERT_STRING_EQUAL(got, want);
		}
		CU_ASSERT_EQUAL(event, AUTOMATON_EVENTS);
	}
}

static void an_impossible_event_changes_nothing(void)
{
	struct automaton_cell cell = automaton_look(STATE_OPENED, EVENT_UP);

	CU_ASSERT_FALSE(cell.legal);
	CU_ASSERT_EQUAL(cell.actions, 0);
	CU_ASSERT_EQUAL(cell.next, STATE_OPENED);
}

const struct unit_test unit_tests[] = {
	{ "automaton: the 160 cells of RFC 1661 section 4.1", all_cells },
	{ "automaton: an impossible event changes nothing", an_impossible_event_changes_nothing },
	{ 0 },
};
