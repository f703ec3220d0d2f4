#!/usr/bin/env bash
# Types the commands of README.md and docs/runs.md, in order, on a fresh clone with a lab of its own, and compares how each ends with what
# they say.
#
#   tests/readme/run_commands.sh                  clones this checkout's last commit, builds it, types everything; an hour or so
#   tests/readme/run_commands.sh --bin build/bin  with programs that are built; the commands of bootstrap.sh are then not typed
#
#   --python FILE   a Python with PyTorch and torchvision, for export_pair.py (else PIPEBD_PYTHON; without one it is not typed)
#   --no-test       not "bootstrap.sh test", which is what continuous integration does anyway
#   --short         few steps and rounds: minutes instead of an hour; shows that commands work, not how long they take
#   --skip REGEX    skip matching commands
#   --keep          keep the clone, the lab and the output of each command
#   --work DIR      use the clone and the lab that an earlier call has kept there, updated to this checkout's last commit
#
# A command is typed as it is written, except for words in capitals (FILE, DIR, NAME, TEXT, EXPERIMENT) and the run that --resume names: the
# README means one that was interrupted, so one is started and interrupted here. The section on several machines needs two of them and
# has its own test, cli_several_machines. A command for which this script has no expectation is a failure.
# Prints a table of commands, how they ended, and seconds; exits with 1 if one did not end as the documents say.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin="" python=${PIPEBD_PYTHON:-} with_test=yes keep="" short="" skip='^$' work=""
while [ $# -gt 0 ]; do
    case $1 in
    --bin) bin=$(cd "$2" && pwd) && shift ;;
    --python) python=$2 && shift ;;
    --no-test) with_test="" ;;
    --short) short=yes ;;
    --skip) skip=$2 && shift ;;
    --keep) keep=yes ;;
    --work) work=$(cd "$2" && pwd) && keep=yes && shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
    esac
    shift
done

[ -n "$work" ] || work=$(mktemp -d "${TMPDIR:-/tmp}/readme.XXXXXX")
finish() {
    if [ -n "$keep" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
clone=$work/clone
export PIPEBD_LAB=$work/lab QT_QPA_PLATFORM=offscreen
unset DISPLAY WAYLAND_DISPLAY # bootstrap.sh run would wait for the window to be closed
[ -d "$clone" ] || git clone --quiet "$root" "$clone" || exit 1
cd "$clone" || exit 1
git fetch --quiet "$root" HEAD && git checkout --quiet FETCH_HEAD || exit 1
PATH=${bin:-$clone/build/bin}:$PATH

failures=0
number=0
output=$work/output

row() { # COMMAND, STATUS, SECONDS, NOTE
    printf '%-92.92s  %6s  %6s  %s\n' "$1" "$2" "$3" "$4" | sed 's/ *$//'
}

# wrong WHY: the command did not end as the README says.
wrong() {
    note="WRONG: $1"
    failures=$((failures + 1))
}
status_is() { [ "$status" -eq "$1" ] || wrong "exit status $status: $(tail -n 1 "$output" | cut -c 1-200)"; }
prints() { grep -qE -e "$1" "$output" || wrong "does not print: $1"; }
contains() { grep -qiE -e "$2" "$1" || wrong "does not show: $2"; }
writes() { [ -s "$1" ] || wrong "does not write $1"; }

# expected COMMAND: what the README says of it, looked at once it has ended.
expected() {
    status_is 0
    [ -z "$note" ] || return
    case $1 in
    "packaging/bootstrap.sh build") writes build/bin/pipebd && writes build/bin/pipebd-engine && writes build/bin/pipebd-workbench ;;
    "packaging/bootstrap.sh run") prints 'finished' ;;
    "packaging/bootstrap.sh test") prints '100% tests passed' ;;
    "pipebd plan "*) prints '^tr\+dpu' && prints 'dp' ;;
    "pipebd bench "*) prints '^tr\+dpu' ;;
    "pipebd run --check "* | "pipebd run experiments/digits-nas.toml --check") prints '[0-9]' ;;
    "pipebd run --resume "*) prints 'finished' ;;
    "pipebd run "*) prints 'finished' ;;
    "pipebd verify "*) prints 'tr\+dpu' ;;
    "pipebd runs list --tag paper") prints 'digits' ;;
    "pipebd runs list") prints 'digits' ;;
    "pipebd runs show "*) prints 'error' ;;
    "pipebd runs compare "*--html*) writes "$file" && contains "$file" '<html' ;;
    "pipebd runs compare "*) prints 'result' ;;
    "pipebd runs tag "* | "pipebd runs note "*) ;;
    "pipebd runs delete 2") pipebd runs list --deleted >"$output.list"; contains "$output.list" '^ *2 ' ;;
    "pipebd runs restore 2") pipebd runs list >"$output.list"; contains "$output.list" '^ *2 ' ;;
    "pipebd runs export "*) writes "$file" ;;
    "pipebd profiles list") prints 'digits' ;;
    "pipebd profile "*) prints 'stage0' ;;
    "pipebd doctor") prints 'all is well' ;;
    "pipebd pairs show "*) prints 'stage0|teacher' ;;
    "pipebd pairs import "*) prints 'layer1' ;;
    "pipebd-workbench "*) writes "$file" ;;
    "resources/python/export_pair.py "*) writes pair/teacher.pt2 && writes pair/student.pt2 ;;
    *) wrong "this script does not know what to expect" ;;
    esac
}

# why_not COMMAND: prints why it is not typed on this machine.
why_not() {
    [[ ! $1 =~ $skip ]] || { echo "--skip" && return; }
    case $1 in
    "packaging/bootstrap.sh "*) [ -n "$bin" ] && echo "built elsewhere (--bin)" && return ;;&
    "packaging/bootstrap.sh test") [ -z "$with_test" ] && echo "--no-test" ;;
    pipebd-workbench | pipebd | "pipebd run --check" | "pipebd plan" | "pipebd runs purge") echo "only the name of a command" ;;
    resources/python/*" --"*) [ -z "$python" ] && echo "no Python with PyTorch (--python)" ;;
    "pipebd pairs import "*) [ -f pair/teacher.pt2 ] || echo "nothing was exported" ;;
    "pipebd runs stop "*) echo "typed while a run is interrupted, before --resume" ;;
    esac
}

# The number of the run that is the newest.
newest() { pipebd --json runs list | sed -nE 's/^ *"id": ([0-9]+),?$/\1/p' | head -n 1; }

# Starts a run, stops it as the README says once it trains, and leaves its number in $interrupted.
interrupt_a_run() {
    local before now waited=0 id
    before=$(newest)
    pipebd run experiments/digits-nas.toml --strategy tr+dpu --devices cpu,cpu --set train.steps=60 >"$work/interrupted" 2>&1 &
    local process=$!
    while kill -0 "$process" 2>/dev/null && [ "$waited" -lt 1800 ]; do
        id=$(newest)
        now=$(find "$PIPEBD_LAB/runs" -path "*/0*$id-*/checkpoints/round-*" -maxdepth 4 2>/dev/null | head -n 1)
        [ "$id" != "$before" ] && [ -n "$now" ] && break
        sleep 1
        waited=$((waited + 1))
    done
    interrupted=$(newest)
    pipebd runs stop "$interrupted" >>"$work/interrupted" 2>&1
    wait "$process"
}

# shorter COMMAND: prints what --short adds to it.
shorter() {
    case $1 in
    "pipebd bench "*) echo " --rounds 1 --steps 3" ;;
    "pipebd verify "*) echo " --steps 1" ;;
    "pipebd run experiments/digits-teacher.toml"*) echo " --set train.steps=3" ;;
    "pipebd run "*) echo " --set train.steps=3 --set stage.finetune.steps=2" ;;
    esac
}

type_it() { # COMMAND
    local command=$1 typed=$1 started seconds why
    note="" file=$work/file-$number
    number=$((number + 1))
    why=$(why_not "$command")
    if [ -n "$why" ]; then
        row "$command" - - "not typed: $why"
        return
    fi
    case $command in
    "pipebd run --resume "*)
        interrupt_a_run
        typed=$(sed -E "s/--resume [0-9]+/--resume $interrupted/" <<<"$typed")
        ;;
    "pipebd pairs import "*" --name resnets"*) ;;
    "pipebd pairs show NAME") typed="pipebd pairs show nas-digits" ;;
    resources/python/*)
        typed="$python $command"
        # Stands for the published weights, which are not fetched here.
        "$python" -c 'import torch, torchvision; torch.save(torchvision.models.resnet34().state_dict(), "resnet34.pth")'
        ;;
    esac
    typed=${typed//EXPERIMENT/experiments/digits-nas.toml}
    typed=$(sed -E "s#FILE(\.[a-z]+)?#$file#; s#DIR#$file#; s#\bTEXT#'learns well'#" <<<"$typed")
    [[ $command == *FILE.png* ]] && file=$file.png typed=${typed//file-$((number - 1))/file-$((number - 1)).png}
    [ -z "$short" ] || typed+=$(shorter "$command")
    started=$SECONDS
    bash -c "$typed" >"$output" 2>&1 </dev/null
    status=$?
    seconds=$((SECONDS - started))
    expected "$command"
    cp "$output" "$work/output-$number"
    row "$command" "$status" "$seconds" "$note"
}

row command status seconds note
[ -n "$bin" ] || type_it "packaging/bootstrap.sh build" # all else needs it
while IFS=$'\t' read -r _ section command _; do
    if [ "$section" = "Several machines" ]; then
        row "$command" - - "not typed: two machines; cli_several_machines does"
    elif [ "$command" != "packaging/bootstrap.sh build" ]; then
        type_it "$command"
    fi
done < <(awk -f "$here/commands_in.awk" "$clone/README.md" "$clone/docs/runs.md")

echo "$failures commands did not end as the documents say"
[ "$failures" -eq 0 ]
