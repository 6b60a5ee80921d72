/* What is said of each finding, and what to do about it: one table. Called by all of check/. */
#include <string.h>

#include "check/internal.h"

enum weight { WRONG, NOTE, GOOD };

static const char *const weights[] = { [WRONG] = "wrong", [NOTE] = "note", [GOOD] = "good" };
static const char *const fact_names[] = { "{device}", "{port}", "{what}", "{pid}", "{user}", "{group}", "{speed}", "{seconds}" };

static const struct sentence {
	enum weight weight;
	enum exit_status status;
	const char *text;
} sentences[] = {
	/* clang-format off */
	[FINDING_GADGET_PIKVM] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is not there: this PiKVM's USB port is not told to be a serial port. Put `otg: {devices: "
		"{serial: {enabled: true}}}` into /etc/kvmd/override.yaml (run `rw` first, `ro` after it) and reboot; "
		"restarting kvmd is not enough." },
	[FINDING_GADGET_MISSING] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is not there: no serial gadget is loaded. It needs a USB port that can be a device (on a "
		"Raspberry Pi: `dtoverlay=dwc2` in config.txt, then reboot) and a gadget: `sudo modprobe g_serial`, or "
		"one made through configfs." },
	[FINDING_ADAPTER_MISSING] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is not there: the adapter or the other computer is not plugged in, or it has another number "
		"now, or its driver is missing. Plug it in again and look at the last lines of `sudo dmesg`." },
	[FINDING_MISSING] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is not there: check the name." },
	[FINDING_PORTS] = { NOTE, EXIT_OK,
		"The serial ports that there are, the likely one first: {what}." },
	[FINDING_NO_PORTS] = { NOTE, EXIT_OK,
		"This machine has no serial port now: check the cable, and try another USB socket." },
	[FINDING_DANGLING] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is a link to {what}, which is not there: the adapter was pulled out, or came back under another "
		"name. Plug it in again, or name another port." },
	[FINDING_FOLDER] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is a folder: name one of the ports in it." },
	[FINDING_NO_DEVICE] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is a file, not a device: name a serial port, such as one of those in /dev." },
	[FINDING_STRAY_FILE] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is a file, not a device: a program may have written to the name of a port that was away. Delete "
		"the file (`sudo rm {device}`) and plug the port in again." },
	[FINDING_NO_TERMINAL] = { WRONG, EXIT_OPEN_FAILED,
		"{device} is a device, but no serial port: name another one." },
	[FINDING_FORBIDDEN] = { WRONG, EXIT_OPEN_FAILED,
		"You may not use {device}{what}." },
	[FINDING_NEW_GROUP] = { WRONG, EXIT_OPEN_FAILED,
		"You may not use {device} yet: {user} is in its group {group}, but this session began before that. Log "
		"out and in again, or run `newgrp {group}` first." },
	[FINDING_NO_CONTROLLER] = { WRONG, EXIT_FATAL_ERROR,
		"No USB controller of this machine works as a device: load its driver (on a Raspberry Pi: "
		"`dtoverlay=dwc2` in config.txt, then reboot)." },
	[FINDING_UNBOUND] = { WRONG, EXIT_FATAL_ERROR,
		"The gadget is not bound to the USB controller ({what}): write the controller's name into the gadget's "
		"UDC file in /sys/kernel/config/usb_gadget, on a PiKVM run `sudo systemctl restart kvmd-otg`." },
	[FINDING_UNATTACHED] = { WRONG, EXIT_HANGUP,
		"No computer is at the other end of the USB cable ({what}): plug it into the port for the target, use a "
		"cable that carries data, and switch the other computer on." },
	[FINDING_UNCONFIGURED] = { WRONG, EXIT_HANGUP,
		"The other computer has not set the USB device up ({what}): it is asleep, still starting, or has no "
		"driver. Wake it, wait for its system, or plug the cable in again." },
	[FINDING_GETTY] = { WRONG, EXIT_LOCK_FAILED,
		"{what} offers a login on {device}: run `sudo systemctl disable --now getty@{port} serial-getty@{port}` "
		"(`mask` instead of `disable` where it comes back)." },
	[FINDING_MODEM_MANAGER] = { WRONG, EXIT_LOCK_FAILED,
		"{what} takes {device} for a modem: give it a udev rule with ENV{ID_MM_DEVICE_IGNORE}=\"1\" (slirppd's "
		"package has one) and plug the port in again, or run `sudo systemctl stop ModemManager`." },
	[FINDING_PPP_PROGRAM] = { WRONG, EXIT_LOCK_FAILED,
		"{what} already speaks PPP on {device}: if that is not the one you want, end it (`sudo kill {pid}`, or "
		"stop its service)." },
	[FINDING_TERMINAL_PROGRAM] = { WRONG, EXIT_LOCK_FAILED,
		"{what} is connected to {device}: leave that program first." },
	[FINDING_HELD] = { WRONG, EXIT_LOCK_FAILED,
		"{what} has {device} open: end it (`sudo kill {pid}`), or stop its service." },
	[FINDING_CLAIMED] = { WRONG, EXIT_LOCK_FAILED,
		"Another program has {device} for itself alone, one that you may not see: run `sudo slirppd check "
		"{device}`, which names it." },
	[FINDING_LOCKED] = { WRONG, EXIT_LOCK_FAILED,
		"Process {pid} has locked {device} ({what}): end it, or, if it has nothing to do with this port, delete "
		"that file." },
	[FINDING_STALE_LOCK] = { NOTE, EXIT_OK,
		"{what} is left from process {pid}, which is gone: slirppd will remove it." },
	[FINDING_OPEN_FAILED] = { WRONG, EXIT_OPEN_FAILED,
		"{device} cannot be opened: {what}. Plug it in again, and look at the last lines of `sudo dmesg`." },
	[FINDING_BAD_SPEED] = { WRONG, EXIT_OPEN_FAILED,
		"{device} cannot be set to that speed ({what}): name a usual one (115200, 57600, 9600), the same at both "
		"ends." },
	[FINDING_NO_SIGNALS] = { NOTE, EXIT_OK,
		"No carrier, and neither CTS nor DSR: with a full cable, nobody has the other end open; with three wires "
		"(TX, RX, GND) that is as it should be: give slirppd the option `local`." },
	[FINDING_NO_CTS] = { NOTE, EXIT_OK,
		"The other end does not raise CTS: do not use `crtscts`, or connect RTS and CTS crosswise." },
	[FINDING_NOT_READ] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"Nothing came in {seconds} s, and what was sent to {device} is not taken: no program at the other end has "
		"the port open. Start pppd or slirppd there (on a Linux computer a gadget's other end is /dev/ttyACM0)." },
	[FINDING_GONE] = { WRONG, EXIT_HANGUP,
		"{device} hung up while being listened to: check the cable, and the program at the other end." },
	[FINDING_SILENCE] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"Nothing came in {seconds} s, though PPP was offered: nobody speaks at the other end. Start slirppd or "
		"pppd there; check that the cable is in the right port, that GND is connected, and TX and RX are crossed." },
	[FINDING_ECHO] = { WRONG, EXIT_LOOPBACK,
		"{device} sends back what it is sent: the line is looped back (TX to RX: check the wiring), or the other "
		"end echoes (a modem, or a terminal with nothing on it): start slirppd or pppd there." },
	[FINDING_LOGIN] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"A login prompt comes from the other end, not PPP: \"{what}\". Log in and start `slirppd notty` or `pppd "
		"notty` there with a `connect` script, or stop its getty (`sudo systemctl disable --now "
		"serial-getty@PORT`) and start slirppd there." },
	[FINDING_SHELL] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"A command line is at the other end, not PPP: \"{what}\". Start slirppd or pppd from it (`slirppd "
		"nodetach`; a `connect` script can type that)." },
	[FINDING_MODEM] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"A modem is at the other end, not PPP: \"{what}\". It has to dial first: give slirppd a `connect` script "
		"(chat)." },
	[FINDING_TEXT] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"Text comes from the other end, not PPP: \"{what}\". A program or the kernel's console (`console=` on its "
		"command line) writes to this port: stop it, or take another port." },
	[FINDING_BROKEN_FRAMES] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"PPP comes, but every frame is damaged: \"{what}\". Set both ends to 8 bits without parity and to the "
		"same speed, and try `crtscts` or a lower speed at both." },
	[FINDING_NOISE] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"Bytes that make no sense come: \"{what}\". The speed is probably wrong, and PPP came at none of those "
		"that were tried ({speed}): look up the other end's speed, and check GND." },
	[FINDING_NOISE_NO_SPEED] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"Bytes that are neither PPP nor text come: \"{what}\". Another program uses the port at the other end: "
		"stop it. If there is a UART behind that port, both must have the same speed: try 115200, 57600, 38400, "
		"19200, 9600." },
	[FINDING_OTHER_SPEED] = { WRONG, EXIT_NEGOTIATION_FAILED,
		"The speed is wrong: PPP comes at {speed}. Run: slirppd {device} {speed}" },
	[FINDING_SOME_DAMAGED] = { NOTE, EXIT_OK,
		"Some frames are damaged ({what}): try `crtscts` at both ends, a lower speed, or a shorter cable." },
	[FINDING_FINE] = { GOOD, EXIT_OK,
		"Nothing wrong found: PPP comes from the other end ({what}); run: slirppd {device}{speed} …" },
	[FINDING_STOPPED] = { WRONG, EXIT_USER_REQUEST,
		"Stopped before the end; {device} is as it was." },
	/* clang-format on */
};

G_STATIC_ASSERT(G_N_ELEMENTS(sentences) == FINDINGS);
G_STATIC_ASSERT(G_N_ELEMENTS(fact_names) == FACTS);

enum finding finding_of(enum heard_kind kind)
{
	static const enum finding findings[] = {
		[HEARD_NOTHING] = FINDING_SILENCE, [HEARD_PPP] = FINDING_FINE,
		[HEARD_ECHO] = FINDING_ECHO,	   [HEARD_LOGIN] = FINDING_LOGIN,
		[HEARD_MODEM] = FINDING_MODEM,	   [HEARD_SHELL] = FINDING_SHELL,
		[HEARD_TEXT] = FINDING_TEXT,	   [HEARD_BROKEN] = FINDING_BROKEN_FRAMES,
		[HEARD_NOISE] = FINDING_NOISE,
	};

	return findings[kind];
}

/* Appends the fact whose name TEXT begins with and returns the length of that name; 0 if it begins with none. */
static size_t put_fact(GString *out, const struct check *c, const char *text)
{
	for (size_t i = 0; i < FACTS; i++)
		if (g_str_has_prefix(text, fact_names[i])) {
			g_string_append(out, c->facts[i] ? c->facts[i] : "");
			return strlen(fact_names[i]);
		}
	return 0;
}

static char *fill_in(const struct check *c, const char *text)
{
	GString *out = g_string_new(NULL);

	while (*text) {
		size_t n = put_fact(out, c, text);

		if (n == 0)
			g_string_append_c(out, *text);
		text += n ? n : 1;
	}
	return g_string_free(out, FALSE);
}

void check_tell(struct check *c, enum finding finding)
{
	const struct sentence *s = &sentences[finding];
	char *text = fill_in(c, s->text);

	fprintf(c->out, "%s: %s\n", weights[s->weight], text);
	if (s->weight == WRONG && c->status == EXIT_OK)
		c->status = s->status;
	g_free(text);
}

void check_fact(struct check *c, enum fact fact, char *value)
{
	for (char *p = value; p && *p; p++)
		if (g_ascii_iscntrl(*p))
			*p = '?'; /* names come from outside: none is to steer the terminal */
	g_free(c->facts[fact]);
	c->facts[fact] = value;
}
