using Pitr.Format.Keys;

namespace Pitr.Operations.Keys;

sealed record CachedDataKey(string Id, DateTimeOffset Created, string Secret, IReadOnlyList<string> RecipientIds)
{
    public DataKey ToKey() => new(DataKeyId.Parse(Id), Convert.FromBase64String(Secret), Created);
}
