namespace Pitr.Operations.Configuration;

/// <summary>The <c>agent</c> section: how <c>pitr-archive</c> finds the agent of this host.</summary>
/// <param name="Socket">Absolute path of the Unix socket, at most 107 bytes (unix(7), <c>sun_path</c>). Default <c>/run/pitr/agent.sock</c>.</param>
public sealed record AgentSettings(string Socket)
{
    /// <summary>The socket used when the configuration names none; <c>pitr-archive</c> knows the same path.</summary>
    public const string DefaultSocket = "/run/pitr/agent.sock";
}
