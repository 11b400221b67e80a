namespace Pitr.Operations.Configuration;

/// <summary>One entry of <c>repositories</c>: a place objects are kept.</summary>
/// <param name="Name">The name services refer to it by; the same rule as a service name.</param>
/// <param name="Url">Where it is. Absolute; never carries a password.</param>
/// <param name="Retry">How long passing failures are waited out.</param>
/// <param name="DriverOptions">The keys only this kind of repository knows, as written; empty for <c>file:</c>.</param>
public sealed record RepositorySettings(string Name, Uri Url, RetrySettings Retry, IReadOnlyDictionary<string, string> DriverOptions);
