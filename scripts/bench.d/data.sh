# shellcheck shell=bash
# Part of scripts/bench: what the tables of the cluster hold. A shape NAME has three functions: fill_NAME, change_NAME (in every hundredth page, or table) and
# contents_NAME PORT, which prints a line that differs when a row does. Each holds about 15 MB for every unit of --scale.
# shellcheck disable=SC2154  # variables of scripts/bench and lib.sh

data_shapes=(pgbench text random tables)

fill_pgbench() {
    pgbench_on "$port" --initialize --quiet --scale="$scale" >"$scratch/log/pgbench.log" 2>&1 ||
        { cat "$scratch/log/pgbench.log" >&2; fail "pgbench --initialize failed"; }
}
change_pgbench() { change_hundredth pgbench_accounts aid abalance 61; }
contents_pgbench() { sql "$1" 'SELECT count(*), sum(abalance), sum(hashtext(t::text)::bigint) FROM pgbench_accounts AS t'; }

# Rows of about 1 kB of words, a few of them frequent and most of them rare, as in a language.
fill_text() {
    sql "$port" 'CREATE TABLE wide (id int PRIMARY KEY, counter int NOT NULL, body text)'
    write_documents | sql "$port" 'COPY wide FROM STDIN'
}
change_text() { change_hundredth wide id counter 7; }
contents_text() { sql "$1" 'SELECT count(*), sum(counter), sum(hashtext(body)::bigint) FROM wide'; }

write_documents() {
    awk -v rows=$((scale * 13000)) 'BEGIN {
        srand(1)
        for (w = 0; w < 20000; w++) {
            letters = 2 + int(rand() * 9)
            for (word[w] = ""; letters > 0; letters--) word[w] = word[w] sprintf("%c", 97 + int(rand() * 26))
        }
        for (row = 1; row <= rows; row++) {
            for (line = ""; length(line) < 1000; ) line = line word[int(20000 * rand() ^ 4)] " "
            printf "%d\t0\t%s\n", row, line
        }
    }'
}

# Rows of 1000 random bytes: what is encrypted or compressed already.
fill_random() {
    sql "$port" 'CREATE EXTENSION pgcrypto'
    sql "$port" 'CREATE TABLE wide (id int PRIMARY KEY, counter int NOT NULL, body bytea)'
    sql "$port" "INSERT INTO wide SELECT i, 0, gen_random_bytes(1000) FROM generate_series(1, $((scale * 13000))) AS i"
}
change_random() { change_hundredth wide id counter 7; }
contents_random() { sql "$1" 'SELECT count(*), sum(counter), sum(hashtext(encode(body, $$hex$$))::bigint) FROM wide'; }

# Tables of one row with an index: two files of one or two pages each. Inherited, so that one query sees all of them.
fill_tables() {
    sql "$port" 'CREATE TABLE tiny (id int PRIMARY KEY, counter int NOT NULL)'
    sql "$port" "DO \$\$ BEGIN FOR i IN 1..$((scale * 200)) LOOP
        EXECUTE format('CREATE TABLE tiny_%s (PRIMARY KEY (id)) INHERITS (tiny)', i);
        EXECUTE format('INSERT INTO tiny_%s VALUES (%s, 0)', i, i);
    END LOOP; END \$\$"
}
change_tables() {
    sql "$port" "UPDATE tiny SET counter = counter + 1 WHERE id % 100 = $((changes % 100))"
    changes=$((changes + 1))
}
contents_tables() { sql "$1" 'SELECT count(*), sum(counter), sum(id) FROM tiny'; }

# change_hundredth TABLE KEY COLUMN ROWS: one row in every hundredth page, of so many rows each. Other pages every time: a row that was changed has moved.
change_hundredth() {
    sql "$port" "UPDATE $1 SET $3 = $3 + 1 WHERE $2 % ($4 * 100) = $((changes % 100)) * $4 + 1"
    changes=$((changes + 1))
}
