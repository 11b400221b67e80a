namespace Pitr.Operations.Restore;

/// <summary>How a restored cluster is started.</summary>
/// <param name="DataDirectory">The restored directory.</param>
/// <param name="SocketDirectory">Where its Unix socket goes.</param>
/// <param name="Port">Its port number, 0 for a free one.</param>
/// <param name="LogFile">Where its log goes.</param>
/// <param name="Settings">Settings that win over every configuration file.</param>
/// <param name="OwnConfiguration">Uses a configuration written for the purpose instead of the one in the directory.</param>
public sealed record RecoveryServerOptions(
    string DataDirectory,
    string SocketDirectory,
    int Port,
    string LogFile,
    IReadOnlyDictionary<string, string> Settings,
    bool OwnConfiguration)
{
    /// <summary>Options of every session that this program opens, as in <c>PGOPTIONS</c>; null: none.</summary>
    public string? SessionOptions { get; init; }

    /// <summary>Looks at each file that restore_command has fetched (name, path) before the server does; a text refuses it, and recovery ends with an error.</summary>
    public Func<string, string, string?>? Refuse { get; init; }
}
