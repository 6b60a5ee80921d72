# shellcheck shell=bash disable=SC2154,SC2034 # variables of host.bash, and those for its readers
# Machines of their own for programs that run pppd, for the tests that have read host.bash: each case runs in a box, where slirppd lies over
# /usr/sbin/pppd, and /etc, /run, the network and the processes are nobody else's. No box leaves anything behind.
# Packages: iproute2 iputils-ping util-linux procps ppp. Root, or user namespaces, are needed.

near=192.0.2.1
far=192.0.2.2
limit=50
shared="program work interop near far unprivileged pppd_path PATH"
unprivileged="--reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all"

# need_boxes [COMMAND=PACKAGE…]: all that boxes need, and these
need_boxes()
{
	need pppd=ppp ip=iproute2 ss=iproute2 setpriv=util-linux nsenter=util-linux ping=iputils-ping pgrep=procps unshare=util-linux timeout=coreutils python3=python3 "$@"
	[ -e /dev/net/tun ] || skip_all 'no /dev/net/tun'
	box=(unshare --mount --net --pid --fork --kill-child --mount-proc)
	[ "$(id -u)" -eq 0 ] || box+=(--user --map-root-user)
	"${box[@]}" true 2> /dev/null || skip_all 'neither root nor user namespaces'
	pppd_path=$(realpath "$(command -v pppd)")
	mkdir "$work/www"
	chmod 711 "$work"
	make_page "$work/www/page" 300000
	make_page "$work/www/small" 20000
}

# run_cases FUNCTION…: each in a box, at once; what they say comes in this order. They know the variables that $shared names.
run_cases()
{
	local case name pids=()
	{ declare -f; for name in $shared; do declare -p "$name"; done; echo 'helpers=() tap_count=0 tap_failed=0 tap_told=0'; } \
		> "$work/shell"
	for case; do
		boxed "$case" &
		pids+=($!)
	done
	for case; do
		wait "${pids[0]}"
		pids=("${pids[@]:1}")
		told "$case"
	done
}

# boxed CASE: one whose name ends with _as_user is set up by a user of no rights, who is root of the box alone
boxed()
{
	local wrapper=()
	mkdir -m 755 "$work/$1"
	if [[ $1 == *_as_user && $(id -u) -eq 0 ]]; then
		# shellcheck disable=SC2206 # words
		wrapper=(setpriv $unprivileged "${box[@]}" --user --map-root-user)
		chown 65534 "$work/$1"
	else
		wrapper=("${box[@]}")
	fi
	# shellcheck disable=SC2016 # that shell's own
	timeout --signal=KILL "$limit" "${wrapper[@]}" bash -c '. "$0" && in_box "$1"' "$work/shell" "$1" > "$work/$1.tap" 2>&1 < /dev/null
}

# told CASE: its checks get the next numbers
told()
{
	local line
	while IFS= read -r line; do
		if [[ $line =~ ^(not )?ok\ [0-9]+(.*) ]]; then
			tap_count=$((tap_count + 1))
			[ -z "${BASH_REMATCH[1]}" ] || tap_failed=$((tap_failed + 1))
			line="${BASH_REMATCH[1]}ok $tap_count${BASH_REMATCH[2]}"
		fi
		echo "$line"
	done < "$work/$1.tap"
	grep -q "^# $1: [0-9]* s" "$work/$1.tap" || check "$1 came to its end" false
}

# in_box CASE: the first process of a box
in_box()
{
	local started=$SECONDS
	work=$work/$1
	cd "$work" || exit 1
	own_machine && networks && "$1"
	[ "$tap_failed" -eq 0 ] || kill "${helpers[@]}" 2> /dev/null
	gone_again
	logs_if_failed ./*.log
	note "$1: $((SECONDS - started)) s"
}

# A copy of /etc whose ppp/ is as Debian installs it, but for the secrets; an empty /run; ptys of its own; slirppd in pppd's place.
own_machine()
{
	umask 022
	mkdir etc
	mount -t tmpfs -o mode=755 box etc && cp -a /etc/. etc 2> /dev/null
	mount --bind etc /etc && mount -t tmpfs -o mode=755 box /run && mount -t tmpfs -o mode=1777 box /var/log || return
	mount -t devpts -o newinstance,ptmxmode=0666 box /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx || return
	mkdir /run/lock
	find /etc/ppp \( -name 'options*' -o -name '*-secrets' -o -name resolv.conf \) -delete
	printf '%s\n' 'asyncmap 0' auth crtscts lock hide-password modem 'lcp-echo-interval 30' 'lcp-echo-failure 4' noipx > /etc/ppp/options
	rm -f /etc/resolv.conf
	echo 'nameserver 192.0.2.53' > /etc/resolv.conf
	mount --bind "$program" "$pppd_path"
}

# This network, and another machine's: `wire` of each is joined with the other's. That machine has an /etc and a /run of its own.
networks()
{
	mkdir far-etc
	# shellcheck disable=SC2016 # that shell's own
	unshare --net --mount sh -c 'mount -t tmpfs -o mode=755 far far-etc && cp -a /etc/. far-etc && mount --bind far-etc /etc &&
		mount -t tmpfs -o mode=755 far /run && mkdir /run/lock && echo > far-is-up && exec sleep infinity' > far.log 2>&1 &
	far_machine=$!
	wait_for 5 test -s far-is-up || return
	ip link add wire type veth peer name wire netns "$far_machine" || return
	ip addr add "$near/24" dev wire && far ip addr add "$far/24" dev wire
	for name in lo wire; do
		ip link set "$name" up && far ip link set "$name" up
	done
	ip route add default via "$far"
	routes > routes.before
}

# A new link's carrier takes a moment.
routes()
{
	ip route | sed 's/ *linkdown//'
}

# far COMMAND [ARG…]: on that machine
far()
{
	nsenter --target "$far_machine" --net --mount --wdns="$PWD" "$@"
}

# over_there COMMAND [ARG…]: likewise, until the case ends
over_there()
{
	background nsenter --target "$far_machine" --net --mount --wdns="$PWD" "$@"
}

# listens PORT: somebody does, there
listens()
{
	wait_for 10 far sh -c "ss -Hltun sport = $1 | grep -q ."
}

# web: a server of the page, on every address there
web()
{
	over_there python3 -m http.server --directory "${work%/*}/www" 80 > web.log 2>&1
	listens 80
}

# secret FOLDER CLIENT SERVER WORD: for PAP and CHAP
secret()
{
	(umask 077; echo "$2 $3 $4 *" | tee -a "$1/pap-secrets" >> "$1/chap-secrets")
}

# has ADDRESS: an interface of ours has it, and is up
has()
{
	ip -o addr show up | grep -q "inet $1[ /]"
}

lost()
{
	! has "$1"
}

# up NAME ADDRESS: the link is, as a caller sees it
up()
{
	wait_for 15 has "$2"
	check "$1: an interface with its address" has "$2"
}

# traffic NAME ADDRESS [small]: three pings and a page
traffic()
{
	check "$1: three pings of three" ping -n -c 3 -i 0.2 -W 5 "$2"
	check "$1: the page" same "$(fetch "http://$2/${3:-page}")" "$(sum < "${work%/*}/www/${3:-page}")"
}

# ended PID: waits for it; its exit code is in $code
ended()
{
	wait_for 10 gone "$1" || kill -KILL "$1"
	wait "$1"
	code=$?
}

gone()
{
	! kill -0 "$1"
}

no_pppd()
{
	! pgrep -xa pppd
}

nothing_left()
{
	local left
	left=$(ip -o link; far ip -o link; ls -d /run/*.pid /run/lock/LCK* 2> /dev/null)
	left=$(grep -vE '^[0-9]+: (lo|wire)[:@]|^[0-9]+: (sit0|tunl0|ip6tnl0|gre0|gretap0|erspan0|ip6gre0|ip_vti0|ip6_vti0)@|xl2tpd.pid|pptpd.pid|pppoe.pid' <<< "$left")
	same "$left" ''
}

# What every case ends with.
gone_again()
{
	wait_for 10 no_pppd
	check "no pppd is left" no_pppd
	check "no interface, pid file or lock is left" nothing_left
	check "the routes are as before" diff <(routes) routes.before
}

said()
{
	grep -qF -- "$2" "$1.log" || { echo "$1 did not say: $2"; return 1; }
}
