using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Extract;

/// <summary>Hands a dump on while it is made. Its last bytes only when pg_dump has said that it is whole: without them nobody can take it for one.</summary>
static class DumpCopy
{
    const int BlockSize = 256 << 10;

    /// <summary>Copies a dump to its end.</summary>
    /// <returns>Bytes of the dump.</returns>
    /// <exception cref="Postgres.ServerException">pg_dump failed.</exception>
    /// <exception cref="IOException">The reader has gone.</exception>
    // In a thread of its own: reads from pg_dump wait in the thread that asks.
    public static Task<long> RunAsync(PgDump dump, Stream to, Action<long> progress, CancellationToken cancellation) => Task.Run(
        async () =>
        {
            var (held, next) = (new byte[BlockSize], new byte[BlockSize]);
            var (length, total) = (0, 0L);
            while (await dump.Output.ReadAsync(next, cancellation) is > 0 and var read)
            {
                await to.WriteAsync(held.AsMemory(0, length), cancellation);
                (held, next, length) = (next, held, read);
                progress(total += read);
            }

            await dump.WaitAsync(cancellation);
            await to.WriteAsync(held.AsMemory(0, length), cancellation);
            await to.FlushAsync(cancellation);
            return total;
        },
        cancellation);
}
