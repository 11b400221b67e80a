namespace Pitr.Storage.Tests.S3;

/// <summary>A request as <see cref="FaultProxy"/> saw it.</summary>
/// <param name="Number">Counted from 1 over all connections.</param>
/// <param name="Method">The method.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Length">Bytes of its content.</param>
/// <param name="Head">Its first line and headers.</param>
public sealed record ProxiedRequest(int Number, string Method, string Target, long Length, string Head)
{
    /// <summary>A header's value, or <see langword="null"/>.</summary>
    public string? Header(string name) => HttpReader.Header(Head, name);

    /// <summary>Whether it is the driver's trial of create-if-absent, which the faults of most tests leave alone.</summary>
    public bool IsTrial => Target.Contains("/.tmp-create-if-absent", StringComparison.Ordinal);

    public bool IsPut(string key) => Method == "PUT" && Target.Contains(key, StringComparison.Ordinal);

    public bool IsGet(string key) => Method == "GET" && Target.Contains(key, StringComparison.Ordinal);
}
