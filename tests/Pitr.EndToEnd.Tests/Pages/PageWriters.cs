using System.Globalization;
using Npgsql;

namespace Pitr.EndToEnd.Tests.Pages;

/// <summary>Sessions that do to tables, each to its own, whatever moves, rewrites, empties or drops pages, until they are stopped.</summary>
sealed class PageWriters : IAsyncDisposable
{
    const int Tables = 4;

    readonly CancellationTokenSource _stop = new();
    readonly Task[] _writers;

    public PageWriters(string connection, int seed, int writers)
    {
        _writers = Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(connection, writer, new Random(seed + writer)))).ToArray();
    }

    /// <summary>How many statements were executed.</summary>
    public int Statements;

    async Task WriteAsync(string connectionString, int writer, Random random)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        while (!_stop.IsCancellationRequested)
        {
            var table = string.Create(CultureInfo.InvariantCulture, $"t{writer}_{random.Next(Tables)}");
            await ExecuteAsync(connection, $"CREATE TABLE IF NOT EXISTS {table} (id bigserial PRIMARY KEY, n int, v text)");
            await ExecuteAsync(connection, Choose(table, writer, random));
            Interlocked.Increment(ref Statements);
        }
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    static string Choose(string table, int writer, Random random)
    {
        var some = random.Next(1, 400);
        return random.Next(26) switch
        {
            < 8 => $"INSERT INTO {table} (n, v) SELECT i, repeat(md5(random()::text), {random.Next(1, 20)}) FROM generate_series(1, {some}) i",
            < 13 => $"UPDATE {table} SET n = n + 1, v = md5(v) WHERE id % {random.Next(1, 50)} = 0",
            < 15 => $"DELETE FROM {table} WHERE id % {random.Next(2, 9)} = 0",
            15 => $"VACUUM {table}",
            16 => $"VACUUM FULL {table}",
            17 => $"VACUUM FREEZE {table}",
            18 => $"TRUNCATE {table}",
            19 => $"REINDEX TABLE {table}",
            20 => $"CLUSTER {table} USING {table}_pkey",
            21 => $"DROP TABLE {table}",
            // The end of the file goes, and comes again with other rows.
            22 => $"DELETE FROM {table} WHERE id > (SELECT min(id) + 10 FROM {table}); COMMIT; VACUUM {table}",
            23 => $"DROP DATABASE IF EXISTS d{writer}",
            24 => $"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS more text DEFAULT md5(random()::text)",
            _ => "CHECKPOINT",
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
        _stop.Dispose();
    }
}
