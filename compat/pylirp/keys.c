/* PyLiRP's keys and what becomes of them here; see keys.h. Read by the walk over a configuration (pylirp.c) and by emit.c. */
#include "compat/pylirp/keys.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OPTION(p, t, o) { .path = p, .type = t, .option = o }
#define UNLESS(p, o) { .path = p, .type = KEY_BOOL, .otherwise = o }
#define CHOICE(p, c) { .path = p, .type = KEY_CHOICE, .choices = c }
/* One of several that make an option together. */
#define PART(p, t) { .path = p, .type = t }
#define NOTHING(p, r) { .path = p, .reason = r }
#define USUALLY(p, u, r) { .path = p, .usual = u, .reason = r }

#define NO_TCP "TCP is that of the two ends' own systems, and of libslirp"
#define NO_FILES_TURNED "log files are appended to: logrotate turns them"
#define ALWAYS_LOGGED "every kind of refusal is logged, a bounded number a second, and counted"
#define NO_RETRY "a connection that a service refuses is refused to the peer, who may try again"
#define NO_TESTS "PyLiRP's own tests; slirppd has others"
#define ONE_PEER "a link has one peer: its limits are the whole ones"
#define LCP_DECIDES "ppp.restart_timeout and ppp.max_configure_requests decide that"

const struct key_row key_table[] = {
	CHOICE("mode", "host=|client="),

	OPTION("serial.port", KEY_TEXT, "DEVICE"),
	OPTION("serial.baudrate", KEY_NUMBER, "SPEED"),
	CHOICE("serial.flow_control", "none=nocrtscts|hardware=crtscts|software=xonxoff"),
	NOTHING("serial.timeout", "nothing here waits for the line"),
	NOTHING("serial.write_timeout", "nothing here waits for the line"),

	PART("network.local_ip", KEY_TEXT),
	PART("network.remote_ip", KEY_TEXT),
	OPTION("network.mtu", KEY_NUMBER, "mtu"),
	NOTHING("network.netmask", "a PPP link has two addresses and no network"),

	CHOICE("ppp.mode", "server=|host=|client="),
	PART("ppp.local_ip", KEY_TEXT),
	PART("ppp.remote_ip", KEY_TEXT),
	OPTION("ppp.mtu", KEY_NUMBER, "mtu"),
	OPTION("ppp.mru", KEY_NUMBER, "mru"),
	OPTION("ppp.default_mru", KEY_NUMBER, "mru"),
	OPTION("ppp.lcp_echo_interval", KEY_SECONDS, "lcp-echo-interval"),
	OPTION("ppp.echo_interval", KEY_SECONDS, "lcp-echo-interval"),
	OPTION("ppp.lcp_echo_failure_threshold", KEY_NUMBER, "lcp-echo-failure"),
	OPTION("ppp.lcp_echo_failure", KEY_NUMBER, "lcp-echo-failure"),
	OPTION("ppp.max_configure_requests", KEY_NUMBER, "lcp-max-configure ipcp-max-configure"),
	OPTION("ppp.restart_timeout", KEY_SECONDS, "lcp-restart ipcp-restart"),
	UNLESS("ppp.negotiate_magic", "nomagic"),
	UNLESS("ppp.negotiate_mru", "default-mru"),
	UNLESS("ppp.negotiate_compression", "nopcomp noaccomp"),
	USUALLY("ppp.magic_number", "true", "a magic number is random (ppp.negotiate_magic turns it off)"),
	USUALLY("ppp.compression", "false", "packets are not compressed in this version"),

	NOTHING("tcp", NO_TCP),

	PART("services.*.enabled", KEY_BOOL),
	PART("services.*.name", KEY_TEXT),
	PART("services.*.host", KEY_TEXT),
	PART("services.*.port", KEY_PORT),
	PART("services.*.max_connections", KEY_NUMBER),
	PART("services.*.connection_timeout", KEY_SECONDS),
	PART("port_forwards", KEY_FORWARDS),

	PART("socks.enabled", KEY_BOOL),
	PART("socks.host", KEY_TEXT),
	PART("socks.port", KEY_PORT),
	OPTION("socks.username", KEY_TEXT, "socks-user"),
	OPTION("socks.password", KEY_TEXT, "socks-password"),

	PART("proxy.enabled", KEY_BOOL),
	CHOICE("proxy.type", "none=|socks5=|http="),
	PART("proxy.host", KEY_TEXT),
	PART("proxy.port", KEY_PORT),
	PART("proxy.username", KEY_TEXT),
	PART("proxy.password", KEY_TEXT),
	NOTHING("proxy.connection_timeout", "how long a connection to the proxy may take is fixed"),

	PART("security.allowed_ports", KEY_PORTS),
	PART("security.blocked_ips", KEY_TEXTS),
	PART("security.access_control.allow_ips", KEY_TEXTS),
	PART("security.access_control.block_ips", KEY_TEXTS),
	PART("security.rate_limiting.enabled", KEY_BOOL),
	PART("security.rate_limiting.connections_per_second", KEY_NUMBER),
	PART("security.rate_limiting.burst_size", KEY_NUMBER),
	NOTHING("security.rate_limiting.window_size", "the rate is measured all the time"),
	PART("security.rate_limit.enabled", KEY_BOOL),
	PART("security.rate_limit.requests_per_second", KEY_NUMBER),
	PART("security.rate_limit.burst_size", KEY_NUMBER),
	OPTION("security.connection_limits.global_max_connections", KEY_NUMBER, "max-flows"),
	OPTION("security.connection_limits.max_total_connections", KEY_NUMBER, "max-flows"),
	OPTION("security.connection_limits.per_service_max", KEY_NUMBER, "max-flows-per-service"),
	NOTHING("security.connection_limits.per_ip_max", ONE_PEER),
	NOTHING("security.connection_limits.max_connections_per_ip", ONE_PEER),
	PART("security.brute_force_protection.enabled", KEY_BOOL),
	PART("security.brute_force_protection.max_attempts", KEY_NUMBER),
	PART("security.brute_force_protection.lockout_duration", KEY_SECONDS),
	USUALLY("security.log_security_events", "true", ALWAYS_LOGGED),
	USUALLY("security.log_rejected_connections", "true", ALWAYS_LOGGED),
	USUALLY("security.log_rate_limit_violations", "true", ALWAYS_LOGGED),

	CHOICE("logging.level", "DEBUG=debug|INFO=|WARNING=|ERROR=|CRITICAL="),
	PART("logging.file", KEY_TEXT),
	PART("logging.file.enabled", KEY_BOOL),
	PART("logging.file.path", KEY_TEXT),
	NOTHING("logging.file.max_size", NO_FILES_TURNED),
	NOTHING("logging.file.rotate_count", NO_FILES_TURNED),
	NOTHING("logging.max_size", NO_FILES_TURNED),
	NOTHING("logging.backup_count", NO_FILES_TURNED),
	NOTHING("logging.format", "log lines are written as pppd writes them"),
	USUALLY("logging.console.enabled", "true", "lines go to the log file where there is one, else to standard output"),
	USUALLY("logging.console.color", "false", "log lines have no colours"),
	NOTHING("logging.components", "there is one level for all"),

	PART("monitoring.enable_metrics", KEY_BOOL),
	PART("monitoring.metrics_port", KEY_PORT),
	USUALLY("monitoring.metrics_path", "/metrics", "the page is always called /metrics"),
	PART("monitoring.metrics.enabled", KEY_BOOL),
	PART("monitoring.metrics.port", KEY_PORT),
	PART("monitoring.health_check.enabled", KEY_BOOL),
	PART("monitoring.health_check.port", KEY_PORT),
	USUALLY("monitoring.health_check.path", "/health", "the page is always called /health"),
	PART("monitoring.health.enabled", KEY_BOOL),
	PART("monitoring.health.port", KEY_PORT),
	PART("monitoring.packet_capture.enabled", KEY_BOOL),
	PART("monitoring.packet_capture.pcap_file", KEY_TEXT),
	PART("monitoring.packet_capture.output_file", KEY_TEXT),
	PART("monitoring.packet_capture.max_file_size", KEY_SIZE),
	PART("monitoring.packet_capture.rotate_files", KEY_BOOL),
	NOTHING("monitoring.performance", "bytes, packets and flows are always counted"),

	UNLESS("error_recovery.auto_reconnect_serial", "nopersist"),
	OPTION("error_recovery.serial_reconnect_delay", KEY_SECONDS, "holdoff"),
	OPTION("error_recovery.max_serial_reconnect_attempts", KEY_NUMBER, "maxfail"),
	NOTHING("error_recovery.service_retry_delay", NO_RETRY),
	NOTHING("error_recovery.max_service_retry_attempts", NO_RETRY),
	NOTHING("error_recovery.circuit_breaker", NO_RETRY),
	NOTHING("error_recovery.ppp_negotiation_timeout", LCP_DECIDES),
	NOTHING("error_recovery.tcp_connection_cleanup_interval", "what has ended is cleared away at once"),
	NOTHING("error_recovery.orphaned_connection_timeout", NO_TCP),

	OPTION("development.debug_packets", KEY_BOOL, "debug"),
	USUALLY("development.simulate_packet_loss", "false", NO_TESTS),
	USUALLY("development.packet_loss_rate", "0.0", NO_TESTS),
	USUALLY("development.simulate_latency", "false", NO_TESTS),
	USUALLY("development.artificial_latency_ms", "0", NO_TESTS),
	NOTHING("development.mock_services", NO_TESTS),

	NOTHING("performance", "buffers are as large as the line needs; limits are in security.connection_limits"),
	NOTHING("pikvm", "the unit kvmd-slirppd and kvmd's own configuration see to that"),
};

const size_t key_table_size = sizeof(key_table) / sizeof(key_table[0]);

const struct key_variable key_variables[] = {
	{ "PYSLIRP_SERIAL_PORT", "serial.port" },
	{ "PYSLIRP_SERIAL_BAUDRATE", "serial.baudrate" },
	{ "PYSLIRP_LOCAL_IP", "network.local_ip" },
	{ "PYSLIRP_REMOTE_IP", "network.remote_ip" },
	{ "PYSLIRP_LOG_LEVEL", "logging.level" },
	{ "PYSLIRP_LOG_FILE", "logging.file.path" },
	{ "PYSLIRP_SOCKS_HOST", "proxy.host" },
	{ "PYSLIRP_SOCKS_PORT", "proxy.port" },
	{ "PYSLIRP_METRICS_PORT", "monitoring.metrics_port" },
};

const size_t key_variables_size = sizeof(key_variables) / sizeof(key_variables[0]);

const struct key_row *key_find(const char *path)
{
	for (size_t i = 0; i < key_table_size; i++) {
		if (strcmp(key_table[i].path, path) == 0)
			return &key_table[i];
	}
	return NULL;
}

bool key_is_section(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < key_table_size; i++) {
		if (strncmp(key_table[i].path, path, len) == 0 && key_table[i].path[len] == '.')
			return true;
	}
	return false;
}

/* YAML 1.1's words, as PyLiRP's reader takes them. */
static bool parse_bool(const char *text, bool *value)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" }, { "off", "on" } };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		for (int j = 0; j < 2; j++) {
			*value = j;
			if (g_ascii_strcasecmp(text, words[i][j]) == 0)
				return true;
		}
	}
	return false;
}

/* A leading zero would make it octal for some readers and decimal for others. */
static bool parse_number(const char *text, unsigned *value)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 10 || text[len] || (len > 1 && text[0] == '0'))
		return false;
	unsigned long long number = strtoull(text, NULL, 10);
	*value = (unsigned)number;
	return number <= INT_MAX;
}

static bool parse_seconds(const char *text, unsigned *value)
{
	char *end;

	if (!g_ascii_isdigit(text[0]) || text[strspn(text, "0123456789.")])
		return false;
	double seconds = g_ascii_strtod(text, &end);
	if (*end || seconds > INT_MAX)
		return false;
	*value = (unsigned)seconds;
	*value += seconds > *value;
	return true;
}

/* 10485760, 64KB, 10MB, 1GB; PyLiRP counts 1024 to each. */
static bool parse_size(const char *text, unsigned *value)
{
	static const char *const units[] = { "", "K", "M", "G" };
	size_t digits = strspn(text, "0123456789");
	char *number = g_strndup(text, digits), *unit = g_ascii_strup(text + digits, -1);
	bool ok = false;

	if (g_str_has_suffix(unit, "B"))
		unit[strlen(unit) - 1] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (strcmp(unit, units[i]) != 0 || !parse_number(number, value))
			continue;
		uint64_t size = (uint64_t)*value << (10 * i);
		ok = size <= UINT_MAX;
		*value = (unsigned)size;
	}
	g_free(number);
	g_free(unit);
	return ok;
}

unsigned key_port(const struct tree_node *node)
{
	unsigned port = 0;

	return node->kind == TREE_SCALAR && parse_number(node->text, &port) && port <= 65535 ? port : 0;
}

bool key_bool(const struct tree_node *node)
{
	bool value = false;

	return parse_bool(node->text, &value) && value;
}

unsigned key_number(const struct tree_node *node)
{
	unsigned value = 0;

	if (parse_number(node->text, &value) || parse_seconds(node->text, &value) || parse_size(node->text, &value))
		return value;
	return 0;
}

char *key_choice(const struct key_row *row, const char *word)
{
	char **choices = g_strsplit(row->choices, "|", -1), *found = NULL;
	size_t len = strlen(word);

	for (char **choice = choices; *choice; choice++) {
		if (g_ascii_strncasecmp(*choice, word, len) == 0 && (*choice)[len] == '=')
			found = g_strdup(*choice + len + 1);
	}
	g_strfreev(choices);
	return found;
}

static bool is_choice(const struct key_row *row, const char *word)
{
	char *found = key_choice(row, word);

	g_free(found);
	return found != NULL;
}

/* "none, hardware, software" */
static char *list_choices(const struct key_row *row)
{
	GString *list = g_string_new("one of ");
	char **choices = g_strsplit(row->choices, "|", -1);

	for (char **choice = choices; *choice; choice++)
		g_string_append_printf(list, "%s%.*s", choice > choices ? ", " : "", (int)strcspn(*choice, "="), *choice);
	g_strfreev(choices);
	return g_string_free(list, FALSE);
}

static bool is_scalar_of(const struct key_row *row, const char *text)
{
	unsigned number;
	bool flag;

	switch (row->type) {
	case KEY_BOOL:
		return parse_bool(text, &flag);
	case KEY_NUMBER:
		return parse_number(text, &number);
	case KEY_SECONDS:
		return parse_seconds(text, &number);
	case KEY_PORT:
		return parse_number(text, &number) && number >= 1 && number <= 65535;
	case KEY_SIZE:
		return parse_size(text, &number);
	case KEY_TEXT:
		return text[0] != '\0';
	case KEY_CHOICE:
		return is_choice(row, text);
	default:
		return false;
	}
}

static bool all_ports(const struct tree_node *node)
{
	bool ok = true;

	for (guint i = 0; i < node->items->len; i++)
		ok = ok && key_port(g_ptr_array_index(node->items, i)) > 0;
	return ok;
}

static bool all_texts(const struct tree_node *node)
{
	bool ok = true;

	for (guint i = 0; i < node->items->len; i++) {
		const struct tree_node *item = g_ptr_array_index(node->items, i);

		ok = ok && item->kind == TREE_SCALAR && item->text[0];
	}
	return ok;
}

static bool is_value(const struct key_row *row, const struct tree_node *node)
{
	switch (row->type) {
	case KEY_ANY:
		return true;
	case KEY_PORTS:
		return node->kind == TREE_LIST && all_ports(node);
	case KEY_TEXTS:
		return node->kind == TREE_LIST && all_texts(node);
	case KEY_FORWARDS:
		return node->kind == TREE_MAPPING && all_ports(node);
	default:
		return node->kind == TREE_SCALAR && is_scalar_of(row, node->text);
	}
}

char *key_expected(const struct key_row *row, const struct tree_node *node)
{
	static const char *const words[] = {
		[KEY_BOOL] = "true or false",
		[KEY_NUMBER] = "a whole number",
		[KEY_SECONDS] = "a number of seconds",
		[KEY_PORT] = "a port, which is a number from 1 to 65535",
		[KEY_SIZE] = "a size below 4GB, such as 100MB",
		[KEY_TEXT] = "a word",
		[KEY_PORTS] = "a list of ports, each a number from 1 to 65535",
		[KEY_TEXTS] = "a list of addresses",
		[KEY_FORWARDS] = "LOCAL: REMOTE in each line, both ports from 1 to 65535",
	};

	if (is_value(row, node))
		return NULL;
	return row->type == KEY_CHOICE ? list_choices(row) : g_strdup(words[row->type]);
}
