using System.Text;

namespace Pitr.Storage.Ftp;

/// <summary>One running curl and the connection it occupies.</summary>
sealed class CurlSession(
    CurlProcess process, string? key, string marker, IReadOnlyList<CurlTransfer> transfers, FtpErrors errors, TimeProvider timeProvider,
    SemaphoreSlim connections) : IAsyncDisposable
{
    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    int _disposed;

    public CurlProcess Process => process;

    public FtpTranscript Transcript => process.Transcript;

    public string? Key => key;

    public FtpErrors Errors => errors;

    /// <summary>Waits for its end, reading listings; cancellation kills it.</summary>
    /// <exception cref="StorageException">A listing is not understood.</exception>
    public async Task<FtpRun> FinishAsync(CancellationToken cancellationToken)
    {
        List<IReadOnlyList<FtpEntry>> listings;
        using (cancellationToken.UnsafeRegister(static curl => ((CurlProcess)curl!).Kill(), process))
        {
            try
            {
                listings = await ReadListingsAsync();
            }
            catch (FormatException fault)
            {
                process.Kill();
                throw errors.Unreadable(key, "cannot list", fault.Message);
            }

            await process.Exited;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new FtpRun(await process.Exited, Transcript, listings, process.Stalled);
    }

    /// <summary>The error for a run that failed.</summary>
    public async Task<StorageException> FailureAsync(string what) =>
        errors.From(key, what, await process.Exited, Transcript, process.Stalled);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await process.DisposeAsync();
            connections.Release();
        }
    }

    async Task<List<IReadOnlyList<FtpEntry>>> ReadListingsAsync()
    {
        var listings = new List<IReadOnlyList<FtpEntry>>();
        var requests = transfers.Where(transfer => transfer.List is not null).Select(transfer => transfer.List!).ToArray();
        var lines = new List<string>();
        // Byte by byte: a name that is not UTF-8 must not spoil the others.
        using var reader = new StreamReader(process.Output, Encoding.Latin1, detectEncodingFromByteOrderMarks: false, bufferSize: 16 * 1024, leaveOpen: true);
        while (await reader.ReadLineAsync() is { } line)
        {
            process.Progressed();
            if (!line.StartsWith(marker, StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }

            // "marker exitcode reply": only a transfer that the server confirmed is a whole listing; curl takes "450" for an empty one.
            if (line.AsSpan(marker.Length).Trim() is not ("0 226" or "0 250"))
            {
                break;
            }

            listings.Add(Parse(lines, requests[listings.Count]));
            lines.Clear();
        }

        await process.Output.CopyToAsync(Stream.Null);
        return listings;
    }

    List<FtpEntry> Parse(List<string> lines, string request)
    {
        var machine = request.StartsWith("MLSD", StringComparison.Ordinal);
        var entries = new List<FtpEntry>(lines.Count);
        var provenRead = machine;
        foreach (var line in lines)
        {
            // The line before the marker is empty; a name that is not UTF-8 belongs to no key.
            if (line.Length == 0
                || Decode(line) is not { } text
                || (machine ? MachineListing.Parse(text) : UnixListing.Parse(text, timeProvider.GetUtcNow())) is not { } entry)
            {
                continue;
            }

            if (entry.Name is "." or "..")
            {
                provenRead = true;
            }
            else
            {
                entries.Add(entry);
            }
        }

        // Some servers answer a LIST of what they may not read with nothing and "226".
        return provenRead || entries.Count > 0
            ? entries
            : throw new FormatException("the listing is empty, without even \".\", so the directory may be unreadable as well as empty");
    }

    static string? Decode(string latin1)
    {
        try
        {
            return StrictUtf8.GetString(Encoding.Latin1.GetBytes(latin1));
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
