using System.Collections.Concurrent;
using System.Globalization;

namespace Pitr.EndToEnd.Tests.Programs;

/// <summary>
/// Looks at the processes that this one has started, and that they have started, again and again: their argument lists, which any user of
/// the host could read, and the environment of curl and ssh, which are pitr's children and get none of its secrets.
/// </summary>
sealed class ProcessWatch : IAsyncDisposable
{
    readonly string[] _secrets;
    readonly CancellationTokenSource _stopping = new();
    readonly ConcurrentDictionary<string, bool> _leaks = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, bool> _programs = new(StringComparer.Ordinal);
    // Of others, and they stay that. Without looking at them again a round takes a moment, and what runs for a tenth of a second is seen.
    readonly HashSet<int> _others = [];
    readonly Task _watching;

    public ProcessWatch(params string[] secrets)
    {
        _secrets = secrets;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Where a secret was seen.</summary>
    public IEnumerable<string> Leaks => _leaks.Keys;

    /// <summary>File names of the programs that were seen running.</summary>
    public IEnumerable<string> Programs => _programs.Keys;

    async Task WatchAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            foreach (var id in Processes.All().Where(id => !_others.Contains(id)))
            {
                Look(id);
            }

            await Task.Delay(1, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Look(int id)
    {
        if (Processes.Read(id, "cmdline") is not { } arguments)
        {
            return;
        }

        if (!IsOurs(id))
        {
            _others.Add(id);
            return;
        }

        if (arguments.Length == 0)
        {
            return;
        }

        var program = Path.GetFileName(arguments.Split(' ')[0]);
        _programs.TryAdd(program, true);
        Require(arguments, $"arguments of {program}");
        if (program is "curl" or "ssh" && Processes.Read(id, "environ") is { } environment)
        {
            Require(environment, $"environment of {program}");
        }
    }

    // The fourth word of stat is the parent; the second may hold anything, in parentheses.
    static bool IsOurs(int id)
    {
        while (id > 1 && id != Environment.ProcessId && Processes.Read(id, "stat") is { } stat)
        {
            id = int.Parse(stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }

        return id == Environment.ProcessId;
    }

    void Require(string text, string where)
    {
        if (_secrets.Any(secret => text.Contains(secret, StringComparison.Ordinal)))
        {
            _leaks.TryAdd(where, true);
        }
    }

    /// <summary>Ends the watch.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }
}
