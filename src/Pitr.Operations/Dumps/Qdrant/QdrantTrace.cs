using System.Text.Json;
using Pitr.Operations.Services;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>
/// Remembers in a file of this host which snapshot has been asked for, so that one that a killed run left on the server is found by the next.
/// </summary>
/// <param name="api">The server.</param>
/// <param name="stateDirectory">This host's private files for the service.</param>
sealed class QdrantTrace(QdrantApi api, string stateDirectory)
{
    readonly string _path = Path.Combine(stateDirectory, "qdrant-snapshot.json");

    /// <summary>A snapshot will be asked for.</summary>
    public async Task BeginAsync(string collection, CancellationToken cancellation) =>
        Write(new QdrantTrail(collection, null, await api.ListSnapshotsAsync(collection, cancellation)));

    /// <summary>The server has said how it is called.</summary>
    public void Know(string collection, string snapshot) => Write(new QdrantTrail(collection, snapshot, []));

    /// <summary>It is gone from the server.</summary>
    public void End() => File.Delete(_path);

    /// <summary>Removes from the server what a run left there that was killed.</summary>
    /// <returns>What somebody should know of it; null when there is nothing.</returns>
    /// <exception cref="ServerException">The server cannot be reached, or refuses.</exception>
    public async Task<string?> ClearAsync(CancellationToken cancellation)
    {
        if (Read() is not { } trail)
        {
            return null;
        }

        string? told = null;
        if (trail.Snapshot is { } snapshot)
        {
            await api.RemoveSnapshotAsync(trail.Collection, snapshot, cancellation);
            told = $"snapshot {snapshot} of collection {trail.Collection}, which a run that was killed left on the server, has been removed";
        }
        else if ((await api.ListCollectionsAsync(cancellation)).Contains(trail.Collection)
            && (await api.ListSnapshotsAsync(trail.Collection, cancellation)).Except(trail.Before).ToArray() is { Length: > 0 } since)
        {
            // It was killed before it knew the name; another may have been made since by somebody else.
            told = $"a run that was killed may have left one of these snapshots of collection {trail.Collection} on the server: {string.Join(", ", since)}; remove what nobody needs: DELETE /collections/{trail.Collection}/snapshots/NAME";
        }

        End();
        return told;
    }

    QdrantTrail? Read()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(_path), QdrantJson.Default.QdrantTrail);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new ServerException($"{_path} is damaged, and nobody knows which snapshot a killed run left on the server", "look at the server's snapshots, remove what nobody needs, and then this file", e);
        }
    }

    void Write(QdrantTrail trail) => StateFile.Replace(_path, JsonSerializer.SerializeToUtf8Bytes(trail, QdrantJson.Default.QdrantTrail));
}
