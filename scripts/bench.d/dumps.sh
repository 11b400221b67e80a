# shellcheck shell=bash
# Part of scripts/bench: `pitr backup` of kind mysql against a pipe of the same dump tool, on a MariaDB of scripts/services. The functions of the work are
# dump_mysql_prepare, _ours, _peer and _limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

dumps_group() {
    [[ -n $only && $only != dump-mysql ]] || dumps_mysql_group
    [[ $only == dump-mysql ]] || dumps_postgres_group
}

dumps_mysql_group() {
    progress "starting mariadb"
    services_start mariadb
    declare -g "${services_lines[@]}"
    dumps_prepare_tools
    measure dump-mysql 'mariadb-dump | zstd -1 | openssl enc -aes-256-ctr, synced' 'mariadb-dump to /dev/null'
    services_stop
    rm -rf "$scratch"/{ours,peer,ours-repository}
}

# Passwords are read from a file: arguments are visible to everybody.
dumps_prepare_tools() {
    "${as_owner[@]}" mkdir -m 700 "$scratch/ours" "$scratch/peer"
    "${as_owner[@]}" install -m 600 /dev/null "$scratch/ours/password"
    printf '%s' "$PITR_TEST_MARIADB_PASSWORD" >"$scratch/ours/password"
    "${as_owner[@]}" install -m 600 /dev/null "$scratch/peer/key"
    head -c 33 /dev/urandom | base64 >"$scratch/peer/key"
    dumps_script mariadb 'exec mariadb --no-defaults --host="$host" --port="$port" --user="$user" --batch --skip-column-names "$@"'
    # The options that pitr gives it.
    dumps_script dump 'exec mariadb-dump --no-defaults --host="$host" --port="$port" --protocol=TCP --user="$user" --default-character-set=utf8mb4 --single-transaction --quick --routines --events --triggers --hex-blob --master-data=2 --no-tablespaces -- bench'
    dumps_script pipe 'set -o pipefail; "$scratch/peer/dump" | zstd -1 -q | openssl enc -aes-256-ctr -pbkdf2 -pass "file:$scratch/peer/key" >"$1" && sync "$1" "$(dirname "$1")"'
}

# dumps_script NAME BODY: a script of the owner that knows the server.
dumps_script() {
    "${as_owner[@]}" install -m 700 /dev/null "$scratch/peer/$1"
    cat >"$scratch/peer/$1" <<SCRIPT
#!/bin/bash
MYSQL_PWD=\$(<"$scratch/ours/password")
export MYSQL_PWD
host=$PITR_TEST_MARIADB_HOST port=$PITR_TEST_MARIADB_PORT user=$PITR_TEST_MARIADB_USER scratch=$scratch
$2
SCRIPT
}

# dumps_sql SQL
dumps_sql() { "${as_owner[@]}" "$scratch/peer/mariadb" --execute="$1"; }

dump_mysql_prepare() {
    progress "making a database of MariaDB with rows of words at scale $dumps_scale"
    dumps_sql 'CREATE DATABASE bench; CREATE TABLE bench.wide (id int PRIMARY KEY, counter int NOT NULL, body text) ENGINE=InnoDB'
    scale=$dumps_scale write_documents | "${as_owner[@]}" tee "$scratch/peer/rows" >/dev/null
    quietly 'LOAD DATA' "${as_owner[@]}" "$scratch/peer/mariadb" --local-infile=1 --execute="LOAD DATA LOCAL INFILE '$scratch/peer/rows' INTO TABLE bench.wide" || exit 1
    rm "$scratch/peer/rows"
    dumps_sql 'ANALYZE TABLE bench.wide' >/dev/null # its size is an estimate otherwise
    contents=$(dumps_contents bench)
    plain_bytes=$(dumps_sql "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_schema = 'bench'")
    dumps_configure
    verified=()
}

dumps_configure() {
    quietly "pitr key new" "${as_owner[@]}" "$scratch/bin/pitr" key new --identity "$scratch/ours/identity.pem" --recipient "$scratch/ours/recipient.pem" || exit 1
    "${as_owner[@]}" tee "$scratch/ours/pitr.yaml" >/dev/null <<CONFIGURATION
state-directory: $scratch/ours/state
encryption: { recipients: [$scratch/ours/recipient.pem], identity: $scratch/ours/identity.pem }
repositories: { bench: { url: "file://$ours_repository" } }
services:
  bench:
    kind: mysql
    host: $PITR_TEST_MARIADB_HOST
    port: $PITR_TEST_MARIADB_PORT
    user: $PITR_TEST_MARIADB_USER
    password: file:$scratch/ours/password
    databases: [bench]
    repositories: [bench]
CONFIGURATION
}

dumps_contents() { dumps_sql "SELECT count(*), sum(crc32(concat(id, counter, body))) FROM $1.wide"; }

dump_mysql_ours() {
    fresh "$ours_repository"
    rm -rf "$scratch/ours/state"
    quietly "pitr repo init" "${as_owner[@]}" "$scratch/bin/pitr" --config "$scratch/ours/pitr.yaml" repo init bench || exit 1
    settle
    timed_peak pitr-backup "$scratch/bin/pitr" --config "$scratch/ours/pitr.yaml" backup bench
    ((peak_kib <= ours_peak_kib)) || ours_peak_kib=$peak_kib
    ours_bytes=$(bytes_in "$ours_repository/services/bench/dumps")
    [[ ${verified[ours]-} == yes ]] || dumps_verify_ours
    verified[ours]=yes
}

# What comes back is what is there.
dumps_verify_ours() {
    quietly "pitr restore" "${as_owner[@]}" "$scratch/bin/pitr" --config "$scratch/ours/pitr.yaml" restore bench --into bench_back || exit 1
    [[ $(dumps_contents bench_back) == "$contents" ]] || fail "what pitr brought back differs"
    dumps_sql 'DROP DATABASE bench_back'
}

dump_mysql_peer() {
    settle
    # The largest of its processes.
    peer_timed "$scratch/peer/pipe" "$scratch/peer/bench.sql.zst.enc"
    peer_bytes=$(bytes_in "$scratch/peer/bench.sql.zst.enc")
    # shellcheck disable=SC2016  # expanded by the inner shell
    [[ ${verified[peer]-} == yes ]] || "${as_owner[@]}" bash -c 'openssl enc -d -aes-256-ctr -pbkdf2 -pass "file:$1" -in "$2" | zstd -dcq | tail -n 1 | grep -q "Dump completed"' \
        bash "$scratch/peer/key" "$scratch/peer/bench.sql.zst.enc" || fail "the file of the pipe is no dump"
    verified[peer]=yes
    rm "$scratch/peer/bench.sql.zst.enc"
}

dump_mysql_limit() {
    settle
    # shellcheck disable=SC2016
    timed limit "${as_owner[@]}" bash -c '"$1" >/dev/null' bash "$scratch/peer/dump"
}
