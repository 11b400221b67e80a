using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace Pitr.EndToEnd.Tests.Dumps;

/// <summary>A double of a Qdrant server (tests/doubles/qdrant): it is not Qdrant, which cannot be had here.</summary>
sealed class QdrantDouble : IDisposable
{
    public const string ApiKey = "k3y-of-tests";

    static readonly string Program = Path.Combine(AppContext.BaseDirectory, "doubles", "qdrant");

    readonly Process _process;
    readonly HttpClient _http = new();

    QdrantDouble(Process process, int port)
    {
        _process = process;
        Url = $"http://127.0.0.1:{port}";
        _http.DefaultRequestHeaders.Add("api-key", ApiKey);
    }

    public string Url { get; }

    public static async Task<QdrantDouble> StartAsync(params string[] options)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])[Program, "--api-key", ApiKey, .. options])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        return new QdrantDouble(process, int.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture));
    }

    /// <summary>Makes a collection of so many points.</summary>
    public async Task LoadAsync(string collection, int points, int first = 1)
    {
        await PutAsync($"collections/{collection}", new { vectors = new { size = 2, distance = "Dot" } });
        await PutAsync($"collections/{collection}/points?wait=true", new { points = Enumerable.Range(first, points).Select(n => new { id = n, vector = new[] { n, -n } }) });
    }

    /// <summary>Removes a collection.</summary>
    public async Task RemoveAsync(string collection) => (await _http.DeleteAsync($"{Url}/collections/{collection}")).EnsureSuccessStatusCode();

    /// <summary>Has a name stand for a collection.</summary>
    public async Task AliasAsync(string alias, string collection)
    {
        var actions = $$$"""{"actions":[{"delete_alias":{"alias_name":"{{{alias}}}"}},{"create_alias":{"collection_name":"{{{collection}}}","alias_name":"{{{alias}}}"}}]}""";
        (await _http.PostAsync($"{Url}/collections/aliases", new StringContent(actions))).EnsureSuccessStatusCode();
    }

    /// <summary>What each collection holds and how it is made, as a digest.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ContentAsync() => (await StateAsync()).GetProperty("content").Deserialize<Dictionary<string, string>>()!;

    /// <summary>Collections whose uploads have come and are not there yet.</summary>
    public async Task<IReadOnlyList<string>> UnpackingAsync() => (await StateAsync()).GetProperty("unpacking").Deserialize<string[]>()!;

    /// <summary>The collection that each alias stands for.</summary>
    public async Task<IReadOnlyDictionary<string, string>> AliasesAsync() => (await StateAsync()).GetProperty("aliases").Deserialize<Dictionary<string, string>>()!;

    /// <summary>Has it fail from now on.</summary>
    public async Task FailAsync(string fault) => (await _http.PutAsync($"{Url}/double/fault", new StringContent(fault))).EnsureSuccessStatusCode();

    /// <summary>How many points there are, by collection.</summary>
    public async Task<IReadOnlyDictionary<string, int>> PointsAsync() => (await StateAsync()).GetProperty("points").Deserialize<Dictionary<string, int>>()!;

    /// <summary>Names of the snapshots it holds.</summary>
    public async Task<IReadOnlyList<string>> SnapshotsAsync() =>
        [.. (await StateAsync()).GetProperty("snapshots").EnumerateObject().SelectMany(c => c.Value.EnumerateArray()).Select(s => s.GetString()!)];

    /// <summary>Keys of a service that dumps it.</summary>
    public string Service(string keyFile, string more = "") => $"""
        kind: qdrant
        url: {Url}
        api-key: file:{keyFile}
        {more}
        """;

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
        _http.Dispose();
    }

    async Task PutAsync(string path, object body) => (await _http.PutAsync($"{Url}/{path}", new StringContent(JsonSerializer.Serialize(body)))).EnsureSuccessStatusCode();

    async Task<JsonElement> StateAsync() => (await _http.GetFromJsonAsync<JsonElement>($"{Url}/double/state")).GetProperty("result");
}
