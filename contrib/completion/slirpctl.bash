# bash completion for slirpctl

_slirpctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=() name choices='' i
	local commands='status flows services forwards log history metrics health watch forward service drop hangup redial reload help'

	COMPREPLY=()
	case $before in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--url) return ;;
	esac

	# The command is the first word that is no option, and no option's value.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) options+=("${COMP_WORDS[@]:i:2}") && ((i++)) ;;
		--url) options+=("${COMP_WORDS[@]:i:2}") && ((i++)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	name=${COMP_WORDS[i]}
	if ((i == COMP_CWORD)); then
		choices="$commands --socket --url --json --help --version"
	elif ((i == COMP_CWORD - 1)); then
		case $name in
		forward | service) choices='add remove' ;;
		log) choices='-n -f' ;;
		drop) choices=$(slirpctl "${options[@]}" flows 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
		esac
	elif ((i == COMP_CWORD - 2)) && [[ $before == remove && $name == @(forward|service) ]]; then
		choices=$(slirpctl "${options[@]}" "${name}s" 2>/dev/null | awk 'NR > 1 && $1 != "socks" { print $1 }')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

complete -F _slirpctl slirpctl
