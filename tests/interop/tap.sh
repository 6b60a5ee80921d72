# TAP (testanything.org) for the tests beside this file: sourced by bash on the host and by busybox sh in the guests.
# A check is one command; what it printed is shown when it fails.

tap_count=0
tap_failed=0
tap_told=0

# note TEXT: a line for people
note()
{
	echo "# $*"
}

# check NAME COMMAND [ARG…]: passes if the command succeeds
check()
{
	tap_count=$((tap_count + 1))
	tap_name=$1
	shift
	if tap_output=$("$@" 2>&1); then
		echo "ok $tap_count - $tap_name"
		return 0
	fi
	echo "not ok $tap_count - $tap_name"
	tap_failed=$((tap_failed + 1))
	echo "#   failed: $*"
	echo "$tap_output" | tail -n 10 | sed 's/^/#   /'
	return 1
}

# logs_if_failed FILE…: the end of each, if a check has failed since the last call
logs_if_failed()
{
	[ "$tap_failed" -gt "$tap_told" ] || return 0
	tap_told=$tap_failed
	for tap_log; do
		[ -s "$tap_log" ] || continue
		echo "#   --- the end of ${tap_log##*/}:"
		tail -n 40 "$tap_log" | tr -d '\r' | sed 's/^/#   /'
	done
}

# skip NAME REASON: one check that cannot be made here
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: nothing can be tested here
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# the plan, at the end; false if anything failed
done_testing()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}

# same GOT WANTED
same()
{
	[ "$1" = "$2" ] || { echo "got '$1', wanted '$2'"; return 1; }
}

# wait_for SECONDS COMMAND [ARG…]: tries ten times a second until the command succeeds
wait_for()
{
	tap_tries=$(($1 * 10))
	shift
	until "$@" > /dev/null 2>&1; do
		[ "$tap_tries" -gt 0 ] || return 1
		tap_tries=$((tap_tries - 1))
		sleep 0.1
	done
}

sum()
{
	sha256sum | cut -d ' ' -f 1
}
