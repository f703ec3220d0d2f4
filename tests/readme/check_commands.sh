#!/usr/bin/env bash
# check_commands.sh BIN FILE.md...: every command that the documents show exists: the program, its subcommand and each option stand in
# what --help prints. Programs of BIN that are not built are named and left out.
set -euo pipefail

bin=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export QT_QPA_PLATFORM=offscreen
declare -A helps=() skipped=()
wrong=0
checked=0

# help_of WORD...: into $help, asked for once.
help_of() {
    if [ -z "${helps["$*"]+known}" ]; then
        helps["$*"]=$("$@" --help 2>&1 || true)
    fi
    help=${helps["$*"]}
}

complain() {
    echo "$place: $1: $command"
    wrong=$((wrong + 1))
}

# check_options WORD...: those of the command's words that are options stand in $help or in $general.
check_options() {
    local word
    for word in "$@"; do
        [[ $word == --* ]] || continue
        word=${word%%=*}
        [[ $help =~ (^|[^a-z-])$word([^a-z-]|$) || $general =~ (^|[^a-z-])$word([^a-z-]|$) ]] || complain "there is no $word"
    done
}

check_pipebd() {
    local path=("$bin/pipebd")
    help_of "${path[@]}"
    general=$help
    local word subcommands
    while [ $# -gt 0 ]; do
        word=$1
        case $word in
        --lab | --progress) shift 2 && continue ;;
        --*) shift && continue ;;
        esac
        [[ $help == *$'\nSubcommands:'* ]] || break
        subcommands=${help#*$'\nSubcommands:'}
        for word in ${word//|/ }; do # "list|show" names several
            if [[ $subcommands != *$'\n'"  $word "* ]]; then
                complain "there is no subcommand $word"
                return
            fi
        done
        [[ $1 != *"|"* ]] || return 0
        path+=("$word")
        help_of "${path[@]}"
        shift
    done
    check_options "$@"
}

check_command() {
    local words
    read -ra words <<<"$plain"
    [ ${#words[@]} -gt 0 ] || return 0
    general=""
    case ${words[0]} in
    pipebd) check_pipebd "${words[@]:1}" ;;
    pipebd-engine | pipebd-workbench)
        if [ ! -x "$bin/${words[0]}" ]; then
            skipped[${words[0]}]=1
            return
        fi
        help_of "$bin/${words[0]}"
        check_options "${words[@]:1}"
        ;;
    torchrun) # not ours; what it starts is
        [[ $plain == *" pipebd-engine "* ]] || complain "torchrun starts no pipebd-engine"
        [ -x "$bin/pipebd-engine" ] || return 0
        help_of "$bin/pipebd-engine"
        read -ra words <<<"${plain#* pipebd-engine}"
        check_options "${words[@]}"
        ;;
    packaging/bootstrap.sh)
        [[ ${words[1]-build} =~ ^[a-z]+$ && $(<"$root/packaging/bootstrap.sh") == *$'\n'"${words[1]-build})"* ]] || complain "there is no ${words[1]}"
        ;;
    resources/python/*)
        if [ ! -f "$root/${words[0]}" ]; then
            complain "there is no such file"
        else
            help=$(<"$root/${words[0]}")
            check_options "${words[@]:1}"
        fi
        ;;
    esac
    checked=$((checked + 1))
}

for file in "$@"; do
    while IFS=$'\t' read -r line _ command plain; do
        place=$(basename "$file"):$line
        check_command
    done < <(awk -f "$here/commands_in.awk" "$file")
done

for program in "${!skipped[@]}"; do
    echo "$program is not built: what the documents say of it is not checked"
done
echo "$checked commands in $# documents, $wrong wrong"
[ "$checked" -gt 0 ] && [ "$wrong" -eq 0 ]
