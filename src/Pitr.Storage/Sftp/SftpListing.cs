using System.Runtime.CompilerServices;

namespace Pitr.Storage.Sftp;

/// <summary>
/// A listing under way. Holds the entries of the directories between root and current position, and of a few read ahead so that a distant
/// server is not waited for at each; its memory is bounded by the largest directories, not by the repository.
/// </summary>
sealed class SftpListing(SftpTree tree, SftpErrors errors, SftpSession session, ListMode mode)
{
    const int ReadAhead = 8;

    public async IAsyncEnumerable<ObjectListing> WalkAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var slash = prefix.LastIndexOf('/');
        var directoryKey = slash < 0 ? "" : prefix[..slash];
        var asking = tree.AskForRootAsync(session);
        var reading = tree.ReadEntriesAsync(session, directoryKey);
        var entries = await reading.WaitAsync(cancellationToken);
        if (entries is null or { Count: 0 })
        {
            await tree.RequireRootAsync(session, await asking.WaitAsync(cancellationToken));
            yield break;
        }

        await asking.WaitAsync(cancellationToken);
        var beginning = prefix[(slash + 1)..];
        entries.RemoveAll(entry => !entry.Name!.StartsWith(beginning, StringComparison.Ordinal));
        await foreach (var listing in WalkAsync(entries, directoryKey, cancellationToken))
        {
            tree.HoldsObjects();
            yield return listing;
        }
    }

    static string KeyOf(string directoryKey, string name) => directoryKey.Length == 0 ? name : $"{directoryKey}/{name}";

    async IAsyncEnumerable<ObjectListing> WalkAsync(
        List<SftpName> entries, string directoryKey, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var ahead = new Queue<Task<List<SftpName>?>>();
        var next = 0;
        foreach (var entry in entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var key = KeyOf(directoryKey, entry.Name!);
            if (!entry.Attributes.IsDirectory)
            {
                // Left out, a link would look like "absent".
                errors.RequireRegularFile(key, tree.PathOf(key), entry.Attributes);
                yield return new ObjectListing(key, (long)entry.Attributes.Size!, entry.Attributes.Modified!.Value, IsPrefix: false);
            }
            else if (mode == ListMode.Children)
            {
                yield return new ObjectListing(key + "/", 0, DateTimeOffset.UnixEpoch, IsPrefix: true);
            }
            else
            {
                for (; next < entries.Count && ahead.Count < ReadAhead; next++)
                {
                    if (entries[next].Attributes.IsDirectory)
                    {
                        ahead.Enqueue(Observed(tree.ReadEntriesAsync(session, KeyOf(directoryKey, entries[next].Name!))));
                    }
                }

                if (await ahead.Dequeue().WaitAsync(cancellationToken) is { } below)
                {
                    await foreach (var listing in WalkAsync(below, key, cancellationToken))
                    {
                        yield return listing;
                    }
                }
            }
        }
    }

    // A listing that is left early does not ask for what was read ahead.
    static Task<List<SftpName>?> Observed(Task<List<SftpName>?> task)
    {
        _ = task.ContinueWith(
            static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return task;
    }
}
