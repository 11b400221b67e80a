namespace Pitr.Operations.Configuration;

/// <summary>What a repository may take of the network and of its server; null where nothing limits it.</summary>
/// <param name="Upload">Bytes per second written, all operations together; 1000 or more.</param>
/// <param name="Download">Bytes per second read, all operations together; 1000 or more.</param>
/// <param name="Concurrency">Operations at once, 1 to 1024. A read counts until its stream is closed.</param>
public sealed record LimitSettings(long? Upload, long? Download, int? Concurrency)
{
    /// <summary>What applies when the configuration says nothing.</summary>
    public static LimitSettings None { get; } = new(null, null, null);
}
