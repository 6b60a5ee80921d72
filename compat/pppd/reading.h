/* What the files of this folder share while options are read. Nobody else includes it (tests excepted).
 *
 * A function that returns bool returns false when it has kept what is wrong (option_fail()): the reading is over then. */
#ifndef SLIRPPD_COMPAT_PPPD_READING_H
#define SLIRPPD_COMPAT_PPPD_READING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <sys/stat.h>

#include "compat/pppd/options.h"
#include "compat/pppd/spec.h"
#include "compat/pppd/table.h"

/* pppd's priorities; a privileged source's OPT_STICKY options get PRIORITY_ROOT more. */
enum { PRIORITY_FILE = 1, PRIORITY_COMMAND = 2, PRIORITY_SECRETS = 3, PRIORITY_ROOT = 100 };

/* Everything outside this program that reading options asks, so that tests can answer. */
struct world {
	/* Reads a file. 0, or errno with the sentence that says why in TEXT. TRUSTED: its options count as privileged, so only the owner
	 * (root or ourselves) may be able to write it. */
	int (*load)(void *arg, const char *path, bool trusted, GString *text);
	/* 0 where PATH is a character device, ENODEV where it is something else, otherwise errno. ENOTTY where standard input is the
	 * same device and no terminal: others are not opened for that, since opening raises modem signals. */
	int (*device)(void *arg, const char *path);
	/* The IPv4 address of a host name; false where it has none. */
	bool (*resolve)(void *arg, const char *name, uint32_t *address);
	/* Whether a TUN interface may be made, or one called NAME (which may be NULL) was made for us. */
	bool (*may_tun)(void *arg, const char *name);
	/* Reads a secrets file: 0, or errno. ST tells who owns it and who else may read or write it; TEXT is the caller's to wipe. */
	int (*load_secrets)(void *arg, const char *path, GString *text, struct stat *st);
	/* The name of this machine (g_free it), or NULL; the address of the network NAME of /etc/networks; the address of the first Ethernet
	 * interface. */
	char *(*host_name)(void *arg);
	bool (*network)(void *arg, const char *name, uint32_t *address);
	bool (*ethernet)(void *arg, uint8_t address[6]);
	/* Whether a filter can be used: false with why in *WHY (g_free it). */
	bool (*filter)(void *arg, const struct filter_config *filter, char **why);
	/* A password into PASSWORD, without the end of its line: all that a descriptor gives until its end, or what a program says that asks for
	 * it (its arguments are USER and the peer's name, REMOTE). False: errno says why not. */
	bool (*read_password)(void *arg, int fd, GString *password);
	bool (*ask_password)(void *arg, const char *program, const char *user, const char *remote, GString *password);
	/* A variable of the environment, or NULL; also for those that the caller has no right to set for us. */
	const char *(*variable)(void *arg, const char *name);
	void *arg;
	char *home;        /* the user's folders; NULL: none */
	char *config_home;
	bool privileged;   /* the caller's own options count as privileged */
	bool root;
	uid_t uid;
};

void world_init(struct world *world);
/* Another one that gives the same answers. */
struct world world_copy(const struct world *world);
void world_clear(struct world *world);

/* Where options come from now. */
struct source {
	const char *name; /* a path, or `command line` */
	bool file;
	unsigned line;
	const char *key;  /* of a PyLiRP file, or NULL */
	int priority;
	bool privileged;
	bool for_tty;     /* options.TTY */
	bool secrets;     /* a line of a secrets file: the line is open by then */
	unsigned depth;   /* of file in file */
};

/* One use of an option, for dump. */
struct given {
	const struct option_row *row;
	char *name;   /* as given: an alias stays one */
	char *value;  /* NULL: takes none */
	char *source;
};

struct option_state {
	int priority;
	bool privileged;
	bool warned;
	GPtrArray *given; /* of struct given, for all rows of a group in its first row's state; NULL: never given */
};

/* One use of `config`. */
struct yaml_source {
	char *path;
	bool privileged;
};

enum net_choice { CHOICE_DEFAULT, CHOICE_SLIRP, CHOICE_TUN, CHOICE_AUTO };

struct options {
	struct config *config;
	struct world world;
	char *stdin_tty;
	bool as_pppd;
	const struct source *source;
	struct option_state *state;   /* one a row of the table */
	GPtrArray *notes;             /* of char *: warnings, kept until there is a log */
	int local_priority, remote_priority;
	int local_id_priority, remote_id_priority;
	char *domain;
	char *piped;                  /* what passwordfd read: it can be read once */
	const char *const *late;      /* words of a secrets line, read after everything else; NULL: none */
	int net;                      /* enum net_choice */
	char *shown;                  /* set by a row's call(): the value that dump shows */
	bool left_out;                /* likewise: another source's stands instead */
	GArray *yaml;                 /* of struct yaml_source: read after the command line, since `mode` may follow `config` */
	int mode;                     /* enum pylirp_mode */
	char **words;                 /* the command line as it was: secrets in argv are overwritten */
	char *folder;                 /* where the program was started ... */
	bool again;                   /* ... and where relative paths begin when it reads anew */
	char *why;                    /* the error that ended the reading; a line or more */
	enum exit_status status;      /* what the program then ends with */
	bool suggest_help;            /* and --help would have told */
	char *missing_device;         /* the device does not exist ... */
	char *missing_message;        /* ... which is an error with this text unless `persist` is given */
	bool show_options;
	bool stop;                    /* --help, --version: all is said */
};

/* Keeps what is wrong with an option, with file and line where it came from a file: the reading is over, and its caller says it or hands
 * it on (of several, the first counts). Always returns false. */
bool option_fail(struct options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same text, not kept. */
char *option_message(const struct options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ARG as a line of an options file has it, which dump prints (g_free). */
char *option_word(const char *arg);
/* Keeps a warning for options_report(). */
void option_note(struct options *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Takes NAME with its argument (NULL where the row takes none) from o->source: privilege, priority, limits, then the config. */
bool option_apply(struct options *o, const struct option_row *row, const char *name, const char *arg);

/* The row that WORD means: by name, or the positional row that takes it. NULL: none, which has been said. */
const struct option_row *option_for_word(struct options *o, const char *word);

/* Whether the option of this name was given and is in effect. */
bool option_given(const struct options *o, const char *name);
/* Where it was given, or NULL. */
const char *option_source(const struct options *o, const char *name);

/* Reads options from the text of a file. SOURCE is what it was read as; its line is set here. */
bool options_read_text(struct options *o, const struct source *source, const char *text, size_t len);
bool options_read_args(struct options *o, int argc, char *argv[]);
/* Reads the file that SOURCE names; where it is not there, that is an error if MANDATORY. */
bool options_read_file(struct options *o, const struct source *source, bool mandatory);

/* The files named by `config`, through the table as an options file's words would go. */
bool options_read_yaml(struct options *o);

/* After everything was read: the line, the backend, what contradicts what; then config_finish(). */
bool check_options(struct options *o);
/* Its part about who must prove what: names that follow from the host's, and whether there are secrets at all. The backend is known. */
bool check_auth(struct options *o);
/* promptprog: asks for the password, where none was given. */
bool check_prompt(struct options *o);

/* `call` of the rows. */
#define OPTION_CALL(name) bool name(struct options *o, const struct option_row *row, const char *arg)
OPTION_CALL(call_file);
OPTION_CALL(call_peer);
OPTION_CALL(call_help);
OPTION_CALL(call_version);
OPTION_CALL(call_show_options);
OPTION_CALL(call_lcp_all);
OPTION_CALL(call_mru);
OPTION_CALL(call_asyncmap);
OPTION_CALL(call_escape);
OPTION_CALL(call_xonxoff);
OPTION_CALL(call_no_xonxoff);
OPTION_CALL(call_updetach);
OPTION_CALL(call_sdnotify);
OPTION_CALL(call_logfd);
OPTION_CALL(call_nolog);
OPTION_CALL(call_label);
OPTION_CALL(call_device);
OPTION_CALL(call_speed);
OPTION_CALL(call_addresses);
OPTION_CALL(call_name_server);
OPTION_CALL(call_socket);
OPTION_CALL(call_set);
OPTION_CALL(call_unset);
OPTION_CALL(call_demand);
OPTION_CALL(call_mo_direction);
OPTION_CALL(call_netmask);
OPTION_CALL(call_plugin);
OPTION_CALL(call_passwordfd);
OPTION_CALL(call_privgroup);
OPTION_CALL(call_endpoint);
OPTION_CALL(call_require);
OPTION_CALL(call_refuse);
OPTION_CALL(call_ua);
OPTION_CALL(call_domain);
OPTION_CALL(call_allow_ip);
OPTION_CALL(call_allow_number);
OPTION_CALL(call_tls_version);
OPTION_CALL(call_tls_verify);
OPTION_CALL(call_identifiers);
OPTION_CALL(call_code_sizes);
OPTION_CALL(call_no_code);
OPTION_CALL(call_mppe);
OPTION_CALL(call_no_mppe);
OPTION_CALL(call_net);
OPTION_CALL(call_service);
OPTION_CALL(call_forward);
OPTION_CALL(call_access);
OPTION_CALL(call_rate_limit);
OPTION_CALL(call_lockout);
OPTION_CALL(call_socks);
OPTION_CALL(call_metrics);
OPTION_CALL(call_proxy);
OPTION_CALL(call_capture_size);
OPTION_CALL(call_config);
OPTION_CALL(call_mode);

bool match_device(struct options *o, const char *word);
bool match_speed(struct options *o, const char *word);
bool match_addresses(struct options *o, const char *word);
bool match_nic(struct options *o, const char *word);

/* The host's name, with what `domain` says (g_free it). */
char *option_host_name(const struct options *o);
/* Loopback, multicast and class E never belong to one end of a link. */
bool option_bad_address(uint32_t address);

/* Names are looked up as this reading's world does it. */
struct spec_names option_names(struct options *o);

/* Reads a file, as world.load does: 0, or errno with the sentence that says why in TEXT. */
int option_load(const struct options *o, const char *path, bool privileged, GString *text);
/* Ends a file's text, of which nothing stays in memory: it may hold passwords. */
void option_forget(GString *text);

void show_options(FILE *out);

#endif
