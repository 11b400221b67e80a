# shellcheck shell=bash
# Part of scripts/bench: `pitr repo put` and `pitr repo get` against the clients that come with the protocols, on
# servers of scripts/services. The functions of one work are PREFIX_prepare, PREFIX_ours, PREFIX_peer, PREFIX_limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

storage_large=2147483648 # bytes of the object that memory is measured with

# storage_start SERVICE: starts it and sets its variables.
storage_start() {
    progress "starting $1"
    services_start "$1"
    declare -g "${services_lines[@]}"
    "${as_owner[@]}" mkdir "$scratch/ours" "$scratch/data" "$scratch/got"
}

storage_stop() {
    services_stop
    rm -rf "$scratch"/{ours,data,got}
}

# storage_configuration: writes pitr's; the repository's keys are read from standard input.
storage_configuration() {
    quietly "pitr key new" "${as_owner[@]}" "$scratch/bin/pitr" key new --identity "$scratch/ours/identity.pem" --recipient "$scratch/ours/recipient.pem"
    {
        printf 'state-directory: %s/ours/state\nencryption: { recipients: [%s/ours/recipient.pem] }\n' "$scratch" "$scratch"
        printf 'services: { main: { kind: postgres, connection: Host=/nonexistent, repositories: [bench] } }\nrepositories:\n  bench:\n'
        cat
    } | "${as_owner[@]}" tee "$scratch/ours/pitr.yaml" >/dev/null
}

# make_data DIRECTORY COUNT MIB: files of random bytes.
make_data() {
    "${as_owner[@]}" mkdir -p "$1"
    # shellcheck disable=SC2016  # expanded by the inner shell
    "${as_owner[@]}" bash -c 'for ((i = 1; i <= $2; i++)); do head -c "$3M" /dev/urandom >"$1/$(printf %03d "$i")"; done' bash "$1" "$2" "$3"
    plain_bytes=$(($2 * $3 * 1024 * 1024))
    sums=$(sums_in "$1")
}

# shellcheck disable=SC2016  # expanded by the inner shell
sums_in() { "${as_owner[@]}" bash -c 'cd "$1" && sha256sum *' bash "$1"; }

# require_same DIRECTORY: holds what was made, nothing more or less.
require_same() { [[ $(sums_in "$1") == "$sums" ]] || fail "$1 does not hold what was sent"; }

# fresh DIRECTORY...: makes them, empty.
fresh() {
    rm -rf "$@"
    "${as_owner[@]}" mkdir -m 700 "$@"
}

# timed_peak LOG COMMAND...: as timed, by the owner; also sets peak_kib, the most memory of the process (getrusage(2), ru_maxrss).
timed_peak() {
    timed "$1" "${as_owner[@]}" /usr/bin/time -f %M -o "$scratch/log/peak" "${@:2}"
    peak_kib=$(tail -n 1 "$scratch/log/peak")
}

# pitr_timed ARGUMENTS...: `pitr repo ...`; keeps the largest peak.
pitr_timed() {
    timed_peak pitr-repo "$scratch/bin/pitr" --config "$scratch/ours/pitr.yaml" repo "$@"
    ((peak_kib <= ours_peak_kib)) || ours_peak_kib=$peak_kib
}

# peer_timed COMMAND...
peer_timed() {
    timed_peak peer "$@"
    ((peak_kib <= peer_peak_kib)) || peer_peak_kib=$peak_kib
}

# measure_large WORK: one object of 2 GiB there and back; reports the memory of pitr.
measure_large() {
    local put_kib get_kib
    progress "$1: an object of $((storage_large >> 20)) MiB"
    "${as_owner[@]}" mkdir "$scratch/large"
    # shellcheck disable=SC2016
    "${as_owner[@]}" bash -c 'head -c "$1" /dev/urandom >"$2"' bash "$storage_large" "$scratch/large/put"
    settle
    pitr_timed put bench large/put "$scratch/large/put"
    put_kib=$peak_kib
    pitr_timed get bench large/put --raw --to "$scratch/large/got"
    get_kib=$peak_kib
    cmp "$scratch/large/put" "$scratch/large/got" || fail "what came back is not what was sent"
    rm -rf "$scratch/large"
    pitr_timed rm bench large/put --yes
    if [[ $output == json ]]; then
        printf '{"memory": "%s", "object_bytes": %d, "put_peak_bytes": %d, "get_peak_bytes": %d}\n' \
            "$1" "$storage_large" $((put_kib * 1024)) $((get_kib * 1024))
    else
        printf '%-12s %10s %10s  pitr, peak memory in MiB of one object of %d MiB, put and got\n' "$1" \
            "$(mebibytes "$put_kib")" "$(mebibytes "$get_kib")" $((storage_large >> 20))
    fi
}

# mebibytes KIB
mebibytes() { printf '%d.%d' $(($1 / 1024)) $(($1 % 1024 * 10 / 1024)); }

# ----------------------------------------------------------------------------------------------- sftp

sftp_group() {
    storage_start sshd
    storage_configuration <<CONFIGURATION
    url: sftp://$PITR_TEST_SFTP_USER@127.0.0.1:$PITR_TEST_SFTP_PORT$PITR_TEST_SFTP_PATH/ours
    identity-file: $PITR_TEST_SFTP_IDENTITY
    known-hosts: $PITR_TEST_SFTP_KNOWN_HOSTS
CONFIGURATION
    ssh_options=(-o "IdentityFile=$PITR_TEST_SFTP_IDENTITY" -o IdentitiesOnly=yes
        -o "UserKnownHostsFile=$PITR_TEST_SFTP_KNOWN_HOSTS" -o "Port=$PITR_TEST_SFTP_PORT")
    ssh_target=$PITR_TEST_SFTP_USER@127.0.0.1
    sftp_files=$PITR_TEST_SFTP_PATH
    make_data "$scratch/data/sftp" 16 16
    measure sftp-put 'sftp -b' 'cat | ssh cat to /dev/null'
    measure sftp-put-fsync 'sftp -b, put -f' 'cat | ssh cat to /dev/null'
    measure sftp-get 'sftp -b' 'ssh cat to /dev/null'
    measure_large sftp-2g
    storage_stop
}

# sftp_batch LINE...
sftp_batch() {
    printf '%s\n' "$@" | "${as_owner[@]}" tee "$scratch/ours/batch" >/dev/null
    peer_timed sftp -q -b "$scratch/ours/batch" "${ssh_options[@]}" "$ssh_target"
}

sftp_put_prepare() { plain_bytes=$((16 * 16 * 1024 * 1024)); }

sftp_put_ours() {
    fresh "$sftp_files/ours"
    settle
    pitr_timed put bench files/ "$scratch/data/sftp"
    require_same "$sftp_files/ours/files"
    ours_bytes=$(bytes_in "$sftp_files/ours")
    rm -rf "$sftp_files/ours"
}

# sftp_put_batch COMMAND
sftp_put_batch() {
    fresh "$sftp_files/peer"
    settle
    sftp_batch "$1 $scratch/data/sftp/* $sftp_files/peer/"
    require_same "$sftp_files/peer"
    peer_bytes=$(bytes_in "$sftp_files/peer")
    rm -rf "$sftp_files/peer"
}

sftp_put_peer() { sftp_put_batch put; }

sftp_put_limit() {
    settle
    # shellcheck disable=SC2016
    timed limit "${as_owner[@]}" bash -c 'cat "$1"/* | ssh "${@:2}" "cat >/dev/null"' bash "$scratch/data/sftp" "${ssh_options[@]}" "$ssh_target"
}

sftp_put_fsync_prepare() { sftp_put_prepare; }
sftp_put_fsync_ours() { sftp_put_ours; }
sftp_put_fsync_peer() { sftp_put_batch 'put -f'; }
sftp_put_fsync_limit() { sftp_put_limit; }

sftp_get_prepare() {
    sftp_put_prepare
    fresh "$sftp_files/ours"
    pitr_timed put bench files/ "$scratch/data/sftp"
    ours_peak_kib=0
}

sftp_get_ours() {
    fresh "$scratch/got/ours"
    settle
    pitr_timed get bench files/ --raw --to "$scratch/got/ours"
    require_same "$scratch/got/ours"
    ours_bytes=$plain_bytes
    rm -rf "$scratch/got/ours"
}

sftp_get_peer() {
    fresh "$scratch/got/peer"
    settle
    sftp_batch "get $sftp_files/ours/files/* $scratch/got/peer/"
    require_same "$scratch/got/peer"
    peer_bytes=$plain_bytes
    rm -rf "$scratch/got/peer"
}

sftp_get_limit() {
    settle
    timed limit "${as_owner[@]}" ssh "${ssh_options[@]}" "$ssh_target" "cat $sftp_files/ours/files/*"
}

# ------------------------------------------------------------------------------------------------- s3

s3_group() {
    storage_start ceph-rgw
    rclone_target=rgw:$PITR_TEST_S3_BUCKET
    # Keys are read from files: arguments are visible to everybody.
    "${as_owner[@]}" install -m 600 /dev/null "$scratch/ours/secret"
    printf '%s' "$PITR_TEST_S3_SECRET_KEY" >"$scratch/ours/secret"
    storage_configuration <<CONFIGURATION
    url: s3://$PITR_TEST_S3_BUCKET/ours
    endpoint: $PITR_TEST_S3_ENDPOINT
    access-key: $PITR_TEST_S3_ACCESS_KEY
    secret-key: file:$scratch/ours/secret
CONFIGURATION
    "${as_owner[@]}" install -m 600 /dev/null "$scratch/ours/curl"
    "${as_owner[@]}" install -m 700 /dev/null "$scratch/ours/rclone"
    cat >"$scratch/ours/rclone" <<SCRIPT
#!/bin/bash
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_RGW_TYPE=s3 RCLONE_CONFIG_RGW_PROVIDER=Ceph
export RCLONE_CONFIG_RGW_ENDPOINT=$PITR_TEST_S3_ENDPOINT RCLONE_CONFIG_RGW_ACCESS_KEY_ID=$PITR_TEST_S3_ACCESS_KEY
RCLONE_CONFIG_RGW_SECRET_ACCESS_KEY=\$(<"$scratch/ours/secret")
export RCLONE_CONFIG_RGW_SECRET_ACCESS_KEY
exec rclone "\$@"
SCRIPT
    make_data "$scratch/data/s3" 64 4
    measure s3-put 'rclone copy --transfers 8' 'curl --parallel-max 8'
    measure s3-get 'rclone copy --transfers 8' 'curl --parallel-max 8'
    s3_clear
    measure_large s3-2g
    storage_stop
}

# rclone_quietly ARGUMENTS...: outside what is timed.
rclone_quietly() { quietly "rclone $1" "${as_owner[@]}" "$scratch/ours/rclone" "$@" || exit 1; }

# s3_clear: nothing is stored, and the server has had the time to free its memory (its collector runs every two seconds).
s3_clear() {
    rclone_quietly delete "$rclone_target"
    pause 5
}

# s3_require PREFIX: what is below it is what was sent.
s3_require() {
    fresh "$scratch/got/check"
    rclone_quietly copy --transfers 8 "$rclone_target/$1" "$scratch/got/check"
    require_same "$scratch/got/check"
    rm -rf "$scratch/got/check"
}

s3_put_prepare() { plain_bytes=$((64 * 4 * 1024 * 1024)); }

s3_put_ours() {
    s3_clear
    settle
    pitr_timed put bench files/ "$scratch/data/s3" --jobs 8
    s3_require ours/files
    ours_bytes=$plain_bytes
}

s3_put_peer() {
    s3_clear
    settle
    peer_timed "$scratch/ours/rclone" copy --transfers 8 "$scratch/data/s3" "$rclone_target/peer"
    s3_require peer
    peer_bytes=$plain_bytes
}

# curl_all LINES...: curl with the user and these lines for every file, with FILE and URL replaced.
curl_all() {
    local path
    {
        printf 'silent\nshow-error\nfail\nparallel\nparallel-max = 8\naws-sigv4 = "aws:amz:us-east-1:s3"\n'
        printf 'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\nuser = "%s:%s"\n' "$PITR_TEST_S3_ACCESS_KEY" "$PITR_TEST_S3_SECRET_KEY"
        for path in "$scratch"/data/s3/*; do
            # shellcheck disable=SC2059  # it is the format
            printf "$1\n" "$path" "$PITR_TEST_S3_ENDPOINT/$PITR_TEST_S3_BUCKET/$2/${path##*/}"
        done
    } >"$scratch/ours/curl"
    timed limit "${as_owner[@]}" curl --config "$scratch/ours/curl"
}

s3_put_limit() {
    s3_clear
    settle
    curl_all 'upload-file = "%s"\nurl = "%s"' limit
    s3_require limit
}

s3_get_prepare() {
    s3_put_prepare
    s3_clear
    pitr_timed put bench files/ "$scratch/data/s3"
    ours_peak_kib=0
}

s3_get_ours() {
    fresh "$scratch/got/ours"
    settle
    pitr_timed get bench files/ --raw --to "$scratch/got/ours" --jobs 8
    require_same "$scratch/got/ours"
    ours_bytes=$plain_bytes
    rm -rf "$scratch/got/ours"
}

s3_get_peer() {
    fresh "$scratch/got/peer"
    settle
    peer_timed "$scratch/ours/rclone" copy --transfers 8 "$rclone_target/ours/files" "$scratch/got/peer"
    require_same "$scratch/got/peer"
    peer_bytes=$plain_bytes
    rm -rf "$scratch/got/peer"
}

s3_get_limit() {
    settle
    curl_all '# %s\noutput = "/dev/null"\nurl = "%s"' ours/files
}
