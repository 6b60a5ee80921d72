# What the tests here need on the host: the program under test, a folder that goes away, and helpers that end with the test.
# Sets: program, work (the folder; KEEP=1 keeps it), interop (where this file lies).

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$interop/tap.sh"
PATH=$PATH:/usr/sbin:/sbin
helpers=()

# need COMMAND=PACKAGE…: without one of them there is nothing to test
need()
{
	local word
	for word; do
		command -v "${word%%=*}" > /dev/null || skip_all "no ${word%%=*}: install ${word#*=}"
	done
}

find_program()
{
	local guess
	for guess in "${SLIRPPD:-}" "$interop"/../../{build,.}/{,src/}slirppd "$PWD"/{,src/}slirppd; do
		[ -f "$guess" ] && [ -x "$guess" ] && { realpath "$guess"; return; }
	done
	echo "# no slirppd: build it, or say where it is with SLIRPPD=/path/to/slirppd" >&2
	return 1
}

# background COMMAND [ARG…]: runs until the test ends; its process is $!
background()
{
	"$@" &
	helpers+=($!)
}

clean_up()
{
	local pid
	for pid in "${helpers[@]}"; do kill "$pid" 2> /dev/null; done
	wait 2> /dev/null
	[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$work"
}

# serve FOLDER: a web server on 127.0.0.1; its port is in $web
serve()
{
	PYTHONUNBUFFERED=1 background python3 -m http.server --bind 127.0.0.1 --directory "$1" 0 > "$work/web.log" 2>&1
	wait_for 10 grep -q 'port [0-9]' "$work/web.log" || { cat "$work/web.log"; return 1; }
	web=$(sed -n 's/.* port \([0-9]*\) .*/\1/p;q' "$work/web.log")
}

free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# make_page FILE BYTES: its checksum is in $page_sum
make_page()
{
	head -c "$2" /dev/urandom > "$1"
	page_sum=$(sum < "$1")
}

# fetch URL: the checksum of what is there, or what went wrong
fetch()
{
	python3 - "$1" <<-'PYTHON'
	import hashlib, sys, urllib.request
	opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
	try:
	    print(hashlib.sha256(opener.open(sys.argv[1], timeout=15).read()).hexdigest())
	except OSError as error:
	    print(error)
	PYTHON
}

program=$(find_program) || { echo 'Bail out! no slirppd to test'; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/slirppd-interop.XXXXXX")
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
