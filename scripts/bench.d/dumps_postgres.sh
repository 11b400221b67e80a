# shellcheck shell=bash
# Part of scripts/bench: kind postgres-dump with two jobs, against pg_dump and pg_restore of a plain directory with two jobs, and against pitr with one job. The functions of
# the works are dump_postgres_ and restore_postgres_prepare, _ours, _peer and _limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

dumps_postgres_group() {
    dumps_postgres_cluster
    measure dump-postgres 'pg_dump -Fd -j2 -Z0, synced' 'pitr with one job'
    measure restore-postgres 'pg_restore -j2 of that directory' 'pitr with one job'
    cluster_stop "$cluster" immediate
}

# Four tables with two indexes each, of about 13 MB for every unit of --scale each.
dumps_postgres_cluster() {
    progress "making a cluster with four tables of words at scale $dumps_scale"
    cluster_create "$cluster" "$port" <<'SETTINGS'
shared_buffers = 256MB
max_wal_size = 64GB
checkpoint_timeout = 1d
autovacuum = off
SETTINGS
    cluster_start "$cluster"
    sql "$port" 'CREATE DATABASE bench'
    dumps_postgres_sql 'CREATE TABLE wide1 (id int PRIMARY KEY, counter int NOT NULL, body text)'
    scale=$dumps_scale write_documents | dumps_postgres_sql 'COPY wide1 FROM STDIN'
    dumps_postgres_sql 'CREATE INDEX ON wide1 (md5(body))'
    local number
    for number in 2 3 4; do
        dumps_postgres_sql "CREATE TABLE wide$number (LIKE wide1 INCLUDING INDEXES); INSERT INTO wide$number SELECT * FROM wide1"
    done
    plain_database=$(dumps_postgres_sql "SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relname LIKE 'wide_'")
    contents=$(dumps_postgres_contents bench)
    "${as_owner[@]}" mkdir -m 700 "$scratch/ours" "$scratch/peer"
    quietly "pitr key new" "${as_owner[@]}" "$scratch/bin/pitr" key new --identity "$scratch/ours/identity.pem" --recipient "$scratch/ours/recipient.pem" || exit 1
    dumps_postgres_configure 1
    dumps_postgres_configure 2
}

# dumps_postgres_sql QUERY [DATABASE]
dumps_postgres_sql() {
    "${as_owner[@]}" psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --host="$socket_dir" --port="$port" --username=postgres --dbname="${2:-bench}" --command="$1"
}

dumps_postgres_contents() { dumps_postgres_sql 'SELECT count(*), sum(id), sum(hashtext(body)::bigint) FROM (TABLE wide1 UNION ALL TABLE wide4) AS rows' "$1"; }

# dumps_postgres_configure JOBS: a configuration, a state directory and a repository of its own.
dumps_postgres_configure() {
    "${as_owner[@]}" tee "$scratch/ours/jobs-$1.yaml" >/dev/null <<CONFIGURATION
state-directory: $scratch/ours/state-$1
encryption: { recipients: [$scratch/ours/recipient.pem], identity: $scratch/ours/identity.pem }
repositories: { bench: { url: "file://$ours_repository-$1" } }
services:
  bench: { kind: postgres-dump, connection: "Host=$socket_dir;Port=$port;Username=postgres;Database=postgres", databases: [bench], repositories: [bench], jobs: $1 }
CONFIGURATION
}

# dumps_postgres_pitr JOBS ARGUMENTS...
dumps_postgres_pitr() { "${as_owner[@]}" "$scratch/bin/pitr" --config "$scratch/ours/jobs-$1.yaml" "${@:2}"; }

# dumps_postgres_backup JOBS
dumps_postgres_backup() {
    fresh "$ours_repository-$1"
    rm -rf "$scratch/ours/state-$1"
    quietly "pitr repo init" dumps_postgres_pitr "$1" repo init bench || exit 1
    settle
    timed_peak pitr-backup "$scratch/bin/pitr" --config "$scratch/ours/jobs-$1.yaml" backup bench
}

# dumps_postgres_restored TOOL: what came back is what is there; then it goes.
dumps_postgres_restored() {
    local elapsed=$elapsed_us
    [[ $(dumps_postgres_contents bench_back) == "$contents" ]] || fail "what $1 brought back differs"
    dumps_postgres_sql 'DROP DATABASE bench_back' postgres
    elapsed_us=$elapsed
}

dump_postgres_prepare() { plain_bytes=$plain_database; }

dump_postgres_ours() {
    dumps_postgres_backup 2
    ((peak_kib <= ours_peak_kib)) || ours_peak_kib=$peak_kib
    ours_bytes=$(bytes_in "$ours_repository-2/services/bench/dumps")
}

dump_postgres_peer() {
    "${as_owner[@]}" rm -rf "$scratch/peer/directory"
    settle
    peer_timed "$postgres_bin/pg_dump" --host="$socket_dir" --port="$port" --username=postgres --format=directory --jobs=2 --compress=0 --file="$scratch/peer/directory" bench
    peer_bytes=$(bytes_in "$scratch/peer/directory")
}

dump_postgres_limit() { dumps_postgres_backup 1; }

# The works are also run alone.
restore_postgres_prepare() {
    plain_bytes=$plain_database
    [[ -z $only || $only == restore-postgres ]] || return 0
    dump_postgres_ours
    dump_postgres_peer
    dump_postgres_limit
    ours_peak_kib=0 peer_peak_kib=0
}

# restore_postgres_pitr JOBS
restore_postgres_pitr() {
    settle
    timed_peak pitr-restore "$scratch/bin/pitr" --config "$scratch/ours/jobs-$1.yaml" restore bench --database bench --into bench_back
    dumps_postgres_restored pitr
}

restore_postgres_ours() {
    restore_postgres_pitr 2
    ((peak_kib <= ours_peak_kib)) || ours_peak_kib=$peak_kib
}

restore_postgres_peer() {
    dumps_postgres_sql 'CREATE DATABASE bench_back TEMPLATE template0' postgres
    settle
    peer_timed "$postgres_bin/pg_restore" --host="$socket_dir" --port="$port" --username=postgres --dbname=bench_back --jobs=2 --exit-on-error "$scratch/peer/directory"
    dumps_postgres_restored pg_restore
}

restore_postgres_limit() { restore_postgres_pitr 1; }
