# shellcheck shell=bash
# Shared by the scripts of this directory, which source it; it does nothing when run.
#
# What it gives them: messages and timing, one clean-up that ends and removes everything a script
# started, and PostgreSQL run by an unprivileged user, as PostgreSQL demands. Nothing outside the
# scratch directory is read or written by what runs there, and its environment is empty but for the
# few variables set below, so neither PGHOST nor a ~/.pgpass of the caller can reach a real cluster.

export LC_ALL=C.UTF-8 # EPOCHREALTIME and every tool's text and sort order
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # no libicu needed
# No build server may outlive a script.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

project_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034  # used by the scripts
programs_dir=$project_root/out
postgres_bin=${PITR_POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
# Other PostgreSQL versions, fetched by `scripts/setup versions`; root's own ~/.cache is closed to `postgres`.
# shellcheck disable=SC2034  # used by the scripts
server_cache=${XDG_CACHE_HOME:-$([[ $EUID == 0 ]] && echo /var/cache || echo "${HOME:-/nonexistent}/.cache")}/pitr-test/postgres

# ---------------------------------------------------------------------------------------- messages

warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
    warn "$@"
    exit 1
}

# Prints the comment at the head of the calling script: the one place its usage is written.
print_help() { sed -n '2,/^[^#]/{/^#/!q; s/^# \{0,1\}//; p}' "$0"; }

now_us() { printf '%s' "${EPOCHREALTIME/./}"; }

# seconds_since MICROSECONDS: elapsed seconds, with milliseconds.
seconds_since() {
    local elapsed=$((${EPOCHREALTIME/./} - $1))
    printf '%d.%03d' $((elapsed / 1000000)) $((elapsed / 1000 % 1000))
}

# Waits without starting a process: reads from a pipe that nobody writes to.
exec {never_ready}<> <(:)
pause() { read -rt "$1" -u "$never_ready" || true; }

# quietly WHAT COMMAND...: the command's output is shown only if it fails.
quietly() {
    local what=$1 log status=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if ((status != 0)); then
        cat "$log" >&2
        warn "$what failed (exit code $status); its output is above"
    fi
    rm -f "$log"
    return "$status"
}

# ---------------------------------------------------------------------------------- scratch, clean-up

scratch=
keep_scratch=false
as_owner=()    # prefix that runs a command as the owner of the scratch directory
data_dirs=()   # data directories of servers to stop
mounts=()      # mount points below the scratch directory
services_started=() # names of storage servers to stop
socket_dir=

# make_scratch NAME: a new directory below $TMPDIR, everything of which ends with the script.
# Owned by `postgres` when run by root, because PostgreSQL refuses to run as root.
make_scratch() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/pitr-$1.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # A Unix socket's path has at most 107 bytes.
    ((${#scratch} <= 60)) || fail "the path $scratch is too long for sockets; set TMPDIR to a shorter one"
    socket_dir=$scratch/run
    as_owner=()
    local path=$postgres_bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
    if ((EUID == 0)); then
        chown postgres: "$scratch"
        # setpriv becomes the command instead of watching it, so that $! is the command's own pid.
        as_owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
    fi
    # The mark is not named PITR_...: such variables are pitr's own and override its configuration.
    as_owner+=(env -i -C "$scratch" "HOME=$scratch" "PATH=$path" "LC_ALL=$LC_ALL" "TERM=${TERM:-dumb}"
        "SCRIPT_SCRATCH=$scratch" "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1" "DOTNET_CLI_TELEMETRY_OPTOUT=1"
        "DOTNET_NOLOGO=1")
    "${as_owner[@]}" mkdir -m 700 "$socket_dir" "$scratch/log"
}

# scratch_processes: pids of processes of this run: they inherited its SCRIPT_SCRATCH or work below it.
scratch_processes() {
    local process pid
    for process in /proc/[0-9]*; do
        pid=${process#/proc/}
        [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
        if [[ $(readlink "$process/cwd" 2>/dev/null) == "$scratch"* ]] ||
            grep -qzxF "SCRIPT_SCRATCH=$scratch" "$process/environ"; then
            echo "$pid"
        fi
    done 2>/dev/null
}

# end_scratch_processes: ends them, first asking, then not.
end_scratch_processes() {
    local signal attempt pids
    for signal in TERM KILL; do
        for ((attempt = 0; attempt < 50; attempt++)); do
            mapfile -t pids < <(scratch_processes)
            ((${#pids[@]} > 0)) || return 0
            ((attempt > 0)) || kill "-$signal" "${pids[@]}" 2>/dev/null || true
            pause 0.1
        done
    done
}

clean_up() {
    local status=$? directory
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    for directory in "${data_dirs[@]}"; do
        [[ ! -e $directory/postmaster.pid ]] || cluster_stop "$directory" immediate >/dev/null 2>&1
    done
    end_scratch_processes
    services_stop
    for directory in "${mounts[@]}"; do
        umount "$directory" || umount --lazy "$directory"
    done
    if [[ $keep_scratch == true ]]; then
        warn "kept $scratch"
    else
        rm -rf --one-file-system -- "$scratch"
    fi
    exit "$status"
}

# services ARGUMENTS...: scripts/services as the owner of the scratch directory, with servers and files below it. Runs from a copy,
# because the clone may lie below a directory that only its own owner can enter.
services() {
    if [[ ! -d $scratch/scripts ]]; then
        mkdir "$scratch/scripts"
        cp -r "$project_root"/scripts/{services,services.d,lib.sh} "$scratch/scripts/"
    fi
    "${as_owner[@]}" "$scratch/scripts/services" "$@" --directory "$scratch/services"
}

# services_start NAME...: sets services_lines to what they print, NAME=VALUE. They are stopped with the script.
services_start() {
    services_started+=("$@")
    services start "$@" >"$scratch/log/services.log"
    # shellcheck disable=SC2034  # used by the scripts
    mapfile -t services_lines <"$scratch/log/services.log"
}

services_stop() {
    ((${#services_started[@]} > 0)) || return 0
    services stop "${services_started[@]}"
    services_started=()
}

# install_programs: copies the programs to where the scratch directory's owner can run them; the
# clone may lie below a directory that only its own owner can enter.
install_programs() {
    "${as_owner[@]}" mkdir -p "$scratch/bin"
    install -m 755 "$programs_dir/pitr" "$programs_dir/pitr-archive" "$scratch/bin/"
}

# ------------------------------------------------------------------------------------- PostgreSQL 15

# cluster_create DATA_DIRECTORY PORT: a cluster with only a private Unix socket. Further settings are
# read from standard input, as lines of postgresql.conf.
cluster_create() {
    "${as_owner[@]}" "$postgres_bin/initdb" --pgdata="$1" --username=postgres --auth=trust \
        --encoding=UTF8 --no-locale --data-checksums >"$scratch/log/initdb.log" 2>&1 ||
        { cat "$scratch/log/initdb.log" >&2; fail "initdb failed"; }
    {
        printf "listen_addresses = ''\nunix_socket_directories = '%s'\nport = %d\n" "$socket_dir" "$2"
        cat
    } | "${as_owner[@]}" tee -a "$1/postgresql.conf" >/dev/null
    data_dirs+=("$1")
}

# cluster_start DATA_DIRECTORY: returns once the server accepts connections.
cluster_start() {
    local log
    log=$scratch/log/postgresql-${1##*/}.log
    "${as_owner[@]}" "$postgres_bin/pg_ctl" start --silent --wait --timeout=300 --pgdata="$1" --log="$log" >/dev/null ||
        { tail -n 40 "$log" >&2; fail "the server of $1 did not start; the end of its log is above"; }
}

# cluster_stop DATA_DIRECTORY [MODE]
cluster_stop() {
    "${as_owner[@]}" "$postgres_bin/pg_ctl" stop --silent --wait --timeout=300 --pgdata="$1" --mode="${2:-fast}"
}

# sql PORT QUERY: the rows, unaligned, without headings.
sql() {
    "${as_owner[@]}" psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
        --host="$socket_dir" --port="$1" --username=postgres --dbname=postgres --command="$2"
}

# pgbench_on PORT ARGUMENTS...
pgbench_on() {
    "${as_owner[@]}" pgbench --host="$socket_dir" --port="$1" --username=postgres "${@:2}" postgres
}

# ---------------------------------------------------------------------------------------------- pitr

# pitr_init PORT DATA_DIRECTORY CONFIGURATION_DIRECTORY REPOSITORY_URL [ARGUMENTS...]
pitr_init() {
    "${as_owner[@]}" mkdir -p -m 700 "$3"
    "${as_owner[@]}" "$scratch/bin/pitr" init --config "$3/pitr.yaml" --service main --data-directory "$2" \
        --connection "Host=$socket_dir;Port=$1;Username=postgres" --repository "$4" \
        --state-directory "$3/state" --socket "$3/agent.sock" "${@:5}"
}

# pitr_on CONFIGURATION_DIRECTORY ARGUMENTS...
pitr_on() { "${as_owner[@]}" "$scratch/bin/pitr" --config "$1/pitr.yaml" "${@:2}"; }

# agent_start CONFIGURATION_DIRECTORY: sets agent_pid; returns once the agent answers on its socket.
agent_start() {
    local log=$scratch/log/agent.log attempt
    "${as_owner[@]}" "$scratch/bin/pitr" --config "$1/pitr.yaml" agent >>"$log" 2>&1 </dev/null &
    agent_pid=$!
    for ((attempt = 0; attempt < 600; attempt++)); do
        [[ ! -S $1/agent.sock ]] || return 0
        kill -0 "$agent_pid" 2>/dev/null || break
        pause 0.05
    done
    tail -n 40 "$log" >&2
    fail "pitr agent did not start; the end of its log is above"
}

agent_stop() {
    kill -TERM "$agent_pid"
    wait "$agent_pid" || true
}
