using Pitr.Format.Keys;

namespace Pitr.Operations.Keys;

sealed record CachedDataKey(string Id, DateTimeOffset Created, string Secret, IReadOnlyList<string> RecipientIds)
{
    // What was read from a file may lack any member.
    public bool IsWellFormed() => RecipientIds is not null
        && DataKeyId.TryParse(Id, out _)
        && Secret is not null
        && Convert.TryFromBase64String(Secret, new byte[Secret.Length], out var length)
        && length == DataKey.Size;

    public DataKey ToKey() => new(DataKeyId.Parse(Id), Convert.FromBase64String(Secret), Created);
}
