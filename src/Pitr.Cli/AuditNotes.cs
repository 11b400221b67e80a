namespace Pitr.Cli;

/// <summary>What a command says about itself for the audit trail while it runs.</summary>
sealed class AuditNotes
{
    /// <summary>What it was done to, or made.</summary>
    public string? Subject { get; set; }

    /// <summary>More about it, by name.</summary>
    public Dictionary<string, string> Details { get; } = new(StringComparer.Ordinal);

    /// <summary>It only looked: nothing is recorded.</summary>
    public bool ChangedNothing { get; set; }
}
