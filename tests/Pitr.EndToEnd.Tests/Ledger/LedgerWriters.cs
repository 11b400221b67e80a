using Npgsql;

namespace Pitr.EndToEnd.Tests.Ledger;

/// <summary>
/// Clients that write at the same time: each transaction enters rows under its own id and adds one to its client's total; some use
/// savepoints, some are rolled back.
/// </summary>
sealed class LedgerWriters : IAsyncDisposable
{
    public const int Clients = 4;

    public const string Schema =
        """
        CREATE TABLE ledger (xid text NOT NULL DEFAULT pg_current_xact_id()::text, client int NOT NULL, filler text);
        CREATE TABLE totals (client int PRIMARY KEY, transactions int NOT NULL);
        INSERT INTO totals SELECT i, 0 FROM generate_series(0, 3) i;
        CREATE EXTENSION pg_walinspect;
        """;

    readonly CancellationTokenSource _stop = new();
    readonly Task[] _clients;

    /// <param name="connectionString">The server.</param>
    /// <param name="seed">Of their random choices.</param>
    /// <param name="survivesCrashes">Whether they go on when the server has gone away, as soon as it is back.</param>
    public LedgerWriters(string connectionString, int seed, bool survivesCrashes = false) =>
        _clients = Enumerable.Range(0, Clients).Select(client => Task.Run(() => WriteAsync(connectionString, client, new Random(seed + client), survivesCrashes))).ToArray();

    async Task WriteAsync(string connectionString, int client, Random random, bool survivesCrashes)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync();
                while (!_stop.IsCancellationRequested)
                {
                    await using var command = new NpgsqlCommand(Transaction(client, random), connection);
                    await command.ExecuteNonQueryAsync();
                }
            }
            catch (NpgsqlException) when (survivesCrashes)
            {
                // Whether its last transaction is committed the WAL alone knows.
                await Task.Delay(50);
            }
        }
    }

    static string Transaction(int client, Random random)
    {
        var insert = $"INSERT INTO ledger (client, filler) SELECT {client}, repeat(md5(random()::text), {random.Next(1, 20)}) FROM generate_series(1, {random.Next(1, 4)});";
        var savepoint = random.Next(4) switch
        {
            0 => $"SAVEPOINT a; {insert} RELEASE a;",
            1 => $"SAVEPOINT a; {insert} ROLLBACK TO a;",
            _ => "",
        };
        return $"BEGIN; {insert} {savepoint} UPDATE totals SET transactions = transactions + 1 WHERE client = {client}; {(random.Next(10) == 0 ? "ROLLBACK" : "COMMIT")};";
    }

    /// <summary>Lets every client end its transaction.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        _stop.Dispose();
    }
}
