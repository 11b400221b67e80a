namespace Pitr.Storage.Ftp;

/// <summary>What is below the repository's directory: examining, proving absence, walking.</summary>
sealed class FtpTree(FtpClient client)
{
    /// <summary>Directories listed by one run of curl: logging in costs more than listing.</summary>
    const int Batch = 16;

    FtpErrors Errors => client.Errors;

    /// <summary>Size and time of an object; <see langword="null"/> when it is proven absent.</summary>
    /// <exception cref="StorageException">It could not be found out.</exception>
    public Task<ObjectInfo?> StatAsync(string key, CancellationToken cancellationToken) =>
        FtpContradictionException.AskAsync(() => StatOnceAsync(key, cancellationToken));

    async Task<ObjectInfo?> StatOnceAsync(string key, CancellationToken cancellationToken)
    {
        const string What = "cannot examine it";
        var features = await client.FeaturesAsync(key, cancellationToken);
        var path = features.PathOf(key);
        string[] commands = features.MachineListings
            ? ["*" + features.Examine(path)]
            : ["TYPE I", "*" + features.Examine(path), $"*MDTM {path}"];
        var run = await client.RunAsync(key, [new CurlTransfer { CommandsOnly = true, Before = commands }], cancellationToken);
        if (!run.Succeeded)
        {
            throw Errors.From(key, What, run.ExitCode, run.Transcript, run.Stalled);
        }

        var answer = run.Transcript.Find(features.Examine(path)) ?? throw Errors.Unreadable(key, What, "no answer");
        if (answer.Code == 550)
        {
            // "550" may mean "not there" and "not for you".
            return await FindAsync(key, What, cancellationToken) is { Kind: FtpEntryKind.File }
                ? throw new FtpContradictionException(Errors.Refused(key, What, answer), key)
                : null;
        }

        if (!answer.Succeeded)
        {
            throw Errors.Refused(key, What, answer);
        }

        if (!features.MachineListings)
        {
            return await SizeAndTimeAsync(key, answer, run.Transcript.Find($"MDTM {path}"), What, cancellationToken);
        }

        var entry = ParseExamined(key, answer, What);
        return entry.Kind switch
        {
            FtpEntryKind.File => new ObjectInfo(key, entry.Size, entry.Modified),
            FtpEntryKind.Directory => null,
            _ => throw Errors.NotAFile(key),
        };
    }

    /// <summary>Reads the answer to MLST: the facts are on the line that begins with a space.</summary>
    public FtpEntry ParseExamined(string? key, FtpExchange answer, string what)
    {
        // RFC 3659 §7.2: "250-", then the facts behind a space, then "250 "; some servers put "250-" before the facts, too.
        var line = answer.Lines.FirstOrDefault(line => line.StartsWith(' '))
            ?? answer.Lines.FirstOrDefault(line => line.StartsWith("250-", StringComparison.Ordinal) && line.Contains("type=", StringComparison.OrdinalIgnoreCase))?[4..]
            ?? throw Errors.Unreadable(key, what, answer.Answer);
        try
        {
            return MachineListing.Parse(line.TrimStart()) ?? new FtpEntry("", FtpEntryKind.Directory, 0, DateTimeOffset.UnixEpoch);
        }
        catch (FormatException fault)
        {
            throw Errors.Unreadable(key, what, fault.Message);
        }
    }

    /// <summary>
    /// What the listing of its directory says about a key, for when the server answered with an ambiguous no. <see langword="null"/> when the
    /// name, or one of the directories above it, is proven absent.
    /// </summary>
    /// <exception cref="StorageException">It could not be found out; the repository's own directory cannot be listed.</exception>
    public async Task<FtpEntry?> FindAsync(string key, string what, CancellationToken cancellationToken) =>
        (await FindDeepestAsync(key, what, cancellationToken)) is var (found, entry) && string.Equals(found, key, StringComparison.Ordinal) ? entry : null;

    /// <summary>The longest prefix of a key whose directory can be listed, and what is there under its name.</summary>
    public async Task<(string Key, FtpEntry? Entry)> FindDeepestAsync(string key, string what, CancellationToken cancellationToken)
    {
        var wanted = key;
        while (true)
        {
            var (directory, name) = Split(wanted);
            var listing = await TryListAsync(directory, key, cancellationToken);
            if (listing.Entries is { } entries)
            {
                foreach (var entry in entries)
                {
                    if (string.Equals(entry.Name, name, StringComparison.Ordinal))
                    {
                        // Below here the server said no, although the directory is there.
                        return entry.Kind == FtpEntryKind.Directory && wanted.Length < key.Length
                            ? throw new FtpContradictionException(Errors.Refused(key, what, listing.BelowRefusal ?? new FtpExchange("CWD")), wanted)
                            : (wanted, entry);
                    }
                }

                return (wanted, null);
            }

            if (directory.Length == 0)
            {
                throw Errors.RootMissing((await client.FeaturesAsync(key, cancellationToken)).PathOf(""), listing.BelowRefusal?.Answer ?? "");
            }

            wanted = directory;
        }
    }

    /// <summary>Lists a directory; no entries when the server does not let us into it, whatever the reason.</summary>
    public async Task<(IReadOnlyList<FtpEntry>? Entries, FtpExchange? BelowRefusal)> TryListAsync(
        string directory, string? key, CancellationToken cancellationToken)
    {
        var (listings, refusal) = await ListBatchAsync([directory], key, cancellationToken);
        return listings.Count == 1 ? (listings[0], null) : (null, refusal);
    }

    /// <summary>Reports what is below a prefix, in the order of keys.</summary>
    public async IAsyncEnumerable<ObjectListing> WalkAsync(
        string prefix, ListMode mode, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var slash = prefix.LastIndexOf('/');
        var directory = slash < 0 ? "" : prefix[..slash];
        var beginning = prefix[(slash + 1)..];
        var entries = await ListOrNothingAsync(directory, prefix, cancellationToken);
        await foreach (var listing in WalkAsync(directory, beginning, entries, mode, cancellationToken))
        {
            yield return listing;
        }
    }

    async IAsyncEnumerable<ObjectListing> WalkAsync(
        string directory,
        string beginning,
        IReadOnlyList<FtpEntry> entries,
        ListMode mode,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var sorted = Sorted(directory, beginning, entries);
        var ahead = new Dictionary<string, IReadOnlyList<FtpEntry>>();
        for (var i = 0; i < sorted.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (key, entry) = sorted[i];
            switch (entry.Kind)
            {
                case FtpEntryKind.File:
                    yield return new ObjectListing(key, entry.Size, entry.Modified, IsPrefix: false);
                    break;
                case FtpEntryKind.Directory when mode == ListMode.Children:
                    yield return new ObjectListing(key, 0, DateTimeOffset.UnixEpoch, IsPrefix: true);
                    break;
                case FtpEntryKind.Directory:
                    if (!ahead.Remove(key, out var below))
                    {
                        below = await ListAheadAsync(sorted, i, ahead, cancellationToken);
                    }

                    await foreach (var listing in WalkAsync(key[..^1], "", below, mode, cancellationToken))
                    {
                        yield return listing;
                    }

                    break;
                default:
                    // Left out, a link would look like "absent".
                    throw Errors.NotAFile(key);
            }
        }
    }

    /// <summary>The entries that are keys or prefixes of keys, sorted as keys are; directories with their slash.</summary>
    static List<(string Key, FtpEntry Entry)> Sorted(string directory, string beginning, IReadOnlyList<FtpEntry> entries)
    {
        var sorted = new List<(string Key, FtpEntry Entry)>(entries.Count);
        foreach (var entry in entries)
        {
            if (!entry.Name.StartsWith(beginning, StringComparison.Ordinal)
                || entry.IsTemporary
                || (directory.Length == 0 && entry is { Name: ObjectKey.FileSystemDirectory, Kind: FtpEntryKind.Directory }))
            {
                continue;
            }

            // Names that no key can have were not put here by us and are left alone.
            var key = directory.Length == 0 ? entry.Name : $"{directory}/{entry.Name}";
            if (ObjectKey.IsValid(key))
            {
                sorted.Add((entry.Kind == FtpEntryKind.Directory ? key + "/" : key, entry));
            }
        }

        sorted.Sort((left, right) => ObjectKey.Compare(left.Key, right.Key));
        return sorted;
    }

    /// <summary>Lists the directory at a position, and the next ones on the same connection.</summary>
    async Task<IReadOnlyList<FtpEntry>> ListAheadAsync(
        List<(string Key, FtpEntry Entry)> sorted, int position, Dictionary<string, IReadOnlyList<FtpEntry>> ahead, CancellationToken cancellationToken)
    {
        var next = sorted.Skip(position).Where(item => item.Entry.Kind == FtpEntryKind.Directory).Take(Batch).Select(item => item.Key).ToArray();
        var first = next[0];
        var (listings, _) = await ListBatchAsync([.. next.Select(key => key[..^1])], first, cancellationToken);
        for (var i = 1; i < listings.Count; i++)
        {
            ahead[next[i]] = listings[i];
        }

        return listings.Count > 0 ? listings[0] : await ListOrNothingAsync(first[..^1], first, cancellationToken);
    }

    /// <summary>Lists a directory; nothing when it is proven absent.</summary>
    async Task<IReadOnlyList<FtpEntry>> ListOrNothingAsync(string directory, string? prefix, CancellationToken cancellationToken)
    {
        const string What = "cannot list";
        var key = string.IsNullOrEmpty(prefix) ? null : prefix;
        var listing = await TryListAsync(directory, key, cancellationToken);
        if (listing.Entries is { } entries)
        {
            return entries;
        }

        if (directory.Length == 0)
        {
            throw Errors.RootMissing((await client.FeaturesAsync(key, cancellationToken)).PathOf(""), listing.BelowRefusal?.Answer ?? "");
        }

        // A file of this name has nothing below it.
        return await FindAsync(directory, What, cancellationToken) is { Kind: FtpEntryKind.Directory }
            ? throw Errors.Refused(key, What, listing.BelowRefusal!)
            : [];
    }

    /// <summary>Lists directories up to the first one that the server does not let us into.</summary>
    /// <exception cref="StorageException">Anything else went wrong.</exception>
    async Task<(IReadOnlyList<IReadOnlyList<FtpEntry>> Listings, FtpExchange? Refusal)> ListBatchAsync(
        IReadOnlyList<string> directories, string? key, CancellationToken cancellationToken)
    {
        var features = await client.FeaturesAsync(key, cancellationToken);
        var run = await client.RunAsync(key, [.. directories.Select(directory => Listing(features, directory))], cancellationToken);
        if (run.Listings.Count == directories.Count)
        {
            return (run.Listings, null);
        }

        return run.Transcript.Refusal() is { Code: 550, Verb: "CWD" or "MLSD" or "LIST" or "EPSV" or "PASV" } refusal
            ? (run.Listings, refusal)
            : throw Errors.From(key, "cannot list", run.ExitCode, run.Transcript, run.Stalled);
    }

    /// <summary>The transfer that lists a directory.</summary>
    public static CurlTransfer Listing(FtpFeatures features, string directory) =>
        new() { Path = features.PathOf(directory).TrimEnd('/') + "/", List = features.List };

    /// <summary>The directory of a key, and its name there.</summary>
    public static (string Directory, string Name) Split(string key)
    {
        var slash = key.LastIndexOf('/');
        return slash < 0 ? ("", key) : (key[..slash], key[(slash + 1)..]);
    }

    async Task<ObjectInfo?> SizeAndTimeAsync(string key, FtpExchange size, FtpExchange? time, string what, CancellationToken cancellationToken)
    {
        if (!long.TryParse(size.Answer.AsSpan(3), out var bytes))
        {
            throw Errors.Unreadable(key, what, size.Answer);
        }

        if (time is { Succeeded: true } && MachineListing.ParseTime(time.Answer.AsSpan(3).Trim()) is { } modified)
        {
            return new ObjectInfo(key, bytes, modified);
        }

        return await FindAsync(key, what, cancellationToken) is { Kind: FtpEntryKind.File } entry ? new ObjectInfo(key, bytes, entry.Modified) : null;
    }
}
