using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>
/// Clients that commit as fast as they can and write down, on their own side, what the server has acknowledged: that, and nothing the server says later,
/// is what a recovery is held against.
/// </summary>
sealed class AcknowledgedWriters : IAsyncDisposable
{
    public const int Clients = 4;

    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<string, bool> _acknowledged = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<double> _latencies = new();
    readonly Task[] _clients;
    int _number;

    public AcknowledgedWriters(string connectionString, int seed, int firstNumber = 0)
    {
        _number = firstNumber;
        _clients = Enumerable.Range(0, Clients).Select(client => Task.Run(() => WriteAsync(connectionString, client, new Random(seed + client)))).ToArray();
    }

    /// <summary>"client number" of every commit that was acknowledged.</summary>
    public ICollection<string> Acknowledged => _acknowledged.Keys;

    /// <summary>How long commits took, in ms, ascending.</summary>
    public IReadOnlyList<double> Latencies => [.. _latencies.Order()];

    async Task WriteAsync(string connectionString, int client, Random random)
    {
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync();
            while (!_stop.IsCancellationRequested)
            {
                var number = Interlocked.Increment(ref _number);
                await using var command = new NpgsqlCommand(StreamingCluster.ClientSide, connection) { CommandTimeout = 0 };
                command.Parameters.Add(new NpgsqlParameter { Value = client });
                command.Parameters.Add(new NpgsqlParameter { Value = number });
                command.Parameters.Add(new NpgsqlParameter { Value = random.Next(1, 60) });
                var started = Stopwatch.GetTimestamp();
                await command.ExecuteNonQueryAsync();
                _latencies.Enqueue(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                _acknowledged[$"{client} {number}"] = true;
            }
        }
        catch (NpgsqlException)
        {
            // The server was killed: what it had not answered is not acknowledged.
        }
    }

    /// <summary>Waits for the clients, whose server is gone.</summary>
    public Task EndAsync() => Task.WhenAll(_clients);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        _stop.Dispose();
    }
}
