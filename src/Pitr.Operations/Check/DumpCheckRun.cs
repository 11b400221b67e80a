using System.Globalization;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Check;

/// <summary>
/// Goes the whole way of a dump but for the data, and says at each step whether it is passable: keys, repositories, the lease, the tools and the server, and what its user may do.
/// </summary>
/// <param name="service">The service.</param>
/// <param name="source">Takes its dumps.</param>
public sealed class DumpCheckRun(DumpService service, IDumpSource source)
{
    // Enough to see that a tool has begun to write what it was asked for.
    const int Beginning = 64 << 10;

    /// <summary>Runs every check that makes sense after the ones before it.</summary>
    /// <param name="onResult">Told each result as it comes.</param>
    /// <param name="cancellation">Ends the checks.</param>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(Action<CheckResult>? onResult, CancellationToken cancellation)
    {
        var list = new CheckList(onResult);
        await new BackupChecks(service, list).RunAsync(cancellation);
        DumpPlan? plan = null;
        var reached = await list.CheckAsync("server", async () =>
        {
            plan = await source.PlanAsync(cancellation);
            var size = plan.EstimatedBytes > 0 ? string.Create(CultureInfo.InvariantCulture, $", about {plan.EstimatedBytes} bytes") : "";
            return $"{plan.Product} {plan.ServerVersion}, dumped by {plan.Tool}: {plan.Streams.Count} stream(s){size}";
        });
        if (reached)
        {
            foreach (var stream in plan!.Streams)
            {
                await list.CheckAsync($"dump of {stream.Name}", () => RehearseAsync(stream, cancellation));
            }
        }
        else
        {
            list.AddNotTried("dump");
        }

        return list.Results;
    }

    // The tool does all but read the data, or begins with that as well.
    async Task<string> RehearseAsync(PlannedStream stream, CancellationToken cancellation)
    {
        var isWhole = source.StartRehearsal(stream) is var rehearsal && rehearsal is not null;
        await using var program = rehearsal is null ? await source.StartAsync(stream, cancellation) : new ToolFeed(rehearsal);
        // In a thread of its own: reads from a tool wait in the thread that asks.
        var (bytes, ended) = await Task.Run(() => ReadAsync(program.Output, isWhole ? long.MaxValue : Beginning, cancellation), cancellation);
        if (!ended)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{program.Name} begins well; ended behind {bytes} bytes");
        }

        var code = await program.WaitAsync(cancellation);
        return code == 0
            ? isWhole ? $"{program.Name} may read all of its definitions" : string.Create(CultureInfo.InvariantCulture, $"{program.Name} writes {bytes} bytes and ends well")
            : throw new ServerException($"{program.Name} fails with code {code}: {program.Messages}", source.Hint(program.Messages));
    }

    static async Task<(long Bytes, bool Ended)> ReadAsync(Stream output, long most, CancellationToken cancellation)
    {
        var block = new byte[Beginning];
        var total = 0L;
        while (total < most)
        {
            if (await output.ReadAsync(block, cancellation) is > 0 and var read)
            {
                total += read;
            }
            else
            {
                return (total, true);
            }
        }

        return (total, false);
    }
}
