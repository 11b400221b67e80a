using System.Globalization;
using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>
/// Dumps of a Qdrant server: a snapshot of each collection, made by the server, downloaded and removed there again.
/// </summary>
/// <param name="settings">The service.</param>
/// <param name="stateDirectory">This host's private files for the service.</param>
public sealed class QdrantSource(QdrantSettings settings, string stateDirectory) : IDumpSource
{
    /// <summary>What the server is called in the catalog.</summary>
    public const string Product = "Qdrant";

    const string Format = "qdrant-snapshot";
    const string StreamSuffix = ".snapshot";

    // The first whose snapshots are as they are described here; older ones were never looked at.
    const int OldestMajor = 1;
    const int OldestMinor = 4;

    readonly QdrantApi _api = new(settings);
    string? _note;

    /// <inheritdoc/>
    public async Task<DumpPlan> PlanAsync(CancellationToken cancellation)
    {
        var version = await _api.ReadVersionAsync(cancellation);
        RequireKnown(version, _api.Server);
        if (await _api.CountPeersAsync(cancellation) is > 1 and var peers)
        {
            throw new ServerException(
                string.Create(CultureInfo.InvariantCulture, $"{_api.Server} is one of {peers} servers of a cluster, and a snapshot holds only what is on one of them"), "dump single servers only; for a cluster, use its vendor's backups");
        }

        _note = await new QdrantTrace(_api, stateDirectory).ClearAsync(cancellation);
        var all = await _api.ListCollectionsAsync(cancellation);
        if (settings.Collections.FirstOrDefault(name => !all.Contains(name)) is { } missing)
        {
            throw new RefusedInputException($"there is no collection \"{missing}\" on {_api.Server}", $"it has {string.Join(", ", all)}; \"collections\" of service {settings.Name} names what is dumped");
        }

        var collections = settings.Collections.Count == 0 ? all : settings.Collections;
        return collections.Count > 0
            ? new DumpPlan($"pitr, by {Product}'s snapshots", Product, version, [.. collections.Select(name => new PlannedStream(name + StreamSuffix, Format, name))], 0)
            : throw new RefusedInputException($"{_api.Server} has no collections", "there is nothing to dump yet; is url right?");
    }

    /// <inheritdoc/>
    public async Task<IDumpFeed> StartAsync(PlannedStream stream, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var note = _note;
        _note = null;
        return await QdrantFeed.OpenAsync(_api, new QdrantTrace(_api, stateDirectory), stream.Database!, settings.Timeout, note, cancellation);
    }

    /// <summary>Always null: length and checksum are compared with what the server says, once all is read.</summary>
    public string? WhyNotWhole(PlannedStream stream, ReadOnlySpan<byte> tail) => null;

    /// <summary>Always null: every failure has its own.</summary>
    public string? Hint(string messages) => null;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _api.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Refuses a server that is older than this program knows.</summary>
    /// <exception cref="ServerException">It is.</exception>
    internal static void RequireKnown(string version, string server)
    {
        var (major, minor, _) = Numbers(version);
        if (major < OldestMajor || (major == OldestMajor && minor < OldestMinor))
        {
            throw new ServerException($"{server} has version {version}, which is too old", string.Create(CultureInfo.InvariantCulture, $"{OldestMajor}.{OldestMinor} or later is needed"));
        }
    }

    /// <summary>The numbers of a version; 0 for what is none.</summary>
    internal static (int Major, int Minor, int Patch) Numbers(string version)
    {
        var numbers = version.Split('.', '-').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).Concat([0, 0, 0]).Take(3).ToArray();
        return (numbers[0], numbers[1], numbers[2]);
    }
}
