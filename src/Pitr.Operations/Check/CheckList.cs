using Pitr.Operations.Errors;
using Pitr.Postgres;
using Pitr.Storage;

namespace Pitr.Operations.Check;

/// <summary>The lines of `pitr check`, as they come.</summary>
/// <param name="onResult">Told each result; may be null.</param>
sealed class CheckList(Action<CheckResult>? onResult)
{
    readonly List<CheckResult> _results = [];

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<CheckResult> Results => _results;

    /// <summary>Makes a line of what a check says, or of what it fails with.</summary>
    /// <returns>Whether it passed.</returns>
    public async Task<bool> CheckAsync(string name, Func<Task<string>> check)
    {
        CheckResult result;
        try
        {
            result = new CheckResult(name, true, await check(), null);
        }
        catch (Exception e) when (e is OperationException or ServerException or StorageException or Configuration.ConfigurationException or Format.UnsupportedFormatException or Format.DamagedObjectException)
        {
            result = new CheckResult(name, false, e.Message, HintOf(e) ?? "see the message");
        }

        Add(result);
        return result.Passed;
    }

    /// <summary>Adds a line for what is not tried because of those before it.</summary>
    public void AddNotTried(string name) => Add(new CheckResult(name, false, "not tried, because something before it failed", "fix the lines above first"));

    void Add(CheckResult result)
    {
        _results.Add(result);
        onResult?.Invoke(result);
    }

    static string? HintOf(Exception e) => e switch
    {
        OperationException operation => operation.Hint,
        ServerException server => server.Hint,
        StorageException storage => storage.Hint,
        Configuration.ConfigurationException configuration => configuration.Hint,
        _ => null,
    };
}
