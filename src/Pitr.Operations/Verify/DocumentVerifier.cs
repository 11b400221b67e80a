using System.Text.Json;
using Pitr.Format;
using Pitr.Format.Catalog;
using Pitr.Format.Layout;
using Pitr.Operations.Repositories;
using Pitr.Storage;

namespace Pitr.Operations.Verify;

/// <summary>
/// Reads clear documents and says what is wrong with them: each is that of its key, and as it was written. Safe for use from several threads.
/// </summary>
/// <param name="scope">The repository.</param>
sealed class DocumentVerifier(VerifyScope scope)
{
    const int AtOnce = 8;

    /// <summary>Reads one.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="hint">What to do when it is damaged.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The document; null when it is not there. With whether it is right: what is wrong is a finding then.</returns>
    /// <exception cref="StorageException">The repository did not give it.</exception>
    public async Task<(byte[]? Json, bool IsRight)> ReadAsync(string key, string hint, CancellationToken cancellation)
    {
        if (await scope.Store.TryReadAllAsync(key, cancellation) is not { } json)
        {
            return (null, false);
        }

        scope.CountDocument(json.Length);
        try
        {
            await ObjectStructure.RequireAsync(key, ObjectContent.FromMemory(json), cancellation);
            DocumentDigest.Require(json);
            RequireOwn(key, json);
            return (json, true);
        }
        catch (Exception e) when (e is DamagedObjectException or UnsupportedFormatException)
        {
            scope.Find(FindingKind.Damaged, key, e.Message, hint);
            return (json, false);
        }
    }

    /// <summary>Verifies all documents below a prefix that were not verified lately.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="hint">What to do when one is damaged.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task VerifyAllAsync(string prefix, string hint, CancellationToken cancellation)
    {
        var due = new List<(string Key, ulong Mark)>();
        await foreach (var item in scope.Store.ListAsync(prefix, ListMode.Recursive, cancellation))
        {
            var mark = scope.Verified.Mark(item.Key, item.Size, item.Modified);
            if (RepositoryKey.Parse(item.Key).Kind != RepositoryKeyKind.Other && !scope.IsFresh(mark))
            {
                due.Add((item.Key, mark));
            }
        }

        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (item, token) =>
        {
            if ((await ReadAsync(item.Key, hint, token)).IsRight)
            {
                scope.Remember(item.Mark);
            }
        });
    }

    // Of the others ObjectStructure knows whose they are.
    static void RequireOwn(string key, byte[] json)
    {
        if (RepositoryKey.Parse(key) is not { Kind: RepositoryKeyKind.Drill, Service: { } service })
        {
            return;
        }

        using var report = JsonDocument.Parse(json);
        if (report.RootElement.ValueKind != JsonValueKind.Object || Text(report, "id") is not { } id
            || RepositoryLayout.DrillsPrefix(service) + id + ".json" != key || Text(report, "service") != service.Value)
        {
            throw new DamagedObjectException("it is not the report of the drill that its key names");
        }
    }

    static string? Text(JsonDocument document, string member) =>
        document.RootElement.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
