#!/usr/bin/env bash
# The dependency rules between folders, by what their sources include. Prints each line that breaks one; fails if there is any.
set -u
rules=$(readlink -f "$0")
cd "${1:-$(dirname "$0")/..}" || exit 2
broken=0

# forbid FOLDER PATTERN REASON: no source under FOLDER includes a header that matches PATTERN.
forbid() {
    local found
    found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"](\.\./)*($2)" --include='*.h' --include='*.cpp' --include="*.cu" "$1" 2>/dev/null)
    if [ -n "$found" ]; then
        printf '%s:\n%s\n' "$3" "$found"
        broken=1
    fi
}

qt='Q[A-Z]|Qt|qcustomplot'
torch='torch/|ATen/|c10/|caffe2/'
sqlite='sqlite3|SQLiteCpp'

forbid core "$qt" "core sees Qt"
forbid core "gui/" "core sees gui"
forbid gui "$torch" "gui sees LibTorch"
forbid gui "$sqlite" "gui sees SQLite"
forbid gui 'engine/|launch/|cli/' "gui looks past store, schedule and experiment"
forbid core/base 'schedule/|experiment/|engine/|store/|launch/|cli/' "base looks upward"
forbid core/schedule 'experiment/|engine/|store/|launch/|cli/' "schedule looks upward"
forbid core/experiment 'engine/|store/|launch/|cli/' "experiment looks upward"
forbid core/engine 'store/|launch/|cli/' "engine sees store or launch"
forbid core/store 'engine/|launch/|cli/' "store looks upward or aside"
forbid core/launch 'engine/|cli/' "launch looks upward or aside"
forbid core/cli 'engine/' "cli sees the engine"
for folder in base schedule experiment store launch cli; do
    forbid core/$folder "$torch" "$folder sees LibTorch"
done
for folder in base schedule experiment engine launch cli; do
    forbid core/$folder "$sqlite" "$folder sees SQLite"
done

# rooms FOLDER PREFIX ROOM...: a room may use those before it, and what lies in FOLDER itself may use all of them.
rooms() {
    local folder=$1 prefix=$2 room later
    shift 2
    while [ $# -gt 0 ]; do
        room=$1
        shift
        later='[a-z0-9_]+\.h'
        for next in "$@"; do
            later="$later|$next/"
        done
        forbid "$folder/$room" "$prefix/($later)" "$prefix/$room looks at a room above it"
    done
}

rooms core/engine engine transport device report models data training search graph
rooms gui gui kit lab charts timeline pairs start profile runs schedules compare
for folder in core/engine gui; do
    for room in "$folder"/*/; do
        grep -qE "^rooms $folder .* $(basename "$room")( |$)" "$rules" || {
            printf 'a room without a place in the order: %s\n' "$room"
            broken=1
        }
    done
done

# S10: closing any other descriptor of a database drops the locks that the process has on it. A database's name is given to the
# store alone; and in the store only database.cpp opens what has such a name.
found=$(grep -rnE '\.sqlite' --include='*.h' --include='*.cpp' core gui 2>/dev/null | grep -vE '^core/store/|^[^:]*:[0-9]+:[[:space:]]*//|RunStore|store_\(')
if [ -n "$found" ]; then
    printf 'a database is opened past the store:\n%s\n' "$found"
    broken=1
fi
found=$(grep -rnE '(read_file|replace_file|MappedFile|sha256_of_file|fopen|open|fstream|copy_file|copy|hash)[ ({].*(database|library|sqlite)' --include='*.h' --include='*.cpp' core/store 2>/dev/null \
    | grep -vE '^core/store/database\.|^[^:]*:[0-9]+:[[:space:]]*//|open_database|open_library|open_run|create_database')
if [ -n "$found" ]; then
    printf 'a database is opened past SQLite:\n%s\n' "$found"
    broken=1
fi

[ $broken -eq 0 ] && echo "every folder keeps to its layer"
exit $broken
