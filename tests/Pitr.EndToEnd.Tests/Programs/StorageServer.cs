namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>
/// A real storage server: the one that <c>PITR_TEST_…</c> variables describe, else one that <c>scripts/services.d</c> starts for this user.
/// Where there is neither, the test fails and says why.
/// </summary>
sealed class StorageServer : IAsyncDisposable
{
    readonly TestDirectory _directory;
    readonly string? _script;
    readonly IReadOnlyDictionary<string, string> _variables;

    StorageServer(TestDirectory directory, string? script, IReadOnlyDictionary<string, string> variables) =>
        (_directory, _script, _variables) = (directory, script, variables);

    /// <summary>What the server printed when it started, by the name without <c>PITR_TEST_</c>.</summary>
    public string this[string variable] => _variables["PITR_TEST_" + variable];

    /// <summary>Starts a server.</summary>
    /// <param name="name">A script of <c>scripts/services.d</c>.</param>
    /// <param name="prefix">What its variables begin with, behind <c>PITR_TEST_</c>.</param>
    public static async Task<StorageServer> StartAsync(string name, string prefix)
    {
        var directory = new TestDirectory();
        if (TestEnvironment.Given("PITR_TEST_" + prefix) is { Count: > 0 } given)
        {
            return new StorageServer(directory, null, given);
        }

        try
        {
            var script = Find(name);
            var run = (await ProgramRun.RunAsync(script, ["start", directory["server"]])).Must();
            return new StorageServer(directory, script, run.Output
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal));
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_script is not null)
        {
            (await ProgramRun.RunAsync(_script, ["stop", _directory["server"]])).Must();
        }

        _directory.Dispose();
    }

    static string Find(string name)
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var script = Path.Combine(directory.FullName, "scripts", "services.d", name);
            if (File.Exists(script))
            {
                return script;
            }
        }

        throw new InvalidOperationException($"there is no scripts/services.d/{name} above {AppContext.BaseDirectory}; run the tests inside the clone");
    }
}
