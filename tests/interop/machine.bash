# shellcheck shell=bash disable=SC2154,SC2034 # variables of host.bash, and those that are set for the callers
# Guests of User Mode Linux and the lines to them, for the tests that have read host.bash.
# Packages: user-mode-linux ppp busybox-static cpio.

# need_machine [COMMAND=PACKAGE…]: all that guests need, and these; makes what they start from
need_machine()
{
	need linux.uml=user-mode-linux pppd=ppp busybox=busybox-static cpio=cpio python3=python3 "$@"
	mkdir -p "$work"/root/bin "$work"/uml
	install -m 755 "$(command -v busybox)" "$work/root/bin/busybox"
	install -m 755 "$interop/uml-init" "$work/root/init"
	install -m 644 "$interop/tap.sh" "$work/root/tap.sh"
	(cd "$work/root" && find . | cpio --quiet -o -H newc) > "$work/initrd"
}

# line [COMMAND…]: a pty pair in the current folder, `line` and `far`, that COMMAND (socat unless told) makes. Both ends stay open here, so that
# neither side's going hangs the line up.
line()
{
	local held
	[ $# -gt 0 ] || set -- socat "pty,raw,echo=0,link=line" "pty,raw,echo=0,link=far"
	background "$@" > line.log 2>&1
	wait_for 5 test -e far || { echo "Bail out! no pty pair: $(cat line.log)"; exit 1; }
	exec {held}<> line {held}<> far
}

# machine SECONDS NAME [KERNEL-WORD…]: a guest that runs the script on standard input in the current folder, for so long at most; its process
# is in $guest
machine()
{
	local seconds=$1 name=$2
	shift 2
	cat > guest
	background timeout "$seconds" linux.uml mem=64M initrd="$work/initrd" uml_dir="$work/uml" umid="$name" \
		con=null con0=fd:0,fd:1 ssl=null slirppd_case="$PWD" "$@" < /dev/null > console.log 2>&1
	guest=$!
}

# ended PID: waits for it; its exit code is in $code (here, since check runs its command in a subshell)
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

said()
{
	grep -qF -- "$2" "$1.log" || { echo "$1 did not say: $2"; return 1; }
}

contains()
{
	grep -qF -- "$2" "$1" || { echo "$1 has not: $2"; cat "$1"; return 1; }
}
