# shellcheck shell=bash
# Part of scripts/bench: backups of a database and of one ten times larger after the same change, on servers that summarize their WAL.
# The functions of the work are backup_summaries_prepare, _ours (the large one), _peer (the small one) and _limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

summaries_version=18
declare -A summaries_port=([small]=5436 [large]=5437)

# summaries_on SIZE COMMAND...: runs it with the variables that say which cluster is meant.
summaries_on() {
    local postgres_bin=$server_cache/$summaries_version/bin cluster=$scratch/$1 port=${summaries_port[$1]}
    local configuration=$scratch/ours-$1 repository=$scratch/ours-$1-repository
    "${@:2}"
}

backup_summaries_prepare() {
    local size
    [[ -x $server_cache/$summaries_version/bin/postgres ]] || "$project_root/scripts/setup" versions >&2
    summaries_on small summaries_cluster "$summaries_scale"
    summaries_on large summaries_cluster $((summaries_scale * 10))
    # The same number of pages in both.
    summaries_pages=$(($(sql "${summaries_port[small]}" "SELECT pg_relation_size('pgbench_accounts') / 8192 / 100")))
    plain_bytes=$(summaries_on large data_bytes)
    progress "one row in each of $summaries_pages pages is changed"
    verified=()
}

# summaries_cluster SCALE: a cluster with its repository, its agent and a first backup.
summaries_cluster() {
    progress "making a cluster of PostgreSQL $summaries_version with pgbench at scale $1"
    cluster_create "$cluster" "$port" <<'SETTINGS'
archive_mode = on
summarize_wal = on
shared_buffers = 256MB
max_wal_size = 64GB
checkpoint_timeout = 1d
autovacuum = off
SETTINGS
    cluster_start "$cluster"
    # With room in each page a changed row stays where it is, so that as many pages change as rows do.
    quietly pgbench pgbench_on "$port" --initialize --quiet --scale="$1" --fillfactor=90 || exit 1
    quietly 'pitr init' pitr_init "$port" "$cluster" "$configuration" "file://$repository" --bin-directory "$postgres_bin" || exit 1
    agent_start "$configuration"
    archive_with "$scratch/bin/pitr-archive --socket $configuration/agent.sock --config $configuration/pitr.yaml push main %p"
    wait_archived
    timed pitr-backup pitr_on "$configuration" backup main
    wait_archived
}

# summaries_backup: changes pages and takes the next backup; sets elapsed_us, and changed_bytes to what it stored.
summaries_backup() {
    local before
    sql "$port" "UPDATE pgbench_accounts SET abalance = abalance + 1
        WHERE aid IN (SELECT 1 + n * ((SELECT count(*) FROM pgbench_branches) * 100000 / $summaries_pages) FROM generate_series(0, $summaries_pages - 1) n)" >/dev/null
    sql "$port" CHECKPOINT
    wait_archived
    before=$(bytes_in "$repository/services/main/packs")
    settle
    timed pitr-backup pitr_on "$configuration" --output json backup main
    changed_bytes=$(($(bytes_in "$repository/services/main/packs") - before))
    grep -q '"changes": "summaries"' "$scratch/log/pitr-backup.log" || fail "the backup did not go by WAL summaries: $(cat "$scratch/log/pitr-backup.log")"
    wait_archived
    [[ ${verified[of-${cluster##*/}]-} == yes ]] || summaries_verify
    verified[of-${cluster##*/}]=yes
}

# summaries_verify: what is restored from the newest backup holds what the cluster holds.
summaries_verify() {
    local elapsed=$elapsed_us contents restored=$cluster-restored
    contents=$(contents_pgbench "$port")
    timed pitr-restore pitr_on "$configuration" restore main --to "$restored"
    verify_restored pitr
    rm -rf "$restored"
    elapsed_us=$elapsed
}

backup_summaries_ours() {
    summaries_on large summaries_backup
    ours_bytes=$changed_bytes
}

backup_summaries_peer() {
    summaries_on small summaries_backup
    peer_bytes=$changed_bytes
}

backup_summaries_limit() {
    timed limit summaries_on large summaries_backup_mode
}

summaries_backup_mode() {
    "${as_owner[@]}" psql --no-psqlrc --quiet --host="$socket_dir" --port="$port" --username=postgres --dbname=postgres \
        --command="SELECT pg_backup_start('limit', true)" --command='SELECT pg_backup_stop(false)'
}
