# shellcheck shell=bash
# Part of scripts/bench: one push of a segment that was pushed ahead, and recovery with segments that are fetched ahead, on the cluster
# and with the segments of wal-drain. The functions of one work are PREFIX_prepare, PREFIX_ours, PREFIX_peer, PREFIX_limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

wal_group() {
    measure wal-drain pgbackrest-async 'zstd -1 of each segment, synced, two at a time'
    measure wal-push-one pgbackrest-async 'a program that does nothing (true)'
    measure wal-replay pgbackrest-async 'WAL that is in pg_wal already'
    measure wal-replay-cp 'cp from a local directory' 'WAL that is in pg_wal already'
    archive_with ''
}

# archive_command_ours, archive_command_peer: without the %p.
archive_command_ours() { echo "$scratch/bin/pitr-archive --socket $scratch/ours/agent.sock --config $scratch/ours/pitr.yaml push main"; }
archive_command_peer() { echo "pgbackrest --config=$scratch/peer/pgbackrest.conf --stanza=bench archive-push"; }

# peak_of PID: the most memory of a running process, in KiB.
peak_of() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"; }

# ------------------------------------------------------------------------------------------ work: wal-push-one

wal_push_one_prepare() { plain_bytes=$(((segment_count - 1) * 16 * 1024 * 1024)); }

mark_segments() {
    local name status=$cluster/pg_wal/archive_status
    for name in "${segments[@]}"; do
        mv "$status/$name.$1" "$status/$name.$2"
    done
}

# wait_count COUNT COMMAND...: until the command prints at least the count.
wait_count() {
    local deadline=$(($(now_us) + 300000000))
    while (($("${@:2}") < $1)); do
        (($(now_us) < deadline)) || fail "not everything was pushed ahead within five minutes: ${*:2}"
        pause 0.05
    done
}

# push_first COMMAND
# shellcheck disable=SC2016  # expanded by the inner shell
push_first() { timed push-first "${as_owner[@]}" bash -c 'cd "$1" && $2 "pg_wal/$3"' bash "$cluster" "$1" "${segments[0]}"; }

# push_each COMMAND: pushes all but the first segment, one call after the other; sets elapsed_us.
push_each() {
    settle
    # shellcheck disable=SC2016  # expanded by the inner shell
    timed push-one "${as_owner[@]}" bash -c 'cd "$1" && for segment in "${@:3}"; do $2 "pg_wal/$segment" || exit; done' bash "$cluster" "$1" "${segments[@]:1}"
}

wal_push_one_ours() {
    ours_reset
    mark_segments 'done' ready
    push_first "$(archive_command_ours)"
    wait_count "$segment_count" files_in "$ours_repository/services/main/wal"
    pause 0.5 # the last one is stored, and about to be remembered
    push_each "$(archive_command_ours)"
    mark_segments ready 'done'
    require_stored "$ours_repository/services/main/wal"
}

count_pushed_peer() { find "$scratch/peer/spool/archive/bench/out" -name '*.ok' 2>/dev/null | wc -l; }

wal_push_one_peer() {
    peer_reset
    mark_segments 'done' ready
    push_first "$(archive_command_peer)"
    wait_count $((segment_count - 1)) count_pushed_peer
    push_each "$(archive_command_peer)"
    mark_segments ready 'done'
    require_stored "$peer_repository/archive/bench"
}

wal_push_one_limit() { push_each true; }

# -------------------------------------------------------------------------------------------- work: wal-replay

replayed_port=5435

# take_base: a copy of the cluster as it is before the segments are made. Sets base_first to the segment that its recovery begins with.
take_base() {
    progress "taking a base backup"
    quietly pg_basebackup "${as_owner[@]}" "$postgres_bin/pg_basebackup" --host="$socket_dir" --port="$port" --username=postgres \
        --pgdata="$scratch/base" --wal-method=fetch --checkpoint=fast --no-manifest || exit 1
    # Without its WAL it would wait for the archive, which takes nothing now.
    find "$scratch/base/pg_wal" -type f -delete
    base_first=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]\{24\}\))$/\1/p' "$scratch/base/backup_label")
}

# Every segment behind the base goes into a repository of each tool, and into a directory. Once for both works.
wal_replay_prepare() {
    local status=$cluster/pg_wal/archive_status tool path
    if [[ -d $scratch/plain ]]; then
        plain_bytes=$(bytes_in "$scratch/plain")
        return
    fi
    archive_with ''
    sql "$port" 'SELECT pg_switch_wal()' >/dev/null
    sql "$port" CHECKPOINT
    contents=$(contents_pgbench "$port")
    "${as_owner[@]}" mkdir "$scratch/plain"
    for path in "$status"/*; do
        path=${path##*/}
        path=${path%.*}
        [[ ! $path =~ ^[0-9A-F]{24}$ || $path < $base_first ]] || "${as_owner[@]}" cp "$cluster/pg_wal/$path" "$scratch/plain/"
    done
    plain_bytes=$(bytes_in "$scratch/plain")
    for tool in ours peer; do
        "${tool}_reset"
        for path in "$scratch"/plain/*; do
            [[ ! -e $status/${path##*/}.done ]] || mv "$status/${path##*/}.done" "$status/${path##*/}.ready"
        done
        archive_with "$("archive_command_$tool") %p"
        wait_archived
        archive_with ''
    done
    progress "$(files_in "$scratch/plain") segments are replayed"
    verified=()
}

# replay NAME RESTORE_COMMAND: recovers a copy of the base; sets elapsed_us to the time from the beginning of archive recovery until
# the last record is replayed, as the server's log says.
replay() {
    local log=$scratch/log/postgresql-replayed.log started ended found deadline
    "${as_owner[@]}" cp -a --reflink=auto "$scratch/base" "$scratch/replayed"
    [[ $1 != limit ]] || "${as_owner[@]}" cp -a "$scratch"/plain/* "$scratch/replayed/pg_wal/"
    "${as_owner[@]}" touch "$scratch/replayed/recovery.signal"
    "${as_owner[@]}" tee -a "$scratch/replayed/postgresql.auto.conf" >/dev/null <<SETTINGS
port = $replayed_port
archive_mode = off
hot_standby = off
log_line_prefix = '%n '
restore_command = '$2'
SETTINGS
    rm -f "$log"
    data_dirs+=("$scratch/replayed")
    settle
    cluster_start "$scratch/replayed" # returns before recovery has ended, as hot_standby is off
    deadline=$(($(now_us) + 1200000000))
    until grep -q 'LOG:  database system is ready to accept connections$' "$log"; do
        [[ -e $scratch/replayed/postmaster.pid && $(now_us) -lt $deadline ]] || break
        pause 0.1
    done
    started=$(sed -n 's/^\([0-9]*\)\.\([0-9]\{3\}\) LOG:  starting archive recovery$/\1\2/p' "$log")
    ended=$(sed -n 's/^\([0-9]*\)\.\([0-9]\{3\}\) LOG:  redo done at .*$/\1\2/p' "$log")
    [[ -n $started && -n $ended ]] || { tail -n 40 "$log" >&2; fail "the server did not recover; the end of its log is above"; }
    if [[ ${verified[replay-$1]-} != yes ]]; then
        found=$(contents_pgbench "$replayed_port")
        [[ $found == "$contents" ]] || fail "what was recovered with $1 differs: $found instead of $contents"
        verified[replay-$1]=yes
    fi
    cluster_stop "$scratch/replayed" immediate
    rm -rf "$scratch/replayed"
    elapsed_us=$(((ended - started) * 1000))
}

wal_replay_ours() {
    local peak
    replay ours "$scratch/bin/pitr-archive --socket $scratch/ours/agent.sock --config $scratch/ours/pitr.yaml get main %f %p"
    ours_bytes=$(bytes_in "$ours_repository")
    peak=$(peak_of "$agent_pid")
    ((peak <= ours_peak_kib)) || ours_peak_kib=$peak
}

wal_replay_peer() {
    rm -rf "$scratch/peer/spool"
    replay peer "pgbackrest --config=$scratch/peer/pgbackrest.conf --stanza=bench --pg1-path=$scratch/replayed archive-get %f \"%p\""
    peer_bytes=$(bytes_in "$peer_repository/archive/bench")
}

wal_replay_limit() { replay limit false; }

wal_replay_cp_prepare() { wal_replay_prepare; }
wal_replay_cp_ours() { wal_replay_ours; }
wal_replay_cp_limit() { wal_replay_limit; }

wal_replay_cp_peer() {
    replay cp "cp $scratch/plain/%f %p"
    peer_bytes=$(bytes_in "$scratch/plain")
}
