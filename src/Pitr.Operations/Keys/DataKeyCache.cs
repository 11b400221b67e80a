using System.Text.Json;
using System.Text.Json.Serialization;
using Pitr.Format.Keys;
using Pitr.Operations.Configuration;
using Pitr.Operations.Services;

namespace Pitr.Operations.Keys;

/// <summary>
/// The data key this host currently seals with, kept 0600 in the state directory so that a new process need not make a new one.
/// A key older than <see cref="Lifetime"/> is forgotten: from then on this host cannot open what it sealed with it.
/// </summary>
public sealed class DataKeyCache(string directory, TimeProvider clock)
{
    /// <summary>How long one data key seals new objects.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    readonly string _path = Path.Combine(directory, "data-key.json");

    /// <summary>The current key if it is young enough and wrapped to exactly these recipients; otherwise null.</summary>
    public DataKey? Current(IEnumerable<string> recipientIds) =>
        Read() is { } cached && cached.RecipientIds.ToHashSet().SetEquals(recipientIds) ? cached.ToKey() : null;

    /// <summary>The current key if it has this id; otherwise null.</summary>
    public DataKey? Find(DataKeyId id) => Read() is { } cached && cached.Id == id.ToString() ? cached.ToKey() : null;

    /// <summary>Replaces the current key.</summary>
    public void Store(DataKey key, IReadOnlyList<string> recipientIds)
    {
        var document = new CachedDataKey(key.Id.ToString(), key.Created, Convert.ToBase64String(key.Secret), recipientIds);
        StateFile.Replace(_path, JsonSerializer.SerializeToUtf8Bytes(document, CachedDataKeyJson.Default.CachedDataKey));
    }

    CachedDataKey? Read()
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        SecretFile.RequireOwnerOnly(_path);
        CachedDataKey? cached;
        try
        {
            cached = JsonSerializer.Deserialize(File.ReadAllBytes(_path), CachedDataKeyJson.Default.CachedDataKey);
        }
        catch (JsonException)
        {
            // A cache is only a cache: a key that cannot be read is replaced by a new one; its wrapped form is in the repository.
            return null;
        }

        // A cache is only a cache: what makes no sense counts as absent too.
        if (cached is not null && cached.IsWellFormed() && clock.GetUtcNow() - cached.Created < Lifetime && cached.Created <= clock.GetUtcNow())
        {
            return cached;
        }

        // Past its time: from now on this host must not be able to open what it sealed with the key.
        File.Delete(_path);
        return null;
    }
}
