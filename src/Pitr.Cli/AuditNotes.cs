namespace Pitr.Cli;

/// <summary>What a command says about itself for the audit trail while it runs.</summary>
/// <param name="token">What the keys of its records have in common.</param>
/// <param name="begin">Records that it begins.</param>
sealed class AuditNotes(string token, Func<AuditNotes, CancellationToken, Task> begin)
{
    const int MostNamed = 10;

    /// <summary>What the keys of its records have in common.</summary>
    public string Token => token;

    /// <summary>What it was done to, or made.</summary>
    public string? Subject { get; set; }

    /// <summary>More about it, by name.</summary>
    public Dictionary<string, string> Details { get; } = new(StringComparer.Ordinal);

    /// <summary>What went wrong, of a command that says so itself and ends with a code.</summary>
    public string? Error { get; set; }

    /// <summary>It only looked: nothing is recorded.</summary>
    public bool ChangedNothing { get; set; }

    /// <summary>Names of objects or files as one text, the first few where there are many.</summary>
    public static string Text(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");

    /// <summary>
    /// Records that the work begins, with what is known of it by now, so that it is known also of what is killed. For what takes long or cannot be undone, before its first step.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public Task BeginAsync(CancellationToken cancellation)
    {
        ChangedNothing = false;
        return begin(this, cancellation);
    }
}
