using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Pitr.Operations.Configuration;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Qdrant;

/// <summary>Qdrant's HTTP API, as far as dumps need it. Every failure says what was asked of which server, and the next step; the key is in a header and nowhere else.</summary>
/// <param name="settings">The service.</param>
sealed class QdrantApi(QdrantSettings settings) : IDisposable
{
    const string KeyHeader = "api-key";
    const int LongestError = 500;
    const int LongestAnswer = 16 << 20;

    static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    // For what takes no work: lists and counts.
    static readonly TimeSpan ShortWork = TimeSpan.FromMinutes(1);

    readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = ConnectTimeout })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = LongestAnswer,
    };

    /// <summary>Whether the server has got the whole of an upload and has not said what became of it: it may still be at work on it, and end well.</summary>
    public bool IsUploadUnanswered { get; private set; }

    /// <summary>The server, for messages.</summary>
    public string Server { get; } = $"Qdrant at {settings.Url.GetLeftPart(UriPartial.Path).TrimEnd('/')}";

    /// <summary>The server's version, e.g. "1.13.4".</summary>
    /// <exception cref="ServerException">It cannot be reached, or is none.</exception>
    public async Task<string> ReadVersionAsync(CancellationToken cancellation)
    {
        var root = await AskAsync(HttpMethod.Get, "", QdrantJson.Default.Root, "its version", cancellation);
        return root is { Title: { } title, Version: { Length: > 0 } version } && title.Contains("qdrant", StringComparison.OrdinalIgnoreCase)
            ? version
            : throw new ServerException($"{Server} does not answer as Qdrant does", "url is where its HTTP API is, by default port 6333");
    }

    /// <summary>How many servers there are; 1 where it is alone.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<int> CountPeersAsync(CancellationToken cancellation) =>
        Math.Max(1, (await AskAsync(HttpMethod.Get, "cluster", QdrantJson.Default.Cluster, "the state of its cluster", cancellation))?.Result?.Peers?.Count ?? 1);

    /// <summary>Names of the collections, in order.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<string>> ListCollectionsAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync(HttpMethod.Get, "collections", QdrantJson.Default.Collections, "its collections", cancellation);
        return [.. (answer.Result?.Collections ?? throw Strange("its collections")).Select(c => c.Name).OfType<string>().Order(StringComparer.Ordinal)];
    }

    /// <summary>How many points a collection has now; null when the server does not say.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<long?> CountPointsAsync(string collection, CancellationToken cancellation) =>
        (await AskAsync(HttpMethod.Get, PathOf(collection), QdrantJson.Default.Collection, $"collection {collection}", cancellation)).Result?.PointsCount;

    /// <summary>How a collection's vectors are made.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<QdrantAnswer.VectorParams> ReadVectorsAsync(string collection, CancellationToken cancellation) =>
        (await AskAsync(HttpMethod.Get, PathOf(collection), QdrantJson.Default.Collection, $"collection {collection}", cancellation)).Result?.Config?.Params
        ?? throw Strange($"how collection {collection} is made");

    /// <summary>Has the points of a collection counted one by one, which takes its time.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<long> CountExactlyAsync(string collection, CancellationToken cancellation)
    {
        var what = $"how many points collection {collection} has";
        var answer = await AskAsync(HttpMethod.Post, $"{PathOf(collection)}/points/count", QdrantJson.Default.Counted, what, cancellation, settings.Timeout, "{\"exact\":true}");
        return answer.Result?.Count ?? throw Strange(what);
    }

    /// <summary>Second names, and the collection that each stands for.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ListAliasesAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync(HttpMethod.Get, "aliases", QdrantJson.Default.Aliases, "its aliases", cancellation);
        return (answer.Result?.Aliases ?? throw Strange("its aliases")).Where(a => a is { AliasName: not null, CollectionName: not null })
            .ToDictionary(a => a.AliasName!, a => a.CollectionName!, StringComparer.Ordinal);
    }

    /// <summary>Has second names stand for a collection, all at once; those that stand for another one do so no more.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public Task SetAliasesAsync(string collection, IEnumerable<string> aliases, CancellationToken cancellation)
    {
        // Deleting one that is not there is no error ("Delete alias if exists").
        var actions = aliases.SelectMany(alias => (string[])[
            $$$"""{"delete_alias":{"alias_name":"{{{JsonEncodedText.Encode(alias)}}}"}}""",
            $$$"""{"create_alias":{"collection_name":"{{{JsonEncodedText.Encode(collection)}}}","alias_name":"{{{JsonEncodedText.Encode(alias)}}}"}}"""]);
        return AskAsync(HttpMethod.Post, "collections/aliases", QdrantJson.Default.Done, $"aliases of collection {collection}", cancellation, body: $$"""{"actions":[{{string.Join(',', actions)}}]}""");
    }

    /// <summary>Names of the snapshots that the server has of a collection.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<IReadOnlyList<string>> ListSnapshotsAsync(string collection, CancellationToken cancellation)
    {
        var answer = await AskAsync(HttpMethod.Get, $"{PathOf(collection)}/snapshots", QdrantJson.Default.Snapshots, $"the snapshots of collection {collection}", cancellation);
        return [.. (answer.Result ?? []).Select(s => s.Name).OfType<string>()];
    }

    /// <summary>Has a snapshot made, and waits until it is.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task<QdrantSnapshot> MakeSnapshotAsync(string collection, CancellationToken cancellation)
    {
        var what = $"a snapshot of collection {collection}";
        var answer = await AskAsync(HttpMethod.Post, $"{PathOf(collection)}/snapshots?wait=true", QdrantJson.Default.SnapshotMade, what, cancellation, settings.Timeout);
        return answer.Result is { Name: { Length: > 0 } name } snapshot && !name.Contains('/', StringComparison.Ordinal) ? snapshot : throw Strange(what);
    }

    /// <summary>Opens a snapshot for reading; to be disposed.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public Task<HttpResponseMessage> OpenSnapshotAsync(string collection, string snapshot, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, Address($"{PathOf(collection)}/snapshots/{Uri.EscapeDataString(snapshot)}")), $"snapshot {snapshot}", settings.Timeout, cancellation);

    /// <summary>Removes a snapshot; one that is not there is fine.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public Task RemoveSnapshotAsync(string collection, string snapshot, CancellationToken cancellation) =>
        RemoveAsync($"{PathOf(collection)}/snapshots/{Uri.EscapeDataString(snapshot)}?wait=true", $"the removal of snapshot {snapshot}", cancellation);

    /// <summary>Removes a collection; one that is not there is fine.</summary>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public Task RemoveCollectionAsync(string collection, CancellationToken cancellation) => RemoveAsync(PathOf(collection), $"the removal of collection {collection}", cancellation);

    /// <summary>Makes a collection of a snapshot, and waits until it is there.</summary>
    /// <param name="collection">Its name.</param>
    /// <param name="content">The snapshot.</param>
    /// <param name="sha256">Its SHA-256, which the server compares; null when nobody knows it yet.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ServerException">It cannot be reached, or refuses.</exception>
    public async Task UploadSnapshotAsync(string collection, SnapshotUpload content, string? sha256, CancellationToken cancellation)
    {
        var address = Address($"{PathOf(collection)}/snapshots/upload?wait=true&priority=snapshot{(sha256 is null ? "" : $"&checksum={sha256}")}");
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        // So that a server that refuses says so before gigabytes are sent.
        request.Headers.ExpectContinue = true;
        using var silence = new Silence(settings.Timeout, cancellation);
        content.Sent = silence.Restart;
        try
        {
            using var response = await SendAsync(request, $"collection {collection} from a snapshot", silence, cancellation);
        }
        catch when (content.Failure is { } failure)
        {
            // It is what was to be sent that failed, and not the server.
            ExceptionDispatchInfo.Throw(failure);
            throw;
        }
        finally
        {
            IsUploadUnanswered |= content is { IsWhole: true, IsAnswered: false };
        }
    }

    /// <summary>What is wrong with a connection that fails while it is read.</summary>
    public ServerException Broken(string what, Exception e) => e switch
    {
        OperationCanceledException => Silent(what),
        _ => new ServerException($"{Server} went away while it sent {what}: {Reason(e)}", "its log says why", e),
    };

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    async Task<T> AskAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, string what, CancellationToken cancellation, TimeSpan? patience = null, string? body = null)
        where T : class
    {
        var request = new HttpRequestMessage(method, Address(path)) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await SendAsync(request, what, patience ?? Shorter(settings.Timeout), cancellation);
        using var silence = new Silence(Shorter(settings.Timeout), cancellation);
        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(silence.Token), type) ?? throw Strange(what);
        }
        catch (JsonException e)
        {
            throw Strange(what, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw Broken(what, e);
        }
    }

    async Task RemoveAsync(string path, string what, CancellationToken cancellation)
    {
        using var silence = new Silence(Shorter(settings.Timeout), cancellation);
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Delete, Address(path)), what, silence, cancellation, HttpStatusCode.NotFound);
    }

    async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string what, TimeSpan patience, CancellationToken cancellation)
    {
        using var silence = new Silence(patience, cancellation);
        return await SendAsync(request, what, silence, cancellation);
    }

    async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string what, Silence silence, CancellationToken cancellation, HttpStatusCode? welcome = null)
    {
        if (settings.ApiKey is { } key)
        {
            request.Headers.TryAddWithoutValidation(KeyHeader, key.Reveal());
        }

        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            if (request.Content is SnapshotUpload upload)
            {
                upload.IsAnswered = true;
            }

            if (response.IsSuccessStatusCode || response.StatusCode == welcome)
            {
                return response;
            }

            using (response)
            {
                throw Refusal(what, response.StatusCode, ErrorOf(await response.Content.ReadAsStringAsync(silence.Token)));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Silent(what);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(what, e);
        }
    }

    ServerException Refusal(string what, HttpStatusCode status, string text) => new(
        $"{Server} refuses {what}: HTTP {(int)status}{(text.Length > 0 ? $": {text}" : "")}",
        status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => settings.ApiKey is null
                ? "the server wants a key: give it with api-key: file:/path"
                : "check api-key of the service: it must be the right one, and one that may do everything, not only read",
            HttpStatusCode.NotFound => "is it still there? and is url the base of the server's HTTP API?",
            HttpStatusCode.InsufficientStorage => "the server has no room for a snapshot; make some where its snapshots_path is",
            >= HttpStatusCode.InternalServerError => "the server's log says why",
            _ => null,
        });

    ServerException Unreachable(string what, HttpRequestException e) => e.InnerException switch
    {
        AuthenticationException tls => new ServerException(
            $"{Server} is not trusted: {Reason(tls)}", "its certificate must be one that this host trusts (a private authority: update-ca-certificates, or SSL_CERT_FILE); or the port speaks no TLS, and url is http://", e),
        SocketException socket => new ServerException($"{Server} cannot be reached: {socket.Message}", "is the server running there, and is url right?", e),
        _ => new ServerException($"{Server} did not answer when it was asked for {what}: {Reason(e)}", "the server went away, or is none that speaks HTTP; its log says why", e),
    };

    ServerException Silent(string what) => new($"{Server} did not answer within {settings.Timeout} when it was asked for {what}", "see how busy it is; timeout of the service says how long it may take");

    ServerException Strange(string what, Exception? e = null) => new($"{Server} does not answer as Qdrant does when it is asked for {what}", "is url the base of the server's HTTP API?", e);

    static string Reason(Exception e) => e.InnerException is { } inner ? Reason(inner) : e.Message;

    // {"status":{"error":"…"}}, or whatever stands between.
    static string ErrorOf(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("status", out var status)
                && status.ValueKind == JsonValueKind.Object && status.TryGetProperty("error", out var error) && error.GetString() is { } text)
            {
                body = text;
            }
        }
        catch (JsonException)
        {
            // Then it is shown as it is.
        }

        var line = string.Concat(body.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
        return line.Length <= LongestError ? line : line[..LongestError];
    }

    static string PathOf(string collection) => $"collections/{Uri.EscapeDataString(collection)}";

    static TimeSpan Shorter(TimeSpan timeout) => timeout < ShortWork ? timeout : ShortWork;

    Uri Address(string path) => new($"{settings.Url.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{path}");
}
