# shellcheck shell=bash
# Part of scripts/bench: trees of files against restic. The functions of one work are PREFIX_prepare, PREFIX_ours, PREFIX_peer, PREFIX_limit.
# shellcheck disable=SC2154,SC2034  # variables of scripts/bench and lib.sh

files_group() {
    local files_pitr=("${as_owner[@]}" "$scratch/bin/pitr" --config "$scratch/ours/pitr.yaml")
    local files_restic=("${as_owner[@]}" env RESTIC_PASSWORD=bench restic --repo "$scratch/files-peer" --cache-dir "$scratch/files-cache")
    "${as_owner[@]}" mkdir "$scratch/ours"
    quietly "pitr key new" "${files_pitr[@]}" key new --identity "$scratch/ours/identity.pem" --recipient "$scratch/ours/recipient.pem"
    "${as_owner[@]}" tee "$scratch/ours/pitr.yaml" >/dev/null <<CONFIGURATION
state-directory: $scratch/ours/state
encryption: { recipients: [$scratch/ours/recipient.pem], identity: $scratch/ours/identity.pem }
repositories: { bench: { url: "file://$scratch/files-ours" } }
services: { tree: { kind: files, paths: [$scratch/tree], repositories: [bench] } }
CONFIGURATION
    files_make
    measure files-first restic 'tar of the tree through zstd -1 -T2 to /dev/null'
    measure files-again restic 'find of every status'
    measure files-restore restic 'cp of the tree, synced'
    rm -rf "$scratch"/{tree,ours,files-ours,files-peer,files-cache}
}

# Small files of words, most of them between 100 bytes and 8 kB, and a few large ones of random bytes; for each unit of --scale 1000 and 2 MiB.
files_make() {
    progress "making a tree of $((scale * 1000)) files"
    "${as_owner[@]}" /usr/bin/python3 - "$scratch/tree" "$scale" <<'PYTHON'
import os, random, sys
root, scale = sys.argv[1], int(sys.argv[2])
random.seed(1)
words = [f"word{i} ".encode() for i in range(5000)]
text = b"".join(random.choice(words) for _ in range(1 << 20))
for number in range(scale * 1000):
    if number % 150 == 0:
        directory = f"{root}/{number // 3000}/{number // 150}"
        os.makedirs(directory)
    size = random.randint(100, 8000)
    start = random.randint(0, len(text) - size)
    with open(f"{directory}/{number}", "wb") as file:
        file.write(text[start:start + size])
for number in range(max(1, scale // 10)):
    with open(f"{root}/large{number}", "wb") as file:
        file.write(os.urandom(20 << 20))
PYTHON
    plain_bytes=$(bytes_in "$scratch/tree")
    pause 1 # so that nothing counts as changed just now
}

# files_fresh: empty repositories.
files_fresh() {
    rm -rf "$scratch"/{files-ours,files-peer,files-cache,ours/state}
    "${as_owner[@]}" mkdir "$scratch/files-ours"
    quietly "pitr repo init" "${files_pitr[@]}" repo init bench
    quietly "restic init" "${files_restic[@]}" init
}

files_ours() { timed_peak pitr-files "${files_pitr[@]:${#as_owner[@]}}" "$@"; ((peak_kib <= ours_peak_kib)) || ours_peak_kib=$peak_kib; }

files_peer() { timed_peak restic "${files_restic[@]:${#as_owner[@]}}" "$@"; ((peak_kib <= peer_peak_kib)) || peer_peak_kib=$peak_kib; }

files_first_prepare() { plain_bytes=$(bytes_in "$scratch/tree"); }

files_first_ours() {
    files_fresh
    settle
    files_ours backup tree
    ours_bytes=$(bytes_in "$scratch/files-ours")
}

files_first_peer() {
    files_fresh
    settle
    files_peer backup "$scratch/tree"
    peer_bytes=$(bytes_in "$scratch/files-peer")
}

files_tar() { tar -C "$scratch" -cf - tree | zstd -1 -T2 -q -c >/dev/null; }

files_first_limit() { timed limit files_tar; }

files_again_prepare() {
    plain_bytes=$(bytes_in "$scratch/tree")
    progress "taking a backup with each tool"
    files_fresh
    files_ours backup tree
    files_peer backup "$scratch/tree"
    ours_peak_kib=0 peer_peak_kib=0
}

files_again_ours() {
    local before
    before=$(bytes_in "$scratch/files-ours")
    settle
    files_ours backup tree
    ours_bytes=$(($(bytes_in "$scratch/files-ours") - before))
}

files_again_peer() {
    local before
    before=$(bytes_in "$scratch/files-peer")
    settle
    files_peer backup "$scratch/tree"
    peer_bytes=$(($(bytes_in "$scratch/files-peer") - before))
}

files_find() { find "$scratch/tree" -printf '%s %T@ %C@ %i\n' >/dev/null; }

files_again_limit() { timed limit files_find; }

files_restore_prepare() { files_again_prepare; }

# files_restored COMMAND...: restores into a new directory, and compares once for each tool.
files_restored() {
    local elapsed
    "$@"
    elapsed=$elapsed_us
    if [[ ${verified[$1]-} != yes ]]; then
        quietly "the comparison" diff -r "$scratch/tree" "$scratch/restored$scratch/tree"
        verified[$1]=yes
    fi
    rm -rf "$scratch/restored"
    elapsed_us=$elapsed
}

files_restore_ours() {
    settle
    files_restored files_ours restore tree --to "$scratch/restored"
}

files_restore_peer() {
    settle
    files_restored files_peer restore latest --target "$scratch/restored"
}

files_copy() {
    cp -a "$scratch/tree" "$scratch/restored"
    settle
}

files_restore_limit() {
    settle
    timed limit files_copy
    rm -rf "$scratch/restored"
}
