namespace Pitr.Operations.Configuration;

/// <summary>Where a server listens.</summary>
/// <param name="Host">Name or address; what counts unless there is a socket.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Socket">Absolute path of its Unix socket, or null.</param>
public sealed record NetworkPlace(string Host, int Port, string? Socket)
{
    /// <summary>As messages name it.</summary>
    public override string ToString() => Socket ?? $"{Host}:{Port}";
}
