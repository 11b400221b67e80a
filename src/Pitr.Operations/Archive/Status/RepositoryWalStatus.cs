using Pitr.Format.Wal;

namespace Pitr.Operations.Archive.Status;

/// <summary>How far one repository has come.</summary>
/// <param name="Name">The repository.</param>
/// <param name="Unanswered">Why it could not be asked; null when it was.</param>
/// <param name="Newest">The newest segment it holds; null when it holds none, or was not asked.</param>
/// <param name="Stored">When that was stored, by the repository's clock.</param>
/// <param name="Owed">How many objects it lacks although they are acknowledged, as far as this host knows.</param>
/// <param name="OwedSince">Since when; null when nothing is owed.</param>
public sealed record RepositoryWalStatus(string Name, string? Unanswered, WalSegmentName? Newest, DateTimeOffset? Stored, int Owed, DateTimeOffset? OwedSince);
