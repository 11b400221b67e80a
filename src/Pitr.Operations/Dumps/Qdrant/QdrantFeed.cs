using System.Globalization;
using System.Security.Cryptography;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>A snapshot while it is downloaded. It is removed from the server when all of it has been read, or when this is disposed.</summary>
sealed class QdrantFeed : IDumpFeed
{
    // What failed has failed already, and who waits for it wants to know why.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    readonly QdrantApi _api;
    readonly QdrantTrace _trace;
    readonly string _collection;
    readonly QdrantSnapshot _snapshot;
    readonly List<string> _messages = [];
    Download? _download;
    bool _isRemoved;

    QdrantFeed(QdrantApi api, QdrantTrace trace, string collection, QdrantSnapshot snapshot) =>
        (_api, _trace, _collection, _snapshot) = (api, trace, collection, snapshot);

    /// <inheritdoc/>
    public string Name => "qdrant";

    /// <inheritdoc/>
    public Stream Output => _download!;

    /// <inheritdoc/>
    public string Messages => string.Join(Environment.NewLine, _messages);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long>? Contents { get; private set; }

    /// <summary>Its length in bytes, as the server says.</summary>
    public long Length => _snapshot.Size;

    /// <summary>Its SHA-256, hexadecimal, as the server says; null where it does not.</summary>
    public string? Sha256 => _snapshot.Checksum;

    /// <summary>Has a snapshot made, and begins to read it.</summary>
    /// <param name="api">The server.</param>
    /// <param name="trace">Remembers it.</param>
    /// <param name="collection">Of which collection.</param>
    /// <param name="timeout">How long the server may say nothing.</param>
    /// <param name="note">What is to be said besides; null for nothing.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">The server cannot be reached, or refuses.</exception>
    public static async Task<QdrantFeed> OpenAsync(QdrantApi api, QdrantTrace trace, string collection, TimeSpan timeout, string? note, CancellationToken cancellation)
    {
        var points = await api.CountPointsAsync(collection, cancellation);
        await trace.BeginAsync(collection, cancellation);
        var snapshot = await api.MakeSnapshotAsync(collection, cancellation);
        trace.Know(collection, snapshot.Name!);
        var feed = new QdrantFeed(api, trace, collection, snapshot)
        {
            Contents = points is { } count ? new Dictionary<string, long>(StringComparer.Ordinal) { [collection] = count } : null,
        };
        try
        {
            if (note is not null)
            {
                feed._messages.Add(note);
            }

            var response = await api.OpenSnapshotAsync(collection, snapshot.Name!, cancellation);
            feed._download = new Download(api, snapshot.Name!, response, await response.Content.ReadAsStreamAsync(cancellation), timeout);
            return feed;
        }
        catch
        {
            await feed.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<int> WaitAsync(CancellationToken cancellation)
    {
        var (length, sha256) = _download!.End();
        if (length != _snapshot.Size)
        {
            throw new ServerException(
                string.Create(CultureInfo.InvariantCulture, $"{_api.Server} sent {length} bytes of snapshot {_snapshot.Name}, which has {_snapshot.Size}; nothing was made of it"), "try again; the server's log may say why");
        }

        if (_snapshot.Checksum is null)
        {
            _messages.Add($"the server gives no checksum of snapshot {_snapshot.Name}; its length is right");
        }
        else if (!string.Equals(_snapshot.Checksum, sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new ServerException($"what {_api.Server} sent of snapshot {_snapshot.Name} has SHA-256 {sha256}, the server says {_snapshot.Checksum}; nothing was made of it", "try again; if that fails as well, look at the server's disk");
        }

        try
        {
            await _api.RemoveSnapshotAsync(_collection, _snapshot.Name!, cancellation);
            _isRemoved = true;
            _trace.End();
        }
        catch (ServerException e)
        {
            _messages.Add($"snapshot {_snapshot.Name} of collection {_collection} stays on the server until the next backup: {e.Message}");
            // Once is enough to be told.
            _isRemoved = true;
        }

        return 0;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_download is not null)
        {
            await _download.DisposeAsync();
        }

        if (_isRemoved)
        {
            return;
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _api.RemoveSnapshotAsync(_collection, _snapshot.Name!, patience.Token);
            _trace.End();
        }
        catch (Exception e) when (e is ServerException or OperationCanceledException)
        {
            // What failed before is what matters; the trace stays, and the next backup removes it.
        }
    }

    sealed class Download(QdrantApi api, string snapshot, HttpResponseMessage response, Stream source, TimeSpan timeout) : ReadingStream
    {
        readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long _length;

        public (long Length, string Sha256) End() => (_length, Convert.ToHexStringLower(_sha256.GetHashAndReset()));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var silence = new Silence(timeout, cancellationToken);
            try
            {
                var read = await source.ReadAsync(buffer, silence.Token);
                _sha256.AppendData(buffer.Span[..read]);
                _length += read;
                return read;
            }
            catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                throw api.Broken($"snapshot {snapshot}", e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _sha256.Dispose();
                response.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
